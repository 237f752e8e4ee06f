package bucket

import (
	"context"
	"fmt"
	"io"
	"sync"
	"time"

	"mirrorgate/cache"
)

// How long a canary proves that the credentials work, and how long one that failed is not asked again.
const (
	canaryFresh  = 10 * time.Second
	canaryRepeat = time.Second
)

// canaryName is the object, under the prefix, whose reading proves that a 403 is about the key and not about the
// credentials. The probe writes it; somebody else must where mirrorgate may only read.
const canaryName = cache.InternalPrefix + "canary"

// canary remembers when the canary could last be read.
type canary struct {
	read func(ctx context.Context) error
	now  func() time.Time

	mu     sync.Mutex // held while reading, so that many misses ask once
	alive  time.Time
	failed time.Time
	why    error
}

func newCanary(read func(ctx context.Context) error) *canary {
	return &canary{read: read, now: time.Now}
}

// check is nil when the canary was read within the last 10 s, reading it now if need be.
func (c *canary) check(ctx context.Context) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	now := c.now()
	if !c.alive.IsZero() && now.Sub(c.alive) < canaryFresh {
		return nil
	}
	if c.why != nil && now.Sub(c.failed) < canaryRepeat {
		return c.why
	}
	if err := c.read(ctx); err != nil {
		c.failed = c.now()
		// Not wrapped: that the canary is missing does not make the key a missing one.
		c.why = fmt.Errorf("cannot tell a missing key from a refused one: reading the canary object %s: %v", canaryName, err)
		return c.why
	}
	c.alive, c.why = now, nil
	return nil
}

// readCanary reads the whole canary. A 403 here is final.
func (s *S3) readCanary(ctx context.Context) error {
	x, err := s.client.do(ctx, ask{method: "GET", key: s.prefix + canaryName})
	if err != nil {
		return transport("get", err)
	}
	if x.head.status != 200 {
		return classify("get", x.refusal())
	}
	obj, err := open(x, nil)
	if err != nil {
		return err
	}
	defer obj.Body.Close()
	_, err = io.Copy(io.Discard, io.LimitReader(obj.Body, maxErrorBody))
	return err
}
