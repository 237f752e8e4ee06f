package bucket

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strconv"

	"github.com/valyala/fasthttp"

	"mirrorgate/cache"
)

// read opens the object under a full key. Two of its answers need a second request: what a HEAD refused, since it has
// no body, and the size behind a 416 that does not tell.
func (s *S3) read(ctx context.Context, key string, o cache.ReadOptions) (*cache.Object, error) {
	if o.HeadersOnly {
		return s.head(ctx, key, o)
	}
	obj, err := s.get(ctx, key, o)
	var outside *cache.RangeError
	if errors.As(err, &outside) && outside.Size < 0 {
		whole, err := s.head(ctx, key, cache.ReadOptions{IfMatch: o.IfMatch})
		if err != nil {
			return nil, err
		}
		outside.Size = whole.Meta.Size
	}
	return obj, err
}

// get opens the body.
func (s *S3) get(ctx context.Context, key string, o cache.ReadOptions) (*cache.Object, error) {
	a := ask{method: http.MethodGet, key: key, ifMatch: o.IfMatch}
	if o.Range != nil {
		a.rangeValue = o.Range.String()
	}
	resp, err := s.client.do(ctx, a)
	if err != nil {
		return nil, transport("get", err)
	}
	if status := resp.StatusCode(); status != http.StatusOK && status != http.StatusPartialContent {
		defer s.client.release(resp)
		return nil, s.refused(ctx, "get", getRefusal(resp), deleted(resp))
	}
	obj, err := objectOf(resp, o.Range)
	if err != nil {
		s.client.release(resp)
		return nil, err
	}
	obj.Body = newBody(s.client, resp, obj.Length)
	return obj, nil
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
	resp, err := s.client.do(ctx, ask{method: http.MethodHead, key: key, ifMatch: o.IfMatch})
	if err != nil {
		return nil, refusal{}, false, transport("head", err)
	}
	defer s.client.release(resp)
	if resp.StatusCode() != http.StatusOK {
		code := string(resp.Header.Peek("X-Minio-Error-Code"))
		return nil, refusal{Status: resp.StatusCode(), Code: code}, deleted(resp), nil
	}
	obj, err := objectOf(resp, nil)
	if err != nil || o.Range == nil {
		return obj, refusal{}, false, err
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

// getRefusal reads the error in the body of resp.
func getRefusal(resp *fasthttp.Response) refusal {
	r := parseRefusal(resp.StatusCode(), resp.BodyStream())
	if size := sizeOf(string(resp.Header.Peek(fasthttp.HeaderContentRange))); size >= 0 {
		r.Size = &size
	}
	return r
}

func deleted(resp *fasthttp.Response) bool {
	return string(resp.Header.Peek("X-Amz-Delete-Marker")) == "true"
}

// objectOf makes the object, without its body, from a good answer. r is the range that was asked for. An answer that
// does not tell its length, or tells another range, is an error: such a body could not be proven.
func objectOf(resp *fasthttp.Response, r *cache.Range) (*cache.Object, error) {
	length := int64(resp.Header.ContentLength())
	if length < 0 {
		return nil, malformed(resp, "no Content-Length")
	}
	obj := &cache.Object{Length: length, Tier: cache.TierBucket}
	size := length
	if resp.StatusCode() == http.StatusPartialContent {
		value := string(resp.Header.Peek(fasthttp.HeaderContentRange))
		if size = sizeOf(value); r == nil || size < 0 {
			return nil, malformed(resp, "a part that was not asked for")
		}
		start, n, ok := r.Resolve(size)
		if !ok || n != length || value != contentRange(start, n, size) {
			return nil, malformed(resp, "another part than asked for: "+value)
		}
		obj.Partial, obj.Start = true, start
	} else if r != nil {
		if _, _, ok := r.Resolve(size); !ok {
			return nil, &cache.RangeError{Size: size}
		}
	}
	stored := storedOf(&resp.Header)
	stored.Size = size
	obj.Meta = stored.Meta()
	return obj, nil
}

func contentRange(start, length, size int64) string {
	return "bytes " + strconv.FormatInt(start, 10) + "-" + strconv.FormatInt(start+length-1, 10) +
		"/" + strconv.FormatInt(size, 10)
}

func malformed(resp *fasthttp.Response, what string) error {
	return &cache.BucketError{Op: "get", Status: resp.StatusCode(), Err: fmt.Errorf("the answer has %s", what)}
}
