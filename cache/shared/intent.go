package shared

import (
	"encoding/hex"
	"fmt"
	"strconv"
	"strings"

	"mirrorgate/cache"
)

// shards is over how many streams the intents are spread, and with them over the nodes of a Cluster.
const shards = 16

// The notes of a shard have one hash tag. The stream holds the intents; of its one consumer group each member is a
// consumer, to whom its own intents are pending. The token says which stream it is: a flush makes another one.
func (n names) stream(shard int) string { return fmt.Sprintf("%s{i%d}:intents", n.prefix, shard) }
func (n names) token(shard int) string  { return fmt.Sprintf("%s{i%d}:token", n.prefix, shard) }

// groupName is the consumer group's.
const groupName = "gateways"

// sum stands for an object: a small form of its hash.
type sum [16]byte

func sumOf(id cache.ID) (s sum) {
	_, _ = hex.Decode(s[:], []byte(hash(id))) // it is 32 hex digits
	return s
}

// shardOf is where an object's intents are.
func shardOf(id cache.ID) int { return int(sumOf(id)[0]) % shards }

// place is an intent's id in its stream: the time in ms, and a number within it.
type place struct{ ms, seq uint64 }

func (p place) String() string {
	return strconv.FormatUint(p.ms, 10) + "-" + strconv.FormatUint(p.seq, 10)
}

func parsePlace(s string) (p place, ok bool) {
	ms, seq, ok := strings.Cut(s, "-")
	if !ok {
		return p, false
	}
	var err, errSeq error
	p.ms, err = strconv.ParseUint(ms, 10, 64)
	p.seq, errSeq = strconv.ParseUint(seq, 10, 64)
	return p, err == nil && errSeq == nil
}

// parseIntent reads the fields of an intent in a shard. It takes what this version writes, and nothing else.
func parseIntent(fields []string, shard int) (id cache.ID, ok bool) {
	if len(fields) != 6 || fields[0] != "v" || fields[1] != format || fields[2] != "site" || fields[4] != "key" {
		return id, false
	}
	id = cache.ID{Site: fields[3], Key: fields[5]}
	return id, isObject(id) && shardOf(id) == shard
}

// isObject tells whether there can be such an object.
func isObject(id cache.ID) bool {
	return id.Site != "" && len(id.Site) <= 63 && strings.Trim(id.Site, "abcdefghijklmnopqrstuvwxyz0123456789-") == "" &&
		id.Key != "" && len(id.Key) <= cache.MaxKey
}
