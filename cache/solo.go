package cache

import (
	"io"
	"sync"
	"time"
)

// unsharedTTL is how long it is remembered that an answer may not be shared, so that nobody waits for its header.
const unsharedTTL = 30 * time.Second

// handOver gives an answer that may not be shared to the request that waits for it, if there is one and it finds a
// place; else nobody reads it. Of a part nothing is remembered: the whole may be shared all the same.
func (f *flight) handOver(p *Pull, done func()) {
	p.Body = &soloBody{ReadCloser: verified(p), done: done}
	if !f.opts.Solo && !f.opts.Check && f.opts.Part == nil {
		f.cache.unshared.put(f.id, f.relays, unsharedTTL)
	}
	f.dropped = p.Reason
	f.countNotKept(p.Reason)
	f.settle(p.Reason != "spool")
	f.endLease()
	f.cache.leave(f)
	if f.handed = f.place(); f.handed {
		f.solo <- p
	} else {
		_ = p.Body.Close()
	}
	f.publish(outcomeAlone)
}

// place finds one under limits.max_solo_pulls for the request that caused the pull, unless it has one already.
func (f *flight) place() bool {
	if f.solo == nil || f.leave != nil {
		return f.solo != nil
	}
	var err error
	f.leave, err = f.cache.solos.enter(f.cache.life, f.id, 0)
	return err == nil
}

// soloBody gives back what a pull for one request holds.
type soloBody struct {
	io.ReadCloser
	done func()
	once sync.Once
}

func (b *soloBody) Close() (err error) {
	b.once.Do(func() {
		err = b.ReadCloser.Close()
		b.done()
	})
	return err
}
