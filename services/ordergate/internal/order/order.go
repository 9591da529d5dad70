// Package order is the life of an order at the gate: one state machine, in which every amount stays in exactly one place.
package order

import (
	"slices"

	"github.com/avalcredit/aval/pkg/approval"
	"github.com/avalcredit/aval/pkg/calendar"
	"github.com/avalcredit/aval/pkg/errs"
	"github.com/avalcredit/aval/pkg/money"
)

// State is where an order stands.
type State string

// The states.
const (
	Held      State = "HELD"
	Approved  State = "APPROVED"
	Rejected  State = "REJECTED"
	Cancelled State = "CANCELLED"
	Completed State = "COMPLETED"
	Closed    State = "CLOSED"  // by hand, or expired after a part was shipped
	Expired   State = "EXPIRED" // its last day passed before anything was shipped
)

// Terms is when the customer pays.
type Terms string

// The payment terms of an order.
const (
	OpenAccount    Terms = "OPEN_ACCOUNT"
	CashOnDelivery Terms = "CASH_ON_DELIVERY"
	Prepayment     Terms = "PREPAYMENT"
)

// Shipment is one goods issue, in minor units.
type Shipment struct {
	ID           string        `json:"id"`
	Minor        int64         `json:"minor"`
	BusinessDate calendar.Date `json:"business_date"`
}

// Billing is what one invoice took from the order, so that its reversal gives back exactly that. Minor units.
type Billing struct {
	InvoiceID     string `json:"invoice_id"`
	Minor         int64  `json:"minor"`
	FromDelivered int64  `json:"from_delivered"`
	FromReserved  int64  `json:"from_reserved"`
}

// Release is what people released: later checks of the order pass within the policy's memory of it.
type Release struct {
	Minor    int64         `json:"minor"`
	Date     calendar.Date `json:"date"`
	Until    calendar.Date `json:"until,omitzero"`      // last day on which goods go out under it
	Block    int64         `json:"block,omitempty"`     // number of the block of kind HOLD that it was given under
	TermDays *int          `json:"term_days,omitempty"` // the term released, that of the grant where none was asked for; nil in older releases
}

// Hold is why an order waits, and the form on which people decide about it. Excess is in minor units.
type Hold struct {
	Number      int64         `json:"number"`              // of the form within the account, without gaps
	Place       int64         `json:"place,omitempty"`     // in the group's journal: how long it waits beside orders of other members
	Policy      int64         `json:"policy"`              // version whose authority table the form follows
	Minor       int64         `json:"minor"`               // amount of the order that people sign
	TermDays    *int          `json:"term_days,omitempty"` // the term that they sign, that of the grant where none is asked for; nil in older forms
	Reasons     []string      `json:"reasons"`
	Excess      int64         `json:"excess"`
	DaysOverdue int           `json:"days_overdue"`
	As          string        `json:"as,omitempty"` // customer under whose account it was opened, where that one was merged into this
	Form        approval.Form `json:"form"`
	Opened      calendar.Date `json:"opened,omitzero"`
	Severe      bool          `json:"severe,omitempty"` // top management signs first
	Conditions  *Conditions   `json:"conditions,omitempty"`
}

// Order is a customer's order as the gate knows it. Amounts are minor units of Currency. Conserved states what always holds between them.
type Order struct {
	ID                string        `json:"id"`
	CustomerID        string        `json:"customer_id"`
	NamedID           string        `json:"named_customer_id,omitempty"` // number that it was placed under, where that customer was merged into this one
	BuyerID           string        `json:"buyer_id,omitempty"`
	Reference         string        `json:"reference,omitempty"`
	UnitID            string        `json:"unit_id,omitempty"`        // sales unit
	SalespersonID     string        `json:"salesperson_id,omitempty"` // who sold it
	Currency          string        `json:"currency"`
	Amount            int64         `json:"amount"`
	TermDays          *int          `json:"term_days,omitempty"`
	Terms             Terms         `json:"terms"`
	OrderDate         calendar.Date `json:"order_date"`
	RequestedDelivery calendar.Date `json:"requested_delivery,omitzero"`
	State             State         `json:"state"`
	Reserved          int64         `json:"reserved"`  // bucket ORDER
	Delivered         int64         `json:"delivered"` // bucket DELIVERY
	Shipped           int64         `json:"shipped"`
	Invoiced          int64         `json:"invoiced"`
	Ahead             int64         `json:"ahead,omitempty"` // invoiced, not shipped yet
	Over              int64         `json:"over,omitempty"`  // shipped or invoiced beyond the order
	Cancelled         int64         `json:"cancelled"`
	Prepaid           bool          `json:"prepaid,omitempty"` // unapplied money is set aside for it
	DecisionSeq       int64         `json:"decision_seq"`
	DecidedAs         string        `json:"decided_as,omitempty"` // customer whose journal holds the decision, where that one was merged into this
	Seq               int64         `json:"seq,omitempty"`        // entry of the account's journal that wrote this state
	Hold              *Hold         `json:"hold,omitempty"`
	Release           *Release      `json:"release,omitempty"`
	Revision          int64         `json:"revision"`
	SubmittedBy       string        `json:"submitted_by"`
	AmendedBy         []string      `json:"amended_by,omitempty"` // they do not approve it either
	SubmitDate        calendar.Date `json:"submit_date"`
	Budgets           []string      `json:"budgets,omitempty"` // roots of the budgets that it counts in
	Shipments         []Shipment    `json:"shipments,omitempty"`
	Billings          []Billing     `json:"billings,omitempty"`
	Refusal           []string      `json:"refusal,omitempty"`    // rules that refused it
	Conversion        *Conversion   `json:"conversion,omitempty"` // nil: it is in the account's currency itself
	ValidUntil        calendar.Date `json:"valid_until,omitzero"` // last day on which it ships
	Returned          int64         `json:"returned,omitempty"`   // came back before it was invoiced
	Returns           []Return      `json:"returns,omitempty"`
	Freed             int64         `json:"freed,omitempty"`    // by the last cancelling, closing or expiry: what reopening asks for again
	Priority          int           `json:"priority,omitempty"` // 0 to 9, 9 first: counts while it waits, where the policy says so
	Against           int64         `json:"against,omitempty"`  // part of Delivered that left against money, which is set aside for it
	Notices           []NoticeUse   `json:"notices,omitempty"`  // what its goods were shipped on
}

