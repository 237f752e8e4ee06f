package faults_test

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"os"
	"testing"

	"mirrorgate/test/harness"
	"mirrorgate/test/origin"
)

const (
	filmKey  = "~sound,size=24MiB/film.mp4"
	filmSize = 24 << 20
	filmTail = 64 << 10 // bytes of the index at its end
	filmStep = 1 << 20

	// filmHeld is where the pull is held: the first five steps can be answered before, with the pull under way.
	filmHeld = 5<<20 + 64<<10
)

// film is a player of an object that nobody has asked for before.
type film struct {
	*rig
	origin *origin.Server
	truth  harness.Truth
}

// TestPlayer: a video player looks at the length, at the end, and then reads on from the beginning in steps, while the
// pull runs. The origin is asked HEAD once, each end once, and the whole once, however many steps there are.
func TestPlayer(t *testing.T) {
	o := origin.Start(t, origin.Config{Rate: gigabit / 2})
	f := &film{origin: o, truth: o.Truth("/" + filmKey)}
	f.rig = serve(t, fmt.Sprintf(`{id: r, origin: {primary: %q}}`, o.URL()))
	gate := o.Hold("/"+filmKey, filmHeld)
	defer gate.Release()

	f.wantHead(t)
	f.wantRange(t, fmt.Sprintf("bytes=-%d", filmTail), filmSize-filmTail, filmTail)
	f.waitHeld(t)
	f.wantRange(t, fmt.Sprintf("bytes=%d-%d", filmSize-filmTail, filmSize-1), filmSize-filmTail, filmTail)
	for at := int64(0); at < filmSize; at += filmStep {
		if at+filmStep > filmHeld {
			gate.Release()
		}
		f.wantRange(t, fmt.Sprintf("bytes=%d-%d", at, at+filmStep-1), at, filmStep)
	}
	f.wantSaved(t)
	f.wantHead(t)
	f.wantRange(t, fmt.Sprintf("bytes=-%d", filmTail), filmSize-filmTail, filmTail)

	f.drain(t)
	asked := o.Count("/" + filmKey)
	if asked.Requests != 4 || asked.Methods[http.MethodHead] != 1 || asked.Methods[http.MethodGet] != 3 || asked.Ranged != 2 {
		t.Errorf("the origin was asked %+v, not HEAD, the whole, and two ranges", asked)
	}
}

func (f *film) wantHead(t *testing.T) {
	t.Helper()
	a := f.Do(t, http.MethodHead, "/"+filmKey, "Host", siteHost)
	length := a.Header.Get("Content-Length")
	if a.Status != http.StatusOK || length != fmt.Sprint(filmSize) || a.Header.Get("Accept-Ranges") != "bytes" {
		t.Errorf("HEAD: status %d, Content-Length %s, %v", a.Status, length, a.Header)
	}
}

func (f *film) wantRange(t *testing.T, asked string, start, length int64) {
	t.Helper()
	a := f.Get(t, "/"+filmKey, "Host", siteHost, "Range", asked)
	part := fmt.Sprintf("bytes %d-%d/%d", start, start+length-1, filmSize)
	if got := a.Header.Get("Content-Range"); a.Status != http.StatusPartialContent || got != part {
		t.Errorf("%s: status %d, Content-Range %q, want %q", asked, a.Status, got, part)
	}
	if a.Err != nil || f.truth.CheckRange(bytes.NewReader(a.Body), start, length) != nil {
		t.Errorf("%s: %d bytes that are not the part, %v", asked, len(a.Body), a.Err)
	}
}

// waitHeld waits until the origin holds the pull: it is under way, and not at its end.
func (f *film) waitHeld(t *testing.T) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	if err := f.origin.WaitFor(ctx, "/"+filmKey, func(c origin.Count) bool { return c.Stopped == 1 }); err != nil {
		t.Fatalf("no pull is held: %+v", f.origin.Count("/"+filmKey))
	}
}

// wantSaved waits until the bucket has the object, and compares it.
func (f *film) wantSaved(t *testing.T) {
	t.Helper()
	var file *os.File
	harness.Eventually(t, patience, func() (err error) {
		file, err = os.Open(f.bucket + "/" + filmKey)
		return err
	})
	defer file.Close()
	if err := f.truth.Check(file); err != nil {
		t.Errorf("the bucket has something else: %v", err)
	}
}
