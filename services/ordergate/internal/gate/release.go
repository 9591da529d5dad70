package gate

import (
	"github.com/avalcredit/aval/pkg/approval"
	"github.com/avalcredit/aval/services/ordergate/internal/account"
	"github.com/avalcredit/aval/services/ordergate/internal/check"
	"github.com/avalcredit/aval/services/ordergate/internal/order"
)

// measure is what authority over a hold is measured on.
func measure(env Env, a account.Account, o order.Order, res check.Result) check.Measure {
	return check.Measure{Currency: o.Currency, Limit: a.Profile.Grant.LimitOn(env.Today), Excess: res.Excess, Days: res.DaysOverdue}
}

// goesOn reports whether a form that is there serves the hold as it is now: it is open, or approved on conditions that can still be
// met, and its people have the authority.
func goesOn(env Env, old, now order.Hold, row int) bool {
	switch {
	case now.Severe && !old.Severe:
		return false
	case old.Form.State == approval.Pending:
		return old.Form.Row == row
	case old.Form.State == approval.Approved:
		return row <= old.Form.Row && old.Conditions != nil && !old.Conditions.Over(env.Today)
	}
	return false
}

// conditional is the release of an order that was approved on conditions, where they are met now and the authority of those who signed
// still covers it. A STOP keeps it waiting.
func conditional(env Env, a account.Account, before, after order.Order, res check.Result) (order.Release, bool) {
	h := before.Hold
	if before.State != order.Held || h == nil || after.Amount > h.Minor || longer(before.TermDays, after.TermDays) || after.AsksLonger(h.TermDays) || h.Form.State != approval.Approved || !h.Conditions.Met(after.Amount, a.Paid, env.Today) {
		return order.Release{}, false
	}
	if b := a.Control.BlockOn(env.Today); b != nil && b.Kind == account.BlockStop {
		return order.Release{}, false
	}
	m := measure(env, a, after, res)
	row, _, err := env.Policy.RouteForm(m)
	if err != nil || row > h.Form.Row || env.Policy.IsSevere(m.Limit, m.Excess, m.Days) && !h.Severe {
		return order.Release{}, false
	}
	return releaseOf(env, a, after), true
}

// longer reports whether a term asked for is longer than the one people signed; no term is the term granted.
func longer(had, asked *int) bool { return asked != nil && (had == nil || *asked > *had) }

// releaseOf is the release of an order as it stands, under the conditions of its form and the block in force.
func releaseOf(env Env, a account.Account, o order.Order) order.Release {
	rel := order.Release{Minor: o.Amount, Date: env.Today, TermDays: o.Term(a.Profile.Grant.TermDays)}
	if o.Hold != nil && o.Hold.Conditions != nil {
		rel.Until = o.Hold.Conditions.Until
	}
	if b := a.Control.BlockOn(env.Today); b != nil && b.Kind == account.BlockHold {
		rel.Block = b.Number
	}
	return rel
}

// cover remembers the greatest excess that people released, for S2.18. It reports whether that changed the account's control.
func cover(a *account.Account, excess int64) bool {
	if excess <= a.Control.Released {
		return false
	}
	a.Control.Released = excess
	return true
}
