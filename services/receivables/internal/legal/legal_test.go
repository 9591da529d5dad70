package legal_test

import (
	"strings"
	"testing"

	"github.com/avalcredit/aval/pkg/calendar"
	"github.com/avalcredit/aval/pkg/errs"
	"github.com/avalcredit/aval/pkg/money"
	"github.com/avalcredit/aval/services/receivables/internal/legal"
	"github.com/avalcredit/aval/services/receivables/internal/limitation"
)

var today = calendar.MustDate("2026-03-10")

func opened() legal.Case {
	return legal.Case{ID: "L", CustomerID: "C", ItemIDs: []string{"I"}, State: legal.Opened, Claimed: money.New(100, "CNY"), OpenedBy: "li"}
}

func walk(t *testing.T, c legal.Case, kinds string) (legal.Case, error) {
	t.Helper()
	for kind := range strings.FieldsSeq(kinds) {
		var err error
		if c, err = c.Take(legal.Step{Kind: legal.StepKind(kind), Date: today, Reference: "x"}, legal.Default(), today); err != nil {
			return c, err
		}
	}
	return c, nil
}

func TestTheCourseOfACase(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		steps string
		state legal.State
		can   string // empty: the steps are in order
	}{
		{"LAWYERS_LETTER LAWYERS_LETTER SUIT JUDGMENT ENFORCEMENT", legal.Enforcement, ""},
		{"SUIT JUDGMENT APPEAL JUDGMENT ENFORCEMENT INSOLVENCY_FILING", legal.Insolvency, ""},
		{"PROGRESS LAWYERS_LETTER PROGRESS SUIT PROGRESS", legal.Suit, ""},
		{"INSOLVENCY_FILING PROGRESS", legal.Insolvency, ""},
		{"JUDGMENT", legal.Opened, "INSOLVENCY_FILING,LAWYERS_LETTER,PROGRESS,SUIT"},
		{"SUIT LAWYERS_LETTER", legal.Suit, "INSOLVENCY_FILING,JUDGMENT,PROGRESS"},
		{"SUIT ENFORCEMENT", legal.Suit, "INSOLVENCY_FILING,JUDGMENT,PROGRESS"},
		{"INSOLVENCY_FILING SUIT", legal.Insolvency, "PROGRESS"},
	} {
		got, err := walk(t, opened(), c.steps)
		if got.State != c.state {
			t.Errorf("%s: %s, want %s", c.steps, got.State, c.state)
		}
		e, _ := errs.As(err)
		if (e == nil) != (c.can == "") || e != nil && e.Meta["steps"] != c.can {
			t.Errorf("%s: %v, want %q", c.steps, err, c.can)
		}
	}
}

func TestDeadlines(t *testing.T) {
	t.Parallel()
	c, err := opened().Take(legal.Step{Kind: legal.LawyersLetter, Date: today, Deadline: today.AddDays(15), DeadlineText: "pay"}, legal.Default(), today)
	if err != nil || c.Deadline != today.AddDays(15) {
		t.Fatalf("%+v, %v", c, err)
	}
	c, _ = walk(t, c, "SUIT")
	if !c.Deadline.IsZero() {
		t.Errorf("a step takes the deadline before it away: %s", c.Deadline)
	}
	c, _ = c.Take(legal.Step{Kind: legal.Judged, Date: today, Deadline: calendar.MustDate("2026-04-01")}, legal.Default(), today)
	if c.Deadline != calendar.MustDate("2028-04-01") {
		t.Errorf("time for enforcement ends %s", c.Deadline)
	}
	for rule, s := range map[string]legal.Step{
		"DATE_AHEAD": {Kind: legal.Progress, Date: today.AddDays(1)}, "DATE_BEFORE_LAST_STEP": {Kind: legal.Progress, Date: today.AddDays(-1)},
		"DEADLINE_PAST": {Kind: legal.Progress, Date: today, Deadline: today.AddDays(-1)},
	} {
		_, err := c.Take(s, legal.Default(), today)
		if e, ok := errs.As(err); !ok || e.Violations[0].Rule != rule {
			t.Errorf("%s: %v", rule, err)
		}
	}
}

func TestWhatAStepDoesToTheLimitationPeriod(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		before string
		kind   legal.StepKind
		want   limitation.Kind
	}{
		{"", legal.LawyersLetter, limitation.Demand}, {"", legal.FileSuit, limitation.Proceeding}, {"", legal.InsolvencyFiling, limitation.Proceeding},
		{"SUIT", legal.InsolvencyFiling, ""}, {"SUIT", legal.Judged, ""}, {"SUIT JUDGMENT", legal.Appeal, ""}, {"", legal.Progress, ""},
	} {
		at, err := walk(t, opened(), c.before)
		if err != nil {
			t.Fatal(err)
		}
		if got := at.Interrupts(legal.Step{Kind: c.kind}); got != c.want {
			t.Errorf("%s after %q: %q, want %q", c.kind, c.before, got, c.want)
		}
	}
}

func TestCostsAndEnd(t *testing.T) {
	t.Parallel()
	c, err := opened().Spend(legal.Cost{Amount: money.New(30, "CNY"), Date: today}, today)
	if err != nil {
		t.Fatal(err)
	}
	c, err = c.Close(legal.Uncollectable, today, "li", "nothing left", today)
	if err != nil || c.State != legal.Closed {
		t.Fatal(err)
	}
	if c, err = c.Spend(legal.Cost{Amount: money.New(12, "CNY"), Date: today}, today); err != nil || c.CostSum() != money.New(42, "CNY") {
		t.Errorf("a late bill: %v, %v", c.CostSum(), err)
	}
	if _, err := c.Close(legal.Dismissed, today, "li", "", today); errs.ReasonOf(err) != "LEGAL_STEP_OUT_OF_ORDER" {
		t.Errorf("closed twice: %v", err)
	}
	if _, err := walk(t, c, "PROGRESS"); errs.ReasonOf(err) != "LEGAL_STEP_OUT_OF_ORDER" {
		t.Errorf("a step after the end: %v", err)
	}
	for reason, cost := range map[string]legal.Cost{
		"CURRENCY_MISMATCH": {Amount: money.New(1, "USD")}, "AMOUNT_NOT_POSITIVE": {Amount: money.New(0, "CNY")},
		errs.ReasonInvalidField: {Amount: money.New(1, "CNY"), Date: today.AddDays(1)},
	} {
		if _, err := c.Spend(cost, today); errs.ReasonOf(err) != reason {
			t.Errorf("%s: %v", reason, err)
		}
	}
}
