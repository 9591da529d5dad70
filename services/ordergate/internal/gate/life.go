package gate

import (
	"github.com/avalcredit/aval/pkg/calendar"
	"github.com/avalcredit/aval/pkg/money"
	"github.com/avalcredit/aval/services/ordergate/internal/account"
	"github.com/avalcredit/aval/services/ordergate/internal/check"
	"github.com/avalcredit/aval/services/ordergate/internal/order"
)

// TakeBack records goods that came back before they were invoiced, see order.TakeBack. Nothing blocks it: it lowers what is owed.
// Errors: CURRENCY_MISMATCH, those of order.TakeBack.
func TakeBack(env Env, a account.Account, o order.Order, id string, amount money.Money, replace bool) (Change, error) {
	minor, err := inAccount(o, "amount.currency_code", amount, true)
	if err != nil {
		return Change{}, err
	}
	after := o.Clone()
	moved(&after, &amount, true)
	if err := after.TakeBack(order.Return{ID: id, Minor: minor, BusinessDate: env.Today}, replace); err != nil {
		return Change{}, err
	}
	return changed(a, o, after, Change{Kind: GoodsReturned}), nil
}

// Close ends an approved order. It reports false where there is nothing to change. Errors: ORDER_UNKNOWN, ORDER_NOT_APPROVED.
func Close(env Env, a account.Account, o order.Order, reason string) (Change, bool, error) {
	if !env.Sees(a.Profile.SalespersonID) {
		return Change{}, false, unknownOrder(o.ID)
	}
	after := o.Clone()
	did, err := after.Close()
	if err != nil || !did {
		return Change{}, false, err
	}
	return changed(a, o, after, Change{Kind: OrderClosed, Detail: Detail{Reason: reason}}), true, nil
}

// Reopen asks again for what closing, cancelling or expiry freed: the order is approved, or held. until is its new last day; zero keeps
// the old one, or leaves none where that has passed. Errors: ORDER_UNKNOWN, ORDER_NOT_CLOSED, DATE_PAST, those of Submit.
func Reopen(env Env, a account.Account, o order.Order, until calendar.Date, reason string) (Change, error) {
	if !env.Sees(a.Profile.SalespersonID) {
		return Change{}, unknownOrder(o.ID)
	}
	if err := admit(env, a); err != nil {
		return Change{}, err
	}
	after := o.Clone()
	if err := after.Reopen(); err != nil {
		return Change{}, err
	}
	askedFor(env, &after) // whoever asks again for an order does not release it
	switch {
	case !until.IsZero():
		if until.Before(env.Today) {
			return Change{}, pastDate("valid_until_date", until)
		}
		after.ValidUntil = until
	case after.ValidUntil.Before(env.Today):
		after.ValidUntil = calendar.Date{}
	}
	before := o.Clone() // an approval is used up by the order as it was
	before.Release, before.Hold = nil, nil
	c, err := judge(env, a, before, after, check.AtReopen, OrderReopened)
	c.Detail.Reason = reason
	return c, err
}

// Expire ends what the date has ended: an order past its last day, or a release, after which the order is judged again. It reports
// false where the date has ended nothing.
func Expire(env Env, a account.Account, o order.Order) (Change, bool, error) {
	last := o.Expiry()
	if last.IsZero() || !last.Before(env.Today) {
		return Change{}, false, nil
	}
	after := o.Clone()
	if o.ValidUntil.IsZero() || !o.ValidUntil.Before(env.Today) {
		before := o.Clone()
		before.Release, after.Release = nil, nil
		c, err := judge(env, a, before, after, check.AtRecheck, ReleaseExpired)
		return c, err == nil, err
	}
	after.Expire()
	return changed(a, o, after, Change{Kind: OrderExpired}), true, nil
}
