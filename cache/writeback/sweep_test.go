package writeback

import (
	"bytes"
	"log/slog"
	"path/filepath"
	"testing"
)

// An upload ends while the sweep looks at it: its file is gone then, and nothing is damaged.
func TestSweepMeetsTheEnd(t *testing.T) {
	s := openSpool(t, t.TempDir())
	defer closeSpool(t, s)
	var log bytes.Buffer
	w := New(DefaultConfig(), s, nil, nil, slog.New(slog.NewTextHandler(&log, nil)))
	w.giveUp(t.Context(), filepath.Join(s.dir, "uploads", uploadFile(name{hash: hashOf(id("k")), serial: 1})))
	if log.Len() > 0 {
		t.Errorf("logged: %s", &log)
	}
}
