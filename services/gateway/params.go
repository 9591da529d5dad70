package gateway

import (
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/avalcredit/aval/pkg/errs"
)

// maxShown bounds how much of a caller's value comes back in an error.
const maxShown = 64

// checkPath looks at the values in the path, whose number and names the pattern has seen to.
func checkPath(route Route, path map[string]string) error {
	var found []errs.Violation
	for _, name := range slices.Sorted(maps.Keys(path)) {
		field, ok := fieldAt(route.RPC.Input(), name)
		if !ok {
			return fmt.Errorf("gateway: %s has no field %s", route.RPC.Input().FullName(), name)
		}
		if why := unfit(field, path[name]); why != "" {
			found = append(found, errs.Violation{Field: name, Rule: "type", Message: why})
		}
	}
	return violated(ReasonInvalidParameter, found)
}

// checkQuery refuses parameters that the call does not have: one that is misspelt must not pass for one not given.
func checkQuery(route Route, raw string) error {
	query, err := url.ParseQuery(raw)
	if err != nil {
		return errs.New(errs.Invalid, ReasonInvalidParameter, "the query cannot be read").WithCause(err)
	}
	var unknown, wrong []errs.Violation
	for _, name := range slices.Sorted(maps.Keys(query)) {
		field, ok := route.parameter(name)
		if !ok {
			unknown = append(unknown, errs.Violation{Field: shown(name), Rule: "unknown_parameter", Message: "there is no such parameter"})
			continue
		}
		if len(query[name]) > 1 && !field.IsList() {
			wrong = append(wrong, errs.Violation{Field: name, Rule: "single", Message: "may be given once only"})
			continue
		}
		for _, value := range query[name] {
			if why := unfit(field, value); why != "" {
				wrong = append(wrong, errs.Violation{Field: name, Rule: "type", Message: why})
			}
		}
	}
	if len(unknown) > 0 {
		return violated(ReasonUnknownParameter, unknown)
	}
	return violated(ReasonInvalidParameter, wrong)
}

// unfit says why a text cannot be a value of the field, or nothing where it can.
func unfit(field protoreflect.FieldDescriptor, text string) string {
	if !utf8.ValidString(text) {
		return "is not valid UTF-8"
	}
	if strings.ContainsRune(text, 0) {
		return "contains a NUL character"
	}
	var err error
	switch field.Kind() {
	case protoreflect.BoolKind:
		_, err = strconv.ParseBool(text)
	case protoreflect.Int32Kind, protoreflect.Sint32Kind, protoreflect.Sfixed32Kind:
		_, err = strconv.ParseInt(text, 0, 32)
	case protoreflect.Int64Kind, protoreflect.Sint64Kind, protoreflect.Sfixed64Kind:
		_, err = strconv.ParseInt(text, 0, 64)
	case protoreflect.Uint32Kind, protoreflect.Fixed32Kind:
		_, err = strconv.ParseUint(text, 0, 32)
	case protoreflect.Uint64Kind, protoreflect.Fixed64Kind:
		_, err = strconv.ParseUint(text, 0, 64)
	case protoreflect.FloatKind, protoreflect.DoubleKind:
		_, err = strconv.ParseFloat(text, 64)
	case protoreflect.EnumKind:
		return unfitEnum(field.Enum(), text)
	default:
		return ""
	}
	if err != nil {
		return fmt.Sprintf("%q is no value of type %s", shown(text), field.Kind())
	}
	return ""
}

func unfitEnum(enum protoreflect.EnumDescriptor, text string) string {
	if enum.Values().ByName(protoreflect.Name(text)) != nil {
		return ""
	}
	if number, err := strconv.ParseInt(text, 10, 32); err == nil && enum.Values().ByNumber(protoreflect.EnumNumber(number)) != nil {
		return ""
	}
	var names []string
	for i := range min(enum.Values().Len(), maxShown) {
		if v := enum.Values().Get(i); v.Number() != 0 { // "not given" is no value to ask for
			names = append(names, string(v.Name()))
		}
	}
	return fmt.Sprintf("%q is none of %s", shown(text), strings.Join(names, ", "))
}

func shown(text string) string {
	if len(text) > maxShown {
		return text[:maxShown] + "..."
	}
	return text
}

// maxViolations bounds the list in an answer about a body full of mistakes.
const maxViolations = 24

// violated makes one error of the violations, or none where there are none.
func violated(reason string, found []errs.Violation) error {
	if len(found) == 0 {
		return nil
	}
	first := found[0]
	return errs.New(errs.Invalid, reason, "%s: %s", first.Field, first.Message).
		WithViolations(found[:min(len(found), maxViolations)]...)
}
