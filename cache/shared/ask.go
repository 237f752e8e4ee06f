package shared

import (
	"fmt"
	"strconv"

	"mirrorgate/cache"
)

// The fields of an ask, and of the answer to it.
const (
	fieldTime   = "Mirrorgate-Time"  // seconds of Unix
	fieldNonce  = "Mirrorgate-Nonce" // base64
	fieldSite   = "Mirrorgate-Site"
	fieldKey    = "Mirrorgate-Key" // base64: a key is bytes
	fieldFrom   = "Mirrorgate-From"
	fieldMatch  = "Mirrorgate-Match"  // base64; absent: any
	fieldAnswer = "Mirrorgate-Answer" // base64 of JSON
	fieldMac    = "Mirrorgate-Mac"    // base64, of both
)

// Bounds of an ask, in bytes.
const (
	maxSite  = 63
	maxMatch = cache.MaxUserMetadata // a longer ETag is not kept with an object
)

// signed is an ask with its time and its proof.
type signed struct {
	ask cache.PeerAsk
	at  int64 // seconds of Unix
	mac []byte
}

// sign makes an ask that is sent now.
func (p proofs) sign(ask cache.PeerAsk, at int64) signed {
	return signed{ask: ask, at: at, mac: p.ofAsk(ask, at)}
}

// fields are how an ask is sent.
func (s signed) fields() []cache.Field {
	list := []cache.Field{
		{Name: fieldTime, Value: strconv.FormatInt(s.at, 10)},
		{Name: fieldNonce, Value: s.ask.Nonce},
		{Name: fieldSite, Value: s.ask.Site},
		{Name: fieldKey, Value: encode([]byte(s.ask.Key))},
		{Name: fieldFrom, Value: strconv.FormatInt(s.ask.From, 10)},
		{Name: fieldMac, Value: encode(s.mac)},
	}
	if s.ask.Match != "" {
		list = append(list, cache.Field{Name: fieldMatch, Value: encode([]byte(s.ask.Match))})
	}
	return list
}

// parseAsk reads what fields wrote, and nothing else.
func parseAsk(field func(name string) string) (s signed, err error) {
	r := reader{field: field}
	s.at = r.number(fieldTime)
	s.ask.Nonce = encode(r.bytes(fieldNonce, nonceBytes, nonceBytes))
	s.ask.Site = r.site()
	s.ask.Key = string(r.bytes(fieldKey, 1, cache.MaxKey))
	s.ask.From = r.number(fieldFrom)
	s.ask.Match = string(r.bytes(fieldMatch, 0, maxMatch))
	s.mac = r.bytes(fieldMac, proofBytes, proofBytes)
	if r.err != nil {
		return signed{}, r.err
	}
	return s, nil
}

// reader reads fields, and remembers the first that is not as it must be.
type reader struct {
	field func(name string) string
	err   error
}

func (r *reader) refuse(name string) {
	if r.err == nil {
		r.err = fmt.Errorf("%s is missing or malformed", name)
	}
}

// bytes reads between least and most bytes.
func (r *reader) bytes(name string, least, most int) []byte {
	text := r.field(name)
	if len(text) > len(encode(make([]byte, most))) {
		r.refuse(name)
		return nil
	}
	b, err := decode(text)
	if err != nil || len(b) < least || len(b) > most || encode(b) != text { // its decoder passes over line ends
		r.refuse(name)
		return nil
	}
	return b
}

// number reads one that is not negative.
func (r *reader) number(name string) int64 {
	text := r.field(name)
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil || n < 0 || strconv.FormatInt(n, 10) != text {
		r.refuse(name)
	}
	return n
}

// site reads a site's name: what the configuration allows for one.
func (r *reader) site() string {
	name := r.field(fieldSite)
	if name == "" || len(name) > maxSite || !isName(name) {
		r.refuse(fieldSite)
	}
	return name
}

func isName(s string) bool {
	for _, c := range []byte(s) {
		if (c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '-' {
			return false
		}
	}
	return true
}
