package main

import (
	"net/http"
	"strings"

	"mirrorgate/benchmarks/peers"
)

func (b *bed) startNginx(size int64, template string, proxies bool, proves func(http.Header) error) (*server, error) {
	v, err := b.values()
	if err != nil {
		return nil, err
	}
	v.Files = b.files()
	args := func(config string, v peers.Values) []string {
		return []string{"-p", v.Dir, "-c", config, "-e", "stderr"}
	}
	s := &server{name: "nginx", proxies: proxies, proves: both(nginx, proves)}
	return b.launch(s, size, spec{program: "nginx", template: template, args: args}, v)
}

func startNginxProxy(b *bed, size int64) (*server, error) {
	return b.startNginx(size, "nginx-proxy.conf.tmpl", true, says("ETag", newObject(size).etag))
}

// startNginxFiles serves the files that a mirrorgate has been started with.
func startNginxFiles(b *bed, size int64) (*server, error) {
	return b.startNginx(size, "nginx-files.conf.tmpl", false, anonymous)
}

func startNginxCache(b *bed, size int64) (*server, error) {
	return b.startNginx(size, "nginx-cache.conf.tmpl", false, says("X-Cache-Status", "HIT"))
}

func startHAProxy(b *bed, size int64) (*server, error) {
	v, err := b.values()
	if err != nil {
		return nil, err
	}
	args := func(config string, _ peers.Values) []string { return []string{"-db", "-f", config} } // in the foreground
	s := &server{name: "haproxy", proxies: true, proves: says("ETag", newObject(size).etag)}
	return b.launch(s, size, spec{program: "haproxy", template: "haproxy.conf.tmpl", args: args}, v)
}

// startVarnish has one small pool of threads, as many as there are clients and some: more would only wait on one core.
// It writes no records of hits into its shared memory, as the others have no access log.
func startVarnish(b *bed, size int64) (*server, error) {
	v, err := b.values()
	if err != nil {
		return nil, err
	}
	args := func(config string, v peers.Values) []string {
		return []string{"-F", "-j", "none", "-n", v.Dir + "/work", "-a", v.Listen, "-T", "none", "-f", config,
			"-s", "malloc,256m", "-p", "thread_pools=1", "-p", "thread_pool_min=50", "-p", "thread_pool_max=200",
			"-p", "vsl_mask=" + unlogged()}
	}
	s := &server{name: "varnish", proves: varnishHit}
	return b.launch(s, size, spec{program: "varnishd", template: "varnish.vcl.tmpl", args: args}, v)
}

// unlogged are the records of a hit, switched off.
func unlogged() string {
	tags := []string{"Begin", "End", "Link", "SessOpen", "SessClose", "ReqStart", "ReqMethod", "ReqURL", "ReqProtocol",
		"ReqHeader", "ReqUnset", "ReqAcct", "RespProtocol", "RespStatus", "RespReason", "RespHeader", "RespUnset",
		"VCL_call", "VCL_return", "VCL_use", "Timestamp", "Hit"}
	return "-" + strings.Join(tags, ",-")
}

func startFloor(b *bed, size int64) (*server, error) {
	v, err := b.values()
	if err != nil {
		return nil, err
	}
	args := func(_ string, v peers.Values) []string { return []string{"floor", v.Listen} }
	s := &server{name: "floor", proves: anonymous}
	return b.launch(s, size, spec{path: b.self, args: args, env: []string{"GOMAXPROCS=1"}}, v)
}
