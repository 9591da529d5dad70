package application_test

import (
	"reflect"
	"testing"

	"pgregory.net/rapid"

	"github.com/avalcredit/aval/pkg/approval"
	"github.com/avalcredit/aval/pkg/calendar"
	"github.com/avalcredit/aval/pkg/errs"
	"github.com/avalcredit/aval/pkg/money"
	"github.com/avalcredit/aval/services/evaluation/internal/application"
	"github.com/avalcredit/aval/services/evaluation/internal/grade"
)

var today = calendar.MustDate("2026-03-02")

func signed(subject string, d approval.Decision, roles ...string) approval.Act {
	return approval.Act{Subject: subject, Roles: roles, Decision: d, Reason: "because", Date: today}
}

func pending(t *testing.T) application.Application {
	t.Helper()
	f, err := draft(50_000_00, "CNY", 30).Submit(submission(grade.A, 10_000_000_00, "CNY"))
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func TestCounterOffer(t *testing.T) {
	t.Parallel()
	clerk := signed("fang", "", "FINANCE_CLERK")
	for name, c := range map[string]struct {
		act    approval.Act
		limit  *money.Money
		days   int
		reason string
	}{
		"a lower limit":         {clerk, ptr(money.New(10_000_00, "CNY")), 0, ""},
		"a shorter term":        {clerk, nil, 15, ""},
		"nothing lower":         {clerk, ptr(money.New(50_000_00, "CNY")), 30, "INVALID_FIELD"},
		"more":                  {clerk, ptr(money.New(50_000_01, "CNY")), 10, "INVALID_FIELD"},
		"longer":                {clerk, ptr(money.New(1_00, "CNY")), 31, "INVALID_FIELD"},
		"nothing at all":        {clerk, ptr(money.New(0, "CNY")), 0, "INVALID_FIELD"},
		"another currency":      {clerk, ptr(money.New(1_00, "USD")), 0, "INVALID_FIELD"},
		"out of turn":           {signed("ma", "", "SALES_MANAGER"), nil, 15, "NOT_YOUR_STEP"},
		"out of turn, nonsense": {signed("ma", "", "SALES_MANAGER"), nil, 31, "NOT_YOUR_STEP"},
		"the applicant":         {signed("li", "", "FINANCE_CLERK"), nil, 15, "SAME_PERSON"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := pending(t)
			next, err := f.CounterOffer(c.act, c.limit, c.days)
			if errs.ReasonOf(err) != c.reason {
				t.Fatalf("%v", err)
			}
			if err != nil {
				if !reflect.DeepEqual(next, f) {
					t.Fatalf("a refused offer changed the form: %+v", next)
				}
				return
			}
			if next.State != application.Returned || next.Offer.By != "fang" || next.Limit.Cmp(f.Limit) != 0 {
				t.Fatalf("%+v", next)
			}
			if _, err := next.AcceptOffer("wu"); errs.ReasonOf(err) != application.ReasonNotApplicant {
				t.Fatalf("%v", err)
			}
			taken, err := next.AcceptOffer("li")
			if err != nil || taken.Limit.Cmp(next.Offer.Limit) != 0 || taken.TermDays != next.Offer.TermDays {
				t.Fatalf("%+v %v", taken, err)
			}
			again, err := taken.Submit(submission(grade.A, 10_000_000_00, "CNY"))
			if err != nil || again.Offer != nil || len(again.Form.Acts) != 0 {
				t.Fatalf("%+v %v", again, err)
			}
		})
	}
	if _, err := pending(t).AcceptOffer("li"); errs.ReasonOf(err) != application.ReasonNoOffer {
		t.Fatalf("%v", err)
	}
}

// Who may change what, in which state.
func TestOwnersAndStates(t *testing.T) {
	t.Parallel()
	states := []application.State{
		application.Draft, application.Pending, application.Returned, application.Conditional,
		application.Approved, application.Rejected, application.Withdrawn,
	}
	open := map[application.State]bool{application.Draft: true, application.Returned: true}
	live := map[application.State]bool{application.Draft: true, application.Returned: true, application.Pending: true, application.Conditional: true}
	for _, state := range states {
		f := draft(1_00, "CNY", 10)
		f.State = state
		_, err := f.Edit("li", application.Edit{TermDays: ptr(20)})
		if (err == nil) != open[state] {
			t.Errorf("edit of %s: %v", state, err)
		}
		_, err = f.Withdraw("li", "not needed", today)
		if (err == nil) != live[state] {
			t.Errorf("withdrawal of %s: %v", state, err)
		}
		_, err = f.Attached(application.Attachment{Title: "x", SHA256: "ab"})
		if (err == nil) != live[state] {
			t.Errorf("attachment to %s: %v", state, err)
		}
		if live[state] {
			if _, err := f.Withdraw("wu", "not needed", today); errs.ReasonOf(err) != application.ReasonNotApplicant {
				t.Errorf("%v", err)
			}
		}
		if open[state] {
			if _, err := f.Edit("wu", application.Edit{}); errs.ReasonOf(err) != application.ReasonNotApplicant {
				t.Errorf("%v", err)
			}
		}
	}
	f := draft(1_00, "CNY", 10)
	f, err := f.Edit("li", application.Edit{Limit: ptr(money.New(5_00, "CNY")), Purpose: ptr("growth"), ValidUntil: &today})
	if err != nil || f.Limit.Minor != 5_00 || f.TermDays != 10 || f.Purpose != "growth" || f.ValidUntil != today {
		t.Fatalf("%+v %v", f, err)
	}
}

