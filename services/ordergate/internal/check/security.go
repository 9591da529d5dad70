package check

import (
	"github.com/avalcredit/aval/pkg/calendar"
	"github.com/avalcredit/aval/pkg/money"
	"github.com/avalcredit/aval/services/ordergate/internal/account"
)

// firstLimit is the first limit rule of the policy as it is for an account on a day, which measures the excess too; nil without one.
func (p *Policy) firstLimit(a *AccountFacts, day calendar.Date) *Rule {
	for i := range p.Rules {
		if p.Rules[i].Kind != KindLimit {
			continue
		}
		if o := p.Rules[i].Overrides.Find(a, day); o != nil {
			return &o.Rule
		}
		return &p.Rules[i]
	}
	return nil
}

// Secured is what counts on a day of the security of the grant and of the securities held, by the first limit rule; held reports
// whether that rule counts those held. Minor units of the account's currency.
func (p *Policy) Secured(a *AccountFacts, day calendar.Date) (minor int64, held bool) {
	r := p.firstLimit(a, day)
	if r == nil || r.Security == "" {
		return 0, false
	}
	all, _ := p.secured(r, a, day, Edition)
	return all, r.HeldSecurity
}

// secured is what counts of security on a day by a limit rule, and what of it are securities held. Minor units.
func (p *Policy) secured(r *Rule, a *AccountFacts, day calendar.Date, edition int) (all, held int64) {
	if !r.HeldSecurity || edition < heldEdition {
		return share(a.Grant.Covered(day), r.SecurityShare), 0
	}
	for _, s := range a.Standing.Securities {
		if s.On(day) {
			held += share(p.inAccount(s, a.Currency, day), r.weight(s.Kind))
		}
	}
	return share(a.Grant.CoversBeside(a.Standing.Securities).Covered(day), r.SecurityShare) + held, held
}

func (r *Rule) weight(kind string) money.Ratio {
	if w, ok := r.SecurityWeights[kind]; ok {
		return w
	}
	return r.SecurityShare
}

// inAccount is what a security is worth in the account's currency on a day, by the policy's rates; nothing where they have none.
func (p *Policy) inAccount(s account.Security, currency string, day calendar.Date) int64 {
	if s.Currency == currency {
		return s.Minor
	}
	rate, err := p.Conversion.On(Pair{From: s.Currency, To: currency}, day)
	if err != nil {
		return 0
	}
	m, err := money.New(s.Minor, s.Currency).Convert(rate.Ratio, currency)
	if err != nil {
		return 0
	}
	return m.Minor
}
