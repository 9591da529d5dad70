package grpcserver

import (
	"errors"
	"fmt"

	"buf.build/go/protovalidate"
	"google.golang.org/grpc"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"

	"github.com/avalcredit/aval/pkg/errs"
)

// maxViolations keeps an answer about a request full of mistakes within the clients' limit for headers.
const maxViolations = 24

// newValidator compiles the rules of all registered methods' requests now: a rule that does not compile is an error at
// start and not of the first call, and the first call is as fast as the second.
func newValidator(server *grpc.Server) (protovalidate.Validator, error) {
	var requests []protoreflect.MessageDescriptor
	for name := range server.GetServiceInfo() {
		found, err := protoregistry.GlobalFiles.FindDescriptorByName(protoreflect.FullName(name))
		if err != nil {
			return nil, fmt.Errorf("grpcserver: service %s: %w", name, err)
		}
		service, ok := found.(protoreflect.ServiceDescriptor)
		if !ok {
			return nil, fmt.Errorf("grpcserver: %s is no service", name)
		}
		for i := range service.Methods().Len() {
			requests = append(requests, service.Methods().Get(i).Input())
		}
	}
	validator, err := protovalidate.New(protovalidate.WithMessageDescriptors(requests...))
	if err != nil {
		return nil, fmt.Errorf("grpcserver: validation rules: %w", err)
	}
	return validator, nil
}

// violations makes our error of the validator's. A rule that fails to run is our mistake, not the caller's.
func violations(err error) error {
	if err == nil {
		return nil
	}
	var failed *protovalidate.ValidationError
	if !errors.As(err, &failed) {
		return fmt.Errorf("validating a request: %w", err)
	}
	var found []errs.Violation
	for _, v := range failed.Violations[:min(len(failed.Violations), maxViolations)] {
		found = append(found, errs.Violation{
			Field:   protovalidate.FieldPathString(v.Proto.GetField()),
			Rule:    v.Proto.GetRuleId(),
			Message: v.Proto.GetMessage(),
		})
	}
	return errs.Fields(found...)
}
