package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"sync/atomic"

	"mirrorgate/cache"
	"mirrorgate/configs"
	"mirrorgate/gateway/admin"
)

// liveKey is the object of a site's bucket that holds what the API changes of the site. No client can ask for it.
const liveKey = cache.InternalPrefix + "live.json"

// liveStore is where what the API changes of one site is kept, and what was found there last.
type liveStore struct {
	site string
	// awaited: the gateway is not ready before it was read. It was when the gateway started.
	awaited atomic.Bool
	problem atomic.Pointer[liveProblem] // nil: what was found is in force

	mu     sync.Mutex // held while the bucket is asked: one change of the site follows the other
	bucket *opened    // that was asked last
	etag   string     // of the document that was read last; "" if there is none, or it has to be read again
	live   configs.Live
	unfit  error // why the document is none

	tried   *configs.Config // the file that live was tried with last
	refused error           // what came of it
}

// liveProblem is why what a bucket has, or may have, of changes is not in force.
type liveProblem struct {
	away bool // for now it cannot be read or put in force; else it cannot be used
	text string
}

// read looks what there is. A document that cannot be used is no error: unfit says why.
func (s *liveStore) read(ctx context.Context, b *opened) error {
	if err := s.readFrom(ctx, b); err != nil {
		return fmt.Errorf("changes cannot be read from the bucket: %w", err)
	}
	return nil
}

func (s *liveStore) readFrom(ctx context.Context, b *opened) error {
	if s.bucket != b {
		s.bucket, s.etag = b, ""
	}
	own := b.Own()
	if s.etag != "" {
		head, err := own.Open(ctx, liveKey, cache.ReadOptions{HeadersOnly: true})
		if err == nil && head.Meta.Bucket.ETag == s.etag {
			return nil
		}
	}
	doc, err := own.Open(ctx, liveKey, cache.ReadOptions{})
	if errors.Is(err, cache.ErrNotFound) || errors.Is(err, cache.ErrDeleted) {
		s.found("", configs.Live{}, nil)
		return nil
	}
	if err != nil {
		return err
	}
	defer doc.Body.Close()
	raw, err := io.ReadAll(io.LimitReader(doc.Body, configs.MaxLive+1))
	if err != nil {
		return err
	}
	live, unfit := configs.ParseLive(raw)
	s.found(doc.Meta.Bucket.ETag, live, unfit)
	return nil
}

// found notes what there is.
func (s *liveStore) found(etag string, live configs.Live, unfit error) {
	if unfit != nil || s.unfit != nil || !sameLive(live, s.live) {
		s.tried = nil
	}
	s.etag, s.live, s.unfit = etag, live, unfit
}

// write puts a document in the place of the one that was read last. admin.ErrChanged: there is another one by now.
func (s *liveStore) write(ctx context.Context, live configs.Live) error {
	raw, err := live.Encode()
	if err != nil {
		return err
	}
	meta := cache.Meta{Size: int64(len(raw)), ContentType: "application/json"}
	err = s.bucket.Own().Put(ctx, liveKey, bytes.NewReader(raw), meta, cache.PutOptions{IfMatch: s.etag})
	switch {
	case errors.Is(err, cache.ErrPrecondition), errors.Is(err, cache.ErrNotFound):
		return admin.ErrChanged
	case err != nil:
		return fmt.Errorf("%w: %w", admin.ErrNotKept, err)
	}
	s.found("", live, nil)
	return nil
}

// sameLive compares what two are kept as.
func sameLive(a, b configs.Live) bool {
	rawA, errA := a.Encode()
	rawB, errB := b.Encode()
	return errA == nil && errB == nil && bytes.Equal(rawA, rawB)
}

// maxProblem bounds what is shown of a problem, in bytes.
const maxProblem = 500

// problemOf makes a problem of an error, nil of none.
func problemOf(err error) *liveProblem {
	var mistakes configs.Mistakes
	var failed configs.LiveError
	switch {
	case err == nil:
		return nil
	case errors.As(err, &failed), errors.As(err, &mistakes):
		text := "what the bucket has of changes cannot be used: " + err.Error()
		return &liveProblem{text: text[:min(len(text), maxProblem)]}
	}
	return &liveProblem{away: true, text: err.Error()}
}

// isNews tells whether the problem is another one than the last. How exactly a bucket fails to answer is none.
func (p *liveProblem) isNews(last *liveProblem) bool {
	if p == nil || last == nil {
		return p != last
	}
	return p.away != last.away || !p.away && p.text != last.text
}
