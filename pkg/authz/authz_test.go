package authz_test

import (
	"context"
	"reflect"
	"strings"
	"testing"

	"github.com/avalcredit/aval/pkg/authn"
	"github.com/avalcredit/aval/pkg/authz"
	"github.com/avalcredit/aval/pkg/errs"
	"github.com/avalcredit/aval/pkg/internal/echo"
	optionsv1 "github.com/avalcredit/aval/proto/gen/aval/options/v1"
)

func TestRulesOfFilesWithoutServices(t *testing.T) {
	t.Parallel()
	rules, err := authz.RulesOf(optionsv1.File_aval_options_v1_authorization_proto)
	if err != nil || len(rules) != 0 {
		t.Errorf("%v, %v", rules, err)
	}
}

func TestRulesOfNamesEveryMethodAtFault(t *testing.T) {
	t.Parallel()
	_, err := authz.RulesOf(echo.File())
	for _, part := range []string{
		"aval.echo.v1.UnruledService.Say does not say", "aval.echo.v1.NobodyService.Say names no role",
		"aval.echo.v1.NobodyService.Sign names an unknown role",
	} {
		if err == nil || !strings.Contains(err.Error(), part) {
			t.Errorf("%v lacks %q", err, part)
		}
	}
}

func TestCheck(t *testing.T) {
	t.Parallel()
	rules := authz.Rules{"/s/M": {Roles: []string{"ERP", "AUDITOR"}}, "/s/Own": {Roles: []string{"SALESPERSON"}, OwnCustomers: true}}
	as := func(roles ...string) context.Context {
		return authn.WithPrincipal(context.Background(), authn.Principal{Subject: "u-1", Roles: roles})
	}
	for _, c := range []struct {
		name   string
		ctx    context.Context
		method string
		kind   errs.Kind
		reason string
	}{
		{"nobody", context.Background(), "/s/M", errs.Unauthenticated, "TOKEN_MISSING"},
		{"nobody at nothing", context.Background(), "/s/X", errs.Unauthenticated, "TOKEN_MISSING"},
		{"nothing", as("ERP"), "/s/X", errs.Unimplemented, "METHOD_UNKNOWN"},
		{"no role", as(), "/s/M", errs.PermissionDenied, "ROLE_REQUIRED"},
		{"another role", as("SALESPERSON", "OPERATOR"), "/s/M", errs.PermissionDenied, "ROLE_REQUIRED"},
		{"written otherwise", as("erp", "ROLE_ERP"), "/s/M", errs.PermissionDenied, "ROLE_REQUIRED"},
		{"one of them", as("OPERATOR", "AUDITOR"), "/s/M", 0, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			err := rules.Check(c.ctx, c.method)
			if errs.KindOf(err) != c.kind || errs.ReasonOf(err) != c.reason {
				t.Errorf("%v", err)
			}
		})
	}
	ctx, err := rules.Admit(as("SALESPERSON", "CHAIRMAN"), "/s/Own")
	if got := authz.ScopeOf(ctx); err != nil || got != (authz.Scope{Salesperson: "u-1"}) {
		t.Errorf("%+v, %v", got, err)
	}
}

func TestScope(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		roles []string
		want  authz.Scope
	}{
		{nil, authz.Scope{}},
		{[]string{"SALESPERSON"}, authz.Scope{Salesperson: "u-1"}},
		{[]string{"SALESPERSON", "SALES_SUPERVISOR"}, authz.Scope{All: true}},
		{[]string{"ERP"}, authz.Scope{All: true}},
	} {
		got := authz.ScopeOf(authn.WithPrincipal(context.Background(), authn.Principal{Subject: "u-1", Roles: c.roles}))
		if !reflect.DeepEqual(got, c.want) {
			t.Errorf("%v: %+v", c.roles, got)
		}
	}
	if got := authz.ScopeOf(context.Background()); got != (authz.Scope{}) {
		t.Errorf("nobody reaches %+v", got)
	}
	for _, c := range []struct {
		scope    authz.Scope
		customer string
		want     bool
	}{
		{authz.Scope{}, "", false},
		{authz.Scope{}, "u-1", false},
		{authz.Scope{Salesperson: "u-1"}, "u-1", true},
		{authz.Scope{Salesperson: "u-1"}, "u-2", false},
		{authz.Scope{Salesperson: "u-1"}, "", false},
		{authz.Scope{All: true}, "", true},
	} {
		if got := c.scope.Allows(c.customer); got != c.want {
			t.Errorf("%+v allows %q: %v", c.scope, c.customer, got)
		}
	}
}
