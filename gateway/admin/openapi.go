package admin

import (
	_ "embed"
	"net/http"
)

// openAPIDocument describes every endpoint under /api, and health and metrics. A test holds it against them.
//
//go:embed openapi.json
var openAPIDocument []byte

func openAPI(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "application/json")
	_, _ = w.Write(openAPIDocument) // a client that left needs no answer
}
