package gate

import (
	"slices"

	"github.com/avalcredit/aval/pkg/approval"
	"github.com/avalcredit/aval/pkg/errs"
	"github.com/avalcredit/aval/pkg/money"
	"github.com/avalcredit/aval/services/ordergate/internal/account"
	"github.com/avalcredit/aval/services/ordergate/internal/check"
	"github.com/avalcredit/aval/services/ordergate/internal/order"
)

// Submit puts an order through the check: it is approved and reserved, or held.
// Errors: CUSTOMER_UNKNOWN, CUSTOMER_CLOSED, CURRENCY_MISMATCH, DATE_PAST, PRIORITY_NOT_ALLOWED, SELLER_NOT_ALLOWED.
func Submit(env Env, a account.Account, o order.Order) (Change, error) {
	if err := admit(env, a); err != nil {
		return Change{}, err
	}
	if err := acceptable(env, a, o); err != nil {
		return Change{}, err
	}
	if err := mayRank(env, "order.priority", 0, o.Priority); err != nil {
		return Change{}, err
	}
	if o.OrderDate.IsZero() {
		o.OrderDate = env.Today
	}
	o.SubmittedBy, o.SubmitDate = env.Actor, env.Today
	o = Attributed(a, o)
	o, err := converted(env, a, o)
	if err != nil {
		return Change{}, err
	}
	return judge(env, a, order.Order{}, o, check.AtSubmit, OrderSubmitted)
}

// acceptable refuses an order that could not be submitted, whatever its customer's credit. Errors: DATE_PAST, SELLER_NOT_ALLOWED.
func acceptable(env Env, a account.Account, o order.Order) error {
	if !o.ValidUntil.IsZero() && o.ValidUntil.Before(env.Today) {
		return pastDate("order.valid_until_date", o.ValidUntil)
	}
	return mayCredit(env, a, o)
}

// mayCredit refuses a unit or a salesperson other than the customer's from a salesperson: the order would count in a budget that
// is somebody else's, or in none. Errors: SELLER_NOT_ALLOWED.
func mayCredit(env Env, a account.Account, o order.Order) error {
	own := Attributed(a, order.Order{})
	if ranks(env) || !slices.Contains(env.Roles, "SALESPERSON") ||
		(o.UnitID == "" || o.UnitID == own.UnitID) && (o.SalespersonID == "" || o.SalespersonID == own.SalespersonID) {
		return nil
	}
	field := "order.salesperson_id"
	if o.UnitID != "" && o.UnitID != own.UnitID {
		field = "order.unit_id"
	}
	return errs.New(errs.PermissionDenied, "SELLER_NOT_ALLOWED", "a unit or salesperson other than the customer's is named by sales supervisors, managers, directors, the ERP and operators").
		WithViolations(errs.Violation{Field: field, Rule: "SELLER_NOT_ALLOWED", Message: "must be the customer's own, or left out"})
}

// Check decides about an order without any effect. Errors: CUSTOMER_UNKNOWN, CUSTOMER_CLOSED, CURRENCY_MISMATCH, DATE_PAST, SELLER_NOT_ALLOWED.
func Check(env Env, a account.Account, o order.Order) (check.Record, error) {
	if err := admit(env, a); err != nil {
		return check.Record{}, err
	}
	if err := acceptable(env, a, o); err != nil {
		return check.Record{}, err
	}
	o, err := converted(env, a, o)
	if err != nil {
		return check.Record{}, err
	}
	in := facts(env, a, order.Order{}, Attributed(a, o), check.AtCheck)
	return check.Record{Input: in, Result: check.Decide(in, env.Policy)}, nil
}

// Amendment changes an order; nil and zero values leave a field as it is. Amount is in minor units of the order's currency.
type Amendment struct {
	Amount            *money.Money
	TermDays          *int
	RequestedDelivery func(*order.Order)
	HoldIfNeeded      bool
	Priority          *int
}

