package origin

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"testing"

	"mirrorgate/test/harness"
)

// TestCodedPositions: the byte of the object at an offset is the byte of the coded body at its position.
func TestCodedPositions(t *testing.T) {
	for _, c := range []struct {
		from, length int64
		chunk        int
		extension    string
	}{
		{0, 100, 0, ""}, {10, 50, 0, ""}, {0, 100, 1, ""}, {0, 100, 7, ""}, {0, 100, 16, ";x"}, {3, 60, 16, ""}, {0, 100, 100, ""},
		{0, 100, 300, ""}, {0, 40, 20, ""},
	} {
		b := Body{Source: harness.Truth{Seed: 1, Size: 100}, From: c.from, Length: c.length, Chunk: c.chunk, Extension: c.extension}
		var coded bytes.Buffer
		if err := b.writeTo(&coded); err != nil {
			t.Fatal(err)
		}
		for at := c.from; at < c.from+c.length; at++ {
			want := make([]byte, 1)
			_, _ = b.Source.ReadAt(want, at)
			position := b.codedAt(at)
			if c.chunk > 0 && (at-c.from)%int64(c.chunk) == 0 { // an edge: before the size line
				position += b.frame(min(int64(c.chunk), c.from+c.length-at))
			}
			if got := coded.Bytes()[position]; got != want[0] {
				t.Fatalf("%+v: byte %d is %#x at %d, not %#x", c, at, got, position, want[0])
			}
		}
	}
}

// TestPacesInAnyPieces: stops and cuts are where they should be however the bytes come.
func TestPacesInAnyPieces(t *testing.T) {
	const text = "0123456789"
	for size := 1; size <= len(text); size++ {
		var got bytes.Buffer
		p := Pace{Cut: true, CutAt: 8, Stops: []Stop{{At: 8}, {At: 3}, {At: 3}, {At: 0}, {At: 9}}}
		w := p.over(t.Context(), &got, func(s Stop) error { _, err := fmt.Fprintf(&got, "|"); return err })
		var err error
		for at := 0; at < len(text) && err == nil; at += size {
			_, err = io.WriteString(w, text[at:min(at+size, len(text))])
		}
		if !errors.Is(err, errCut) || got.String() != "|012||34567|" {
			t.Errorf("in pieces of %d: %q, %v", size, got.String(), err)
		}
	}
}
