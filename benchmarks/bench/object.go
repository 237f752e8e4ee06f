package main

import (
	"crypto/md5"
	"encoding/hex"
	"fmt"
	"math/rand/v2"
	"strconv"
	"strings"
	"time"
)

// maxSize bounds what the backend makes up, in bytes.
const maxSize = 64 << 20

// object is one that both the servers and who checks their answers can make from its size.
type object struct {
	body []byte
	etag string
}

// keyOf is the key of the object of that size.
func keyOf(size int64) string { return fmt.Sprintf("object-%d.bin", size) }

// sizeOf is the size that a key of keyOf names.
func sizeOf(key string) (int64, bool) {
	digits, ok := strings.CutPrefix(key, "object-")
	digits, bin := strings.CutSuffix(digits, ".bin")
	size, err := strconv.ParseInt(digits, 10, 64)
	return size, ok && bin && err == nil && size > 0 && size <= maxSize && keyOf(size) == key
}

func newObject(size int64) object {
	body := make([]byte, size)
	var seed [32]byte
	copy(seed[:], keyOf(size))
	_, _ = rand.NewChaCha8(seed).Read(body) // it never fails
	return object{body: body, etag: etagOf(body)}
}

func etagOf(body []byte) string {
	sum := md5.Sum(body)
	return `"` + hex.EncodeToString(sum[:]) + `"`
}

// modified is when every object was, they say.
func modified() time.Time { return time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC) }
