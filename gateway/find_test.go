package gateway

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"testing"

	"mirrorgate/cache"
	"mirrorgate/rules"
)

// replaced is a bucket whose object is another one each time it is opened.
type replaced struct {
	bodies []string
	tags   []string
	opened int
	closed int
}

func (b *replaced) Open(_ context.Context, _ string, o cache.ReadOptions) (*cache.Object, error) {
	i := min(b.opened, len(b.bodies)-1)
	b.opened++
	body := b.bodies[i]
	obj := &cache.Object{Length: int64(len(body))}
	obj.Meta.Size = obj.Length
	obj.Meta.Origin.Time = obj.Meta.Origin.Time.AddDate(2020, 0, 0) // believed, and the bucket has no ETag of its own
	obj.Meta.Origin.ETag = b.tags[i]
	if o.HeadersOnly {
		return obj, nil
	}
	if o.Range != nil {
		obj.Start, obj.Length, obj.Partial = 1, obj.Length-1, true
		body = body[1:]
	}
	obj.Body = struct {
		io.Reader
		io.Closer
	}{strings.NewReader(body), closes{&b.closed}}
	return obj, nil
}

func (b *replaced) Put(context.Context, string, io.ReaderAt, cache.Meta, cache.PutOptions) error {
	return errors.New("nothing is written here")
}

type closes struct{ n *int }

func (c closes) Close() error { *c.n++; return nil }

func visitOf(b cache.Bucket, r *request) *visit {
	log := slog.New(slog.DiscardHandler)
	g := &Gateway{cache: cache.New(cache.DefaultLimits(), cache.Memory{}, nil, log), log: log, life: context.Background()}
	return &visit{g: g, r: r, site: &Site{Site: cache.Site{Name: "s", Bucket: b}}, d: rules.Decision{ObjectKey: "k"}}
}

// A range is never given of another object than the one that If-Range was judged by, also where the bucket has no ETag
// with which the second read could be bound to the first.
func TestRangeOfReplacedObject(t *testing.T) {
	f := func(b *replaced, status int, want string) {
		t.Helper()
		r := &request{method: http.MethodGet, ranged: &cache.Range{First: 1, Last: -1}, cond: conditions{ifRange: `"A"`}}
		a, err := visitOf(b, r).find()
		if err != nil {
			t.Fatal(err)
		}
		got, err := io.ReadAll(a.body)
		if err != nil || a.status != status || string(got) != want {
			t.Errorf("got %d, %q, %v, want %d, %q", a.status, got, err, status, want)
		}
		closeBody(a.body)
		if bodies := b.opened / 2; b.closed != bodies {
			t.Errorf("%d of %d bodies are closed", b.closed, bodies)
		}
	}
	f(&replaced{bodies: []string{"AAAA"}, tags: []string{`"A"`}}, 206, "AAA")
	f(&replaced{bodies: []string{"BBBB"}, tags: []string{`"B"`}}, 200, "BBBB")
	// Replaced between the two reads: judged again, by the new object.
	f(&replaced{bodies: []string{"AAAA", "BBBB"}, tags: []string{`"A"`, `"B"`}}, 200, "BBBB")
}
