package writeback

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strconv"
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
	raw, err := hex.DecodeString(s)
	if err != nil || len(raw) != len(h) || hex.EncodeToString(raw) != s {
		return h, false
	}
	copy(h[:], raw)
	return h, true
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
	parts := strings.Split(file, ".")
	if len(parts) != 4 {
		return n, false
	}
	n.hash, _ = parseHash(parts[0])
	n.serial, _ = strconv.ParseUint(parts[1], 16, 64)
	n.size, _ = strconv.ParseInt(parts[2], 16, 64)
	n.replaces = "."+parts[3] == replaceSuffix
	return n, n.size >= 0 && n.bodyFile() == file
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
