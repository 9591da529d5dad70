package rating

import (
	"math/big"
	"strings"
	"testing"

	"github.com/avalcredit/aval/pkg/calendar"
	"github.com/avalcredit/aval/pkg/money"
	"github.com/avalcredit/aval/services/evaluation/internal/criteria"
	"github.com/avalcredit/aval/services/evaluation/internal/fact"
	"github.com/avalcredit/aval/services/evaluation/internal/payment"
)

func suitFact(id, asOf string, open bool) fact.Fact {
	return fact.Fact{ID: id, AsOf: calendar.MustDate(asOf), Content: fact.Content{Litigation: &fact.Litigation{Open: open}}}
}

func finding(id, asOf string, c fact.Content) fact.Fact {
	return fact.Fact{ID: id, AsOf: calendar.MustDate(asOf), Content: c}
}

// scaled maps AA and B of any agency, and the grades 1 and 2 of Y.
func scaled() criteria.Rule {
	return criteria.Rule{Indicator: criteria.ExternalRating, Scales: []criteria.Scale{
		{Points: map[string]*big.Rat{"AA": decimal("90"), "B": decimal("20")}},
		{Agency: "Y", Points: map[string]*big.Rat{"1": decimal("100"), "2": decimal("70.5")}},
	}}
}

func TestPurchasesByYear(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, first  string
		last, before int64
		i            criteria.Indicator
		want         string
	}{
		{"size in units", "2023-01-01", 150_000, 120_000, criteria.YearlyPurchases, "1500"},
		{"growth", "2024-03-02", 150_000, 120_000, criteria.OrderGrowth, "0.25"},
		{"shrinking", "2023-01-01", 60_000, 120_000, criteria.OrderGrowth, "-0.5"},
		{"a young relation has no growth", "2024-03-03", 150_000, 120_000, criteria.OrderGrowth, ""},
		{"nothing to compare with", "2023-01-01", 150_000, 0, criteria.OrderGrowth, ""},
	} {
		last, before := money.New(c.last, "CNY"), money.New(c.before, "CNY")
		in := Inputs{Date: calendar.MustDate("2026-03-02"), Currency: "CNY", Payment: payment.Record{
			FirstInvoice: calendar.MustDate(c.first), LastYear: &last, YearBefore: &before,
		}}
		f, got := measure(&in, criteria.Rule{Indicator: c.i}), ""
		if f.value != nil {
			got = text(f.value)
		}
		if got != c.want {
			t.Errorf("%s: %q (%s), want %q", c.name, got, f.why, c.want)
		}
	}
}

