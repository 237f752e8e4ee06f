package faults_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"mirrorgate/test/harness"
	"mirrorgate/test/origin"
)

const (
	// room is what the spool, or its disk, has, in bytes.
	room = 64 << 20

	// places is limits.max_solo_pulls, as it is by default.
	places = 4

	crowdSize     = 20
	crowdPatience = 2 * time.Minute

	// soonRefused and soonCut are short, so that who waits, or is waited for, is done with soon; while the origin is held,
	// all readers have to be answered within stall.
	soonRefused = "answer: 3s"
	soonCut     = "stall: 3s"

	// The object, as its origin sends it.
	knownLength   = "sound"
	unknownLength = "chunked,chunk=64KiB"
)

// largeBody is how long the object is that has no room: 112 MiB, or what SPOOL_BODY says, in bytes.
func largeBody(t *testing.T) int64 {
	t.Helper()
	text := os.Getenv("SPOOL_BODY")
	if text == "" {
		return 112 << 20
	}
	size, err := strconv.ParseInt(text, 10, 64)
	if err != nil || size < 3*room/2 {
		t.Fatalf("SPOOL_BODY=%s: must be a number of bytes, at least %d", text, 3*room/2)
	}
	return size
}

// shortage is where a large object has no room.
type shortage struct {
	dataDir  string
	settings string // of the gateway
	name     string // what the log is to name
}

func boundedSpool(t *testing.T) shortage {
	t.Helper()
	return shortage{t.TempDir(), fmt.Sprintf("spool: {max_bytes: %d}", room), "spool.max_bytes"}
}

// TestFullSpool: an object for which the spool has no room is passed on and not kept. Each reader gets all of it, is
// cut for being too slow, or is told to come again.
func TestFullSpool(t *testing.T) {
	t.Parallel()
	t.Run("known length", func(t *testing.T) {
		t.Parallel()
		alone(t, boundedSpool(t))
	})
	t.Run("unknown length", func(t *testing.T) {
		t.Parallel()
		shared(t, boundedSpool(t), unknownLength)
	})
}

// TestFullDisk: so it is when the disk is full long before spool.max_bytes is reached. Then even an object whose length
// is known beforehand is found too long in the middle only.
func TestFullDisk(t *testing.T) {
	t.Parallel()
	t.Run("known length", func(t *testing.T) {
		t.Parallel()
		if disk, mounted := smallDisk(t); mounted {
			shared(t, disk, knownLength)
		} else {
			alone(t, disk)
		}
	})
	t.Run("unknown length", func(t *testing.T) {
		t.Parallel()
		disk, _ := smallDisk(t)
		shared(t, disk, unknownLength)
	})
}

// smallDisk mounts a disk with little room, for which the test has to be root's. Else a bound stands for its end.
func smallDisk(t *testing.T) (s shortage, mounted bool) {
	t.Helper()
	dir := t.TempDir()
	if err := unix.Mount("tmpfs", dir, "tmpfs", 0, fmt.Sprintf("size=%d", room)); err != nil {
		t.Logf("no small disk, spool.max_bytes stands for its end: %v", err)
		return boundedSpool(t), false
	}
	t.Cleanup(func() {
		if err := unix.Unmount(dir, unix.MNT_DETACH); err != nil {
			t.Error(err)
		}
	})
	return shortage{dataDir: dir, name: dir}, true
}

// roomless is a gateway that has no room for one object.
type roomless struct {
	*rig
	shortage
	origin *origin.Server
	key    string
}

func newRoomless(t *testing.T, s shortage, kind, limits string) *roomless {
	t.Helper()
	o := origin.Start(t, origin.Config{})
	rule := fmt.Sprintf(`{id: r, origin: {primary: %q, breaker: {failures: 0}, timeouts: {%s}}}`, o.URL(), limits)
	return &roomless{
		rig: serveWith(t, s.settings, s.dataDir, rule), shortage: s, origin: o,
		key: fmt.Sprintf("~%s,size=%d/large.bin", kind, largeBody(t)),
	}
}

// alone: the length tells at once that there is no room. Each reader is an origin request of its own, of which there are
// few at one time, and nothing of it touches the spool; who finds no place is told to come again.
func alone(t *testing.T, s shortage) {
	r := newRoomless(t, s, knownLength, soonRefused)
	gate := r.origin.Hold("/"+r.key, largeBody(t)/2)
	defer gate.Release()
	began := time.Now()
	c := gather(t, r.rig, r.origin, r.key, crowdSize, []pace{fast, fast, slow, stops})
	c.told(t, crowdSize-places)
	c.answered(t, places)
	if files := r.spooled(t); len(files) > 0 {
		t.Errorf("the spool has %v", files)
	}
	gate.Release()
	wantReadings(t, c.wait(), map[pace]int{fast: 2, slow: 1, stops: 1}, io.EOF)
	t.Logf("%d answered, %d told to come again, in %v", places, crowdSize-places, time.Since(began).Round(time.Millisecond))
	r.wantPlaces(t)
	r.check(t, 2*places)
}

