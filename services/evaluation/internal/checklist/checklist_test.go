package checklist_test

import (
	"fmt"
	"testing"

	"pgregory.net/rapid"

	"github.com/avalcredit/aval/pkg/calendar"
	"github.com/avalcredit/aval/services/evaluation/internal/checklist"
	"github.com/avalcredit/aval/services/evaluation/internal/criteria"
	"github.com/avalcredit/aval/services/evaluation/internal/fact"
)

var today = calendar.MustDate("2026-03-02")

func visit(id, asOf string, change func(f *fact.Fact)) fact.Fact {
	f := fact.Fact{ID: id, AsOf: calendar.MustDate(asOf), Content: fact.Content{Visit: &fact.Visit{}}, VerifiedBy: "somebody"}
	change(&f)
	return f
}

func TestItem(t *testing.T) {
	t.Parallel()
	same := func(*fact.Fact) {}
	cases := []struct {
		name  string
		count int
		facts []fact.Fact
		state checklist.State
		until string
	}{
		{"nothing", 1, nil, checklist.Missing, ""},
		{"another kind", 1, []fact.Fact{{ID: "F", AsOf: today, VerifiedBy: "x", Content: fact.Content{Bank: &fact.Bank{}}}}, checklist.Missing, ""},
		{"good", 1, []fact.Fact{visit("F", "2026-03-01", same)}, checklist.Met, "2026-03-31"},
		{"on the last day", 1, []fact.Fact{visit("F", "2026-01-31", same)}, checklist.Met, "2026-03-02"},
		{"a day too old", 1, []fact.Fact{visit("F", "2026-01-30", same)}, checklist.Stale, ""},
		{"ran out", 1, []fact.Fact{visit("F", "2026-02-20", func(f *fact.Fact) { f.ValidUntil = calendar.MustDate("2026-03-01") })}, checklist.Stale, ""},
		{"runs out first", 1, []fact.Fact{visit("F", "2026-02-20", func(f *fact.Fact) { f.ValidUntil = calendar.MustDate("2026-03-05") })}, checklist.Met, "2026-03-05"},
		{"of tomorrow", 1, []fact.Fact{visit("F", "2026-03-03", same)}, checklist.Missing, ""},
		{"corrected", 1, []fact.Fact{visit("F", "2026-03-01", func(f *fact.Fact) { f.SupersededBy = "G" })}, checklist.Missing, ""},
		{"not verified", 1, []fact.Fact{visit("F", "2026-03-01", func(f *fact.Fact) { f.VerifiedBy = "" })}, checklist.Unverified, ""},
		{"one of two", 2, []fact.Fact{visit("F", "2026-03-01", same)}, checklist.Missing, ""},
		{"two, one old", 2, []fact.Fact{visit("F", "2026-03-01", same), visit("G", "2025-03-01", same)}, checklist.Stale, ""},
		{"two", 2, []fact.Fact{visit("F", "2026-02-01", same), visit("G", "2026-03-01", same)}, checklist.Met, "2026-03-03"},
		{"three for two", 2, []fact.Fact{visit("F", "2026-02-01", same), visit("G", "2026-03-01", same), visit("H", "2026-02-15", same)}, checklist.Met, "2026-03-17"},
	}
	for _, c := range cases {
		wanted := criteria.Wanted{Kind: fact.KindVisit, Count: c.count, MaxAgeDays: 30, VerifiedOnly: true}
		item := checklist.Of([]criteria.Wanted{wanted}, c.facts, today)[0]
		if item.State != c.state || item.GoodUntil.String() != c.until {
			t.Errorf("%s: %s until %q, want %s until %q", c.name, item.State, item.GoodUntil, c.state, c.until)
		}
	}
}

// What is met stays met until the last day that it names, and not a day longer.
func TestGoodUntilIsTheLastDay(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		wanted := []criteria.Wanted{{
			Kind: fact.KindVisit, Count: rapid.IntRange(1, 3).Draw(t, "count"), MaxAgeDays: rapid.IntRange(0, 60).Draw(t, "age"),
		}}
		var facts []fact.Fact
		for i := range rapid.IntRange(0, 5).Draw(t, "facts") {
			f := visit(fmt.Sprint(i), today.AddDays(-rapid.IntRange(0, 80).Draw(t, "as of")).String(), func(*fact.Fact) {})
			if days := rapid.IntRange(0, 50).Draw(t, "valid for"); days > 0 {
				f.ValidUntil = f.AsOf.AddDays(days)
			}
			facts = append(facts, f)
		}
		item := checklist.Of(wanted, facts, today)[0]
		if item.State != checklist.Met {
			return
		}
		if item.GoodUntil.IsZero() {
			if later := checklist.Of(wanted, facts, today.AddDays(1000))[0]; later.State != checklist.Met {
				t.Fatalf("has no end, and is %s later", later.State)
			}
			return
		}
		if last := checklist.Of(wanted, facts, item.GoodUntil)[0]; last.State != checklist.Met {
			t.Fatalf("is %s on its last day %s", last.State, item.GoodUntil)
		}
		if after := checklist.Of(wanted, facts, item.GoodUntil.AddDays(1))[0]; after.State != checklist.Stale {
			t.Fatalf("is %s on the day after %s", after.State, item.GoodUntil)
		}
	})
}

// The checklist is never laxer than the indicators that need a fact.
func TestIndicatorsMakeItStricter(t *testing.T) {
	t.Parallel()
	p := criteria.Policy{
		Checklist: []criteria.Wanted{{Kind: fact.KindVisit, Count: 1, Role: "SALESPERSON"}, {Kind: fact.KindStatement, Count: 2, MaxAgeDays: 700, Role: "FINANCE_CLERK"}},
		Dimensions: []criteria.Dimension{{Rules: []criteria.Rule{
			{Indicator: criteria.CurrentRatio, MaxAgeDays: 550}, {Indicator: criteria.DebtToAssetRatio, VerifiedOnly: true},
			{Indicator: criteria.CollectionRate}, {Indicator: criteria.RiskyVentureShare, MaxAgeDays: 1},
		}}},
	}
	got := p.Wants()
	if len(got) != 2 || got[0].Kind != fact.KindVisit {
		t.Fatalf("%+v", got)
	}
	if s := got[1]; s.MaxAgeDays != 550 || !s.VerifiedOnly || s.Count != 2 || s.Role != "FINANCE_CLERK" || len(s.Indicators) != 2 {
		t.Fatalf("%+v", s)
	}
	if p.Checklist[1].MaxAgeDays != 700 {
		t.Fatal("the policy itself was changed")
	}
	p.Checklist = nil
	if got = p.Wants(); len(got) != 1 || got[0].Kind != fact.KindStatement || got[0].Role != "CREDIT_ANALYST" || got[0].Count != 1 {
		t.Fatalf("without a list: %+v", got)
	}
}
