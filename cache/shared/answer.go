package shared

import (
	"bytes"
	"crypto/hmac"
	"encoding/json"
	"errors"
	"fmt"

	"mirrorgate/cache"
)

// maxAnswer bounds what is said before a body, in bytes: in a header it must stay below maxHeader.
const maxAnswer = 40 << 10

// said is a PeerAnswer on its way. The metadata has the form that buckets keep, because JSON strings hold UTF-8 only
// and headers need not be that.
type said struct {
	Outcome cache.PeerOutcome `json:"outcome"`
	Meta    *cache.Stored     `json:"meta,omitempty"`
	Length  int64             `json:"length"`
	Target  string            `json:"target,omitempty"`
	Kept    bool              `json:"kept,omitempty"`
	Fault   *cache.PeerError  `json:"fault,omitempty"`
}

// say puts an answer into the bytes that are sent.
func say(a *cache.PeerAnswer) ([]byte, error) {
	out := said{Outcome: a.Outcome, Fault: a.Fault}
	if a.Outcome == cache.PeerHas {
		out.Length, out.Target, out.Kept = a.Length, a.Target, a.Kept
		meta := a.Meta
		meta.Origin.Size, meta.Origin.MD5 = meta.Size, "" // the proof, which is for what is kept: let it fit
		stored, _ := cache.EncodeMeta(meta)               // the pull has trimmed it already
		out.Meta = &stored
	}
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false) // an escape is six times as long
	if err := e.Encode(out); err != nil {
		return nil, err
	}
	if b.Len() > maxAnswer {
		return nil, fmt.Errorf("the headers of the object have %d bytes, more than %d", b.Len(), maxAnswer)
	}
	return b.Bytes(), nil
}

// seal proves an answer to the one ask.
func (p proofs) seal(ask cache.PeerAsk, said []byte) []cache.Field {
	return []cache.Field{
		{Name: fieldAnswer, Value: encode(said)},
		{Name: fieldMac, Value: encode(p.ofAnswer(ask, said))},
	}
}

var errUnproven = errors.New("the answer has no proof of being the fleet's, and to this")

// unseal reads what seal wrote in answer to the ask.
func (p proofs) unseal(ask cache.PeerAsk, field func(name string) string) (cache.PeerAnswer, error) {
	r := reader{field: field}
	raw, mac := r.bytes(fieldAnswer, 1, maxAnswer), r.bytes(fieldMac, proofBytes, proofBytes)
	if r.err != nil || !p.known() || !hmac.Equal(mac, p.ofAnswer(ask, raw)) {
		return cache.PeerAnswer{}, errUnproven
	}
	var in said
	if err := json.Unmarshal(raw, &in); err != nil {
		return cache.PeerAnswer{}, fmt.Errorf("read the answer: %w", err)
	}
	return in.answer(ask.From)
}

// answer checks what another version of the program may have said.
func (s said) answer(from int64) (cache.PeerAnswer, error) {
	a := cache.PeerAnswer{Outcome: s.Outcome, Length: s.Length, Target: s.Target, Kept: s.Kept, Fault: s.Fault}
	switch {
	case s.Outcome == cache.PeerHas && s.Meta != nil:
		a.Meta = s.Meta.Meta()
		want := int64(-1)
		if a.Meta.Size >= 0 {
			want = max(a.Meta.Size-from, 0)
		}
		if s.Length != want || from > 0 && from > a.Meta.Size && a.Meta.Size >= 0 {
			return a, fmt.Errorf("%d bytes from byte %d on of an object of %d", s.Length, from, a.Meta.Size)
		}
	case s.Outcome == cache.PeerFailed && s.Fault != nil && s.Fault.Status >= 400 && s.Fault.Status < 600 && s.Length == 0:
	case s.Outcome == cache.PeerLacks && s.Length == 0, s.Outcome == cache.PeerAlone && s.Length == 0:
	default:
		return a, fmt.Errorf("an outcome %q that this version does not know", s.Outcome)
	}
	return a, nil
}
