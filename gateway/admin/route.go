package admin

import (
	"crypto/sha256"
	"crypto/subtle"
	"net"
	"net/http"
	"strings"
)

// access says who may ask an endpoint.
type access int

const (
	forAll   access = iota // everybody who can reach the listener
	toRead                 // everybody on this machine; elsewhere who shows the token
	toChange               // who shows the token
)

// endpoint is what answers under a path.
type endpoint struct {
	method string // GET stands for HEAD, too
	access access
	handle http.HandlerFunc
}

// route finds the endpoint of a request. Requests for another host are refused before anything is looked at: DNS
// rebinding would let a page in a browser read what it may not.
func (s *Server) route(endpoints map[string]endpoint) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Cache-Control", "no-store")
		e, ok := endpoints[r.URL.Path]
		switch {
		case !s.ownHost(r.Host):
			fail(w, http.StatusMisdirectedRequest, "this is not the admin listener of that host")
		case !ok:
			fail(w, http.StatusNotFound, "there is nothing under this path")
		case !e.takes(r.Method):
			w.Header().Set("Allow", e.allow())
			fail(w, http.StatusMethodNotAllowed, "only "+e.allow()+" is answered here")
		case s.admitted(w, r, e.access):
			e.handle(w, r)
		}
	})
}

func (e endpoint) takes(method string) bool {
	return method == e.method || method == http.MethodHead && e.method == http.MethodGet
}

func (e endpoint) allow() string {
	if e.method == http.MethodGet {
		return "GET, HEAD"
	}
	return e.method
}

// admitted tells whether the request may be answered, or refuses it.
func (s *Server) admitted(w http.ResponseWriter, r *http.Request, need access) bool {
	local := s.o.Config.local()
	switch {
	case need == forAll, need == toRead && local, s.o.Config.Token != "" && s.authorized(r):
		return true
	case s.o.Config.Token != "":
		w.Header().Set("Www-Authenticate", "Bearer")
		fail(w, http.StatusUnauthorized, "the token is missing or wrong")
	case local:
		fail(w, http.StatusForbidden, "admin.token is not set: the API is read-only")
	default:
		fail(w, http.StatusForbidden, "admin.token is not set, and others than this machine can reach admin.listen: "+
			"only /health is answered")
	}
	return false
}

// ownHost tells whether host is an address, localhost, or the name that is listened on. Only another name can be
// somebody else's.
func (s *Server) ownHost(host string) bool {
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	listen, _, _ := net.SplitHostPort(s.o.Config.Listen)
	return net.ParseIP(strings.Trim(host, "[]")) != nil || strings.EqualFold(host, "localhost") ||
		listen != "" && strings.EqualFold(host, listen)
}

// authorized compares in constant time, whatever the lengths are.
func (s *Server) authorized(r *http.Request) bool {
	given, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	got, want := sha256.Sum256([]byte(given)), sha256.Sum256([]byte(s.o.Config.Token))
	return subtle.ConstantTimeCompare(got[:], want[:]) == 1 && ok
}
