package withdrawal_test

import (
	"reflect"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/avalcredit/aval/pkg/calendar"
	"github.com/avalcredit/aval/pkg/errs"
	"github.com/avalcredit/aval/services/evaluation/internal/withdrawal"
)

func day(text string) calendar.Date { return calendar.MustDate(text) }

func request() withdrawal.Request {
	return withdrawal.New("C-1", 3, withdrawal.Ask{Sequence: 1, Date: day("2026-03-02"), Reason: "S2.18: over", OrderID: "O-1"}, 1)
}

func act(roles []string, d withdrawal.Decision, reason, on string) withdrawal.Act {
	return withdrawal.Act{Subject: "he", Roles: roles, Decision: d, Reason: reason, Date: day(on)}
}

func TestDecide(t *testing.T) {
	t.Parallel()
	director, general := []string{"FINANCE_DIRECTOR"}, []string{"GENERAL_MANAGER"}
	kept, err := request().Decide(act(director, withdrawal.Keep, "a bank guarantee is here", "2026-03-02"))
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		request withdrawal.Request
		act     withdrawal.Act
		state   withdrawal.State
		reason  string
	}{
		"withdraws":                      {request(), act(director, withdrawal.Withdraw, "yes", "2026-03-02"), withdrawal.Withdrawn, ""},
		"keeps":                          {request(), act(director, withdrawal.Keep, "paid tomorrow", "2026-03-09"), withdrawal.Kept, ""},
		"general manager on the due day": {request(), act(general, withdrawal.Withdraw, "yes", "2026-03-03"), withdrawal.Open, "NOT_YOUR_STEP"},
		"general manager after it":       {request(), act(general, withdrawal.Withdraw, "yes", "2026-03-04"), withdrawal.Withdrawn, ""},
		"another role after it":          {request(), act([]string{"FINANCE_MANAGER", "CHAIRMAN"}, withdrawal.Withdraw, "yes", "2026-04-04"), withdrawal.Open, "NOT_YOUR_STEP"},
		"nobody":                         {request(), withdrawal.Act{Roles: director, Decision: withdrawal.Keep, Reason: "x", Date: day("2026-03-02")}, withdrawal.Open, "NOT_YOUR_STEP"},
		"without a reason":               {request(), act(director, withdrawal.Keep, " \t", "2026-03-02"), withdrawal.Open, "REASON_REQUIRED"},
		"no decision":                    {request(), act(director, "", "why", "2026-03-02"), withdrawal.Open, "INVALID_FIELD"},
		"twice":                          {kept, act(director, withdrawal.Withdraw, "yes", "2026-03-02"), withdrawal.Kept, "WITHDRAWAL_DECIDED"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			after, err := c.request.Decide(c.act)
			if errs.ReasonOf(err) != c.reason || after.State != c.state {
				t.Fatalf("%v, state %s", err, after.State)
			}
			if err != nil && !reflect.DeepEqual(after, c.request) {
				t.Fatalf("a refused decision changed the request: %+v", after)
			}
			if err == nil && (after.DecidedBy != "he" || after.Reason != c.act.Reason || after.DecisionDate != c.act.Date) {
				t.Fatalf("%+v", after)
			}
		})
	}
}

// However the gate asks and whoever tries to decide: one open request keeps its due
// date, counts each ask once, and ends by somebody who was asked on that day.
func TestOneRequestOneDecision(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		r := request()
		due, seen := r.DueDate, []int64{1}
		for range rapid.IntRange(1, 20).Draw(t, "steps") {
			on := day("2026-03-02").AddDays(rapid.IntRange(0, 4).Draw(t, "day"))
			if rapid.Bool().Draw(t, "asks") {
				n := rapid.Int64Range(1, 6).Draw(t, "sequence")
				open := r.State == withdrawal.Open
				r = r.Join(withdrawal.Ask{Sequence: n, Date: on, Reason: "again"})
				if open && n > seen[len(seen)-1] {
					seen = append(seen, n)
				}
				continue
			}
			role := rapid.SampledFrom([]string{"FINANCE_DIRECTOR", "GENERAL_MANAGER", "SALES_DIRECTOR"}).Draw(t, "role")
			was := r
			next, err := r.Decide(withdrawal.Act{Subject: "x", Roles: []string{role}, Decision: withdrawal.Keep, Reason: "why", Date: on})
			may := was.State == withdrawal.Open && (role == "FINANCE_DIRECTOR" || role == "GENERAL_MANAGER" && on.After(due))
			if (err == nil) != may {
				t.Fatalf("%s on %s: %v", role, on, err)
			}
			r = next
		}
		var got []int64
		for _, a := range r.Asks {
			got = append(got, a.Sequence)
		}
		if r.DueDate != due || !slices.Equal(got, seen) {
			t.Fatalf("due %s, asks %v, want %s, %v", r.DueDate, got, due, seen)
		}
	})
}

func TestGrantReason(t *testing.T) {
	t.Parallel()
	r := request()
	r.ID = withdrawal.Number(7)
	r, err := r.Decide(act([]string{"FINANCE_DIRECTOR"}, withdrawal.Withdraw, "yes", "2026-03-02"))
	if err != nil || r.GrantReason() != "withdrawn by he (WR-000007): S2.18: over (order O-1)" {
		t.Fatalf("%v %s", err, r.GrantReason())
	}
}
