package fact

import (
	"maps"
	"slices"

	"github.com/avalcredit/aval/pkg/calendar"
	"github.com/avalcredit/aval/pkg/errs"
	"github.com/avalcredit/aval/pkg/money"
)

// Validate checks a fact that is to be recorded on a day. Its error has kind Invalid,
// reason INVALID_FIELD and names every field at fault, as "fact.<field>".
func (f Fact) Validate(today calendar.Date) error {
	var found []errs.Violation
	bad := func(field, rule, message string) {
		found = append(found, errs.Violation{Field: "fact." + field, Rule: rule, Message: message})
	}
	if f.AsOf.After(today) {
		bad("as_of_date", "not_in_future", "lies in the future")
	}
	if !f.ValidUntil.IsZero() && f.ValidUntil.Before(f.AsOf) {
		bad("valid_until_date", "order", "is before as_of_date")
	}
	if f.Supersedes != "" && f.Supersedes == f.ID {
		bad("supersedes_fact_id", "other", "names the fact itself")
	}
	if f.Content.count() != 1 {
		bad("content", "required", "exactly one kind of content is given")
	}
	if s := f.Content.Statement; s != nil {
		s.validate(today, bad)
	}
	amounts, days := f.Content.amounts(), f.Content.days()
	for _, field := range slices.Sorted(maps.Keys(amounts)) {
		if a := amounts[field]; a != nil && a.IsNegative() {
			bad(field, "not_negative", "is below zero")
		}
	}
	for _, field := range slices.Sorted(maps.Keys(days)) {
		if days[field].After(today) {
			bad(field, "not_in_future", "lies in the future")
		}
	}
	if r := f.Content.Ratios; r != nil && *r == (Ratios{}) {
		bad("reported_ratios", "required", "give one ratio at least")
	}
	if v := f.Content.Venture; v != nil {
		switch {
		case v.ShareOfAssets == "" && v.CommittedCapital == nil:
			bad("risky_venture", "required", "give share_of_assets or committed_capital")
		case v.CommittedCapital != nil && v.CommittedCapital.IsNegative():
			bad("risky_venture.committed_capital", "not_negative", "is below zero")
		}
	}
	return errs.Fields(found...)
}

func (s *Statement) validate(today calendar.Date, bad func(field, rule, message string)) {
	const at = "financial_statement."
	if s.PeriodEnd.Before(s.PeriodStart) {
		bad(at+"period_end_date", "order", "is before period_start_date")
	}
	if s.PeriodEnd.After(today) {
		bad(at+"period_end_date", "not_in_future", "lies in the future")
	}
	currency := ""
	for _, a := range s.amounts() {
		if a.amount == nil {
			continue
		}
		if currency == "" {
			currency = a.amount.Currency
		}
		if a.amount.Currency != currency {
			bad(at+a.field, "same_currency", "a statement is in one currency")
		}
		if a.stock && a.amount.IsNegative() {
			bad(at+a.field, "not_negative", "is below zero")
		}
	}
	s.check(bad)
}

type namedAmount struct {
	field  string
	amount *money.Money
	// stock amounts of a balance sheet, and expenses, are never below zero.
	stock bool
}

func (s *Statement) amounts() []namedAmount {
	return []namedAmount{
		{"total_assets", s.TotalAssets, true},
		{"total_liabilities", s.TotalLiabilities, true},
		{"current_assets", s.CurrentAssets, true},
		{"current_liabilities", s.CurrentLiabilities, true},
		{"revenue", s.Revenue, false},
		{"operating_profit", s.OperatingProfit, false},
		{"net_profit", s.NetProfit, false},
		{"operating_cash_flow", s.OperatingCashFlow, false},
		{"retained_earnings", s.RetainedEarnings, false},
		{"interest_expense", s.InterestExpense, true},
	}
}

func (c Content) count() int {
	n := 0
	for _, set := range []bool{
		c.Statement != nil, c.Litigation != nil, c.Venture != nil,
		c.Reference != nil, c.ExternalRating != nil, c.Guarantee != nil, c.Ratios != nil,
		c.Enforcement != nil, c.Report != nil, c.Bank != nil, c.Visit != nil,
	} {
		if set {
			n++
		}
	}
	return n
}
