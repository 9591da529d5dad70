package grpcserver

import (
	"slices"
	"testing"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/structpb"

	"github.com/avalcredit/aval/pkg/errs"
	typev1 "github.com/avalcredit/aval/proto/gen/aval/type/v1"
)

// TestTextAnywhereInARequest looks into lists, maps and messages within messages.
func TestTextAnywhereInARequest(t *testing.T) {
	t.Parallel()
	value := func(v any) *structpb.Struct {
		s, err := structpb.NewStruct(map[string]any{"a": v})
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	const id = "steps[0].name"
	for name, c := range map[string]struct {
		m      proto.Message
		stored bool
		want   []string
	}{
		"clean":            {m: rowOf("名\tof\r\n two lines")},
		"NUL":              {m: rowOf("a\x00"), want: []string{id}},
		"bell":             {m: rowOf("a\x07b"), want: []string{id}},
		"delete":           {m: rowOf("\x7f"), want: []string{id}},
		"next line":        {m: rowOf("\u0085"), want: []string{id}},
		"stored bell":      {m: rowOf("a\x07b"), stored: true},
		"stored NUL":       {m: rowOf("\x00"), stored: true, want: []string{id}},
		"in a map":         {m: value("\x00"), want: []string{`fields["a"].string_value`}},
		"in a list":        {m: value([]any{"x", "\x00", 1, map[string]any{"k": "\x01"}}), want: []string{`fields["a"].list_value.values[1].string_value`, `fields["a"].list_value.values[3].struct_value.fields["k"].string_value`}},
		"as a key":         {m: value(map[string]any{"\x00": true}), want: []string{`fields["a"].struct_value.fields["\x00"]`}},
		"nothing to check": {m: value(1.5)},
	} {
		err := (&textCheck{}).check(c.m.ProtoReflect(), c.stored)
		var got []string
		if e, ok := errs.As(err); ok {
			for _, v := range e.Violations {
				got = append(got, v.Field)
				if v.Rule != RuleText || e.Kind != errs.Invalid || e.Reason != errs.ReasonInvalidField {
					t.Errorf("%s: %+v", name, e)
				}
			}
		}
		slices.Sort(got)
		if !slices.Equal(got, c.want) {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
	}
}

func rowOf(name string) proto.Message {
	return &typev1.AuthorityRow{MaxAmount: "1", Steps: []*typev1.ApprovalStep{{Name: name}}}
}
