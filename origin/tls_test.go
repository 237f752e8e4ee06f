package origin

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"io"
	"log"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// seen is what a TLS server saw of a request.
type seen struct {
	name, host, proto string
}

// startTLS serves HTTPS, HTTP/2 too, with a certificate of its own CA for the name.
func startTLS(t *testing.T, name string, h http.HandlerFunc) (server *httptest.Server, caFile string, saw chan seen) {
	t.Helper()
	saw = make(chan seen, 10)
	server = httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		saw <- seen{r.TLS.ServerName, r.Host, r.Proto}
		h(w, r)
	}))
	certificate, ca := certify(t, name)
	server.TLS = &tls.Config{Certificates: []tls.Certificate{certificate}}
	server.EnableHTTP2 = true
	server.Config.ErrorLog = log.New(t.Output(), "", 0)
	server.StartTLS()
	t.Cleanup(server.Close)
	caFile = filepath.Join(t.TempDir(), "ca.pem")
	if err := os.WriteFile(caFile, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: ca}), 0o600); err != nil {
		t.Fatal(err)
	}
	return server, caFile, saw
}

// certify makes a CA and a certificate for the name.
func certify(t *testing.T, name string) (leaf tls.Certificate, ca []byte) {
	t.Helper()
	must := func(err error) {
		if err != nil {
			t.Fatal(err)
		}
	}
	caKey, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	must(err)
	root := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "test CA"}, IsCA: true, BasicConstraintsValid: true,
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), KeyUsage: x509.KeyUsageCertSign,
	}
	ca, err = x509.CreateCertificate(rand.Reader, root, root, &caKey.PublicKey, caKey)
	must(err)
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	must(err)
	made := &x509.Certificate{
		SerialNumber: big.NewInt(2), DNSNames: []string{name}, NotBefore: root.NotBefore, NotAfter: root.NotAfter,
	}
	der, err := x509.CreateCertificate(rand.Reader, made, root, &key.PublicKey, caKey)
	must(err)
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, ca
}

func hello(w http.ResponseWriter, _ *http.Request) {
	w.(http.Flusher).Flush() // no length
	_, _ = io.WriteString(w, "hello")
}

func TestTLS(t *testing.T) {
	server, ca, saw := startTLS(t, "old.example.com", hello)
	address := server.Listener.Addr().String()
	f := func(name string, target Target, want *seen) {
		t.Run(name, func(t *testing.T) {
			o := open(t, "", func(c *Config) { c.Primary = target })
			if want == nil {
				if e := refused(t, o, get(o, "/x"), KindFailed); e.Op != opConnect {
					t.Errorf("failed with %+v", e)
				}
				return
			}
			r := fetched(t, o, get(o, "/x"))
			if got := content(t, r); got != "hello" || !r.Proven || r.Length != -1 {
				t.Errorf("%q of %+v", got, r)
			}
			if got := <-saw; got != *want {
				t.Errorf("the server saw %+v", got)
			}
		})
	}
	old := Target{URL: "https://old.example.com", ConnectTo: address, TLS: TLS{CAFile: ca}}
	f("own CA, connect_to", old, &seen{"old.example.com", "old.example.com", "HTTP/2.0"})
	host := old
	host.Host = "www.example.com"
	f("host", host, &seen{"old.example.com", "www.example.com", "HTTP/2.0"})
	f("server_name", Target{URL: "https://" + address, TLS: TLS{CAFile: ca, ServerName: "old.example.com"}},
		&seen{"old.example.com", address, "HTTP/2.0"})
	f("no check", Target{URL: "https://old.example.com", ConnectTo: address, TLS: TLS{InsecureSkipVerify: true}},
		&seen{"old.example.com", "old.example.com", "HTTP/2.0"})
	f("the system's CAs", Target{URL: "https://old.example.com", ConnectTo: address}, nil)
	f("another name", Target{URL: "https://other.example.com", ConnectTo: address, TLS: TLS{CAFile: ca}}, nil)
	f("no TLS there", Target{URL: "https://" + startHTTP(t, hello).Listener.Addr().String()}, nil)
}

// connect_to holds on every hop to the target's host: from port 80 to 443 the port changes with the URL's.
func TestConnectToAfterRedirect(t *testing.T) {
	server, ca, saw := startTLS(t, "old.example.com", hello)
	_, port, _ := net.SplitHostPort(server.Listener.Addr().String())
	first := startRedirecting(t, 301, map[string]string{"/a": "https://old.example.com:" + port + "/b"})
	o := open(t, "", func(c *Config) {
		c.Primary = Target{URL: "http://old.example.com", ConnectTo: first.addr, TLS: TLS{CAFile: ca}}
	})
	if got := content(t, fetched(t, o, get(o, "/a"))); got != "hello" {
		t.Errorf("body %q", got)
	}
	if got := <-saw; got.name != "old.example.com" || got.host != "old.example.com:"+port {
		t.Errorf("the server saw %+v", got)
	}
}

// Leniency towards a target's certificate ends at its host.
func TestTrustEndsAtTheTarget(t *testing.T) {
	other, _, saw := startTLS(t, "localhost", hello)
	_, port, _ := net.SplitHostPort(other.Listener.Addr().String())
	server, _, _ := startTLS(t, "old.example.com", func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, "https://localhost:"+port+"/b", http.StatusFound)
	})
	o := open(t, "", func(c *Config) {
		c.AllowPrivateRedirects = true
		c.Primary = Target{URL: server.URL, TLS: TLS{InsecureSkipVerify: true}}
	})
	if e := refused(t, o, get(o, "/a"), KindFailed); e.Op != opConnect {
		t.Errorf("failed with %+v", e)
	}
	if len(saw) != 0 {
		t.Error("the other server was asked")
	}
}

func TestCutStream(t *testing.T) {
	server, ca, _ := startTLS(t, "old.example.com", func(w http.ResponseWriter, r *http.Request) {
		hello(w, r)
		w.(http.Flusher).Flush()
		panic(http.ErrAbortHandler)
	})
	o := open(t, "", func(c *Config) {
		c.Primary = Target{URL: "https://old.example.com", ConnectTo: server.Listener.Addr().String(), TLS: TLS{CAFile: ca}}
	})
	body, err := io.ReadAll(fetched(t, o, get(o, "/")).Body)
	if failedAs(t, err, KindFailed); string(body) != "hello" {
		t.Errorf("body %q", body)
	}
}
