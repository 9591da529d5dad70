package grpcserver_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	healthv1 "google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/metadata"
	reflectionv1 "google.golang.org/grpc/reflection/grpc_reflection_v1"
	"google.golang.org/grpc/status"

	"github.com/avalcredit/aval/pkg/authn"
	"github.com/avalcredit/aval/pkg/authz"
	"github.com/avalcredit/aval/pkg/calendar"
	"github.com/avalcredit/aval/pkg/errs"
	"github.com/avalcredit/aval/pkg/grpcserver"
	"github.com/avalcredit/aval/pkg/internal/echo"
	optionsv1 "github.com/avalcredit/aval/proto/gen/aval/options/v1"
)

func TestEveryRoleAtEveryMethod(t *testing.T) {
	t.Parallel()
	r := start(t, grpcserver.Config{}, grpcserver.Deps{}, repeat)
	type row struct {
		Method string
		Roles  []string
	}
	for _, c := range cases[row](t, "testdata/roles.yaml") {
		for number := range optionsv1.Role_name {
			role := authn.RoleName(optionsv1.Role(number))
			if role == "" {
				continue
			}
			answer, err := echo.Call(r.as(t, "p-1", role), r.conn, c.Method, "hello")
			if slices.Contains(c.Roles, role) {
				if err != nil || answer != "hello" {
					t.Errorf("%s at %s: %q, %v", role, c.Method, answer, err)
				}
				continue
			}
			if status.Code(err) != codes.PermissionDenied || info(err).GetReason() != "ROLE_REQUIRED" {
				t.Errorf("%s at %s: %v", role, c.Method, err)
			}
			if got := info(err).GetMetadata()["roles"]; got != strings.Join(c.Roles, ",") {
				t.Errorf("%s at %s: roles named are %q", role, c.Method, got)
			}
		}
	}
}

func TestScopeIsOfTheRolesThatLetIn(t *testing.T) {
	t.Parallel()
	r := start(t, grpcserver.Config{}, grpcserver.Deps{}, func(ctx context.Context, _, _ string) (string, error) {
		return fmt.Sprintf("%+v", authz.ScopeOf(ctx)), nil
	})
	for _, c := range []struct {
		roles []string
		want  authz.Scope
	}{
		{[]string{"SALESPERSON"}, authz.Scope{Salesperson: "s-7"}},
		{[]string{"SALESPERSON", "WAREHOUSE"}, authz.Scope{Salesperson: "s-7"}},
		{[]string{"SALESPERSON", "AUDITOR"}, authz.Scope{All: true}},
		{[]string{"SALES_MANAGER"}, authz.Scope{All: true}},
	} {
		got, err := echo.Call(r.as(t, "s-7", c.roles...), r.conn, echo.Say, "x")
		must(t, err)
		if got != fmt.Sprintf("%+v", c.want) {
			t.Errorf("%v: scope is %s, want %+v", c.roles, got, c.want)
		}
	}
}

func TestBusinessDate(t *testing.T) {
	t.Parallel()
	seen := func(ctx context.Context, _, _ string) (string, error) {
		if date, ok := calendar.BusinessDate(ctx); ok {
			return date.String(), nil
		}
		return "", nil
	}
	servers := map[bool]*running{
		true:  start(t, grpcserver.Config{DevClock: true}, grpcserver.Deps{}, seen),
		false: start(t, grpcserver.Config{}, grpcserver.Deps{}, seen),
	}
	type row struct {
		Name, Code, Reason, Seen string
		Dev                      bool
		Values                   []string
	}
	for _, c := range cases[row](t, "testdata/dates.yaml") {
		t.Run(c.Name, func(t *testing.T) {
			r := servers[c.Dev]
			for _, method := range []string{echo.Say, echo.Talk} {
				ctx := r.as(t, "m-1", "SALES_MANAGER")
				for _, v := range c.Values {
					ctx = metadata.AppendToOutgoingContext(ctx, grpcserver.BusinessDateHeader, v)
				}
				got, err := call(ctx, r.conn, method, "x")
				if status.Code(err).String() != c.Code || info(err).GetReason() != c.Reason || got != c.Seen {
					t.Errorf("%s: %q, %v", method, got, err)
				}
			}
		})
	}
}

// call calls either kind of method.
func call(ctx context.Context, conn *grpc.ClientConn, method, text string) (string, error) {
	if method != echo.Talk {
		return echo.Call(ctx, conn, method, text)
	}
	stream, err := conn.NewStream(ctx, &grpc.StreamDesc{ClientStreams: true, ServerStreams: true}, method)
	if err != nil {
		return "", err
	}
	if err := stream.SendMsg(echo.Request(text)); err != nil && !errors.Is(err, io.EOF) {
		return "", err
	}
	response := echo.Response()
	if err := stream.RecvMsg(response); err != nil {
		return "", err
	}
	return echo.Text(response), stream.CloseSend()
}

