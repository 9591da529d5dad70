package grant_test

import (
	"testing"

	"pgregory.net/rapid"

	"github.com/avalcredit/aval/pkg/calendar"
	"github.com/avalcredit/aval/pkg/errs"
	"github.com/avalcredit/aval/pkg/money"
	"github.com/avalcredit/aval/services/evaluation/internal/criteria"
	"github.com/avalcredit/aval/services/evaluation/internal/grade"
	"github.com/avalcredit/aval/services/evaluation/internal/grant"
)

func treatments() map[grade.Grade]criteria.Treatment {
	return map[grade.Grade]criteria.Treatment{
		grade.A: {Treatment: grade.Credit, MaxTermDays: 30, GraceDays: 5},
		grade.B: {Treatment: grade.CashOnDelivery},
		grade.C: {Treatment: grade.PaymentBeforeDelivery},
		grade.D: {Treatment: grade.PhasedOut},
	}
}

func credit(g grade.Grade) grant.Grant {
	limit := money.New(100_00, "CNY")
	return grant.Grant{
		CustomerID: "C-1", Version: 1, Origin: grant.Application, Treatment: grade.Credit, Grade: g,
		Limit: &grant.Limit{Amount: &limit}, TermDays: 30, GraceDays: 5,
		ValidFrom: calendar.MustDate("2026-01-01"), ValidUntil: calendar.MustDate("2026-12-31"),
	}
}

// Invariant 6: whatever the ratings, a grant only ever becomes tighter by them.
func TestRatingsNeverLoosen(t *testing.T) {
	t.Parallel()
	p := criteria.Policy{Treatments: treatments()}
	rapid.Check(t, func(t *rapid.T) {
		grades := []grade.Grade{grade.None, grade.A, grade.B, grade.C, grade.D}
		now := credit(rapid.SampledFrom(grades).Draw(t, "granted on"))
		for range 6 {
			g := rapid.SampledFrom(grades).Draw(t, "grade")
			day := calendar.MustDate("2025-12-01").AddDays(rapid.IntRange(0, 200).Draw(t, "day"))
			next, changed := grant.Tighten(now, grant.Assessment{Grade: g, Treatment: p.For(g), Date: day})
			if !changed {
				continue
			}
			if now.Treatment.TighterThan(next.Treatment) || next.TermDays > now.TermDays || next.GraceDays > now.GraceDays {
				t.Fatalf("%s loosened %+v to %+v", g, now, next)
			}
			if next.Version != now.Version+1 || next.ValidFrom.Before(now.ValidFrom) || next.Origin != grant.Rating {
				t.Fatalf("%+v after %+v", next, now)
			}
			now = next
		}
	})
}

func TestTighten(t *testing.T) {
	t.Parallel()
	p := criteria.Policy{Treatments: treatments()}
	takenOver := credit(grade.None)
	takenOver.Origin = grant.TakenOver
	cases := []struct {
		name    string
		before  grant.Grant
		rated   grade.Grade
		changed bool
		after   grade.Treatment
	}{
		{"a fall takes effect at once", credit(grade.A), grade.B, true, grade.CashOnDelivery},
		{"two steps at once", credit(grade.A), grade.D, true, grade.PhasedOut},
		{"approved in the knowledge of C, still C", credit(grade.C), grade.C, false, grade.Credit},
		{"approved in the knowledge of C, now D", credit(grade.C), grade.D, true, grade.PhasedOut},
		{"a rise changes nothing", credit(grade.C), grade.A, false, grade.Credit},
		{"no grade, no change", credit(grade.A), grade.None, false, grade.Credit},
		{"taken over from paper: the first rating counts", takenOver, grade.C, true, grade.PaymentBeforeDelivery},
		{"nothing was granted", grant.CashCustomer("C-1"), grade.D, false, grade.CashCustomer},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			next, changed := grant.Tighten(c.before, grant.Assessment{Grade: c.rated, Treatment: p.For(c.rated), Date: calendar.MustDate("2026-03-02")})
			if changed != c.changed || next.Treatment != c.after {
				t.Fatalf("changed %v to %s", changed, next.Treatment)
			}
			if changed && (next.Limit != nil || next.TermDays != 0 || !next.ValidUntil.IsZero()) {
				t.Fatalf("credit is left: %+v", next)
			}
		})
	}
}

// Invariant 11: without a form, before it and after it, a customer is a cash customer.
func TestInForce(t *testing.T) {
	t.Parallel()
	day := calendar.MustDate
	first := credit(grade.A)
	second := first
	second.Version, second.ValidFrom = 2, day("2026-06-01")
	cases := []struct {
		day     string
		all     []grant.Grant
		version int64
	}{
		{"2026-03-01", nil, 0},
		{"2025-12-31", []grant.Grant{first}, 0},
		{"2026-01-01", []grant.Grant{first}, 1},
		{"2026-12-31", []grant.Grant{first}, 1},
		{"2027-01-01", []grant.Grant{first}, 0},
		{"2026-05-31", []grant.Grant{first, second}, 1},
		{"2026-06-01", []grant.Grant{first, second}, 2},
	}
	for _, c := range cases {
		g := grant.InForce("C-1", c.all, day(c.day))
		if g.Version != c.version || (g.Version == 0) != (g.Treatment == grade.CashCustomer) || (g.Version == 0) != (g.Limit == nil) {
			t.Errorf("%s: %+v", c.day, g)
		}
	}
}

func TestWithdraw(t *testing.T) {
	t.Parallel()
	next, changed := grant.Withdraw(credit(grade.A), "over limit", calendar.MustDate("2026-03-02"))
	if !changed || next.Treatment != grade.CashCustomer || next.Limit != nil || next.Version != 2 {
		t.Fatalf("%v %+v", changed, next)
	}
	if _, again := grant.Withdraw(next, "over limit", calendar.MustDate("2026-03-03")); again {
		t.Fatal("a cash customer's credit was withdrawn again")
	}
	c := credit(grade.C)
	c.Treatment = grade.PaymentBeforeDelivery
	if _, changed := grant.Withdraw(c, "over limit", calendar.MustDate("2026-03-02")); changed {
		t.Fatal("a withdrawal loosened payment before delivery")
	}
}

func TestCheckTakeOver(t *testing.T) {
	t.Parallel()
	g := credit(grade.None)
	if err := grant.CheckTakeOver(g, grant.CashCustomer("C-1"), "CNY", criteria.Policy{}); err != nil {
		t.Fatal(err)
	}
	if err := grant.CheckTakeOver(g, credit(grade.A), "CNY", criteria.Policy{}); errs.ReasonOf(err) != grant.ReasonExists {
		t.Fatalf("%v", err)
	}
	if err := grant.CheckTakeOver(g, grant.CashCustomer("C-1"), "USD", criteria.Policy{}); errs.KindOf(err) != errs.Invalid {
		t.Fatalf("%v", err)
	}
	g.Limit = &grant.Limit{Unlimited: true}
	if err := grant.CheckTakeOver(g, grant.CashCustomer("C-1"), "CNY", criteria.Policy{}); errs.KindOf(err) != errs.Invalid {
		t.Fatalf("an unlimited limit passes a policy that knows none: %v", err)
	}
	if err := grant.CheckTakeOver(g, grant.CashCustomer("C-1"), "CNY", criteria.Policy{UnlimitedAllowed: true}); err != nil {
		t.Fatal(err)
	}
}
