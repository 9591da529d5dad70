package gate

import (
	"slices"

	"github.com/avalcredit/aval/pkg/approval"
	"github.com/avalcredit/aval/pkg/calendar"
	"github.com/avalcredit/aval/pkg/errs"
	"github.com/avalcredit/aval/pkg/money"
	"github.com/avalcredit/aval/services/ordergate/internal/account"
	"github.com/avalcredit/aval/services/ordergate/internal/check"
	"github.com/avalcredit/aval/services/ordergate/internal/order"
)

// Reasons of a stop by S2.18.
const (
	OverLimit = "OVER_LIMIT"
	OverTerm  = "OVER_TERM"
)

// control is the change of what controls an account beside its credit.
func control(a account.Account, c account.Control, kind Kind, reason string) Change {
	a.Control = c
	return Change{Kind: kind, Account: a, Detail: Detail{Control: &c, Reason: reason}}
}

func (e Env) customer(a account.Account) error {
	if !a.Known() || !e.Sees(a.Profile.SalespersonID) {
		return UnknownCustomer(a.ID)
	}
	return nil
}

// Block blocks a customer by hand, in place of a block that is there. Errors: CUSTOMER_UNKNOWN, DATE_PAST.
func Block(env Env, a account.Account, b account.Block) (Change, error) {
	if err := env.customer(a); err != nil {
		return Change{}, err
	}
	if !b.Until.IsZero() && b.Until.Before(env.Today) {
		return Change{}, pastDate("until_date", b.Until)
	}
	b.Number, b.SetBy, b.From = a.Seq+1, env.Actor, env.Today
	next := a.Control
	next.Block = &b
	c := control(a, next, BlockSet, b.Reason)
	c.Events = []Event{{Type: CustomerBlocked, Reasons: []string{string(b.Kind)}, Until: b.Until}}
	return c, nil
}

// Unblock lifts a block. It reports false where there is none. Errors: CUSTOMER_UNKNOWN.
func Unblock(env Env, a account.Account, reason string) (Change, bool, error) {
	if err := env.customer(a); err != nil || a.Control.Block == nil {
		return Change{}, false, err
	}
	next := a.Control
	next.Block = nil
	c := control(a, next, BlockLifted, reason)
	c.Events = []Event{{Type: CustomerUnblocked}}
	return c, true, nil
}

// LiftByLimit lifts a block of kind HOLD after the limit was raised from before, where the policy says so. A STOP stays.
func LiftByLimit(env Env, a account.Account, before account.Grant) (Change, bool) {
	b := a.Control.Block
	if b == nil || b.Kind != account.BlockHold || !env.Policy.Controls.RaiseLiftsHold || !raised(before.Limit, a.Profile.Grant.Limit) {
		return Change{}, false
	}
	next := a.Control
	next.Block = nil
	c := control(a, next, BlockLifted, "the limit was raised")
	c.Events = []Event{{Type: CustomerUnblocked}}
	return c, true
}

func raised(from, to account.Limit) bool {
	switch {
	case to.Kind == account.LimitUnlimited:
		return from.Kind != account.LimitUnlimited
	case to.Kind == account.LimitAmount:
		return from.Kind == account.LimitUndefined && to.Minor > 0 || from.Kind == account.LimitAmount && to.Minor > from.Minor
	}
	return false
}

// ExceptionRequest asks for the approval of both directors to be over the limit (minor units) or over term (days after grace).
type ExceptionRequest struct {
	Reason    string
	Until     calendar.Date
	Currency  string // of MaxExcess; empty: none is asked for
	MaxExcess int64
	MaxDays   int
}

// RequestException opens the form on which both directors sign, in place of one that is there. Errors: CUSTOMER_UNKNOWN, DATE_PAST,
// CURRENCY_MISMATCH.
func RequestException(env Env, a account.Account, r ExceptionRequest) (Change, error) {
	if err := env.customer(a); err != nil {
		return Change{}, err
	}
	if r.Until.Before(env.Today) {
		return Change{}, pastDate("until_date", r.Until)
	}
	if r.Currency != "" && r.Currency != a.Profile.Currency {
		return Change{}, currencyMismatch("max_excess.currency_code", r.Currency, a.Profile.Currency)
	}
	next := a.Control
	next.Exception = &account.Exception{
		Number: a.Seq + 1, Reason: r.Reason, Until: r.Until, MaxExcess: r.MaxExcess, MaxDays: r.MaxDays,
		Form: approval.New(env.Actor, 1, []approval.Step{
			{Name: "sales director", AnyOf: []string{"SALES_DIRECTOR"}},
			{Name: "finance director", AnyOf: []string{"FINANCE_DIRECTOR"}},
		}),
	}
	return control(a, next, ExceptionRequested, r.Reason), nil
}

// DecideException takes the next signature of an exception. Errors: CUSTOMER_UNKNOWN, EXCEPTION_NOT_PENDING, those of approval.Form.Apply.
func DecideException(env Env, a account.Account, d approval.Decision, reason string) (Change, error) {
	if err := env.customer(a); err != nil {
		return Change{}, err
	}
	if a.Control.Exception == nil || a.Control.Exception.Form.State != approval.Pending {
		return Change{}, errs.New(errs.FailedPrecondition, "EXCEPTION_NOT_PENDING", "no exception of customer %s waits for a signature", a.ID)
	}
	ex := *a.Control.Exception
	var err error
	if ex.Form, err = ex.Form.Apply(approval.Act{Subject: env.Actor, Roles: env.Roles, Decision: d, Reason: reason, Date: env.Today}); err != nil {
		return Change{}, err
	}
	next := a.Control
	next.Exception = &ex
	return control(a, next, ExceptionDecided, reason), nil
}

