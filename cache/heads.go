package cache

import (
	"context"
	"errors"
)

// headAnswer is what an origin said to a HEAD.
type headAnswer struct {
	scope string
	obj   *Object
	err   *NegativeError
}

// HeadLoader asks the origin for an object's headers. An answer that there is no object is a *NegativeError.
type HeadLoader func(ctx context.Context) (*Object, error)

// Head asks for the headers of an object that Get did not find. Equal requests at one time are one for the origin, and
// the answer is remembered for FillOptions.NegativeTTL, for HEAD alone: an origin may refuse HEAD and have the object.
// The Object has no Body and is shared: the caller changes nothing in it.
func (c *Cache) Head(site *Site, key string, o FillOptions, load HeadLoader) (*Object, error) {
	id := ID{site.Name, key}
	if a, known := c.knownHead(id, o); known {
		return a.again()
	}
	if err := c.startWaiting(); err != nil {
		return nil, err
	}
	defer c.stopWaiting()
	if o.Solo {
		return c.loadHead(o, load)
	}
	got, err, _ := c.heading.Do(site.Name+"\x00"+key+"\x00"+o.Scope, func() (any, error) {
		if a, known := c.knownHead(id, o); known { // since a moment ago
			return a.again()
		}
		obj, err := c.loadHead(o, load)
		var negative *NegativeError
		if errors.As(err, &negative) || err == nil {
			c.heads.put(id, headAnswer{o.Scope, obj, negative}, o.NegativeTTL)
		}
		return obj, err
	})
	if err != nil {
		return nil, err
	}
	return got.(*Object), nil
}

// knownHead finds what is remembered: that there is no object at all goes before what was said to HEAD.
func (c *Cache) knownHead(id ID, o FillOptions) (headAnswer, bool) {
	if o.Solo {
		return headAnswer{}, false
	}
	if n := c.negative.find(id, o.Scope); n != nil {
		return headAnswer{err: n}, true
	}
	a, ok := c.heads.find(id)
	return a, ok && a.scope == o.Scope
}

// loadHead asks on the cache's own context: those who joined must not lose their answer with the first one's client.
func (c *Cache) loadHead(o FillOptions, load HeadLoader) (*Object, error) {
	release, err := c.slot(c.life, o.Wait)
	if err != nil {
		return nil, err
	}
	defer release()
	return load(c.life)
}

func (a headAnswer) again() (*Object, error) {
	if a.err != nil {
		return nil, &NegativeError{Status: a.err.Status, Remembered: true, Err: a.err.Err}
	}
	return a.obj, nil
}
