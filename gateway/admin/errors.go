package admin

import (
	"errors"
	"net/http"
)

var (
	// ErrNoSuch means that there is no site, rule, origin or target of the name given: 404.
	ErrNoSuch = errors.New("there is no such thing")
	// ErrChanged means that somebody else has changed it since: 412.
	ErrChanged = errors.New("it has been changed meanwhile: look at it again")
	// ErrNotKept means that the bucket, where changes are kept, did not take a change: 503.
	ErrNotKept = errors.New("nothing was changed: the change could not be kept in the site's bucket")
)

// Invalid is the error of a change with one mistake.
func Invalid(path, problem string) error {
	return &InvalidError{[]Mistake{{Path: path, Problem: problem}}}
}

// answer answers with a value, or with what the error means.
func (s *Server) answer(w http.ResponseWriter, value any, err error) {
	if err != nil {
		s.failWith(w, err)
		return
	}
	reply(w, http.StatusOK, value)
}

// failWith answers with what an error means. What is not the caller's mistake is logged.
func (s *Server) failWith(w http.ResponseWriter, err error) {
	var invalid *InvalidError
	switch {
	case errors.As(err, &invalid):
		reply(w, http.StatusUnprocessableEntity, struct {
			Error    string    `json:"error"`
			Mistakes []Mistake `json:"mistakes"`
		}{invalid.Error(), invalid.Mistakes})
	case errors.Is(err, ErrNoSuch):
		fail(w, http.StatusNotFound, err.Error())
	case errors.Is(err, ErrChanged):
		fail(w, http.StatusPreconditionFailed, err.Error())
	case errors.Is(err, ErrNotKept):
		s.o.Log.Warn("a change was not made", "err", err)
		fail(w, http.StatusServiceUnavailable, err.Error())
	default:
		s.o.Log.Error("the admin listener could not do what was asked", "err", err)
		fail(w, http.StatusInternalServerError, err.Error())
	}
}
