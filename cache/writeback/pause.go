package writeback

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
)

// pausePath is the file that says that nothing is to be saved for the time being, across restarts too.
func (s *Spool) pausePath() string { return filepath.Join(s.dir, "paused") }

// Pause stops saving, until Resume: uploads under way are finished, and no further one is begun. It outlives the
// process.
func (s *Spool) Pause() error {
	if err := os.WriteFile(s.pausePath(), nil, 0o600); err != nil {
		return err
	}
	s.queue.pause(true)
	return nil
}

// Resume ends a Pause.
func (s *Spool) Resume() error {
	if err := os.Remove(s.pausePath()); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	s.queue.pause(false)
	return nil
}

func (s *Spool) recoverPause() error {
	_, err := os.Lstat(s.pausePath())
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err == nil {
		s.queue.pause(true)
		s.log.Warn("saving is paused: mirrorgate queue resume ends that")
	}
	return err
}
