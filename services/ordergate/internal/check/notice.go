package check

import (
	"strings"

	"github.com/avalcredit/aval/pkg/calendar"
	"github.com/avalcredit/aval/services/ordergate/internal/account"
	"github.com/avalcredit/aval/services/ordergate/internal/order"
)

// NoticeFacts is a payment notice that names the order, and what goods of the order that were shipped have used up of it.
type NoticeFacts struct {
	account.Notice
	Used int64 `json:"used,omitempty"`
}

// Here is the money that came under the notice for goods that are not shipped.
func (n NoticeFacts) Here() int64 { return max(0, n.Received-n.Used) }

// Worth is what the notice lets go on a day: that money, and what is confirmed and still to come.
func (n NoticeFacts) Worth(day calendar.Date) int64 {
	return max(0, n.Received+n.Promised(day)-n.Used)
}

// TakesNotice reports whether goods may go on a confirmed payment notice (S2.4): to a customer that buys cash on delivery, and for an
// order on those terms; never where payment comes before delivery.
func TakesNotice(g account.Grant, terms order.Terms, day calendar.Date) bool {
	switch g.On(day).Treatment {
	case account.PaymentBeforeDelivery, account.PhasedOut:
		return false
	case account.CashOnDelivery:
		return terms != order.Prepayment
	case account.CashCustomer, account.Credit:
	}
	return terms == order.CashOnDelivery
}

func (d *decider) takesNotice() bool {
	return TakesNotice(d.in.Account.Grant, d.in.Order.Terms, d.in.BusinessDate)
}

// free is money that is here, and set aside neither for other orders nor for the notices of any, never below zero.
func (d *decider) free() int64 {
	b := d.in.Account.Buckets
	free := b.Unapplied - b.Prepaid - b.Billed - d.in.Account.Kept
	if d.in.Order.Prepaid {
		free += d.in.Order.Reserved
	}
	return max(0, free)
}

// received is the money that came under the order's own notices, for goods not shipped yet.
func (d *decider) received() int64 {
	var sum int64
	for _, n := range d.in.Order.Notices {
		sum += n.Here()
	}
	return sum
}

// noticed is what the order's notices are worth on the business date.
func (d *decider) noticed() int64 {
	var sum int64
	for _, n := range d.in.Order.Notices {
		sum += n.Worth(d.in.BusinessDate)
	}
	return sum
}

// onNotice reports whether confirmed payment notices cover the order in full, where its goods may go on them.
func (d *decider) onNotice() bool {
	o := &d.in.Order
	return len(o.Notices) > 0 && o.Amount > 0 && o.Open > 0 && d.takesNotice() && d.noticed() >= o.Open
}

// drawsNothing reports whether the order needs no credit for a notice covers it: the customer has no limit to be measured against.
func (d *decider) drawsNothing() bool {
	return d.in.Account.Grant.On(d.in.BusinessDate).Treatment != account.Credit && d.onNotice()
}

// setsAside reports whether free money is set aside for the order. Money that came under its own notices is kept for it anyway.
func (d *decider) setsAside() bool {
	return d.paid() && (d.in.Order.Prepaid || d.received() < d.in.Order.Open)
}

// noticeFigures name the order's notices.
func (d *decider) noticeFigures() []Figure {
	notices := d.in.Order.Notices
	if len(notices) == 0 {
		return nil
	}
	ids, last := make([]string, len(notices)), make([]string, len(notices))
	for i, n := range notices {
		ids[i], last[i] = n.ID, n.LastDay.String()
	}
	return []Figure{
		{"payment_notice", strings.Join(ids, ", ")}, {"notice_last_date", strings.Join(last, ", ")}, {"noticed", d.money(d.noticed())},
	}
}
