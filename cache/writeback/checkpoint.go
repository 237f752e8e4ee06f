package writeback

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"

	"mirrorgate/cache"
)

// checkpoint is a file about an upload in parts: a line of JSON for its beginning, and one for each part that is done.
// A line that the end of the process has torn is as if it were not there.
type checkpoint struct {
	spool *Spool
	path  string

	mu    sync.Mutex
	begun uploadBegun
	parts []cache.Part
	file  *os.File // to which parts are appended; nil: there is no upload
}

var _ cache.Checkpoint = (*checkpoint)(nil)

// uploadBegun is the first line.
type uploadBegun struct {
	Version  int
	Site     string
	Key      []byte
	ID       string
	PartSize int64
}

const checkpointVersion = 1

// maxCheckpoint bounds what is read of such a file: 10,000 parts have about 1 MiB.
const maxCheckpoint = 8 << 20

func uploadFile(n name) string { return fmt.Sprintf("%s.%016x", n.hash, n.serial) }

// parseUploadFile reads the hash and serial that uploadFile wrote.
func parseUploadFile(file string) (n name, ok bool) {
	stem, serial, _ := strings.Cut(file, ".")
	n.hash, _ = parseHash(stem)
	n.serial, _ = strconv.ParseUint(serial, 16, 64)
	return n, uploadFile(n) == file
}

// checkpoint opens the one of an entry. What cannot be read is an upload that has not begun.
func (s *Spool) checkpoint(id cache.ID, n name) *checkpoint {
	c := &checkpoint{spool: s, path: filepath.Join(s.dir, "uploads", uploadFile(n))}
	c.begun = uploadBegun{Version: checkpointVersion, Site: id.Site, Key: []byte(id.Key)}
	begun, parts, size, err := readCheckpoint(c.path)
	if err != nil || begun.Site != id.Site || string(begun.Key) != id.Key {
		return c
	}
	f, err := os.OpenFile(c.path, os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return c
	}
	if f.Truncate(size) != nil { // a torn line would spoil the next one
		_ = f.Close() // nothing was written
		return c
	}
	c.begun, c.parts, c.file = begun, parts, f
	return c
}

// readCheckpoint reads what is whole of a file, and tells how many bytes that is.
func readCheckpoint(path string) (begun uploadBegun, parts []cache.Part, size int64, err error) {
	f, err := openFile(path)
	if err != nil {
		return begun, nil, 0, err
	}
	defer f.Close()
	raw, err := io.ReadAll(io.LimitReader(f, maxCheckpoint))
	if err != nil {
		return begun, nil, 0, err
	}
	lines := bufio.NewReader(bytes.NewReader(raw))
	next := func(v any) error {
		line, err := lines.ReadBytes('\n')
		if err == nil {
			err = json.Unmarshal(line, v)
		}
		if err == nil {
			size += int64(len(line))
		}
		return err
	}
	if err := next(&begun); err != nil {
		return begun, nil, 0, damaged("read %s: %w", path, err)
	}
	if begun.Version != checkpointVersion || begun.ID == "" || begun.PartSize <= 0 {
		return begun, nil, 0, damaged("%s is no upload of version %d", path, checkpointVersion)
	}
	for {
		var p cache.Part
		if next(&p) != nil {
			return begun, parts, size, nil
		}
		parts = append(parts, p)
	}
}

// Upload implements cache.Checkpoint.
func (c *checkpoint) Upload() cache.Upload {
	c.mu.Lock()
	defer c.mu.Unlock()
	return cache.Upload{ID: c.begun.ID, PartSize: c.begun.PartSize, Parts: append([]cache.Part(nil), c.parts...)}
}

// Begin implements cache.Checkpoint.
func (c *checkpoint) Begin(id string, partSize int64) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.close()
	begun := c.begun
	begun.ID, begun.PartSize = id, partSize
	line, err := json.Marshal(begun)
	if err != nil {
		return err
	}
	temp := filepath.Join(c.spool.dir, "tmp", filepath.Base(c.path)+".upload")
	f, err := os.OpenFile(temp, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	if err = c.write(f, line); err == nil {
		err = os.Rename(temp, c.path)
	}
	if err != nil {
		return errors.Join(err, f.Close())
	}
	c.begun, c.parts, c.file = begun, nil, f
	return nil
}

// Part implements cache.Checkpoint.
func (c *checkpoint) Part(p cache.Part) error {
	line, err := json.Marshal(p)
	if err != nil {
		return err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.file == nil {
		return errors.New("a part of no upload")
	}
	c.parts = append(c.parts, p)
	return c.write(c.file, line)
}

func (c *checkpoint) write(f *os.File, line []byte) error {
	_, err := f.Write(append(line, '\n'))
	if err == nil && c.spool.cfg.Fsync {
		err = f.Sync()
	}
	return err
}

// End implements cache.Checkpoint.
func (c *checkpoint) End() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.close()
	c.begun.ID, c.begun.PartSize = "", 0
	return ignoreAbsent(os.Remove(c.path))
}

// Close ends the use of c, and leaves the upload for the next time.
func (c *checkpoint) Close() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.close()
}

func (c *checkpoint) close() {
	if c.file != nil {
		_ = c.file.Close() // its lines are written
	}
	c.file, c.parts = nil, nil
}
