package shared

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"

	"mirrorgate/cache"
)

// format is the version of all that this program writes into Redis, except for news, which are not kept there. What
// another version wrote is under other names.
const format = "1"

// names makes the names of notes. Those of one object have the same hash tag, so that one script may use them together
// on a Cluster.
type names struct {
	prefix string
}

func newNames(secret string) names {
	return names{"mirrorgate:" + format + ":" + hex.EncodeToString(derive(secret, "namespace")[:4]) + ":"}
}

// hash stands for an object: a key may be a kilobyte of anything.
func hash(id cache.ID) string {
	h := sha256.New()
	var length [8]byte
	binary.BigEndian.PutUint64(length[:], uint64(len(id.Site)))
	h.Write(length[:])
	h.Write([]byte(id.Site))
	h.Write([]byte(id.Key))
	return hex.EncodeToString(h.Sum(nil)[:16])
}

func (n names) lease(id cache.ID) string    { return n.prefix + "{" + hash(id) + "}:lease" }
func (n names) negative(id cache.ID) string { return n.prefix + "{" + hash(id) + "}:negative" }
func (n names) lives(member string) string  { return n.prefix + "{" + member + "}:lives" }
func (n names) budget(id cache.ID) string   { return n.prefix + "{" + hash(id) + "}:budget:" }
func (n names) drops() string               { return n.prefix + "drops" }

// derive makes of the fleet's secret one for a single use.
func derive(secret, use string) []byte {
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write([]byte("mirrorgate " + use))
	return mac.Sum(nil)
}
