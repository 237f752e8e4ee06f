package shared

import (
	"context"
	"sync"
)

// duty is what a gateway pulls again for others, until it retires.
type duty struct {
	life context.Context // of the pulls; ends with retirement
	end  context.CancelFunc

	mu      sync.Mutex
	retired bool
	pulls   sync.WaitGroup
}

func newDuty() *duty {
	// The pulls belong to Run, and may have to end before it does.
	life, end := context.WithCancel(context.Background())
	return &duty{life: life, end: end}
}

// enter counts a pull, unless this gateway has retired. The caller calls done when it has ended.
func (d *duty) enter(parent context.Context) (ctx context.Context, done func(), ok bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.retired {
		return nil, nil, false
	}
	d.pulls.Add(1)
	ctx, cancel := context.WithCancel(parent)
	stop := context.AfterFunc(d.life, cancel)
	return ctx, func() {
		stop()
		cancel()
		d.pulls.Done()
	}, true
}

// Retire ends what is pulled again for others, and waits for that: no call of Options.Pull is under way any more, nor
// will there be another. It comes before the end of Run, when what Pull needs is about to end. What was not brought to
// an end is taken up by others, or at the next start.
func (f *Fleet) Retire() {
	d := f.intents.duty
	d.mu.Lock()
	d.retired = true
	d.mu.Unlock()
	d.end()
	d.pulls.Wait()
}
