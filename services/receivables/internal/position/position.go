// Package position is what a customer owes as the gate needs to know it: the whole of
// it with every change. The package is pure.
package position

import (
	"slices"

	"github.com/avalcredit/aval/pkg/calendar"
	"github.com/avalcredit/aval/pkg/money"
	"github.com/avalcredit/aval/services/receivables/internal/security"
)

// Due is the open amount that is due on one day.
type Due struct {
	Date   calendar.Date `json:"date"`
	Amount money.Money   `json:"amount"`
}

// Movement is what a change moved between an order and receivables; negative where an
// invoice was reversed.
type Movement struct {
	OrderID   string      `json:"order_id"`
	InvoiceID string      `json:"invoice_id"`
	Amount    money.Money `json:"amount"`
}

// Noticed is what a payment notice is worth for the order that it names.
type Noticed struct {
	NoticeID string `json:"payment_notice_id"`
	OrderID  string `json:"order_id"`
	// Open is confirmed and still to come; it is worth something until LastDay.
	Open money.Money `json:"open"`
	// Received is there for the order: Unapplied, or applied to its invoices.
	Received  money.Money   `json:"received"`
	Unapplied money.Money   `json:"unapplied"`
	Expected  calendar.Date `json:"expected_date"`
	LastDay   calendar.Date `json:"last_date"`
}

// Position is what a customer owes after a change, in the currency of its account. It
// holds all that is posted, whatever its date: dates decide in reports only.
type Position struct {
	CustomerID   string        `json:"customer_id"`
	Sequence     int64         `json:"sequence"`
	BusinessDate calendar.Date `json:"business_date"`
	Receivable   money.Money   `json:"receivable"`
	Unapplied    money.Money   `json:"unapplied"`
	Ladder       []Due         `json:"ladder"`
	Movements    []Movement    `json:"movements"`
	Cause        string        `json:"cause"`
	Notices      []Noticed     `json:"payment_notices,omitempty"`
	// Securities are those that hold or begin later.
	Securities []security.Backing `json:"securities,omitempty"`
	Merged     []Merged           `json:"merged,omitempty"`
	Held
	Collected
}

// Merged is an account that is told of under the number of the customer that it was merged into.
type Merged struct {
	CustomerID string `json:"customer_id"`
	// LastSequence is the last position that was told under its own number.
	LastSequence int64 `json:"last_sequence"`
}

// Held is what stands beside the ladder and the unapplied money; nil: none.
type Held struct {
	// BankBill and CommercialBill are acceptance bills that are at risk: received, and neither honoured nor gone for good.
	BankBill       *money.Money `json:"bank_bill,omitempty"`
	CommercialBill *money.Money `json:"commercial_bill,omitempty"`
	// Deposit is held of the customer's.
	Deposit *money.Money `json:"deposit,omitempty"`
}

// Collected is what collection knows of a customer.
type Collected struct {
	// Disputed is the part of the ladder that is in dispute, rising.
	Disputed []Due `json:"disputed,omitempty"`
	// Broken promises that are still unpaid, what is unpaid of them, and the day the newest was broken.
	Broken       int           `json:"broken_promises,omitempty"`
	BrokenAmount money.Money   `json:"broken_promise_amount,omitzero"`
	LastBroken   calendar.Date `json:"last_broken_promise_date,omitzero"`
	// DunningLevel is the highest of the open items.
	DunningLevel int `json:"dunning_level,omitempty"`
	// SupplyStopped: a letter about an open item stopped supply on credit.
	SupplyStopped bool `json:"supply_stopped,omitempty"`
}

// Dispute adds what is disputed of one due date, in its place.
func (c *Collected) Dispute(d Due) {
	i, found := slices.BinarySearchFunc(c.Disputed, d.Date, func(e Due, date calendar.Date) int { return e.Date.Compare(date) })
	if found {
		c.Disputed[i].Amount = c.Disputed[i].Amount.Add(d.Amount)
		return
	}
	c.Disputed = slices.Insert(c.Disputed, i, d)
}

// Change is what was done to a customer's account.
type Change struct {
	CustomerID   string
	Sequence     int64
	BusinessDate calendar.Date
	Movements    []Movement
	Cause        string
	Notices      []Noticed
	Securities   []security.Backing
	Held         Held
	Collected    Collected
	Merged       []Merged
}

// New makes the position after a change from what is open by due date and what is unapplied.
func New(c Change, unapplied money.Money, ladder []Due) Position {
	p := Position{
		CustomerID: c.CustomerID, Sequence: c.Sequence, BusinessDate: c.BusinessDate, Unapplied: unapplied,
		Ladder: ladder, Movements: c.Movements, Cause: c.Cause, Notices: c.Notices, Securities: c.Securities, Held: c.Held, Collected: c.Collected, Merged: c.Merged,
		Receivable: money.Zero(unapplied.Currency),
	}
	for _, d := range ladder {
		p.Receivable = p.Receivable.Add(d.Amount)
	}
	return p
}

// Settlement is an invoice, or one instalment of it, that was settled in full.
type Settlement struct {
	CustomerID string        `json:"customer_id"`
	Sequence   int64         `json:"sequence"`
	Date       calendar.Date `json:"date"`
	InvoiceID  string        `json:"invoice_id"`
	Amount     money.Money   `json:"amount"`
	DueDate    calendar.Date `json:"due_date"`
}
