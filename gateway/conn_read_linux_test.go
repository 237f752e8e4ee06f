package gateway

import (
	"bytes"
	"errors"
	"io"
	"os"
	"testing"
	"testing/iotest"
	"time"
)

// What is read by any pieces, of one byte or of more than is read ahead, is what was sent.
func TestReadInPieces(t *testing.T) {
	want := someBytes(5*ahead + 1)
	for _, pieces := range [][]int{{1}, {1, 2 * ahead}, {ahead - 1}, {ahead}, {ahead + 1}, {1, 16383}, {7, 1}} {
		server, client := newWires(t, newPace(1), time.Minute).dial()
		go func() { _, _ = client.Write(want); _ = client.CloseWrite() }()
		var got []byte
		var err error
		for i := 0; err == nil; i++ {
			p := make([]byte, pieces[i%len(pieces)])
			var n int
			n, err = server.Read(p)
			got = append(got, p[:n]...)
		}
		if err != io.EOF || !bytes.Equal(got, want) {
			t.Errorf("pieces of %v: %d of %d bytes, equal: %v, %v", pieces, len(got), len(want), bytes.Equal(got, want), err)
		}
		if server.in.held != nil {
			t.Errorf("pieces of %v: a buffer is held that has nothing in it", pieces)
		}
	}
	server, client := newWires(t, newPace(1), time.Minute).dial()
	go func() { _, _ = client.Write(want); _ = client.CloseWrite() }()
	if err := iotest.TestReader(server, want); err != nil {
		t.Error(err)
	}
}

// Each wait ends at the deadline that was set last, be it later or earlier than those before.
func TestReadDeadlines(t *testing.T) {
	server, client := newWires(t, newPace(1), time.Minute).dial()
	read := func(within time.Duration) (took time.Duration, err error) {
		began := time.Now()
		if err := server.SetReadDeadline(began.Add(within)); err != nil {
			t.Fatal(err)
		}
		_, err = server.Read(make([]byte, 1))
		return time.Since(began), err
	}
	send := func(after time.Duration) { time.AfterFunc(after, func() { _, _ = client.Write([]byte("x")) }) }
	f := func(name string, within time.Duration, late bool) {
		t.Helper()
		took, err := read(within)
		if errors.Is(err, os.ErrDeadlineExceeded) != late || late && (took < within || took > within+10*time.Second) {
			t.Errorf("%s: after %s of %s: %v", name, took, within, err)
		}
	}
	send(10 * time.Millisecond)
	f("first", time.Hour, false)
	f("earlier than the one before", 100*time.Millisecond, true)
	send(150 * time.Millisecond)
	f("later than one that is over", time.Hour, false)
	send(10 * time.Millisecond)
	f("with another behind it", 20*time.Second, false)
	f("earlier again", 50*time.Millisecond, true)
	send(10 * time.Millisecond)
	f("and later", 200*time.Millisecond, false)
	send(300 * time.Millisecond)
	f("while the one before ends", time.Hour, false)
	if err := server.SetReadDeadline(time.Time{}); err != nil {
		t.Fatal(err)
	}
	send(10 * time.Millisecond)
	if _, err := server.Read(make([]byte, 1)); err != nil {
		t.Errorf("without a deadline: %v", err)
	}
}
