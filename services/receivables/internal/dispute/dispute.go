// Package dispute holds why customers do not pay an item, who settles it and how it ended. The package is pure.
package dispute

import (
	"time"

	"github.com/avalcredit/aval/pkg/calendar"
	"github.com/avalcredit/aval/pkg/errs"
	"github.com/avalcredit/aval/pkg/money"
)

// Reason is why a customer does not pay.
type Reason string

// Outcome is how a dispute ended; empty: it is open.
type Outcome string

// The outcomes.
const (
	OutcomeCreditMemo Outcome = "CREDIT_MEMO"
	OutcomePaid       Outcome = "PAID"
	OutcomeWithdrawn  Outcome = "WITHDRAWN"
)

// Dispute is about one item, or a part of it.
type Dispute struct {
	ID         string        `json:"id"`
	CustomerID string        `json:"customer_id"`
	ItemID     string        `json:"item_id"`
	Amount     *money.Money  `json:"amount,omitempty"` // nil: all that is open
	Reason     Reason        `json:"reason"`
	Text       string        `json:"text"`
	Owner      string        `json:"owner"`
	DueDate    calendar.Date `json:"due_date"`
	OpenedBy   string        `json:"opened_by"`
	OpenDate   calendar.Date `json:"open_date"`
	CreateTime time.Time     `json:"create_time"`
	// AssignReason is why owner or due date were changed last.
	AssignReason string        `json:"assign_reason,omitempty"`
	Outcome      Outcome       `json:"outcome,omitempty"`
	DocumentID   string        `json:"document_id,omitempty"`
	OutcomeText  string        `json:"outcome_text,omitempty"`
	ClosedBy     string        `json:"closed_by,omitempty"`
	CloseDate    calendar.Date `json:"close_date,omitzero"`
}

// Check holds a dispute that is opened to what its item owes. Errors: Invalid, rules DATE_PAST, CURRENCY_MISMATCH,
// AMOUNT_NOT_POSITIVE and DISPUTE_TOO_MUCH.
func (d Dispute) Check(open money.Money, today calendar.Date) error {
	if d.DueDate.Before(today) {
		return errs.Field("dispute.due_date", "DATE_PAST", "%s is in the past", d.DueDate)
	}
	if d.Amount == nil {
		return nil
	}
	const field = "dispute.amount"
	switch {
	case d.Amount.Currency != open.Currency:
		return errs.Field(field, "CURRENCY_MISMATCH", "the item is owed in %s", open.Currency)
	case !d.Amount.IsPositive():
		return errs.Field(field, "AMOUNT_NOT_POSITIVE", "dispute more than nothing")
	case d.Amount.Cmp(open) > 0:
		return errs.Field(field, "DISPUTE_TOO_MUCH", "%s are open", open)
	}
	return nil
}

// Late tells whether it is open and its due date is over.
func (d Dispute) Late(today calendar.Date) bool { return d.Outcome == "" && today.After(d.DueDate) }

// Of is what of an item is disputed, given what is open of it.
func (d Dispute) Of(open money.Money) money.Money {
	switch {
	case d.Outcome != "":
		return money.Zero(open.Currency)
	case d.Amount != nil:
		return money.Min(*d.Amount, open)
	default:
		return open
	}
}

// Assign gives it to another owner or another due date; empty leaves what is. Errors: FailedPrecondition
// DISPUTE_CLOSED, Invalid rule DATE_PAST.
func (d Dispute) Assign(owner string, due, today calendar.Date, reason string) (Dispute, error) {
	if err := d.open(); err != nil {
		return d, err
	}
	if owner != "" {
		d.Owner = owner
	}
	if !due.IsZero() {
		if due.Before(today) {
			return d, errs.Field("due_date", "DATE_PAST", "%s is in the past", due)
		}
		d.DueDate = due
	}
	d.AssignReason = reason
	return d, nil
}

// Closing is how a dispute ends.
type Closing struct {
	Outcome          Outcome
	DocumentID, Text string
	Actor            string
	Today            calendar.Date
}

// Settled is what became of the item since the dispute was opened.
type Settled struct {
	// Open is what is owed of it now.
	Open money.Money
	// Came is the money that came for it and stands, Applied all that was applied to it, credits of all kinds.
	Came, Applied money.Money
}

// Paid holds the outcome PAID to the money: what was disputed came, or money came and nothing is open any more. Errors: FailedPrecondition
// DISPUTE_NOT_PAID.
func (d Dispute) Paid(s Settled) error {
	disputed := s.Open.Add(s.Applied) // all that was open
	if d.Amount != nil {
		disputed = *d.Amount
	}
	if s.Came.IsPositive() && (s.Open.IsZero() || s.Came.Cmp(disputed) >= 0) {
		return nil
	}
	e := errs.New(errs.FailedPrecondition, "DISPUTE_NOT_PAID", "%s of item %s were in dispute: since then %s came, and %s are open", disputed, d.ItemID, s.Came, s.Open)
	return e.With("dispute_id", d.ID).With("disputed", disputed.String()).With("came", s.Came.String()).With("open", s.Open.String()).With("field", "outcome").
		WithViolations(errs.Violation{Field: "outcome", Rule: "paid", Message: e.Message}).WithWitness()
}

// Close ends it. Errors: FailedPrecondition DISPUTE_CLOSED, Invalid rule required where a credit memo is not named.
func (d Dispute) Close(c Closing) (Dispute, error) {
	if err := d.open(); err != nil {
		return d, err
	}
	if c.Outcome == OutcomeCreditMemo && c.DocumentID == "" {
		return d, errs.Field("document_id", "required", "name the credit memo that adjusts the account")
	}
	d.Outcome, d.DocumentID, d.OutcomeText, d.ClosedBy, d.CloseDate = c.Outcome, c.DocumentID, c.Text, c.Actor, c.Today
	return d, nil
}

func (d Dispute) open() error {
	if d.Outcome != "" {
		return errs.New(errs.FailedPrecondition, "DISPUTE_CLOSED", "dispute %s was closed before", d.ID).With("dispute_id", d.ID)
	}
	return nil
}
