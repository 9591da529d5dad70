package check_test

import (
	"fmt"
	"testing"

	"pgregory.net/rapid"

	"github.com/avalcredit/aval/pkg/calendar"
	"github.com/avalcredit/aval/pkg/money"
	"github.com/avalcredit/aval/services/ordergate/internal/account"
	"github.com/avalcredit/aval/services/ordergate/internal/check"
	"github.com/avalcredit/aval/services/ordergate/internal/order"
)

// today of all inputs that the properties draw.
func today() calendar.Date { return calendar.MustDate("2026-07-01") }

func drawInput(t *rapid.T) check.Input {
	amount := func(name string) int64 { return rapid.Int64Range(0, 200_00).Draw(t, name) }
	day := func(name string) calendar.Date {
		return today().AddDays(rapid.IntRange(-40, 40).Draw(t, name))
	}
	in := check.Input{Point: check.AtSubmit, BusinessDate: today(), Edition: check.Edition}
	a := &in.Account
	a.CustomerID, a.GroupID, a.Grade, a.Currency = "C1", "G1", rapid.SampledFrom([]string{"A", "B", ""}).Draw(t, "grade"), "CNY"
	a.Grant = account.Grant{
		Treatment: account.Credit, TermDays: 30, GraceDays: rapid.IntRange(0, 3).Draw(t, "grace"),
		Limit: account.Limit{
			Kind:  rapid.SampledFrom([]account.LimitKind{account.LimitAmount, account.LimitAmount, account.LimitUndefined, account.LimitUnlimited}).Draw(t, "kind"),
			Minor: amount("limit"),
		},
	}
	if rapid.Bool().Draw(t, "temporary") {
		from := day("from")
		a.Grant.Temporary = []account.TemporaryLimit{{
			Mode:  rapid.SampledFrom([]account.TemporaryMode{account.Replace, account.Add}).Draw(t, "mode"),
			Minor: amount("temporary amount"), From: from, Until: from.AddDays(rapid.IntRange(0, 20).Draw(t, "length")),
		}}
	}
	if rapid.Bool().Draw(t, "covered") {
		a.Grant.Covers = []account.Cover{{Minor: amount("cover"), ValidUntil: day("cover until")}}
	}
	late := amount("late")
	a.Buckets = account.Buckets{Order: amount("orders"), Delivery: amount("deliveries"), Receivable: late + amount("current"), Unapplied: amount("unapplied")}
	if late > 0 {
		a.Overdue = account.Ladder{{Date: today().AddDays(-rapid.IntRange(1, 90).Draw(t, "days late")), Minor: late}}
	}
	a.Standing = account.Standing{
		CommercialBill: amount("bills"), Deposit: amount("deposit"), DunningLevel: rapid.IntRange(0, 3).Draw(t, "level"),
		BrokenPromises: rapid.IntRange(0, 2).Draw(t, "broken"), BrokenAmount: amount("broken amount"), Disputed: a.Overdue,
	}
	a.Unpaid = &check.Unpaid{Invoices: rapid.IntRange(0, 3).Draw(t, "invoices"), Deliveries: rapid.IntRange(0, 3).Draw(t, "not invoiced")}
	a.Scheduled = account.Ladder{{Date: today().AddDays(rapid.IntRange(1, 60).Draw(t, "scheduled")), Minor: min(a.Buckets.Order, amount("later"))}}
	n := amount("order")
	in.Order = check.OrderFacts{OrderID: "O1", Amount: n, Open: n, Terms: order.OpenAccount, Delivery: day("delivery")}
	return in
}

func drawRule(t *rapid.T, name string) check.Rule {
	r := check.Rule{
		Name: name, Kind: rapid.SampledFrom([]check.Kind{
			check.KindLimit, check.KindDaysOverdue, check.KindOverdueAmount, check.KindTerm, check.KindTreatment, check.KindGrantValidity,
			check.KindOrderSize, check.KindUtilization, check.KindOverdueRatio, check.KindOldestItem, check.KindUnpaidBatches,
			check.KindBrokenPromise, check.KindOpenDispute, check.KindDunningLevel,
		}).Draw(t, name+" kind"),
		Enforcement: rapid.SampledFrom([]check.Enforcement{check.Inform, check.Warn, check.HoldOnBreak, check.Forbid}).Draw(t, name+" enforcement"),
		MaxDays:     rapid.IntRange(0, 60).Draw(t, name+" days"), MinDays: rapid.IntRange(0, 30).Draw(t, name+" min days"),
		MaxAmount: money.New(rapid.Int64Range(0, 100_00).Draw(t, name+" amount"), "CNY").String(),
		MaxRatio:  money.Ratio{Num: rapid.Int64Range(0, 100).Draw(t, name+" ratio"), Den: 100},
		MaxCount:  rapid.IntRange(0, 3).Draw(t, name+" count"),
	}
	if r.Kind == check.KindLimit && rapid.Bool().Draw(t, name+" horizon") {
		days := rapid.IntRange(0, 60).Draw(t, name+" horizon days")
		r.Horizon = &days
	}
	if r.Kind == check.KindLimit {
		r.Security = rapid.SampledFrom([]check.SecurityMode{"", check.RaisesLimit, check.DeductedFromExposure}).Draw(t, name+" security")
	}
	return r
}

