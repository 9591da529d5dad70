package dunning

import (
	"github.com/avalcredit/aval/pkg/calendar"
	"github.com/avalcredit/aval/pkg/errs"
	"github.com/avalcredit/aval/pkg/money"
)

// RunState is where a run stands.
type RunState string

// The states.
const (
	RunProposing  RunState = "PROPOSING"
	RunProposed   RunState = "PROPOSED"
	RunSending    RunState = "SENDING"
	RunSent       RunState = "SENT"
	RunSuperseded RunState = "SUPERSEDED"
	RunDiscarded  RunState = "DISCARDED"
	RunFailed     RunState = "FAILED"
)

// LineState is what became of a line.
type LineState string

// The states; a line is ignored where its run was superseded or discarded.
const (
	LineProposed LineState = "PROPOSED"
	LineExcluded LineState = "EXCLUDED"
	LineIgnored  LineState = "IGNORED"
	LineSent     LineState = "SENT"
	LineDropped  LineState = "DROPPED"
)

// Edit is what a person does with a line that is proposed.
type Edit string

// The edits.
const (
	EditExclude       Edit = "EXCLUDE"
	EditInclude       Edit = "INCLUDE"
	EditWaiveFee      Edit = "WAIVE_FEE"
	EditWaiveInterest Edit = "WAIVE_INTEREST"
)

// On returns a line and its state after the edit.
func (e Edit) On(l Line, state LineState) (Line, LineState) {
	switch e {
	case EditExclude:
		state = LineExcluded
	case EditInclude:
		state = LineProposed
	case EditWaiveFee:
		l.Fee = money.Zero(l.Fee.Currency)
	case EditWaiveInterest:
		l.Interest = money.Zero(l.Interest.Currency)
	}
	return l, state
}

// Confirm holds a line that was approved to what is so on the day it is sent: the item must still be open and not paused,
// and no level higher than at the proposal. It returns the line with what is open now, or why it is dropped.
func (s Strategy) Confirm(l Line, c Customer, day calendar.Date) (Line, Reason) {
	for _, i := range c.Items {
		if i.ID != l.ItemID {
			continue
		}
		reason := s.pauses(i, day)
		switch {
		case c.Blocked:
			return l, ReasonBlocked
		case l.Level == 0:
			if _, r := s.remind(i, day); r != "" {
				return l, ReasonNotDue
			}
		case reason != "":
			return l, reason
		case i.Level >= l.Level:
			return l, ReasonWaiting
		}
		l.Open = i.Open
		return l, ""
	}
	return l, ReasonSettled
}

// HoldKind is what a hold does.
type HoldKind string

// The kinds.
const (
	HoldBlock HoldKind = "BLOCK"
	HoldDefer HoldKind = "DEFER"
)

// Hold keeps letters to a customer or about an item back.
type Hold struct {
	ID         string        `json:"id"`
	Kind       HoldKind      `json:"kind"`
	CustomerID string        `json:"customer_id"`
	ItemID     string        `json:"item_id,omitempty"`
	Until      calendar.Date `json:"until_date,omitzero"`
	Reason     string        `json:"reason"`
	SetBy      string        `json:"set_by"`
	SetDate    calendar.Date `json:"set_date"`
	LiftedBy   string        `json:"lifted_by,omitempty"`
	LiftDate   calendar.Date `json:"lift_date,omitzero"`
	LiftReason string        `json:"lift_reason,omitempty"`
}

// Check holds a hold to its kind. Errors: Invalid, rules required and DATE_PAST.
func (h Hold) Check(today calendar.Date) error {
	switch {
	case h.Kind == HoldDefer && h.ItemID == "":
		return errs.Field("hold.item_id", "required", "name the item that counts from a later day")
	case h.Kind == HoldDefer && h.Until.IsZero():
		return errs.Field("hold.until_date", "required", "name the day that counts as due date")
	case !h.Until.IsZero() && h.Until.Before(today):
		return errs.Field("hold.until_date", "DATE_PAST", "%s is in the past", h.Until)
	}
	return nil
}

// Blocks tells whether it keeps letters back on a day.
func (h Hold) Blocks(day calendar.Date) bool {
	return h.Kind == HoldBlock && h.LiftedBy == "" && (h.Until.IsZero() || !day.After(h.Until))
}

// Apply tells an item of the hold.
func (h Hold) Apply(i *Item, day calendar.Date) {
	if h.LiftedBy != "" {
		return
	}
	if h.Kind == HoldDefer && h.Until.After(i.DueDate) {
		i.DueDate = h.Until
	}
	i.Blocked = i.Blocked || h.Blocks(day)
}

// Lift ends it. Errors: FailedPrecondition DUNNING_HOLD_LIFTED.
func (h Hold) Lift(actor, reason string, today calendar.Date) (Hold, error) {
	if h.LiftedBy != "" {
		return h, errs.New(errs.FailedPrecondition, "DUNNING_HOLD_LIFTED", "hold %s was lifted before", h.ID).With("dunning_hold_id", h.ID)
	}
	h.LiftedBy, h.LiftReason, h.LiftDate = actor, reason, today
	return h, nil
}
