package gateway

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"log/slog"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"go.opentelemetry.io/otel/metric"
)

// AccessToStdout is the path that stands for standard output.
const AccessToStdout = "stdout"

// Bounds of the access log.
const (
	accessBuffer = 4 << 20          // bytes of lines that wait for the disk; what comes above them is dropped
	accessBatch  = 64 << 10         // bytes with which the disk is not kept waiting for the next flush
	accessFlush  = time.Second      // between two flushes
	accessWarn   = 10 * time.Second // between two warnings, at least
)

// AccessLog writes a line for each request. It never holds a request up: lines wait in memory until Run has written
// them, and those that have no room there are dropped and counted.
type AccessLog struct {
	path   string
	format func(*Answered)
	log    *slog.Logger

	mu      sync.Mutex
	filling []byte        // lines that wait
	enough  chan struct{} // receives when they are a batch

	dropped atomic.Int64

	disk sync.Mutex
	out  io.WriteCloser
	torn bool // what was written last ends within a line
}

// OpenAccessLog opens the log for appending; it is created if it is not there. Run writes and closes it.
func OpenAccessLog(path string, format AccessFormat, log *slog.Logger) (*AccessLog, error) {
	l := &AccessLog{path: path, log: log, enough: make(chan struct{}, 1)}
	l.format = format.of(l)
	if path == AccessToStdout {
		l.out = stays{os.Stdout}
	}
	return l, l.Reopen()
}

// Reopen goes on in a new file of the same path, after something has moved the old one away. It waits for a write under
// way.
func (l *AccessLog) Reopen() error {
	if l.path == AccessToStdout {
		return nil
	}
	f, err := os.OpenFile(l.path, os.O_WRONLY|os.O_APPEND|os.O_CREATE, 0o640)
	if err != nil {
		return fmt.Errorf("log.access: %w", err)
	}
	l.disk.Lock()
	defer l.disk.Unlock()
	old := l.out
	l.out, l.torn = f, false
	if old != nil {
		return old.Close()
	}
	return nil
}

// Tell writes a line; it is for Options.Access.
func (l *AccessLog) Tell(a *Answered) { l.format(a) }

// Write takes a whole line, as the formats make them.
func (l *AccessLog) Write(line []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.filling)+len(line) > accessBuffer {
		l.dropped.Add(1)
		return len(line), nil
	}
	l.filling = append(l.filling, line...)
	if len(l.filling) >= accessBatch {
		select {
		case l.enough <- struct{}{}:
		default: // it is known
		}
	}
	return len(line), nil
}

// Run writes what comes until ctx ends, and then the rest.
func (l *AccessLog) Run(ctx context.Context) error {
	ticker := time.NewTicker(accessFlush)
	defer ticker.Stop()
	var spare []byte
	var warn warning
	for last := false; !last; {
		select {
		case <-ticker.C:
		case <-l.enough:
		case <-ctx.Done():
			last = true
		}
		var err error
		spare, err = l.flush(spare)
		warn.about(l, err)
	}
	l.disk.Lock()
	defer l.disk.Unlock()
	return l.out.Close()
}

// stays is not closed with the log.
type stays struct{ io.Writer }

func (stays) Close() error { return nil }

// flush writes the lines that wait, and has others wait in spare meanwhile. It returns what is to be the next spare.
func (l *AccessLog) flush(spare []byte) ([]byte, error) {
	l.mu.Lock()
	lines := l.filling
	l.filling = spare[:0]
	l.mu.Unlock()
	if len(lines) == 0 {
		return lines, nil
	}
	l.disk.Lock()
	defer l.disk.Unlock()
	if l.torn {
		_, _ = l.out.Write([]byte("\n")) // no line shall go on with another's bytes; if it fails, so does what follows
	}
	n, err := l.out.Write(lines)
	if err != nil {
		l.dropped.Add(int64(bytes.Count(lines[n:], []byte("\n"))))
	}
	if n > 0 {
		l.torn = lines[n-1] != '\n'
	}
	return lines[:0], err
}

// warning says now and then that lines are lost.
type warning struct {
	at   time.Time
	lost int64
}

func (w *warning) about(l *AccessLog, err error) {
	lost := l.dropped.Load()
	if lost == w.lost || time.Since(w.at) < accessWarn {
		return
	}
	l.log.Warn("lines of log.access are lost: the disk takes them too slowly, or not at all", "path", l.path,
		"lines", lost-w.lost, "err", err)
	w.at, w.lost = time.Now(), lost
}

// Instrument has the meter count the lines that were dropped.
func (l *AccessLog) Instrument(meter metric.Meter) error {
	_, err := meter.Int64ObservableCounter("mirrorgate.access_log.dropped", metric.WithUnit("{line}"),
		metric.WithDescription("Lines of the access log that the disk took too slowly, or not at all."),
		metric.WithInt64Callback(func(_ context.Context, o metric.Int64Observer) error {
			o.Observe(l.dropped.Load())
			return nil
		}))
	return err
}
