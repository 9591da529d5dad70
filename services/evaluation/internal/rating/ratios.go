package rating

import (
	"math/big"
	"slices"

	"github.com/avalcredit/aval/pkg/money"
	"github.com/avalcredit/aval/services/evaluation/internal/criteria"
	"github.com/avalcredit/aval/services/evaluation/internal/fact"
)

// composed computes the indicators that several figures of a statement make up; ok is
// false for the others.
func composed(f *fact.Fact, i criteria.Indicator) (res figure, ok bool) {
	model, ok := altmanOf(i)
	if !ok {
		return figure{}, false
	}
	v := model.score(partsOf(*f.Content.Statement))
	if v == nil {
		return missing("the newest financial statement does not say all that the formula needs"), true
	}
	return figure{value: v, facts: []string{f.ID}, asOf: f.AsOf}, true
}

func partsOf(s fact.Statement) altmanParts {
	return altmanParts{
		workingCapital:   over(less(s.CurrentAssets, s.CurrentLiabilities), s.TotalAssets),
		retainedEarnings: over(minor(s.RetainedEarnings), s.TotalAssets),
		operatingProfit:  over(minor(s.OperatingProfit), s.TotalAssets),
		equity:           over(less(s.TotalAssets, s.TotalLiabilities), s.TotalLiabilities),
		sales:            over(minor(s.Revenue), s.TotalAssets),
	}
}

func minor(m *money.Money) *big.Int {
	if m == nil {
		return nil
	}
	return big.NewInt(m.Minor)
}

func less(a, b *money.Money) *big.Int {
	if a == nil || b == nil {
		return nil
	}
	return new(big.Int).Sub(big.NewInt(a.Minor), big.NewInt(b.Minor))
}

// over is nil where either is unknown or there is nothing to divide by.
func over(part *big.Int, whole *money.Money) *big.Rat {
	if part == nil || whole == nil || !whole.IsPositive() {
		return nil
	}
	return new(big.Rat).SetFrac(part, big.NewInt(whole.Minor))
}

// fromRatios takes the newest reported ratios, where there is no statement; of several of
// one day the one recorded last.
func fromRatios(in *Inputs, rule criteria.Rule) figure {
	found := usable(in, rule, func(c fact.Content) bool { return c.Ratios != nil })
	if len(found) == 0 {
		return missing("no usable financial statement")
	}
	newest := slices.MaxFunc(found, func(a, b *fact.Fact) int {
		if c := a.AsOf.Compare(b.AsOf); c != 0 {
			return c
		}
		return int(a.Sequence - b.Sequence)
	})
	if tooOld(newest.AsOf, in.Date, rule) {
		return missing("the newest reported ratios are older than the policy allows")
	}
	v := reported(*newest.Content.Ratios, rule.Indicator)
	if v == nil {
		return missing("the newest reported ratios do not say")
	}
	return figure{value: v, facts: []string{newest.ID}, asOf: newest.AsOf}
}

func reported(r fact.Ratios, i criteria.Indicator) *big.Rat {
	if model, ok := altmanOf(i); ok {
		return model.score(altmanParts{
			workingCapital: decimal(r.WorkingCapitalToAssets), retainedEarnings: decimal(r.RetainedEarningsToAssets),
			operatingProfit: decimal(r.OperatingProfitToAssets), equity: decimal(r.EquityToDebt), sales: decimal(r.SalesToAssets),
		})
	}
	switch i {
	case criteria.DebtToAssetRatio:
		return decimal(r.DebtToAssets)
	case criteria.CurrentRatio:
		return decimal(r.CurrentRatio)
	case criteria.CashFlowToDebt:
		return decimal(r.CashFlowToDebt)
	case criteria.InterestCover:
		return decimal(r.InterestCover)
	case criteria.ReturnOnAssets:
		return decimal(r.NetProfitToAssets)
	default:
		return nil
	}
}

// decimal is nil for an empty text.
func decimal(s string) *big.Rat {
	v, ok := new(big.Rat).SetString(s)
	if !ok {
		return nil
	}
	return v
}
