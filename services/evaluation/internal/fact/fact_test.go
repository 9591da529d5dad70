package fact_test

import (
	"fmt"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/avalcredit/aval/pkg/calendar"
	"github.com/avalcredit/aval/pkg/errs"
	"github.com/avalcredit/aval/pkg/money"
	"github.com/avalcredit/aval/services/evaluation/internal/fact"
)

func yuan(minor int64) *money.Money { m := money.New(minor, "CNY"); return &m }

func lines(pairs map[string]int64) fact.Lines {
	l := fact.Lines{}
	for name, minor := range pairs {
		l[name] = money.New(minor, "CNY")
	}
	return l
}

// whole is a statement in which everything is told and adds up.
func whole() *fact.Statement {
	return &fact.Statement{
		PeriodStart: calendar.MustDate("2025-01-01"), PeriodEnd: calendar.MustDate("2025-12-31"),
		TotalAssets: yuan(1000), TotalLiabilities: yuan(600), CurrentAssets: yuan(400), CurrentLiabilities: yuan(350),
		Revenue: yuan(900), OperatingProfit: yuan(90), NetProfit: yuan(70), OperatingCashFlow: yuan(50),
		BalanceSheet: lines(map[string]int64{
			"monetary_funds": 100, "accounts_receivable": 200, "inventories": 90, "non_current_assets": 600, "fixed_assets": 600,
			"short_term_borrowings": 200, "accounts_payable": 150, "non_current_liabilities": 250, "long_term_borrowings": 250, "total_equity": 400,
			"paid_in_capital": 300, "other_equity_instruments": 0, "capital_reserve": 20, "other_comprehensive_income": -5, "treasury_shares": 10,
			"surplus_reserve": 35, "undistributed_profit": 60, "minority_interests": 0,
		}),
		Income: lines(map[string]int64{"non_operating_income": 10, "non_operating_expenses": 5, "total_profit": 95, "income_tax": 25}),
		CashFlow: lines(map[string]int64{
			"operating_inflow": 950, "operating_outflow": 900, "investing_cash_flow": -30, "financing_cash_flow": 10,
			"exchange_rate_effect": 0, "net_increase_in_cash": 30, "opening_cash": 70, "closing_cash": 100,
		}),
	}
}

func check(s *fact.Statement) []errs.Violation {
	f := fact.Fact{ID: "F-1", AsOf: s.PeriodEnd, Content: fact.Content{Statement: s}}
	e, ok := errs.As(f.Validate(calendar.MustDate("2026-03-02")))
	if !ok {
		return nil
	}
	return e.Violations
}

