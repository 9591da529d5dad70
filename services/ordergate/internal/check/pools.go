package check

import (
	"slices"

	"github.com/avalcredit/aval/pkg/money"
	"github.com/avalcredit/aval/services/ordergate/internal/account"
	"github.com/avalcredit/aval/services/ordergate/internal/order"
)

// The kinds of rules about accounts that a customer shares with others. Such a rule is listed only where the order touches one.
const (
	KindGroupPool     Kind = "GROUP_POOL"
	KindBudget        Kind = "BUDGET"
	KindCeiling       Kind = "CEILING"
	KindConcentration Kind = "CONCENTRATION"
)

// PoolFacts is what a decision knows of an account that the customer shares with others. Amounts are minor units of its currency.
type PoolFacts struct {
	Kind     account.Kind  `json:"kind"`
	ID       string        `json:"id"`  // group, budget or unit; an empty unit is the company
	Seq      int64         `json:"seq"` // entry that the decision stands on
	Hash     string        `json:"hash,omitempty"`
	Currency string        `json:"currency"`
	Limit    account.Limit `json:"limit"`
	Warning  int64         `json:"warning,omitempty"` // CEILING: level above which it warns; 0: none

	Buckets  account.Buckets  `json:"buckets"` // of all that share it; BUDGET: committed and, as receivable, actual sales
	Standing account.Standing `json:"standing,omitzero"`
}

// unlisted reports whether a rule says nothing: it is about shared accounts, and the order touches none.
func unlisted(r RuleResult) bool { return r.Outcome == "" }

// used is what all that share a pool use of it.
func (d *decider) used(p PoolFacts) int64 { return d.p.Exposure(p.Buckets, &p.Standing) }

// poolAfter is what is used of the pool after the order.
func (d *decider) poolAfter(p PoolFacts) int64 { return d.used(p) + d.in.Delta() }

// over is how far the order takes a pool beyond its limit; 0 where it fits or nothing limits it.
func (d *decider) over(p PoolFacts) int64 {
	if p.Limit.Kind != account.LimitAmount {
		return 0
	}
	return max(0, d.poolAfter(p)-p.Limit.Minor)
}

func (d *decider) pools(kind account.Kind) []PoolFacts {
	var found []PoolFacts
	for _, p := range d.in.Pools {
		if p.Kind == kind {
			found = append(found, p)
		}
	}
	return found
}

// foreign reports whether a pool is kept in another currency than the account, so that the two cannot be compared.
func (d *decider) foreign(p PoolFacts) bool { return p.Currency != d.in.Account.Currency }

// groupPool: what all members of the group use, after the order, is at most the group's limit (semantics 2). The customer's own limit
// must hold beside it.
func (d *decider) groupPool() finding {
	found := d.pools(account.Group)
	if len(found) == 0 {
		return finding{}
	}
	p := found[0]
	f := finding{outcome: Pass, figures: []Figure{{"group", p.ID}}}
	switch {
	case d.paid():
		f.outcome, f.message = NotApplicable, "the money for this order is here"
		return f
	case d.foreign(p):
		f.outcome, f.message = Held, "the group's pool is kept in "+p.Currency
		return f
	}
	f.figures = append(f.figures, Figure{"group_exposure_before", d.money(d.used(p))}, Figure{"delta", d.money(d.in.Delta())}, Figure{"group_exposure_after", d.money(d.poolAfter(p))})
	switch p.Limit.Kind {
	case account.LimitUndefined:
		f.outcome, f.message = NotApplicable, "the group has no limit of its own"
	case account.LimitUnlimited:
		f.message = "no limit applied: the group's limit is unlimited"
	case account.LimitAmount:
		f.figures = append(f.figures, Figure{"group_limit", d.money(p.Limit.Minor)}, Figure{"group_available", d.money(p.Limit.Minor - d.used(p))})
		if over := d.over(p); over > 0 {
			f.outcome, f.message = Held, "the group's exposure after the order is over the group's limit by "+d.money(over)
			f.cures = d.roomIn(p, over)
		}
	}
	return f
}

// roomIn names the payment that makes room in a pool, and the order that fits as it is.
func (d *decider) roomIn(p PoolFacts, over int64) []Cure {
	cures := []Cure{{Kind: CurePayment, Minor: over}}
	if fits := p.Limit.Minor - d.used(p) + d.in.Order.Reserved; fits > 0 {
		cures = append(cures, Cure{Kind: CureSmallerOrder, Minor: fits})
	}
	return cures
}

// drawsOnGroup reports whether a member without a limit of its own buys within the group's limit, as the policy may allow.
func (d *decider) drawsOnGroup() bool {
	if d.in.Account.Grant.Limit.Kind != account.LimitUndefined {
		return false
	}
	found := d.pools(account.Group)
	if len(found) == 0 || d.foreign(found[0]) || found[0].Limit.Kind == account.LimitUndefined {
		return false
	}
	return slices.ContainsFunc(d.p.Rules, func(r Rule) bool { return r.Kind == KindGroupPool && r.MembersDraw && r.holds() })
}

// holds reports whether a failure of the rule stops an order.
func (r *Rule) holds() bool { return r.Enforcement != Inform && r.Enforcement != Warn }