// strictness of verdicts: a stricter one is greater.
func strictness(v check.Verdict) int {
	return map[check.Verdict]int{check.Approve: 0, check.Hold: 1, check.Refuse: 2}[v]
}

// Adding a rule never loosens the verdict: HOLD does not become APPROVE, REFUSE does not become HOLD.
func TestAddingARuleNeverLoosens(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		in := drawInput(t)
		var p check.Policy
		for i := range rapid.IntRange(0, 5).Draw(t, "rules") {
			p.Rules = append(p.Rules, drawRule(t, fmt.Sprint("r", i)))
		}
		before := check.Decide(in, p)
		p.Rules = append(p.Rules, drawRule(t, "added"))
		after := check.Decide(in, p)
		if strictness(after.Verdict) < strictness(before.Verdict) {
			t.Errorf("%s became %s by rule %+v", before.Verdict, after.Verdict, p.Rules[len(p.Rules)-1])
		}
	})
}

// Of the overrides in force the most specific counts, whatever others there are.
func TestTheMostSpecificScopeCounts(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		in := drawInput(t)
		in.Account.Grade = "A"
		in.Order.Amount = 50_00
		base := check.Rule{Name: "size", Kind: check.KindOrderSize, Enforcement: check.HoldOnBreak, MaxAmount: "100.00"}
		want := ""
		var o check.Overrides
		for _, s := range []struct {
			scope string
			into  *map[string]*check.Override
			key   string
		}{{"customer C1", &o.Customer, "C1"}, {"group G1", &o.Group, "G1"}, {"grade A", &o.Grade, "A"}} {
			if !rapid.Bool().Draw(t, s.scope) {
				continue
			}
			until := today().AddDays(rapid.IntRange(-1, 1).Draw(t, s.scope+" until"))
			r := base
			*s.into = map[string]*check.Override{s.key: {Scope: s.scope, Rule: r, Until: until}}
			if want == "" && !until.Before(today()) {
				want = s.scope
			}
		}
		base.Overrides = o
		res := check.Decide(in, check.Policy{Rules: []check.Rule{base}})
		if got := res.Results[0].Scope; got != want {
			t.Errorf("scope %q, want %q", got, want)
		}
	})
}

// On the day that a cure names, the same order passes the rule if nothing else has changed, and the day is still to come.
func TestDateCuresCure(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		in := drawInput(t)
		p := check.Policy{Rules: []check.Rule{drawRule(t, "r")}}
		res := check.Decide(in, p)
		for _, c := range res.Results[0].Cures {
			if c.Kind != check.CureDate {
				continue
			}
			then := in
			then.BusinessDate = c.Date
			if out := check.Decide(then, p).Results[0].Outcome; out == check.Held || out == check.Forbidden {
				t.Errorf("on %s the rule still says %s: %+v", c.Date, out, res.Results[0])
			}
			if !c.Date.After(in.BusinessDate) {
				t.Errorf("the day %s is not after %s", c.Date, in.BusinessDate)
			}
		}
	})
}

// A record decides to the same bytes again, whatever its rules looked at.
func TestReplayGivesTheSameBytes(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		in := drawInput(t)
		p := check.Policy{Rules: []check.Rule{drawRule(t, "a"), drawRule(t, "b")}, Combinations: []check.Combination{{Name: "both", Rules: []int{0, 1}}}}
		stored, err := check.Record{Input: in, Result: check.Decide(in, p)}.Encode()
		if err != nil {
			t.Fatal(err)
		}
		again, err := check.Replay(stored, p)
		if err != nil || string(again) != string(stored) {
			t.Errorf("replays to\n%s\nwant\n%s (%v)", again, stored, err)
		}
	})
}