// ranksOnly reports whether an amendment changed nothing but the priority: people decide about the same document then.
func (m Amendment) ranksOnly(before, after order.Order) bool {
	return m.Priority != nil && m.Amount == nil && m.TermDays == nil &&
		after.RequestedDelivery == before.RequestedDelivery && after.ValidUntil == before.ValidUntil
}

// Amend changes an order and judges the difference to its own reservation; a change of the priority alone is not judged. Errors:
// AMENDMENT_HELD where the change does not pass and HoldIfNeeded is not set; ORDER_CLOSED; AMOUNT_BELOW_SHIPPED; CURRENCY_MISMATCH;
// PRIORITY_NOT_ALLOWED.
func Amend(env Env, a account.Account, o order.Order, m Amendment) (Change, error) {
	after, err := amended(env, a, o, m)
	if err != nil {
		return Change{}, err
	}
	if m.ranksOnly(o, after) {
		return changed(a, o, after, Change{Kind: OrderAmended}), nil
	}
	askedFor(env, &after)
	c, err := judge(env, a, o, after, check.AtAmend, OrderAmended)
	if err != nil || c.Record.Result.Verdict == check.Approve || o.State == order.Held || m.HoldIfNeeded {
		return c, err
	}
	return Change{}, amendmentHeld(o, *c.Record)
}

// amended is an order as an amendment asks for it. Errors: those of Amend but AMENDMENT_HELD.
func amended(env Env, a account.Account, o order.Order, m Amendment) (order.Order, error) {
	switch {
	case !env.Sees(a.Profile.SalespersonID):
		return o, unknownOrder(o.ID)
	case a.Profile.LifeCycle == account.Closed:
		return o, customerClosed(a.ID)
	case o.State == order.Rejected || o.State == order.Cancelled || o.State == order.Closed || o.State == order.Expired:
		return o, errs.New(errs.FailedPrecondition, "ORDER_CLOSED", "order %s is %s and cannot be amended", o.ID, o.State).With("state", string(o.State))
	}
	after := o.Clone()
	if m.Priority != nil {
		if err := mayRank(env, "priority", o.Priority, *m.Priority); err != nil {
			return o, err
		}
		after.Priority = *m.Priority
	}
	if m.Amount != nil {
		if err := reprice(&after, *m.Amount); err != nil {
			return o, err
		}
	}
	if m.TermDays != nil {
		after.TermDays = m.TermDays
	}
	if m.RequestedDelivery != nil {
		m.RequestedDelivery(&after)
	}
	if after.ValidUntil != o.ValidUntil && after.ValidUntil.Before(env.Today) {
		return o, pastDate("valid_until_date", after.ValidUntil)
	}
	if after.Open() < 0 && after.Amount < o.Amount {
		return o, errs.Field("amount", "AMOUNT_BELOW_SHIPPED", "%s of order %s is shipped, invoiced or cancelled already", o.Money(o.Amount+o.Over-o.Open()), o.ID)
	}
	return after, nil
}

// CheckAmendment decides about an amendment without any effect: what it would get if it were asked for now. Errors: those of Amend but
// AMENDMENT_HELD.
func CheckAmendment(env Env, a account.Account, o order.Order, m Amendment) (check.Record, error) {
	after, err := amended(env, a, o, m)
	if err != nil {
		return check.Record{}, err
	}
	if after, err = converted(env, a, after); err != nil {
		return check.Record{}, err
	}
	in := facts(env, a, o, after, check.AtAmend)
	return check.Record{Input: in, Result: check.Decide(in, env.Policy)}, nil
}

// askedFor records that the caller is among those who asked for the order as it is now, none of whom decides about it.
func askedFor(env Env, o *order.Order) {
	if env.Actor != o.SubmittedBy && !slices.Contains(o.AmendedBy, env.Actor) {
		o.AmendedBy = append(o.AmendedBy, env.Actor)
	}
}

