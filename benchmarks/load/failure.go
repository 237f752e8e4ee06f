package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net"
	"os"
	"syscall"
)

// failure is why there is no answer, or none to its end.
type failure string

// The failures, besides statuses of 500 and more.
const (
	notSent     failure = "not sent, no connection was free in time"
	interrupted failure = "given up after the interrupt"
	unsendable  failure = "this target cannot be sent"
	refused     failure = "connection refused"
	timedOut    failure = "timeout"
	reset       failure = "connection reset"
	cutShort    failure = "answer cut short"
	noName      failure = "host name not found"
	noTLS       failure = "TLS or certificate"
	noHTTP      failure = "other, see the example"
)

var (
	errNoConnection = errors.New("all connections were busy: too slow a server for this rate, or too few --connections")
	errUnsendable   = errors.New("it begins with // and holds what would have to be encoded")
)

func failureOf(err error) failure {
	var timeout net.Error
	var name *net.DNSError
	switch {
	case errors.Is(err, context.Canceled):
		return interrupted
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, os.ErrDeadlineExceeded),
		errors.As(err, &timeout) && timeout.Timeout():
		return timedOut
	case errors.As(err, &name):
		return noName
	case errors.Is(err, syscall.ECONNREFUSED):
		return refused
	case errors.Is(err, syscall.ECONNRESET), errors.Is(err, syscall.EPIPE):
		return reset
	case errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, io.EOF):
		return cutShort
	case isTLS(err):
		return noTLS
	}
	return noHTTP
}

func isTLS(err error) bool {
	var record tls.RecordHeaderError
	var verify *tls.CertificateVerificationError
	var host x509.HostnameError
	var alert tls.AlertError
	return errors.As(err, &record) || errors.As(err, &verify) || errors.As(err, &host) || errors.As(err, &alert)
}
