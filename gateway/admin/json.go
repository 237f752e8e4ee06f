package admin

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
)

// maxBody bounds a request's body, in bytes.
const maxBody = 1 << 20

// decode reads a body that is one JSON value without unknown fields into v, or refuses the request. what names the
// value.
func decode(w http.ResponseWriter, r *http.Request, what string, v any) bool {
	body, ok := read(w, r)
	if !ok {
		return false
	}
	dec := json.NewDecoder(bytes.NewReader(body))
	dec.DisallowUnknownFields()
	err := dec.Decode(v)
	if err == nil {
		if _, end := dec.Token(); !errors.Is(end, io.EOF) {
			err = errors.New("something follows the request")
		}
	}
	if err != nil {
		fail(w, http.StatusBadRequest, "the body is not a "+what+": "+err.Error())
	}
	return err == nil
}

// read takes the body of a request, which is to be JSON, or refuses the request.
func read(w http.ResponseWriter, r *http.Request) (body []byte, ok bool) {
	if !isJSON(r.Header.Get("Content-Type")) {
		fail(w, http.StatusUnsupportedMediaType, "the body must be application/json")
		return nil, false
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	var large *http.MaxBytesError
	switch {
	case errors.As(err, &large):
		fail(w, http.StatusRequestEntityTooLarge, fmt.Sprintf("the body has more than %d bytes", large.Limit))
	case err != nil:
		fail(w, http.StatusBadRequest, "the body cannot be read")
	}
	return body, err == nil
}

// isJSON tells whether a body may be read: it is JSON, or does not say what it is.
func isJSON(contentType string) bool {
	kind, _, err := mime.ParseMediaType(contentType)
	return contentType == "" || err == nil && kind == "application/json"
}

// nothing takes no body, or an empty JSON object.
func nothing(w http.ResponseWriter, r *http.Request) bool {
	var empty struct{}
	return r.ContentLength == 0 || decode(w, r, "request: none is needed", &empty)
}

func reply(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(body) // a client that left needs no answer
}

func fail(w http.ResponseWriter, status int, message string) {
	reply(w, status, map[string]string{"error": message})
}
