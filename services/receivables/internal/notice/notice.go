// Package notice holds payment notices: what customers say of money that is ready for an order (S2.4). The package is
// pure.
package notice

import (
	"time"

	"github.com/avalcredit/aval/pkg/calendar"
	"github.com/avalcredit/aval/pkg/errs"
	"github.com/avalcredit/aval/pkg/money"
	"github.com/avalcredit/aval/services/receivables/internal/invoice"
	"github.com/avalcredit/aval/services/receivables/internal/receipt"
)

// State is where a notice stands on a day.
type State string

// The states. WITHDRAWN is final; the others follow from acts, receipts and the date.
const (
	StateRecorded  State = "RECORDED"
	StateConfirmed State = "CONFIRMED"
	StateSettled   State = "SETTLED"
	StateLapsed    State = "LAPSED"
	StateWithdrawn State = "WITHDRAWN"
)

// ReasonSamePerson: who recorded a notice does not confirm it.
const ReasonSamePerson = "SAME_PERSON"

// maxAhead is how many days ahead money may be expected.
const maxAhead = 366

// Notice is a recorded notice and where it stands now.
type Notice struct {
	ID         string             `json:"id"`
	CustomerID string             `json:"customer_id"`
	OrderID    string             `json:"order_id"`
	InvoiceID  string             `json:"invoice_id,omitempty"`
	Amount     money.Money        `json:"amount"`
	Instrument receipt.Instrument `json:"instrument"`
	Expected   calendar.Date      `json:"expected_date"`
	// LastDay is the last one on which the open part is worth something.
	LastDay    calendar.Date `json:"last_date"`
	Reference  string        `json:"reference,omitempty"`
	RecordedBy string        `json:"recorded_by"`
	RecordDate calendar.Date `json:"record_date"`
	CreateTime time.Time     `json:"create_time"`

	// Received by receipts that name it and stand; it may be more than the amount.
	Received       money.Money   `json:"received"`
	ConfirmedBy    string        `json:"confirmed_by,omitempty"`
	ConfirmDate    calendar.Date `json:"confirm_date,omitzero"`
	WithdrawnBy    string        `json:"withdrawn_by,omitempty"`
	WithdrawDate   calendar.Date `json:"withdraw_date,omitzero"`
	WithdrawReason string        `json:"withdraw_reason,omitempty"`
}

// Draft is a notice as it is asked to be recorded.
type Draft struct {
	ID, CustomerID, OrderID, InvoiceID string
	Amount                             money.Money
	Instrument                         receipt.Instrument // empty: remittance
	Expected                           calendar.Date
	Reference                          string
}

// Recording is what a draft is completed with.
type Recording struct {
	Currency string // of the customer's account
	Days     int    // of the policy: how long a notice holds after its expected date
	Today    calendar.Date
	Now      time.Time
	Actor    string
}

// New completes a draft. Its errors have kind Invalid: those of invoice.CheckAmount, and an expected date that is past
// or too far ahead.
func New(d Draft, r Recording) (Notice, error) {
	if err := invoice.CheckAmount("payment_notice.amount", d.Amount, r.Currency); err != nil {
		return Notice{}, err
	}
	const field = "payment_notice.expected_date"
	switch {
	case d.Expected.Before(r.Today):
		return Notice{}, errs.Field(field, "DATE_PAST", "%s is in the past: money that came is a receipt", d.Expected)
	case d.Expected.After(r.Today.AddDays(maxAhead)):
		return Notice{}, errs.Field(field, "DATE_TOO_FAR", "%s is more than %d days ahead", d.Expected, maxAhead)
	}
	n := Notice{
		ID: d.ID, CustomerID: d.CustomerID, OrderID: d.OrderID, InvoiceID: d.InvoiceID, Amount: d.Amount, Instrument: d.Instrument,
		Expected: d.Expected, LastDay: d.Expected.AddDays(r.Days), Reference: d.Reference,
		RecordedBy: r.Actor, RecordDate: r.Today, CreateTime: r.Now, Received: money.Zero(d.Amount.Currency),
	}
	if n.Instrument == "" {
		n.Instrument = receipt.InstrumentRemittance
	}
	return n, nil
}