// breach is how far an account is beyond S2.18; no reasons: it is not. Amounts are minor units.
type breach struct {
	reasons []string
	excess  int64
	days    int
	limit   account.Limit
}

// breachOf measures what is owed for goods that left, with those about to leave, against the limit, and the oldest overdue item.
// The yardstick of a customer whose credit was withdrawn since is the limit that it had passed. Customers that never had credit pay
// first and are none of this rule's.
func breachOf(env Env, a account.Account, leaving int64) breach {
	rule, g := env.Policy.Controls.CreditStop, a.Profile.Grant
	b := breach{limit: g.LimitOn(env.Today)}
	if rule == nil {
		return b
	}
	if g.Treatment != account.Credit {
		if a.Control.Stop == nil {
			return b
		}
		b.limit = a.Control.Stop.Limit
	} else if b.limit.Kind == account.LimitAmount && len(g.Orders) > 0 && g.InForce(env.Today) {
		b.limit.Minor += g.ForOrder("", env.Today) // approved in writing beyond the limit
	}
	unpaid := a.Ladder.Paid(max(0, a.Buckets.Unapplied-a.Buckets.Prepaid)) // who has paid is not stopped because the money is not applied yet
	b.days = max(0, unpaid.Overdue(env.Today).OldestDays(env.Today)-g.GraceDays)
	if b.limit.Kind == account.LimitAmount {
		b.excess = max(0, a.Buckets.Owed()+leaving-b.limit.Minor-secured(env, a))
	}
	tolerated := percentOf(b.limit.Minor, rule.OverPercent)
	if rule.ReleasesCount {
		tolerated = max(tolerated, a.Control.Released)
	}
	if a.Control.Exception.Covers(env.Today, b.excess, b.days) {
		return b
	}
	if b.excess > tolerated {
		b.reasons = append(b.reasons, OverLimit)
	}
	if b.days > rule.OverdueDays {
		b.reasons = append(b.reasons, OverTerm)
	}
	return b
}

// secured is what stands behind what is owed, where the policy counts securities held; minor units. What was sold on them is not beyond
// the credit.
func secured(env Env, a account.Account) int64 {
	minor, held := env.Policy.Secured(&check.AccountFacts{
		CustomerID: a.ID, GroupID: a.Profile.GroupID, Grade: a.Profile.Grade, Currency: a.Profile.Currency, Grant: a.Profile.Grant, Standing: a.Standing,
	}, env.Today)
	if !held {
		return 0
	}
	return minor
}

// Withdrawal asks evaluation to withdraw an account's credit.
type Withdrawal struct {
	BusinessDate calendar.Date `json:"business_date"`
	Reason       string        `json:"reason"`
	OrderID      string        `json:"order_id,omitempty"`
}

// Enforce applies S2.18: an account beyond it is stopped, its credit asked to be withdrawn and the people responsible told; one that
// is no longer beyond it goes on. leaving is the amount (minor units) of the order that is about to ship. It reports false where
// nothing changes.
func Enforce(env Env, a account.Account, orderID string, leaving int64) (Change, bool) {
	b := breachOf(env, a, leaving)
	next := a.Control
	switch {
	case len(b.reasons) > 0 && next.Stop == nil:
		next.Stop = &account.CreditStop{
			Number: a.Seq + 1, Since: env.Today, Reasons: b.reasons, Limit: b.limit, Excess: b.excess, DaysOverdue: b.days,
		}
		why := stopReason(a, b)
		c := control(a, next, CreditStopped, why)
		c.Events = []Event{{Type: ShippingStopped, OrderID: orderID, Reasons: b.reasons, Notify: responsible()}}
		if a.Profile.Grant.Treatment == account.Credit {
			c.Withdraw = &Withdrawal{BusinessDate: env.Today, Reason: why, OrderID: orderID}
		}
		return c, true
	case len(b.reasons) == 0 && next.Stop != nil && leaving == 0:
		next.Stop = nil
		c := control(a, next, CreditStopLifted, "")
		c.Events = []Event{{Type: ShippingResumed, Notify: responsible()}}
		return c, true
	}
	return Change{}, false
}

// EnforceAtShipping is Enforce at the moment in which goods of an order are about to leave; nil is all that is left of it.
func EnforceAtShipping(env Env, a account.Account, o order.Order, amount *money.Money) (Change, bool) {
	minor, err := leaving(o, amount)
	if err != nil {
		return Change{}, false
	}
	if o.Release != nil {
		minor = 0
	}
	return Enforce(env, a, o.ID, minor)
}

// responsible are told of a stop, beside the salesperson.
func responsible() []string { return []string{"SALES_DIRECTOR", "FINANCE_DIRECTOR", "CREDIT_MANAGER"} }

func stopReason(a account.Account, b breach) string {
	text := "S2.18:"
	if slices.Contains(b.reasons, OverLimit) {
		text += " owed " + a.Money(b.excess).String() + " over the limit of " + a.Money(b.limit.Minor).String() + ";"
	}
	if slices.Contains(b.reasons, OverTerm) {
		text += " " + itoa(b.days) + " days overdue after grace;"
	}
	return text + " without the written approval of both directors"
}

func pastDate(field string, d calendar.Date) error {
	return errs.New(errs.Invalid, "DATE_PAST", "%s is in the past", d).
		WithViolations(errs.Violation{Field: field, Rule: "DATE_PAST", Message: "must not be in the past"})
}
