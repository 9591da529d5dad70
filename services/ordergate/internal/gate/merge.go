package gate

import (
	"cmp"
	"slices"
	"strconv"

	"github.com/avalcredit/aval/pkg/calendar"
	"github.com/avalcredit/aval/pkg/errs"
	"github.com/avalcredit/aval/services/ordergate/internal/account"
	"github.com/avalcredit/aval/services/ordergate/internal/order"
)

// The kinds of entries of customers that are merged: their files are the same customer's.
const (
	MergedOut  Kind = "MERGED_OUT"        // last entry of the one that is given up, with nothing left there
	MergedIn   Kind = "MERGED_IN"         // of the survivor, in the same transaction, with all that the other one held
	OrdersTook Kind = "ORDERS_TAKEN_OVER" // of the survivor, right after it: more orders of the other one than one entry takes
)

// MaxTaken is how many orders of a merged account one entry of the survivor takes over.
const MaxTaken = 500

// ReasonMerged: the customer was merged into another one, which the error names.
const ReasonMerged = "CUSTOMER_MERGED"

// MergedAway refuses a command on an account that was merged into another one: FailedPrecondition CUSTOMER_MERGED.
func MergedAway(a account.Account) error {
	return errs.New(errs.FailedPrecondition, ReasonMerged, "customer %s was merged into %s", a.ID, a.MergedInto.AccountID).
		With("customer_id", a.ID).With("merged_into_id", a.MergedInto.AccountID)
}

// Mergeable says whether what a position holds of another account can be taken over from it: all that was told under the other's own
// number has arrived, and both are in one currency. Errors: CUSTOMER_UNKNOWN where the survivor's profile has not arrived, SEQUENCE_GAP,
// CURRENCY_MISMATCH.
func Mergeable(a, from account.Account, m account.Merged) error {
	switch {
	case !a.Known():
		return UnknownCustomer(a.ID)
	case from.MergedInto != nil:
		return MergedAway(from)
	case from.PositionSeq < m.Seq:
		return errs.New(errs.FailedPrecondition, "SEQUENCE_GAP", "customer %s is merged into this one after its position %d, which has not arrived", from.ID, m.Seq).
			With("expected", strconv.FormatInt(from.PositionSeq+1, 10))
	case from.Profile.Currency != "" && from.Profile.Currency != a.Profile.Currency:
		return errs.New(errs.FailedPrecondition, "CURRENCY_MISMATCH", "the accounts of %s and %s are kept in %s and %s", from.ID, a.ID, from.Profile.Currency, a.Profile.Currency)
	}
	return nil
}

// MergeOut ends an account with nothing left there: the survivor's entry at the given place takes up all that it held.
func MergeOut(a account.Account, into account.Place) Change {
	a.MergedInto = &into
	a.Buckets, a.Held, a.PositionAt, a.Ceilings = account.Buckets{}, 0, 0, nil
	a.ControlAt, a.NextExpiry = 0, calendar.Date{}
	profile := a.Profile
	return Change{Kind: MergedOut, Account: a, Detail: Detail{MergedInto: &into, Profile: &profile}}
}

// MergeIn gives an account all that another one held, which ended with the entry at the given place: exposure, orders on hold and the
// rest, so that both together hold what they held before. orders are all orders of the other account. A stricter block of the other goes
// on; its stop by S2.18 and its exception do not: the account is judged by what it holds now.
func MergeIn(a, from account.Account, ended account.Place, orders []order.Order, today calendar.Date) Change {
	block := account.Stricter(a.Control, from.Control, today)
	taken := block != nil && block != a.Control.Block
	paid := a.Paid - from.Paid
	after := a.With(from)
	c := Change{Kind: MergedIn, Detail: Detail{MergedFrom: &ended}}
	profile := after.Profile
	c.Detail.Profile = &profile
	if taken {
		b := *block
		b.Number = a.Seq + 1
		after.Control.Block = &b
	}
	if taken || from.Control.Released > 0 {
		ctl := after.Control
		c.Detail.Control = &ctl
	}
	if a.PositionAt > 0 || from.PositionAt > 0 {
		c.Detail.Position = &account.Position{
			Seq: after.PositionSeq, BusinessDate: today, Currency: after.Profile.Currency, Receivable: after.Buckets.Receivable,
			Unapplied: after.Buckets.Unapplied, Ladder: after.Ladder, Paid: after.Paid, Standing: after.Standing,
		}
	}
	for _, o := range orders {
		o = takenOver(o, a.ID, paid)
		if o.Release != nil && o.Release.Block > 0 {
			o.Release.Block = 0
			if taken && from.Control.Block.Number == block.Number {
				o.Release.Block = after.Control.Block.Number
			}
		}
		c.Orders = append(c.Orders, o)
	}
	slices.SortFunc(c.Orders, func(x, y order.Order) int { return cmp.Or(cmp.Compare(rank(x), rank(y)), cmp.Compare(x.ID, y.ID)) })
	c.Account = after
	return c
}

// rank puts orders with something left to do first.
func rank(o order.Order) int {
	if o.State == order.Held || o.State == order.Approved || o.Reserved > 0 || o.Delivered > 0 {
		return 0
	}
	return 1
}

// takenOver is an order of a merged account as the survivor's. What is named by the other's number goes on being named so: the number it
// was placed under, its decision and its form. paid is by how much more the survivor's account has been paid so far.
func takenOver(o order.Order, survivor string, paid int64) order.Order {
	o = o.Clone()
	o.NamedID = cmp.Or(o.NamedID, o.CustomerID)
	if o.DecisionSeq > 0 {
		o.DecidedAs = cmp.Or(o.DecidedAs, o.CustomerID)
	}
	if h := o.Hold; h != nil {
		h.As = cmp.Or(h.As, o.CustomerID)
		if h.Conditions != nil {
			cond := *h.Conditions
			cond.PaidFrom += paid
			h.Conditions = &cond
		}
	}
	o.CustomerID = survivor
	return o
}

// PlacedWith is an order as it is placed with an account: that of the customer which it names, or of the one that this was merged into.
func PlacedWith(a account.Account, o order.Order) order.Order {
	if a.ID != o.CustomerID {
		o.NamedID, o.CustomerID = o.CustomerID, a.ID
	}
	return o
}
