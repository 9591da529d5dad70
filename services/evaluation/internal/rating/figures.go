package rating

import (
	"math/big"
	"slices"

	"github.com/avalcredit/aval/pkg/calendar"
	"github.com/avalcredit/aval/pkg/money"
	"github.com/avalcredit/aval/services/evaluation/internal/criteria"
	"github.com/avalcredit/aval/services/evaluation/internal/fact"
)

// figure is the value of an indicator, or why there is none.
type figure struct {
	value *big.Rat
	why   string
	facts []string
	asOf  calendar.Date
}

func missing(why string) figure { return figure{why: why} }

// measure computes an indicator from the inputs. It never turns something unknown
// into zero.
func measure(in *Inputs, rule criteria.Rule) figure {
	if rule.Indicator.FromPayments() {
		return fromPayments(in, rule)
	}
	if rule.Indicator.FromInvoices() {
		return fromInvoices(in, rule)
	}
	switch rule.Indicator {
	case criteria.RiskyVentureShare:
		return ventureShare(in, rule)
	case criteria.OpenSuits, criteria.OpenEnforcements, criteria.ExternalRating, criteria.BanksOverdue, criteria.ReferencesAsAgreed,
		criteria.ReferenceDaysLate, criteria.OperatingAtVisit:
		return fromFindings(in, rule)
	default:
		return fromStatements(in, rule)
	}
}

func fromPayments(in *Inputs, rule criteria.Rule) figure {
	p := in.Payment
	switch {
	case !p.Traded():
		return missing("no invoice yet")
	case p.SettledItems < rule.MinItems:
		return missing("fewer settled invoices than the policy asks for")
	}
	at := func(v *big.Rat) figure { return figure{value: v, asOf: in.Date} }
	switch rule.Indicator {
	case criteria.CollectionRate:
		if !p.FallenDue.IsPositive() {
			return missing("nothing has fallen due yet")
		}
		return at(big.NewRat(p.Collected.Minor, p.FallenDue.Minor))
	case criteria.DefaultsWithUs:
		return at(whole(p.Defaults))
	case criteria.OldestOverdueDays:
		return at(whole(int64(p.OldestOverdueDays)))
	case criteria.LongestDaysLate:
		return at(whole(int64(p.LongestDaysLate)))
	case criteria.MonthsOfTrade:
		return at(whole(int64(monthsBetween(p.FirstInvoice, in.Date))))
	case criteria.BrokenPromises:
		if p.BrokenPromises == nil {
			return missing("receivables does not tell of promises")
		}
		return at(whole(*p.BrokenPromises))
	case criteria.YearlyPurchases, criteria.OrderGrowth:
		return purchases(in, rule.Indicator)
	default:
		late, ok := new(big.Int).SetString(p.LateAmountDays, 10)
		if !ok || !p.SettledAmount.IsPositive() {
			return missing("no invoice is settled yet")
		}
		return at(new(big.Rat).SetFrac(late, big.NewInt(p.SettledAmount.Minor)))
	}
}

// purchases are what the customer bought from us within a year, and how much more that is
// than in the year before.
func purchases(in *Inputs, i criteria.Indicator) figure {
	p := in.Payment
	switch {
	case p.LastYear == nil || p.YearBefore == nil:
		return missing("receivables does not tell the purchases by year")
	case i == criteria.YearlyPurchases:
		v := whole(p.LastYear.Minor)
		return figure{value: v.Mul(v, unitOf(in.Currency)), asOf: in.Date}
	case monthsBetween(p.FirstInvoice, in.Date) < 24 || !p.YearBefore.IsPositive():
		return missing("the first invoice is less than 24 months old, or nothing was bought in the earlier 12")
	default:
		growth := big.NewRat(p.LastYear.Minor, p.YearBefore.Minor)
		return figure{value: growth.Sub(growth, whole(1)), asOf: in.Date}
	}
}

// monthsBetween counts whole months; a month is over on the same day of the next.
func monthsBetween(from, to calendar.Date) int {
	months := (to.Year()-from.Year())*12 + int(to.Month()) - int(from.Month())
	if from.AddMonths(months, 0).After(to) {
		months--
	}
	return max(months, 0)
}

func fromStatements(in *Inputs, rule criteria.Rule) figure {
	all := statements(in, rule)
	if len(all) == 0 {
		return fromRatios(in, rule)
	}
	newest := all[0]
	if tooOld(newest.AsOf, in.Date, rule) {
		return missing("the newest financial statement is older than the policy allows")
	}
	if rule.Indicator == criteria.ConsecutiveLosses {
		return losses(all)
	}
	s := newest.Content.Statement
	if f, ok := composed(newest, rule.Indicator); ok {
		return f
	}
	part, whole := s.TotalLiabilities, s.TotalAssets
	switch rule.Indicator {
	case criteria.CurrentRatio:
		part, whole = s.CurrentAssets, s.CurrentLiabilities
	case criteria.CashFlowToDebt:
		part, whole = s.OperatingCashFlow, s.TotalLiabilities
	case criteria.InterestCover:
		part, whole = s.OperatingProfit, s.InterestExpense
	case criteria.ReturnOnAssets:
		part, whole = s.NetProfit, s.TotalAssets
	default: // debt to assets
	}
	if part == nil || whole == nil {
		return missing("the newest financial statement does not say")
	}
	if whole.Minor <= 0 {
		return missing("the newest financial statement has nothing to divide by")
	}
	return figure{value: big.NewRat(part.Minor, whole.Minor), facts: []string{newest.ID}, asOf: newest.AsOf}
}

