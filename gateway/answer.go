package gateway

import (
	"io"

	"mirrorgate/cache"
)

// answer is what the walk ends in.
type answer struct {
	status      int
	cacheStatus string
	fields      []cache.Field // headers besides those of the object

	// An object's answer. Its body is sent if it is not nil; length is then its length, -1 when unknown.
	meta   *cache.Meta
	body   io.ReadCloser
	length int64
	fresh  bool // the body comes from an origin, and it is not known whether any of it will
}

func (a *answer) set(name, value string) {
	a.fields = append(a.fields, cache.Field{Name: name, Value: value})
}
