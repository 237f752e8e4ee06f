package cache

import "time"

// negatives remembers that origins do not have an object.
type negatives struct {
	answers *remembered[negative]
}

type negative struct {
	scope string
	err   *NegativeError
}

func newNegatives(limit int, now func() time.Time) *negatives {
	return &negatives{newRemembered[negative](limit, now)}
}

// find returns the remembered answer, or nil.
func (n *negatives) find(id ID, scope string) *NegativeError {
	e, ok := n.answers.find(id)
	if !ok || e.scope != scope {
		return nil
	}
	return &NegativeError{Status: e.err.Status, Remembered: true, Err: e.err.Err}
}

func (n *negatives) remember(id ID, scope string, err *NegativeError, ttl time.Duration) {
	n.answers.put(id, negative{scope, err}, ttl)
}

func (n *negatives) forget(id ID) { n.answers.forget(id) }
