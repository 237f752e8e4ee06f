package bucket

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"mirrorgate/cache"
)

// checkpoint remembers in memory, as one on a disk would.
type checkpoint struct {
	mu    sync.Mutex
	up    cache.Upload
	calls []string // begin and end

	beginFails error
}

func (c *checkpoint) Upload() cache.Upload {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.up
}

func (c *checkpoint) Begin(id string, partSize int64) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.calls = append(c.calls, "begin "+id)
	if c.beginFails == nil {
		c.up = cache.Upload{ID: id, PartSize: partSize}
	}
	return c.beginFails
}

func (c *checkpoint) Part(p cache.Part) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.up.Parts = append(slices.Clone(c.up.Parts), p)
	return nil
}

func (c *checkpoint) End() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.calls = append(c.calls, "end")
	c.up = cache.Upload{}
	return nil
}

// patient waits longer than a busy machine needs for a few large parts.
func patient(c *S3Config) { c.Timeouts.FirstByte, c.Timeouts.Stall = 5*time.Second, 5*time.Second }

// parts are the numbers of the parts that were sent, in order, and their bytes.
func (f *fakeS3) parts() (numbers string, total int) {
	var sent []string
	for _, r := range f.seen("PUT") {
		if _, after, ok := strings.Cut(r.uri, "partNumber="); ok {
			n, _, _ := strings.Cut(after, "&")
			sent, total = append(sent, n), total+len(r.body)
		}
	}
	slices.Sort(sent)
	return strings.Join(sent, " "), total
}

func (f *fakeS3) forget() {
	f.mu.Lock()
	f.requests = nil
	f.mu.Unlock()
}

// isPart tells whether r sends one of these parts.
func isPart(r fakeRequest, numbers string) bool {
	_, after, ok := strings.Cut(r.uri, "partNumber=")
	return ok && r.method == "PUT" && strings.Contains(numbers, after[:1])
}

func isEnd(r fakeRequest) bool { return r.method == "POST" && strings.Contains(r.uri, "uploadId=") }

func isAbort(r fakeRequest) bool { return r.method == "DELETE" && strings.Contains(r.uri, "uploadId=") }

// interrupted puts large with a checkpoint while the server fails part 2, and fails the test unless the upload stays
// open with parts 1 and 3.
func interrupted(t *testing.T, f *fakeS3, s *S3, o cache.PutOptions) *checkpoint {
	t.Helper()
	c := new(checkpoint)
	o.Checkpoint = c
	f.answer = func(w http.ResponseWriter, r fakeRequest) bool {
		if !isPart(r, "2") {
			return false
		}
		wait, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		for tick := time.Tick(time.Millisecond); wait.Err() == nil && len(c.Upload().Parts) < 2; {
			<-tick // the others are through before part 2 fails
		}
		fail(w, 503, "SlowDown")
		return true
	}
	var failure *cache.BucketError
	if err := save(t, s, "big", large, o); !errors.As(err, &failure) || failure.Lasting {
		t.Fatalf("got error %v, want a passing BucketError", err)
	}
	f.answer = nil
	f.forget()
	if up := c.Upload(); up.ID == "" || up.PartSize != 5<<20 || len(up.Parts) != 2 || len(f.uploads) != 1 {
		t.Fatalf("remembered %+v, %d uploads on the server", up, len(f.uploads))
	}
	return c
}

// wantBig fails the test unless the object is there, whole, and nothing else is open.
func wantBig(t *testing.T, f *fakeS3, c *checkpoint) {
	t.Helper()
	f.mu.Lock()
	defer f.mu.Unlock()
	if obj := f.objects["big"]; obj == nil || string(obj.data) != large {
		t.Error("the object is not there, or not as it was put")
	}
	if len(f.uploads) != 0 || c.Upload().ID != "" {
		t.Errorf("%d uploads are open, remembered is %+v", len(f.uploads), c.Upload())
	}
}

