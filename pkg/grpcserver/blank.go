package grpcserver

import (
	"fmt"
	"strings"
	"sync"
	"unicode"

	"buf.build/gen/go/bufbuild/protovalidate/protocolbuffers/go/buf/validate"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/avalcredit/aval/pkg/errs"
)

// RuleBlank is the rule of a violation by text that has to say something and is blank.
const RuleBlank = "blank"

// blankCheck refuses text that the contract asks for and that nobody can see: a reason of spaces gives none. It knows
// which fields of a message hold such text, themselves or deeper.
type blankCheck struct {
	fields sync.Map // protoreflect.MessageDescriptor to []protoreflect.FieldDescriptor
}

func (b *blankCheck) check(m protoreflect.Message) error {
	found := b.find(m)
	return errs.Fields(found[:min(len(found), maxViolations)]...)
}

// find makes the paths of what is found on the way back: most requests have nothing blank.
func (b *blankCheck) find(m protoreflect.Message) []errs.Violation {
	var found []errs.Violation
	for _, field := range b.fieldsOf(m.Descriptor()) {
		switch {
		case !m.Has(field):
		case field.IsList():
			list := m.Get(field).List()
			for i := range list.Len() {
				at := func() string { return fmt.Sprintf("%s[%d].", field.TextName(), i) }
				found = append(found, within(at, b.find(list.Get(i).Message()))...)
			}
		case field.Message() != nil:
			at := func() string { return field.TextName() + "." }
			found = append(found, within(at, b.find(m.Get(field).Message()))...)
		case !strings.ContainsFunc(m.Get(field).String(), visible):
			found = append(found, errs.Violation{Field: field.TextName(), Rule: RuleBlank, Message: patterns[sayingSomething]})
		}
	}
	return found
}

func within(path func() string, found []errs.Violation) []errs.Violation {
	for i := range found {
		found[i].Field = path() + found[i].Field
	}
	return found
}

func (b *blankCheck) fieldsOf(d protoreflect.MessageDescriptor) []protoreflect.FieldDescriptor {
	if known, ok := b.fields.Load(d); ok {
		return known.([]protoreflect.FieldDescriptor) //nolint:forcetypeassert // nothing else is stored
	}
	var found []protoreflect.FieldDescriptor
	for i := range d.Fields().Len() {
		f := d.Fields().Get(i)
		if !f.IsMap() && (f.Message() != nil || asksForText(f)) {
			found = append(found, f)
		}
	}
	b.fields.Store(d, found)
	return found
}

// asksForText reports whether the contract wants at least one character.
func asksForText(f protoreflect.FieldDescriptor) bool {
	if f.Kind() != protoreflect.StringKind || f.IsList() {
		return false
	}
	rules, ok := proto.GetExtension(f.Options(), validate.E_Field).(*validate.FieldRules)
	return ok && rules.GetString().GetMinLen() > 0
}

func visible(r rune) bool { return !unicode.In(r, unicode.C, unicode.Z) }
