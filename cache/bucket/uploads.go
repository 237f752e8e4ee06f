package bucket

import (
	"context"

	"golang.org/x/sync/semaphore"
	"golang.org/x/time/rate"
)

// UploadLimits bound the uploads of all buckets together.
type UploadLimits struct {
	PartSize      int64 // bytes; objects of more are written in parts of so many
	InflightBytes int64 // bytes of PUTs and parts being sent at one time; 0: no bound
	MaxBandwidth  int64 // bytes per second over all connections that write; 0: no bound
}

// Uploads is what the uploads of several buckets share. Directories take no part in it.
type Uploads struct {
	partSize  int64
	inflight  *semaphore.Weighted // nil: no bound
	bound     int64               // of inflight
	bandwidth *rate.Limiter       // nil: no bound
}

// NewUploads returns the shared state of all buckets that are opened with it.
func NewUploads(l UploadLimits) *Uploads {
	u := &Uploads{partSize: min(max(l.PartSize, minPart), maxPart), bound: l.InflightBytes}
	if l.InflightBytes > 0 {
		u.inflight = semaphore.NewWeighted(l.InflightBytes)
	}
	if l.MaxBandwidth > 0 {
		u.bandwidth = newBandwidth(l.MaxBandwidth)
	}
	return u
}

// acquire waits until n more bytes may be sent. More than the whole bound counts as the whole bound: such an upload
// goes alone. Who acquires has the bytes at hand, so that nobody waits for an origin.
func (u *Uploads) acquire(ctx context.Context, n int64) (release func(), err error) {
	if u.inflight == nil {
		return func() {}, nil
	}
	n = min(n, u.bound)
	if err := u.inflight.Acquire(ctx, n); err != nil {
		return nil, err
	}
	return func() { u.inflight.Release(n) }, nil
}
