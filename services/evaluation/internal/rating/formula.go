package rating

import (
	"cmp"
	"fmt"
	"math/big"
	"slices"

	"github.com/avalcredit/aval/pkg/money"
	"github.com/avalcredit/aval/services/evaluation/internal/criteria"
	"github.com/avalcredit/aval/services/evaluation/internal/fact"
	"github.com/avalcredit/aval/services/evaluation/internal/formula"
)

// formulaLimit works the policy's formula out. Where it cannot be, no limit is recommended,
// and what was worked out says why.
func (j *judgement) formulaLimit(in *Inputs, p *criteria.Policy) *money.Money {
	look := looking{in: in, policy: p, judged: j, formula: p.Limit.Formula}
	v, worked := p.Limit.Formula.Work(look.given)
	j.limitFormula = &worked
	if v == nil {
		return nil
	}
	m, ok := amountOf(v, in.Currency)
	if !ok {
		worked.Value, worked.Error = "", "the result is above the greatest amount there is"
		return nil
	}
	return &m
}

// amountOf rounds units of a currency half up to its minor unit; below zero it is zero. It
// fails above the greatest amount.
func amountOf(v *big.Rat, currency string) (money.Money, bool) {
	minor := new(big.Rat).Quo(v, unitOf(currency))
	n := formula.Floor(minor.Add(minor, big.NewRat(1, 2)))
	switch {
	case n.Sign() <= 0:
		return money.Zero(currency), true
	case n.Cmp(big.NewInt(money.MaxMinor)) > 0:
		return money.Money{}, false
	default:
		return money.New(n.Int64(), currency), true
	}
}

// formulaTerm cuts what the formula gives to whole days, at most the longest term of the
// treatment. Where it cannot be worked out there is no term.
func (j *judgement) formulaTerm(in *Inputs, p *criteria.Policy) int {
	look := looking{in: in, policy: p, judged: j, formula: p.Term}
	v, worked := p.Term.Work(look.given)
	j.termFormula = &worked
	if v == nil || v.Sign() < 0 {
		return 0
	}
	if days := formula.Floor(v); days.Cmp(big.NewInt(int64(j.TermDays))) < 0 {
		return int(days.Int64())
	}
	return j.TermDays
}

// looking gives a formula its inputs.
type looking struct {
	in      *Inputs
	policy  *criteria.Policy
	judged  *judgement
	formula *criteria.Formula
}

func have(v *big.Rat, unit string, facts ...string) formula.Given {
	return formula.Given{Value: formula.NumberOf(v), Unit: unit, FactIDs: facts}
}

// given tells an input by its name: one of formula.Inputs, or an indicator.
func (l looking) given(name string) formula.Given {
	meaning, ok := formula.InputNamed(name)
	if !ok {
		rule := l.formula.Rule(criteria.Indicator(name))
		f := measure(l.in, rule)
		if f.value == nil {
			return formula.Given{Unit: rule.Indicator.Unit(), Missing: f.why}
		}
		return have(f.value, rule.Indicator.Unit(), f.facts...)
	}
	g := l.named(name)
	g.Unit = cmp.Or(meaning.Unit, string(formula.Text))
	return g
}

func (l looking) named(name string) formula.Given {
	switch name {
	case "grade":
		return formula.Given{Value: formula.TextOf(string(l.judged.Grade))}
	case "currency":
		return formula.Given{Value: formula.TextOf(l.in.Currency)}
	case "score":
		if l.judged.score.score == nil {
			return formula.Given{Missing: "the policy's scorecard gave no score"}
		}
		return have(l.judged.score.score, "")
	case "max_term_days":
		return have(whole(int64(l.judged.TermDays)), "")
	case "limit":
		if l.judged.Limit == nil {
			return formula.Given{Missing: "no limit can be recommended"}
		}
		return l.money(l.judged.Limit.Minor)
	case "usual_purchase", "largest_purchase", "purchases", "invoices", "monthly_purchases", "open_amount":
		return l.trade(name)
	case "guarantees", "bureau_limit", "bank_credit_line", "reference_highest_credit":
		return l.told(name)
	default:
		return l.statement(name)
	}
}

func (l looking) money(minor int64) formula.Given {
	return have(new(big.Rat).Mul(whole(minor), unitOf(l.in.Currency)), "")
}

