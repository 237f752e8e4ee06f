package writeback

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"mirrorgate/cache"
)

// sweepEvery is how often uploads are looked for whose entry is gone. What is known to have lost it is looked at once.
const sweepEvery = time.Minute

// keepUpload says that the upload of a draft is in use; it is until dropUpload, or as long as there is its entry.
func (s *Spool) keepUpload(serial uint64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.early[serial] = true
}

func (s *Spool) dropUpload(serial uint64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.early, serial)
}

// isUsed tells whether an upload may still be completed.
func (s *Spool) isUsed(n name) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	e := s.index[n.hash]
	return s.early[n.serial] || e != nil && e.serial == n.serial
}

func (w *Writeback) sweepSoon() {
	select {
	case w.orphaned <- struct{}{}:
	default:
	}
}

// sweep gives up the uploads in parts that nobody will complete: those of pulls that failed, or ended with the process.
// Only what a checkpoint names is given up; the bucket may have others' uploads.
func (w *Writeback) sweep(ctx context.Context) {
	timer := time.NewTicker(sweepEvery)
	defer timer.Stop()
	for {
		files, err := namesIn(filepath.Join(w.spool.dir, "uploads"))
		if err != nil {
			w.log.Error("the spool's folder uploads cannot be read", "err", err)
		}
		for _, file := range files {
			if n, ok := parseUploadFile(file); ok && !w.spool.isUsed(n) && ctx.Err() == nil {
				w.giveUp(ctx, filepath.Join(w.spool.dir, "uploads", file))
			}
		}
		select {
		case <-timer.C:
		case <-w.orphaned:
		case <-ctx.Done():
			return
		}
	}
}

// giveUp aborts the upload that a checkpoint names. What cannot be done now is tried at the next sweep.
func (w *Writeback) giveUp(ctx context.Context, path string) {
	begun, _, _, err := readCheckpoint(path)
	if errors.Is(err, fs.ErrNotExist) {
		return // the upload has ended by itself since the folder was listed
	}
	if err != nil {
		w.log.Error("a file about an upload in parts is damaged; the upload, if there is one, stays open",
			"file", path, "err", err)
		w.spool.moveAside(path)
		return
	}
	bucket, ok := w.bucket(begun.Site)
	parted, takesParts := bucket.(cache.Parted)
	if !ok || !takesParts {
		return // until the site is configured again
	}
	if err := parted.Abort(ctx, string(begun.Key), begun.ID); err != nil {
		w.log.Warn("an upload in parts could not be given up yet", "site", begun.Site, "key", string(begun.Key), "err", err)
		return
	}
	if err := ignoreAbsent(os.Remove(path)); err != nil {
		w.log.Error("a file about an upload that was given up could not be removed", "file", path, "err", err)
	}
}
