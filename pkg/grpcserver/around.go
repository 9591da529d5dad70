package grpcserver

import (
	"context"
	"fmt"
	"log/slog"
	"runtime/debug"
	"strings"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/peer"
	"google.golang.org/grpc/status"

	"github.com/avalcredit/aval/pkg/authn"
	"github.com/avalcredit/aval/pkg/calendar"
	"github.com/avalcredit/aval/pkg/errs"
	"github.com/avalcredit/aval/pkg/rpcerr"
)

const (
	authorizationHeader = "authorization"
	bearer              = "bearer "

	// BusinessDateHeader is the metadata key that sets the business date of one call where that is allowed.
	BusinessDateHeader = "aval-business-date"
)

// callRecord collects, for the log, what the inner interceptors find out.
type callRecord struct {
	subject string
	cause   error // as the handler returned it, with what the caller is not shown
}

type callRecordKey struct{}

func recordOf(ctx context.Context) *callRecord {
	if r, ok := ctx.Value(callRecordKey{}).(*callRecord); ok {
		return r
	}
	return &callRecord{}
}

// recovering turns a panic into an internal error; the stack goes to the log and nowhere else.
func (s *Server) recovering(ctx context.Context, method string, next func(context.Context) error) (err error) {
	defer func() {
		if r := recover(); r != nil {
			s.counters.panicked(s.label(method))
			st := rpcerr.ToStatus(fmt.Errorf("panic: %v", r))
			s.deps.Log.ErrorContext(ctx, "call panicked", "method", method, "panic", fmt.Sprint(r),
				"stack", string(debug.Stack()), "info", infoOf(st))
			err = st.Err()
		}
	}()
	return next(ctx)
}

// logging writes a line per call, after it; calls that panic have theirs from recovering.
func (s *Server) logging(ctx context.Context, method string, next func(context.Context) error) error {
	record := &callRecord{}
	start := s.deps.Clock.Now()
	err := next(context.WithValue(ctx, callRecordKey{}, record))
	st := status.Convert(err)
	attrs := []slog.Attr{
		slog.String("method", method),
		slog.String("code", st.Code().String()),
		slog.String("subject", record.subject),
		slog.Duration("took", s.deps.Clock.Now().Sub(start)),
	}
	if p, ok := peer.FromContext(ctx); ok {
		attrs = append(attrs, slog.String("peer", p.Addr.String()))
	}
	if err != nil {
		info := infoOf(st)
		s.counters.refused(s.label(method), st.Code().String(), info.GetReason())
		attrs = append(attrs, slog.String("reason", info.GetReason()), slog.Any("info", info.GetMetadata()))
		if record.cause != nil {
			attrs = append(attrs, slog.String("error", record.cause.Error()))
		}
	}
	s.deps.Log.LogAttrs(ctx, level(st.Code()), "call", attrs...)
	return err
}

// level is an error only where we are at fault; a caller's mistakes must not wake anybody up.
func level(code codes.Code) slog.Level {
	switch code {
	case codes.OK:
		return slog.LevelDebug
	case codes.Internal, codes.Unknown, codes.DataLoss:
		return slog.LevelError
	case codes.Unavailable, codes.DeadlineExceeded, codes.ResourceExhausted:
		return slog.LevelWarn
	default:
		return slog.LevelInfo
	}
}

// mapping is the one place where errors become what goes over the wire.
func (s *Server) mapping(ctx context.Context, _ string, next func(context.Context) error) error {
	err := next(ctx)
	if err == nil {
		return nil
	}
	recordOf(ctx).cause = err
	return rpcerr.ToStatus(err).Err()
}

// authenticating verifies the caller's token. Every service does it for itself; nobody in between is believed.
func (s *Server) authenticating(ctx context.Context, method string, next func(context.Context) error) error {
	if s.open[method] {
		return next(ctx)
	}
	token, err := tokenOf(ctx)
	if err != nil {
		return err
	}
	caller, err := s.deps.Verifier.Verify(ctx, token)
	if err != nil {
		return err
	}
	recordOf(ctx).subject = caller.Subject
	return next(authn.WithPrincipal(ctx, caller))
}

// tokenOf takes exactly one bearer token: of two, one cannot know which the last proxy has looked at.
func tokenOf(ctx context.Context) (string, error) {
	values := metadata.ValueFromIncomingContext(ctx, authorizationHeader)
	if len(values) == 0 {
		return "", errs.New(errs.Unauthenticated, "TOKEN_MISSING", "an access token is needed")
	}
	value := values[0]
	if len(values) > 1 || len(value) <= len(bearer) || !strings.EqualFold(value[:len(bearer)], bearer) {
		return "", errs.New(errs.Unauthenticated, "TOKEN_INVALID", "one bearer token is needed")
	}
	return strings.TrimSpace(value[len(bearer):]), nil
}

// limiting holds each subject to its rate, so that one careless program does not take the time of all others.
func (s *Server) limiting(ctx context.Context, _ string, next func(context.Context) error) error {
	caller, ok := authn.FromContext(ctx)
	if s.rates == nil || !ok || caller.Service() {
		return next(ctx)
	}
	if retry, ok := s.rates.take(caller.Subject, s.deps.Clock.Now()); !ok {
		refusal := errs.New(errs.ResourceExhausted, "RATE_LIMITED", "too many calls; try again after %s", retry)
		refusal.RetryAfter = retry
		return refusal
	}
	return next(ctx)
}

func (s *Server) authorizing(ctx context.Context, method string, next func(context.Context) error) error {
	if s.open[method] {
		return next(ctx)
	}
	ctx, err := s.rules.Admit(ctx, method)
	if err != nil {
		return err
	}
	return next(ctx)
}

// dating takes the business date from the call where the server runs with a development clock, and refuses it elsewhere:
// to leave it out silently would book under another date than the caller believes.
func (s *Server) dating(ctx context.Context, _ string, next func(context.Context) error) error {
	values := metadata.ValueFromIncomingContext(ctx, BusinessDateHeader)
	if len(values) == 0 {
		return next(ctx)
	}
	if !s.cfg.DevClock {
		return errs.New(errs.FailedPrecondition, "BUSINESS_DATE_NOT_SETTABLE", "the business date cannot be set here")
	}
	date, err := calendar.ParseDate(values[0])
	if len(values) > 1 || err != nil || date.IsZero() {
		return errs.Field(BusinessDateHeader, "date", "must be one date, YYYY-MM-DD").WithCause(err)
	}
	return next(calendar.WithBusinessDate(ctx, date))
}

// infoOf finds the machine-readable part of a status; nil is fine to ask for its fields.
func infoOf(st *status.Status) *errdetails.ErrorInfo {
	for _, detail := range st.Details() {
		if info, ok := detail.(*errdetails.ErrorInfo); ok {
			return info
		}
	}
	return nil
}

// label is a method name that is safe as a metric's label: anybody can send names without end.
func (s *Server) label(method string) string {
	if _, known := s.rules[method]; known || s.open[method] {
		return method
	}
	return "unknown"
}
