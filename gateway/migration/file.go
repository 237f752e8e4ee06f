package migration

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
)

// The file is a line that names its form, the SHA-256 of the rest, and the rest.
const (
	fileForm = "mirrorgate migration 1\n"
	maxFile  = 4 << 20
)

// Save writes the file, all or nothing.
func (l *Ledger) Save() {
	l.saving.Lock()
	defer l.saving.Unlock()
	content, left := l.content()
	err := l.write(content)
	switch {
	case err != nil && !l.failed:
		l.o.Log.Warn("what is known of the migration is not kept for the next start", "err", err)
	case err == nil && l.failed:
		l.o.Log.Info("what is known of the migration is kept again")
	}
	l.failed = err != nil
	if left > 0 && left != l.left {
		l.o.Log.Warn("some rules are left out of what is kept of the migration for the next start: it has too many",
			"left_out", left, "bytes", len(content))
	}
	l.left = left
}

// content is the file's, and how many rules had no room in it.
func (l *Ledger) content() (content []byte, left int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.count(l.now())
	body, left := l.encode(maxFile - len(fileForm) - sha256.Size)
	sum := sha256.Sum256(body)
	return bytes.Join([][]byte{[]byte(fileForm), sum[:], body}, nil), left
}

func (l *Ledger) write(content []byte) error {
	temp := l.path + ".new"
	f, err := os.OpenFile(temp, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(content)
	if err == nil {
		err = f.Sync() // else the name may survive a power cut, and not the bytes
	}
	if err = errors.Join(err, f.Close()); err != nil {
		return errors.Join(err, os.Remove(temp))
	}
	return os.Rename(temp, l.path)
}

// load goes on from what the file holds.
func (l *Ledger) load() {
	content, err := readFile(l.path)
	if errors.Is(err, fs.ErrNotExist) {
		return
	}
	if err == nil {
		err = l.restore(content)
	}
	if err != nil {
		l.o.Log.Warn("what is known of the migration cannot be read: it is set aside, and counting begins anew",
			"file", l.path, "err", errors.Join(err, os.Rename(l.path, l.path+".damaged")))
	}
}

// readFile reads a plain file of at most maxFile bytes.
func readFile(path string) ([]byte, error) {
	if info, err := os.Lstat(path); err != nil || !info.Mode().IsRegular() {
		return nil, errors.Join(errDamaged, err) // a pipe would hold up the start
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	content, err := io.ReadAll(io.LimitReader(f, maxFile+1))
	if err == nil && len(content) > maxFile {
		err = fmt.Errorf("%w: it has more than %d bytes", errDamaged, maxFile)
	}
	return content, err
}

// errDamaged means that the file is not what Save has written.
var errDamaged = errors.New("it is not the file that was written")

// restore takes in what content says, or changes nothing.
func (l *Ledger) restore(content []byte) error {
	rest, ok := bytes.CutPrefix(content, []byte(fileForm))
	if !ok || len(rest) < sha256.Size {
		return errDamaged
	}
	body := rest[sha256.Size:]
	if sum := sha256.Sum256(body); !bytes.Equal(sum[:], rest[:sha256.Size]) {
		return fmt.Errorf("%w: its checksum does not match", errDamaged)
	}
	kept, err := decode(body)
	if err != nil {
		return err
	}
	l.since, l.horizon, l.rules, l.inventories = kept.since, kept.horizon, kept.rules, kept.inventories
	return nil
}
