package approval_test

import (
	"testing"

	"github.com/avalcredit/aval/pkg/approval"
	"github.com/avalcredit/aval/pkg/errs"
)

func amount(n int64) *int64 { return &n }

func days(n int) *int { return &n }

func step(name string, roles ...string) approval.Step { return approval.Step{Name: name, AnyOf: roles} }

func authority() approval.Table {
	return approval.Table{
		{MaxAmount: amount(100_000), MaxDays: days(15), Steps: []approval.Step{step("release", "SALES_MANAGER")}},
		{MaxAmount: amount(1_000_000), MaxDays: days(60), Steps: []approval.Step{
			step("review", "SALES_MANAGER", "CREDIT_MANAGER"), step("release", "FINANCE_MANAGER"),
		}},
		{MaxAmount: amount(100_000_000), Steps: []approval.Step{
			step("review", "CREDIT_MANAGER"), step("consent", "FINANCE_MANAGER"), step("release", "GENERAL_MANAGER"),
		}},
	}
}

func TestRoute(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		amount int64
		days   int
		row    int
	}{
		{-5, 0, 0}, {0, 0, 0}, {100_000, 15, 0}, {100_001, 15, 1}, {100_000, 16, 1}, {0, 60, 1}, {1_000_000, 61, 2},
		{1_000_001, 0, 2}, {100_000_000, 10_000, 2},
	} {
		row, steps, err := authority().Route(c.amount, c.days)
		if err != nil || row != c.row || len(steps) != c.row+1 {
			t.Errorf("%d, %d days: row %d with %d steps, error %v; want row %d", c.amount, c.days, row, len(steps), err, c.row)
		}
	}
	for name, table := range map[string]approval.Table{"beyond the last row": authority(), "empty table": nil} {
		_, steps, err := table.Route(100_000_001, 0)
		if steps != nil || errs.KindOf(err) != errs.FailedPrecondition || errs.ReasonOf(err) != approval.ReasonAuthorityExceeded {
			t.Errorf("%s: %v, error %v; want AUTHORITY_EXCEEDED", name, steps, err)
		}
	}
}

// Who gets steps from the table cannot change the table through them.
func TestRouteGivesCopies(t *testing.T) {
	t.Parallel()
	table := authority()
	_, steps, err := table.Route(0, 0)
	if err != nil {
		t.Fatal(err)
	}
	steps[0].AnyOf[0] = "SALESPERSON"
	if got := table[0].Steps[0].AnyOf[0]; got != "SALES_MANAGER" {
		t.Errorf("the table now asks for %s", got)
	}
}

func TestHighest(t *testing.T) {
	t.Parallel()
	if row, steps, err := authority().Highest(); err != nil || row != 2 || len(steps) != 3 {
		t.Errorf("row %d with %d steps, error %v", row, len(steps), err)
	}
	if _, _, err := (approval.Table{}).Highest(); errs.ReasonOf(err) != approval.ReasonAuthorityExceeded {
		t.Errorf("an empty table: %v", err)
	}
}

func TestCheckTable(t *testing.T) {
	t.Parallel()
	one := []approval.Step{step("release", "SALES_MANAGER")}
	for name, c := range map[string]struct {
		table approval.Table
		field string
		rule  string
	}{
		"sound":           {authority(), "", ""},
		"no step":         {approval.Table{{}}, "t[0].steps", "required"},
		"no role":         {approval.Table{{Steps: []approval.Step{{Name: "x"}}}}, "t[0].steps[0].any_of", "required"},
		"negative amount": {approval.Table{{MaxAmount: amount(-1), Steps: one}}, "t[0].max_amount", "not_negative"},
		"negative days":   {approval.Table{{MaxDays: days(-1), Steps: one}}, "t[0].max_days", "not_negative"},
		"after no bound":  {approval.Table{{Steps: one}, {MaxAmount: amount(5), Steps: one}}, "t[1]", "reachable"},
		"twice the same": {
			approval.Table{{MaxAmount: amount(5), Steps: one}, {MaxAmount: amount(5), Steps: one}}, "t[1]", "reachable",
		},
		"more days only": {
			approval.Table{{MaxAmount: amount(5), MaxDays: days(1), Steps: one}, {MaxAmount: amount(1), Steps: one}}, "", "",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			found := c.table.Check("t")
			if c.field == "" {
				if len(found) != 0 {
					t.Errorf("found %v in a sound table", found)
				}
				return
			}
			if len(found) != 1 || found[0].Field != c.field || found[0].Rule != c.rule {
				t.Errorf("found %v, want %s at %s", found, c.rule, c.field)
			}
		})
	}
}
