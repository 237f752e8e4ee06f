package main

import (
	"errors"
	"fmt"
	"io"
	"os"

	"mirrorgate/benchmarks/load/accesslog"
)

const unreadable accesslog.Skip = "not of the log's format"

// source gives requests, and io.EOF after the last.
type source interface {
	Next() (accesslog.Request, error)
}

// file is a log that is read once, or again and again from its beginning. It is never in memory as a whole.
type file struct {
	settings *settings
	stdin    io.Reader
	again    bool

	reader  *accesslog.Reader
	closer  io.Closer
	found   int // requests since it was opened
	rounds  int
	skipped map[accesslog.Skip]int // in the first round
}

// openFile opens what the settings name.
func openFile(s *settings, stdin io.Reader, again bool) (*file, error) {
	f := &file{settings: s, stdin: stdin, again: again, skipped: make(map[accesslog.Skip]int)}
	if name, _ := s.keys(); name == "-" && again {
		return nil, &usageError{errors.New("stdin can be read once only, and this command goes round: name a file")}
	}
	return f, f.open()
}

func (f *file) open() (err error) {
	name, format := f.settings.keys()
	in, closer := f.stdin, io.NopCloser(nil)
	if name != "-" {
		opened, err := os.Open(name)
		if err != nil {
			return &usageError{err}
		}
		in, closer = opened, opened
	}
	f.closer, f.found = closer, 0
	f.reader, err = accesslog.NewReader(name, in, format)
	return err
}

func (f *file) close() error { return f.closer.Close() }

// Next returns the next request. Going round, it returns an error rather than search a file without any for ever.
func (f *file) Next() (accesslog.Request, error) {
	for {
		r, err := f.reader.Next()
		var line *accesslog.LineError
		switch {
		case err == nil:
			f.found++
			return r, nil
		case errors.As(err, &line) && f.settings.SkipUnreadable:
			f.reader.Skipped[unreadable]++
			continue
		case errors.As(err, &line):
			return r, fmt.Errorf("%w (--skip-unreadable counts such lines and goes on)", err)
		case !errors.Is(err, io.EOF):
			return r, err
		}
		if err := f.round(); err != nil {
			return r, err
		}
	}
}

// round is called at the end of the file: it begins again, or says that this was all.
func (f *file) round() error {
	if f.rounds++; f.rounds == 1 {
		f.skipped = f.reader.Skipped
	}
	name, _ := f.settings.keys()
	switch {
	case f.found == 0:
		return &usageError{fmt.Errorf("%s has no GET or HEAD request that can be sent (skipped: %s)", name,
			countsText(f.reader.Skipped))}
	case !f.again:
		return io.EOF
	}
	if err := f.close(); err != nil {
		return err
	}
	return f.open()
}

// skips are the lines that were passed over, in the first round.
func (f *file) skips() map[accesslog.Skip]int {
	if f.rounds == 0 {
		return f.reader.Skipped
	}
	return f.skipped
}
