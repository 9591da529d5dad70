package gate

import (
	"encoding/hex"
	"slices"

	"github.com/avalcredit/aval/pkg/approval"
	"github.com/avalcredit/aval/pkg/errs"
	"github.com/avalcredit/aval/pkg/money"
	"github.com/avalcredit/aval/services/ordergate/internal/account"
	"github.com/avalcredit/aval/services/ordergate/internal/check"
	"github.com/avalcredit/aval/services/ordergate/internal/order"
)

// Act takes the next step of the form of a held order: APPROVE, whose last step releases the order, or REJECT, which ends it.
// Authority is measured again: where the excess or the days overdue have grown beyond the form's row, the act is refused with
// AUTHORITY_RAISED and the order must be rechecked first. Errors: ORDER_NOT_HELD, those of approval.Form.Apply.
func Act(env Env, a account.Account, o order.Order, decision approval.Decision, reason string, conds *order.Conditions) (Change, error) {
	if o.State != order.Held || o.Hold == nil {
		return Change{}, notHeld(o)
	}
	if err := mayAct(env, a, o, decision); err != nil {
		return Change{}, err
	}
	after := o.Clone()
	in := facts(env, a, o, after, check.AtRecheck)
	now := check.Decide(in, env.Policy)
	m := measure(env, a, o, now)
	if row, _, err := env.Policy.RouteForm(m); err != nil || row > o.Hold.Form.Row || env.Policy.IsSevere(m.Limit, m.Excess, m.Days) && !o.Hold.Severe {
		return Change{}, errs.New(errs.FailedPrecondition, "AUTHORITY_RAISED", "order %s now needs a higher level of authority than its form has; recheck it first", o.ID)
	}
	if b := a.Control.BlockOn(env.Today); decision == approval.Approve && b != nil && b.Kind == account.BlockStop {
		return Change{}, errs.New(errs.FailedPrecondition, Stopped, "customer %s is stopped: lift the block first", a.ID)
	}
	if decision == approval.Approve && now.Verdict == check.Refuse {
		return Change{}, refused(o, check.Record{Input: in, Result: now})
	}
	form, err := env.Policy.Escalated(o.Hold.Form, o.Hold.Opened, env.Today).Apply(
		approval.Act{Subject: env.Actor, Roles: env.Roles, Decision: decision, Reason: reason, Date: env.Today})
	if err != nil {
		return Change{}, err
	}
	form.Steps = o.Hold.Form.Steps
	after.Hold.Form = form
	if decision == approval.Approve {
		after.Hold.Conditions = after.Hold.Conditions.And(conds)
	}
	c := Change{Kind: OrderActed, Detail: Detail{Reason: reason}}
	switch form.State {
	case approval.Approved:
		if cond := after.Hold.Conditions; cond != nil {
			set := *cond
			set.PaidFrom = a.Paid
			after.Hold.Conditions = &set
		}
		if !after.Hold.Conditions.Met(o.Amount, a.Paid, env.Today) {
			break // approved, and held until the conditions are met
		}
		c.Kind = OrderReleased
		rel := releaseOf(env, a, after)
		after.Release = &rel
		after.Approve()
		if cover(&a, now.Excess) {
			ctl := a.Control
			c.Detail.Control = &ctl
		}
	case approval.Rejected:
		c.Kind = OrderRejected
		after.Reject()
	case approval.Returned:
		c.Kind = OrderReturned
	case approval.Pending: // more steps to take
	}
	return changed(a, o, after, c), nil
}

// mayAct refuses acts that no form can allow: on a closed customer, under an authority table that no longer holds, by somebody who
// changed the order, or by whoever wrote the policy on its first day (semantics 5).
func mayAct(env Env, a account.Account, o order.Order, decision approval.Decision) error {
	switch {
	case decision == approval.Reject:
		return nil
	case a.Profile.LifeCycle == account.Closed:
		return customerClosed(a.ID)
	case o.Hold.Policy != env.Policy.Version:
		return errs.New(errs.FailedPrecondition, "POLICY_CHANGED", "order %s was held under policy version %d, now version %d holds; recheck it first", o.ID, o.Hold.Policy, env.Policy.Version)
	case slices.Contains(o.AmendedBy, env.Actor):
		return errs.New(errs.PermissionDenied, approval.ReasonSamePerson, "who changed the order does not approve it")
	case env.Actor == env.Policy.Author && env.Today == env.Policy.EffectiveFrom:
		return errs.New(errs.PermissionDenied, "POLICY_AUTHOR", "who wrote the policy does not approve under it on its first day")
	}
	return nil
}

