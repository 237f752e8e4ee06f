package main

import (
	"bytes"
	"crypto/md5"
	"encoding/hex"
	"fmt"
	"io"
	"math/rand/v2"
	"strconv"
	"strings"
	"time"
)

// Bounds of what the backend makes up, in bytes.
const (
	maxSize  = 1 << 30
	maxWhole = 64 << 20 // larger objects are a block that repeats
	oneBlock = 1<<20 + 4093
)

// object is one that both the servers and who checks their answers can make from its size. Its bytes are a block that
// repeats, if it is large: of a length that no buffer has, so that bytes at a wrong place are wrong bytes.
type object struct {
	size  int64
	block []byte
	etag  string
	md5   string // in hex; "" of what repeats
}

// keyOf is the key of the object of that size.
func keyOf(size int64) string { return fmt.Sprintf("object-%d.bin", size) }

// coldKey is a key of its own for the same bytes, for who has not seen it yet.
func coldKey(size int64, number int) string { return fmt.Sprintf("object-%d-%d.bin", size, number) }

// sizeOf is the size that a key of keyOf or coldKey names.
func sizeOf(key string) (int64, bool) {
	name, ok := strings.CutPrefix(key, "object-")
	name, bin := strings.CutSuffix(name, ".bin")
	digits, number, cold := strings.Cut(name, "-")
	size, err := strconv.ParseInt(digits, 10, 64)
	if !ok || !bin || err != nil || size <= 0 || size > maxSize {
		return 0, false
	}
	if !cold {
		return size, keyOf(size) == key
	}
	n, err := strconv.Atoi(number)
	return size, err == nil && coldKey(size, n) == key
}

func newObject(size int64) object {
	block := make([]byte, size)
	if size > maxWhole {
		block = make([]byte, oneBlock)
	}
	var seed [32]byte
	copy(seed[:], keyOf(size))
	_, _ = rand.NewChaCha8(seed).Read(block) // it never fails
	o := object{size: size, block: block, etag: etagOf(block)}
	if size > maxWhole {
		o.etag = strings.TrimSuffix(o.etag, `"`) + `-2"` // as S3 says it of what was written in parts
	} else {
		o.md5 = strings.Trim(o.etag, `"`)
	}
	return o
}

// at are bytes of the object from an offset in it on: as many as lie in one piece.
func (o object) at(offset int64) []byte {
	piece := o.block[offset%int64(len(o.block)):]
	return piece[:min(int64(len(piece)), o.size-offset)]
}

// same tells whether these are the object's bytes at the offset.
func (o object) same(p []byte, offset int64) bool {
	for len(p) > 0 {
		if offset >= o.size {
			return false
		}
		want := o.at(offset)
		n := min(len(want), len(p))
		if !bytes.Equal(p[:n], want[:n]) {
			return false
		}
		p, offset = p[n:], offset+int64(n)
	}
	return true
}

// ReadAt is for who saves the object.
func (o object) ReadAt(p []byte, offset int64) (n int, err error) {
	for n < len(p) {
		if offset >= o.size {
			return n, io.EOF
		}
		done := copy(p[n:], o.at(offset))
		n, offset = n+done, offset+int64(done)
	}
	return n, nil
}

// part sends a part of an object that is too large to be held: by WriteTo, without a copy.
type part struct {
	object
	offset, left int64
}

func (p *part) Read(b []byte) (int, error) {
	if p.left == 0 {
		return 0, io.EOF
	}
	n := copy(b[:min(int64(len(b)), p.left)], p.at(p.offset))
	p.offset, p.left = p.offset+int64(n), p.left-int64(n)
	return n, nil
}

// WriteTo writes in the largest pieces that there are.
func (p *part) WriteTo(w io.Writer) (written int64, err error) {
	for p.left > 0 {
		piece := p.at(p.offset)
		n, err := w.Write(piece[:min(int64(len(piece)), p.left)])
		p.offset, p.left, written = p.offset+int64(n), p.left-int64(n), written+int64(n)
		if err != nil {
			return written, err
		}
	}
	return written, nil
}

func etagOf(body []byte) string {
	sum := md5.Sum(body)
	return `"` + hex.EncodeToString(sum[:]) + `"`
}

// modified is when every object was, they say.
func modified() time.Time { return time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC) }
