package policytool

import (
	"fmt"
	"strings"

	"google.golang.org/protobuf/reflect/protoreflect"

	evaluationv1 "github.com/avalcredit/aval/proto/gen/aval/evaluation/v1"
)

// Diff says what differs between two policies, a line for each value, in the order of the
// contract: "path: before -> after", "path: added x", "path: removed x". Parts of a list
// are told apart by what they are of (a dimension by its name, a rule by its indicator, a
// threshold by its grade), so that moving one is no change of the others.
func Diff(before, after *evaluationv1.EvaluationPolicy) []string {
	a, b := flat(before.ProtoReflect()), flat(after.ProtoReflect())
	var out []string
	for _, path := range a.paths {
		now, still := b.values[path]
		switch {
		case !still:
			out = append(out, fmt.Sprintf("%s: removed %s", path, a.values[path]))
		case now != a.values[path]:
			out = append(out, fmt.Sprintf("%s: %s -> %s", path, a.values[path], now))
		}
	}
	for _, path := range b.paths {
		if _, had := a.values[path]; !had {
			out = append(out, fmt.Sprintf("%s: added %s", path, b.values[path]))
		}
	}
	return out
}

// leaves are the values of a message by path, in the order of the contract.
type leaves struct {
	paths  []string
	values map[string]string
}

func flat(m protoreflect.Message) *leaves {
	l := &leaves{values: map[string]string{}}
	l.message("", m)
	return l
}

func (l *leaves) add(path, value string) {
	l.paths = append(l.paths, path)
	l.values[path] = value
}

func (l *leaves) message(at string, m protoreflect.Message) {
	fields := m.Descriptor().Fields()
	for i := range fields.Len() {
		f := fields.Get(i)
		if !m.Has(f) {
			continue
		}
		path := strings.TrimPrefix(at+"."+string(f.Name()), ".")
		switch {
		case f.IsList():
			l.list(path, f, m.Get(f).List())
		case f.Message() != nil:
			l.message(path, m.Get(f).Message())
		default:
			l.add(path, scalar(f, m.Get(f)))
		}
	}
}

func (l *leaves) list(path string, f protoreflect.FieldDescriptor, all protoreflect.List) {
	seen := map[string]int{}
	for i := range all.Len() {
		if f.Message() == nil {
			l.add(fmt.Sprintf("%s[%d]", path, i), scalar(f, all.Get(i)))
			continue
		}
		key := keyOf(all.Get(i).Message(), i)
		if seen[key]++; seen[key] > 1 {
			key = fmt.Sprintf("%s#%d", key, seen[key])
		}
		l.message(fmt.Sprintf("%s[%s]", path, key), all.Get(i).Message())
	}
}

// keyOf is what tells a part of a list from its neighbours, else its number.
func keyOf(m protoreflect.Message, i int) string {
	for _, name := range []protoreflect.Name{"name", "indicator", "grade"} {
		if f := m.Descriptor().Fields().ByName(name); f != nil && m.Has(f) {
			return scalar(f, m.Get(f))
		}
	}
	return fmt.Sprint(i)
}

// scalar writes a value; an enum without the prefix that all its values share.
func scalar(f protoreflect.FieldDescriptor, v protoreflect.Value) string {
	if f.Enum() == nil {
		return v.String()
	}
	value := f.Enum().Values().ByNumber(v.Enum())
	if value == nil {
		return fmt.Sprint(v.Enum())
	}
	prefix := strings.TrimSuffix(string(f.Enum().Values().Get(0).Name()), "UNSPECIFIED")
	return strings.TrimPrefix(string(value.Name()), prefix)
}
