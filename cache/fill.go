package cache

import "errors"

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
		return c.alone(id, site, o, load)
	}
	if n := c.negative.find(id, o.Scope); n != nil {
		return nil, n
	}
	f, first := c.join(id, site, o, load, true)
	defer f.joined.Done()
	obj, err := f.follow(first)
	if errors.Is(err, errAlone) {
		return c.alone(id, site, o, load)
	}
	return obj, err
}

// alone pulls for one request.
func (c *Cache) alone(id ID, site *Site, o FillOptions, load Loader) (*Object, error) {
	f := c.start(id, site, o, load, true)
	defer f.joined.Done()
	return f.follow(true)
}

// Behind starts a pull that no request waits for, unless one is under way. Its outcome is in the log and the bucket.
func (c *Cache) Behind(site *Site, key string, o FillOptions, load Loader) {
	id := ID{site.Name, key}
	if c.negative.find(id, o.Scope) == nil {
		c.join(id, site, o, load, false)
	}
}

// join returns the flight of id, and whether the caller is the first: then it runs already. Who waits calls
// joined.Done when it has opened the body or given up.
func (c *Cache) join(id ID, site *Site, o FillOptions, load Loader, wait bool) (f *flight, first bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if f, ok := c.flights[id]; ok {
		if wait {
			f.joined.Add(1)
		}
		return f, false
	}
	f = c.start(id, site, o, load, wait)
	c.flights[id] = f
	return f, true
}

// start runs a flight that nobody else can join.
func (c *Cache) start(id ID, site *Site, o FillOptions, load Loader, wait bool) *flight {
	f := &flight{cache: c, site: site, id: id, opts: o, load: load, ready: make(chan struct{})}
	if wait {
		f.solo = make(chan *Pull, 1)
		f.joined.Add(1)
	}
	c.active.Add(1)
	go f.run()
	return f
}

// leave makes the next request for the key start anew: nobody joins f any more.
func (c *Cache) leave(f *flight) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.flights[f.id] == f {
		delete(c.flights, f.id)
	}
}

func (c *Cache) startWaiting() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.waiting >= c.limits.MaxWaiting {
		return &BusyError{Setting: "limits.max_waiting"}
	}
	c.waiting++
	return nil
}

func (c *Cache) stopWaiting() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.waiting--
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
		obj.Meta.Size = size
		if obj.Pull.Collapsed = !first; !first {
			obj.Pull.SetCookie = nil
		}
		return obj, nil
	case f.outcome == outcomeAlone && first:
		p := <-f.solo
		info := PullInfo{Target: p.Target, Reason: p.Reason, SetCookie: p.SetCookie}
		return &Object{Meta: p.Meta, Length: p.Meta.Size, Body: p.Body, Tier: TierPull, Pull: info}, nil
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
	if !ok || o.Meta.Size < 0 {
		return false, nil
	}
	start, length, ok := r.Resolve(o.Meta.Size)
	if !ok {
		return false, &RangeError{Size: o.Meta.Size}
	}
	o.Start, o.Length, o.Partial = start, length, true
	body.off, body.left = start, length
	return true, nil
}
