package account

import (
	"cmp"
	"slices"

	"github.com/avalcredit/aval/pkg/calendar"
)

// Place is an entry of an account's journal.
type Place struct {
	RootID    string `json:"root_id"`
	AccountID string `json:"account_id"`
	Seq       int64  `json:"seq"`
}

// Merged is an account that a position holds beside the customer's own, up to the last position that was told under its own number.
type Merged struct {
	ID  string `json:"id"`
	Seq int64  `json:"seq"`
}

// Gone reports whether the account goes on elsewhere: under another root, or in the account of the customer that it was merged into.
func (a Account) Gone() bool { return a.MovedTo != "" || a.MergedInto != nil }

// With is the account with all that another one in the same currency holds. What was granted and what controls it stay its own.
func (a Account) With(b Account) Account {
	billed := a.Buckets.Billed + b.Buckets.Billed
	a.Buckets = a.Buckets.Add(b.Buckets)
	a.Buckets.Billed = billed
	a.Held += b.Held
	a.Ladder = a.Ladder.Plus(b.Ladder)
	a.Standing = a.Standing.With(b.Standing)
	a.Control.Released += b.Control.Released
	if next := b.NextExpiry; !next.IsZero() && (a.NextExpiry.IsZero() || next.Before(a.NextExpiry)) {
		a.NextExpiry = next
	}
	a.Merged = slices.Concat(a.Merged, []string{b.ID}, b.Merged)
	for _, root := range b.Roots() {
		if !slices.Contains(a.Former, root) {
			a.Former = append(slices.Clone(a.Former), root) // requests are remembered under the roots that they were made in
		}
	}
	return a
}

// Plus is what is open by due date in both ladders.
func (l Ladder) Plus(o Ladder) Ladder {
	if len(o) == 0 {
		return l
	}
	all := slices.Concat(l, o)
	slices.SortStableFunc(all, func(x, y Due) int { return x.Date.Compare(y.Date) })
	sum := all[:0]
	for _, d := range all {
		if n := len(sum); n > 0 && sum[n-1].Date == d.Date {
			sum[n-1].Minor += d.Minor
			continue
		}
		sum = append(sum, d)
	}
	return sum
}

// With is the standing of two accounts together: amounts and counts are added up, the worst stays the worst.
func (s Standing) With(o Standing) Standing {
	s = s.Add(o.Sums())
	s.Disputed = s.Disputed.Plus(o.Disputed)
	s.BrokenPromises += o.BrokenPromises
	s.BrokenAmount += o.BrokenAmount
	s.BrokenDate = later(s.BrokenDate, o.BrokenDate)
	s.DunningLevel = max(s.DunningLevel, o.DunningLevel)
	s.SupplyStopped = s.SupplyStopped || o.SupplyStopped
	s.Securities = slices.Concat(s.Securities, o.Securities)
	s.OpenInvoices += o.OpenInvoices
	if len(o.Notices) > 0 {
		s.Notices = slices.Concat(s.Notices, o.Notices)
		slices.SortFunc(s.Notices, func(x, y Notice) int { return cmp.Compare(x.ID, y.ID) })
	}
	return s
}

func later(x, y calendar.Date) calendar.Date {
	if x.Before(y) {
		return y
	}
	return x
}

// Stricter is which of two blocks stands where both are in force on a day: a stop before a hold, the first before the second.
func Stricter(first, second Control, day calendar.Date) *Block {
	x, y := first.BlockOn(day), second.BlockOn(day)
	switch {
	case y == nil:
		return first.Block
	case x == nil || x.Kind == BlockHold && y.Kind == BlockStop:
		return second.Block
	}
	return first.Block
}
