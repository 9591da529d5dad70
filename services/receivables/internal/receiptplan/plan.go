// Package receiptplan is what a contract brings in, and the receipts that people register under it:
// never more than the contract is worth, whether approved or still in approval. The package is pure.
package receiptplan

import (
	"time"

	"github.com/avalcredit/aval/pkg/approval"
	"github.com/avalcredit/aval/pkg/calendar"
	"github.com/avalcredit/aval/pkg/errs"
	"github.com/avalcredit/aval/pkg/money"
	"github.com/avalcredit/aval/services/receivables/internal/invoice"
	"github.com/avalcredit/aval/services/receivables/internal/receipt"
)

// PlanState is how far the money of a plan is.
type PlanState string

// The states follow from the receipts that stand.
const (
	PlanOpen    PlanState = "OPEN"
	PlanPartial PlanState = "PARTIAL"
	PlanDone    PlanState = "DONE"
)

// Plan is what a contract brings in by when.
type Plan struct {
	ID         string        `json:"id"`
	CustomerID string        `json:"customer_id"`
	OrderID    string        `json:"order_id,omitempty"`
	Amount     money.Money   `json:"amount"`
	DueDate    calendar.Date `json:"due_date"`
	Reference  string        `json:"reference,omitempty"`
	CreatedBy  string        `json:"created_by"`
	CreateDate calendar.Date `json:"create_date"`
	CreateTime time.Time     `json:"create_time"`
	// Received by receipts that stand, InApproval by those that are submitted.
	Received   money.Money `json:"received"`
	InApproval money.Money `json:"in_approval"`
}

// State tells how far the money is.
func (p Plan) State() PlanState {
	switch {
	case p.Received.Cmp(p.Amount) >= 0:
		return PlanDone
	case p.Received.IsPositive():
		return PlanPartial
	default:
		return PlanOpen
	}
}

// Room is how much may still be submitted.
func (p Plan) Room() money.Money { return p.Amount.Sub(p.Received).Sub(p.InApproval) }

// Query asks for plans; empty fields do not restrict.
type Query struct {
	CustomerID, Salesperson string
	// Scope is the salesperson whose customers the caller may see.
	Scope  string
	States []PlanState
	// From and To are the days between which they are due.
	From, To calendar.Date
	// After is the last plan of the page before.
	After *Place
	Limit int
}

// Place is a place in the list of plans, those due first first.
type Place struct {
	DueDate calendar.Date
	ID      string
}

// State is where a registered receipt stands.
type State string

// The states; a draft counts for nothing, a submitted one for its amount.
const (
	Draft     State = "DRAFT"
	Submitted State = "SUBMITTED"
	Posted    State = "POSTED"
	Rejected  State = "REJECTED"
	Cancelled State = "CANCELLED"
)

// Registration is a receipt that somebody registers under a plan.
type Registration struct {
	ID         string        `json:"id"`
	PlanID     string        `json:"plan_id"`
	CustomerID string        `json:"customer_id"`
	Receipt    receipt.Draft `json:"receipt"`
	State      State         `json:"state"`
	CreatedBy  string        `json:"created_by"`
	CreateTime time.Time     `json:"create_time"`
	Form       approval.Form `json:"form"`
	// CancelReason of one that was cancelled.
	CancelReason string `json:"cancel_reason,omitempty"`
}

// NewPlan checks a plan. Errors: Invalid, naming the field.
func NewPlan(p Plan, currency string, today calendar.Date) (Plan, error) {
	if err := invoice.CheckAmount("receipt_plan.amount", p.Amount, currency); err != nil {
		return p, err
	}
	p.Received, p.InApproval = money.Zero(currency), money.Zero(currency)
	if p.DueDate.IsZero() {
		return p, errs.Field("receipt_plan.due_date", "required", "a plan says by when the money comes")
	}
	return p, invoice.CheckDate("receipt_plan.due_date", p.DueDate, today)
}

// Submit asks for the approval of a draft: refused beyond what the plan leaves. Errors: FailedPrecondition
// REGISTRATION_STATE and PLAN_EXCEEDED.
func (r Registration) Submit(p Plan, actor string) (Registration, error) {
	if r.State != Draft {
		return r, r.wrongState("submitted")
	}
	if room := p.Room(); r.Receipt.Amount.Cmp(room) > 0 {
		return r, errs.New(errs.FailedPrecondition, "PLAN_EXCEEDED", "%s submitted under plan %s of %s: approved and in approval leave %s", r.Receipt.Amount, p.ID, p.Amount, room).
			With("receipt_plan_id", p.ID).With("asked", r.Receipt.Amount.String()).With("available", room.String())
	}
	r.State = Submitted
	r.Form = approval.New(actor, 0, []approval.Step{{Name: "approval", AnyOf: []string{"FINANCE_CLERK", "FINANCE_MANAGER"}}})
	return r, nil
}

// Decide takes the decision of a person who neither registered nor submitted it: APPROVE makes it ready to be posted. Errors:
// REGISTRATION_STATE, PermissionDenied SAME_PERSON, those of
// approval.Form.Apply.
func (r Registration) Decide(a approval.Act) (Registration, error) {
	if r.State != Submitted {
		return r, r.wrongState("decided")
	}
	if a.Subject == r.CreatedBy { // whoever submitted it: the form sees to that
		return r, errs.New(errs.PermissionDenied, approval.ReasonSamePerson, "who registered receipt %s does not decide on it", r.ID).
			With("receipt_registration_id", r.ID)
	}
	form, err := r.Form.Apply(a)
	if err != nil {
		return r, err
	}
	r.Form = form
	switch form.State {
	case approval.Approved:
		r.State = Posted
	case approval.Rejected:
		r.State = Rejected
	case approval.Returned: // back to whoever registered it
		r.State = Draft
	case approval.Pending: // there is one step
	}
	return r, nil
}

// Cancel gives up one that is not posted; a posted receipt is reversed instead. Error: REGISTRATION_STATE.
func (r Registration) Cancel(reason string) (Registration, error) {
	if r.State != Draft && r.State != Submitted {
		return r, r.wrongState("cancelled")
	}
	r.State, r.CancelReason = Cancelled, reason
	return r, nil
}

func (r Registration) wrongState(act string) error {
	return errs.New(errs.FailedPrecondition, "REGISTRATION_STATE", "receipt registration %s is %s: it cannot be %s", r.ID, r.State, act).
		With("receipt_registration_id", r.ID).With("state", string(r.State))
}