func TestConditions(t *testing.T) {
	t.Parallel()
	guarantee := application.Condition{Kind: "GUARANTEE", Text: "of the parent company", Amount: ptr(money.New(10_000_00, "CNY"))}
	for name, c := range map[string]application.Condition{
		"no text": {Kind: "OTHER"}, "no kind": {Text: "x"}, "a deposit of nothing": {Kind: "DEPOSIT", Text: "x"},
		"below zero":       {Kind: "DEPOSIT", Text: "x", Amount: ptr(money.New(-1, "CNY"))},
		"another currency": {Kind: "DEPOSIT", Text: "x", Amount: ptr(money.New(1, "USD"))},
	} {
		if _, err := pending(t).Act(signed("fang", approval.Approve, "FINANCE_CLERK"), []application.Condition{c}); errs.KindOf(err) != errs.Invalid {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := pending(t).Act(signed("fang", approval.Reject, "FINANCE_CLERK"), []application.Condition{guarantee}); errs.KindOf(err) != errs.Invalid {
		t.Errorf("a rejection with conditions: %v", err)
	}
	f := pending(t)
	for _, a := range []struct {
		act approval.Act
		set []application.Condition
	}{
		{signed("fang", approval.Approve, "FINANCE_CLERK"), []application.Condition{guarantee}},
		{signed("sun", approval.Approve, "SALES_SUPERVISOR"), nil},
		{signed("ma", approval.Approve, "SALES_MANAGER"), []application.Condition{{Kind: "OTHER", Text: "a site visit", SetBy: "somebody", MetBy: "already"}}},
	} {
		var err error
		if f, err = f.Act(a.act, a.set); err != nil {
			t.Fatal(err)
		}
	}
	if f.State != application.Conditional || len(f.Conditions) != 2 || f.Conditions[1].SetBy != "ma" || f.Conditions[1].MetBy != "" {
		t.Fatalf("%+v", f)
	}
	confirm := func(n int, by, evidence string) error {
		next, err := f.Confirm(application.Confirmation{Number: n, By: by, Evidence: evidence, Date: today})
		if err == nil {
			f = next
		}
		return err
	}
	for _, c := range []struct {
		n            int
		by, evidence string
		reason       string
	}{
		{1, "fang", "receipt", "SAME_PERSON"}, {1, "li", "receipt", "SAME_PERSON"}, {3, "ma", "x", "CONDITION_NOT_FOUND"},
		{0, "ma", "x", "CONDITION_NOT_FOUND"}, {1, "ma", " ", "INVALID_FIELD"}, {1, "ma", "deed 1", ""}, {1, "wei", "deed 1", "CONDITION_MET"},
		{2, "ma", "went there", "SAME_PERSON"}, {2, "fang", "report 7", ""}, {2, "fang", "report 7", "APPLICATION_STATE"},
	} {
		if err := confirm(c.n, c.by, c.evidence); errs.ReasonOf(err) != c.reason {
			t.Fatalf("%+v: %v", c, err)
		}
	}
	if f.State != application.Approved {
		t.Fatalf("%s", f.State)
	}
}

// Approval is never reached by fewer people than the table says for what is granted,
// whatever the order of acts, offers, changes and confirmations, and none of them is
// the applicant; while a condition is open, nothing is approved.
func TestNoFewerPeopleThanTheTableSays(t *testing.T) {
	t.Parallel()
	roles := []string{"SALESPERSON", "SALES_SUPERVISOR", "SALES_MANAGER", "FINANCE_CLERK", "FINANCE_MANAGER", "GENERAL_MANAGER", "CHAIRMAN"}
	people := []string{"li", "a", "b", "c", "d"}
	table := policyOfThree().Authority
	approved := 0
	rapid.Check(t, func(t *rapid.T) {
		s := submission(grade.A, 10_000_000_00, "CNY")
		f := draft(rapid.SampledFrom([]int64{1_00, 500_000_00, 5_000_000_00}).Draw(t, "limit"), "CNY", 30)
		for range rapid.IntRange(1, 40).Draw(t, "acts") {
			who := rapid.SampledFrom(people).Draw(t, "who")
			amount := money.New(rapid.SampledFrom([]int64{1_00, 400_000_00, 3_000_000_00}).Draw(t, "amount"), "CNY")
			s.By = who
			var next application.Application
			var err error
			switch rapid.IntRange(0, 8).Draw(t, "what") {
			case 0:
				next, err = f.Edit(who, application.Edit{Limit: &amount})
			case 1:
				next, err = f.CounterOffer(signed(who, "", roles...), &amount, 0)
			case 2:
				if next, err = f.AcceptOffer(who); err == nil {
					next, err = next.Submit(s)
				}
			case 3:
				next, err = f.Confirm(application.Confirmation{Number: 1, By: who, Evidence: "deed", Date: today})
			case 4:
				next, err = f.Act(signed(who, approval.Approve, roles...), []application.Condition{{Kind: "OTHER", Text: "visit"}})
			case 5:
				s.By = "li"
				next, err = f.Submit(s)
			default:
				next, err = f.Act(signed(who, approval.Approve, roles...), nil)
			}
			if err == nil {
				f = next
			}
		}
		if f.State != application.Approved {
			return
		}
		approved++
		_, steps, err := table.Route(f.Limit.Minor, f.TermDays)
		if err != nil {
			t.Fatal(err)
		}
		signers := map[string]bool{}
		for _, act := range f.Form.Acts {
			if act.Decision == approval.Approve && act.Subject != f.Applicant {
				signers[act.Subject] = true
			}
		}
		if len(signers) < len(steps) || f.OpenConditions() {
			t.Fatalf("%d people approved %s, the table asks for %d: %+v", len(signers), f.Limit, len(steps), f)
		}
	})
	if approved == 0 {
		t.Fatal("no form was ever approved: the test tests nothing")
	}
}
