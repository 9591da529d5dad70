package criteria

import (
	"slices"

	"github.com/avalcredit/aval/services/evaluation/internal/formula"
)

// Formula is a formula of the policy and what it may look at.
type Formula struct {
	formula.Formula
	// Facts says how old facts may be, whether they must be verified, and how many settled
	// invoices make a payment record. Its indicator is empty.
	Facts Rule
}

// Rule is how the formula measures an indicator.
func (f Formula) Rule(i Indicator) Rule {
	r := f.Facts
	r.Indicator = i
	return r
}

// rules are those of the indicators that the names tell.
func (f *Formula) rules(names func(formula.Formula) []string) []Rule {
	if f == nil {
		return nil
	}
	var all []Rule
	for _, name := range names(f.Formula) {
		if i := Indicator(name); slices.Contains(Indicators(), i) {
			all = append(all, f.Rule(i))
		}
	}
	return all
}

// formulaRules are those of both formulas.
func (p Policy) formulaRules(names func(formula.Formula) []string) []Rule {
	return slices.Concat(p.Limit.Formula.rules(names), p.Term.rules(names))
}

func (l Limit) check(bad func(field, rule, message string)) {
	switch {
	case (l.Usual == Percentile) != (l.Percentile > 0):
		bad("limit.percentile", "percentile", "goes with USUAL_PURCHASE_PERCENTILE, which needs 1 to 99")
	case l.Formula == nil && l.Factor.Num <= 0:
		bad("limit.factor", "positive", "must be above zero")
	case l.Formula != nil && l.Factor.Num != 0:
		bad("limit.factor", "one_form", "the formula gives the limit: leave the factor out")
	}
}