// wantPlaces sees all places free again: so many requests get to the origin at one time.
func (r *roomless) wantPlaces(t *testing.T) {
	t.Helper()
	gate := r.origin.Hold("/"+r.key, tasteSize/2)
	defer gate.Release()
	as := map[pace]int{goes: places}
	c := gather(t, r.rig, r.origin, r.key, places, paces(as))
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	if err := r.origin.WaitFor(ctx, "/"+r.key, func(c origin.Count) bool { return c.Stopped == places }); err != nil {
		t.Errorf("places are not given back: %+v", r.origin.Count("/"+r.key))
	}
	gate.Release()
	wantReadings(t, c.wait(), as, io.EOF)
}

// shared: that there is no room shows in the middle. All share one pull through what room there is; it waits a while
// for the slowest, and cuts off who does not go on.
func shared(t *testing.T, s shortage, kind string) {
	r := newRoomless(t, s, kind, soonCut)
	gate := r.origin.Hold("/"+r.key, 1<<20)
	defer gate.Release()
	began := time.Now()
	as := map[pace]int{fast: 6, slow: 4, stops: 3, goes: 7}
	c := gather(t, r.rig, r.origin, r.key, crowdSize, paces(as))
	c.answered(t, crowdSize)
	gate.Release()
	wantReadings(t, c.wait(), as, io.ErrUnexpectedEOF)
	t.Logf("%d were answered by one pull in %v", crowdSize, time.Since(began).Round(time.Millisecond))
	r.check(t, 1)
}

// wantReadings compares what became of the readers of each pace: those who read have all, those who left what they had
// wanted, and those who stopped ended so.
func wantReadings(t *testing.T, all []reading, want map[pace]int, stopped error) {
	t.Helper()
	size, got := int(largeBody(t)), map[pace]int{}
	for _, r := range all {
		got[r.pace]++
		whole := r.got == size && r.end == io.EOF
		switch {
		case r.bad != nil:
			t.Errorf("a reader: %v", r.bad)
		case r.pace == goes && r.got != tasteSize, r.pace == fast && !whole, r.pace == slow && !whole,
			r.pace == stops && stopped == io.EOF && !whole:
			t.Errorf("a reader of pace %d got %d of %d bytes, %v", r.pace, r.got, size, r.end)
		case r.pace == stops && stopped != io.EOF && (!errors.Is(r.end, stopped) || r.got >= size):
			t.Errorf("who stopped got %d of %d bytes, %v", r.got, size, r.end)
		case r.pace == stops:
			t.Logf("who stopped got %d bytes, %v", r.got, r.end)
		}
	}
	for p, n := range want {
		if got[p] != n {
			t.Errorf("%d readers of pace %d were answered, not %d", got[p], p, n)
		}
	}
}

// check looks at what is left of it: nothing but a line in the log, and a gateway that serves and saves.
func (r *roomless) check(t *testing.T, asked int) {
	t.Helper()
	if n := r.origin.Requests("/" + r.key); n != asked {
		t.Errorf("the origin was asked %d times, not %d", n, asked)
	}
	peak := r.PeakRSS(t)
	if t.Logf("the gateway took %d MiB at its peak", peak>>20); peak > mostRSS {
		t.Errorf("the gateway took %d bytes, at most %d were due", peak, mostRSS)
	}
	harness.Eventually(t, patience, func() error {
		if files := r.spooled(t); len(files) > 0 {
			return fmt.Errorf("the spool has %v", files)
		}
		return nil
	})
	if !r.logs(t, "no room", r.name) && !r.logs(t, "no more room", r.name) {
		t.Errorf("no line of the log says that there is no room, and names %s", r.name)
	}
	const small = "~sound,size=1MiB/small.bin"
	truth := r.origin.Truth("/" + small)
	if a := r.Get(t, "/"+small, "Host", siteHost); a.Status != http.StatusOK || string(a.Body) != string(truth.Bytes()) {
		t.Errorf("afterwards: status %d, %d bytes, %v", a.Status, len(a.Body), a.Err)
	}
	harness.Eventually(t, patience, func() error {
		_, err := os.Stat(filepath.Join(r.bucket, small))
		return err
	})
	files := r.drain(t)
	body, err := os.ReadFile(files[small])
	if err != nil || string(body) != string(truth.Bytes()) || len(files) != 1 {
		t.Errorf("the bucket has %v, of the small object %d bytes, %v", files, len(body), err)
	}
}

// spooled are the files of bodies in the spool, those that arrive and those that wait.
func (r *roomless) spooled(t *testing.T) (files []string) {
	t.Helper()
	err := filepath.WalkDir(filepath.Join(r.DataDir, "spool"), func(name string, entry fs.DirEntry, err error) error {
		if errors.Is(err, fs.ErrNotExist) {
			return nil // gone in the meantime
		}
		if err == nil && !entry.IsDir() {
			files = append(files, name)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

// logs tells whether a line of the log has all these words.
func (r *roomless) logs(t *testing.T, words ...string) bool {
	t.Helper()
lines:
	for line := range strings.Lines(r.Log(t)) {
		for _, word := range words {
			if !strings.Contains(line, word) {
				continue lines
			}
		}
		return true
	}
	return false
}
