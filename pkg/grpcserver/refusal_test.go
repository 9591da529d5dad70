package grpcserver_test

import (
	"context"
	"sync"
	"testing"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/metadata"

	"github.com/avalcredit/aval/pkg/authn"
	"github.com/avalcredit/aval/pkg/calendar"
	"github.com/avalcredit/aval/pkg/errs"
	"github.com/avalcredit/aval/pkg/grpcserver"
	"github.com/avalcredit/aval/pkg/internal/echo"
)

// A witness sees each refusal of a known caller, by its roles and by the handler, with the request and the day, and nothing else.
func TestRefusalsAreWitnessed(t *testing.T) {
	t.Parallel()
	issuer, err := authn.NewIssuer(t.TempDir())
	must(t, err)
	server, err := grpcserver.New(grpcserver.Config{Addr: "127.0.0.1:0", DevClock: true, DrainDelay: -1}, grpcserver.Deps{Verifier: issuer})
	must(t, err)
	echo.Register(server.Registrar(), "EchoService", func(_ context.Context, method, text string) (string, error) {
		switch {
		case method == echo.Sign:
			return "", errs.New(errs.PermissionDenied, "SAME_PERSON", "no")
		case text == "closed":
			return "", errs.New(errs.FailedPrecondition, "CLOSED", "no")
		case text == "around":
			return "", errs.New(errs.FailedPrecondition, "MEMO_REQUIRED", "no").WithWitness().With("a", "b")
		}
		return text, nil
	})
	var mu sync.Mutex
	var seen []string
	witness, ok := server.Registrar().(grpcserver.Witness)
	if !ok {
		t.Fatal("the registrar is no witness")
	}
	witness.OnRefused(func(ctx context.Context, f grpcserver.Refusal) {
		day, _ := calendar.BusinessDate(ctx)
		who, _ := authn.FromContext(ctx)
		mu.Lock()
		defer mu.Unlock()
		seen = append(seen, f.Method+" "+who.Subject+" "+errs.ReasonOf(f.Err)+" "+day.String())
		if f.Request == nil || f.Caller.Subject != who.Subject {
			t.Errorf("%+v", f)
		}
	})
	conn := serving(t, server)
	for _, c := range []struct {
		method, subject, role, text string
		code                        codes.Code
		reason                      string
	}{
		{echo.Say, "a", "AUDITOR", "hello", codes.OK, ""},
		{echo.Say, "a", "AUDITOR", "closed", codes.FailedPrecondition, "CLOSED"},
		{echo.Say, "c", "AUDITOR", "around", codes.FailedPrecondition, "MEMO_REQUIRED"},
		{echo.Say, "a", "WAREHOUSE", "hello", codes.PermissionDenied, "ROLE_REQUIRED"},
		{echo.Say, "a", "AUDITOR", "", codes.InvalidArgument, "INVALID_FIELD"},
		{echo.Sign, "b", "GENERAL_MANAGER", "hello", codes.PermissionDenied, "SAME_PERSON"},
	} {
		token, err := issuer.Token([]string{c.role}, c.subject, patience)
		must(t, err)
		_, err = echo.Call(metadata.AppendToOutgoingContext(withToken(limited(t), token), grpcserver.BusinessDateHeader, "2026-03-04"), conn, c.method, c.text)
		want(t, err, c.code, c.reason)
	}
	mu.Lock()
	defer mu.Unlock()
	if len(seen) != 3 || seen[0] != echo.Say+" c MEMO_REQUIRED 2026-03-04" || seen[1] != echo.Say+" a ROLE_REQUIRED 2026-03-04" || seen[2] != echo.Sign+" b SAME_PERSON 2026-03-04" {
		t.Errorf("%q", seen)
	}
}

// serving runs the server until the test ends.
func serving(t *testing.T, server *grpcserver.Server) *grpc.ClientConn {
	t.Helper()
	addr, err := server.Listen()
	must(t, err)
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- server.Run(ctx) }()
	conn, err := grpc.NewClient(addr.String(), grpc.WithTransportCredentials(insecure.NewCredentials()))
	must(t, err)
	t.Cleanup(func() {
		_ = conn.Close()
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("the server ended with %v", err)
		}
	})
	return conn
}
