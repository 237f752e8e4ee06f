package gateway

import (
	"bytes"
	"errors"
	"io"
	"net/http"
)

// prime waits for the first byte of a body that comes straight from an origin, and of a range to which its pull has not
// come yet: one that fails at once is an error of the table then, rather than an empty answer.
func (a *answer) prime() error {
	if !a.fresh || a.body == nil {
		return nil
	}
	var first [1]byte
	n, err := io.ReadFull(a.body, first[:])
	switch {
	case n == 1:
		a.body = &primed{io.MultiReader(bytes.NewReader(first[:]), a.body), a.body}
		return nil
	case errors.Is(err, io.EOF) && (a.length <= 0 || a.status == http.StatusNotModified):
		closeBody(a.body)
		a.body, a.length = http.NoBody, 0
		return nil
	default:
		closeBody(a.body)
		return err
	}
}

type primed struct {
	io.Reader
	io.Closer
}
