package bucket

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strconv"

	"mirrorgate/cache"
)

// read opens the object under a full key. Two of its answers need a second request: what a HEAD refused, since it has
// no body, and the size behind a 416 that does not tell.
func (s *S3) read(ctx context.Context, key string, o cache.ReadOptions) (*cache.Object, error) {
	if o.HeadersOnly {
		return s.head(ctx, key, o)
	}
	obj, err := s.get(ctx, key, o)
	if err == nil {
		return obj, nil
	}
	var outside *cache.RangeError
	if errors.As(err, &outside) && outside.Size < 0 {
		whole, err := s.head(ctx, key, cache.ReadOptions{IfMatch: o.IfMatch})
		if err != nil {
			return nil, err
		}
		outside.Size = whole.Meta.Size
	}
	return nil, err
}

// get opens the body.
func (s *S3) get(ctx context.Context, key string, o cache.ReadOptions) (*cache.Object, error) {
	a := ask{method: http.MethodGet, key: key, ifMatch: o.IfMatch}
	if o.Range != nil {
		a.rangeValue = o.Range.String()
	}
	x, err := s.client.do(ctx, a)
	if err != nil {
		return nil, transport("get", err)
	}
	if status := x.head.status; status == http.StatusOK || status == http.StatusPartialContent {
		return open(x, o.Range)
	}
	marker := x.deleted()
	return nil, s.refused(ctx, "get", x.refusal(), marker)
}

// open makes the object of a good answer to a GET. It takes the exchange over.
func open(x *exchange, r *cache.Range) (*cache.Object, error) {
	o := new(served)
	if err := x.describe(&o.object, r); err != nil {
		x.end(false)
		return nil, err
	}
	o.object.Body = &o.body
	if x.conn.raw == nil && int64(len(x.rest())) < o.object.Length {
		o.object.Body = &o.body.body // the kernel cannot move the rest
	}
	o.body.start(x, o.object.Length)
	return &o.object, nil
}

// head gives the headers. The range is applied here, so that the answer is the same on every server.
func (s *S3) head(ctx context.Context, key string, o cache.ReadOptions) (*cache.Object, error) {
	obj, r, marker, err := s.headOnce(ctx, key, o)
	if err != nil || obj != nil {
		return obj, err
	}
	if r.Code == "" && (r.Status == 404 || r.Status == 403 || r.Status == 400) && !marker {
		if err := s.confirm(ctx, key); err != nil {
			return nil, err
		}
		if obj, r, _, err = s.headOnce(ctx, key, o); err != nil || obj != nil {
			return obj, err
		}
		r.Message = "a GET of the same object succeeds"
		return nil, classify("head", r)
	}
	return nil, s.refused(ctx, "head", r, marker)
}

// headOnce asks once: an object, or what the server said instead, or an error.
func (s *S3) headOnce(ctx context.Context, key string, o cache.ReadOptions) (*cache.Object, refusal, bool, error) {
	x, err := s.client.do(ctx, ask{method: http.MethodHead, key: key, ifMatch: o.IfMatch})
	if err != nil {
		return nil, refusal{}, false, transport("head", err)
	}
	defer x.end(true)
	if status := x.head.status; status != http.StatusOK {
		return nil, refusal{Status: status, Code: string(x.head.minioCode)}, x.deleted(), nil
	}
	obj := new(cache.Object)
	if err := x.describe(obj, nil); err != nil {
		return nil, refusal{}, false, err
	}
	if o.Range == nil {
		return obj, refusal{}, false, nil
	}
	start, length, ok := o.Range.Resolve(obj.Meta.Size)
	if !ok {
		return nil, refusal{}, false, &cache.RangeError{Size: obj.Meta.Size}
	}
	obj.Partial, obj.Start, obj.Length = true, start, length
	return obj, refusal{}, false, nil
}

// confirm asks for the first byte to learn from the body why a HEAD was refused. It is nil when the object is there.
func (s *S3) confirm(ctx context.Context, key string) error {
	obj, err := s.get(ctx, key, cache.ReadOptions{Range: &cache.Range{First: 0, Last: 0}})
	var empty *cache.RangeError
	if errors.As(err, &empty) {
		return nil
	}
	if err != nil {
		return err
	}
	return obj.Body.Close()
}

func (x *exchange) deleted() bool { return string(x.head.marker) == "true" }

// describe makes obj, without its body, from a good answer. r is the range that was asked for. An answer that does not
// tell its length, or tells another range, is an error: such a body could not be proven.
func (x *exchange) describe(obj *cache.Object, r *cache.Range) error {
	h := &x.head
	if h.coded || h.length < 0 {
		return x.malformed("no Content-Length")
	}
	obj.Length, obj.Tier = h.length, cache.TierBucket
	size := h.length
	if h.status == http.StatusPartialContent {
		if r != nil && sizeOf(string(h.contentRange)) == 0 {
			return &cache.RangeError{} // MinIO answers a suffix of an empty object with "bytes 0--1/0"
		}
		if size = sizeOf(string(h.contentRange)); r == nil || size < 0 {
			return x.malformed("a part that was not asked for")
		}
		start, n, ok := r.Resolve(size)
		if !ok || n != h.length || string(h.contentRange) != contentRange(start, n, size) {
			return x.malformed("another part than asked for: " + string(h.contentRange))
		}
		obj.Partial, obj.Start = true, start
	} else if r != nil {
		if _, _, ok := r.Resolve(size); !ok {
			return &cache.RangeError{Size: size}
		}
	}
	x.describeMeta(&obj.Meta, size)
	return nil
}

func contentRange(start, length, size int64) string {
	return "bytes " + strconv.FormatInt(start, 10) + "-" + strconv.FormatInt(start+length-1, 10) +
		"/" + strconv.FormatInt(size, 10)
}

func (x *exchange) malformed(what string) error {
	return &cache.BucketError{Op: "get", Status: x.head.status, Err: fmt.Errorf("the answer has %s", what)}
}
