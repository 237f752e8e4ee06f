package main

import (
	"context"
	"fmt"
	"io"
	"net"
	"time"

	"golang.org/x/sync/errgroup"
	"golang.org/x/sys/unix"

	"mirrorgate/benchmarks/peers"
)

// crowdCases have many clients who want little, and count what that takes of the server's memory.
func crowdCases() []benchCase {
	return []benchCase{
		{name: "idle-10000", table: crowdTable, ask: ask{size: 1 << 10}, aim: 12, measure: (*bed).measureIdle,
			title: "clients that have had a bucket hit and stay connected", startsThem: true,
			ours: ourselves(startBucket), peers: []peer{
				beside("nginx proxy_pass", startNginxCrowd, 0), beside("bare fasthttp", startFloor, 0)}},
		{name: "slow-2000", table: crowdTable, ask: ask{size: 10 << 20}, aim: 150, measure: (*bed).measureSlow,
			title: "clients that read a bucket hit of 10 MiB at 10 kB a second", startsThem: true,
			ours: ourselves(startSlowBucket), peers: []peer{beside("nginx proxy_pass", startSlowNginx, 0)}},
	}
}

const (
	idleClients = 10_000
	slowClients = 2000
	slowPiece   = 10_000   // bytes that a slow client reads in a second
	slowBuffer  = 16 << 10 // that the kernel keeps for it

	thriftyBuffer = 16 << 10
	settling      = 3 * time.Second // of a server that has just been busy
)

// startNginxCrowd is nginx with small buffers: it fills those of each slow client.
func startNginxCrowd(b *bed, a ask) (*server, error) {
	v, err := b.values()
	if err != nil {
		return nil, err
	}
	s := &server{proxies: true, proves: says("ETag", newObject(a.size).etag)}
	return b.startNginx(s, a, "nginx-proxy.conf.tmpl", forCrowd(v))
}

func forCrowd(v peers.Values) peers.Values {
	v.Clients, v.Buffers, v.Busy = 16_384, "4 8k", "16k"
	return v
}

// startSlowBucket is mirrorgate with a bucket that counts itself.
func startSlowBucket(b *bed, a ask) (*server, error) {
	v, err := b.thriftyValues()
	if err != nil {
		return nil, err
	}
	v.Bucket = "{s3: " + bucketAt(v.Backend) + "}"
	return b.startMirrorgate(&server{}, a, v)
}

func startSlowNginx(b *bed, a ask) (*server, error) {
	v, err := b.thriftyValues()
	if err != nil {
		return nil, err
	}
	s := &server{proves: says("ETag", newObject(a.size).etag)}
	return b.startNginx(s, a, "nginx-proxy.conf.tmpl", forCrowd(v))
}

// thriftyValues are those of a server in front of a backend for slow clients: one whose kernel holds little of what is
// not read. Else this machine's would have to hold megabytes of each of thousands of bodies, and refuse to.
func (b *bed) thriftyValues() (v peers.Values, err error) {
	if b.thrifty == nil {
		if b.thriftyAt, err = freeAddr(); err != nil {
			return v, err
		}
		if b.thrifty, err = b.startLight("thrifty", b.thriftyAt); err != nil {
			return v, err
		}
	}
	v, err = b.values()
	v.Backend = b.thriftyAt
	return v, err
}

// memory is what a server takes at one time.
type memory struct {
	resident, sockets int64 // bytes; what the kernel holds for its sockets is no part of what is resident
	pipes             int
}

func memoryOf(s *server) (m memory, err error) {
	processes, err := family(s.cmd.Process.Pid)
	if err == nil {
		m.resident, err = residentOf(processes, "VmRSS")
	}
	if err == nil {
		m.sockets, err = socketsOf(processes)
	}
	if err == nil {
		m.pipes, err = pipesOf(processes)
	}
	return m, err
}

// measureIdle has all clients ask once.
func (b *bed) measureIdle(ctx context.Context, c benchCase, _ []*server, stdout io.Writer) ([]string, error) {
	count, object := b.opts.count(idleClients), newObject(c.ask.size)
	return b.measureCrowd(ctx, c, count, stdout, func(ctx context.Context, s *server) (memory, error) {
		crowd, err := gather(ctx, s.addr, count, 0)
		defer crowd.close()
		if err == nil {
			err = crowd.each(func(f *fetcher) error {
				_, err := f.fetch(c.ask.key(), c.ask, object)
				return err
			})
		}
		if err == nil {
			err = pause(ctx, min(settling, time.Duration(b.opts.seconds)*time.Second))
		}
		if err != nil {
			return memory{}, err
		}
		return memoryOf(s)
	})
}

