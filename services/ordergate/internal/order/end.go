package order

import (
	"slices"

	"github.com/avalcredit/aval/pkg/calendar"
	"github.com/avalcredit/aval/pkg/errs"
)

// Return is goods that came back before they were invoiced, in minor units.
type Return struct {
	ID           string        `json:"id"`
	Minor        int64         `json:"minor"`
	BusinessDate calendar.Date `json:"business_date"`
}

// Conditions is what an approval hangs on: those of all signatures together. Amounts are minor units.
type Conditions struct {
	MaxAmount int64         `json:"max_amount,omitempty"` // 0: none
	Until     calendar.Date `json:"until,omitzero"`
	Payment   int64         `json:"payment,omitempty"`   // must come in after the approval; 0: none
	PaidFrom  int64         `json:"paid_from,omitempty"` // what the account had paid when the last signature was given
}

// And is both conditions: the smaller amount, the earlier date, the larger payment.
func (c *Conditions) And(o *Conditions) *Conditions {
	if c == nil || o == nil {
		if c == nil {
			c = o
		}
		return c
	}
	both := *c
	if o.MaxAmount > 0 && (both.MaxAmount == 0 || o.MaxAmount < both.MaxAmount) {
		both.MaxAmount = o.MaxAmount
	}
	if both.Until.IsZero() || (!o.Until.IsZero() && o.Until.Before(both.Until)) {
		both.Until = o.Until
	}
	both.Payment = max(both.Payment, o.Payment)
	return &both
}

// Met reports whether an order of amount may go on day, after all that the account has paid. No conditions are met.
func (c *Conditions) Met(amount, paid int64, day calendar.Date) bool {
	return c == nil || (c.MaxAmount == 0 || amount <= c.MaxAmount) && !c.Over(day) && paid-c.PaidFrom >= c.Payment
}

// Over reports whether the conditions cannot be met any more: their last day has passed.
func (c *Conditions) Over(day calendar.Date) bool {
	return c != nil && !c.Until.IsZero() && day.After(c.Until)
}

// Expiry is the last day on which the order can go as it stands; zero where none is set, or nothing of it is open.
func (o Order) Expiry() calendar.Date {
	last := o.ValidUntil
	switch {
	case o.State != Held && o.State != Approved, o.Open() <= 0:
		return calendar.Date{}
	case o.State == Approved && o.Release != nil && !o.Release.Until.IsZero():
		if last.IsZero() || o.Release.Until.Before(last) {
			last = o.Release.Until
		}
	}
	return last
}

// free cancels what is open, and remembers it for a reopening.
func (o *Order) free() {
	o.Freed = max(0, o.Open())
	o.Cancelled += o.Freed
	o.Reserved = 0
}

// Close ends an approved order: nothing more ships. It reports whether anything changed. Errors: ORDER_NOT_APPROVED.
func (o *Order) Close() (bool, error) {
	switch {
	case o.State == Closed || o.State == Completed:
		return false, nil
	case o.State != Approved:
		return false, errs.New(errs.FailedPrecondition, "ORDER_NOT_APPROVED", "order %s is %s; only an approved order is closed", o.ID, o.State).With("state", string(o.State))
	}
	o.free()
	o.State = Closed
	return true, nil
}

// Expire ends an order whose last day has passed: EXPIRED where nothing of it was shipped or invoiced, else CLOSED.
func (o *Order) Expire() {
	o.free()
	o.State = Expired
	if o.Shipped+o.Invoiced > 0 {
		o.State = Closed
	}
}

// Reopen asks for what closing, cancelling or expiry freed; whether it is approved is for the check to say.
// Errors: ORDER_NOT_CLOSED.
func (o *Order) Reopen() error {
	if o.State != Closed && o.State != Cancelled && o.State != Expired {
		return errs.New(errs.FailedPrecondition, "ORDER_NOT_CLOSED", "order %s is %s; only a closed, cancelled or expired order is reopened", o.ID, o.State).With("state", string(o.State))
	}
	o.Cancelled -= o.Freed
	o.Freed, o.Release, o.Hold = 0, nil, nil
	return nil
}

// TakeBack records goods that came back before they were invoiced; replaced goods are shipped again.
// Errors: RETURN_EXISTS, RETURN_EXCEEDS_DELIVERED.
func (o *Order) TakeBack(r Return, replace bool) error {
	if slices.ContainsFunc(o.Returns, func(x Return) bool { return x.ID == r.ID }) {
		return errs.New(errs.FailedPrecondition, "RETURN_EXISTS", "return %s of order %s is recorded already", r.ID, o.ID)
	}
	if r.Minor > o.Delivered {
		return errs.New(errs.FailedPrecondition, "RETURN_EXCEEDS_DELIVERED", "%s of order %s is shipped and not invoiced; invoiced goods come back by a credit note", o.Money(o.Delivered), o.ID).
			With("delivered", o.Money(o.Delivered).String())
	}
	o.Delivered -= r.Minor
	o.Shipped -= r.Minor
	o.Returned += r.Minor
	o.freeNotices(r.Minor)
	o.Returns = append(o.Returns, r)
	switch {
	case replace && o.State != Closed && o.Live():
		o.Reserved = max(0, o.Open())
	case replace && o.State == Held: // what it asks for has grown by what came back
	default:
		o.Cancelled += r.Minor
	}
	o.settle()
	return nil
}
