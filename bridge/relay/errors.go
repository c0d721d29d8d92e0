package relay

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net"
	"syscall"

	"postern/vault"
)

// What can go wrong besides the errors of the vault, as a caller may match it
// with errors.Is. No error holds a value, an address or the text of a server.
var (
	ErrRedirect       = errors.New("the redirect was not followed")
	ErrBlockedAddress = errors.New("requests to this address are not allowed")
	ErrUnreachable    = errors.New("the server cannot be reached")
	// ErrTimeout is also a context.DeadlineExceeded.
	ErrTimeout error = timeoutError{}
)

type timeoutError struct{}

func (timeoutError) Error() string        { return "the answer did not come in time" }
func (timeoutError) Timeout() bool        { return true }
func (timeoutError) Is(target error) bool { return target == context.DeadlineExceeded }

// UnreachableError is an ErrUnreachable with its cause.
type UnreachableError struct{ Cause Cause }

// Cause says what kept a server from being reached.
type Cause string

// The causes of an UnreachableError.
const (
	CauseDNS      Cause = "dns"
	CauseRefused  Cause = "refused"
	CauseNetwork  Cause = "network"
	CauseTLS      Cause = "tls"
	CauseReset    Cause = "reset"
	CauseProtocol Cause = "protocol"
)

var causes = map[Cause]string{
	CauseDNS:      "the name of the host is not known",
	CauseRefused:  "nothing accepts connections at this address",
	CauseNetwork:  "there is no way to its network",
	CauseTLS:      "its certificate or its encryption is not accepted",
	CauseReset:    "it closed the connection before the answer was complete",
	CauseProtocol: "its answer cannot be read",
}

func (e *UnreachableError) Error() string { return ErrUnreachable.Error() + ": " + causes[e.Cause] }
func (e *UnreachableError) Unwrap() error { return ErrUnreachable }

// plain turns an error into one that may be shown. Errors of the network and of
// net/http are dropped and not wrapped: their texts repeat addresses and pieces
// of answers.
func plain(ctx context.Context, err error) error {
	var invalid *vault.InvalidError
	var timeout interface{ Timeout() bool }
	switch {
	case errors.As(err, &invalid):
		return invalid
	case errors.Is(err, ErrRedirect):
		return err
	case errors.Is(err, ErrBlockedAddress):
		return ErrBlockedAddress
	case errors.Is(context.Cause(ctx), context.DeadlineExceeded):
		return ErrTimeout
	case errors.Is(ctx.Err(), context.Canceled):
		return context.Canceled
	case ctx.Err() != nil, errors.As(err, &timeout) && timeout.Timeout():
		return ErrTimeout
	}
	return &UnreachableError{causeOf(err)}
}

func causeOf(err error) Cause {
	var dns *net.DNSError
	var verification *tls.CertificateVerificationError
	var alert tls.AlertError
	var record tls.RecordHeaderError
	var hostname x509.HostnameError
	switch {
	case errors.As(err, &dns):
		return CauseDNS
	case errors.As(err, &verification), errors.As(err, &alert), errors.As(err, &record), errors.As(err, &hostname), isTLSAlert(err):
		return CauseTLS
	case errors.Is(err, syscall.ECONNREFUSED):
		return CauseRefused
	case errors.Is(err, syscall.ENETUNREACH), errors.Is(err, syscall.EHOSTUNREACH), errors.Is(err, syscall.EADDRNOTAVAIL):
		return CauseNetwork
	case errors.Is(err, syscall.ECONNRESET), errors.Is(err, syscall.EPIPE), errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return CauseReset
	}
	return CauseProtocol
}

// isTLSAlert knows what crypto/tls calls an alert from the other side.
func isTLSAlert(err error) bool {
	var op *net.OpError
	return errors.As(err, &op) && op.Op == "remote error"
}
