package cache_test

import (
	"errors"
	"io"
	"slices"
	"testing"

	"mirrorgate/cache"
)

func TestLimitsValidate(t *testing.T) {
	f := func(l cache.Limits, want ...string) {
		t.Helper()
		var got []string
		l.Validate(func(path, _ string) { got = append(got, path) })
		if !slices.Equal(got, want) {
			t.Errorf("%+v: got %v, want %v", l, got, want)
		}
	}
	f(cache.DefaultLimits())
	f(cache.Limits{MaxPulls: 1, MaxWaiting: 1, MaxNegative: 1, MaxRangePulls: 1, MaxSoloPulls: 1})
	f(cache.Limits{}, "max_pulls", "max_waiting", "max_negative", "max_range_pulls", "max_solo_pulls")
	f(cache.Limits{MaxPulls: -1, MaxWaiting: 1, MaxNegative: 1, MaxRangePulls: 1, MaxSoloPulls: 1}, "max_pulls")
	f(cache.Limits{MaxPulls: 1, MaxWaiting: 1, MaxNegative: 1, MaxSoloPulls: -1}, "max_range_pulls", "max_solo_pulls")
}

func TestGet(t *testing.T) {
	eachSpool(t, func(t *testing.T, r *rig) {
		f := func(key, want string, o cache.ReadOptions, tier cache.Tier) {
			t.Helper()
			obj, err := r.cache.Get(t.Context(), r.site, key, o)
			if err != nil {
				t.Errorf("%s: %v", key, err)
				return
			}
			if got := readAll(t, obj); got != want || obj.Tier != tier {
				t.Errorf("%s: got %q of tier %d, want %q of tier %d", key, got, obj.Tier, want, tier)
			}
		}
		r.bucket.put("both", "of the bucket", nil)
		r.bucket.put("stored", "of the bucket", nil)
		r.commit("both", "of the spool")
		r.commit("spooled", "of the spool")
		f("stored", "of the bucket", cache.ReadOptions{}, cache.TierBucket)
		f("both", "of the bucket", cache.ReadOptions{}, cache.TierBucket)
		f("spooled", "of the spool", cache.ReadOptions{}, cache.TierSpool)
		f("spooled", "the", cache.ReadOptions{Range: &cache.Range{First: 3, Last: 5}}, cache.TierSpool)
		r.bucket.fail(&cache.BucketError{Op: "get", Status: 500})
		f("spooled", "of the spool", cache.ReadOptions{}, cache.TierSpool)
		r.bucket.fail(cache.ErrNotReady)
		f("spooled", "of the spool", cache.ReadOptions{}, cache.TierSpool)
	})
}

// An error of the bucket is never taken for a miss, and its final word is not overruled by the spool.
func TestGetErrors(t *testing.T) {
	eachSpool(t, func(t *testing.T, r *rig) {
		r.commit("spooled", "of the spool")
		f := func(key string, bucket, want error) {
			t.Helper()
			r.bucket.fail(bucket)
			if obj, err := r.cache.Get(t.Context(), r.site, key, cache.ReadOptions{}); !errors.Is(err, want) {
				t.Errorf("%s, bucket says %v: got %v, %v", key, bucket, obj, err)
			}
		}
		broken := &cache.BucketError{Op: "get", Status: 503}
		f("absent", nil, cache.ErrNotFound)
		f("absent", broken, broken)
		f("absent", cache.ErrNotReady, cache.ErrNotReady)
		for _, answer := range []error{
			cache.ErrDeleted, cache.ErrPrecondition, cache.ErrKeyForm, &cache.RangeError{Size: 3},
		} {
			f("spooled", answer, answer)
		}
		if errors.Is(broken, cache.ErrNotFound) || errors.Is(cache.ErrDeleted, cache.ErrNotFound) {
			t.Error("a failure passes for absence")
		}
	})
}

// A spool that cannot be read is a failure, not an absence.
func TestGetBrokenSpool(t *testing.T) {
	eachSpool(t, func(t *testing.T, r *rig) {
		r.spool.openErr = errDisk
		if _, err := r.cache.Get(t.Context(), r.site, "a", cache.ReadOptions{}); !errors.Is(err, errDisk) {
			t.Errorf("got %v", err)
		}
	})
}

// Who holds a condition on the bucket's copy is not given the spool's instead.
func TestGetIfMatchOfSpooled(t *testing.T) {
	eachSpool(t, func(t *testing.T, r *rig) {
		r.commit("spooled", "of the spool")
		_, err := r.cache.Get(t.Context(), r.site, "spooled", cache.ReadOptions{IfMatch: `"gone"`})
		if !errors.Is(err, cache.ErrPrecondition) {
			t.Errorf("got %v", err)
		}
	})
}

func TestErrorsName(t *testing.T) {
	f := func(err error, want string) {
		t.Helper()
		if err.Error() != want {
			t.Errorf("got %q, want %q", err, want)
		}
	}
	f(&cache.BusyError{Setting: "limits.max_pulls"}, "busy: limits.max_pulls is reached")
	f(&cache.BucketError{Op: "put", Status: 403, Code: "AccessDenied", Err: io.ErrUnexpectedEOF},
		"bucket put: status 403 AccessDenied: unexpected EOF")
	f(&cache.BucketError{Op: "get"}, "bucket get")
	f(&cache.RangeError{Size: 7}, "range not satisfiable in an object of 7 bytes")
	f(&cache.DigestError{Algorithm: "crc32", Got: []byte{1}, Want: []byte{0xab}}, "the body's crc32 is 01, the origin says ab")
	f(&cache.LengthError{Got: 3, Want: 5}, "the body has 3 bytes, its length said 5")
	f(&cache.NegativeError{Status: 404, Err: io.EOF}, "EOF")
	f(&cache.NegativeError{Status: 404, Err: io.EOF, Remembered: true}, "remembered: EOF")
}
