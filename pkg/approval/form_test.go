package approval_test

import (
	"encoding/json"
	"reflect"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/avalcredit/aval/pkg/approval"
	"github.com/avalcredit/aval/pkg/calendar"
	"github.com/avalcredit/aval/pkg/errs"
)

func twoSteps() approval.Form {
	return approval.New("applicant", 1, []approval.Step{
		step("review", "SALES_MANAGER", "CREDIT_MANAGER"), step("release", "FINANCE_MANAGER"),
	})
}

func act(subject string, d approval.Decision, roles ...string) approval.Act {
	return approval.Act{
		Subject: subject, Roles: roles, Decision: d, Reason: "figures checked", Date: calendar.MustDate("2026-07-01"),
	}
}

func TestFormTakesItsStepsInOrder(t *testing.T) {
	t.Parallel()
	f := twoSteps()
	for i, a := range []approval.Act{
		act("reviewer", approval.Approve, "CREDIT_MANAGER"), act("releaser", approval.Approve, "CASHIER", "FINANCE_MANAGER"),
	} {
		if next, open := f.Next(); !open || next.Name != f.Steps[i].Name || !f.May(a.Subject, a.Roles) {
			t.Fatalf("before act %d the next step is %v, %v", i, next, open)
		}
		a.Step = 7 // what the caller claims does not count
		before := f
		after, err := f.Apply(a)
		if err != nil {
			t.Fatal(err)
		}
		if len(before.Acts) != i || before.State != approval.Pending || after.Acts[i].Step != i {
			t.Fatalf("act %d: before %+v, after %+v", i, before, after)
		}
		f = after
	}
	if _, open := f.Next(); open || f.State != approval.Approved {
		t.Errorf("state %s after all steps", f.State)
	}
}

func TestRefusedActs(t *testing.T) {
	t.Parallel()
	reviewed, err := twoSteps().Apply(act("reviewer", approval.Approve, "CREDIT_MANAGER"))
	if err != nil {
		t.Fatal(err)
	}
	closed := map[approval.Decision]approval.Form{}
	for _, d := range []approval.Decision{approval.Reject, approval.Return} {
		if closed[d], err = reviewed.Apply(act("releaser", d, "FINANCE_MANAGER")); err != nil {
			t.Fatal(err)
		}
	}
	silent := act("releaser", approval.Reject, "FINANCE_MANAGER")
	silent.Reason = " \t"
	for name, c := range map[string]struct {
		form   approval.Form
		act    approval.Act
		kind   errs.Kind
		reason string
	}{
		"role of no step":        {twoSteps(), act("x", approval.Approve, "CASHIER"), errs.PermissionDenied, "NOT_YOUR_STEP"},
		"no role":                {twoSteps(), act("x", approval.Approve), errs.PermissionDenied, "NOT_YOUR_STEP"},
		"role of a later step":   {twoSteps(), act("x", approval.Approve, "FINANCE_MANAGER"), errs.PermissionDenied, "NOT_YOUR_STEP"},
		"role of a step taken":   {reviewed, act("x", approval.Approve, "CREDIT_MANAGER"), errs.PermissionDenied, "NOT_YOUR_STEP"},
		"reject out of turn":     {twoSteps(), act("x", approval.Reject, "FINANCE_MANAGER"), errs.PermissionDenied, "NOT_YOUR_STEP"},
		"applicant":              {twoSteps(), act("applicant", approval.Approve, "SALES_MANAGER"), errs.PermissionDenied, "SAME_PERSON"},
		"applicant rejects":      {twoSteps(), act("applicant", approval.Reject, "SALES_MANAGER"), errs.PermissionDenied, "SAME_PERSON"},
		"the same person twice":  {reviewed, act("reviewer", approval.Approve, "FINANCE_MANAGER"), errs.PermissionDenied, "SAME_PERSON"},
		"rejection without why":  {reviewed, silent, errs.Invalid, "REASON_REQUIRED"},
		"nobody":                 {reviewed, act("", approval.Approve, "FINANCE_MANAGER"), errs.Invalid, "INVALID_FIELD"},
		"no decision":            {reviewed, act("x", "", "FINANCE_MANAGER"), errs.Invalid, "INVALID_FIELD"},
		"decision in lower case": {reviewed, act("x", "approve", "FINANCE_MANAGER"), errs.Invalid, "INVALID_FIELD"},
		"after a rejection":      {closed[approval.Reject], act("x", approval.Approve, "FINANCE_MANAGER"), errs.FailedPrecondition, "FORM_CLOSED"},
		"after a return":         {closed[approval.Return], act("x", approval.Approve, "FINANCE_MANAGER"), errs.FailedPrecondition, "FORM_CLOSED"},
		"form without steps":     {approval.New("applicant", 0, nil), act("x", approval.Approve, "GENERAL_MANAGER"), errs.FailedPrecondition, "FORM_CLOSED"},
		"form never made":        {approval.Form{}, act("x", approval.Approve, "GENERAL_MANAGER"), errs.FailedPrecondition, "FORM_CLOSED"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			after, err := c.form.Apply(c.act)
			if errs.KindOf(err) != c.kind || errs.ReasonOf(err) != c.reason {
				t.Errorf("error %v of kind %v; want %v %s", err, errs.KindOf(err), c.kind, c.reason)
			}
			if !reflect.DeepEqual(after, c.form) {
				t.Errorf("a refused act changed the form: %+v", after)
			}
		})
	}
}

