package origin

import (
	"context"
	"fmt"
	"hash/fnv"
	"net/http"
	"strings"
	"time"

	"mirrorgate/test/harness"
)

// Object is what lies under a path.
type Object struct {
	Truth        harness.Truth
	ETag         string // "": none
	LastModified time.Time
	Type         string   // Content-Type
	Header       []string // more header lines, "Name: value"
}

// TruthOf is the body that the path (the decoded path, without a query) has on every origin of this package, unless
// Server.SetObject or a fault changes it.
func TruthOf(path string) harness.Truth {
	s, err := specOf(path, "")
	if err != nil {
		return harness.Truth{}
	}
	return truth(path, s.params.Size)
}

func truth(path string, size int64) harness.Truth {
	sum := fnv.New64a()
	_, _ = sum.Write([]byte(path)) // it never fails
	return harness.Truth{Seed: sum.Sum64(), Size: size}
}

// NewObject is an object with strong validators that its bytes decide.
func NewObject(body harness.Truth) Object {
	const second2020 = 1577836800
	return Object{
		Truth:        body,
		ETag:         fmt.Sprintf(`"%x-%x"`, body.Seed, body.Size),
		LastModified: time.Unix(second2020+int64(body.Seed%(1<<26)), 0).UTC(),
		Type:         "application/octet-stream",
	}
}

// Version is the object after n changes: as long, with other bytes and other validators.
func (o Object) Version(n int) Object {
	changed := NewObject(harness.Truth{Seed: o.Truth.Seed + uint64(n), Size: o.Truth.Size})
	changed.LastModified = o.LastModified.Add(time.Duration(n) * time.Hour)
	changed.Type, changed.Header = o.Type, o.Header
	return changed
}

// Request is a request as it came, and what there is to say about it. A Script may change it and make the sound answer
// anew.
type Request struct {
	Method, Target, Host string
	Path                 string // decoded, without the query
	Query                string // raw
	Header               http.Header
	Number               int // of the requests for this path with this method, from 1
	Params               Params
	Object               Object

	context   context.Context
	closeConn bool // the client asks for it
}

// Context ends when the client has gone or the origin stops.
func (r *Request) Context() context.Context { return r.context }

// At is the byte of the object at which the fault happens.
func (r *Request) At() int64 {
	if r.Params.At < 0 {
		return r.Object.Truth.Size / 2
	}
	return r.Params.At
}

// Ranged tells whether the request asks for a part of the object.
func (r *Request) Ranged() bool { return r.Header.Get("Range") != "" }

// without leaves fields out of the request, for the sound answer to be another one.
func (r *Request) without(names ...string) {
	r.Header = r.Header.Clone()
	for _, name := range names {
		r.Header.Del(name)
	}
}

// newRequest makes a Request of what was read.
func newRequest(ctx context.Context, hr *http.Request) *Request {
	path, query, _ := strings.Cut(hr.RequestURI, "?")
	return &Request{
		Method: hr.Method, Target: hr.RequestURI, Host: hr.Host, Path: decoded(path), Query: query, Header: hr.Header,
		context: ctx, closeConn: hr.Close,
	}
}
