// Package invoke calls any public method of the suite by its name.
package invoke

import (
	"fmt"
	"slices"
	"strings"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"

	"google.golang.org/protobuf/types/descriptorpb"

	"github.com/avalcredit/aval/pkg/authn"
	"github.com/avalcredit/aval/pkg/authz"
	"github.com/avalcredit/aval/pkg/errs"
	_ "github.com/avalcredit/aval/proto/gen/aval/evaluation/v1" // registers the methods that can be called
	optionsv1 "github.com/avalcredit/aval/proto/gen/aval/options/v1"
	_ "github.com/avalcredit/aval/proto/gen/aval/ordergate/v1"   // as above
	_ "github.com/avalcredit/aval/proto/gen/aval/receivables/v1" // as above
)

// ReasonMethodUnknown is the reason of the errors of Find.
const ReasonMethodUnknown = "METHOD_UNKNOWN"

// Method is one public method of the suite.
type Method struct {
	// Name is the full name, as "aval.ordergate.v1.OrderService/SubmitOrder".
	Name string
	// Roles are those that may call it, in the contract's order, without the prefix "ROLE_".
	Roles []string

	request, response protoreflect.MessageType
}

// Find returns the method of the full name. Errors have kind Invalid and reason METHOD_UNKNOWN; the methods by which
// the services of the suite speak to each other are not public.
func Find(name string) (Method, error) {
	service, method, ok := strings.Cut(strings.TrimPrefix(name, "/"), "/")
	if !ok {
		return Method{}, unknown("%.80q is not a method; write it like aval.ordergate.v1.OrderService/SubmitOrder", name)
	}
	found, err := protoregistry.GlobalFiles.FindDescriptorByName(protoreflect.FullName(service))
	contract, isService := found.(protoreflect.ServiceDescriptor)
	if err != nil || !isService || !strings.HasPrefix(service, "aval.") {
		return Method{}, unknown("the suite has no service %.80q", service)
	}
	described := contract.Methods().ByName(protoreflect.Name(method))
	if described == nil {
		return Method{}, unknown("service %s has no method %.80q", service, method)
	}
	return public(described)
}

func public(method protoreflect.MethodDescriptor) (Method, error) {
	m := Method{Name: authz.FullMethod(method)[1:], Roles: rolesOf(method)}
	m.Roles = slices.DeleteFunc(m.Roles, func(role string) bool { return role == "SERVICE" })
	if len(m.Roles) == 0 || method.IsStreamingClient() || method.IsStreamingServer() {
		return Method{}, unknown("%s is not a public method", m.Name)
	}
	var err error
	if m.request, err = protoregistry.GlobalTypes.FindMessageByName(method.Input().FullName()); err != nil {
		return Method{}, fmt.Errorf("invoke: %w", err)
	}
	if m.response, err = protoregistry.GlobalTypes.FindMessageByName(method.Output().FullName()); err != nil {
		return Method{}, fmt.Errorf("invoke: %w", err)
	}
	return m, nil
}

func rolesOf(method protoreflect.MethodDescriptor) []string {
	options, _ := method.Options().(*descriptorpb.MethodOptions)
	option, _ := proto.GetExtension(options, optionsv1.E_Authorization).(*optionsv1.Authorization)
	var names []string
	for _, role := range option.GetRoles() {
		names = append(names, authn.RoleName(role))
	}
	return names
}

// NewRequest returns an empty request.
func (m Method) NewRequest() proto.Message { return m.request.New().Interface() }

func unknown(format string, args ...any) error {
	return errs.New(errs.Invalid, ReasonMethodUnknown, format, args...)
}

// NewResponse returns an empty answer.
func (m Method) NewResponse() proto.Message { return m.response.New().Interface() }
