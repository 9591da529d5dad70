package gate

import (
	"cmp"
	"slices"

	"github.com/avalcredit/aval/pkg/errs"
	"github.com/avalcredit/aval/services/ordergate/internal/account"
	"github.com/avalcredit/aval/services/ordergate/internal/check"
	"github.com/avalcredit/aval/services/ordergate/internal/order"
)

// refusable reports whether a refusal ends the order: when it is submitted or checked again, and nothing of it has moved. Otherwise the
// order goes on as it is, or waits, and nobody can approve it while the rule forbids it.
func refusable(o order.Order, at check.Point) bool {
	return (at == check.AtSubmit || at == check.AtRecheck) && o.Shipped == 0 && o.Invoiced == 0
}

// refused is the error for what a rule forbids: no approval helps.
func refused(o order.Order, rec check.Record) error {
	e := errs.New(errs.FailedPrecondition, "ORDER_REFUSED", "a rule forbids order %s; no approval releases it", o.ID)
	for _, r := range rec.Result.Results {
		if r.Outcome == check.Forbidden {
			e = e.With(r.Rule, r.Message)
		}
	}
	return e
}

// others fills in what a decision knows of the account's other orders: what they reserve for later deliveries, and what is unpaid.
func others(env Env, a account.Account, self string, in *check.Input) {
	if !env.Policy.NeedsOrders || env.Others == nil {
		return
	}
	unpaid := check.Unpaid{Invoices: a.Standing.OpenInvoices}
	if unpaid.Invoices == 0 {
		for _, d := range a.Ladder {
			if d.Minor > 0 {
				unpaid.Invoices++
			}
		}
	}
	later := map[string]account.Due{}
	for _, o := range env.Others() {
		if o.ID == self {
			continue
		}
		if o.Delivered > 0 {
			unpaid.Deliveries++
		}
		if o.Reserved > 0 && o.RequestedDelivery.After(env.Today) {
			key := o.RequestedDelivery.String()
			later[key] = account.Due{Date: o.RequestedDelivery, Minor: later[key].Minor + o.Reserved}
		}
	}
	for _, d := range later {
		in.Account.Scheduled = append(in.Account.Scheduled, d)
	}
	slices.SortFunc(in.Account.Scheduled, func(x, y account.Due) int { return cmp.Compare(x.Date.String(), y.Date.String()) })
	in.Account.Unpaid = &unpaid
}
