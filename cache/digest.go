package cache

import (
	"bytes"
	"crypto/md5"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/hex"
	"hash"
	"hash/crc32"
	"hash/crc64"
	"io"
)

// Digest is what the bytes of a body must hash to. Algorithms: md5, sha1, sha256, sha512, crc32, crc32c, crc64nvme.
// Sums of CRCs are big-endian. An unknown algorithm proves nothing and is passed over.
type Digest struct {
	Algorithm string
	Sum       []byte
}

// The polynomial of CRC-64/NVME in the reversed form that hash/crc64 takes.
const crc64NVME = 0x9a6c9329ac4bc9b5

func newHash(algorithm string) hash.Hash {
	switch algorithm {
	case "md5":
		return md5.New()
	case "sha1":
		return sha1.New()
	case "sha256":
		return sha256.New()
	case "sha512":
		return sha512.New()
	case "crc32":
		return crc32.NewIEEE()
	case "crc32c":
		return crc32.New(crc32.MakeTable(crc32.Castagnoli))
	case "crc64nvme":
		return crc64.New(crc64.MakeTable(crc64NVME))
	default:
		return nil
	}
}

// verifier hashes a body while it is written: its MD5 always, as the proof of provenance, and what the origin offers.
type verifier struct {
	io.Writer
	md5    hash.Hash
	expect []expectation
}

type expectation struct {
	Digest
	hash hash.Hash
}

func newVerifier(digests []Digest) *verifier {
	v := &verifier{md5: md5.New()}
	writers := []io.Writer{v.md5}
	for _, d := range digests {
		h := v.md5
		if d.Algorithm != "md5" {
			if h = newHash(d.Algorithm); h == nil {
				continue
			}
			writers = append(writers, h)
		}
		v.expect = append(v.expect, expectation{d, h})
	}
	v.Writer = io.MultiWriter(writers...)
	return v
}

// verify compares, and returns the body's MD5 in hex.
func (v *verifier) verify() (string, error) {
	for _, e := range v.expect {
		if got := e.hash.Sum(nil); !bytes.Equal(got, e.Sum) {
			return "", &DigestError{Algorithm: e.Algorithm, Got: got, Want: e.Sum}
		}
	}
	return hex.EncodeToString(v.md5.Sum(nil)), nil
}
