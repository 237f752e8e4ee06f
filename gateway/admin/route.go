package admin

import (
	"crypto/sha256"
	"crypto/subtle"
	"math"
	"net"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

// access says who may ask an endpoint.
type access int

const (
	forAll   access = iota // everybody who can reach the listener
	toRead                 // everybody on this machine; elsewhere who shows the token
	toChange               // who shows the token
)

// endpoint is what answers a method under a path.
type endpoint struct {
	method string // GET stands for HEAD, too
	path   string // a segment in braces takes any value, which Request.PathValue gives by that name
	access access
	handle http.HandlerFunc
}

// route finds the endpoint of a request. Requests for another host are refused before anything is looked at: DNS
// rebinding would let a page in a browser read what it may not.
func (s *Server) route(endpoints []endpoint) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Cache-Control", "no-store")
		if !s.ownHost(r.Host) {
			fail(w, http.StatusMisdirectedRequest, "this is not the admin listener of that host")
			return
		}
		e, methods := find(endpoints, r)
		switch {
		case len(methods) == 0:
			fail(w, http.StatusNotFound, "there is nothing under this path")
		case e == nil:
			w.Header().Set("Allow", strings.Join(methods, ", "))
			fail(w, http.StatusMethodNotAllowed, "only "+strings.Join(methods, ", ")+" is answered here")
		case !s.admitted(w, r, e.access):
		case e.access == toChange:
			s.change(w, r, e)
		default:
			e.handle(w, r)
		}
	})
}

// change handles a request that changes something, and logs who asked for it.
func (s *Server) change(w http.ResponseWriter, r *http.Request, e *endpoint) {
	answered := &answered{ResponseWriter: w}
	e.handle(answered, r)
	s.o.Log.Info("asked over the admin listener", "client", r.RemoteAddr, "method", r.Method, "path", r.URL.Path,
		"query", r.URL.RawQuery, "status", answered.status)
}

// answered knows the status of an answer.
type answered struct {
	http.ResponseWriter
	status int
}

func (a *answered) WriteHeader(status int) {
	a.status = status
	a.ResponseWriter.WriteHeader(status)
}

// Unwrap is for http.ResponseController.
func (a *answered) Unwrap() http.ResponseWriter { return a.ResponseWriter }

// find returns the endpoint of a request, with the parameters of its path set, and the methods that its path takes.
// Without methods there is no such path.
func find(endpoints []endpoint, r *http.Request) (found *endpoint, methods []string) {
	for i := range endpoints {
		e := &endpoints[i]
		values, ok := e.match(r.URL.Path)
		if !ok {
			continue
		}
		methods = append(methods, e.method)
		if e.method == http.MethodGet {
			methods = append(methods, http.MethodHead)
		}
		if r.Method != e.method && (r.Method != http.MethodHead || e.method != http.MethodGet) {
			continue
		}
		found = e
		for name, value := range values {
			r.SetPathValue(name, value)
		}
	}
	return found, methods
}

// match compares a path with the endpoint's, segment by segment, and returns the parameters in it.
func (e *endpoint) match(path string) (values map[string]string, ok bool) {
	want, got := strings.Split(e.path, "/"), strings.Split(path, "/")
	if len(want) != len(got) {
		return nil, false
	}
	for i, segment := range want {
		name, isParameter := strings.CutPrefix(segment, "{")
		switch {
		case isParameter && got[i] != "":
			if values == nil {
				values = make(map[string]string)
			}
			values[strings.TrimSuffix(name, "}")] = got[i]
		case segment != got[i]:
			return nil, false
		}
	}
	return values, true
}

// admitted tells whether the request may be answered, or refuses it.
func (s *Server) admitted(w http.ResponseWriter, r *http.Request, need access) bool {
	local := s.o.Config.local()
	switch {
	case need == forAll, need == toRead && local:
		return true
	case s.o.Config.Token != "":
		return s.authorized(w, r)
	case local:
		fail(w, http.StatusForbidden, "admin.token is not set: the API is read-only")
	default:
		fail(w, http.StatusForbidden, "admin.token is not set, and others than this machine can reach admin.listen: "+
			"only /health is answered")
	}
	return false
}

// authorized tells whether the request shows the token, or refuses it. No token is no guess. The comparison takes the
// same time whatever the lengths are.
func (s *Server) authorized(w http.ResponseWriter, r *http.Request) bool {
	given, shown := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	got, want := sha256.Sum256([]byte(given)), sha256.Sum256([]byte(s.o.Config.Token))
	right := subtle.ConstantTimeCompare(got[:], want[:]) == 1
	if shown {
		if wait := s.guard.try(guesserOf(r.RemoteAddr), got, right, time.Now()); wait > 0 {
			w.Header().Set("Retry-After", strconv.Itoa(int(math.Ceil(wait.Seconds()))))
			fail(w, http.StatusTooManyRequests, "too many wrong tokens came from this address: wait before the next")
			return false
		}
		if right {
			return true
		}
		s.o.Log.Warn("a wrong token came over the admin listener", "client", r.RemoteAddr)
	}
	w.Header().Set("Www-Authenticate", "Bearer")
	fail(w, http.StatusUnauthorized, "the token is missing or wrong")
	return false
}

// ownHost tells whether host is an address, localhost, the name that is listened on, or one of admin.hosts. Only
// another name can be somebody else's.
func (s *Server) ownHost(host string) bool {
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	listen, _, _ := net.SplitHostPort(s.o.Config.Listen)
	return net.ParseIP(strings.Trim(host, "[]")) != nil || strings.EqualFold(host, "localhost") ||
		listen != "" && strings.EqualFold(host, listen) ||
		slices.ContainsFunc(s.o.Config.Hosts, func(own string) bool { return strings.EqualFold(host, own) })
}
