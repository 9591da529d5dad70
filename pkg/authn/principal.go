// Package authn says who is calling: it verifies access tokens and carries the caller through a context.
package authn

import (
	"context"
	"slices"

	optionsv1 "github.com/avalcredit/aval/proto/gen/aval/options/v1"
)

// RoleService is the role of another service of the suite.
const RoleService = "SERVICE"

// RoleSalesperson is the role that reaches its own customers only.
const RoleSalesperson = "SALESPERSON"

const rolePrefix = "ROLE_"

// Principal is a verified caller.
type Principal struct {
	// Subject identifies the person or program for ever; segregation of duties compares it.
	Subject string
	// Name is for people to read; it may change and may be empty.
	Name string
	// Roles are names of aval.options.v1.Role without the prefix "ROLE_", sorted, each once.
	Roles []string
}

// HasRole reports whether the principal holds the role, named without the prefix "ROLE_".
func (p Principal) HasRole(role string) bool { return slices.Contains(p.Roles, role) }

// Service reports whether the principal is another service of the suite.
func (p Principal) Service() bool { return p.HasRole(RoleService) }

// RoleName is the role as tokens and the domain name it, "SALES_MANAGER" for ROLE_SALES_MANAGER;
// it is empty for ROLE_UNSPECIFIED and for numbers that are no role.
func RoleName(role optionsv1.Role) string {
	full, known := optionsv1.Role_name[int32(role)]
	if !known || role == optionsv1.Role_ROLE_UNSPECIFIED {
		return ""
	}
	return full[len(rolePrefix):]
}

// KnownRole reports whether the name, without the prefix "ROLE_", is a role of the suite.
func KnownRole(name string) bool {
	number, known := optionsv1.Role_value[rolePrefix+name]
	return known && number != int32(optionsv1.Role_ROLE_UNSPECIFIED)
}

type principalKey struct{}

// WithPrincipal returns a context that carries the verified caller.
func WithPrincipal(ctx context.Context, p Principal) context.Context {
	return context.WithValue(ctx, principalKey{}, p)
}

// FromContext returns the verified caller, and false where nobody was verified.
func FromContext(ctx context.Context) (Principal, bool) {
	p, ok := ctx.Value(principalKey{}).(Principal)
	return p, ok
}
