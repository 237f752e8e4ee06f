package main

import (
	"bytes"
	"net/url"
	"sync"

	"github.com/valyala/fasthttp"
)

// store is a small bucket in memory: GET, HEAD, PUT, DELETE and uploads in parts, with If-Match and If-None-Match on
// all that changes an object. It knows no ranges, metadata and lists.
type store struct {
	mu      sync.Mutex
	objects map[string][]byte
	uploads map[string]upload
	begun   int
}

func newStore() *store {
	return &store{objects: make(map[string][]byte), uploads: make(map[string]upload)}
}

func (s *store) answer(ctx *fasthttp.RequestCtx, key string, query url.Values) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch method := string(ctx.Method()); {
	case method == "POST" && query.Has("uploads"):
		s.begin(ctx, key)
	case query.Has("uploadId"):
		s.inParts(ctx, method, key, query)
	case method == "GET", method == "HEAD":
		s.get(ctx, key)
	case method == "PUT":
		s.put(ctx, key, bytes.Clone(ctx.PostBody()))
	case method == "DELETE":
		if s.holds(ctx, key) {
			delete(s.objects, key)
			ctx.SetStatusCode(fasthttp.StatusNoContent)
		}
	default:
		refuse(ctx, fasthttp.StatusMethodNotAllowed, "MethodNotAllowed")
	}
}

func (s *store) get(ctx *fasthttp.RequestCtx, key string) {
	body, ok := s.objects[key]
	if !ok {
		refuse(ctx, fasthttp.StatusNotFound, "NoSuchKey")
		return
	}
	ctx.SetContentType("application/octet-stream")
	ctx.Response.Header.Set("ETag", etagOf(body))
	ctx.Response.Header.Set("Last-Modified", modified().Format(httpTime))
	ctx.Response.SetBodyRaw(body)
}

// put tells whether the object was written.
func (s *store) put(ctx *fasthttp.RequestCtx, key string, body []byte) bool {
	if !s.holds(ctx, key) {
		return false
	}
	s.objects[key] = body
	ctx.Response.Header.Set("ETag", etagOf(body))
	return true
}

// holds tells whether the request's conditions hold, and answers if they do not.
func (s *store) holds(ctx *fasthttp.RequestCtx, key string) bool {
	body, exists := s.objects[key]
	match := string(ctx.Request.Header.Peek("If-Match"))
	switch {
	case match != "" && !exists:
		refuse(ctx, fasthttp.StatusNotFound, "NoSuchKey")
	case match != "" && match != etagOf(body), exists && string(ctx.Request.Header.Peek("If-None-Match")) == "*":
		refuse(ctx, fasthttp.StatusPreconditionFailed, "PreconditionFailed")
	default:
		return true
	}
	return false
}