// Recheck judges an order again that is on hold, or approved with something left to ship: where it does not pass any more, people decide
// anew, on a form of its own. Errors: ORDER_NOT_HELD.
func Recheck(env Env, a account.Account, o order.Order) (Change, error) {
	if !env.Sees(a.Profile.SalespersonID) {
		return Change{}, unknownOrder(o.ID)
	}
	if o.State != order.Held && (o.State != order.Approved || o.Open() <= 0) {
		return Change{}, errs.New(errs.FailedPrecondition, "ORDER_NOT_HELD", "order %s is %s: nothing of it is on hold or left to ship", o.ID, o.State).
			With("state", string(o.State))
	}
	if a.Profile.LifeCycle == account.Closed {
		return Change{}, customerClosed(a.ID)
	}
	before := o.Clone()
	if o.State == order.Approved {
		before.Hold = nil // the form that it had is used up; what people released is remembered as ever
	}
	c, err := judge(env, a, before, before.Clone(), check.AtRecheck, OrderRechecked)
	for i := range c.Orders {
		if c.Orders[i].State == order.Approved && c.Orders[i].Hold == nil {
			c.Orders[i].Hold = o.Clone().Hold // it stays approved: its form goes on saying who released it, and why
		}
	}
	return c, err
}

// judge decides about after, the order as asked for, and applies the verdict. before is the order as it was; its zero value: none.
func judge(env Env, a account.Account, before, after order.Order, at check.Point, kind Kind) (Change, error) {
	after, err := converted(env, a, after)
	if err != nil {
		return Change{}, err
	}
	in := facts(env, a, before, after, at)
	rec := check.Record{Input: in, Result: check.Decide(in, env.Policy)}
	after.Prepaid = rec.Result.Prepaid
	if rec.Result.Verdict == check.Refuse {
		switch {
		case refusable(after, at):
			after.Refuse(rec.Result.RefusalReasons())
			return changed(a, before, after, Change{Kind: kind, Record: &rec}), nil
		case at != check.AtRecheck:
			return Change{}, refused(before, rec)
		}
	}
	if rec.Result.Verdict == check.Approve {
		after.Approve()
		a.Buckets.Billed += claimed(a, before, after)
	} else if rel, ok := conditional(env, a, before, after, rec.Result); ok && rec.Result.Verdict == check.Hold {
		kind, after.Release = OrderReleased, &rel
		after.Approve()
		if c := (Change{Kind: kind, Record: &rec}); cover(&a, rec.Result.Excess) {
			ctl := a.Control
			c.Detail.Control = &ctl
			return changed(a, before, after, c), nil
		}
	} else if err := hold(env, &a, &after, rec); err != nil {
		return Change{}, err
	} else {
		after.Hold.Place = placeOf(before, in)
	}
	return changed(a, before, after, Change{Kind: kind, Record: &rec}), nil
}

// signed reports whether the acts on a form are for the order as it is now: after a recheck it is the same document; after an amendment
// only a form that all have signed stands, and for no more and no longer than they signed.
func signed(h order.Hold, o order.Order, at check.Point) bool {
	return at == check.AtRecheck || h.Form.State == approval.Approved && o.Amount <= h.Minor && !o.AsksLonger(h.TermDays)
}

// hold puts the order on hold and opens the form on which people decide. A form with its acts goes on where they are for this document
// and the same policy sends it to the same row.
func hold(env Env, a *account.Account, o *order.Order, rec check.Record) error {
	res := rec.Result
	m := measure(env, *a, *o, res)
	row, steps, err := env.Policy.RouteForm(m)
	if err != nil {
		return err
	}
	h := order.Hold{
		Reasons: res.HoldReasons(), Excess: res.Excess, DaysOverdue: res.DaysOverdue, Policy: env.Policy.Version, Minor: o.Amount,
		TermDays: o.Term(a.Profile.Grant.TermDays), Opened: env.Today, Severe: env.Policy.IsSevere(m.Limit, m.Excess, m.Days),
	}
	old := o.Hold
	if old != nil && signed(*old, *o, rec.Input.Point) && old.Policy == h.Policy && goesOn(env, *old, h, row) {
		h.Form, h.Number, h.As, h.Opened, h.Conditions, h.Severe = old.Form, old.Number, old.As, old.Opened, old.Conditions, old.Severe
		h.Minor, h.TermDays = old.Minor, old.TermDays
	} else {
		a.Forms++
		h.Form, h.Number = approval.New(o.SubmittedBy, row, steps), a.Forms
	}
	o.PutOnHold(h, env.Policy.HeldOrdersReserve)
	return nil
}

