package grpcclient_test

import (
	"context"
	"errors"
	"io"
	"net"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"

	"github.com/avalcredit/aval/pkg/authn"
	"github.com/avalcredit/aval/pkg/calendar"
	"github.com/avalcredit/aval/pkg/errs"
	"github.com/avalcredit/aval/pkg/grpcclient"
	"github.com/avalcredit/aval/pkg/grpcserver"
	"github.com/avalcredit/aval/pkg/internal/echo"
)

const patience = 20 * time.Second

// pair is a server on a free port and what is needed to dial it.
type pair struct {
	addr   string
	issuer *authn.Issuer
}

func serve(t *testing.T, deps grpcserver.Deps, handle echo.Handler) pair {
	t.Helper()
	issuer, err := authn.NewIssuer(t.TempDir())
	must(t, err)
	deps.Verifier = issuer
	s, err := grpcserver.New(grpcserver.Config{Addr: "127.0.0.1:0", DevClock: true, DrainDelay: -1}, deps)
	must(t, err)
	echo.Register(s.Registrar(), "EchoService", handle)
	addr, err := s.Listen()
	must(t, err)
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- s.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		must(t, <-ended)
	})
	return pair{addr.String(), issuer}
}

func (p pair) dial(t *testing.T, opts grpcclient.Options) *grpc.ClientConn {
	t.Helper()
	if opts.Token == nil {
		opts.Token = p.issuer.Source("m-1", "SALES_MANAGER")
	}
	conn, err := grpcclient.Dial(context.Background(), p.addr, opts)
	must(t, err)
	t.Cleanup(func() { _ = conn.Close() })
	return conn
}