// trade are the inputs of what the customer bought.
func (l looking) trade(name string) formula.Given {
	p := l.in.Payment
	switch name {
	case "open_amount":
		return l.money(p.Open.Minor)
	case "invoices":
		return have(whole(int64(len(p.InvoiceMinor))), "")
	case "usual_purchase":
		usual := usualPurchase(l.in, l.policy.Limit)
		switch {
		case usual == nil:
			return formula.Given{Missing: usualText(*l.in, l.policy.Limit)}
		case usual.Currency != l.in.Currency:
			return formula.Given{Missing: "the usual purchase is stated in " + usual.Currency}
		}
		return l.money(usual.Minor)
	}
	if len(p.InvoiceMinor) == 0 {
		return formula.Given{Missing: fmt.Sprintf("no invoice within %d months", l.policy.Limit.WindowMonths)}
	}
	if name == "largest_purchase" {
		return l.money(slices.Max(p.InvoiceMinor))
	}
	sum := new(big.Rat)
	for _, m := range p.InvoiceMinor {
		sum.Add(sum, whole(m))
	}
	sum.Mul(sum, unitOf(l.in.Currency))
	if name == "monthly_purchases" {
		sum.Quo(sum, whole(int64(l.policy.Limit.WindowMonths)))
	}
	return have(sum, "")
}

// statement are the inputs of the newest usable statement.
func (l looking) statement(name string) formula.Given {
	all := statements(l.in, l.formula.Facts)
	if len(all) == 0 {
		return formula.Given{Missing: "no usable financial statement"}
	}
	newest := all[0]
	if tooOld(newest.AsOf, l.in.Date, l.formula.Facts) {
		return formula.Given{Missing: "the newest financial statement is older than the policy allows"}
	}
	s := newest.Content.Statement
	part, without := s.TotalAssets, (*money.Money)(nil)
	switch name {
	case "equity":
		without = s.TotalLiabilities
	case "working_capital":
		part, without = s.CurrentAssets, s.CurrentLiabilities
	case "revenue":
		part = s.Revenue
	case "net_profit":
		part = s.NetProfit
	case "operating_cash_flow":
		part = s.OperatingCashFlow
	default: // total assets
	}
	if part == nil || without == nil && (name == "equity" || name == "working_capital") {
		return formula.Given{Missing: "the newest financial statement does not say"}
	}
	if part.Currency != l.in.Currency {
		return formula.Given{Missing: "the newest financial statement is in " + part.Currency}
	}
	minor := whole(part.Minor)
	if without != nil {
		minor.Sub(minor, whole(without.Minor))
	}
	return have(minor.Mul(minor, unitOf(l.in.Currency)), "", newest.ID)
}

// told are the inputs of what others said or gave.
func (l looking) told(name string) formula.Given {
	sum, ids := new(big.Rat), []string(nil)
	for _, f := range l.telling(name) {
		amount := toldAmount(name, f.Content)
		sum.Add(sum, whole(amount.Minor))
		ids = append(ids, f.ID)
	}
	if len(ids) == 0 {
		return formula.Given{Missing: "nothing usable is recorded of it in " + l.in.Currency}
	}
	return have(sum.Mul(sum, unitOf(l.in.Currency)), "", ids...)
}

// telling are the facts whose amounts make up an input.
func (l looking) telling(name string) []*fact.Fact {
	found := usable(l.in, l.formula.Facts, func(c fact.Content) bool {
		a := toldAmount(name, c)
		return a != nil && a.Currency == l.in.Currency
	})
	found = slices.DeleteFunc(found, func(f *fact.Fact) bool {
		g := f.Content.Guarantee
		over := g != nil && !g.ExpiryDate.IsZero() && g.ExpiryDate.Before(l.in.Date)
		return over || tooOld(f.AsOf, l.in.Date, l.formula.Facts)
	})
	newest := func(a, b *fact.Fact) int {
		return cmp.Or(b.AsOf.Compare(a.AsOf), cmp.Compare(b.Sequence, a.Sequence))
	}
	switch name {
	case "bureau_limit":
		slices.SortStableFunc(found, newest)
		return found[:min(1, len(found))]
	case "bank_credit_line":
		slices.SortStableFunc(found, newest)
		var banks []string
		return slices.DeleteFunc(found, func(f *fact.Fact) bool {
			seen := slices.Contains(banks, f.Content.Bank.Bank)
			banks = append(banks, f.Content.Bank.Bank)
			return seen
		})
	case "reference_highest_credit":
		slices.SortStableFunc(found, func(a, b *fact.Fact) int {
			return cmp.Compare(b.Content.Reference.HighestCredit.Minor, a.Content.Reference.HighestCredit.Minor)
		})
		return found[:min(1, len(found))]
	default:
		return found
	}
}

func toldAmount(name string, c fact.Content) *money.Money {
	switch {
	case name == "guarantees" && c.Guarantee != nil:
		return c.Guarantee.Amount
	case name == "bureau_limit" && c.Report != nil:
		return c.Report.RecommendedLimit
	case name == "bank_credit_line" && c.Bank != nil:
		return c.Bank.CreditLine
	case name == "reference_highest_credit" && c.Reference != nil:
		return c.Reference.HighestCredit
	default:
		return nil
	}
}
