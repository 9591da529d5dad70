package authz

import (
	"context"

	"github.com/avalcredit/aval/pkg/authn"
)

// Scope is which customers a caller reaches. The zero value reaches none.
type Scope struct {
	// All is set where the caller reaches every customer.
	All bool
	// Salesperson is the subject whose own customers the caller reaches where All is not set.
	Salesperson string
}

type scopeKey struct{}

// ScopeOf returns what the caller in the context reaches. Behind a server that is decided by the roles which let the
// caller into the method, so that a salesperson who also works in the warehouse does not see all customers for it.
// Elsewhere every role held counts, and without a caller nothing is reached.
func ScopeOf(ctx context.Context) Scope {
	if scope, ok := ctx.Value(scopeKey{}).(Scope); ok {
		return scope
	}
	caller, ok := authn.FromContext(ctx)
	if !ok {
		return Scope{}
	}
	return scopeOfRoles(caller.Subject, caller.Roles, caller.HasRole)
}

// scopeOfRoles is what those of the roles that are held reach together.
func scopeOfRoles(subject string, roles []string, held func(role string) bool) Scope {
	salesperson := false
	for _, role := range roles {
		switch {
		case !held(role):
		case role != authn.RoleSalesperson:
			return Scope{All: true}
		default:
			salesperson = true
		}
	}
	if !salesperson {
		return Scope{}
	}
	return Scope{Salesperson: subject}
}

// Allows reports whether a customer of this salesperson is reached; the id is empty for a customer of nobody.
func (s Scope) Allows(salespersonID string) bool {
	return s.All || (s.Salesperson != "" && s.Salesperson == salespersonID)
}
