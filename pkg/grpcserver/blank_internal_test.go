package grpcserver

import (
	"slices"
	"testing"

	"google.golang.org/protobuf/proto"

	"github.com/avalcredit/aval/pkg/errs"
	typev1 "github.com/avalcredit/aval/proto/gen/aval/type/v1"
)

// TestBlankTextSaysNothing: text that a contract asks for is there to be read; what it leaves open may be blank.
func TestBlankTextSaysNothing(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		m    proto.Message
		want []string
	}{
		"said":          {m: rowOf("以上 a")},
		"not given":     {m: rowOf("")}, // the contract's own rule says so
		"spaces":        {m: rowOf("  \t\n"), want: []string{"steps[0].name"}},
		"wide space":    {m: rowOf("\u3000\u00a0"), want: []string{"steps[0].name"}},
		"without width": {m: rowOf("\u200b\u2060"), want: []string{"steps[0].name"}},
		"the second": {
			m:    &typev1.AuthorityRow{Steps: []*typev1.ApprovalStep{{Name: "a"}, {Name: " "}}},
			want: []string{"steps[1].name"},
		},
		"left open": {m: &typev1.ApprovalAct{Reason: " "}},
	} {
		err := (&blankCheck{}).check(c.m.ProtoReflect())
		var got []string
		if e, ok := errs.As(err); ok {
			for _, v := range e.Violations {
				got = append(got, v.Field)
				if v.Rule != RuleBlank || e.Kind != errs.Invalid || v.Message == "" {
					t.Errorf("%s: %+v", name, e)
				}
			}
		}
		if !slices.Equal(got, c.want) {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
	}
}