func limited(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	t.Cleanup(cancel)
	return ctx
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func TestErrorsComeBackAsTheyWere(t *testing.T) {
	t.Parallel()
	sent := errs.New(errs.FailedPrecondition, "LIMIT_EXCEEDED", "the limit is used up").With("free", "12.00")
	p := serve(t, grpcserver.Deps{}, func(context.Context, string, string) (string, error) {
		return "", sent.WithCause(errors.New("inside"))
	})
	conn := p.dial(t, grpcclient.Options{})
	_, unary := echo.Call(limited(t), conn, echo.Say, "x")
	_, streamed := talk(limited(t), conn, "x")
	for _, err := range []error{unary, streamed} {
		got, ok := errs.As(err)
		if !ok || got.Kind != sent.Kind || got.Reason != sent.Reason || got.Message != sent.Message || got.Meta["free"] != "12.00" {
			t.Errorf("%+v", err)
		}
	}
	_, invalid := echo.Call(limited(t), conn, echo.Say, "")
	got, ok := errs.As(invalid)
	if !ok || got.Kind != errs.Invalid || len(got.Violations) != 1 || got.Violations[0].Field != "text" || got.Violations[0].Rule != "string.min_len" {
		t.Errorf("%+v", invalid)
	}
	_, kept := echo.Call(limited(t), p.dial(t, grpcclient.Options{KeepStatus: true}), echo.Say, "x")
	if _, ok := errs.As(kept); ok || status.Code(kept) != codes.FailedPrecondition {
		t.Errorf("%+v", kept)
	}
}

// talk sends one message on a stream and returns the answer.
func talk(ctx context.Context, conn *grpc.ClientConn, text string) (string, error) {
	stream, err := conn.NewStream(ctx, &grpc.StreamDesc{ClientStreams: true, ServerStreams: true}, echo.Talk)
	if err != nil {
		return "", err
	}
	if err := stream.SendMsg(echo.Request(text)); err != nil {
		return "", err
	}
	answer := echo.Response()
	if err := stream.RecvMsg(answer); err != nil {
		return "", err
	}
	if err := stream.CloseSend(); err != nil {
		return "", err
	}
	if err := stream.RecvMsg(echo.Response()); !errors.Is(err, io.EOF) {
		return "", err
	}
	return echo.Text(answer), nil
}

func TestBusinessDateAndCallerGoAlong(t *testing.T) {
	t.Parallel()
	p := serve(t, grpcserver.Deps{}, func(ctx context.Context, _, _ string) (string, error) {
		caller, _ := authn.FromContext(ctx)
		date, _ := calendar.BusinessDate(ctx)
		return caller.Subject + " " + date.String(), nil
	})
	day, err := calendar.ParseDate("2026-02-28")
	must(t, err)
	dated := calendar.WithBusinessDate(limited(t), day)
	other, err := p.issuer.Token([]string{"SALES_MANAGER"}, "m-2", time.Hour)
	must(t, err)
	carried := metadata.AppendToOutgoingContext(dated, "authorization", "Bearer "+other, "aval-business-date", "2026-01-01")
	none := calendar.Date{}.String()
	for _, c := range []struct {
		name    string
		ctx     context.Context
		forward bool
		want    string
	}{
		{"forwarded", dated, true, "m-1 2026-02-28"},
		{"not forwarded", dated, false, "m-1 " + none},
		{"none set", limited(t), true, "m-1 " + none},
		{"what the call carries is left alone", carried, true, "m-2 2026-01-01"},
	} {
		t.Run(c.name, func(t *testing.T) {
			conn := p.dial(t, grpcclient.Options{ForwardBusinessDate: c.forward})
			unary, err := echo.Call(c.ctx, conn, echo.Say, "x")
			must(t, err)
			streamed, err := talk(c.ctx, conn, "x")
			must(t, err)
			if unary != c.want || streamed != c.want {
				t.Errorf("%q and %q, want %q", unary, streamed, c.want)
			}
		})
	}
}

func TestNoTokenNoCall(t *testing.T) {
	t.Parallel()
	var handled atomic.Int32
	p := serve(t, grpcserver.Deps{}, func(context.Context, string, string) (string, error) {
		handled.Add(1)
		return "", nil
	})
	conn := p.dial(t, grpcclient.Options{Token: func(context.Context) (string, error) { return "", errors.New("no such file") }})
	_, unary := echo.Call(limited(t), conn, echo.Say, "x")
	_, streamed := talk(limited(t), conn, "x")
	for _, err := range []error{unary, streamed} {
		if errs.KindOf(err) != errs.Unavailable || errs.ReasonOf(err) != "TOKEN_UNAVAILABLE" {
			t.Error(err)
		}
	}
	if n := handled.Load(); n != 0 {
		t.Errorf("%d calls got through", n)
	}
}

func TestUnavailableIsTriedAgain(t *testing.T) {
	t.Parallel()
	var tries atomic.Int32
	p := serve(t, grpcserver.Deps{}, func(_ context.Context, _, text string) (string, error) {
		if text == "conflict" {
			tries.Add(1)
			return "", errs.New(errs.Aborted, "CONFLICT", "try again")
		}
		if tries.Add(1) < 3 {
			return "", errs.New(errs.Unavailable, "STARTING", "not yet")
		}
		return text, nil
	})
	conn := p.dial(t, grpcclient.Options{})
	if got, err := echo.Call(limited(t), conn, echo.Say, "x"); err != nil || got != "x" || tries.Load() != 3 {
		t.Errorf("%q, %v after %d tries", got, err, tries.Load())
	}
	tries.Store(0)
	if _, err := echo.Call(limited(t), conn, echo.Say, "conflict"); errs.KindOf(err) != errs.Aborted || tries.Load() != 1 {
		t.Errorf("%v after %d tries", err, tries.Load())
	}
}

func TestDeadlines(t *testing.T) {
	t.Parallel()
	left := func(ctx context.Context, _, _ string) (string, error) {
		until, _ := ctx.Deadline()
		return strconv.FormatInt(time.Until(until).Milliseconds(), 10), nil
	}
	p := serve(t, grpcserver.Deps{}, left)
	ask := func(ctx context.Context, opts grpcclient.Options) int {
		text, err := echo.Call(ctx, p.dial(t, opts), echo.Say, "x")
		must(t, err)
		ms, err := strconv.Atoi(text)
		must(t, err)
		return ms
	}
	ctx, cancel := context.WithTimeout(context.Background(), 8*time.Second)
	defer cancel()
	if ms := ask(ctx, grpcclient.Options{}); ms > 7980 || ms < 3000 {
		t.Errorf("of 8 s, %d ms arrive", ms)
	}
	if ms := ask(context.Background(), grpcclient.Options{Timeout: 7 * time.Second}); ms > 7000 || ms < 2000 {
		t.Errorf("of 7 s by default, %d ms arrive", ms)
	}
	late, cancelLate := context.WithTimeout(context.Background(), 10*time.Millisecond)
	defer cancelLate()
	if _, err := echo.Call(late, p.dial(t, grpcclient.Options{}), echo.Say, "x"); errs.KindOf(err) != errs.DeadlineExceeded {
		t.Errorf("with less left than is shaved: %v", err)
	}
}

func TestTraceGoesAlong(t *testing.T) {
	t.Parallel()
	spans := sdktrace.NewTracerProvider()
	p := serve(t, grpcserver.Deps{Tracer: spans}, func(ctx context.Context, _, _ string) (string, error) {
		return trace.SpanContextFromContext(ctx).TraceID().String(), nil
	})
	ctx, span := spans.Tracer("test").Start(limited(t), "work")
	defer span.End()
	got, err := echo.Call(ctx, p.dial(t, grpcclient.Options{Tracer: spans}), echo.Say, "x")
	if err != nil || got != span.SpanContext().TraceID().String() {
		t.Errorf("%q, %v", got, err)
	}
}

func TestNobodyThere(t *testing.T) {
	t.Parallel()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	addr := listener.Addr().String()
	must(t, listener.Close())
	conn, err := grpcclient.Dial(context.Background(), addr, grpcclient.Options{})
	must(t, err)
	defer func() { _ = conn.Close() }()
	_, err = echo.Call(limited(t), conn, echo.Say, "x")
	public, ok := errs.As(err)
	if !ok || public.Kind != errs.Unavailable || strings.Contains(public.Message, addr) {
		t.Errorf("%+v", err)
	}
	ended, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := grpcclient.Dial(ended, addr, grpcclient.Options{}); err == nil {
		t.Error("dialled for nobody")
	}
}
