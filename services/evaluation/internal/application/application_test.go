package application_test

import (
	"testing"

	"pgregory.net/rapid"

	"github.com/avalcredit/aval/pkg/approval"
	"github.com/avalcredit/aval/pkg/calendar"
	"github.com/avalcredit/aval/pkg/errs"
	"github.com/avalcredit/aval/pkg/money"
	"github.com/avalcredit/aval/services/evaluation/internal/application"
	"github.com/avalcredit/aval/services/evaluation/internal/criteria"
	"github.com/avalcredit/aval/services/evaluation/internal/customer"
	"github.com/avalcredit/aval/services/evaluation/internal/grade"
	"github.com/avalcredit/aval/services/evaluation/internal/payment"
	"github.com/avalcredit/aval/services/evaluation/internal/rating"
)

func ptr[T any](v T) *T { return &v }

func policyOfThree() criteria.Policy {
	step := func(name string, roles ...string) approval.Step { return approval.Step{Name: name, AnyOf: roles} }
	finance := step("finance confirmation", "FINANCE_CLERK", "FINANCE_MANAGER")
	return criteria.Policy{
		Version: 1, BaseCurrency: "CNY", GrantValidDays: 365,
		Treatments: map[grade.Grade]criteria.Treatment{
			grade.A: {Treatment: grade.Credit, MaxTermDays: 60, GraceDays: 5},
			grade.B: {Treatment: grade.CashOnDelivery}, grade.C: {Treatment: grade.PaymentBeforeDelivery},
			grade.D: {Treatment: grade.PhasedOut},
		},
		Authority: approval.Table{
			{MaxAmount: ptr(int64(100_000_00)), MaxDays: ptr(30), Steps: []approval.Step{finance, step("review", "SALES_SUPERVISOR"), step("approval", "SALES_MANAGER")}},
			{MaxAmount: ptr(int64(1_000_000_00)), MaxDays: ptr(60), Steps: []approval.Step{finance, step("review", "SALES_MANAGER"), step("approval", "GENERAL_MANAGER")}},
			{Steps: []approval.Step{finance, step("review", "SALES_MANAGER"), step("second review", "GENERAL_MANAGER"), step("approval", "CHAIRMAN")}},
		},
	}
}

func draft(minor int64, currency string, days int) application.Application {
	return application.Application{
		ID: "A-1", CustomerID: "C-1", Limit: money.New(minor, currency), TermDays: days, State: application.Draft, Applicant: "li",
	}
}

func submission(g grade.Grade, limitMinor int64, currency string) application.Submission {
	p := policyOfThree()
	t := p.For(g)
	res := rating.Result{Grade: g, Treatment: t.Treatment, TermDays: t.MaxTermDays}
	if t.Treatment == grade.Credit {
		res.Limit = ptr(money.New(limitMinor, currency))
	}
	return application.Submission{
		By: "li", Date: calendar.MustDate("2026-03-02"), Policy: p,
		Customer: customer.Customer{ID: "C-1", DisplayName: "Firm", Currency: currency, SalespersonID: "li"}.Complete(),
		Rating:   rating.Record{RatingID: "C-1.1", Result: res}, Payment: payment.Record{CustomerID: "C-1", LateAmountDays: "0"},
	}
}

// Routing by the three example rows (S2.12): bounds belong to the row.
func TestRouting(t *testing.T) {
	t.Parallel()
	const plenty = int64(10_000_000_00)
	cases := []struct {
		name     string
		minor    int64
		days     int
		grade    grade.Grade
		currency string
		limit    int64
		row      int
		outside  int
	}{
		{"first row, its bounds included", 100_000_00, 30, grade.A, "CNY", plenty, 0, 0},
		{"one fen more", 100_000_01, 30, grade.A, "CNY", plenty, 1, 0},
		{"one day more", 100_000_00, 31, grade.A, "CNY", plenty, 1, 0},
		{"beyond the second row", 1_000_000_01, 30, grade.A, "CNY", plenty, 2, 0},
		{"another currency cannot be measured", 1_00, 1, grade.A, "USD", plenty, 2, 0},
		{"a grade without credit", 1_00, 1, grade.B, "CNY", 0, 2, 1},
		{"no grade at all", 1_00, 1, grade.None, "CNY", 0, 2, 1},
		{"above the recommended limit", 50_000_01, 30, grade.A, "CNY", 50_000_00, 2, 1},
		{"the recommended limit itself", 50_000_00, 30, grade.A, "CNY", 50_000_00, 0, 0},
		{"above limit and longest term", 50_000_01, 61, grade.A, "CNY", 50_000_00, 2, 2},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			f, err := draft(c.minor, c.currency, c.days).Submit(submission(c.grade, c.limit, c.currency))
			if err != nil || f.Form.Row != c.row || len(f.OutsidePolicy) != c.outside {
				t.Fatalf("row %d, outside %q, %v", f.Form.Row, f.OutsidePolicy, err)
			}
		})
	}
}