// CheckInvoice holds the invoice of a notice to its customer and order. Errors: NotFound INVOICE_UNKNOWN, Invalid
// ORDER_MISMATCH.
func (n Notice) CheckInvoice(i invoice.Invoice) error {
	const field = "payment_notice.invoice_id"
	if i.CustomerID != n.CustomerID {
		return errs.New(errs.NotFound, "INVOICE_UNKNOWN", "the customer has no invoice %s", i.ID).With("invoice_id", i.ID).With("field", field)
	}
	if i.OrderID != n.OrderID {
		return errs.Field(field, "ORDER_MISMATCH", "invoice %s bills order %q, not %q", i.ID, i.OrderID, n.OrderID)
	}
	return nil
}

// Open is what has not come yet, never below zero.
func (n Notice) Open() money.Money {
	if n.Received.Cmp(n.Amount) >= 0 {
		return money.Zero(n.Amount.Currency)
	}
	return n.Amount.Sub(n.Received)
}

// State tells where it stands on a day.
func (n Notice) State(day calendar.Date) State {
	switch {
	case !n.WithdrawDate.IsZero():
		return StateWithdrawn
	case n.Open().IsZero():
		return StateSettled
	case day.After(n.LastDay):
		return StateLapsed
	case !n.ConfirmDate.IsZero():
		return StateConfirmed
	default:
		return StateRecorded
	}
}

// Confirm is the word of a second person. Errors: PermissionDenied SAME_PERSON, FailedPrecondition
// PAYMENT_NOTICE_CONFIRMED, PAYMENT_NOTICE_WITHDRAWN, PAYMENT_NOTICE_LAPSED and PAYMENT_NOTICE_SETTLED.
func (n Notice) Confirm(actor string, today calendar.Date) (Notice, error) {
	if s := n.State(today); s != StateRecorded {
		return n, n.is(s)
	}
	if actor == n.RecordedBy {
		return n, errs.New(errs.PermissionDenied, ReasonSamePerson, "who recorded payment notice %s does not confirm it", n.ID).With("payment_notice_id", n.ID)
	}
	n.ConfirmedBy, n.ConfirmDate = actor, today
	return n, nil
}

// Withdraw takes it back, in whatever state it is. Errors: FailedPrecondition PAYMENT_NOTICE_WITHDRAWN.
func (n Notice) Withdraw(actor, reason string, today calendar.Date) (Notice, error) {
	if !n.WithdrawDate.IsZero() {
		return n, n.is(StateWithdrawn)
	}
	n.WithdrawnBy, n.WithdrawDate, n.WithdrawReason = actor, today, reason
	return n, nil
}

// Take is money that names it; late money too. Errors: FailedPrecondition PAYMENT_NOTICE_WITHDRAWN, NotFound
// PAYMENT_NOTICE_UNKNOWN where it is another customer's.
func (n Notice) Take(customerID string) error {
	const field = "receipt.payment_notice_id"
	if n.CustomerID != customerID {
		return errs.New(errs.NotFound, "PAYMENT_NOTICE_UNKNOWN", "the customer has no payment notice %s", n.ID).
			With("payment_notice_id", n.ID).With("field", field)
	}
	if !n.WithdrawDate.IsZero() {
		return n.is(StateWithdrawn).With("field", field)
	}
	return nil
}

func (n Notice) is(s State) *errs.Error {
	words := map[State]string{
		StateConfirmed: "was confirmed before", StateWithdrawn: "was withdrawn", StateLapsed: "has lapsed", StateSettled: "is settled",
	}
	return errs.New(errs.FailedPrecondition, "PAYMENT_NOTICE_"+string(s), "payment notice %s %s", n.ID, words[s]).With("payment_notice_id", n.ID)
}

// Query asks for notices; empty fields do not restrict.
type Query struct {
	CustomerID, OrderID string
	State               State // on Today
	Today               calendar.Date
	// Salesperson restricts it to the customers of one.
	Salesperson string
	After       *invoice.Place
	Limit       int
}
