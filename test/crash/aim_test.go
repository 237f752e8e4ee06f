package crash_test

import (
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"strings"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"
)

// aim is a kind of moment at which the gateway is killed.
type aim struct {
	kind string
	// take makes it so that the shot is fired at such a moment, with what is random about it, and returns what ends that.
	take func(r *run, random *rand.Rand, s *shot) (end func(), err error)
}

// deck deals aims: all of them before one comes again.
type deck struct {
	random *rand.Rand
	aims   []aim
	left   []aim
}

func (d *deck) next() aim {
	if len(d.left) == 0 {
		d.left = append(d.left, d.aims...)
		d.random.Shuffle(len(d.left), func(i, j int) { d.left[i], d.left[j] = d.left[j], d.left[i] })
	}
	a := d.left[0]
	d.left = d.left[1:]
	return a
}

// atRandom is any moment.
func atRandom() aim {
	return aim{"random", func(_ *run, random *rand.Rand, s *shot) (func(), error) {
		timer := time.AfterFunc(time.Duration(random.IntN(600))*time.Millisecond, func() { s.fire() })
		return func() { timer.Stop() }, nil
	}}
}

// atLastByte is when a client has just got the last byte of an object of a class.
func atLastByte(c class) aim {
	return aim{fmt.Sprintf("last byte of %s object", c), func(r *run, random *rand.Rand, s *shot) (func(), error) {
		skip := after(random, c.often())
		whole := func(got class) {
			if got == c && skip() {
				s.fire()
			}
		}
		r.whole.Store(&whole)
		return func() { r.whole.Store(nil) }, nil
	}}
}

// after is a condition that holds after less than so many times.
func after(random *rand.Rand, times int) func() bool {
	var passed atomic.Int64
	skip := random.Int64N(int64(times))
	return func() bool { return passed.Add(1) > skip }
}

// aimsAnywhere need no bucket of a certain kind.
func aimsAnywhere() []aim {
	aims := []aim{atRandom(), atRandom(), atLastByte(small), atLastByte(parted), atLastByte(arriving)}
	const pending = "pending/site/??"
	for _, step := range []step{
		{"a body arrives", "tmp", ".body", unix.IN_CREATE, 8},
		{"a record is written", "tmp", ".json", unix.IN_CREATE, 8},
		{"a body is committed", pending, ".new", unix.IN_MOVED_TO, 8},
		{"a record is written", "tmp", ".json", unix.IN_MODIFY, 8},
		{"a record is committed", pending, ".json", unix.IN_MOVED_TO, 8},
		{"a record is removed", pending, ".json", unix.IN_DELETE, 8},
		{"a body is removed", pending, ".new", unix.IN_DELETE, 8},
	} {
		aims = append(aims, step.aim(func(r *run) string { return filepath.Join(r.gateway.DataDir, "spool") }))
	}
	return aims
}

// step is something that happens to a file.
type step struct {
	kind    string
	folders string // below the root, as a pattern
	suffix  string // of the file's name
	event   uint32
	often   int // about how often it happens in a round, at most
}

func (s step) aim(root func(*run) string) aim {
	return aim{s.kind, func(r *run, random *rand.Rand, shot *shot) (func(), error) {
		folders, err := filepath.Glob(filepath.Join(root(r), s.folders))
		if err != nil {
			return nil, err
		}
		skip := after(random, s.often)
		w, err := startWatch(folders, s.event, func(name string) {
			if strings.HasSuffix(name, s.suffix) && skip() {
				shot.fire()
			}
		})
		if err != nil {
			return nil, err
		}
		return w.close, nil
	}}
}

// aimsAtDirectory are about the files of a directory bucket.
func aimsAtDirectory(d directory) []aim {
	root := func(*run) string { return string(d) }
	aims := aimsAnywhere()
	for _, step := range []step{
		{"an object is begun", ".mirrorgate/tmp", "", unix.IN_CREATE, 8},
		{"an object is written to", ".mirrorgate/tmp", "", unix.IN_MODIFY, 20},
		{"an object is linked", "e*", "", unix.IN_CREATE, 8},
		{"an object's temporary name is removed", ".mirrorgate/tmp", "", unix.IN_DELETE, 8},
	} {
		aims = append(aims, step.aim(root))
	}
	return aims
}

// aimsAtServer are about the requests to a server and about uploads in parts.
func aimsAtServer(f *front) []aim {
	aims := aimsAnywhere()
	for _, step := range []step{
		{"an upload is remembered", "uploads", "", unix.IN_MOVED_TO, 2},
		{"a part is remembered", "uploads", "", unix.IN_MODIFY, 6},
		{"an upload is forgotten", "uploads", "", unix.IN_DELETE, 2},
	} {
		aims = append(aims, step.aim(func(r *run) string { return filepath.Join(r.gateway.DataDir, "spool") }))
	}
	for _, p := range []phase{unsent, passing, unanswered, answered} {
		aims = append(aims, f.aim(putObject, p, 8), f.aim(beginUpload, p, 2), f.aim(uploadPart, p, 6),
			f.aim(completeUpload, p, 2))
	}
	return aims
}
