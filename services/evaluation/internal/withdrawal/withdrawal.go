// Package withdrawal is what the finance director is asked when the order gate has
// stopped a customer: whether its credit is to be withdrawn (S2.18).
package withdrawal

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/avalcredit/aval/pkg/approval"
	"github.com/avalcredit/aval/pkg/calendar"
	"github.com/avalcredit/aval/pkg/errs"
)

// ReasonDecided: the request takes no further decision.
const ReasonDecided = "WITHDRAWAL_DECIDED"

// Who decides.
const (
	// Decider is the role that is asked.
	Decider = "FINANCE_DIRECTOR"
	// Escalation is the role that may decide too once the due date is over.
	Escalation = "GENERAL_MANAGER"
)

// State is where a request stands.
type State string

// The states.
const (
	// Open waits for a decision.
	Open State = "OPEN"
	// Withdrawn ended with the credit.
	Withdrawn State = "WITHDRAWN"
	// Kept left the customer its credit.
	Kept State = "KEPT"
)

// Decision is what is decided.
type Decision string

// The decisions.
const (
	// Withdraw makes the customer a cash customer.
	Withdraw Decision = "WITHDRAW"
	// Keep leaves the credit as it is.
	Keep Decision = "KEEP"
)

// Ask is one time that the gate asked, for one stop of the customer.
type Ask struct {
	// Sequence is the number of the ask within the customer, from 1.
	Sequence int64         `json:"sequence"`
	Date     calendar.Date `json:"business_date"`
	Reason   string        `json:"reason"`
	OrderID  string        `json:"order_id,omitempty"`
}

// Request is what is asked, and what became of it.
type Request struct {
	ID         string `json:"withdrawal_request_id"`
	CustomerID string `json:"customer_id"`
	State      State  `json:"state"`
	// Asks are never empty; they come in the order of their sequence.
	Asks []Ask `json:"asks"`
	// GrantVersion is the customer's newest grant at the first ask.
	GrantVersion int64 `json:"grant_version"`
	// DueDate is the last day on which the decider alone decides.
	DueDate      calendar.Date `json:"due_date"`
	DecidedBy    string        `json:"decided_by,omitempty"`
	DecisionDate calendar.Date `json:"decision_date,omitzero"`
	Reason       string        `json:"decision_reason,omitempty"`
	// WithdrawnVersion is the grant that withdrew the credit; 0: none.
	WithdrawnVersion int64     `json:"withdrawn_version,omitempty"`
	CreateTime       time.Time `json:"create_time,omitzero"`
}

// Number writes the n-th number of a request.
func Number(n int64) string { return fmt.Sprintf("WR-%06d", n) }

// New returns an open request for the first ask. The one who is asked has it alone for
// so many days after the stop.
func New(customerID string, grantVersion int64, a Ask, dueDays int) Request {
	return Request{CustomerID: customerID, State: Open, Asks: []Ask{a}, GrantVersion: grantVersion, DueDate: a.Date.AddDays(dueDays)}
}

// Join adds an ask to an open request. The due date stays: who asks again does not
// give more time. One that is there already changes nothing.
func (r Request) Join(a Ask) Request {
	if r.State != Open || a.Sequence <= r.Asks[len(r.Asks)-1].Sequence {
		return r
	}
	r.Asks = append(slices.Clip(r.Asks), a)
	return r
}

// Escalated reports whether the request is open and its due date over on a day.
func (r Request) Escalated(day calendar.Date) bool { return r.State == Open && day.After(r.DueDate) }

// Deciders are the roles of which any one may decide on a day.
func (r Request) Deciders(day calendar.Date) []string {
	if r.Escalated(day) {
		return []string{Decider, Escalation}
	}
	return []string{Decider}
}

// Act is a decision of a person.
type Act struct {
	Subject  string
	Roles    []string
	Decision Decision
	Reason   string
	Date     calendar.Date
}

// Decide returns the request after a decision. Errors: FailedPrecondition
// WITHDRAWAL_DECIDED; PermissionDenied NOT_YOUR_STEP; Invalid REASON_REQUIRED,
// INVALID_FIELD.
func (r Request) Decide(a Act) (Request, error) {
	if r.State != Open {
		return r, errs.New(errs.FailedPrecondition, ReasonDecided, "request %s was decided by %s on %s", r.ID, r.DecidedBy, r.DecisionDate).
			With("state", string(r.State))
	}
	deciders := r.Deciders(a.Date)
	if a.Subject == "" || !slices.ContainsFunc(deciders, func(role string) bool { return slices.Contains(a.Roles, role) }) {
		return r, errs.New(errs.PermissionDenied, approval.ReasonNotYourStep, "today the withdrawal is for %s to decide",
			strings.Join(deciders, " or ")).With("roles", strings.Join(deciders, ","))
	}
	if strings.TrimSpace(a.Reason) == "" {
		return r, errs.New(errs.Invalid, approval.ReasonRequired, "say why the credit is withdrawn or kept").
			WithViolations(errs.Violation{Field: "reason", Rule: "required", Message: "say why"})
	}
	switch a.Decision {
	case Withdraw:
		r.State = Withdrawn
	case Keep:
		r.State = Kept
	default:
		return r, errs.Field("decision", "defined_only", "is neither WITHDRAW nor KEEP")
	}
	r.DecidedBy, r.DecisionDate, r.Reason = a.Subject, a.Date, a.Reason
	return r, nil
}

// GrantReason says in the grant why the credit is gone: what the gate found last, and
// who decided.
func (r Request) GrantReason() string {
	last := r.Asks[len(r.Asks)-1]
	text := "withdrawn by " + r.DecidedBy + " (" + r.ID + "): " + last.Reason
	if last.OrderID != "" {
		text += " (order " + last.OrderID + ")"
	}
	return text
}
