package writeback

import (
	"os"

	"mirrorgate/cache"
)

// settled is the body of an entry, which nobody writes to any more.
type settled struct{ of *stored }

var _ cache.Settled = settled{}

// ReadAt implements io.ReaderAt.
func (s settled) ReadAt(p []byte, off int64) (int, error) { return s.of.body.ReadAt(p, off) }

// File implements cache.Settled.
func (s settled) File() *os.File { return s.of.body }

// Known implements cache.Settled.
func (s settled) Known() bool { return s.of.known }