// A row that says how far beyond the recommended it covers takes what is outside the
// policy; one of those who may allow it signs in writing, whatever the row is like.
func TestExceptions(t *testing.T) {
	t.Parallel()
	step := func(name string, roles ...string) approval.Step { return approval.Step{Name: name, AnyOf: roles} }
	clerk := step("check", "FINANCE_CLERK")
	over := approval.When{AmountOver: money.Ratio{Num: 1, Den: 10}, DaysOver: ptr(10)}
	late := step("approval", "SALES_MANAGER")
	late.DueDays, late.EscalateTo = 3, "SALES_DIRECTOR"
	for name, c := range map[string]struct {
		table     approval.Table
		minor     int64
		days      int
		row       int
		steps     []string
		inWriting string
	}{
		"within the row's bounds": {
			approval.Table{{Steps: []approval.Step{clerk}, MaxAmount: ptr(int64(50_00))}, {When: over, Steps: []approval.Step{clerk, step("approval", "SALES_MANAGER")}}, {Steps: []approval.Step{clerk, step("top", "CHAIRMAN")}}},
			110_00, 70, 1, []string{"check", "approval"}, "approval",
		},
		"beyond them, and the highest row lacks one who may": {
			approval.Table{{When: over, Steps: []approval.Step{clerk, step("approval", "SALES_MANAGER")}}, {Steps: []approval.Step{clerk, step("top", "CHAIRMAN")}}},
			110_01, 70, 1, []string{"check", "exception", "top"}, "exception",
		},
		"too many days beyond": {
			approval.Table{{When: over, Steps: []approval.Step{clerk}}, {Steps: []approval.Step{{Name: "both", AllOf: []string{"CHAIRMAN", "GENERAL_MANAGER"}}}}},
			100_00, 71, 1, []string{"both"}, "both",
		},
		"a step that others take too is no such step": {
			approval.Table{{Steps: []approval.Step{step("check", "FINANCE_CLERK", "FINANCE_MANAGER"), late}}},
			100_01, 60, 0, []string{"check", "exception", "approval"}, "exception",
		},
		"within the policy nothing is added": {
			approval.Table{{Steps: []approval.Step{clerk}}}, 100_00, 60, 0, []string{"check"}, "",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := submission(grade.A, 100_00, "CNY")
			s.Policy.Authority = c.table
			f, err := draft(c.minor, "CNY", c.days).Submit(s)
			if err != nil || f.Form.Row != c.row || len(f.Form.Steps) != len(c.steps) {
				t.Fatalf("%+v %v", f.Form, err)
			}
			for i, got := range f.Form.Steps {
				if got.Name != c.steps[i] || got.InWriting != (got.Name == c.inWriting) {
					t.Errorf("step %d is %+v", i, got)
				}
			}
		})
	}
}

func TestIncompleteNamesEverything(t *testing.T) {
	t.Parallel()
	s := submission(grade.A, 1, "CNY")
	s.Rating.RatingID, s.Payment.CustomerID = "", ""
	s.Customer.DisplayName = " "
	f := draft(1, "CNY", 0)
	f.ValidUntil = s.Date.AddDays(-1)
	_, err := f.Submit(s)
	e, ok := errs.As(err)
	if !ok || e.Reason != application.ReasonIncomplete || len(e.Violations) != 5 {
		t.Fatalf("%v", err)
	}
}

