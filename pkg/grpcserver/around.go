package grpcserver

import (
	"context"
	"fmt"
	"log/slog"
	"runtime/debug"
	"strings"
	"time"

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

// callRecord is what the log tells of a call.
type callRecord struct {
	method  string
	start   time.Time
	request any // nil of a stream
	caller  authn.Principal
	cause   error // as the handler returned it, with what the caller is not shown
}

// around is what every call goes through, unary or stream. A panic becomes an internal error, whose stack goes to the log and nowhere
// else. Errors take their form on the wire here and nowhere else. Who is calling is known before anything is said about the call.
func (s *Server) around(ctx context.Context, method string, req any, next func(context.Context) error) (err error) {
	record := callRecord{method: method, request: req, start: s.deps.Clock.Now()}
	defer func() {
		if r := recover(); r != nil {
			s.counters.panicked(s.label(method))
			st := rpcerr.ToStatus(fmt.Errorf("panic: %v", r))
			s.deps.Log.ErrorContext(ctx, "call panicked", "method", method, "panic", fmt.Sprint(r),
				"stack", string(debug.Stack()), "info", infoOf(st))
			err = st.Err()
		}
	}()
	admitted, err := s.admit(ctx, &record)
	if err == nil {
		err = next(admitted)
	}
	if err != nil {
		record.cause = err
		s.witnessed(ctx, &record)
		err = rpcerr.ToStatus(err).Err()
	}
	s.log(ctx, &record, err)
	return err
}

// admit lets a call in, and says in its context who is calling and on which date, or refuses it.
func (s *Server) admit(ctx context.Context, record *callRecord) (context.Context, error) {
	if s.open[record.method] {
		return s.dated(ctx)
	}
	token, err := tokenOf(ctx)
	if err != nil {
		return nil, err
	}
	// Every service verifies the token for itself; nobody in between is believed.
	caller, err := s.deps.Verifier.Verify(ctx, token)
	if err != nil {
		return nil, err
	}
	record.caller = caller
	if err := s.limit(caller); err != nil {
		return nil, err
	}
	if ctx, err = s.rules.Admit(authn.WithPrincipal(ctx, caller), record.method); err != nil {
		return nil, err
	}
	return s.dated(ctx)
}

// log writes a line per call, after it; calls that panic have theirs already.
func (s *Server) log(ctx context.Context, record *callRecord, err error) {
	if err == nil && !s.deps.Log.Enabled(ctx, slog.LevelDebug) {
		return
	}
	st := status.Convert(err)
	attrs := []slog.Attr{
		slog.String("method", record.method),
		slog.String("code", st.Code().String()),
		slog.String("subject", record.caller.Subject),
		slog.Duration("took", s.deps.Clock.Now().Sub(record.start)),
	}
	if p, ok := peer.FromContext(ctx); ok {
		attrs = append(attrs, slog.String("peer", p.Addr.String()))
	}
	if err != nil {
		info := infoOf(st)
		s.counters.refused(s.label(record.method), st.Code().String(), info.GetReason())
		attrs = append(attrs, slog.String("reason", info.GetReason()), slog.Any("info", info.GetMetadata()))
		if record.cause != nil {
			attrs = append(attrs, slog.String("error", record.cause.Error()))
		}
	}
	s.deps.Log.LogAttrs(ctx, level(st.Code()), "call", attrs...)
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

// limit holds each subject to its rate, so that one careless program does not take the time of all others.
func (s *Server) limit(caller authn.Principal) error {
	if s.rates == nil || caller.Service() {
		return nil
	}
	if retry, ok := s.rates.take(caller.Subject, s.deps.Clock.Now()); !ok {
		return errs.New(errs.ResourceExhausted, "RATE_LIMITED", "too many calls; try again after %s", retry).WithRetryAfter(retry)
	}
	return nil
}

// dated takes the business date from the call where the server runs with a development clock, and refuses it elsewhere:
// to leave it out silently would book under another date than the caller believes.
func (s *Server) dated(ctx context.Context) (context.Context, error) {
	values := metadata.ValueFromIncomingContext(ctx, BusinessDateHeader)
	if len(values) == 0 {
		return ctx, nil
	}
	if !s.cfg.DevClock {
		return nil, errs.New(errs.FailedPrecondition, "BUSINESS_DATE_NOT_SETTABLE", "the business date cannot be set here")
	}
	date, err := calendar.ParseDate(values[0])
	if len(values) > 1 || err != nil || date.IsZero() {
		return nil, errs.Field(BusinessDateHeader, "date", "must be one date, YYYY-MM-DD").WithCause(err)
	}
	return calendar.WithBusinessDate(ctx, date), nil
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
