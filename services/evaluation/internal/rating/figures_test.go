package rating

import (
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
	} {
		in := Inputs{Date: day, Facts: c.facts, Payment: payment.Record{FirstInvoice: day, LongestDaysLate: 41}}
		f, got := measure(&in, c.rule), ""
		if f.value != nil {
			got = f.value.RatString()
		}
		if got != c.want || (f.value == nil) != (f.why != "") {
			t.Errorf("%s: %q (%s), want %q", c.name, got, f.why, c.want)
		}
	}
}
