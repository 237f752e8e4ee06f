package shared

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"strconv"
	"time"

	"mirrorgate/cache"
)

// proofs are what the gateways of a fleet know each other by: an HMAC-SHA256 of each ask, and of each answer to it.
// Either kind has a key of its own, so that the one is never taken for the other.
//
// Who listens in on the network may repeat an ask while it is young, and gets what was answered to it; who wants none
// to listen in uses https:// in shared.advertise. The proof of an answer covers what is said before the body, and how
// long the body is.
type proofs struct {
	asks, answers []byte // keys; nil: without a secret nobody is known
}

func newProofs(secret string) proofs {
	if secret == "" {
		return proofs{}
	}
	return proofs{asks: derive(secret, "ask"), answers: derive(secret, "answer")}
}

func (p proofs) known() bool { return p.asks != nil }

// ofAsk is the proof of an ask made at a time, in seconds of Unix.
func (p proofs) ofAsk(ask cache.PeerAsk, at int64) []byte {
	from := strconv.FormatInt(ask.From, 10)
	return prove(p.asks, strconv.FormatInt(at, 10), ask.Nonce, ask.Site, ask.Key, from, ask.Match)
}

// ofAnswer is the proof of what is said in answer to one ask and to no other.
func (p proofs) ofAnswer(ask cache.PeerAsk, said []byte) []byte {
	from := strconv.FormatInt(ask.From, 10)
	return prove(p.answers, ask.Nonce, ask.Site, ask.Key, from, ask.Match, string(said))
}

// prove authenticates a list of fields. The length of each goes before it: no two lists are the same bytes.
func prove(key []byte, fields ...string) []byte {
	mac := hmac.New(sha256.New, key)
	var length [8]byte
	for _, field := range fields {
		binary.BigEndian.PutUint64(length[:], uint64(len(field)))
		mac.Write(length[:])
		mac.Write([]byte(field))
	}
	return mac.Sum(nil)
}

// skew is how far the clocks of two gateways may be apart, with the time that an ask is on its way.
const skew = 30 * time.Second

// young tells whether an ask made at a time may be answered now.
func young(at int64, now time.Time) bool {
	age := now.Unix() - at
	return -int64(skew/time.Second) <= age && age <= int64(skew/time.Second)
}

const (
	nonceBytes = 16
	proofBytes = sha256.Size
)

// newNonce returns one that nobody has used or can guess.
func newNonce() string {
	var random [nonceBytes]byte
	_, _ = rand.Read(random[:]) // never fails
	return encode(random[:])
}

// Bytes stand in headers in the one form that decode takes.
func encode(b []byte) string { return base64.RawURLEncoding.EncodeToString(b) }

func decode(s string) ([]byte, error) { return base64.RawURLEncoding.Strict().DecodeString(s) }

// LoopID is the id by which all gateways of a fleet know requests of theirs again, or "" where they share no secret.
func (c Config) LoopID() string {
	if !c.On() || c.Secret == "" {
		return ""
	}
	return hex.EncodeToString(derive(c.Secret, "loop")[:16])
}