// An upload goes on with what is missing, in parts of the size that it was begun with, whatever is configured now.
func TestResume(t *testing.T) {
	f := newFakeS3(t, false)
	f.page = 1
	s := f.ready(patient)
	c := interrupted(t, f, s, cache.PutOptions{})
	s.uploads = NewUploads(UploadLimits{PartSize: 6 << 20})
	if err := save(t, s, "big", large, cache.PutOptions{Checkpoint: c}); err != nil {
		t.Fatal(err)
	}
	if numbers, total := f.parts(); numbers != "2" || total != 5<<20 {
		t.Errorf("parts %q were sent, %d bytes; want part 2 of %d", numbers, total, 5<<20)
	}
	if n := len(f.seen("POST")); n != 1 {
		t.Errorf("%d POST, want one: the end", n)
	}
	wantBig(t, f, c)
}

// What the checkpoint and the server do not agree on is sent again.
func TestResumeDistrusts(t *testing.T) {
	for name, test := range map[string]struct {
		change func(f *fakeS3, up *cache.Upload)
		want   string
	}{
		"nothing":          {func(*fakeS3, *cache.Upload) {}, "2"},
		"another ETag":     {func(_ *fakeS3, up *cache.Upload) { up.Parts[0].ETag = wrongETag }, ""},
		"no ETag":          {func(_ *fakeS3, up *cache.Upload) { up.Parts[0].ETag = "" }, ""},
		"impossible parts": {func(_ *fakeS3, up *cache.Upload) { up.Parts[0].Number, up.Parts[1].Number = 0, 4 }, "1 2 3"},
		"a part of another": {func(_ *fakeS3, up *cache.Upload) {
			up.Parts[0].Number, up.Parts[1].Number = up.Parts[1].Number, up.Parts[0].Number
		}, "1 2 3"},
		"a lost part": {func(f *fakeS3, up *cache.Upload) { delete(f.uploads[up.ID], 3) }, "2 3"},
		"a short part": {func(f *fakeS3, up *cache.Upload) {
			f.uploads[up.ID][1] = []byte(large[:4<<20])
			for i := range up.Parts {
				if up.Parts[i].Number == 1 {
					up.Parts[i].ETag = etagOf(f.uploads[up.ID][1])
				}
			}
		}, "1 2"},
		"a tiny part size": {func(_ *fakeS3, up *cache.Upload) { up.PartSize = 1 << 20 }, "1 2 3"},
		"no part size":     {func(_ *fakeS3, up *cache.Upload) { up.PartSize = 0 }, "1 2 3"},
	} {
		f := newFakeS3(t, false)
		s := f.ready(patient)
		c := interrupted(t, f, s, cache.PutOptions{})
		up := c.Upload()
		if test.want == "" {
			test.want = map[int]string{1: "1 2", 3: "2 3"}[up.Parts[0].Number]
		}
		test.change(f, &up)
		c.up = up
		if err := save(t, s, "big", large, cache.PutOptions{Checkpoint: c}); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if numbers, _ := f.parts(); numbers != test.want {
			t.Errorf("%s: parts %q were sent, want %q", name, numbers, test.want)
		}
		wantBig(t, f, c)
	}
}

// A server that forgot the upload gets all of it anew, unless the object says that it was completed.
func TestResumeForgotten(t *testing.T) {
	for name, test := range map[string]struct {
		stored string // "": nothing
		old    string // replaced; "": create
		want   error
	}{
		"nothing there":         {"", "", nil},
		"created":               {"x", "", cache.ErrPrecondition},
		"not replaced":          {"old", "old", nil},
		"replaced":              {"new", "old", cache.ErrPrecondition},
		"deleted, not replaced": {"", "old", cache.ErrPrecondition},
	} {
		f := newFakeS3(t, false)
		s := f.ready(patient)
		var o cache.PutOptions
		if test.old != "" {
			f.put("big", test.old)
			o.IfMatch = etagOf([]byte(test.old))
		}
		c := interrupted(t, f, s, o)
		delete(f.uploads, c.Upload().ID)
		delete(f.objects, "big")
		if test.stored != "" {
			f.put("big", test.stored)
		}
		o.Checkpoint = c
		if err := save(t, s, "big", large, o); !errors.Is(err, test.want) {
			t.Errorf("%s: got error %v, want %v", name, err, test.want)
		}
		numbers, _ := f.parts()
		if test.want == nil {
			wantBig(t, f, c)
		} else if numbers != "" || c.Upload().ID != "" {
			t.Errorf("%s: parts %q were sent, remembered is %+v", name, numbers, c.Upload())
		}
	}
}