func TestFormJSONRoundTrip(t *testing.T) {
	t.Parallel()
	f, err := twoSteps().Apply(act("reviewer", approval.Approve, "CREDIT_MANAGER"))
	if err != nil {
		t.Fatal(err)
	}
	text, err := json.Marshal(f)
	if err != nil {
		t.Fatal(err)
	}
	var back approval.Form
	if err := json.Unmarshal(text, &back); err != nil || !reflect.DeepEqual(back, f) {
		t.Errorf("%s came back as %+v, error %v", text, back, err)
	}
}

// Two forms that grow from one do not write into each other.
func TestBranchesShareNothing(t *testing.T) {
	t.Parallel()
	base, err := twoSteps().Apply(act("reviewer", approval.Approve, "CREDIT_MANAGER"))
	if err != nil {
		t.Fatal(err)
	}
	yes, errYes := base.Apply(act("a", approval.Approve, "FINANCE_MANAGER"))
	no, errNo := base.Apply(act("b", approval.Reject, "FINANCE_MANAGER"))
	if errYes != nil || errNo != nil || yes.Acts[1].Subject != "a" || no.Acts[1].Subject != "b" || len(base.Acts) != 1 {
		t.Errorf("%+v and %+v", yes, no)
	}
}

var roles = []string{"SALES_MANAGER", "CREDIT_MANAGER", "FINANCE_MANAGER", "GENERAL_MANAGER"}

func anySteps(atLeast int) *rapid.Generator[[]approval.Step] {
	return rapid.SliceOfN(rapid.Custom(func(t *rapid.T) approval.Step {
		return approval.Step{Name: "step", AnyOf: rapid.SliceOfNDistinct(rapid.SampledFrom(roles), 1, 3, rapid.ID).Draw(t, "any of")}
	}), atLeast, 4)
}

func anyAct(subjects ...string) *rapid.Generator[approval.Act] {
	return rapid.Custom(func(t *rapid.T) approval.Act {
		return approval.Act{
			Subject: rapid.SampledFrom(subjects).Draw(t, "subject"),
			Roles:   rapid.SliceOfDistinct(rapid.SampledFrom(roles), rapid.ID).Draw(t, "roles"),
			Decision: rapid.SampledFrom([]approval.Decision{
				approval.Approve, approval.Approve, approval.Approve, approval.Reject, approval.Return, "",
			}).Draw(t, "decision"),
			Reason: rapid.SampledFrom([]string{"", "because"}).Draw(t, "reason"),
			Date:   calendar.MustDate("2026-07-01"),
			Step:   rapid.IntRange(-1, 5).Draw(t, "step"),
		}
	})
}

// Whatever roles one person has, and whatever they try, they complete no form that
// they applied for and none that takes two steps.
func TestNobodyCompletesAFormAlone(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		applicant := rapid.SampledFrom([]string{"one", "other"}).Draw(t, "applicant")
		atLeast := 2
		if applicant == "one" {
			atLeast = 1
		}
		f := approval.New(applicant, 0, anySteps(atLeast).Draw(t, "steps"))
		for _, a := range rapid.SliceOfN(anyAct("one"), 1, 20).Draw(t, "acts") {
			if next, err := f.Apply(a); err == nil {
				f = next
			}
		}
		if f.State == approval.Approved {
			t.Fatalf("one person approved %+v", f)
		}
	})
}

// However acts come in, a form holds one act per step, in order, each by another
// person who held a role of that very step; it is approved when and only when every
// step was approved; and once closed it does not change.
func TestNoStepIsSkipped(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		f := approval.New("a", 0, anySteps(1).Draw(t, "steps"))
		for _, a := range rapid.SliceOfN(anyAct("a", "b", "c", "d", "e", "f"), 1, 40).Draw(t, "acts") {
			may := f.May(a.Subject, a.Roles)
			next, err := f.Apply(a)
			if err == nil && (!may || f.State != approval.Pending) {
				t.Fatalf("%+v took %+v", f, a)
			}
			if err != nil && (!reflect.DeepEqual(next, f) || may && errs.KindOf(err) != errs.Invalid) {
				t.Fatalf("%+v refused %+v: %v", f, a, err)
			}
			f = next
			checkForm(t, f)
		}
	})
}

func checkForm(t *rapid.T, f approval.Form) {
	people := []string{f.Applicant}
	approvals := 0
	for i, a := range f.Acts {
		if a.Step != i || slices.Contains(people, a.Subject) {
			t.Fatalf("act %d of %+v is out of order or by the same person", i, f)
		}
		people = append(people, a.Subject)
		if !slices.ContainsFunc(a.Roles, func(r string) bool { return slices.Contains(f.Steps[i].AnyOf, r) }) {
			t.Fatalf("act %d of %+v is by someone without the role", i, f)
		}
		if a.Decision == approval.Approve {
			approvals++
		}
	}
	if (f.State == approval.Approved) != (approvals == len(f.Steps)) {
		t.Fatalf("%+v has %d approvals of %d", f, approvals, len(f.Steps))
	}
	if (f.State == approval.Pending) != (approvals == len(f.Acts) && approvals < len(f.Steps)) {
		t.Fatalf("%+v should not be %s", f, f.State)
	}
}
