package shared

import (
	"strconv"
	"strings"
)

// Notes are lines of fields with one space between them; the first is the format. What does not read back as exactly
// the line that it was read from is not ours.

// state is how far a lease is.
type state string

const (
	pulling   state = "p" // the holder pulls the object
	committed state = "s" // it is in the holder's spool
	saved     state = "d" // it is in the bucket since a moment ago
)

const (
	maxMember    = 64
	maxAdvertise = 512
	tokenLength  = 26 // of rand.Text
	none         = "-"
)

// leaseNote says who has the lease of a key. The holder's member id comes first, so that a script knows its own.
type leaseNote struct {
	member    string
	state     state
	token     string // of one claim
	advertise string // "": the holder cannot be reached by others
}

// own is how all lease notes of a member begin.
func own(member string) string { return format + " " + member + " " }

func (n leaseNote) encode() string {
	advertise := n.advertise
	if advertise == "" {
		advertise = none
	}
	return own(n.member) + string(n.state) + " " + n.token + " " + advertise
}

// in is the note in another state.
func (n leaseNote) in(s state) leaseNote {
	n.state = s
	return n
}

func decodeLease(text string) (leaseNote, bool) {
	f := strings.Split(text, " ")
	if len(f) != 5 || f[0] != format {
		return leaseNote{}, false
	}
	n := leaseNote{member: f[1], state: state(f[2]), token: f[3], advertise: f[4]}
	if n.advertise == none {
		n.advertise = ""
	}
	return n, n.valid() && n.encode() == text
}

func (n leaseNote) valid() bool {
	switch n.state {
	case pulling, committed, saved:
	default:
		return false
	}
	return isMember(n.member) && isToken(n.token) && isAdvertise(n.advertise)
}

// isMember tells whether a text can be a member's id in a note.
func isMember(text string) bool { return len(text) <= maxMember && consistsOf(text, isIDByte) }

func isToken(text string) bool { return len(text) == tokenLength && consistsOf(text, isIDByte) }

// isAdvertise is strict: what stands there, this gateway connects to.
func isAdvertise(text string) bool { return text == "" || checkAdvertise(text) == "" }

// negativeNote says that the origins of a scope lack an object.
type negativeNote struct {
	scope  string // what stands for it
	status int    // what clients get
}

// ofScope is how all negative notes of a scope begin.
func ofScope(scope string) string { return format + " " + scope + " " }

func (n negativeNote) encode() string { return ofScope(n.scope) + strconv.Itoa(n.status) }

func decodeNegative(text string) (negativeNote, bool) {
	f := strings.Split(text, " ")
	if len(f) != 3 || f[0] != format {
		return negativeNote{}, false
	}
	status, err := strconv.Atoi(f[2])
	n := negativeNote{f[1], status}
	return n, err == nil && n.valid() && n.encode() == text
}

func (n negativeNote) valid() bool {
	return n.status >= 400 && n.status <= 499 && len(n.scope) == scopeLength && consistsOf(n.scope, isIDByte)
}

// consistsOf tells whether a text is not empty and has only bytes of a kind.
func consistsOf(text string, kind func(byte) bool) bool {
	for i := range len(text) {
		if !kind(text[i]) {
			return false
		}
	}
	return text != ""
}

func isIDByte(b byte) bool {
	return b >= 'a' && b <= 'z' || b >= 'A' && b <= 'Z' || b >= '0' && b <= '9' || b == '-' || b == '.' || b == '_'
}

func isPrintable(b byte) bool { return b > ' ' && b < 0x7f }