// Clone is a copy that shares nothing that changes.
func (o Order) Clone() Order {
	o.Shipments = slices.Clone(o.Shipments)
	o.Billings = slices.Clone(o.Billings)
	o.AmendedBy = slices.Clone(o.AmendedBy)
	o.Returns = slices.Clone(o.Returns)
	o.Notices = slices.Clone(o.Notices)
	if o.Hold != nil {
		h := *o.Hold
		h.Form.Acts = slices.Clone(h.Form.Acts)
		o.Hold = &h
	}
	if o.Release != nil {
		r := *o.Release
		o.Release = &r
	}
	return o
}

// Money is an amount in the order's currency.
func (o Order) Money(minor int64) money.Money { return money.New(minor, o.Currency) }

// Open is what is neither shipped, invoiced ahead of shipment, nor cancelled: what an approval reserves.
func (o Order) Open() int64 {
	return o.Amount + o.Over - o.Cancelled - o.Shipped - o.Ahead
}

// Term is the term of the order in days: the one asked for, else the one granted.
func (o Order) Term(granted int) *int {
	term := granted
	if o.TermDays != nil {
		term = *o.TermDays
	}
	return &term
}

// AsksLonger reports whether the order asks for a longer term than the one that people signed. An order that asks for none has what was
// granted; a nil term says that it was not kept.
func (o Order) AsksLonger(signed *int) bool {
	return o.TermDays != nil && signed != nil && *o.TermDays > *signed
}

// Live reports whether the order is approved or done, so that its amounts count.
func (o Order) Live() bool {
	return o.State == Approved || o.State == Completed || o.State == Closed
}

// Conserved reports whether every part of the contract value is in exactly one place: reserved (while live), shipped or cancelled;
// and everything shipped is delivered or invoiced.
func (o Order) Conserved() bool {
	if o.Reserved < 0 || o.Delivered < 0 || o.Ahead < 0 || o.Cancelled < 0 {
		return false
	}
	if o.Live() && o.Reserved != max(0, o.Open()) {
		return false
	}
	if o.Shipped+o.Ahead != o.Delivered+o.billed() {
		return false
	}
	// Goods wait for an invoice only where no invoice waits for goods: else the same business would be in two buckets.
	waiting := slices.ContainsFunc(o.Billings, func(b Billing) bool { return b.Minor > b.FromDelivered+b.FromReserved })
	return !waiting || o.Delivered == 0 && (o.Reserved == 0 || !o.Live())
}

// billed is what invoices took out of delivered and reserved goods.
func (o Order) billed() int64 {
	var sum int64
	for _, b := range o.Billings {
		sum += b.FromDelivered + b.FromReserved
	}
	return sum
}

// Approve makes the order live and reserves what is open of it.
func (o *Order) Approve() {
	o.State = Approved
	o.Reserved = max(0, o.Open()) // a return frees nothing before it has happened
	o.absorb()
	o.settle()
}

// PutOnHold stops the order: it reserves nothing unless reserve is set.
func (o *Order) PutOnHold(h Hold, reserve bool) {
	o.State, o.Hold, o.Reserved = Held, &h, 0
	if reserve {
		o.Reserved = max(0, o.Open())
	}
}

// Refuse ends an order that rules forbid.
func (o *Order) Refuse(rules []string) {
	o.Reject()
	o.Hold, o.Refusal = nil, rules
}

