package bucket

import (
	"crypto/sha256"
	"encoding/hex"
	"os"
	"path/filepath"
	"strings"
)

const (
	internalDir = ".mirrorgate"
	tempDir     = internalDir + "/tmp"
	recordDir   = internalDir + "/meta"
	asideDir    = internalDir + "/aside"
)

// maxSegment is the longest file name, in bytes, of the file systems in use.
const maxSegment = 255

// place is where in the directory the object of one key may be. Two keys share no path of it: plain is the key itself,
// and the others hold the key's SHA-256 and lie where no plain path leads. They are worked out when they are needed,
// which those of most objects are not.
type place struct {
	key    string // with the bucket's prefix
	plain  string // the key as a path; "" when it is none
	create bool   // a new file may be made at plain
}

// placeOf maps a key. folds tells that the disk takes names for one that differ in case or in Unicode normal form.
func placeOf(key string, folds bool) place {
	p := place{key: key}
	if isPath(key) {
		p.plain = key
		p.create = !folds || foldsToItself(key)
	}
	return p
}

// aside is where the object is when plain cannot be its place.
func (p place) aside() string { return asideDir + "/" + p.hashed() }

// record is what the names of the records of the object's metadata begin with.
func (p place) record() string { return recordDir + "/" + p.hashed() }

// stripe tells which of the locks serialises the key's writers.
func (p place) stripe() uint8 { return sha256.Sum256([]byte(p.key))[0] }

func (p place) hashed() string {
	sum := sha256.Sum256([]byte(p.key))
	return hex.EncodeToString(sum[:1]) + "/" + hex.EncodeToString(sum[1:])
}

// isPath tells whether key is the path of a file below the directory that no other key can mean, outside internalDir.
func isPath(key string) bool {
	if !filepath.IsLocal(key) || os.PathSeparator != '/' && strings.ContainsAny(key, `\:`) {
		return false
	}
	for segment := range strings.SplitSeq(key, "/") {
		if segment == "" || segment == "." || segment == ".." || len(segment) > maxSegment {
			return false
		}
	}
	first, _, _ := strings.Cut(key, "/")
	return !strings.EqualFold(first, internalDir)
}

// foldsToItself tells whether a disk that folds names keeps key apart from every other key of which this holds too:
// nothing but a-z, 0-9, "-", "_" and ".", and no name that ends in a dot.
func foldsToItself(key string) bool {
	if strings.Trim(key, "abcdefghijklmnopqrstuvwxyz0123456789-_./") != "" {
		return false
	}
	return !strings.HasSuffix(key, ".") && !strings.Contains(key, "./")
}
