package main

import (
	"context"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"
)

// fetchAll asks for count objects over so many connections, each as soon as the one before is there, and returns how
// long all took. key names them from 0 on.
func fetchAll(ctx context.Context, addr string, a ask, clients, count int, key func(int) string) (
	time.Duration, error) {
	object := newObject(a.size)
	var next atomic.Int64
	began := time.Now()
	group, ctx := errgroup.WithContext(ctx)
	for range min(clients, count) {
		group.Go(func() error {
			f, err := newFetcher(ctx, addr, largeBuffer)
			if err != nil {
				return err
			}
			defer f.close()
			for n := next.Add(1); n <= int64(count); n = next.Add(1) {
				if _, err := f.fetch(key(int(n-1)), a, object); err != nil {
					return err
				}
			}
			return nil
		})
	}
	err := group.Wait()
	return time.Since(began), err
}

// What is asked for of objects so large that wrk would end with most of its answers under way.
const (
	wholeClients = 2
	wholeCount   = 4
)

// runWhole asks for a number of objects rather than for a time.
func runWhole(ctx context.Context, addr string, a ask) (loadResult, error) {
	took, err := fetchAll(ctx, addr, a, wholeClients, wholeCount, func(int) string { return a.key() })
	return loadResult{requests: wholeCount, rate: wholeCount / took.Seconds()}, err
}
