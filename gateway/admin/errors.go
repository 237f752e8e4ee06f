package admin

import "errors"

var (
	// ErrNoSuch means that there is no site, rule, origin or target of the name given: 404.
	ErrNoSuch = errors.New("there is no such thing")
	// ErrChanged means that somebody else has changed it since: 412.
	ErrChanged = errors.New("it has been changed meanwhile: look at it again")
)
