package admin

import (
	"bytes"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"io/fs"
	"net/http"
	"path"
	"strings"
	"time"
)

// pageFiles are the dashboard: plain files, as they are in the repository.
//
//go:embed page
var pageFiles embed.FS

// policy lets the page load its own files and ask its own API, and nothing else: no inline script or style, no other
// host, no frame around it, and no text that is taken for a script.
const policy = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self'; " +
	"frame-ancestors 'none'; base-uri 'none'; form-action 'none'; require-trusted-types-for 'script'; trusted-types 'none'"

// pageEndpoints serves the dashboard's files to everybody: they hold no data. What they show they ask of the API, with
// the token where that wants it.
func pageEndpoints() []endpoint {
	var all []endpoint
	files, err := fs.ReadDir(pageFiles, "page")
	if err != nil {
		panic(err) // the files are in the program
	}
	for _, file := range files {
		body, err := pageFiles.ReadFile(path.Join("page", file.Name()))
		if err != nil {
			panic(err)
		}
		at := "/" + strings.TrimSuffix(file.Name(), "index.html")
		all = append(all, endpoint{http.MethodGet, at, forAll, servePage(mediaType(file.Name()), body)})
	}
	return all
}

// servePage answers with one file. Browsers ask each time whether it is still the same, so that after an upgrade no
// old script meets a new API.
func servePage(mediaType string, body []byte) http.HandlerFunc {
	sum := sha256.Sum256(body)
	etag := `"` + hex.EncodeToString(sum[:16]) + `"`
	return func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Type", mediaType)
		h.Set("Cache-Control", "no-cache")
		h.Set("Etag", etag)
		h.Set("Content-Security-Policy", policy)
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("X-Frame-Options", "DENY")
		h.Set("Referrer-Policy", "no-referrer")
		h.Set("Cross-Origin-Opener-Policy", "same-origin")
		http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(body))
	}
}

// mediaType does not ask the machine's own table, which may have none or another.
func mediaType(name string) string {
	switch path.Ext(name) {
	case ".html":
		return "text/html; charset=utf-8"
	case ".css":
		return "text/css; charset=utf-8"
	case ".js":
		return "text/javascript; charset=utf-8"
	case ".svg":
		return "image/svg+xml"
	}
	return "application/octet-stream"
}
