package reload_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"mirrorgate/test/harness"
)

// load is clients that ask until they are stopped.
type load struct {
	t       *testing.T
	client  *http.Client
	answers atomic.Int64 // right ones
	wrong   atomic.Int64
	stop    chan struct{}
	running sync.WaitGroup
}

func newLoad(t *testing.T) *load {
	l := &load{t: t, stop: make(chan struct{})}
	l.client = &http.Client{
		Transport: &http.Transport{MaxIdleConnsPerHost: 64, DisableCompression: true}, Timeout: patience,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	t.Cleanup(l.end)
	return l
}

// maxShown bounds the failures that a test prints.
const maxShown = 20

// asks has n clients call ask, which gets a number that no other call has, until the load ends.
func (l *load) asks(kind string, n int, ask func(number int64) error) {
	var next atomic.Int64
	for range n {
		l.running.Go(func() {
			for {
				select {
				case <-l.stop:
					return
				default:
				}
				if err := ask(next.Add(1)); err == nil {
					l.answers.Add(1)
				} else if l.wrong.Add(1) <= maxShown {
					l.t.Errorf("%s: %v", kind, err)
				}
			}
		})
	}
}

// more waits until clients have got so many more answers.
func (l *load) more(answers int64) {
	l.t.Helper()
	until := l.answers.Load() + answers
	harness.Eventually(l.t, patience, func() error {
		if now := l.answers.Load(); now < until && l.wrong.Load() == 0 {
			return fmt.Errorf("%d answers of %d", now, until)
		}
		return nil
	})
}

func (l *load) end() {
	select {
	case <-l.stop:
	default:
		close(l.stop)
	}
	l.running.Wait()
	l.client.CloseIdleConnections()
}

// request is what a client sends.
type request struct {
	method, url, host, ranged string
}

// send asks, and hands over the answer, whose body it closes.
func (l *load) send(r request, judge func(*http.Response) error) error {
	ask, err := http.NewRequestWithContext(context.Background(), r.method, r.url, nil)
	if err != nil {
		return err
	}
	if ask.Host = r.host; r.ranged != "" {
		ask.Header.Set("Range", r.ranged)
	}
	response, err := l.client.Do(ask)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	if err := judge(response); err != nil {
		return fmt.Errorf("%s %s (%s, %s): %w", r.method, r.url, response.Status, response.Header.Get("Cache-Status"), err)
	}
	_, err = io.Copy(io.Discard, response.Body)
	return err
}

// slowly is a body that is read with pauses, so that it takes about so long.
type slowly struct {
	io.Reader
	pause time.Duration
}

func (s slowly) Read(p []byte) (int, error) {
	<-time.After(s.pause)
	return s.Reader.Read(p[:min(len(p), 64<<10)])
}
