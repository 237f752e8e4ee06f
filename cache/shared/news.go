package shared

import (
	"context"
	"strconv"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"

	"mirrorgate/cache"
)

const (
	newsFormat   = "2" // of news alone: 1 told of one object
	maxNews      = 128 // objects in one
	maxNewsBytes = 64 << 10
	maxKey       = 1024
)

// news says which objects a member has written into its bucket.
type news struct {
	member string
	ids    []cache.ID
}

func (n news) encode() string {
	text := beginNews(n.member)
	for _, id := range n.ids {
		text = appendObject(text, id)
	}
	return string(text)
}

func beginNews(member string) []byte { return []byte(newsFormat + " " + member) }

func appendObject(text []byte, id cache.ID) []byte {
	text = strconv.AppendInt(append(text, ' '), int64(len(id.Site)), 10)
	text = strconv.AppendInt(append(text, ' '), int64(len(id.Key)), 10)
	return append(append(append(text, ' '), id.Site...), id.Key...)
}

func decodeNews(text string) (news, bool) {
	head := strings.SplitN(text, " ", 3)
	if len(text) > maxNewsBytes || len(head) != 3 || head[0] != newsFormat || !isMember(head[1]) {
		return news{}, false
	}
	n := news{member: head[1]}
	for rest, more := head[2], true; more; {
		id, after, ok := cutObject(rest)
		if !ok || len(n.ids) == maxNews {
			return news{}, false
		}
		n.ids = append(n.ids, id)
		rest, more = strings.CutPrefix(after, " ")
	}
	return n, n.encode() == text
}

// cutObject reads the object that a text begins with.
func cutObject(text string) (id cache.ID, after string, ok bool) {
	f := strings.SplitN(text, " ", 3)
	if len(f) != 3 {
		return id, "", false
	}
	site, badSite := strconv.Atoi(f[0])
	key, badKey := strconv.Atoi(f[1])
	if badSite != nil || badKey != nil || !isTold(site, key) || site+key > len(f[2]) {
		return id, "", false
	}
	return cache.ID{Site: f[2][:site], Key: f[2][site : site+key]}, f[2][site+key:], true
}

// isTold tells whether news are of objects with names of such lengths.
func isTold(site, key int) bool { return site >= 1 && site <= maxSite && key >= 1 && key <= maxKey }

// teller collects what this gateway has saved into as few messages as may be, since each goes to every other gateway.
// What is saved when nothing has been told for some time is told at once; what follows closely waits for the rest of
// that time, or until a message is full. It belongs to the goroutine of the writer.
type teller struct {
	channel string
	member  string
	gap     func() time.Duration // after a message, before the next that is not full

	text    []byte // the message that is being collected
	objects int
	next    time.Time // it may be told
}

// take adds an object; a message that is full by it goes into the pipeline.
func (t *teller) take(ctx context.Context, pipe redis.Pipeliner, id cache.ID) {
	text := appendObject(t.begun(), id)
	if len(text) > maxNewsBytes {
		t.publish(ctx, pipe)
		text = appendObject(t.begun(), id)
	}
	t.text = text
	if t.objects++; t.objects == maxNews {
		t.publish(ctx, pipe)
	}
}

func (t *teller) begun() []byte {
	if t.objects == 0 {
		return beginNews(t.member)
	}
	return t.text
}

// publish adds the message to the pipeline, if there is one.
func (t *teller) publish(ctx context.Context, pipe redis.Pipeliner) {
	if t.objects > 0 {
		pipe.Publish(ctx, t.channel, t.text)
		t.reset()
	}
}

func (t *teller) reset() { t.text, t.objects, t.next = nil, 0, time.Now().Add(t.gap()) }

func (t *teller) isDue() bool { return t.objects > 0 && !time.Now().Before(t.next) }

// due gives something when the message is to be told.
func (t *teller) due() <-chan time.Time {
	if t.objects == 0 {
		return nil
	}
	return time.After(time.Until(t.next))
}