// losses counts periods with a net loss back from the newest. A period that does not
// tell its result ends the count: what is before it cannot be called consecutive.
func losses(newestFirst []*fact.Fact) figure {
	if newestFirst[0].Content.Statement.NetProfit == nil {
		return missing("the newest financial statement does not tell the net profit")
	}
	f := figure{asOf: newestFirst[0].AsOf}
	count := int64(0)
	for _, s := range newestFirst {
		profit := s.Content.Statement.NetProfit
		if profit == nil {
			break
		}
		f.facts = append(f.facts, s.ID)
		if !profit.IsNegative() {
			break
		}
		count++
	}
	f.value = whole(count)
	return f
}

// statements returns the usable ones, newest period first, one for each period: of
// several for one period the audited one, else the one recorded last.
func statements(in *Inputs, rule criteria.Rule) []*fact.Fact {
	found := usable(in, rule, func(c fact.Content) bool { return c.Statement != nil })
	slices.SortStableFunc(found, func(a, b *fact.Fact) int {
		x, y := a.Content.Statement, b.Content.Statement
		switch {
		case x.PeriodEnd != y.PeriodEnd:
			return y.PeriodEnd.Compare(x.PeriodEnd)
		case x.Audited != y.Audited:
			if x.Audited {
				return -1
			}
			return 1
		default:
			return int(b.Sequence - a.Sequence)
		}
	})
	return slices.CompactFunc(found, func(a, b *fact.Fact) bool {
		return a.Content.Statement.PeriodEnd == b.Content.Statement.PeriodEnd
	})
}

func usable(in *Inputs, rule criteria.Rule, kind func(fact.Content) bool) []*fact.Fact {
	var found []*fact.Fact
	for i := range in.Facts {
		f := &in.Facts[i]
		if kind(f.Content) && f.UsableOn(in.Date) && (f.Verified() || !rule.VerifiedOnly) {
			found = append(found, f)
		}
	}
	return found
}

func tooOld(asOf, today calendar.Date, rule criteria.Rule) bool {
	return rule.MaxAgeDays > 0 && today.DaysSince(asOf) > rule.MaxAgeDays
}

// ventureShare adds up the ventures. One whose share is not known makes the whole
// share unknown: leaving it out would count it as zero.
func ventureShare(in *Inputs, rule criteria.Rule) figure {
	found := usable(in, rule, func(c fact.Content) bool { return c.Venture != nil })
	f := figure{value: new(big.Rat)}
	for _, v := range found {
		if tooOld(v.AsOf, in.Date, rule) {
			continue
		}
		share, source := shareOf(in, rule, v.Content.Venture)
		if share == nil {
			return missing("the share of venture " + v.ID + " in the assets is not known")
		}
		f.value.Add(f.value, share)
		f.facts = append(f.facts, v.ID)
		if source != "" && !slices.Contains(f.facts, source) {
			f.facts = append(f.facts, source)
		}
		if v.AsOf.After(f.asOf) {
			f.asOf = v.AsOf
		}
	}
	if len(f.facts) == 0 {
		return missing("nothing is recorded of risky ventures")
	}
	return f
}

func shareOf(in *Inputs, rule criteria.Rule, v *fact.Venture) (share *big.Rat, source string) {
	if v.ShareOfAssets != "" {
		share, ok := new(big.Rat).SetString(v.ShareOfAssets)
		if !ok {
			return nil, ""
		}
		return share, ""
	}
	all := statements(in, rule)
	if v.CommittedCapital == nil || len(all) == 0 || tooOld(all[0].AsOf, in.Date, rule) {
		return nil, ""
	}
	assets := all[0].Content.Statement.TotalAssets
	if assets == nil || !assets.IsPositive() || assets.Currency != v.CommittedCapital.Currency {
		return nil, ""
	}
	return big.NewRat(v.CommittedCapital.Minor, assets.Minor), all[0].ID
}

func whole(n int64) *big.Rat { return new(big.Rat).SetInt64(n) }

// text is the exact decimal where there is one, else the fraction in lowest terms.
func text(v *big.Rat) string {
	if n, exact := v.FloatPrec(); exact {
		return v.FloatString(n)
	}
	return v.RatString()
}

// median of rising amounts; between two middle ones, their mean rounded half up.
func median(rising []int64) int64 {
	n := len(rising)
	if n%2 == 1 {
		return rising[n/2]
	}
	return money.New(rising[n/2-1]+rising[n/2], "").MulRatio(money.Ratio{Num: 1, Den: 2}).Minor
}
