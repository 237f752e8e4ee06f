package gateway

import (
	"errors"
	"io"
	"net/http"
	"strconv"

	"mirrorgate/cache"
)

// find answers from the bucket or the spool. cache.ErrNotFound means that the object is in neither.
func (v *visit) find() (*answer, error) {
	a, err := v.open()
	if errors.Is(err, cache.ErrPrecondition) {
		return v.open() // the object was replaced between the look at its headers and the read: once more
	}
	return a, err
}

// open reads the object in one request where it can, and in two where the answer depends on validators that the bucket
// does not know.
func (v *visit) open() (*answer, error) {
	o := cache.ReadOptions{HeadersOnly: v.r.method == http.MethodHead, Range: v.r.ranged}
	if !v.r.cond.none() {
		return v.openIf(o)
	}
	obj, err := v.get(o)
	if err != nil {
		return nil, v.withSize(err)
	}
	v.revalidate(obj)
	return v.object(obj), nil
}

// openIf judges the request's conditions by the object's headers, and then reads that object.
func (v *visit) openIf(o cache.ReadOptions) (*answer, error) {
	obj, err := v.get(cache.ReadOptions{HeadersOnly: true})
	if err != nil {
		return nil, err
	}
	judged := v.validators(&obj.Meta)
	v.revalidate(obj)
	if status := v.r.cond.status(judged, v.site.ETagSuffixes); status != 0 {
		return v.unmet(obj, status)
	}
	if o.HeadersOnly {
		return v.object(obj), nil
	}
	o.IfMatch = obj.Meta.Bucket.ETag
	if !v.r.cond.rangeHolds(judged) {
		o.Range = nil
	}
	if obj, err = v.get(o); err != nil {
		return nil, v.withSize(err)
	}
	if !same(v.validators(&obj.Meta), judged) {
		closeBody(obj.Body) // another object by now: what was judged does not hold for it
		return nil, cache.ErrPrecondition
	}
	return v.object(obj), nil
}

func same(a, b cache.Validators) bool {
	return a.ETag == b.ETag && a.LastModified.Equal(b.LastModified)
}

func (v *visit) get(o cache.ReadOptions) (*cache.Object, error) {
	ctx, end := v.step("get")
	obj, err := v.g.cache.Get(ctx, &v.site.Site, v.d.ObjectKey, o)
	end(err)
	return obj, err
}

// withSize asks for the size that a 416 has to name, where the bucket did not say it. Other errors stay as they are.
func (v *visit) withSize(err error) error {
	var outside *cache.RangeError
	if !errors.As(err, &outside) || outside.Size >= 0 {
		return err
	}
	obj, err := v.get(cache.ReadOptions{HeadersOnly: true})
	if err != nil {
		return err
	}
	outside.Size = obj.Meta.Size
	return outside
}

// validators are those that clients of the site see.
func (v *visit) validators(m *cache.Meta) cache.Validators {
	return visible(m, v.site.BucketValidators)
}

// object answers with an open object: 200, or 206 for a part of it.
func (v *visit) object(obj *cache.Object) *answer {
	a := &answer{
		status: http.StatusOK, meta: &obj.Meta, body: obj.Body, length: obj.Length,
		cacheStatus: v.cacheStatus(obj), source: sourceOf(obj),
		fresh: obj.Pull.Reason != "" || obj.Tier == cache.TierPull && obj.Start > 0,
	}
	for _, cookie := range obj.Pull.SetCookie {
		a.set("Set-Cookie", cookie)
	}
	if obj.Partial && obj.Body != nil {
		a.status = http.StatusPartialContent
		a.set("Content-Range", contentRange(obj.Start, obj.Length, obj.Meta.Size))
	}
	return a
}

// unmet answers a precondition that did not hold: 304 with the headers of the object, or the failure 412.
func (v *visit) unmet(obj *cache.Object, status int) (*answer, error) {
	closeBody(obj.Body)
	if status == http.StatusPreconditionFailed {
		return nil, errUnmet
	}
	return &answer{status: status, meta: &obj.Meta, cacheStatus: v.cacheStatus(obj), source: sourceOf(obj)}, nil
}

func contentRange(start, length, size int64) string {
	b := append(make([]byte, 0, 64), "bytes "...)
	b = strconv.AppendInt(b, start, 10)
	b = append(b, '-')
	b = strconv.AppendInt(b, start+length-1, 10)
	b = append(b, '/')
	if size < 0 {
		return string(append(b, '*'))
	}
	return string(strconv.AppendInt(b, size, 10))
}

func closeBody(body io.Closer) {
	if body != nil {
		_ = body.Close() // nothing of it was asked for
	}
}
