package admin

import (
	"net/http"
	"time"
)

// Routes lists what the listener answers, as METHOD PATH.
func Routes() []string { return routesOf(New(Options{}).endpoints()) }

// PageFiles lists those that hand out the dashboard's files.
func PageFiles() []string { return routesOf(pageEndpoints()) }

func routesOf(endpoints []endpoint) []string {
	var all []string
	for _, e := range endpoints {
		all = append(all, e.method+" "+e.path)
	}
	return all
}

// OpenAPIDocument is what describes it.
func OpenAPIDocument() []byte { return openAPIDocument }

// Handler answers without a listener.
func Handler(o Options) http.Handler { return New(o).handler() }

// WriteWithin sets for how long a client need not read.
func (s *Server) WriteWithin(d time.Duration) { s.writeWithin = d }