func TestFiguresOfFacts(t *testing.T) {
	t.Parallel()
	day := calendar.MustDate("2026-03-02")
	m := func(minor int64) *money.Money { v := money.New(minor, "CNY"); return &v }
	statement := fact.Fact{ID: "S", AsOf: calendar.MustDate("2025-12-31"), Content: fact.Content{Statement: &fact.Statement{
		PeriodEnd: calendar.MustDate("2025-12-31"), TotalAssets: m(900), NetProfit: m(-30), OperatingProfit: m(70), InterestExpense: m(30),
	}}}
	ratios := fact.Fact{ID: "R", AsOf: calendar.MustDate("2025-12-31"), Content: fact.Content{Ratios: &fact.Ratios{InterestCover: "9", DebtToAssets: "0.5"}}}
	none := statement
	none.Content.Statement = &fact.Statement{PeriodEnd: statement.Content.Statement.PeriodEnd, OperatingProfit: m(70), InterestExpense: m(0)}
	for _, c := range []struct {
		name  string
		rule  criteria.Rule
		facts []fact.Fact
		want  string // empty: missing
	}{
		{"one suit of three is open and recent", criteria.Rule{Indicator: criteria.OpenSuits, MaxAgeDays: 90},
			[]fact.Fact{suitFact("1", "2026-02-01", true), suitFact("2", "2026-02-01", false), suitFact("3", "2025-02-01", true)}, "1"},
		{"all closed", criteria.Rule{Indicator: criteria.OpenSuits}, []fact.Fact{suitFact("2", "2026-02-01", false)}, "0"},
		{"none recorded is not none", criteria.Rule{Indicator: criteria.OpenSuits}, nil, ""},
		{"interest cover", criteria.Rule{Indicator: criteria.InterestCover}, []fact.Fact{statement}, "7/3"},
		{"a statement goes before ratios", criteria.Rule{Indicator: criteria.InterestCover}, []fact.Fact{ratios, statement}, "7/3"},
		{"what the statement does not say stays missing", criteria.Rule{Indicator: criteria.DebtToAssetRatio}, []fact.Fact{ratios, statement}, ""},
		{"ratios where there is no statement", criteria.Rule{Indicator: criteria.InterestCover}, []fact.Fact{ratios}, "9"},
		{"ratios that do not say", criteria.Rule{Indicator: criteria.CurrentRatio}, []fact.Fact{ratios}, ""},
		{"ratios too old", criteria.Rule{Indicator: criteria.InterestCover, MaxAgeDays: 30}, []fact.Fact{ratios}, ""},
		{"no interest to divide by", criteria.Rule{Indicator: criteria.InterestCover}, []fact.Fact{none}, ""},
		{"return on assets", criteria.Rule{Indicator: criteria.ReturnOnAssets}, []fact.Fact{statement}, "-1/30"},
		{"longest days late", criteria.Rule{Indicator: criteria.LongestDaysLate}, nil, "41"},
		{"an open judgement and a dishonest debtor", criteria.Rule{Indicator: criteria.OpenEnforcements}, []fact.Fact{
			finding("1", "2026-01-01", fact.Content{Enforcement: &fact.Enforcement{Open: true}}),
			finding("2", "2026-01-01", fact.Content{Enforcement: &fact.Enforcement{Dishonest: true}}),
			finding("3", "2026-01-01", fact.Content{Enforcement: &fact.Enforcement{}}),
		}, "2"},
		{"no enforcement is recorded", criteria.Rule{Indicator: criteria.OpenEnforcements}, nil, ""},
		{"each bank's newest word", criteria.Rule{Indicator: criteria.BanksOverdue}, []fact.Fact{
			finding("1", "2026-01-01", fact.Content{Bank: &fact.Bank{Bank: "X", Overdue: true}}),
			finding("2", "2026-02-01", fact.Content{Bank: &fact.Bank{Bank: "X"}}),
			finding("3", "2026-01-01", fact.Content{Bank: &fact.Bank{Bank: "Y", Overdue: true}}),
		}, "1"},
		{"share of references", criteria.Rule{Indicator: criteria.ReferencesAsAgreed}, []fact.Fact{
			finding("1", "2026-01-01", fact.Content{Reference: &fact.Reference{Referee: "X", PaysAsAgreed: true}}),
			finding("2", "2026-01-01", fact.Content{Reference: &fact.Reference{Referee: "Y", AverageDaysLate: 9}}),
			finding("3", "2026-02-01", fact.Content{Reference: &fact.Reference{Referee: "Z", AverageDaysLate: 12}}),
		}, "1/3"},
		{"slowest reference, each referee's newest", criteria.Rule{Indicator: criteria.ReferenceDaysLate}, []fact.Fact{
			finding("1", "2026-01-01", fact.Content{Reference: &fact.Reference{Referee: "X", AverageDaysLate: 60}}),
			finding("2", "2026-02-01", fact.Content{Reference: &fact.Reference{Referee: "X", AverageDaysLate: 9}}),
			finding("3", "2026-01-01", fact.Content{Reference: &fact.Reference{Referee: "Y", AverageDaysLate: 12}}),
		}, "12"},
		{"newest visit", criteria.Rule{Indicator: criteria.OperatingAtVisit}, []fact.Fact{
			finding("1", "2026-01-01", fact.Content{Visit: &fact.Visit{Operating: true}}),
			finding("2", "2026-02-01", fact.Content{Visit: &fact.Visit{}}),
		}, "0"},
		{"of two agencies the lower", scaled(), []fact.Fact{
			finding("1", "2026-02-01", fact.Content{ExternalRating: &fact.ExternalRating{Agency: "X", Rating: "AA"}}),
			finding("2", "2026-01-01", fact.Content{ExternalRating: &fact.ExternalRating{Agency: "X", Rating: "B"}}),
			finding("3", "2026-01-01", fact.Content{Report: &fact.Report{Agency: "Y", Rating: "2"}}),
		}, "70.5"},
		{"a scale of its own comes first", scaled(), []fact.Fact{
			finding("3", "2026-01-01", fact.Content{Report: &fact.Report{Agency: "Y", Rating: "AA"}}),
		}, ""},
		{"no rating", scaled(), []fact.Fact{finding("3", "2026-01-01", fact.Content{Report: &fact.Report{Agency: "Y"}})}, ""},
		{"promises are not told", criteria.Rule{Indicator: criteria.BrokenPromises}, nil, ""},
		{"purchases are not told", criteria.Rule{Indicator: criteria.YearlyPurchases}, nil, ""},
	} {
		in := Inputs{Date: day, Facts: c.facts, Payment: payment.Record{FirstInvoice: day, LongestDaysLate: 41}}
		f, got := measure(&in, c.rule), ""
		if f.value != nil {
			got = text(f.value)
			if c.want != "" && strings.Contains(c.want, "/") {
				got = f.value.RatString()
			}
		}
		if got != c.want || (f.value == nil) != (f.why != "") {
			t.Errorf("%s: %q (%s), want %q", c.name, got, f.why, c.want)
		}
	}
}