func TestStatementAddsUp(t *testing.T) {
	t.Parallel()
	if found := check(whole()); found != nil {
		t.Fatalf("a statement that adds up is refused: %v", found)
	}
	cases := map[string]struct {
		spoil func(*fact.Statement)
		field string
		rule  string
	}{
		"assets are not liabilities and equity":  {func(s *fact.Statement) { s.BalanceSheet["total_equity"] = *yuan(401) }, "fact.financial_statement.total_assets", "identity"},
		"assets are not current and others":      {func(s *fact.Statement) { s.CurrentAssets = yuan(401) }, "fact.financial_statement.total_assets", "identity"},
		"liabilities are not current and others": {func(s *fact.Statement) { s.CurrentLiabilities = yuan(351) }, "fact.financial_statement.total_liabilities", "identity"},
		"equity is not its lines":                {func(s *fact.Statement) { s.BalanceSheet["treasury_shares"] = *yuan(0) }, "fact.financial_statement.balance_sheet.total_equity", "identity"},
		"profit before tax":                      {func(s *fact.Statement) { s.OperatingProfit = yuan(91) }, "fact.financial_statement.income_statement.total_profit", "identity"},
		"net profit":                             {func(s *fact.Statement) { s.NetProfit = yuan(71) }, "fact.financial_statement.net_profit", "identity"},
		"operating cash":                         {func(s *fact.Statement) { s.CashFlow["operating_inflow"] = *yuan(951) }, "fact.financial_statement.operating_cash_flow", "identity"},
		"net increase":                           {func(s *fact.Statement) { s.CashFlow["financing_cash_flow"] = *yuan(11) }, "fact.financial_statement.cash_flow_statement.net_increase_in_cash", "identity"},
		"closing cash":                           {func(s *fact.Statement) { s.CashFlow["opening_cash"] = *yuan(71) }, "fact.financial_statement.cash_flow_statement.closing_cash", "identity"},
		"parts above their total":                {func(s *fact.Statement) { s.BalanceSheet["inventories"] = *yuan(101) }, "fact.financial_statement.current_assets", "parts"},
		"current above all assets": {func(s *fact.Statement) {
			delete(s.BalanceSheet, "non_current_assets")
			s.CurrentAssets = yuan(1_000_001)
		}, "fact.financial_statement.total_assets", "parts"},
		"current above all liabilities": {func(s *fact.Statement) {
			delete(s.BalanceSheet, "non_current_liabilities")
			s.CurrentLiabilities = yuan(1_000_001)
		}, "fact.financial_statement.total_liabilities", "parts"},
		"a stock below zero": {func(s *fact.Statement) { s.BalanceSheet["inventories"] = *yuan(-1) }, "fact.financial_statement.balance_sheet.inventories", "not_negative"},
		"another currency":   {func(s *fact.Statement) { s.Income["income_tax"] = money.New(25, "USD") }, "fact.financial_statement.income_statement.income_tax", "same_currency"},
	}
	for name, c := range cases {
		s := whole()
		c.spoil(s)
		if !slices.ContainsFunc(check(s), func(v errs.Violation) bool { return v.Field == c.field && v.Rule == c.rule }) {
			t.Errorf("%s: %v", name, check(s))
		}
	}
}

// What is unknown is never taken for zero: leaving out lines never makes a statement wrong.
func TestUnknownLinesAreNotZero(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		s := whole()
		for _, section := range []fact.Lines{s.BalanceSheet, s.Income, s.CashFlow} {
			for name := range section {
				if rapid.Bool().Draw(t, name) {
					delete(section, name)
				}
			}
		}
		for i, total := range []**money.Money{&s.TotalAssets, &s.TotalLiabilities, &s.CurrentAssets, &s.CurrentLiabilities, &s.OperatingProfit, &s.NetProfit, &s.OperatingCashFlow} {
			if rapid.Bool().Draw(t, fmt.Sprint("total", i)) {
				*total = nil
			}
		}
		if found := check(s); found != nil {
			t.Fatalf("%v", found)
		}
	})
}

func TestCorrectionIsOfTheSameKind(t *testing.T) {
	t.Parallel()
	suit := fact.Fact{ID: "F-1", Content: fact.Content{Litigation: &fact.Litigation{Open: true}}}
	closed := fact.Fact{ID: "F-2", Supersedes: "F-1", Content: fact.Content{Litigation: &fact.Litigation{}}}
	if err := closed.Corrects(suit); err != nil {
		t.Fatal(err)
	}
	visit := fact.Fact{ID: "F-3", Supersedes: "F-1", Content: fact.Content{Visit: &fact.Visit{Visitors: "x", Findings: "y"}}}
	if err := visit.Corrects(suit); errs.ReasonOf(err) != fact.ReasonOtherKind {
		t.Errorf("a visit corrects a suit: %v", err)
	}
	suit.SupersededBy = "F-2"
	if err := closed.Corrects(suit); errs.ReasonOf(err) != fact.ReasonSuperseded {
		t.Errorf("a fact is corrected twice: %v", err)
	}
}

