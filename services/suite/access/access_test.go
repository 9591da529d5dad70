package access_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/avalcredit/aval/pkg/authn"
	"github.com/avalcredit/aval/pkg/errs"
	"github.com/avalcredit/aval/services/suite/access"
)

func TestDefaultCallerIsTheFirstRoleThatReachesAllCustomers(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		allowed []string
		want    string
	}{
		{[]string{"CREDIT_ANALYST", "ERP"}, "x-credit-analyst [CREDIT_ANALYST]"},
		{[]string{"SALESPERSON", "SALES_MANAGER", "ERP"}, "x-salesperson [SALESPERSON SALES_MANAGER]"},
		{[]string{"SALESPERSON"}, "x-salesperson [SALESPERSON]"},
	} {
		subject, roles := access.DefaultCaller("x-", c.allowed)
		if got := fmt.Sprint(subject, " ", roles); got != c.want {
			t.Errorf("%v: %s, want %s", c.allowed, got, c.want)
		}
	}
}

func TestTargetOf(t *testing.T) {
	t.Parallel()
	empty, development := t.TempDir(), t.TempDir()
	if _, err := authn.NewIssuer(development); err != nil {
		t.Fatal(err)
	}
	token := filepath.Join(empty, "token")
	if err := os.WriteFile(token, []byte("secret\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if target, err := access.TargetOf("a:1", token, development); err != nil || target.Token == nil || target.Issuer != nil {
		t.Errorf("a token file goes first: %+v, %v", target, err)
	}
	if target, err := access.TargetOf("a:1", "", development); err != nil || target.Token != nil || target.Issuer == nil {
		t.Errorf("then the development key: %+v, %v", target, err)
	}
	if _, err := access.TargetOf("a:1", "", empty); errs.ReasonOf(err) != access.ReasonNoCredentials {
		t.Errorf("neither: %v", err)
	}
	if entries, err := os.ReadDir(empty); err != nil || len(entries) != 1 {
		t.Errorf("a key was made: %v, %v", entries, err)
	}
}

func TestASuiteOutOfReach(t *testing.T) {
	t.Parallel()
	issuer, err := authn.NewIssuer(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	// Only one phase has an address, and nobody listens there.
	s, err := access.Dial(t.Context(), access.Target{Issuer: issuer, Phases: map[string]string{access.Receivables: "127.0.0.1:1"}})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = s.Close() }()
	if err := access.Delivered(t.Context(), s, time.Minute); errs.KindOf(err) != errs.Unavailable {
		t.Errorf("said %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := access.Delivered(ctx, s, time.Minute); errs.KindOf(err) != errs.Canceled {
		t.Errorf("said %v", err)
	}
}
