package writeback

import (
	"bytes"
	"crypto/md5"
	"encoding/hex"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"sync"
)

// bootID names the running of the machine's kernel, on systems that have such a name.
const bootID = "/proc/sys/kernel/random/boot_id"

// suspect is an entry whose body may not have reached the disk: the machine, and not only the process, has ended since.
// It is compared with its checksum before anybody gets it.
type suspect struct {
	mu      sync.Mutex
	cleared bool
}

// sameBoot tells whether the machine has been running since the spool was used last, and notes that it is used now.
// What a process has written survives its own end, but without spool.fsync not that of the machine.
func (s *Spool) sameBoot() bool {
	path := filepath.Join(filepath.Dir(s.dir), "boot-id")
	now, err := os.ReadFile(bootID)
	if err != nil {
		return false
	}
	before, err := os.ReadFile(path)
	if err == nil && bytes.Equal(before, now) {
		return true
	}
	if err := os.WriteFile(path, now, 0o600); err != nil {
		s.log.Warn("the next start will check all that waits in the spool", "err", err)
	}
	return false
}

// check compares the body of an entry with its checksum when it is asked for after such a start, until it has been
// found to be right: a disk that cannot be read now may be later. Who asks at the same time waits for the first.
func (e *entry) check(got *stored) error {
	if e.suspect == nil {
		return nil
	}
	e.suspect.mu.Lock()
	defer e.suspect.mu.Unlock()
	if e.suspect.cleared {
		return nil
	}
	err := got.compare()
	e.suspect.cleared = err == nil
	return err
}

func (g *stored) compare() error {
	want := g.record.Meta.Meta().Origin.MD5
	if want == "" {
		return nil // nothing is known that could be compared
	}
	sum := md5.New()
	n, err := io.Copy(sum, io.NewSectionReader(g.body, 0, g.record.Meta.Size))
	if err != nil {
		return fmt.Errorf("check the body: %w", err)
	}
	if got := hex.EncodeToString(sum.Sum(nil)); got != want || n != g.record.Meta.Size {
		return damaged("the body has the MD5 %s, its record says %s", got, want)
	}
	return nil
}
