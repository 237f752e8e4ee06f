package main

import (
	"strings"

	"mirrorgate/benchmarks/peers"
)

func (b *bed) startNginx(s *server, a ask, template string, v peers.Values) (*server, error) {
	args := func(config string, v peers.Values) []string {
		return []string{"-p", v.Dir, "-c", config, "-e", "stderr"}
	}
	s.name = "nginx"
	if s.proves == nil {
		s.proves = nginx
	} else {
		s.proves = both(nginx, s.proves)
	}
	return b.launch(s, a, spec{program: "nginx", template: template, args: args}, v)
}

func startNginxProxy(b *bed, a ask) (*server, error) {
	v, err := b.values()
	if err != nil {
		return nil, err
	}
	s := &server{proxies: true, proves: says("ETag", newObject(a.size).etag)}
	return b.startNginx(s, a, "nginx-proxy.conf.tmpl", v)
}

// startNginxFiles serves the files that a mirrorgate has been started with.
func startNginxFiles(b *bed, a ask) (*server, error) {
	v, err := b.values()
	if err != nil {
		return nil, err
	}
	v.Files = b.files()
	return b.startNginx(&server{}, a, "nginx-files.conf.tmpl", v)
}

func startNginxCache(b *bed, a ask) (*server, error) {
	v, err := b.values()
	if err != nil {
		return nil, err
	}
	s := &server{keeps: true, proves: says("X-Cache-Status", "HIT")}
	return b.startNginx(s, a, "nginx-cache.conf.tmpl", v)
}

func startHAProxy(b *bed, a ask) (*server, error) {
	v, err := b.values()
	if err != nil {
		return nil, err
	}
	return b.launchHAProxy(&server{proxies: true, proves: says("ETag", newObject(a.size).etag)}, a, v)
}

func (b *bed) launchHAProxy(s *server, a ask, v peers.Values) (*server, error) {
	args := func(config string, _ peers.Values) []string { return []string{"-db", "-f", config} } // in the foreground
	s.name = "haproxy"
	return b.launch(s, a, spec{program: "haproxy", template: "haproxy.conf.tmpl", args: args}, v)
}

// startVarnish has one small pool of threads, as many as there are clients and some: more would only wait on one core.
// It writes no records of hits into its shared memory, as the others have no access log.
func startVarnish(b *bed, a ask) (*server, error) {
	v, err := b.values()
	if err != nil {
		return nil, err
	}
	args := func(config string, v peers.Values) []string {
		return []string{"-F", "-j", "none", "-n", v.Dir + "/work", "-a", v.Listen, "-T", "none", "-f", config,
			"-s", "malloc,256m", "-p", "thread_pools=1", "-p", "thread_pool_min=50", "-p", "thread_pool_max=200",
			"-p", "vsl_mask=" + unlogged()}
	}
	s := &server{name: "varnish", keeps: true, proves: varnishHit}
	return b.launch(s, a, spec{program: "varnishd", template: "varnish.vcl.tmpl", args: args}, v)
}

// unlogged are the records of a hit, switched off.
func unlogged() string {
	tags := []string{"Begin", "End", "Link", "SessOpen", "SessClose", "ReqStart", "ReqMethod", "ReqURL", "ReqProtocol",
		"ReqHeader", "ReqUnset", "ReqAcct", "RespProtocol", "RespStatus", "RespReason", "RespHeader", "RespUnset",
		"VCL_call", "VCL_return", "VCL_use", "Timestamp", "Hit"}
	return "-" + strings.Join(tags, ",-")
}

func startFloor(b *bed, a ask) (*server, error) {
	v, err := b.values()
	if err != nil {
		return nil, err
	}
	args := func(_ string, v peers.Values) []string { return []string{"floor", v.Listen} }
	s := &server{name: "floor", proves: anonymous}
	return b.launch(s, a, spec{path: b.self, args: args, env: []string{"GOMAXPROCS=1"}}, v)
}
