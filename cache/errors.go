package cache

import (
	"errors"
	"fmt"
)

var (
	// ErrNotFound means that the object is not there. No other error does.
	ErrNotFound = errors.New("object not found")
	// ErrDeleted means that the object was deleted on purpose (a delete marker): it is not to be pulled again.
	ErrDeleted = errors.New("object was deleted (its newest version is a delete marker)")
	// ErrPrecondition means that a condition on the bucket's object did not hold.
	ErrPrecondition = errors.New("the bucket holds another object than expected")
	// ErrKeyForm means that the bucket cannot keep a key of this form apart from other keys.
	ErrKeyForm = errors.New("this bucket cannot hold a key of this form")
	// ErrNotReady means that the bucket has not been probed yet; it passes.
	ErrNotReady = errors.New("the bucket has not answered its start-up probe yet")
	// ErrDamaged means that a body is not the one that its checksum was made of: it is nobody's object any more.
	ErrDamaged = errors.New("the body does not fit its checksum")
	// ErrNoRoom means that the spool is full: spool.max_bytes or spool.max_entries is reached.
	ErrNoRoom = errors.New("no room in the spool (spool.max_bytes or spool.max_entries)")
)

// RangeError means that no byte of the requested range is in the object (RFC 9110 section 15.5.17).
type RangeError struct {
	Size int64 // the object's length; -1 when the bucket did not say
}

func (e *RangeError) Error() string {
	return fmt.Sprintf("range not satisfiable in an object of %d bytes", e.Size)
}

// SpoolError is a failure of the spool, which is this machine's disk: it says nothing about the object.
type SpoolError struct {
	Op  string // write to, read from, commit to
	Err error
}

func (e *SpoolError) Error() string { return e.Op + " the spool: " + e.Err.Error() }

func (e *SpoolError) Unwrap() error { return e.Err }

// BucketError is a failure of a bucket. It never stands for an absent object.
type BucketError struct {
	Op     string // get, head, put, …
	Status int    // the HTTP status, 0 when there was none
	Code   string // the S3 error code, "" when there was none
	// Lasting tells that trying again without somebody mending something is of no use: permission, quota, an
	// encryption key, a malformed request.
	Lasting bool
	Err     error // the cause, or nil
}

func (e *BucketError) Error() string {
	s := "bucket " + e.Op
	if e.Status != 0 {
		s += fmt.Sprintf(": status %d", e.Status)
	}
	if e.Code != "" {
		s += " " + e.Code
	}
	if e.Err != nil {
		s += ": " + e.Err.Error()
	}
	return s
}

func (e *BucketError) Unwrap() error { return e.Err }

// DigestError means that a body is not what its origin's checksum says.
type DigestError struct {
	Algorithm string
	Got, Want []byte
}

func (e *DigestError) Error() string {
	return fmt.Sprintf("the body's %s is %x, the origin says %x", e.Algorithm, e.Got, e.Want)
}

// LengthError means that a body ended elsewhere than its length said.
type LengthError struct {
	Got, Want int64 // bytes
}

func (e *LengthError) Error() string {
	return fmt.Sprintf("the body has %d bytes, its length said %d", e.Got, e.Want)
}