func TestValidateNamesTheField(t *testing.T) {
	t.Parallel()
	today := calendar.MustDate("2026-03-02")
	cases := map[string]fact.Content{
		"fact.enforcement_record.amount":        {Enforcement: &fact.Enforcement{Amount: yuan(-1)}},
		"fact.enforcement_record.filing_date":   {Enforcement: &fact.Enforcement{FilingDate: today.AddDays(1)}},
		"fact.credit_report.recommended_limit":  {Report: &fact.Report{Agency: "x", RecommendedLimit: yuan(-1)}},
		"fact.bank_reference.used":              {Bank: &fact.Bank{Bank: "x", Used: yuan(-1)}},
		"fact.bank_reference.client_since_date": {Bank: &fact.Bank{Bank: "x", ClientSince: today.AddDays(1)}},
		"fact.guarantee.amount":                 {Guarantee: &fact.Guarantee{Amount: yuan(-1)}},
		"fact.trade_reference.highest_credit":   {Reference: &fact.Reference{HighestCredit: yuan(-1)}},
		"fact.litigation.filing_date":           {Litigation: &fact.Litigation{FilingDate: today.AddDays(1)}},
		"fact.content":                          {},
	}
	for field, content := range cases {
		e, ok := errs.As(fact.Fact{ID: "F-1", AsOf: today, Content: content}.Validate(today))
		if !ok || e.Violations[0].Field != field {
			t.Errorf("%s: %v", field, e)
		}
	}
}

func TestBadNews(t *testing.T) {
	t.Parallel()
	today := calendar.MustDate("2026-03-02")
	rated := func(id, agency, rating, asOf string) fact.Fact {
		return fact.Fact{ID: id, AsOf: calendar.MustDate(asOf), Content: fact.Content{ExternalRating: &fact.ExternalRating{Agency: agency, Rating: rating}}}
	}
	now := func(c fact.Content) fact.Fact { return fact.Fact{ID: "F-9", AsOf: today, Content: c} }
	before := []fact.Fact{
		rated("F-1", "X", "BBB", "2025-01-01"), rated("F-2", "X", "AA", "2026-01-01"), rated("F-3", "Y", "A", "2026-01-01"),
		rated("F-4", "Z", "Aa2", "2026-01-01"), rated("F-5", "W", "fair", "2026-01-01"),
	}
	cases := []struct {
		name string
		fact fact.Fact
		bad  bool
	}{
		{"open suit", now(fact.Content{Litigation: &fact.Litigation{Open: true}}), true},
		{"closed suit", now(fact.Content{Litigation: &fact.Litigation{}}), false},
		{"enforced", now(fact.Content{Enforcement: &fact.Enforcement{Open: true}}), true},
		{"dishonest", now(fact.Content{Enforcement: &fact.Enforcement{Dishonest: true}}), true},
		{"fulfilled", now(fact.Content{Enforcement: &fact.Enforcement{}}), false},
		{"venture", now(fact.Content{Venture: &fact.Venture{ShareOfAssets: "0.5"}}), true},
		{"overdue at a bank", now(fact.Content{Bank: &fact.Bank{Overdue: true}}), true},
		{"loss", now(fact.Content{Statement: &fact.Statement{NetProfit: yuan(-1)}}), true},
		{"more debts than assets", now(fact.Content{Statement: &fact.Statement{TotalAssets: yuan(1), TotalLiabilities: yuan(2)}}), true},
		{"profit", now(fact.Content{Statement: &fact.Statement{NetProfit: yuan(1)}}), false},
		{"visit", now(fact.Content{Visit: &fact.Visit{}}), false},
		{"downgrade", rated("F-9", "X", "AA-", "2026-03-01"), true},
		{"downgrade of the other scale", rated("F-9", "Z", "A1", "2026-03-01"), true},
		{"same again", rated("F-9", "X", "AA", "2026-03-01"), false},
		{"upgrade", rated("F-9", "X", "AAA", "2026-03-01"), false},
		{"another agency", rated("F-9", "Y", "A+", "2026-03-01"), false},
		{"first of an agency", rated("F-9", "V", "D", "2026-03-01"), false},
		{"no known scale", rated("F-9", "W", "poor", "2026-03-01"), false},
		{"a rating of before", rated("F-9", "X", "C", "2025-06-01"), true},
	}
	for _, c := range cases {
		news := c.fact.BadNews(append(slices.Clone(before), c.fact), today)
		if (news != "") != c.bad {
			t.Errorf("%s: %q", c.name, news)
		}
		if c.bad && !c.fact.MayMatter() {
			t.Errorf("%s is bad news, and is not looked at", c.name)
		}
	}
	corrected := rated("F-9", "X", "BB", "2026-01-01")
	corrected.Supersedes = "F-2"
	before[1].SupersededBy = "F-9"
	if corrected.BadNews(before, today) == "" {
		t.Error("a correction downwards is no news")
	}
}
