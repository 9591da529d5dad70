package grpcserver_test

import (
	"context"
	"sync/atomic"
	"testing"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"

	"github.com/avalcredit/aval/pkg/authn"
	"github.com/avalcredit/aval/pkg/grpcserver"
	"github.com/avalcredit/aval/pkg/internal/echo"
)

func TestBadTokensReachNoMethod(t *testing.T) {
	t.Parallel()
	var handled atomic.Int32
	r := start(t, grpcserver.Config{}, grpcserver.Deps{}, func(context.Context, string, string) (string, error) {
		handled.Add(1)
		return "", nil
	})
	foreign, err := authn.NewIssuer(t.TempDir())
	must(t, err)
	token := func(i *authn.Issuer, ttl time.Duration, roles ...string) string {
		text, err := i.Token(roles, "m-1", ttl)
		must(t, err)
		return text
	}
	good := token(r.issuer, time.Hour, "SALES_MANAGER")
	for _, c := range []struct {
		name   string
		header []string
		code   codes.Code
		reason string
	}{
		{"none", nil, codes.Unauthenticated, "TOKEN_MISSING"},
		{"empty", []string{""}, codes.Unauthenticated, "TOKEN_INVALID"},
		{"scheme only", []string{"Bearer "}, codes.Unauthenticated, "TOKEN_INVALID"},
		{"no scheme", []string{good}, codes.Unauthenticated, "TOKEN_INVALID"},
		{"another scheme", []string{"Basic " + good}, codes.Unauthenticated, "TOKEN_INVALID"},
		{"two", []string{"Bearer " + good, "Bearer " + good}, codes.Unauthenticated, "TOKEN_INVALID"},
		{"malformed", []string{"Bearer x.y.z"}, codes.Unauthenticated, "TOKEN_INVALID"},
		{"cut off", []string{"Bearer " + good[:len(good)-4]}, codes.Unauthenticated, "TOKEN_INVALID"},
		{"foreign key", []string{"Bearer " + token(foreign, time.Hour, "SALES_MANAGER")}, codes.Unauthenticated, "TOKEN_INVALID"},
		{"expired", []string{"Bearer " + token(r.issuer, -time.Hour, "SALES_MANAGER")}, codes.Unauthenticated, "TOKEN_EXPIRED"},
		{"no roles", []string{"Bearer " + token(r.issuer, time.Hour)}, codes.PermissionDenied, "ROLE_REQUIRED"},
		{"wrong role", []string{"Bearer " + token(r.issuer, time.Hour, "WAREHOUSE")}, codes.PermissionDenied, "ROLE_REQUIRED"},
	} {
		t.Run(c.name, func(t *testing.T) {
			for _, method := range []string{echo.Say, echo.Sign, echo.Deliver, echo.Talk} {
				ctx := limited(t)
				for _, value := range c.header {
					ctx = metadata.AppendToOutgoingContext(ctx, "authorization", value)
				}
				_, err := call(ctx, r.conn, method, "x")
				want(t, err, c.code, c.reason)
			}
		})
	}
	if n := handled.Load(); n != 0 {
		t.Errorf("%d calls reached the handler", n)
	}
}
