package harness

import (
	"context"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// NginxConfig says what an nginx serves.
type NginxConfig struct {
	Root   string   // the folder it serves; "": a new one, that Nginx.Put fills
	Server string   // more directives for its server block, e.g. locations
	HTTP   string   // more directives for the http block, e.g. other servers
	Log    []string // request headers to log, besides those that it logs anyway
}

// Nginx is a running nginx, an origin that nobody here wrote. It logs every request.
type Nginx struct {
	*Process
	Addr string // 127.0.0.1:port
	URL  string // http://127.0.0.1:port
	Root string // the folder it serves
	log  string
}

// StartNginx starts an nginx. It is a single process, so that nothing of it stays behind.
func StartNginx(t testing.TB, c NginxConfig) *Nginx {
	t.Helper()
	if c.Root == "" {
		c.Root = t.TempDir()
	}
	dir, addr := t.TempDir(), FreeAddr(t)
	n := &Nginx{Addr: addr, URL: "http://" + addr, Root: c.Root, log: filepath.Join(dir, "access.log")}
	conf := filepath.Join(dir, "nginx.conf")
	if err := os.WriteFile(conf, []byte(n.conf(dir, c)), 0o600); err != nil {
		t.Fatal(err)
	}
	args := []string{"-p", dir, "-c", conf, "-e", "stderr"}
	n.Process = start(t, command{name: "nginx", path: Binary(t, "nginx"), args: args, up: n.up}, true)
	return n
}

// up only connects: a request would be logged.
func (n *Nginx) up(ctx context.Context) error {
	conn, err := new(net.Dialer).DialContext(ctx, "tcp", n.Addr)
	if err != nil {
		return err
	}
	return conn.Close()
}

// Put writes a file below the served folder, so that it appears whole.
func (n *Nginx) Put(t testing.TB, name string, body []byte) {
	t.Helper()
	path := filepath.Join(n.Root, filepath.FromSlash(name))
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path+".part", body, 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(path+".part", path); err != nil {
		t.Fatal(err)
	}
}

func (n *Nginx) conf(dir string, c NginxConfig) string {
	return strings.NewReplacer("{DIR}", dir, "{ADDR}", n.Addr, "{ROOT}", c.Root, "{LOG}", n.log,
		"{FIELDS}", logFields(c.Log), "{SERVER}", c.Server, "{HTTP}", c.HTTP).Replace(nginxConf)
}

// logged are the request headers that are always logged.
func logged() []string {
	return []string{"Host", "User-Agent", "Cookie", "Authorization", "Accept-Encoding", "Range", "If-Range",
		"If-None-Match", "If-Modified-Since", "Origin", "Referer", "Via", "CDN-Loop", "X-Forwarded-For",
		"X-Forwarded-Host", "header1", "header2"}
}

// logFields are the members of a log record's Header object. Those that were not sent are empty.
func logFields(more []string) string {
	names := slices.Concat(logged(), more)
	slices.Sort(names)
	var fields []string
	for _, name := range slices.Compact(names) {
		variable := "$http_" + strings.ReplaceAll(strings.ToLower(name), "-", "_")
		fields = append(fields, fmt.Sprintf(`"%s":["%s"]`, name, variable))
	}
	return strings.Join(fields, ",'\n    '")
}

const nginxConf = `
daemon off;
master_process off;
pid {DIR}/pid;
error_log stderr notice;
events { worker_connections 4096; }
http {
  types {
    text/html html;
    text/css css;
    text/plain txt;
    text/javascript js;
    application/json json;
    image/jpeg jpg jpeg;
    image/png png;
    image/svg+xml svg;
    video/mp4 mp4;
  }
  default_type application/octet-stream;
  log_format requests escape=json '{"Method":"$request_method","Target":"$request_uri","Query":"$args",'
    '"Status":$status,"Bytes":$body_bytes_sent,"Header":{'
    '{FIELDS}}}';
  access_log {LOG} requests;
  client_body_temp_path {DIR}/body;
  proxy_temp_path {DIR}/proxy;
  fastcgi_temp_path {DIR}/fastcgi;
  uwsgi_temp_path {DIR}/uwsgi;
  scgi_temp_path {DIR}/scgi;
  sendfile on;
  tcp_nopush on;
  large_client_header_buffers 8 32k;
  server {
    listen {ADDR} backlog=4096;
    root {ROOT};
    {SERVER}
  }
  {HTTP}
}
`
