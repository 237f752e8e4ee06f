package shared

import (
	"context"
	"strconv"
	"strings"

	"github.com/redis/go-redis/v9"

	"mirrorgate/cache"
)

// purgeFormat is that of messages on the channel of news that say what is to be forgotten. A gateway that does not know
// them passes them over.
const purgeFormat = "3"

// purge says that what is known of a site's objects is to be dropped: of all that begin with prefix.
type purge struct {
	member string
	site   string
	prefix string
}

func (p purge) encode() string {
	return purgeFormat + " " + p.member + " " + strconv.Itoa(len(p.site)) + " " + p.site + p.prefix
}

func decodePurge(text string) (purge, bool) {
	f := strings.SplitN(text, " ", 4)
	if len(text) > maxNewsBytes || len(f) != 4 || f[0] != purgeFormat || !isMember(f[1]) {
		return purge{}, false
	}
	site, err := strconv.Atoi(f[2])
	if err != nil || site < 1 || site > maxSite || site > len(f[3]) || len(f[3])-site > maxKey {
		return purge{}, false
	}
	p := purge{member: f[1], site: f[3][:site], prefix: f[3][site:]}
	return p, p.encode() == text
}

// heardPurge takes in such a message.
func (f *Fleet) heardPurge(message string) {
	if p := known(f.link, message, decodePurge); p != nil && p.member != f.o.Member {
		f.o.Purge(p.site, p.prefix)
	}
}

// Purge has all other gateways drop what they know of a site's objects: of the keys, and if prefix is not nil of all
// that begin with it. It does not block. What the fleet has noted of the keys, that origins do not have them, is
// dropped, too; such notes are found by key alone, so that of a prefix they stand until their time is over.
func (f *Fleet) Purge(site string, keys []string, prefix *string) {
	for _, key := range keys {
		id := cache.ID{Site: site, Key: key}
		if !isTold(len(site), len(key)) {
			continue
		}
		f.writer.addSaved(id, func(ctx context.Context, pipe redis.Pipeliner) { pipe.Del(ctx, f.names.negative(id)) })
	}
	if prefix == nil || len(site) < 1 || len(site) > maxSite || len(*prefix) > maxKey {
		return
	}
	message := purge{f.o.Member, site, *prefix}.encode()
	f.writer.add(func(ctx context.Context, pipe redis.Pipeliner) { pipe.Publish(ctx, f.names.drops(), message) })
}
