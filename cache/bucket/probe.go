package bucket

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	mrand "math/rand/v2"
	"net/http"
	"slices"
	"time"

	"github.com/minio/minio-go/v7"

	"mirrorgate/cache"
)

// abilities is what the probe has learnt of a bucket.
type abilities struct {
	writable      bool
	kept          keyForm // the unusual forms that it keeps apart
	put, complete conditions
	deleteIfMatch bool // If-Match holds on DELETE
	putMD5        bool // the ETag of a PUT is the MD5 of the bytes
	partMD5       bool // the ETag of a part is
}

// conditions tells which conditions hold on a request: none is known to hold unless the probe has seen it.
type conditions struct {
	createOnly, ifMatch bool
}

// hold tells whether the condition that o needs holds.
func (c conditions) hold(o cache.PutOptions) bool {
	if o.IfMatch != "" {
		return c.ifMatch
	}
	return c.createOnly
}

// pace is how often a probe is repeated.
type pace struct {
	first, longest time.Duration // after a failure: doubling
	readOnly       time.Duration // writing was refused; the permission may be granted later
	limit          time.Duration // for one probe
}

var defaultPace = pace{first: time.Second, longest: 30 * time.Second, readOnly: time.Minute, limit: 2 * time.Minute}

// keepProbing returns when the bucket may be read and written, or when ctx ends.
func (s *S3) keepProbing(ctx context.Context) {
	wait, last := s.pace.first, ""
	for {
		able, err := s.probe(ctx)
		pause := s.pace.readOnly
		switch {
		case ctx.Err() != nil:
			return
		case err == nil:
			s.learnt(able)
			if able.writable {
				return
			}
		default:
			s.problem.Store(&err)
			if err.Error() != last {
				s.log.Error("the bucket does not answer the start-up probe, which is repeated", "error", err)
			}
			last = err.Error()
			pause = wait/2 + mrand.N(wait/2+1)
			wait = min(2*wait, s.pace.longest)
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(pause):
		}
	}
}

// learnt publishes what the bucket can do, and says what it cannot.
func (s *S3) learnt(able *abilities) {
	old := s.able.Swap(able)
	if old != nil && *old == *able {
		return
	}
	if !able.writable {
		s.log.Warn("the bucket may be read but not written: nothing is saved; the credentials lack s3:PutObject")
		return
	}
	if !able.put.createOnly {
		s.log.Warn("the bucket ignores If-None-Match on PUT: before a save the key is looked up, which leaves a short race")
	}
	if !able.complete.createOnly {
		s.log.Warn("the bucket ignores If-None-Match at the end of an upload in parts: " +
			"objects of up to 5 GiB are saved in one PUT if that keeps it, others after a look-up")
	}
	if !able.put.ifMatch {
		s.log.Warn("the bucket ignores If-Match on PUT: no stored object is ever replaced")
	}
	s.log.Info("the bucket is ready",
		"keeps_empty_segments", able.kept&formEmpty != 0, "keeps_leading_slash", able.kept&formLeading != 0,
		"keeps_dot_segments", able.kept&formDot != 0, "keeps_dotdot_segments", able.kept&formDots != 0,
		"etags_are_md5", able.putMD5 && able.partMD5)
}

// probe is one run of requests under a random name, which it deletes afterwards.
type probe struct {
	*S3
	base    string
	written []string
	partMD5 bool // so far, the ETag of each part was the MD5 of its bytes
}

func (s *S3) probe(ctx context.Context) (*abilities, error) {
	ctx, cancel := context.WithTimeout(ctx, s.pace.limit)
	defer cancel()
	p := &probe{S3: s, base: s.prefix + cache.InternalPrefix + "probe/" + rand.Text() + "/", partMD5: true}
	defer p.cleanUp(ctx)

	first, err := p.write(ctx, p.base+"first", "first", nil)
	switch {
	case err != nil:
		return nil, fmt.Errorf("probe: %w", err)
	case first.writeDenied():
		return p.readOnly(ctx)
	case !first.done:
		return nil, fmt.Errorf("probe: %w", classify("put", first.refusal))
	}
	able := &abilities{writable: true, putMD5: first.etag == md5Of("first")}
	steps := []func(context.Context, *abilities) error{
		p.forms, p.putConditions, p.completeConditions, p.deleteConditions, p.hatch,
	}
	for _, step := range steps {
		if err := step(ctx, able); err != nil {
			return nil, fmt.Errorf("probe: %w", err)
		}
	}
	return able, nil
}

// readOnly makes sure that the bucket is there.
func (p *probe) readOnly(ctx context.Context) (*abilities, error) {
	_, _, err := p.exists(ctx, p.base+"first")
	var refused *cache.BucketError
	if err != nil && !(errors.As(err, &refused) && refused.Code == minio.AccessDenied) {
		return nil, fmt.Errorf("probe: %w", err)
	}
	return &abilities{}, nil
}

// hatch makes the canary, where it is needed and not there yet.
func (p *probe) hatch(ctx context.Context, _ *abilities) error {
	if !slices.Contains(p.config.MissingIs, http.StatusForbidden) || p.readCanary(ctx) == nil {
		return nil
	}
	a, err := p.write(ctx, p.prefix+canaryName, "This object proves to mirrorgate that it may read this bucket.\n", nil)
	if err == nil && !a.done {
		err = classify("put", a.refusal)
	}
	p.written = slices.DeleteFunc(p.written, func(key string) bool { return key == p.prefix+canaryName })
	return err
}

// cleanUp deletes what was written, even when the probe was broken off.
func (p *probe) cleanUp(ctx context.Context) {
	ctx, cancel := afterwards(ctx)
	defer cancel()
	var failed error
	for _, key := range slices.Backward(p.written) {
		if err := p.sdk.RemoveObject(ctx, p.config.Name, key, minio.RemoveObjectOptions{}); err != nil {
			failed = err
		}
	}
	if failed != nil {
		p.log.Warn("objects of the start-up probe could not be deleted", "under", p.base, "error", failed)
	}
}

// attempt is what became of a write.
type attempt struct {
	done    bool
	etag    string
	refusal refusal // if not done
}

// precondition tells that a condition did not hold, rather than that the server does not know conditions.
func (a attempt) precondition() bool {
	return !a.done && (a.refusal.Status == http.StatusPreconditionFailed || a.refusal.Code == minio.PreconditionFailed ||
		a.refusal.Code == "ConditionalRequestConflict")
}

func (a attempt) writeDenied() bool {
	return !a.done && (a.refusal.Code == minio.AccessDenied || a.refusal.Code == "AllAccessDisabled" ||
		a.refusal.Status == http.StatusMethodNotAllowed)
}

// attempted sorts an error of minio-go: an answer that the server would give again is a refusal, anything else means
// that nothing was learnt.
func attempted(etag string, err error) (attempt, error) {
	if err == nil {
		return attempt{done: true, etag: etag}, nil
	}
	var answer minio.ErrorResponse
	if !errors.As(err, &answer) {
		return attempt{}, transport("put", err)
	}
	r := refusal{Status: answer.StatusCode, Code: answer.Code, Message: answer.Message}
	switch {
	case r.Code == "ConditionalRequestConflict":
	case slices.Contains(passingCodes, r.Code), r.Status == http.StatusTooManyRequests, r.Status >= http.StatusBadGateway,
		r.Status == http.StatusNotFound && r.Code != minio.NoSuchKey:
		return attempt{}, classify("put", r)
	}
	return attempt{refusal: r}, nil
}
