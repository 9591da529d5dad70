// Package handover is a customer on its way from one responsible salesperson to another
// (S2.7): both sides confirm, and until they have the customer stays where it is.
package handover

import (
	"fmt"
	"slices"
	"time"

	"github.com/avalcredit/aval/pkg/approval"
	"github.com/avalcredit/aval/pkg/calendar"
	"github.com/avalcredit/aval/pkg/errs"
)

const (
	// ReasonNotYours: the person is on neither side.
	ReasonNotYours = "NOT_YOUR_HAND_OVER"
	// ReasonClosed: it is confirmed or declined.
	ReasonClosed = "HAND_OVER_CLOSED"
	// ReasonConfirmed: that side has confirmed.
	ReasonConfirmed = "HAND_OVER_CONFIRMED"
	// ReasonStale: somebody else has the customer by now.
	ReasonStale = "HAND_OVER_STALE"
	// ReasonNotAssigned: nobody has the customer.
	ReasonNotAssigned = "NOT_ASSIGNED"
	// ReasonOpen: another one of the customer is on its way.
	ReasonOpen = "HAND_OVER_OPEN"
	// ReasonNeeded: a customer that somebody has is not just given to another.
	ReasonNeeded = "HAND_OVER_NEEDED"
)

// State is where a hand-over stands.
type State string

// The states.
const (
	// Proposed waits for a side, or both.
	Proposed State = "PROPOSED"
	// Confirmed is done: the customer changed hands.
	Confirmed State = "CONFIRMED"
	// Declined ended with the customer where it was.
	Declined State = "DECLINED"
)

// HandOver is one, with who confirmed what.
type HandOver struct {
	ID         string        `json:"hand_over_id"`
	CustomerID string        `json:"customer_id"`
	From       string        `json:"from_id"`
	To         string        `json:"to_id"`
	Reason     string        `json:"reason"`
	Notes      string        `json:"notes,omitempty"`
	State      State         `json:"state"`
	ProposedBy string        `json:"proposed_by"`
	Date       calendar.Date `json:"propose_date"`
	// GivenBy is the giver, or who confirmed in their stead.
	GivenBy       string        `json:"given_by,omitempty"`
	GivenDate     calendar.Date `json:"given_date,omitzero"`
	TakenBy       string        `json:"taken_by,omitempty"`
	TakenDate     calendar.Date `json:"taken_date,omitzero"`
	DeclinedBy    string        `json:"declined_by,omitempty"`
	DeclineReason string        `json:"decline_reason,omitempty"`
	CreateTime    time.Time     `json:"create_time,omitzero"`
}

// Number writes the n-th number of a hand-over.
func Number(n int64) string { return fmt.Sprintf("CH-%06d", n) }

// Check refuses what cannot be handed over. Errors: FailedPrecondition NOT_ASSIGNED;
// Invalid INVALID_FIELD.
func (h HandOver) Check() error {
	if h.From == "" {
		return errs.New(errs.FailedPrecondition, ReasonNotAssigned, "nobody has customer %s: assign it in its file", h.CustomerID)
	}
	if h.From == h.To {
		return errs.Field("hand_over.to_id", "another", "has the customer already")
	}
	return nil
}

// InStead reports whether a person of these roles confirms in the stead of a giver.
func InStead(roles []string) bool {
	return slices.Contains(roles, "SALES_MANAGER") || slices.Contains(roles, "SALES_DIRECTOR")
}

// Confirm notes that a side is confirmed; with the second one it is done. Errors:
// PermissionDenied NOT_YOUR_HAND_OVER, SAME_PERSON; FailedPrecondition HAND_OVER_CLOSED,
// HAND_OVER_CONFIRMED.
func (h HandOver) Confirm(by string, roles []string, day calendar.Date) (HandOver, error) {
	if err := h.open(by, roles); err != nil {
		return h, err
	}
	switch {
	case by == h.To && h.TakenBy != "", by != h.To && h.GivenBy != "":
		return h, errs.New(errs.FailedPrecondition, ReasonConfirmed, "that side of hand-over %s is confirmed", h.ID)
	case by == h.To:
		h.TakenBy, h.TakenDate = by, day
	default:
		h.GivenBy, h.GivenDate = by, day
	}
	if h.TakenBy == "" || h.GivenBy == "" {
		return h, nil
	}
	if h.TakenBy == h.GivenBy {
		return h, errs.New(errs.PermissionDenied, approval.ReasonSamePerson, "the two sides of a hand-over are different people")
	}
	h.State = Confirmed
	return h, nil
}

// Decline ends it with the customer where it is. Errors: PermissionDenied
// NOT_YOUR_HAND_OVER; FailedPrecondition HAND_OVER_CLOSED.
func (h HandOver) Decline(by string, roles []string, reason string) (HandOver, error) {
	if err := h.open(by, roles); err != nil {
		return h, err
	}
	h.State, h.DeclinedBy, h.DeclineReason = Declined, by, reason
	return h, nil
}

func (h HandOver) open(by string, roles []string) error {
	if by == "" || by != h.From && by != h.To && !InStead(roles) {
		return errs.New(errs.PermissionDenied, ReasonNotYours, "hand-over %s is between two others", h.ID)
	}
	if h.State != Proposed {
		return errs.New(errs.FailedPrecondition, ReasonClosed, "hand-over %s is over", h.ID).With("state", string(h.State))
	}
	return nil
}
