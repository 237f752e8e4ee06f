package shared

import (
	"context"
	"fmt"

	"mirrorgate/cache"
)

// takeUp has lost intents pulled again, all that there are, so many at one time as there are slots. Each is claimed
// only when there is one.
func (f *Fleet) takeUp(ctx context.Context, found []lost) {
	for _, l := range found {
		if l.own != nil {
			f.takeOwn(ctx, l)
		} else {
			f.takeOver(ctx, l)
		}
	}
}

func (f *Fleet) takeOwn(ctx context.Context, l lost) {
	for _, id := range l.own {
		if !f.take(ctx, l, id) {
			return
		}
	}
}

// takeOver goes through what is pending to a member that is gone, as long as it is.
func (f *Fleet) takeOver(ctx context.Context, l lost) {
	after := place{}.String()
	for {
		gone, err := f.gone(ctx, []string{l.from})
		if err != nil || !gone[l.from] {
			return
		}
		page, err := f.pendingOf(ctx, l.shard, l.from, after, lostPage)
		if err != nil {
			return
		}
		for _, p := range page {
			after = p.id
			if f.due(p) && !f.take(ctx, l, p.id) {
				return
			}
		}
		if len(page) < lostPage {
			f.tidy(ctx, l)
			return
		}
	}
}

// tidy removes a member that is gone from among the consumers, once nothing is pending to it.
func (f *Fleet) tidy(ctx context.Context, l lost) {
	_, _ = f.ask(ctx, tidyScript, f.shardKeys(l.shard)[:1], l.from) // else another time
}

// take waits for a slot, claims an intent and has it pulled again, behind the caller's back. false: there is no use in
// going on.
func (f *Fleet) take(ctx context.Context, l lost, id string) bool {
	select {
	case f.intents.slots <- struct{}{}:
	case <-ctx.Done():
		return false
	}
	ctx, done, ok := f.intents.duty.enter(ctx)
	release := func() { <-f.intents.slots }
	if !ok {
		release()
		return false
	}
	at, _ := parsePlace(id)
	s := &f.intents.shelves[l.shard]
	s.work(at, true) // before it is claimed: else it could be taken for one that nobody works on
	fields, tries, err := f.seize(ctx, l, id)
	if err != nil || tries == 0 {
		s.work(at, false)
		done()
		release()
		return err == nil
	}
	f.intents.running.Go(func() {
		defer release()
		defer done()
		defer s.work(at, false)
		f.redo(ctx, l, id, fields, tries)
	})
	return true
}

// work notes that an intent is being pulled again, or no more.
func (s *shelf) work(at place, busy bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if busy {
		s.busy[at] = struct{}{}
	} else {
		delete(s.busy, at)
	}
}

// redo pulls the object of an intent again. It stays pending when that fails, and is tried again later, here or, should
// this gateway be lost, too, elsewhere.
func (f *Fleet) redo(ctx context.Context, l lost, place string, fields []string, tries int) {
	id, ok := parseIntent(fields, l.shard)
	if !ok {
		f.strange(ctx, l.shard, place)
		return
	}
	if tries > maxTries+1 { // whoever took it up last did not live to say what became of it
		f.bury(ctx, l.shard, place, id, fmt.Errorf("taken up %d times, and never brought to an end", tries-1))
		return
	}
	log := f.log.With("site", id.Site, "key", id.Key)
	limited, cancel := context.WithTimeout(ctx, f.tempo.pull)
	defer cancel()
	err := f.o.Pull(limited, id)
	switch {
	case err == nil:
		log.Info("an object that another gateway had pulled and not saved is taken care of")
		f.redone(l, place, id)
	case ctx.Err() != nil: // at the next start
	case tries > maxTries:
		f.bury(ctx, l.shard, place, id, err)
	default:
		log.Warn("an object that another gateway had pulled and not saved could not be pulled again yet",
			"err", err, "tries", tries)
	}
}

// redone ends an intent: its object is in the bucket, or in the spool, where it has an intent of its own or gets this
// one. If it is not in the spool, the lease of whoever had it there has no use any more.
func (f *Fleet) redone(l lost, place string, id cache.ID) {
	at, _ := parsePlace(place)
	if f.o.Waiting != nil && f.o.Waiting(id) {
		f.adopt(l.shard, id, at)
		return
	}
	f.finish(l.shard, at)
	f.dropLease(id, own(l.from)+string(committed))
}

// bury puts an intent on the dead list.
func (f *Fleet) bury(ctx context.Context, shard int, place string, id cache.ID, why error) {
	f.log.Error("an object that a gateway had pulled and not saved is given up (mirrorgate queue ls shows it)",
		"site", id.Site, "key", id.Key, "err", why)
	if f.GiveUp(ctx, id, why) == nil {
		at, _ := parsePlace(place)
		f.finish(shard, at)
	}
}

// runIntents looks after intents until ctx ends.
func (f *Fleet) runIntents(ctx context.Context) {
	f.intents.running.Go(func() { f.runTell(ctx) })
	f.intents.running.Go(func() { f.runLook(ctx) })
	f.runDone(ctx)
	f.intents.running.Wait()
	f.clearLast(ctx)
}
