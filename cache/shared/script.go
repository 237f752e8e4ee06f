package shared

import (
	"context"

	"github.com/redis/go-redis/v9"
)

// ask runs a script whose answer is a list of texts.
func (f *Fleet) ask(ctx context.Context, script string, keys []string, args ...any) (list []string, err error) {
	err = f.link.do(ctx, func(ctx context.Context) (err error) {
		list, err = redis.NewScript(script).Run(ctx, f.link.rdb, keys, args...).StringSlice()
		return ours(err)
	})
	return list, err
}

// ours takes the absence of a stream or its group for what it is: no failure of Redis.
func ours(err error) error {
	if err != nil && redis.HasErrorPrefix(err, "NOGROUP") {
		return redis.Nil
	}
	return err
}
