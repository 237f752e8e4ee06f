package writeback

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
)

// pausers are those who have stopped saving for the time being. While one has, nothing is saved.
type pausers uint8

const (
	pausedByAPI  pausers = 1 << iota // Pause
	pausedByFile                     // PauseByConfig
)

// names are what Summary calls them.
func (p pausers) names() (list []string) {
	if p&pausedByFile != 0 {
		list = append(list, PausedByFile)
	}
	if p&pausedByAPI != 0 {
		list = append(list, PausedByAPI)
	}
	return list
}

// pausePath is the file that says that nothing is to be saved for the time being, across restarts too.
func (s *Spool) pausePath() string { return filepath.Join(s.dir, "paused") }

// Pause stops saving, until Resume: uploads under way are finished, and no further one is begun. It outlives the
// process, and is nothing to PauseByConfig.
func (s *Spool) Pause() error {
	if err := os.WriteFile(s.pausePath(), nil, 0o600); err != nil {
		return err
	}
	s.queue.pause(pausedByAPI, true)
	return nil
}

// Resume ends a Pause.
func (s *Spool) Resume() error {
	if err := os.Remove(s.pausePath()); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	s.queue.pause(pausedByAPI, false)
	return nil
}

// PauseByConfig stops saving while Config.Paused says so, whoever resumes it otherwise. It is forgotten with the
// process.
func (s *Spool) PauseByConfig(paused bool) {
	switch changed := s.queue.pause(pausedByFile, paused); {
	case changed && paused:
		s.log.Warn("saving is paused by writeback.paused")
	case changed:
		s.log.Info("saving is not paused by writeback.paused any more")
	}
}

func (s *Spool) recoverPause() error {
	_, err := os.Lstat(s.pausePath())
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err == nil {
		s.queue.pause(pausedByAPI, true)
		s.log.Warn("saving is paused: mirrorgate queue resume ends that")
	}
	return err
}
