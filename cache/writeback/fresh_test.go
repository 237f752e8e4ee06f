package writeback

import (
	"os"
	"testing"
	"testing/synctest"

	"mirrorgate/cache"
)

// wantFresh fails unless the records of so many entries are in memory.
func wantFresh(t *testing.T, s *Spool, n int) {
	t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.fresh != n {
		t.Errorf("%d records are in memory, want %d", s.fresh, n)
	}
}

// What this process has written is saved without being read again, as far as the records' bound allows; what is given
// up leaves none behind.
func TestFreshRecords(t *testing.T) {
	inBubble(t, func(t *testing.T, s *Spool) {
		commitEntry(t, s, cache.Entry{ID: id("fresh"), Meta: cache.Meta{Size: 4, ContentType: "text/x"}}, "data")
		commit(t, s, "dropped", "data")
		wantFresh(t, s, 2)
		if err := s.Drop(find(s, "dropped").hash.String()); err != nil {
			t.Fatal(err)
		}
		wantFresh(t, s, 1)
		record := s.recordPath(find(s, "fresh"), waitingSuffix)
		kept := read(t, record)
		if err := os.Truncate(record, 0); err != nil { // who reads it, finds it damaged
			t.Fatal(err)
		}
		b := &bucket{}
		_, stop := start(t, s, 1, b)
		synctest.Wait()
		if got := b.tries(); len(got) != 1 || got[0].key != "fresh" || got[0].meta.ContentType != "text/x" || kept == "" {
			t.Errorf("put %+v", got)
		}
		stop()
		wantFresh(t, s, 0)
		s.mu.Lock()
		s.fresh = maxFresh
		s.mu.Unlock()
		commit(t, s, "one more", "data")
		wantFresh(t, s, maxFresh)
		_, stop = start(t, s, 1, b)
		synctest.Wait()
		if b.keys() != "fresh one more" {
			t.Errorf("put %s", b.keys())
		}
		wantFresh(t, s, maxFresh)
		stop()
		wantFiles(t, s, "", 0)
	})
}
