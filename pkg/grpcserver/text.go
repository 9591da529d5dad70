package grpcserver

import (
	"fmt"
	"strings"
	"sync"
	"unicode"

	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/avalcredit/aval/pkg/errs"
)

// RuleText is the rule of a violation by text that holds characters which are no text.
const RuleText = "TEXT_INVALID"

// check refuses control characters, but tab and ends of lines, anywhere in a request: the database cannot store NUL,
// and people do not see the others. stored is set for another service of the suite, which repeats what one of them has
// taken in before: a delivery refused for a character would stop all after it, so only NUL, which is stored nowhere, is.
func (t *textCheck) check(m protoreflect.Message, stored bool) error {
	if t.plain(m) {
		return nil
	}
	w := textWalk{unfit: unreadable}
	if stored {
		w.unfit = isNUL
	}
	w.message("", m)
	return errs.Fields(w.found...)
}

// textCheck knows which fields of a message hold text, themselves or deeper.
type textCheck struct {
	fields sync.Map // protoreflect.MessageDescriptor to []protoreflect.FieldDescriptor
}

// plain reports whether all text in a message is made of printable ASCII characters, as that of most requests is. It makes nothing.
func (t *textCheck) plain(m protoreflect.Message) bool {
	for _, field := range t.fieldsOf(m.Descriptor()) {
		if !m.Has(field) {
			continue
		}
		v := m.Get(field)
		switch {
		case field.IsMap():
			return false // few have one; the walk looks
		case field.IsList():
			for list, i := v.List(), 0; i < list.Len(); i++ {
				if !t.plainValue(field, list.Get(i)) {
					return false
				}
			}
		case !t.plainValue(field, v):
			return false
		}
	}
	return true
}

func (t *textCheck) plainValue(field protoreflect.FieldDescriptor, v protoreflect.Value) bool {
	if field.Message() != nil {
		return t.plain(v.Message())
	}
	text := v.String()
	for i := range len(text) {
		if text[i] < ' ' || text[i] > '~' {
			return false
		}
	}
	return true
}

func (t *textCheck) fieldsOf(d protoreflect.MessageDescriptor) []protoreflect.FieldDescriptor {
	if known, ok := t.fields.Load(d); ok {
		return known.([]protoreflect.FieldDescriptor) //nolint:forcetypeassert // nothing else is stored
	}
	var found []protoreflect.FieldDescriptor
	for i := range d.Fields().Len() {
		if f := d.Fields().Get(i); holdsText(f) {
			found = append(found, f)
		}
	}
	t.fields.Store(d, found)
	return found
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
			if holdsText(field) {
				for i := range v.List().Len() {
					w.value(fmt.Sprintf("%s[%d]", join(path, field), i), field, v.List().Get(i))
				}
			}
		case field.Kind() == protoreflect.StringKind: // the path of a clean one is not needed
			if strings.ContainsFunc(v.String(), w.unfit) {
				w.report(join(path, field))
			}
		default:
			if holdsText(field) {
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

func holdsText(field protoreflect.FieldDescriptor) bool {
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
