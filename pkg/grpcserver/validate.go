package grpcserver

import (
	"errors"
	"fmt"
	"strings"

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
			Message: inWords(v.Proto.GetMessage()),
		})
	}
	return errs.Fields(found...)
}

// inWords says for the patterns that many contracts share what they ask for; people who type numbers and dates do not read patterns.
func inWords(message string) string {
	_, pattern, ok := strings.Cut(message, "does not match regex pattern `")
	if !ok {
		return message
	}
	if words, known := patterns[strings.TrimSuffix(pattern, "`")]; known {
		return words
	}
	return message
}

// sayingSomething is the pattern of text in which at least one character can be seen.
const sayingSomething = `[^\pC\pZ]`

var patterns = map[string]string{
	`^[^\pC\s]([^\pC]{0,62}[^\pC\s])?$`:       "must be 1 to 64 characters, no space at an end, none that is invisible",
	`^[0-9]{4}-[0-9]{2}-[0-9]{2}$`:            "must be a date, YYYY-MM-DD",
	`^[A-Z]{3}$`:                              "must be a currency code of three capitals, as CNY",
	`^-?(0|[1-9][0-9]{0,15})(\.[0-9]{1,4})?$`: "must be an amount in digits with at most one point, as 1234.50, below 10000000000000000",
	sayingSomething:                           "must say something: it is blank",
}
