package worklist_test

import (
	"testing"

	"pgregory.net/rapid"

	"github.com/avalcredit/aval/pkg/calendar"
	"github.com/avalcredit/aval/pkg/money"
	"github.com/avalcredit/aval/services/receivables/internal/terms"
	"github.com/avalcredit/aval/services/receivables/internal/worklist"
)

func cny(minor int64) money.Money { return money.New(minor, "CNY") }

func TestRankExplains(t *testing.T) {
	t.Parallel()
	today := calendar.MustDate("2024-03-10")
	limit, none := cny(100000), cny(0)
	base := worklist.Case{Overdue: cny(50000), Receivable: cny(75000)}
	with := func(id string, fn func(c *worklist.Case)) worklist.Case {
		c := base
		c.CustomerID = id
		fn(&c)
		return c
	}
	cases := []worklist.Case{
		with("amount", func(c *worklist.Case) { c.Overdue = cny(100000) }),
		with("plain", func(*worklist.Case) {}),
		with("late", func(c *worklist.Case) { c.OldestDays = 90 }),
		with("very late", func(c *worklist.Case) { c.OldestDays = 900 }),
		with("behaviour", func(c *worklist.Case) { c.AverageLate = 30 }),
		with("broken", func(c *worklist.Case) { c.BrokenPromises = 1 }),
		with("broken thrice", func(c *worklist.Case) { c.BrokenPromises = 3 }),
		with("limit", func(c *worklist.Case) { c.Limit = &limit }),
		with("no credit", func(c *worklist.Case) { c.Limit = &none }),
		with("action", func(c *worklist.Case) { c.NextAction = today }),
		with("action later", func(c *worklist.Case) { c.NextAction = today.AddDays(1) }),
		with("call", func(c *worklist.Case) { c.Call, c.LetterDate = true, today }),
		with("called", func(c *worklist.Case) { c.Call, c.LetterDate, c.LastContact = true, today.AddDays(-2), today }),
		with("legal", func(c *worklist.Case) { c.HandToLegal = true }),
		with("near", func(c *worklist.Case) { c.PromisesNear = 1 }),
		with("dispute", func(c *worklist.Case) { c.DisputeLate = true }),
	}
	want := map[string]struct {
		tenths int
		step   worklist.Step
	}{
		"amount": {300, worklist.StepWatch}, "plain": {150, worklist.StepWatch}, "late": {250, worklist.StepWatch}, "very late": {350, worklist.StepWatch},
		"behaviour": {200, worklist.StepWatch}, "broken": {400, worklist.StepPromiseBroken}, "broken thrice": {650, worklist.StepPromiseBroken},
		"limit": {200, worklist.StepWatch}, "no credit": {250, worklist.StepWatch}, "action": {300, worklist.StepActionDue},
		"action later": {150, worklist.StepWatch}, "call": {300, worklist.StepCall}, "called": {150, worklist.StepWatch},
		"legal": {150, worklist.StepHandToLegal}, "near": {300, worklist.StepPromiseNear}, "dispute": {150, worklist.StepDisputeLate},
	}
	ranked := worklist.Rank(cases, terms.ShippedPoints(), today)
	for i, r := range ranked {
		sum := 0
		for _, p := range r.Parts {
			sum += p.Tenths
			if p.Tenths < 0 || p.Tenths > p.Most || p.Why == "" {
				t.Errorf("%s: %+v", r.CustomerID, p)
			}
		}
		if w := want[r.CustomerID]; r.Tenths != w.tenths || r.Step != w.step || sum != r.Tenths {
			t.Errorf("%s: %d %s, want %d %s", r.CustomerID, r.Tenths, r.Step, w.tenths, w.step)
		}
		if i > 0 && ranked[i-1].Tenths < r.Tenths {
			t.Errorf("%s before %s", ranked[i-1].CustomerID, r.CustomerID)
		}
	}
}

// A promise that breaks raises the priority at once, whatever else is so, and never lets the customer fall in the list.
func TestBrokenPromiseRaisesPriority(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		today := calendar.MustDate("2024-03-10")
		cases := make([]worklist.Case, rapid.IntRange(1, 8).Draw(t, "cases"))
		for i := range cases {
			limit := cny(rapid.Int64Range(0, 1e12).Draw(t, "limit"))
			cases[i] = worklist.Case{
				CustomerID: string(rune('A' + i)), Overdue: cny(rapid.Int64Range(0, 1e15).Draw(t, "overdue")), OldestDays: rapid.IntRange(0, 4000).Draw(t, "days"),
				AverageLate: rapid.IntRange(0, 400).Draw(t, "late"), BrokenPromises: rapid.IntRange(0, 1).Draw(t, "broken"),
				Receivable: cny(rapid.Int64Range(0, 1e15).Draw(t, "receivable")), Limit: &limit, PromisesNear: rapid.IntRange(0, 2).Draw(t, "near"),
			}
		}
		n := rapid.IntRange(0, len(cases)-1).Draw(t, "which")
		before := worklist.Rank(cases, terms.ShippedPoints(), today)
		cases[n].BrokenPromises++
		after := worklist.Rank(cases, terms.ShippedPoints(), today)
		place := func(list []worklist.Ranked) (int, worklist.Ranked) {
			for i, r := range list {
				if r.CustomerID == cases[n].CustomerID {
					return i, r
				}
			}
			t.Fatal("gone")
			return 0, worklist.Ranked{}
		}
		was, old := place(before)
		is, now := place(after)
		if is > was || now.Tenths <= old.Tenths || now.Step != worklist.StepPromiseBroken {
			t.Fatalf("place %d, then %d; points %d, then %d; %s", was, is, old.Tenths, now.Tenths, now.Step)
		}
	})
}