// budget: committed and actual credit sales of the order's unit, salesperson and period, with the order, are at most what was planned (S1.7).
func (d *decider) budget() finding {
	if d.in.Order.Terms != order.OpenAccount {
		return finding{}
	}
	return d.each(account.Budget, func(f *finding, p PoolFacts) {
		f.figures = append(f.figures, Figure{"budget", p.ID}, Figure{"used_before", d.money(d.used(p))}, Figure{"used_after", d.money(d.poolAfter(p))})
		if p.Limit.Kind != account.LimitAmount {
			f.message = "budget " + p.ID + " is not approved yet"
			return
		}
		f.figures = append(f.figures, Figure{"planned", d.money(p.Limit.Minor)})
		if over := d.over(p); over > 0 {
			f.outcome, f.message = Held, "credit sales with the order are over budget "+p.ID+" by "+d.money(over)
			if fits := p.Limit.Minor - d.used(p) + d.in.Order.Reserved; fits > 0 {
				f.cures = append(f.cures, Cure{Kind: CureSmallerOrder, Minor: fits})
			}
		}
	})
}

// ceiling: receivables and open exposure of the company and of the customer's unit, after the order, are at most the level at which
// nothing more goes; above the warning level the rule warns (S1.11).
func (d *decider) ceiling() finding {
	if d.paid() {
		return finding{}
	}
	return d.each(account.Ceiling, func(f *finding, p PoolFacts) {
		f.figures = append(f.figures, Figure{"ceiling", scopeName(p)}, Figure{"total_before", d.money(d.used(p))}, Figure{"total_after", d.money(d.poolAfter(p))})
		if p.Limit.Kind == account.LimitAmount {
			f.figures = append(f.figures, Figure{"stop", d.money(p.Limit.Minor)})
		}
		if p.Warning > 0 {
			f.figures = append(f.figures, Figure{"warning", d.money(p.Warning)})
		}
		switch over := d.over(p); {
		case over > 0:
			f.outcome, f.message = Held, "receivables of "+scopeName(p)+" after the order are over their ceiling by "+d.money(over)
			f.cures = append(f.cures, d.roomIn(p, over)...)
		case p.Warning > 0 && d.poolAfter(p) > p.Warning && f.outcome == Pass:
			f.outcome, f.message = Warned, "receivables of "+scopeName(p)+" after the order are above the warning level"
		}
	})
}

// concentration: the customer's share of its unit's and the company's exposure, after the order, is at most MaxShare, once the whole
// is large enough to speak of shares. The share is never rounded.
func (d *decider) concentration(r *Rule) finding {
	least := money.Zero(d.in.Account.Currency)
	if r.MinTotal != "" {
		var err error
		if least, err = money.Parse(d.in.Account.Currency, r.MinTotal); err != nil {
			return finding{outcome: Held, message: "the policy's amount does not fit the account's currency: " + r.MinTotal}
		}
	}
	return d.each(account.Ceiling, func(f *finding, p PoolFacts) {
		total, own := d.poolAfter(p), d.p.Exposure(d.in.Account.Buckets, &d.in.Account.Standing)+d.in.Delta()
		f.figures = append(f.figures, Figure{"ceiling", scopeName(p)}, Figure{"own_after", d.money(own)}, Figure{"total_after", d.money(total)}, Figure{"max_share", r.MaxShare.String()})
		if total <= 0 || own <= 0 || total < least.Minor {
			return
		}
		if (money.Ratio{Num: own, Den: total}).Cmp(r.MaxShare) > 0 {
			f.outcome, f.message = Held, "the customer's share of the exposure of "+scopeName(p)+" is above the policy's"
		}
	})
}

func scopeName(p PoolFacts) string {
	if p.ID == "" {
		return "the company"
	}
	return p.ID
}

// each runs a rule over all pools of a kind: the worst outcome counts, and all figures are listed.
func (d *decider) each(kind account.Kind, look func(f *finding, p PoolFacts)) finding {
	found := d.pools(kind)
	if len(found) == 0 {
		return finding{}
	}
	all := finding{outcome: Pass}
	for _, p := range found {
		one := finding{outcome: Pass}
		look(&one, p)
		all.figures = append(all.figures, one.figures...)
		all.cures = append(all.cures, one.cures...)
		if one.message != "" {
			if all.message != "" {
				all.message += "; "
			}
			all.message += one.message
		}
		if one.outcome == Held || one.outcome == Warned && all.outcome == Pass {
			all.outcome = one.outcome
		}
	}
	return all
}

// poolExcess is how far the order goes beyond shared limits that hold it: authority is measured on it as on the customer's own excess.
func (d *decider) poolExcess() int64 {
	if len(d.in.Pools) == 0 || d.paid() {
		return 0
	}
	var most int64
	kinds := map[Kind]account.Kind{KindGroupPool: account.Group, KindBudget: account.Budget, KindCeiling: account.Ceiling}
	for i := range d.p.Rules {
		r := &d.p.Rules[i]
		kind, ok := kinds[r.Kind]
		if !ok || !r.holds() {
			continue
		}
		for _, p := range d.pools(kind) {
			if !d.foreign(p) {
				most = max(most, d.over(p))
			}
		}
	}
	return most
}
