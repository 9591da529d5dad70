package plan_test

import (
	"fmt"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/avalcredit/aval/pkg/calendar"
	"github.com/avalcredit/aval/pkg/errs"
	"github.com/avalcredit/aval/services/evaluation/internal/criteria"
	"github.com/avalcredit/aval/services/evaluation/internal/grade"
	"github.com/avalcredit/aval/services/evaluation/internal/plan"
)

var today = calendar.MustDate("2026-03-02")

// Whatever the grades were: after each rating every plan that the grade calls for is open or
// done, no kind is open twice, and nothing else is open but a recovery.
func TestPlansFollowTheGrade(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		newest := map[plan.Kind]plan.Plan{}
		last := grade.None
		for n := range rapid.IntRange(1, 20).Draw(t, "ratings") {
			g := rapid.SampledFrom([]grade.Grade{grade.None, grade.A, grade.B, grade.C, grade.D}).Draw(t, "grade")
			var before []plan.Plan
			for _, k := range []plan.Kind{plan.Contingency, plan.Replacement, plan.PhaseOut, plan.Recovery} {
				if p, ok := newest[k]; ok {
					if p.State == plan.Open && rapid.Bool().Draw(t, "done meanwhile") {
						p.State = plan.Done
					}
					before = append(before, p)
				}
			}
			opened, ended := plan.Follow(before, plan.Rating{CustomerID: "C", RatingID: fmt.Sprint("C.", n), Grade: g, Moved: g != last, Date: today, Salesperson: "li", Due: criteria.DefaultDueDays()})
			last = g
			for _, p := range append(before, ended...) {
				newest[p.Kind] = p
			}
			for _, p := range opened {
				if was, ok := newest[p.Kind]; ok && was.State == plan.Open {
					t.Fatalf("%s is open twice", p.Kind)
				}
				if p.Due.Before(today) || (p.Owner == "" && p.OwnerRole == "") {
					t.Fatalf("nobody owns %+v, or it is never due", p)
				}
				newest[p.Kind] = p
			}
			for _, k := range plan.Required(g) {
				if p := newest[k]; p.State != plan.Open && p.State != plan.Done {
					t.Fatalf("grade %s, and %s is %q", g, k, p.State)
				}
			}
			for k, p := range newest {
				if p.State == plan.Open && k != plan.Recovery && !slices.Contains(plan.Required(g), k) {
					t.Fatalf("grade %s, and %s is open", g, k)
				}
			}
		}
	})
}

func TestWhoCarriesItOut(t *testing.T) {
	t.Parallel()
	opened, _ := plan.Follow(nil, plan.Rating{CustomerID: "C", RatingID: "C.1", Grade: grade.D, Moved: true, Date: today, Salesperson: "li", Due: criteria.DefaultDueDays()})
	out, recovery := opened[0], opened[1]
	if out.Kind != plan.PhaseOut || out.Owner != "li" || recovery.Owner != "" || recovery.OwnerRole != "CREDIT_ANALYST" || recovery.Due != today.AddDays(14) {
		t.Fatalf("%+v", opened)
	}
	li, stranger, analyst := plan.Actor{Subject: "li"}, plan.Actor{Subject: "wu", Roles: []string{"SALESPERSON"}}, plan.Actor{Subject: "an", Roles: []string{"CREDIT_ANALYST"}}
	steps := plan.Content{Steps: []plan.Step{{Due: today, What: "instalment"}}}
	if _, err := out.Write(steps, 0, stranger); errs.ReasonOf(err) != plan.ReasonNotOwner {
		t.Errorf("a stranger writes: %v", err)
	}
	if _, err := recovery.Complete("paid", analyst, today); errs.ReasonOf(err) != plan.ReasonIncomplete {
		t.Errorf("a recovery without steps is complete: %v", err)
	}
	written, err := recovery.Write(steps, 1, analyst)
	if err != nil || written.Revision != 2 {
		t.Fatalf("%+v %v", written, err)
	}
	if _, err := written.Write(steps, 1, analyst); errs.ReasonOf(err) != plan.ReasonRevision {
		t.Errorf("a stale revision passes: %v", err)
	}
	if _, err := written.Complete("paid", analyst, today); errs.ReasonOf(err) != plan.ReasonIncomplete {
		t.Errorf("a recovery with an open step is complete: %v", err)
	}
	steps.Steps[0].Done = true
	done, err := written.Complete("paid", analyst, today)
	if err != nil || done.State != plan.Done || done.Closed != today {
		t.Fatalf("%+v %v", done, err)
	}
	if _, err := done.Assign("wu", today, today); errs.ReasonOf(err) != plan.ReasonClosed {
		t.Errorf("what is done is given away: %v", err)
	}
	if _, err := out.Assign("wu", today.AddDays(-1), today); errs.KindOf(err) != errs.Invalid {
		t.Errorf("due in the past: %v", err)
	}
	if out.Overdue(out.Due) || !out.Overdue(out.Due.AddDays(1)) {
		t.Error("the due date is the last day")
	}
	if _, err := out.Write(plan.Content{Text: "x"}, 0, li); err != nil {
		t.Errorf("the owner cannot write: %v", err)
	}
}
