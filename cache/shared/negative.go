package shared

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"time"

	"github.com/redis/go-redis/v9"

	"mirrorgate/cache"
)

// errLearnt is why an object is missing that another gateway did not find.
var errLearnt = errors.New("another gateway has learnt that the origins do not have it")

// scopeLength is that of what stands for a scope in a note.
const scopeLength = 32

// scope makes of a scope, which names targets, what may stand in a note.
func (f *Fleet) scope(scope string) string {
	mac := hmac.New(sha256.New, f.scopes)
	mac.Write([]byte(scope))
	return hex.EncodeToString(mac.Sum(nil)[:scopeLength/2])
}

func (n negativeNote) answer() *cache.NegativeError {
	return &cache.NegativeError{Status: n.status, Remembered: true, Err: errLearnt}
}

// Learnt implements cache.Fleet. It does not block.
func (f *Fleet) Learnt(id cache.ID, scope string, answer *cache.NegativeError, ttl time.Duration) {
	note := negativeNote{f.scope(scope), answer.Status}
	if ttl < time.Millisecond || !note.valid() {
		return
	}
	f.writer.add(func(ctx context.Context, pipe redis.Pipeliner) {
		pipe.Set(ctx, f.names.negative(id), note.encode(), ttl)
	})
}
