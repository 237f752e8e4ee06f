package cache

import (
	"errors"
	"time"
)

// ErrStored means that somebody stored the object between the caller's Get and its Fill: Get finds it now.
var ErrStored = errors.New("the object has been stored meanwhile")

// Fill pulls an object that Get did not find, or joins the pull of it that is under way, and returns a body that
// arrives while it is read. It returns when the first byte is there (of an empty object: when its end is proven and
// committed). An answer that may not be shared is given to the request that caused its pull; those that waited for it
// pull on their own.
//
// Errors: ErrStored; *NegativeError when the origins have no such object; *BusyError; those of load; those of the
// bucket when it had to be asked again.
func (c *Cache) Fill(site *Site, key string, o FillOptions, load Loader) (*Object, error) {
	id := ID{site.Name, key}
	if err := c.startWaiting(); err != nil {
		return nil, err
	}
	defer c.stopWaiting()
	if o.Solo {
		return c.alone(id, site, o, load, false)
	}
	if n := c.negative.find(id, o.Scope); n != nil {
		return nil, n
	}
	if relayed, unshared := c.unshared.find(id); unshared {
		return c.alone(id, site, o, load, relayed)
	}
	f, first, err := c.join(id, site, o, load)
	if err != nil {
		return nil, err
	}
	defer c.arrived(f)
	obj, err := f.follow(first)
	if errors.Is(err, errAlone) {
		return c.alone(id, site, o, load, f.relays)
	}
	return obj, err
}

// alone pulls for one request, within limits.max_solo_pulls for each key. relayed: all that was missing to share
// another gateway's answer was room in the spool, so it is asked for once more rather than the origin.
func (c *Cache) alone(id ID, site *Site, o FillOptions, load Loader, relayed bool) (*Object, error) {
	began := time.Now()
	leave, err := c.solos.enter(c.life, id, o.Wait)
	if err != nil {
		return nil, err
	}
	o.Wait -= time.Since(began)
	f := c.newFlight(id, site, o, load)
	f.leave, f.solo = leave, make(chan *Pull, 1)
	f.claimed = !relayed
	c.mu.Lock()
	f.await()
	c.mu.Unlock()
	defer c.arrived(f)
	f.start()
	return f.follow(true)
}

// Behind starts a pull that no request waits for, unless one is under way, or would bring nothing that may be kept. Its
// outcome is in the log and the bucket.
func (c *Cache) Behind(site *Site, key string, o FillOptions, load Loader) {
	id := ID{site.Name, key}
	if _, unshared := c.unshared.find(id); unshared || !site.Save || c.negative.find(id, o.Scope) != nil {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	f := c.newFlight(id, site, o, load)
	if _, flies := c.flights[f.key()]; !flies {
		c.flights[f.key()] = f
		f.start()
	}
}

// join returns the flight of id, and whether the caller is the first: then it runs already. The caller calls
// arrived when it has opened the body or given up. For a part that nobody pulls yet there must be a place under
// limits.max_range_pulls: a request that finds none does better to wait for the whole, and gets *BusyError.
func (c *Cache) join(id ID, site *Site, o FillOptions, load Loader) (f *flight, first bool, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	f = c.newFlight(id, site, o, load)
	if flies, ok := c.flights[f.key()]; ok {
		flies.await()
		return flies, false, nil
	}
	if o.Part != nil {
		if err := c.pass(f); err != nil {
			return nil, false, err
		}
	}
	f.solo = make(chan *Pull, 1)
	f.await()
	c.flights[f.key()] = f
	f.start()
	return f, true, nil
}

// Progress tells how far the whole pull of a key is: the bytes that have arrived, and the Meta that its readers see. ok
// is false while there is none that readers can follow.
func (c *Cache) Progress(site *Site, key string) (arrived int64, m Meta, ok bool) {
	c.mu.Lock()
	f := c.flights[flightKey{ID: ID{site.Name, key}}]
	c.mu.Unlock()
	if f == nil || !f.published() || f.outcome != outcomeShared {
		return 0, Meta{}, false
	}
	return f.body.arrived(), f.meta, true
}

// leave makes the next request for the key start anew: nobody joins f any more.
func (c *Cache) leave(f *flight) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.remove(f)
}

func (c *Cache) remove(f *flight) {
	if c.flights[f.key()] == f {
		delete(c.flights, f.key())
	}
}

// await counts one more who is to open the body. The caller holds the cache's mu.
func (f *flight) await() {
	f.joined.Add(1)
	f.coming++
}

// arrived says that one of them has, or has given up.
func (c *Cache) arrived(f *flight) {
	c.mu.Lock()
	f.coming--
	c.mu.Unlock()
	f.joined.Done()
}

// abandon makes a flight leave if nobody reads its body and nobody is about to, and tells whether it did.
func (c *Cache) abandon(f *flight) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if f.coming > 0 || f.body.isRead() {
		return false
	}
	c.remove(f)
	return true
}

// startWaiting counts a request that waits. Drain waits for it, too: it may be about to start a pull of its own.
func (c *Cache) startWaiting() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.waiting >= c.limits.MaxWaiting {
		return &BusyError{Setting: "limits.max_waiting"}
	}
	c.active.Add(1)
	c.waiting++
	return nil
}

func (c *Cache) stopWaiting() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.waiting--
	c.active.Done()
}

// errAlone tells those who joined a flight that its answer is for the first request only.
var errAlone = errors.New("the answer may not be shared")

// follow waits for the flight's outcome, and opens it for one reader.
func (f *flight) follow(first bool) (*Object, error) {
	<-f.ready // bounded: by the wait for a slot, the loader's answer budget and the limits on bodies
	switch {
	case f.outcome == outcomeShared:
		reader, size := f.body.open()
		obj := &Object{Meta: f.meta, Length: size, Body: reader, Tier: TierPull, Pull: f.info}
		if f.info.Partial {
			obj.Partial, obj.Start = true, f.info.Start
		} else {
			obj.Meta.Size = size
		}
		if !first {
			obj.Pull.Collapsed, obj.Pull.SetCookie = true, nil
		}
		return obj, nil
	case f.handed && first:
		p := <-f.solo
		return &Object{
			Meta: p.Meta, Partial: p.partial(), Start: p.Start, Length: p.length(),
			Body: p.Body, Tier: TierPull, Pull: p.info(),
		}, nil
	case f.outcome == outcomeAlone:
		return nil, errAlone
	case f.outcome == outcomePresent:
		return nil, ErrStored
	default:
		return nil, f.err
	}
}

// Narrow limits an object that is arriving from an origin to a range. It reports false, and changes nothing, when the
// whole has to be answered: the size is not known yet, or the body cannot be entered at an offset. A range outside the
// object is a *RangeError.
func (o *Object) Narrow(r Range) (bool, error) {
	body, ok := o.Body.(*follower)
	if !ok || o.Meta.Size < 0 || o.Partial {
		return false, nil
	}
	start, length, ok := r.Resolve(o.Meta.Size)
	if !ok {
		return false, &RangeError{Size: o.Meta.Size}
	}
	o.Start, o.Length, o.Partial = start, length, true
	body.enter(start, length)
	return true, nil
}
