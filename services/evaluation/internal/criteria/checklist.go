package criteria

import (
	"fmt"
	"slices"

	"github.com/avalcredit/aval/services/evaluation/internal/fact"
	"github.com/avalcredit/aval/services/evaluation/internal/formula"
)

// collector gets what no rule gives to another role.
const collector = "CREDIT_ANALYST"

// Wanted is a kind of fact that a rating wants to have of every customer.
type Wanted struct {
	Kind fact.Kind
	// Count of different facts, at least 1.
	Count int
	// MaxAgeDays: older ones are stale; 0: no bound.
	MaxAgeDays int
	// VerifiedOnly: those that nobody verified do not count.
	VerifiedOnly bool
	// Role of who should get what is missing.
	Role string
	// Indicators that need it.
	Indicators []Indicator
}

// Needs returns the kind of fact without which the indicator has no value; empty: none.
// Nothing is needed of suits, enforcement and risky ventures: most firms have none.
func (i Indicator) Needs() fact.Kind {
	switch i {
	case DebtToAssetRatio, CurrentRatio, ConsecutiveLosses, CashFlowToDebt, InterestCover, AltmanZDoublePrime, AltmanZPrime,
		ReturnOnAssets:
		return fact.KindStatement
	case ExternalRating:
		return fact.KindExternalRating
	case BanksOverdue:
		return fact.KindBank
	case ReferencesAsAgreed, ReferenceDaysLate:
		return fact.KindReference
	case OperatingAtVisit:
		return fact.KindVisit
	default:
		return ""
	}
}

// Wants returns the whole checklist: what the policy names, in its order, made as strict
// as the indicators are, then what indicators need beside it.
func (p Policy) Wants() []Wanted {
	list := slices.Clone(p.Checklist)
	for _, r := range append(p.rules(), p.formulaRules(formula.Formula.Needs)...) {
		kind := r.Indicator.Needs()
		if kind == "" {
			continue
		}
		at := slices.IndexFunc(list, func(w Wanted) bool { return w.Kind == kind })
		if at < 0 {
			at = len(list)
			list = append(list, Wanted{Kind: kind, Count: 1, Role: collector})
		}
		list[at] = list[at].with(r)
	}
	return list
}

// rules are those of all dimensions and, as far as figures go, of the scorecard.
func (p Policy) rules() []Rule {
	var all []Rule
	for _, d := range p.Dimensions {
		all = append(all, d.Rules...)
	}
	if p.Scorecard != nil {
		for _, r := range p.Scorecard.Rules {
			all = append(all, r.Figure())
		}
	}
	return all
}

// with makes the wish as strict as a rule that needs it.
func (w Wanted) with(r Rule) Wanted {
	if r.MaxAgeDays > 0 && (w.MaxAgeDays == 0 || r.MaxAgeDays < w.MaxAgeDays) {
		w.MaxAgeDays = r.MaxAgeDays
	}
	w.VerifiedOnly = w.VerifiedOnly || r.VerifiedOnly
	if !slices.Contains(w.Indicators, r.Indicator) {
		w.Indicators = append(slices.Clone(w.Indicators), r.Indicator)
	}
	return w
}

func (p Policy) checkChecklist(bad func(field, rule, message string)) {
	seen := map[fact.Kind]bool{}
	for i, w := range p.Checklist {
		if seen[w.Kind] {
			bad(fmt.Sprintf("checklist[%d].kind", i), "unique", "is on the checklist twice")
		}
		seen[w.Kind] = true
	}
}
