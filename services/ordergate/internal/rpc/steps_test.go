package rpc_test

import (
	"strings"
	"testing"

	"github.com/avalcredit/aval/pkg/errs"
	"github.com/avalcredit/aval/services/ordergate/internal/rpc"
	defaults "github.com/avalcredit/aval/services/ordergate/policy"
)

// What only credit applications have is refused in an order policy, not passed over.
func TestStepsOfReleases(t *testing.T) {
	t.Parallel()
	before, _, _ := strings.Cut(defaults.Default, "release_authority:")
	for text, field := range map[string]string{
		"steps: [{name: x, all_of: [ROLE_CREDIT_MANAGER, ROLE_SALES_MANAGER]}]":                               "",
		"steps: [{name: x, roles: [ROLE_CREDIT_MANAGER], due_days: 3, escalate_to: ROLE_CHAIRMAN}]":           "release_authority[0].steps[0].due_days",
		"steps: [{name: x, roles: [ROLE_CREDIT_MANAGER], in_writing: true}]":                                  "release_authority[0].steps[0].in_writing",
		"{when: {grades: [A]}, steps: [{name: x, roles: [ROLE_CREDIT_MANAGER]}]}":                             "release_authority[0].when",
		"steps: [{name: x, roles: [ROLE_CREDIT_MANAGER], all_of: [ROLE_CREDIT_MANAGER, ROLE_SALES_MANAGER]}]": "release_authority[0].steps[0]",
		"steps: [{name: x}]": "release_authority[0].steps[0]",
	} {
		_, err := rpc.ParsePolicy("yaml", before+"release_authority:\n  - "+text+"\n")
		if field == "" {
			if err != nil {
				t.Errorf("%s: %v", text, err)
			}
			continue
		}
		e, ok := errs.As(err)
		if !ok || e.Kind != errs.Invalid || len(e.Violations) == 0 || !strings.Contains(e.Violations[0].Field+e.Message, field) {
			t.Errorf("%s: %v", text, err)
		}
	}
}
