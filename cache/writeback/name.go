package writeback

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strings"

	"mirrorgate/cache"
)

// hash stands for an object: where its entry is can be told without an index or a look into any file.
type hash [16]byte

func hashOf(id cache.ID) (h hash) {
	sum := sha256.Sum256([]byte(id.Site + "\x00" + id.Key)) // no site's name has that byte
	copy(h[:], sum[:])
	return h
}

func (h hash) String() string { return hex.EncodeToString(h[:]) }

func parseHash(s string) (h hash, ok bool) {
	if len(s) != 2*len(h) || strings.ContainsAny(s, "ABCDEF") {
		return h, false
	}
	_, err := hex.Decode(h[:], []byte(s))
	return h, err == nil
}

// name is what is known of an entry before its record is read: its body's file is called so.
type name struct {
	hash     hash
	serial   uint64 // grows with every body that arrives: older entries have smaller ones
	size     int64  // bytes
	replaces bool   // it is to replace a copy that is in the bucket
}

// The endings of body files, of objects that the bucket lacks and of replacements.
const (
	createSuffix  = ".new"
	replaceSuffix = ".rep"
)

func (n name) bodyFile() string {
	suffix := createSuffix
	if n.replaces {
		suffix = replaceSuffix
	}
	return fmt.Sprintf("%s.%016x.%x%s", n.hash, n.serial, n.size, suffix)
}

// parseBodyFile reads what bodyFile wrote, and nothing else.
func parseBodyFile(file string) (n name, ok bool) {
	rest, replaces := strings.CutSuffix(file, replaceSuffix)
	if !replaces {
		if rest, ok = strings.CutSuffix(file, createSuffix); !ok {
			return n, false
		}
	}
	stem, rest, _ := strings.Cut(rest, ".")
	serial, size, _ := strings.Cut(rest, ".")
	h, isHash := parseHash(stem)
	at, isSerial := parseHex(serial)
	bytes, isSize := parseHex(size)
	n = name{hash: h, serial: at, size: int64(bytes), replaces: replaces}
	short := size == "0" || !strings.HasPrefix(size, "0")
	return n, isHash && isSerial && len(serial) == 16 && isSize && short && n.size >= 0
}

// parseHex reads a number of up to 16 digits in lower case. A start reads millions of them, so it makes no garbage.
func parseHex(s string) (n uint64, ok bool) {
	for _, c := range []byte(s) {
		switch {
		case '0' <= c && c <= '9':
			n = n<<4 | uint64(c-'0')
		case 'a' <= c && c <= 'f':
			n = n<<4 | uint64(c-'a'+10)
		default:
			return 0, false
		}
	}
	return n, 0 < len(s) && len(s) <= 16
}

// The endings of record files: of entries that wait to be saved, and of those that were given up for the time being.
// What an entry is, is in the ending alone, so that one rename changes it.
const (
	waitingSuffix = ".json"
	deadSuffix    = ".dead"
)

// parseRecordFile reads the name of a record's file.
func parseRecordFile(file string) (h hash, dead, ok bool) {
	stem, dead := strings.CutSuffix(file, deadSuffix)
	if !dead {
		if stem, ok = strings.CutSuffix(file, waitingSuffix); !ok {
			return h, false, false
		}
	}
	h, ok = parseHash(stem)
	return h, dead, ok
}

// isSite tells whether a folder's name can be a site's.
func isSite(s string) bool {
	return s != "" && len(s) <= 63 && strings.Trim(s, "abcdefghijklmnopqrstuvwxyz0123456789-") == ""
}