// changed is the change of one order: the account's buckets move by the difference.
func changed(a account.Account, before, after order.Order, c Change) Change {
	a.Buckets.Order += after.Reserved - before.Reserved
	a.Buckets.Delivery += after.Delivered - before.Delivered
	a.Buckets.Prepaid += setAside(after) - setAside(before)
	a.Held += held(after) - held(before)
	if last := after.Expiry(); !last.IsZero() && (a.NextExpiry.IsZero() || last.Before(a.NextExpiry)) {
		a.NextExpiry = last
	}
	c.Account = a
	c.Events = append(c.Events, eventsOf(before, after)...)
	c.Orders = append(c.Orders, after)
	return c
}

// claimed is what invoices that were there before the order took of it at once: the money that it is paid from is set aside for them, as
// far as they are open, until receivables has applied it.
func claimed(a account.Account, before, after order.Order) int64 {
	if !after.Prepaid {
		return 0
	}
	return max(0, min(after.Ahead-before.Ahead, a.Buckets.Receivable-a.Buckets.Billed))
}

// setAside is the part of an order that unapplied money is set aside for.
func setAside(o order.Order) int64 {
	if !o.Prepaid {
		return min(o.Against, o.Delivered)
	}
	return o.Reserved + o.Delivered
}

func held(o order.Order) int {
	if o.State == order.Held {
		return 1
	}
	return 0
}

func facts(env Env, a account.Account, before, after order.Order, at check.Point) check.Input {
	var prior *check.PriorFacts
	if at == check.AtAmend {
		prior = &check.PriorFacts{TermDays: before.TermDays, Terms: before.Terms}
	}
	in := check.Input{
		Point: at, Edition: check.Edition, BusinessDate: env.Today, PolicyVersion: env.Policy.Version, PolicyHash: env.Policy.Hash,
		Account: check.AccountFacts{
			CustomerID: a.ID, Seq: a.Seq, Hash: hexHash(a.Hash), Currency: a.Profile.Currency, Grade: a.Profile.Grade, Grant: a.Profile.Grant,
			GroupID: a.Profile.GroupID, Standing: a.Standing, Kept: a.Standing.Kept(),
			Buckets: a.Buckets, PositionSeq: a.PositionSeq, Overdue: a.Ladder.Overdue(env.Today),
			Control: check.FactsOf(a.Control, env.Today),
		},
		Order: check.OrderFacts{
			OrderID: after.ID, Amount: after.Amount, Open: after.Open(), Reserved: before.Reserved,
			TermDays: after.TermDays, Terms: after.Terms, Prepaid: before.Prepaid, Release: before.Release, Prior: prior,
			Delivery: after.RequestedDelivery, Conversion: after.Conversion, Notices: noticesOf(a, after),
		},
		Pools: sharedFacts(env, a, after),
	}
	in.Account.Standing.Notices = nil // those of other orders are none of this one's
	if !env.Policy.HeldSecurity {
		in.Account.Standing.Securities = nil // nothing looks at them
	}
	if before.Reserved != 0 {
		in.Order.ReservedFor = before.RequestedDelivery
	}
	others(env, a, after.ID, &in)
	return in
}

func admit(env Env, a account.Account) error {
	switch {
	case !a.Known() || !env.Sees(a.Profile.SalespersonID):
		return UnknownCustomer(a.ID)
	case a.Profile.LifeCycle == account.Closed:
		return customerClosed(a.ID)
	}
	return nil
}
