package gate_test

import (
	"slices"
	"testing"

	"github.com/avalcredit/aval/pkg/approval"
	"github.com/avalcredit/aval/pkg/calendar"
	"github.com/avalcredit/aval/services/ordergate/internal/check"
)

// Where a step is signed by several people, all of them release the order, in any order; top management signs ahead of them and does not
// take the place of any, and a form past its due date lets nobody stand in for one.
func TestSeveralPeopleReleaseTogether(t *testing.T) {
	t.Parallel()
	w := newWorld(t, policyCase{})
	w.today = calendar.MustDate("2026-07-01")
	w.policy.Authority = approval.Table{
		{Steps: []approval.Step{{Name: "release", AllOf: []string{"CREDIT_MANAGER", "SALES_MANAGER"}}}},
		{Steps: []approval.Step{{Name: "top", AnyOf: []string{"GENERAL_MANAGER"}}}},
	}
	w.policy.Controls = check.Controls{DueDays: 1, Severe: &check.Severe{Days: 900, Step: approval.Step{Name: "top management", AnyOf: []string{"CREDIT_MANAGER", "SALES_MANAGER"}}}}
	w.run(0, step{Do: "grant", Limit: "10", Term: 30})
	w.run(1, step{Do: "submit", Order: "O1", Amount: "100", Want: "HELD"})
	w.run(2, step{Do: "approve", Order: "O1", By: "SALES_MANAGER", Want: "HELD"})
	if f := w.orders["O1"].Hold.Form; !slices.Equal(f.NextRoles(), []string{"CREDIT_MANAGER"}) {
		t.Fatalf("waits for %v", f.NextRoles())
	}
	w.run(3, step{Do: "approve", Order: "O1", By: "GENERAL_MANAGER", Date: "2026-07-05", Error: "NOT_YOUR_STEP"})
	w.run(4, step{Do: "approve", Order: "O1", By: "CREDIT_MANAGER", Want: "APPROVED"})
	row, steps, err := w.policy.RouteForm(check.Measure{Currency: "CNY", Excess: 1, Days: 900})
	if err != nil || row != 1 || len(steps) != 2 || len(steps[1].AllOf) != 2 {
		t.Fatalf("row %d, %+v, %v", row, steps, err)
	}
}