// measureSlow has all clients read a piece every second, and takes the most memory that was seen.
func (b *bed) measureSlow(ctx context.Context, c benchCase, _ []*server, stdout io.Writer) ([]string, error) {
	count, object := b.opts.count(slowClients), newObject(c.ask.size)
	return b.measureCrowd(ctx, c, count, stdout, func(ctx context.Context, s *server) (most memory, err error) {
		crowd, err := gather(ctx, s.addr, count, slowBuffer)
		defer crowd.close()
		if err == nil {
			err = crowd.each(func(f *fetcher) error { return f.ask(c.ask.key(), c.ask) })
		}
		for second := 0; err == nil && second < 2*b.opts.seconds; second++ {
			at := int64(second * slowPiece)
			if err = crowd.each(func(f *fetcher) error { return f.piece(object, at, slowPiece) }); err != nil {
				break
			}
			now, failed := memoryOf(s)
			if err = failed; now.resident > most.resident {
				most = now
			}
			if err == nil {
				err = pause(ctx, time.Second)
			}
		}
		return most, err
	})
}

// measureCrowd starts each server in turn, and looks at its memory before there are clients and when there are.
func (b *bed) measureCrowd(ctx context.Context, c benchCase, count int, stdout io.Writer,
	crowd func(context.Context, *server) (memory, error)) (lines []string, err error) {
	for _, one := range c.contenders() {
		before, with, err := b.crowded(ctx, c, one, crowd)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", one.name, err)
		}
		lines = append(lines, crowdLine(c, one, count, before, with))
	}
	writeProgress(stdout, lines)
	return lines, nil
}

func (b *bed) crowded(ctx context.Context, c benchCase, one contender,
	crowd func(context.Context, *server) (memory, error)) (before, with memory, err error) {
	s, err := one.start(b, c.ask)
	if err != nil {
		return before, with, err
	}
	defer func() {
		if ended := b.end(s); err == nil {
			err = ended
		}
	}()
	if err := b.check(s, c.ask); err != nil {
		return before, with, err
	}
	if before, err = memoryOf(s); err != nil {
		return before, with, err
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	if with, err = crowd(ctx, s); err != nil {
		err = fmt.Errorf("%w\n%s", err, s.printed())
	}
	return before, with, err
}

// fetchers are many clients.
type fetchers []*fetcher

// gather connects so many clients, from several addresses of this machine: one has not enough ports for many. With a
// window, they take no more bytes at a time.
func gather(ctx context.Context, addr string, count, window int) (all fetchers, err error) {
	for i := range count {
		from := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.IPv4(127, 0, 0, byte(2+i%8))},
			Control: narrow(unix.SO_RCVBUF, window)}
		f, err := newFetcherWith(ctx, from, addr, smallBuffer)
		if err != nil {
			return all, fmt.Errorf("client %d: %w", i, err)
		}
		all = append(all, f)
	}
	return all, nil
}

func (all fetchers) close() {
	for _, f := range all {
		f.close()
	}
}

// each has all clients do it, many at a time.
func (all fetchers) each(do func(*fetcher) error) error {
	var group errgroup.Group
	group.SetLimit(len(all)/10 + 1)
	for _, f := range all {
		group.Go(func() error { return do(f) })
	}
	return group.Wait()
}

// pause waits, unless ctx ends.
func pause(ctx context.Context, d time.Duration) error {
	select {
	case <-time.After(d):
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func crowdLine(c benchCase, one contender, count int, before, with memory) string {
	each := float64(with.resident-before.resident) / float64(count) / (1 << 10)
	aim := ""
	if one.name == c.ours.name {
		figure, unit := each, "KiB each"
		if c.ask.size > 1<<20 {
			figure, unit = mib(with.resident), "MiB"
		}
		aim = verdict(figure, c.aim) + ", " + unit
	}
	return fmt.Sprintf("| %s | %s | %d | %.1f | %.1f | %.1f | %s | %.1f | %d |", c.name, one.name, count,
		mib(before.resident), mib(with.resident), each, aim, mib(with.sockets-before.sockets), with.pipes-before.pipes)
}