// A Complete whose answer nobody got is found out by the next Put.
func TestLostComplete(t *testing.T) {
	f := newFakeS3(t, false)
	s := f.ready(patient)
	c := new(checkpoint)
	f.lose = isEnd
	var failure *cache.BucketError
	if err := save(t, s, "big", large, cache.PutOptions{Checkpoint: c}); !errors.As(err, &failure) || failure.Lasting {
		t.Fatalf("got error %v, want a passing one", err)
	}
	if c.Upload().ID == "" {
		t.Fatal("the upload is forgotten")
	}
	f.forget()
	if err := save(t, s, "big", large, cache.PutOptions{Checkpoint: c}); !errors.Is(err, cache.ErrPrecondition) {
		t.Errorf("got error %v, want ErrPrecondition", err)
	}
	if numbers, _ := f.parts(); numbers != "" {
		t.Errorf("parts %q were sent again", numbers)
	}
	wantBig(t, f, c)
}

// How an upload ends decides whether it stays open, and whether it is remembered.
func TestEndsOfUploads(t *testing.T) {
	refuse := func(status int, code string) func(w http.ResponseWriter, r fakeRequest) bool {
		return func(w http.ResponseWriter, r fakeRequest) bool {
			if isEnd(r) {
				fail(w, status, code)
			}
			return isEnd(r)
		}
	}
	for _, test := range []struct {
		status int
		code   string
		open   bool
	}{
		{500, "InternalError", true}, {503, "SlowDown", true}, {429, "TooManyRequests", true}, {403, "ExpiredToken", true},
		{200, "InternalError", true},
		{403, "AccessDenied", false}, {400, "InvalidRequest", false}, {412, "PreconditionFailed", false},
		{409, "ConditionalRequestConflict", false}, {400, "InvalidPart", false}, {400, "EntityTooSmall", false},
	} {
		f := newFakeS3(t, false)
		s := f.ready(patient)
		c := new(checkpoint)
		f.answer = refuse(test.status, test.code)
		if err := save(t, s, "big", large, cache.PutOptions{Checkpoint: c}); err == nil {
			t.Errorf("%s: no error", test.code)
		}
		if open := c.Upload().ID != ""; open != test.open || open != (len(f.uploads) == 1) {
			t.Errorf("%d %s: remembered %v, %d uploads on the server, want open %v", test.status, test.code, open, len(f.uploads), test.open)
		}
	}
}

// An upload that cannot be given up stays remembered, so that it can be later; Abort does that.
func TestAbortFails(t *testing.T) {
	f := newFakeS3(t, false)
	s := f.ready(patient)
	c := new(checkpoint)
	f.answer = func(w http.ResponseWriter, r fakeRequest) bool {
		switch {
		case isEnd(r):
			fail(w, 403, "AccessDenied")
		case isAbort(r):
			fail(w, 503, "SlowDown")
		default:
			return false
		}
		return true
	}
	if err := save(t, s, "big", large, cache.PutOptions{Checkpoint: c}); err == nil {
		t.Error("no error")
	}
	id := c.Upload().ID
	if id == "" || slices.Contains(c.calls, "end") {
		t.Fatalf("remembered %+v after %q", c.Upload(), c.calls)
	}
	if err := s.Abort(t.Context(), "big", id); err == nil {
		t.Error("a failing abort is no error")
	}
	f.answer = nil
	for range 2 { // the second finds nothing
		if err := s.Abort(t.Context(), "big", id); err != nil {
			t.Errorf("abort: %v", err)
		}
	}
	if len(f.uploads) != 0 {
		t.Errorf("%d uploads are open", len(f.uploads))
	}
}

