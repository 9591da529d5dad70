package account

import (
	"slices"

	"github.com/avalcredit/aval/pkg/calendar"
)

// Notice is what a payment notice of receivables is worth for the order that it names, and for no other. Amounts are minor units.
type Notice struct {
	ID        string        `json:"id"`
	OrderID   string        `json:"order_id"`
	Open      int64         `json:"open,omitempty"`      // confirmed and still to come
	Received  int64         `json:"received,omitempty"`  // came under the notice and is there for the order: not applied, or applied to its invoices
	Unapplied int64         `json:"unapplied,omitempty"` // part of Received, and of the bucket, that is not applied: kept for the order
	Expected  calendar.Date `json:"expected"`
	LastDay   calendar.Date `json:"last_day"` // of what is open
}

// Promised is what is still to come under the notice, as it counts on a day: the notice has lapsed after its last.
func (n Notice) Promised(day calendar.Date) int64 {
	if day.After(n.LastDay) {
		return 0
	}
	return n.Open
}

// NoticesFor are the notices that name an order.
func (s Standing) NoticesFor(orderID string) []Notice {
	var found []Notice
	for _, n := range s.Notices {
		if n.OrderID == orderID {
			found = append(found, n)
		}
	}
	return found
}

// Kept is unapplied money that came under notices: it is there for their orders, and for no others.
func (s Standing) Kept() int64 {
	var sum int64
	for _, n := range s.Notices {
		sum += n.Unapplied
	}
	return sum
}

// Without are the notices that another standing no longer has: withdrawn, lapsed, or settled and applied.
func (s Standing) Without(now Standing) []Notice {
	var gone []Notice
	for _, n := range s.Notices {
		if !slices.ContainsFunc(now.Notices, func(x Notice) bool { return x.ID == n.ID }) {
			gone = append(gone, n)
		}
	}
	return gone
}
