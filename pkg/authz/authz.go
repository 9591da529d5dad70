// Package authz says who may call which method. The rules are the authorization option of the contracts' methods; a
// method without it, and one nobody knows, is refused.
package authz

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"google.golang.org/grpc"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"
	"google.golang.org/protobuf/types/descriptorpb"

	"github.com/avalcredit/aval/pkg/authn"
	"github.com/avalcredit/aval/pkg/errs"
	optionsv1 "github.com/avalcredit/aval/proto/gen/aval/options/v1"
)

// Rule says who may call one method.
type Rule struct {
	// Roles are the roles of which any one is enough, without the prefix "ROLE_", in the contract's order.
	Roles []string
	// OwnCustomers is set where a caller with only the salesperson role reaches its own customers only.
	OwnCustomers bool
}

// Rules holds the rule of every method by its full name, "/aval.ordergate.v1.OrderService/PlaceOrder".
type Rules map[string]Rule

// RulesOf reads the rules of all services in the files. A method without a usable option is an error.
func RulesOf(files ...protoreflect.FileDescriptor) (Rules, error) {
	rules := Rules{}
	var failures []error
	for _, file := range files {
		for i := range file.Services().Len() {
			failures = append(failures, rules.addService(file.Services().Get(i)))
		}
	}
	if err := errors.Join(failures...); err != nil {
		return nil, err
	}
	return rules, nil
}

// RulesOfServer reads the rules of all services registered on a server, which must come from linked-in contracts.
// The services named in open have no rules: their methods are not in the result.
func RulesOfServer(server interface {
	GetServiceInfo() map[string]grpc.ServiceInfo
}, open ...string) (Rules, error) {
	rules := Rules{}
	var failures []error
	for name := range server.GetServiceInfo() {
		if slices.Contains(open, name) {
			continue
		}
		found, err := protoregistry.GlobalFiles.FindDescriptorByName(protoreflect.FullName(name))
		if err != nil {
			failures = append(failures, fmt.Errorf("authz: service %s has no contract: %w", name, err))
			continue
		}
		service, ok := found.(protoreflect.ServiceDescriptor)
		if !ok {
			failures = append(failures, fmt.Errorf("authz: %s is no service", name))
			continue
		}
		failures = append(failures, rules.addService(service))
	}
	if err := errors.Join(failures...); err != nil {
		return nil, err
	}
	return rules, nil
}

func (r Rules) addService(service protoreflect.ServiceDescriptor) error {
	var failures []error
	for i := range service.Methods().Len() {
		method := service.Methods().Get(i)
		rule, err := ruleOf(method)
		if err != nil {
			failures = append(failures, err)
			continue
		}
		r[FullMethod(method)] = rule
	}
	return errors.Join(failures...)
}

// FullMethod is the name of a method as calls carry it: "/package.Service/Method".
func FullMethod(method protoreflect.MethodDescriptor) string {
	return "/" + string(method.Parent().FullName()) + "/" + string(method.Name())
}

func ruleOf(method protoreflect.MethodDescriptor) (Rule, error) {
	options, _ := method.Options().(*descriptorpb.MethodOptions)
	if options == nil || !proto.HasExtension(options, optionsv1.E_Authorization) {
		return Rule{}, fmt.Errorf("authz: method %s does not say who may call it", method.FullName())
	}
	option, _ := proto.GetExtension(options, optionsv1.E_Authorization).(*optionsv1.Authorization)
	if len(option.GetRoles()) == 0 {
		return Rule{}, fmt.Errorf("authz: method %s names no role", method.FullName())
	}
	rule := Rule{OwnCustomers: option.GetScope() == optionsv1.DataScope_DATA_SCOPE_CUSTOMER}
	for _, role := range option.GetRoles() {
		name := authn.RoleName(role)
		if name == "" {
			return Rule{}, fmt.Errorf("authz: method %s names an unknown role: %v", method.FullName(), role)
		}
		rule.Roles = append(rule.Roles, name)
	}
	return rule, nil
}

// Check returns nil if the caller in the context may call the method. It refuses with kind Unauthenticated and reason
// TOKEN_MISSING where nobody was verified, Unimplemented METHOD_UNKNOWN for a method without a rule, and
// PermissionDenied ROLE_REQUIRED, with the roles that are enough as metadata "roles".
func (r Rules) Check(ctx context.Context, fullMethod string) error {
	_, err := r.Admit(ctx, fullMethod)
	return err
}

// Admit is Check and returns a context in which ScopeOf knows by which roles the caller was let in.
func (r Rules) Admit(ctx context.Context, fullMethod string) (context.Context, error) {
	caller, ok := authn.FromContext(ctx)
	if !ok {
		return nil, errs.New(errs.Unauthenticated, "TOKEN_MISSING", "an access token is needed")
	}
	rule, ok := r[fullMethod]
	if !ok {
		return nil, errs.New(errs.Unimplemented, "METHOD_UNKNOWN", "there is no such method")
	}
	if !slices.ContainsFunc(rule.Roles, caller.HasRole) {
		return nil, errs.New(errs.PermissionDenied, "ROLE_REQUIRED", "this needs one of the roles %s",
			strings.Join(rule.Roles, ", ")).With("roles", strings.Join(rule.Roles, ","))
	}
	scope := Scope{All: true}
	if rule.OwnCustomers {
		scope = scopeOfRoles(caller.Subject, rule.Roles, caller.HasRole)
	}
	return context.WithValue(ctx, scopeKey{}, scope), nil
}