func TestRequestsAreValidated(t *testing.T) {
	t.Parallel()
	var handled atomic.Int32
	r := start(t, grpcserver.Config{}, grpcserver.Deps{}, func(context.Context, string, string) (string, error) {
		handled.Add(1)
		return "", nil
	})
	for text, rule := range map[string]string{
		"":                                  "string.min_len",
		strings.Repeat("x", echo.MaxText+1): "string.max_len",
		"a\x00b":                            grpcserver.RuleText,
	} {
		for _, method := range []string{echo.Say, echo.Talk} {
			_, err := call(r.as(t, "m-1", "SALES_MANAGER"), r.conn, method, text)
			want(t, err, codes.InvalidArgument, errs.ReasonInvalidField)
			violations := detail[*errdetails.BadRequest](err).GetFieldViolations()
			if len(violations) != 1 || violations[0].GetField() != "text" || violations[0].GetReason() != rule ||
				violations[0].GetDescription() == "" {
				t.Errorf("%s: violations are %v", method, violations)
			}
		}
	}
	if n := handled.Load(); n != 0 {
		t.Errorf("%d wrong requests reached the handler", n)
	}
}

func TestPanicStaysInside(t *testing.T) {
	t.Parallel()
	registry := prometheus.NewRegistry()
	r := start(t, grpcserver.Config{}, grpcserver.Deps{Registry: registry}, func(_ context.Context, _, text string) (string, error) {
		panic("the vault's number is 4711: " + text)
	})
	for _, method := range []string{echo.Say, echo.Talk} {
		_, err := call(r.as(t, "m-1", "SALES_MANAGER"), r.conn, method, "x")
		want(t, err, codes.Internal, "INTERNAL")
		id := info(err).GetMetadata()["error_id"]
		if shown := status.Convert(err).Proto().String(); id == "" || strings.Contains(shown, "4711") || strings.Contains(shown, "goroutine") {
			t.Errorf("the caller is shown %s", shown)
		}
		log := r.log.String()
		for _, part := range []string{"4711", "server_test.go", id} {
			if !strings.Contains(log, part) {
				t.Errorf("the log lacks %q", part)
			}
		}
	}
	if n := testutil.CollectAndCount(registry, "aval_grpc_panics_total"); n != 2 {
		t.Errorf("panics of %d methods were counted", n)
	}
}

func TestInternalCauseIsLoggedNotShown(t *testing.T) {
	t.Parallel()
	r := start(t, grpcserver.Config{}, grpcserver.Deps{}, func(_ context.Context, _, text string) (string, error) {
		if text == "plain" {
			return "", errors.New("table customers is gone")
		}
		return "", errs.New(errs.NotFound, "CUSTOMER_UNKNOWN", "no such customer").With("customer", "c-1").
			WithCause(errors.New("table customers is gone"))
	})
	ctx := r.as(t, "m-1", "SALES_MANAGER")
	_, err := echo.Call(ctx, r.conn, echo.Say, "plain")
	want(t, err, codes.Internal, "INTERNAL")
	_, other := echo.Call(ctx, r.conn, echo.Say, "typed")
	want(t, other, codes.NotFound, "CUSTOMER_UNKNOWN")
	if info(other).GetMetadata()["customer"] != "c-1" {
		t.Errorf("metadata is %v", info(other).GetMetadata())
	}
	for _, err := range []error{err, other} {
		if strings.Contains(status.Convert(err).Proto().String(), "table") {
			t.Errorf("the caller is shown %v", err)
		}
	}
	if n := strings.Count(r.log.String(), "table customers is gone"); n != 2 {
		t.Errorf("the cause is in the log %d times", n)
	}
}

func TestOversizedMessageIsRefused(t *testing.T) {
	t.Parallel()
	r := start(t, grpcserver.Config{}, grpcserver.Deps{}, repeat)
	for _, method := range []string{echo.Say, echo.Talk} {
		_, err := call(r.as(t, "m-1", "SALES_MANAGER"), r.conn, method, strings.Repeat("x", 1<<20))
		if status.Code(err) != codes.ResourceExhausted {
			t.Errorf("%s: %v", method, err)
		}
	}
	ctx := metadata.AppendToOutgoingContext(r.as(t, "m-1", "SALES_MANAGER"), "padding", strings.Repeat("x", 32<<10))
	if _, err := echo.Call(ctx, r.conn, echo.Say, "x"); err == nil {
		t.Error("32 KiB of headers were accepted")
	}
}

