package gate

import (
	"cmp"
	"slices"
	"strconv"

	"github.com/avalcredit/aval/pkg/errs"
	"github.com/avalcredit/aval/services/ordergate/internal/account"
	"github.com/avalcredit/aval/services/ordergate/internal/order"
)

// ReceiveProfile takes a profile of evaluation. It reports false where it is known already. snapshot allows a jump in the sequence:
// a profile is whole, so one that was asked for stands for all before it. Errors: SEQUENCE_GAP.
func ReceiveProfile(a account.Account, p account.Profile, snapshot bool) (Change, bool, error) {
	if p.Seq <= a.Profile.Seq {
		return Change{}, false, nil
	}
	if p.Seq != a.Profile.Seq+1 && !snapshot {
		return Change{}, false, gap(a.Profile.Seq + 1)
	}
	a.Profile = p
	return Change{Kind: ProfileReceived, Account: a, Detail: Detail{Profile: &p}}, true, nil
}

// ReceivePosition takes a position of receivables: what it billed leaves the orders in the same entry as it enters receivables, so
// that nothing is counted twice or lost. orders holds the orders that its movements name, where the gate has them.
// It reports false where the position is known already. Errors: SEQUENCE_GAP.
func ReceivePosition(a account.Account, p account.Position, orders map[string]order.Order) (Change, bool, error) {
	if p.Seq <= a.PositionSeq {
		return Change{}, false, nil
	}
	if p.Seq != a.PositionSeq+1 {
		return Change{}, false, gap(a.PositionSeq + 1)
	}
	c := Change{Kind: PositionReceived, Detail: Detail{Position: &p}}
	before, ended := a.Buckets, a.Standing.Without(p.Standing)
	a.Paid += paidIn(a.Buckets, p)
	p.Paid = a.Paid
	a.PositionSeq, a.Ladder = p.Seq, p.Ladder
	a.Buckets.Receivable, a.Buckets.Unapplied = p.Receivable, p.Unapplied
	a.Standing = p.Standing
	if a.Profile.Currency == "" {
		a.Profile.Currency = p.Currency
	}
	touched := map[string]order.Order{}
	var billed int64
	for _, m := range p.Movements {
		billed += m.Minor
		o, ok := orders[m.OrderID]
		if !ok || o.CustomerID != a.ID {
			c.Detail.Notes = append(c.Detail.Notes, "order "+m.OrderID+" of invoice "+m.InvoiceID+" is not an order of this account")
			continue
		}
		if t, again := touched[m.OrderID]; again {
			o = t
		}
		after := o.Clone()
		after.Bill(m.InvoiceID, m.Minor)
		moved := setAside(o) - setAside(after) // the claim follows the goods into receivables, and back
		a.Buckets.Billed += moved
		after.Against = max(0, after.Against-max(0, moved))
		a = changed(a, o, after, Change{}).Account
		touched[m.OrderID] = after
	}
	for _, n := range ended {
		o, ok := touched[n.OrderID]
		if !ok {
			if o, ok = orders[n.OrderID]; !ok || o.CustomerID != a.ID {
				continue
			}
		}
		if after, changes := outstanding(o, n.ID); changes {
			a = changed(a, o, after, Change{}).Account
			touched[n.OrderID] = after
		}
	}
	if a.Control.Released > 0 && a.Buckets.Exposure() <= max(0, a.Profile.Grant.Limit.Minor) {
		back := a.Control // within the limit again, and nothing released has yet to leave: what was released is used up
		back.Released = 0
		a.Control, c.Detail.Control = back, &back
	}
	for _, o := range touched {
		c.Orders = append(c.Orders, o)
	}
	// Money that was applied has done what it was set aside for.
	applied := min(before.Unapplied-p.Unapplied, before.Receivable+billed-p.Receivable)
	a.Buckets.Billed = min(max(0, a.Buckets.Billed-max(0, applied)), p.Receivable)
	slices.SortFunc(c.Orders, func(x, y order.Order) int { return cmp.Compare(x.ID, y.ID) })
	c.Account = a
	return c, true, nil
}

// paidIn is what came in, or was credited, with a position: the fall of what is owed, beside what was billed. Minor units.
func paidIn(before account.Buckets, p account.Position) int64 {
	billed := p.OtherBilled
	for _, m := range p.Movements {
		billed += m.Minor
	}
	return (before.Receivable - before.Unapplied) + billed - (p.Receivable - p.Unapplied)
}

func gap(expected int64) error {
	return errs.New(errs.FailedPrecondition, "SEQUENCE_GAP", "the next sequence is %d", expected).With("expected", strconv.FormatInt(expected, 10))
}