// Ship records goods issue. A nil amount is all that is reserved or invoiced ahead. Errors: those of order.Ship; NOTHING_TO_SHIP.
func Ship(env Env, a account.Account, o order.Order, id string, amount *money.Money, final bool) (Change, error) {
	if a.Profile.LifeCycle == account.Closed {
		return Change{}, customerClosed(a.ID)
	}
	after := o.Clone()
	minor, err := leaving(o, amount)
	if err != nil {
		return Change{}, err
	}
	if err := mayShip(env, a, o, minor); err != nil && o.Live() {
		return Change{}, err
	}
	if minor <= 0 && o.Live() {
		return Change{}, errs.New(errs.FailedPrecondition, "NOTHING_TO_SHIP", "nothing is left to ship of order %s", o.ID)
	}
	tolerated := percentOf(o.Amount, env.Policy.OverShipmentPercent)
	if err := after.Ship(order.Shipment{ID: id, Minor: minor, BusinessDate: env.Today}, final, tolerated); err != nil {
		return Change{}, err
	}
	moved(&after, amount, false)
	paysFor(env, a, o, &after, minor)
	return changed(a, o, after, Change{Kind: OrderShipped}), nil
}

// Cancel frees what is open of an order. It reports false where there is nothing to change.
func Cancel(env Env, a account.Account, o order.Order, reason string) (Change, bool, error) {
	if !env.Sees(a.Profile.SalespersonID) {
		return Change{}, false, unknownOrder(o.ID)
	}
	after := o.Clone()
	if !after.Cancel() {
		return Change{}, false, nil
	}
	return changed(a, o, after, Change{Kind: OrderCancelled, Detail: Detail{Reason: reason}}), true, nil
}

func percentOf(minor int64, percent money.Ratio) int64 {
	if !percent.IsValid() || minor <= 0 {
		return 0
	}
	return money.New(minor, "").MulRatio(money.Ratio{Num: percent.Num, Den: percent.Den * 100}).Minor
}

func customerClosed(id string) error {
	return errs.New(errs.FailedPrecondition, "CUSTOMER_CLOSED", "customer %s is closed: no further trade", id).With("customer_id", id)
}

func hexHash(h []byte) string { return hex.EncodeToString(h) }

// UnknownCustomer is the error for a customer that does not exist, or that the caller may not see.
func UnknownCustomer(id string) error {
	return errs.New(errs.NotFound, "CUSTOMER_UNKNOWN", "customer %s is not known", id).With("customer_id", id).
		WithViolations(errs.Violation{Field: "order.customer_id", Rule: "CUSTOMER_UNKNOWN", Message: "no such customer"})
}

func unknownOrder(id string) error { return UnknownOrder(id) }

// UnknownOrder is the error for an order that does not exist, or that the caller may not see.
func UnknownOrder(id string) error {
	return errs.New(errs.NotFound, "ORDER_UNKNOWN", "order %s is not known", id).With("order_id", id)
}

func notHeld(o order.Order) error {
	return errs.New(errs.FailedPrecondition, "ORDER_NOT_HELD", "order %s is %s, not held", o.ID, o.State).With("state", string(o.State))
}

func currencyMismatch(field, got, want string) error {
	return errs.New(errs.Invalid, "CURRENCY_MISMATCH", "the account is in %s, not in %s", want, got).
		WithViolations(errs.Violation{Field: field, Rule: "CURRENCY_MISMATCH", Message: "must be " + want})
}

func amendmentHeld(o order.Order, rec check.Record) error {
	e := errs.New(errs.FailedPrecondition, "AMENDMENT_HELD", "the change of order %s does not pass the check; the order stays as it was", o.ID)
	for _, r := range rec.Result.Results {
		if r.Outcome == check.Held {
			e = e.With(r.Rule, r.Message)
		}
	}
	return e
}