// Without a place to remember it an upload is given up before a part is sent.
func TestBeginFails(t *testing.T) {
	f := newFakeS3(t, false)
	s := f.ready(patient)
	full := errors.New("the disk is full")
	c := &checkpoint{beginFails: full}
	if err := save(t, s, "big", large, cache.PutOptions{Checkpoint: c}); !errors.Is(err, full) {
		t.Errorf("got error %v, want %v", err, full)
	}
	if numbers, _ := f.parts(); numbers != "" || len(f.uploads) != 0 {
		t.Errorf("parts %q were sent, %d uploads are open", numbers, len(f.uploads))
	}
}

// An ended context leaves the upload open.
func TestInterruptedByContext(t *testing.T) {
	f := newFakeS3(t, false)
	s := f.ready(patient)
	c := new(checkpoint)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	f.answer = func(w http.ResponseWriter, r fakeRequest) bool {
		if isEnd(r) {
			cancel()
			raw(w, "", waitClosed)
		}
		return isEnd(r)
	}
	err := s.Put(ctx, "big", strings.NewReader(large), cache.Meta{Size: int64(len(large))}, cache.PutOptions{Checkpoint: c})
	if err == nil || len(c.Upload().Parts) != 3 || len(f.uploads) != 1 {
		t.Fatalf("got error %v, remembered %+v, %d uploads", err, c.Upload(), len(f.uploads))
	}
	f.answer = nil
	f.forget()
	if err := save(t, s, "big", large, cache.PutOptions{Checkpoint: c}); err != nil {
		t.Error(err)
	}
	if numbers, _ := f.parts(); numbers != "" {
		t.Errorf("parts %q were sent again", numbers)
	}
	wantBig(t, f, c)
}

// An object that is written whole by now does not leave its old upload behind.
func TestDropRemembered(t *testing.T) {
	f := newFakeS3(t, false)
	s := f.ready(patient)
	c := interrupted(t, f, s, cache.PutOptions{})
	s.uploads = NewUploads(UploadLimits{PartSize: 64 << 20})
	if err := save(t, s, "big", large, cache.PutOptions{Checkpoint: c}); err != nil {
		t.Fatal(err)
	}
	wantBig(t, f, c)
}

// Somebody else's object ends the upload, also where a look-up finds it.
func TestDropLost(t *testing.T) {
	f := newFakeS3(t, false)
	f.ignorePut, f.ignoreComplete = true, true
	s := f.ready(patient)
	c := interrupted(t, f, s, cache.PutOptions{})
	f.put("big", "theirs")
	if err := save(t, s, "big", large, cache.PutOptions{Checkpoint: c}); !errors.Is(err, cache.ErrPrecondition) {
		t.Errorf("got error %v, want ErrPrecondition", err)
	}
	if len(f.uploads) != 0 || c.Upload().ID != "" {
		t.Errorf("%d uploads are open, remembered is %+v", len(f.uploads), c.Upload())
	}
}

// InParts and Put agree.
func TestInParts(t *testing.T) {
	f := newFakeS3(t, false)
	s := f.bucket(nil)
	if s.InParts(11<<20, cache.PutOptions{}) {
		t.Error("in parts before the probe")
	}
	for _, test := range []struct {
		able abilities
		size int64
		o    cache.PutOptions
		want bool
	}{
		{abilities{writable: true}, 5 << 20, cache.PutOptions{}, false},
		{abilities{writable: true}, 5<<20 + 1, cache.PutOptions{}, true},
		{abilities{}, 5<<20 + 1, cache.PutOptions{}, false},
		{abilities{writable: true}, -1, cache.PutOptions{}, false},
		{abilities{writable: true, put: conditions{createOnly: true}}, 5<<20 + 1, cache.PutOptions{}, false},
		{abilities{writable: true, put: conditions{createOnly: true}}, maxSingle + 1, cache.PutOptions{}, true},
		{abilities{writable: true}, 5<<20 + 1, cache.PutOptions{IfMatch: `"x"`}, false},
		{abilities{writable: true, complete: conditions{ifMatch: true}}, 5<<20 + 1, cache.PutOptions{IfMatch: `"x"`}, true},
	} {
		s.able.Store(&test.able)
		if got := s.InParts(test.size, test.o); got != test.want {
			t.Errorf("%+v: InParts(%d, %+v) = %v", test.able, test.size, test.o, got)
		}
	}
}
