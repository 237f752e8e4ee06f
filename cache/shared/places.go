package shared

import (
	"context"
	"crypto/rand"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"
)

// sinceLasts is how long it is known that places have been kept. Nothing else is lost then.
const sinceLasts = 24 * time.Hour

// pace is how long things about places last.
type pace struct {
	lasts    time.Duration // a place that is not renewed: a gateway that was killed has left it then
	renewing time.Duration // between two renewals
	settling time.Duration // until Redis is found back, and then all places have been renewed
}

func defaultPace() pace {
	return pace{lasts: 6 * time.Second, renewing: 2 * time.Second, settling: 2*time.Second + 2*probing}
}

// ticket is one pull under a limit of all gateways.
type ticket struct {
	note  string // in Redis
	token string // nobody else's
}

// places are those that this gateway holds, whether Redis knows of them or not.
type places struct {
	link *link
	from string        // begins the tokens of this process
	wake chan struct{} // holds one when a place is to be given back
	pace

	mu   sync.Mutex
	last int64                      // token
	held map[string]map[string]bool // tokens, by note
	left map[string][]any           // tokens that Redis is to be told of, by note
}

func newPlaces(l *link) *places {
	return &places{
		link: l, from: format + " " + rand.Text() + " ", wake: make(chan struct{}, 1), pace: defaultPace(),
		held: make(map[string]map[string]bool), left: make(map[string][]any),
	}
}

func (p *places) token() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.last++
	return fmt.Sprint(p.from, p.last)
}

// count tells how many places are held under a note.
func (p *places) count(note string) int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.held[note])
}

func (p *places) hold(one ticket) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.held[one.note] == nil {
		p.held[one.note] = make(map[string]bool)
	}
	p.held[one.note][one.token] = true
}

// free gives a place back. Redis is told of it a moment later.
func (p *places) free(one ticket) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if delete(p.held[one.note], one.token); len(p.held[one.note]) == 0 {
		delete(p.held, one.note)
	}
	p.left[one.note] = append(p.left[one.note], one.token)
	select {
	case p.wake <- struct{}{}:
	default:
	}
}

// renewPlaces keeps what Redis knows of this gateway's places, until ctx ends. Then it gives them back.
func (f *Fleet) renewPlaces(ctx context.Context) {
	tick := time.NewTicker(f.places.renewing)
	defer tick.Stop()
	for ctx.Err() == nil {
		select {
		case <-ctx.Done():
		case <-tick.C:
			f.places.renew(ctx)
		case <-f.places.wake:
			f.places.giveBack(ctx)
		}
	}
	f.places.leaveAll()
	f.places.giveBack(context.WithoutCancel(ctx)) // for a last time, as long as one call may take
}

// renew lets the places last on. What fails is tried again with the next renewal, or is too late.
func (p *places) renew(ctx context.Context) {
	p.mu.Lock()
	held := make(map[string][]any, len(p.held))
	for note, tokens := range p.held {
		held[note] = append(held[note], p.lasts.Milliseconds())
		for token := range tokens {
			held[note] = append(held[note], token)
		}
	}
	p.mu.Unlock()
	p.each(ctx, held, func(pipe redis.Pipeliner, note string, args []any) {
		pipe.Eval(ctx, renewPlacesScript, []string{note}, args...)
	})
}

// giveBack tells Redis which places are free. If that fails they are when their time has passed.
func (p *places) giveBack(ctx context.Context) {
	p.mu.Lock()
	left := p.left
	p.left = make(map[string][]any)
	p.mu.Unlock()
	p.each(ctx, left, func(pipe redis.Pipeliner, note string, tokens []any) {
		pipe.ZRem(ctx, note, tokens...)
	})
}

// each makes one call of a command for every note.
func (p *places) each(ctx context.Context, notes map[string][]any, command func(redis.Pipeliner, string, []any)) {
	if len(notes) == 0 {
		return
	}
	// What comes of it is the link's to say: there is nothing else to be done.
	_ = p.link.do(ctx, func(ctx context.Context) error {
		_, err := p.link.rdb.Pipelined(ctx, func(pipe redis.Pipeliner) error {
			for note, args := range notes {
				command(pipe, note, args)
			}
			return nil
		})
		return err
	})
}

func (p *places) leaveAll() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for note, tokens := range p.held {
		for _, token := range slices.Collect(maps.Keys(tokens)) {
			p.left[note] = append(p.left[note], token)
		}
	}
	clear(p.held)
}
