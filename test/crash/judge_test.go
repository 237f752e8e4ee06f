package crash_test

import (
	"errors"
	"fmt"
	"math"
	"strings"
	"sync"

	"mirrorgate/test/harness"
)

// lookers is how many objects are looked at at one time.
const lookers = 4

// each calls look for every object, several at a time, and notes the problems.
func (r *run) each(objects []*object, look func(*object) error) {
	var running sync.WaitGroup
	places := make(chan struct{}, lookers)
	for _, o := range objects {
		places <- struct{}{}
		running.Go(func() {
			if err := look(o); err != nil {
				r.tally.problem(err)
			}
			<-places
		})
	}
	running.Wait()
}

// nothingLost: what clients had got in full, the gateway has after its restart, and the application's where there is
// one.
func (r *run) nothingLost(objects []*object) {
	r.each(objects, func(o *object) error {
		_, newer := o.state()
		response, err := r.get(r.t.Context(), o)
		if err != nil {
			return err
		}
		tier, err := o.judgeHit(response, newer)
		if err == nil {
			r.tally.count("objects compared after a restart, from the "+tier, 1)
		}
		return err
	})
}

// checkpoint waits until everything is saved, compares all that is in the bucket, and removes it.
func (r *run) checkpoint() {
	r.t.Helper()
	harness.Eventually(r.t, 3*patience, r.spool.drained)
	if err := r.spool.sound(); err != nil {
		r.tally.problem(err)
	}
	prefix := r.book.prefix()
	objects, uploads := r.book.close()
	r.wantRight(prefix, objects)
	for id, key := range uploads {
		open, err := r.store.isOpen(key, id)
		if err == nil && open {
			err = errors.New("it is left open")
		}
		if err != nil {
			r.tally.problem(fmt.Errorf("the upload of %s that the gateway had remembered: %w", key, err))
		}
	}
	r.tally.count("uploads in parts that had been remembered, none left open", len(uploads))
	if err := r.store.clear(prefix); err != nil {
		r.t.Fatal(err)
	}
	r.prepare()
}

// wantRight: the bucket has every object that a client got in full, and of the others none or all.
func (r *run) wantRight(prefix string, objects map[string]*object) {
	r.t.Helper()
	keys, err := r.store.keys(prefix)
	if err != nil {
		r.t.Fatal(err)
	}
	found := make([]*object, 0, len(keys))
	for _, key := range keys {
		o := objects[key]
		if o == nil {
			r.tally.problem(fmt.Errorf("the bucket has %s, which nobody has asked for", key))
			continue
		}
		found = append(found, o)
		delete(objects, key)
	}
	for _, o := range objects {
		if whole, newer := o.state(); whole || newer == newerThere {
			r.tally.problem(fmt.Errorf("%s is not in the bucket", o.key))
		}
	}
	r.each(found, r.wantWhole)
}

// wantWhole compares an object in the bucket.
func (r *run) wantWhole(o *object) error {
	body, err := r.store.open(o.key)
	if err != nil {
		return err
	}
	defer body.Close()
	_, newer := o.state()
	truth := o.truth
	if newer == newerThere {
		truth = o.other()
	}
	if err := truth.Check(body); err != nil {
		return fmt.Errorf("%s, %s object, in the bucket: %w", o.key, o.class, err)
	}
	r.tally.count("objects compared in the bucket", 1)
	r.tally.count("MiB compared in the bucket", int(math.Round(float64(truth.Size)/mib)))
	return nil
}

// end stops the gateway, and looks at what is left when all is over.
func (r *run) end(mostLeft int) {
	r.t.Helper()
	if code := r.gateway.Stop(r.t); code != 0 {
		r.t.Errorf("exit code %d", code)
	}
	if err := errors.Join(r.spool.drained(), r.spool.sound()); err != nil {
		r.t.Error(err)
	}
	left, err := r.store.left()
	if err != nil || left > mostLeft {
		r.t.Errorf("%d uploads are left that nobody knows of, at most %d may be (%v)", left, mostLeft, err)
	}
	r.tally.count("uploads left that nobody knows of", left)
	r.wantCleanLog()
	r.tally.report(r.t)
}

// wantCleanLog: the gateway has not panicked, and found nothing that cannot be.
func (r *run) wantCleanLog() {
	r.t.Helper()
	for line := range strings.Lines(r.gateway.Log(r.t)) {
		for _, bad := range []string{"panic", "set aside", "damaged", "level=ERROR"} {
			if strings.Contains(line, bad) {
				r.t.Errorf("the log has: %s", line)
				break
			}
		}
	}
}
