package writeback

import (
	"slices"
	"testing"
	"testing/synctest"
	"time"
)

// While either has paused nothing is saved; what the configuration says is nothing to Resume, and not kept.
func TestPauseByConfig(t *testing.T) {
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		s, b := openSpool(t, dir), &bucket{}
		_, stop := start(t, s, 1, b)
		f := func(tries int, pausedBy ...string) {
			t.Helper()
			wait(time.Hour)
			sum := s.Summary()
			if len(b.tries()) != tries || !slices.Equal(sum.PausedBy, pausedBy) || sum.Paused != (len(pausedBy) > 0) {
				t.Errorf("%d tries, %+v, want %d and paused by %q", len(b.tries()), sum, tries, pausedBy)
			}
		}
		s.PauseByConfig(true)
		commit(t, s, "k", "data")
		f(0, PausedByFile)
		if err := s.Pause(); err != nil {
			t.Fatal(err)
		}
		f(0, PausedByFile, PausedByAPI)
		s.PauseByConfig(false)
		f(0, PausedByAPI)
		s.PauseByConfig(true)
		if err := s.Resume(); err != nil {
			t.Fatal(err)
		}
		f(0, PausedByFile)
		s.PauseByConfig(false)
		f(1)
		s.PauseByConfig(true)
		stop()
		closeSpool(t, s)

		s = openSpool(t, dir)
		if sum := s.Summary(); sum.Paused {
			t.Errorf("after a start without the setting: %+v", sum)
		}
		c := DefaultConfig()
		c.Paused = true
		New(c, s, nil, nil, quiet())
		if sum := s.Summary(); !slices.Equal(sum.PausedBy, []string{PausedByFile}) {
			t.Errorf("after a start with it: %+v", sum)
		}
		synctest.Wait()
		closeSpool(t, s)
	})
}
