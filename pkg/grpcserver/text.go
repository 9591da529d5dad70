package grpcserver

import (
	"fmt"
	"strings"
	"unicode"

	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/avalcredit/aval/pkg/errs"
)

// RuleText is the rule of a violation by text that holds characters which are no text.
const RuleText = "TEXT_INVALID"

// checkText refuses control characters, but tab and ends of lines, anywhere in a request: the database cannot store NUL,
// and people do not see the others. stored is set for another service of the suite, which repeats what one of them has
// taken in before: a delivery refused for a character would stop all after it, so only NUL, which is stored nowhere, is.
func checkText(m protoreflect.Message, stored bool) error {
	w := textWalk{unfit: unreadable}
	if stored {
		w.unfit = isNUL
	}
	w.message("", m)
	return errs.Fields(w.found...)
}

func isNUL(r rune) bool { return r == 0 }

func unreadable(r rune) bool { return unicode.IsControl(r) && r != '\n' && r != '\t' && r != '\r' }

// textWalk goes through what is set in a message. Paths are made for what is found only: most requests are clean.
type textWalk struct {
	unfit func(rune) bool
	found []errs.Violation
}

func (w *textWalk) message(path string, m protoreflect.Message) {
	m.Range(func(field protoreflect.FieldDescriptor, v protoreflect.Value) bool {
		switch {
		case field.IsMap():
			w.entries(path, field, v.Map())
		case field.IsList():
			if w.holdsText(field) {
				for i := range v.List().Len() {
					w.value(fmt.Sprintf("%s[%d]", join(path, field), i), field, v.List().Get(i))
				}
			}
		case field.Kind() == protoreflect.StringKind: // the path of a clean one is not needed
			if strings.ContainsFunc(v.String(), w.unfit) {
				w.report(join(path, field))
			}
		default:
			if w.holdsText(field) {
				w.value(join(path, field), field, v)
			}
		}
		return len(w.found) < maxViolations
	})
}

func (w *textWalk) entries(path string, field protoreflect.FieldDescriptor, entries protoreflect.Map) {
	entries.Range(func(k protoreflect.MapKey, v protoreflect.Value) bool {
		at := fmt.Sprintf("%s[%q]", join(path, field), k.String())
		if field.MapKey().Kind() == protoreflect.StringKind && strings.ContainsFunc(k.String(), w.unfit) {
			w.report(at)
		}
		w.value(at, field.MapValue(), v)
		return len(w.found) < maxViolations
	})
}

func (w *textWalk) value(path string, field protoreflect.FieldDescriptor, v protoreflect.Value) {
	switch {
	case len(w.found) >= maxViolations:
	case field.Message() != nil:
		w.message(path, v.Message())
	case field.Kind() == protoreflect.StringKind && strings.ContainsFunc(v.String(), w.unfit):
		w.report(path)
	}
}

func (w *textWalk) holdsText(field protoreflect.FieldDescriptor) bool {
	return field.Message() != nil || field.Kind() == protoreflect.StringKind
}

func (w *textWalk) report(path string) {
	w.found = append(w.found, errs.Violation{
		Field: path, Rule: RuleText, Message: "contains control characters other than tab and line ends",
	})
}

func join(path string, field protoreflect.FieldDescriptor) string {
	if path == "" {
		return field.TextName()
	}
	return path + "." + field.TextName()
}
