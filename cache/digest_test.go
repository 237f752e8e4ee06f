package cache

import (
	"encoding/hex"
	"errors"
	"strings"
	"testing"
)

// The sums are the check values of the catalogues: RFC 1321, FIPS 180, and the CRC catalogue's for "123456789".
func TestDigestVectors(t *testing.T) {
	f := func(algorithm, data, sum string) {
		t.Helper()
		h := newHash(algorithm)
		if h == nil {
			t.Fatalf("%s is not known", algorithm)
		}
		h.Write([]byte(data))
		if got := hex.EncodeToString(h.Sum(nil)); got != sum {
			t.Errorf("%s of %q: got %s, want %s", algorithm, data, got, sum)
		}
	}
	f("md5", "", "d41d8cd98f00b204e9800998ecf8427e")
	f("md5", "abc", "900150983cd24fb0d6963f7d28e17f72")
	f("sha1", "abc", "a9993e364706816aba3e25717850c26c9cd0d89d")
	f("sha256", "abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad")
	f("sha512", "abc", "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a"+
		"2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f")
	f("crc32", "123456789", "cbf43926")
	f("crc32c", "123456789", "e3069283")
	f("crc64nvme", "123456789", "ae8b14860a799888")
	f("crc64nvme", "", "0000000000000000")
}

func TestDigestUnknown(t *testing.T) {
	for _, algorithm := range []string{"", "MD5", "sha-256", "crc64", "xxh3"} {
		if newHash(algorithm) != nil {
			t.Errorf("%q is taken for an algorithm", algorithm)
		}
	}
}

func TestVerify(t *testing.T) {
	f := func(wrong string, digests ...Digest) {
		t.Helper()
		v := newVerifier(digests)
		for _, part := range strings.SplitAfter("1234 56789", " ") {
			if _, err := v.Write([]byte(strings.TrimSpace(part))); err != nil {
				t.Fatal(err)
			}
		}
		md5, err := v.verify()
		var mismatch *DigestError
		switch {
		case wrong == "" && (err != nil || md5 != "25f9e794323b453885f5181f1b624d0b"):
			t.Errorf("%v: got %s, %v", digests, md5, err)
		case wrong != "" && (!errors.As(err, &mismatch) || mismatch.Algorithm != wrong):
			t.Errorf("%v: got %v, want a mismatch of %s", digests, err, wrong)
		}
	}
	good := map[string]Digest{}
	for algorithm, sum := range map[string]string{
		"md5": "25f9e794323b453885f5181f1b624d0b", "crc32": "cbf43926", "crc64nvme": "ae8b14860a799888",
		"sha1": "f7c3bc1d808e04732adf679965ccc34ca7ae3441",
	} {
		raw, _ := hex.DecodeString(sum)
		good[algorithm] = Digest{algorithm, raw}
	}
	f("")
	f("", good["md5"], good["crc32"], good["crc64nvme"], good["sha1"])
	f("", good["md5"], good["md5"])
	f("", Digest{"xxh3", []byte("anything")}, good["sha1"])
	f("md5", Digest{"md5", good["sha1"].Sum})
	f("crc32", good["md5"], Digest{"crc32", []byte{0x26, 0x39, 0xf4, 0xcb}}) // little-endian
	f("crc32", Digest{"crc32", nil})
	f("sha1", Digest{"sha1", good["sha1"].Sum[:19]})
}
