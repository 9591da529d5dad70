package pg

import (
	"context"
	"errors"
	"io"
	"net"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/avalcredit/aval/pkg/errs"
)

// SQLSTATEs told apart here.
const (
	uniqueViolation      = "23505"
	serializationFailure = "40001"
	deadlockDetected     = "40P01"
	lockNotAvailable     = "55P03"
	queryCanceled        = "57014"
	readOnly             = "25006"
	tooManyConnections   = "53300"
	idleInTransaction    = "25P03"
)

// Err turns a driver's error into the product's, keeping it as the cause. An
// error that is the product's already, or that is not the database's, comes back as it is.
func Err(err error) error {
	if err == nil {
		return nil
	}
	if _, ok := errs.As(err); ok {
		return err
	}
	switch {
	case errors.Is(err, pgx.ErrNoRows):
		return errs.New(errs.NotFound, "NOT_FOUND", "not found").WithCause(err)
	case errors.Is(err, context.Canceled):
		return errs.New(errs.Canceled, "CANCELED", "the caller went away").WithCause(err)
	case errors.Is(err, context.DeadlineExceeded):
		return timedOut(err)
	}
	var pe *pgconn.PgError
	if errors.As(err, &pe) {
		return byState(pe, err)
	}
	if connectionLost(err) {
		return unavailable(err)
	}
	return err
}

func byState(pe *pgconn.PgError, err error) error {
	switch {
	case pe.Code == uniqueViolation:
		return errs.New(errs.AlreadyExists, "ALREADY_EXISTS", "it exists already").WithCause(err)
	case pe.Code == serializationFailure, pe.Code == deadlockDetected:
		return errs.New(errs.Aborted, "CONFLICT", "another change came in between: try again").WithCause(err)
	case pe.Code == lockNotAvailable, pe.Code == queryCanceled:
		return timedOut(err)
	case strings.HasPrefix(pe.Code, "08"), strings.HasPrefix(pe.Code, "57P0"),
		pe.Code == tooManyConnections, pe.Code == readOnly, pe.Code == idleInTransaction:
		return unavailable(err)
	default:
		return errs.New(errs.Internal, "INTERNAL", "internal error").WithCause(err)
	}
}

func timedOut(err error) error {
	return errs.New(errs.DeadlineExceeded, "DATABASE_TIMEOUT", "the database did not answer in time").WithCause(err)
}

func unavailable(err error) error {
	return errs.New(errs.Unavailable, "DATABASE_UNAVAILABLE", "the database is not available: try again").WithCause(err)
}

// connectionLost is true for errors of the connection, whatever the statement did.
func connectionLost(err error) bool {
	var connect *pgconn.ConnectError
	var network net.Error
	return errors.As(err, &connect) || errors.As(err, &network) ||
		errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) ||
		errors.Is(err, net.ErrClosed) || pgconn.SafeToRetry(err)
}

// retryable says that the transaction was rolled back because of others' work.
func retryable(err error) bool {
	var pe *pgconn.PgError
	return errors.As(err, &pe) && (pe.Code == serializationFailure || pe.Code == deadlockDetected)
}

// IsUnique says whether err is a violation of the named unique constraint or index.
func IsUnique(err error, constraint string) bool {
	var pe *pgconn.PgError
	return errors.As(err, &pe) && pe.Code == uniqueViolation && pe.ConstraintName == constraint
}
