package admin

import "net/http"

// Routes lists what the listener answers, as METHOD PATH.
func Routes() []string {
	var all []string
	for _, e := range New(Options{}).endpoints() {
		all = append(all, e.method+" "+e.path)
	}
	return all
}

// OpenAPIDocument is what describes it.
func OpenAPIDocument() []byte { return openAPIDocument }

// Handler answers without a listener.
func Handler(o Options) http.Handler { return New(o).handler() }