// Reject ends a held order.
func (o *Order) Reject() { o.State, o.Reserved = Rejected, 0 }

// Cancel frees what is open. It reports whether anything changed; cancelling twice changes nothing.
func (o *Order) Cancel() bool {
	switch {
	case o.State == Rejected || o.State == Cancelled || o.State == Closed || o.State == Expired:
		return false
	case o.State != Held && o.Open() <= 0 && o.Shipped+o.Invoiced > 0:
		return false
	}
	o.free()
	if o.Shipped == 0 && o.Invoiced == 0 {
		o.State = Cancelled
		return true
	}
	o.State = Approved
	o.settle()
	return true
}

// Ship records goods issue of minor units. tolerated is how far the contract may be exceeded without a check.
// Errors: FAILED_PRECONDITION ORDER_NOT_APPROVED, ORDER_EXPIRED, SHIPMENT_EXISTS, OVER_SHIPMENT.
func (o *Order) Ship(s Shipment, final bool, tolerated int64) error {
	if !o.Live() || o.State == Closed {
		reason := "ORDER_NOT_APPROVED"
		if o.State == Expired {
			reason = "ORDER_EXPIRED"
		}
		return errs.New(errs.FailedPrecondition, reason, "order %s is %s; only an approved order is shipped", o.ID, o.State).With("state", string(o.State))
	}
	if slices.ContainsFunc(o.Shipments, func(x Shipment) bool { return x.ID == s.ID }) {
		return errs.New(errs.FailedPrecondition, "SHIPMENT_EXISTS", "shipment %s of order %s is recorded already", s.ID, o.ID)
	}
	fromAhead := min(s.Minor, o.Ahead)
	rest := s.Minor - fromAhead
	if over := rest - o.Reserved; over > 0 {
		if o.Over+over > tolerated {
			return errs.New(errs.FailedPrecondition, "OVER_SHIPMENT", "%s is left to ship of order %s; amend the order first", o.Money(o.Reserved+o.Ahead), o.ID).
				With("left", o.Money(o.Reserved+o.Ahead).String())
		}
		o.Over += over
	}
	o.Ahead -= fromAhead
	o.Delivered += rest
	o.Shipped += s.Minor
	o.Reserved = max(0, o.Reserved-rest)
	o.Shipments = append(o.Shipments, s)
	if final {
		o.Cancelled += o.Reserved
		o.Reserved = 0
	}
	o.absorb()
	o.settle()
	return nil
}

// Bill moves what an invoice bills out of the order: goods delivered first, then goods reserved (invoiced ahead of shipment).
// A negative amount is the reversal of that invoice and gives back exactly what it took.
func (o *Order) Bill(invoiceID string, minor int64) {
	if minor < 0 {
		o.unbill(invoiceID)
		return
	}
	o.Invoiced += minor
	o.Billings = append(o.Billings, Billing{InvoiceID: invoiceID, Minor: minor})
	o.absorb()
	o.settle()
}

// absorb gives goods that are delivered or reserved to invoices that bill more than they have got so far: an invoice too many, or one
// posted before the one that it replaces was reversed, bills the goods as soon as they are there. Nothing is counted twice.
func (o *Order) absorb() {
	for i := range o.Billings {
		b := &o.Billings[i]
		delivered := min(b.Minor-b.FromDelivered-b.FromReserved, o.Delivered)
		b.FromDelivered += delivered
		o.Delivered -= delivered
		reserved := min(b.Minor-b.FromDelivered-b.FromReserved, o.Reserved)
		b.FromReserved += reserved
		o.Reserved -= reserved
		o.Ahead += reserved
	}
}

func (o *Order) unbill(invoiceID string) {
	i := slices.IndexFunc(o.Billings, func(b Billing) bool { return b.InvoiceID == invoiceID })
	if i < 0 {
		return
	}
	b := o.Billings[i]
	o.Billings = slices.Delete(o.Billings, i, i+1)
	unshipped := min(b.FromReserved, o.Ahead) // goods that were shipped since are delivered now, not reserved
	o.Ahead -= unshipped
	switch {
	case o.State == Closed: // no more is shipped
		o.Cancelled += unshipped
		o.Freed += unshipped
	case o.Live():
		o.Reserved += unshipped
	}
	o.Delivered += b.FromDelivered + b.FromReserved - unshipped
	o.Invoiced -= b.Minor
	o.absorb()
	o.settle()
}

// settle keeps APPROVED and COMPLETED apart: an order is complete once all of it is shipped or cancelled, and invoiced.
func (o *Order) settle() {
	if !o.Live() || o.State == Closed {
		return
	}
	o.State = Approved
	if o.Reserved == 0 && o.Delivered == 0 && o.Ahead == 0 && o.Shipped+o.Invoiced > 0 {
		o.State = Completed
	}
}