// Invariant 8: no sequence of acts by fewer people than steps ends approved, nobody
// acts twice, and steps are taken in their order.
func TestNoShortWayToApproval(t *testing.T) {
	t.Parallel()
	roles := []string{"SALESPERSON", "SALES_SUPERVISOR", "SALES_MANAGER", "FINANCE_CLERK", "FINANCE_MANAGER", "GENERAL_MANAGER", "CHAIRMAN"}
	rapid.Check(t, func(t *rapid.T) {
		f := draft(rapid.SampledFrom([]int64{1_00, 500_000_00, 5_000_000_00}).Draw(t, "limit"), "CNY", 30)
		s := submission(grade.A, 10_000_000_00, "CNY")
		f, err := f.Submit(s)
		if err != nil {
			t.Fatal(err)
		}
		// Even one person who holds every role cannot stand for several.
		people := map[string][]string{"li": roles}
		for _, name := range []string{"a", "b", "c", "d"} {
			people[name] = rapid.SliceOfDistinct(rapid.SampledFrom(roles), rapid.ID).Draw(t, name)
		}
		for range rapid.IntRange(0, 30).Draw(t, "acts") {
			who := rapid.SampledFrom([]string{"li", "a", "b", "c", "d"}).Draw(t, "who")
			decision := rapid.SampledFrom([]approval.Decision{approval.Approve, approval.Approve, approval.Approve, approval.Return}).Draw(t, "decision")
			next, err := f.Act(approval.Act{Subject: who, Roles: people[who], Decision: decision, Reason: "because", Date: s.Date}, nil)
			if err == nil {
				f = next
			}
			if f.State == application.Returned {
				if f, err = f.Submit(s); err != nil {
					t.Fatal(err)
				}
			}
		}
		if f.State == application.Approved {
			checkSigned(t, f, people)
		}
	})
}

func checkSigned(t *rapid.T, f application.Application, people map[string][]string) {
	seen := map[string]bool{f.Applicant: true}
	if len(f.Form.Acts) != len(f.Form.Steps) {
		t.Fatalf("approved with %d acts of %d steps", len(f.Form.Acts), len(f.Form.Steps))
	}
	for i, act := range f.Form.Acts {
		if seen[act.Subject] {
			t.Fatalf("%s acted twice on one form", act.Subject)
		}
		seen[act.Subject] = true
		holds := false
		for _, role := range people[act.Subject] {
			for _, wanted := range f.Form.Steps[i].AnyOf {
				holds = holds || role == wanted
			}
		}
		if !holds || act.Step != i {
			t.Fatalf("step %d was taken by %s with %v", i, act.Subject, people[act.Subject])
		}
	}
}

func TestReturnedFormKeepsItsHistory(t *testing.T) {
	t.Parallel()
	s := submission(grade.A, 10_000_000_00, "CNY")
	f, err := draft(1_00, "CNY", 30).Submit(s)
	if err != nil {
		t.Fatal(err)
	}
	if f, err = f.Act(approval.Act{Subject: "fang", Roles: []string{"FINANCE_CLERK"}, Decision: approval.Return, Reason: "no stamp", Date: s.Date}, nil); err != nil {
		t.Fatal(err)
	}
	f.SerialNumber = application.Serial(7)
	if f, err = f.Submit(s); err != nil || f.State != application.Pending || len(f.Acts()) != 1 || f.SerialNumber != "CA-000007" {
		t.Fatalf("%+v %v", f, err)
	}
	if _, err := f.Submit(s); errs.ReasonOf(err) != application.ReasonState {
		t.Fatalf("a pending form was submitted: %v", err)
	}
	s.By = "wu"
	f.State = application.Returned
	if _, err := f.Submit(s); errs.ReasonOf(err) != application.ReasonNotApplicant {
		t.Fatalf("%v", err)
	}
}

func TestFormRestsOnTheGradeThatPeopleKnew(t *testing.T) {
	t.Parallel()
	p := policyOfThree()
	for _, c := range []struct {
		form, now grade.Grade
		ok        bool
	}{
		{grade.A, grade.A, true},
		{grade.A, grade.B, false},
		{grade.B, grade.A, true},
		{grade.None, grade.D, false},
		{grade.None, grade.A, true},
		{grade.C, grade.None, true},
	} {
		err := application.Application{Grade: c.form}.CheckGrantable(c.now, p, calendar.MustDate("2026-03-02"))
		if (err == nil) != c.ok {
			t.Errorf("form on %q, now %q: %v", c.form, c.now, err)
		}
	}
	over := application.Application{Grade: grade.A, ValidUntil: calendar.MustDate("2026-03-01")}
	if err := over.CheckGrantable(grade.A, p, calendar.MustDate("2026-03-02")); errs.ReasonOf(err) != application.ReasonState {
		t.Errorf("a form whose last day is over grants: %v", err)
	}
}