func TestRatePerSubject(t *testing.T) {
	t.Parallel()
	clock := calendar.FixedClock(time.Now(), time.UTC)
	r := start(t, grpcserver.Config{RatePerSecond: 2}, grpcserver.Deps{Clock: clock}, repeat)
	say := func(ctx context.Context) error {
		_, err := echo.Call(ctx, r.conn, echo.Say, "x")
		return err
	}
	one, other := r.as(t, "one", "SALES_MANAGER"), r.as(t, "other", "SALES_MANAGER")
	must(t, errors.Join(say(one), say(one), say(other)))
	err := say(one)
	want(t, err, codes.ResourceExhausted, "RATE_LIMITED")
	if wait := detail[*errdetails.RetryInfo](err).GetRetryDelay().AsDuration(); wait != 500*time.Millisecond {
		t.Errorf("told to wait %v", wait)
	}
	must(t, say(other))
	clock.Advance(500 * time.Millisecond)
	must(t, say(one))
	service := r.as(t, "one", "SERVICE", "SALES_MANAGER")
	for range 10 {
		must(t, say(service))
	}
}

func TestHealthAndReflectionNeedNoToken(t *testing.T) {
	t.Parallel()
	reflect := func(r *running) error {
		stream, err := reflectionv1.NewServerReflectionClient(r.conn).ServerReflectionInfo(limited(t))
		must(t, err)
		_ = stream.Send(&reflectionv1.ServerReflectionRequest{
			MessageRequest: &reflectionv1.ServerReflectionRequest_ListServices{ListServices: "*"},
		})
		_, err = stream.Recv()
		return err
	}
	production := start(t, grpcserver.Config{}, grpcserver.Deps{}, repeat)
	want(t, reflect(production), codes.Unauthenticated, "TOKEN_MISSING")
	must(t, reflect(start(t, grpcserver.Config{DevClock: true}, grpcserver.Deps{}, repeat)))

	health := func(service string) string {
		answer, err := healthv1.NewHealthClient(production.conn).Check(limited(t), &healthv1.HealthCheckRequest{Service: service})
		must(t, err)
		return answer.GetStatus().String()
	}
	for service, want := range map[string]string{
		"live": "SERVING", "ready": "NOT_SERVING", "startup": "NOT_SERVING", "": "NOT_SERVING",
	} {
		if got := health(service); got != want {
			t.Errorf("%q is %s at first", service, got)
		}
	}
	production.SetServing(grpcserver.Ready, true)
	if health("ready") != "SERVING" || health("") != "SERVING" || health("startup") != "NOT_SERVING" {
		t.Error("being ready is not said")
	}
}

func TestUnknownMethods(t *testing.T) {
	t.Parallel()
	registry := prometheus.NewRegistry()
	r := start(t, grpcserver.Config{}, grpcserver.Deps{Registry: registry}, repeat)
	unknown := []string{
		"/aval.echo.v1.EchoService/Shout", "/aval.other.v1.Service/Say", "/grpc.health.v1.Health/Shout",
	}
	for _, method := range unknown {
		_, err := echo.Call(limited(t), r.conn, method, "x")
		want(t, err, codes.Unauthenticated, "TOKEN_MISSING")
		_, err = echo.Call(r.as(t, "m-1", "SALES_MANAGER"), r.conn, method, "x")
		want(t, err, codes.Unimplemented, "METHOD_UNKNOWN")
	}
	// Invented names share one label.
	if n := testutil.CollectAndCount(registry, "aval_grpc_refusals_total"); n != 2 {
		t.Errorf("refusals have %d labels", n)
	}
}

func TestListenRefusesWhatIsNotSound(t *testing.T) {
	t.Parallel()
	issuer, err := authn.NewIssuer(t.TempDir())
	must(t, err)
	for _, c := range []struct {
		services []string
		want     []string
	}{
		{[]string{"UnruledService"}, []string{"UnruledService.Say does not say who may call it"}},
		{[]string{"NobodyService"}, []string{"NobodyService.Say names no role", "NobodyService.Sign names an unknown role"}},
		{[]string{"EchoService", "EchoService"}, []string{"EchoService registered twice"}},
		{[]string{"EchoService"}, nil},
	} {
		s, err := grpcserver.New(grpcserver.Config{Addr: "127.0.0.1:0"}, grpcserver.Deps{Verifier: issuer})
		must(t, err)
		for _, service := range c.services {
			echo.Register(s.Registrar(), service, repeat)
		}
		_, err = s.Listen()
		if len(c.want) == 0 {
			must(t, err)
			continue
		}
		for _, part := range c.want {
			if err == nil || !strings.Contains(err.Error(), part) {
				t.Errorf("%v: %v lacks %q", c.services, err, part)
			}
		}
	}
}

func TestCallsWithoutDeadlineGetOne(t *testing.T) {
	t.Parallel()
	r := start(t, grpcserver.Config{CallTimeout: 50 * time.Millisecond}, grpcserver.Deps{},
		func(ctx context.Context, _, _ string) (string, error) {
			<-ctx.Done()
			return "", ctx.Err()
		})
	_, err := echo.Call(r.as(t, "m-1", "SALES_MANAGER"), r.conn, echo.Say, "x")
	want(t, err, codes.DeadlineExceeded, "DEADLINE_EXCEEDED")
}
