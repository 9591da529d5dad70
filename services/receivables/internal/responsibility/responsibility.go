// Package responsibility holds who is responsible for receivables: hand-overs between two people who both confirm, and the
// clearance of a person who leaves. The package is pure.
package responsibility

import (
	"fmt"
	"strings"
	"time"

	"github.com/avalcredit/aval/pkg/calendar"
	"github.com/avalcredit/aval/pkg/errs"
	"github.com/avalcredit/aval/pkg/money"
)

// Reasons for which acts are refused.
const (
	// ReasonNotASide: neither gives nor takes, nor may act for a side.
	ReasonNotASide = "NOT_A_SIDE"
	// ReasonSamePerson: nobody clears itself.
	ReasonSamePerson = "SAME_PERSON"
	// ReasonCleared: a person who was cleared takes nothing over, and is not cleared twice.
	ReasonCleared = "PERSON_CLEARED"
	// ReasonNotCleared: something is left to the person.
	ReasonNotCleared = "NOT_CLEARED"
	// ReasonUnknown: nobody of that name was ever assigned a customer, responsible for an item, a side of a hand-over, or did anything.
	ReasonUnknown = "PERSON_UNKNOWN"
)

// State is where a hand-over stands.
type State string

// The states.
const (
	Proposed State = "PROPOSED"
	Done     State = "DONE"
	Declined State = "DECLINED"
)

// Item is an open item and who is responsible for it.
type Item struct {
	ItemID      string        `json:"item_id"`
	CustomerID  string        `json:"customer_id"`
	DueDate     calendar.Date `json:"due_date"`
	Open        money.Money   `json:"open"`
	Responsible string        `json:"responsible"`
	HandOverID  string        `json:"hand_over_id,omitempty"`
	UnitID      string        `json:"unit_id,omitempty"`
}

// HandOver is the passing of receivables from one person to another.
type HandOver struct {
	ID          string        `json:"hand_over_id"`
	From        string        `json:"from_person"`
	To          string        `json:"to_person"`
	CustomerIDs []string      `json:"customer_ids,omitempty"`
	ItemIDs     []string      `json:"item_ids,omitempty"`
	Everything  bool          `json:"everything,omitempty"`
	Reason      string        `json:"reason"`
	ProposedBy  string        `json:"proposed_by"`
	ProposeDate calendar.Date `json:"propose_date"`
	CreateTime  time.Time     `json:"create_time,omitzero"`

	GivenBy     string        `json:"given_by,omitempty"`
	GivenReason string        `json:"given_reason,omitempty"`
	GiveDate    calendar.Date `json:"give_date,omitzero"`
	TakeDate    calendar.Date `json:"take_date,omitzero"`

	DeclinedBy    string        `json:"declined_by,omitempty"`
	DeclineReason string        `json:"decline_reason,omitempty"`
	DeclineDate   calendar.Date `json:"decline_date,omitzero"`

	Items []Item `json:"items,omitempty"`
}

// State follows from what was done.
func (h HandOver) State() State {
	switch {
	case h.DeclinedBy != "":
		return Declined
	case !h.GiveDate.IsZero() && !h.TakeDate.IsZero():
		return Done
	default:
		return Proposed
	}
}

// Side reports whether the person gives or takes.
func (h HandOver) Side(person string) bool { return person == h.From || person == h.To }

// Person is who acts. Director may confirm for a giver; Only is set where it acts for itself alone.
type Person struct {
	Subject        string
	Director, Only bool
}

// Check holds a proposal to what can be. Errors: Invalid with the rules SAME_PERSON and NOTHING_NAMED, PermissionDenied
// NOT_A_SIDE.
func (h HandOver) Check(by Person) error {
	named := len(h.CustomerIDs) + len(h.ItemIDs)
	switch {
	case h.From == h.To:
		return errs.Field("hand_over.to_person", "SAME_PERSON", "%s gives to itself", h.From)
	case h.Everything == (named > 0):
		return errs.Field("hand_over.customer_ids", "NOTHING_NAMED", "name customers or items, or everything")
	case by.Only && !h.Side(by.Subject):
		return h.notASide(by)
	}
	return nil
}

func (h HandOver) notASide(by Person) error {
	return errs.New(errs.PermissionDenied, ReasonNotASide, "%s is no side of hand-over %s", by.Subject, h.ID).With("hand_over_id", h.ID)
}

// Confirm is the word of a side, or of the sales director for the giver. Errors: PermissionDenied NOT_A_SIDE,
// FailedPrecondition HAND_OVER_CLOSED and HAND_OVER_CONFIRMED, Invalid REASON_REQUIRED.
func (h HandOver) Confirm(by Person, onBehalf string, today calendar.Date) (HandOver, error) {
	if err := h.pending(); err != nil {
		return h, err
	}
	switch {
	case by.Subject == h.To:
		if !h.TakeDate.IsZero() {
			return h, h.confirmed("taker")
		}
		h.TakeDate = today
	case by.Subject == h.From || by.Director:
		if !h.GiveDate.IsZero() {
			return h, h.confirmed("giver")
		}
		if by.Subject != h.From && strings.TrimSpace(onBehalf) == "" {
			return h, errs.Field("on_behalf_reason", "REASON_REQUIRED", "say why %s does not confirm itself", h.From)
		}
		h.GivenBy, h.GiveDate = by.Subject, today
		if by.Subject != h.From {
			h.GivenReason = onBehalf
		}
	default:
		return h, h.notASide(by)
	}
	return h, nil
}

func (h HandOver) confirmed(side string) error {
	return errs.New(errs.FailedPrecondition, "HAND_OVER_CONFIRMED", "the %s has confirmed hand-over %s", side, h.ID).With("hand_over_id", h.ID)
}

func (h HandOver) pending() error {
	if s := h.State(); s != Proposed {
		return errs.New(errs.FailedPrecondition, "HAND_OVER_CLOSED", "hand-over %s is %s", h.ID, s).With("hand_over_id", h.ID)
	}
	return nil
}

// Decline ends it before it is done. Errors: PermissionDenied NOT_A_SIDE, FailedPrecondition HAND_OVER_CLOSED.
func (h HandOver) Decline(by Person, reason string, today calendar.Date) (HandOver, error) {
	if err := h.pending(); err != nil {
		return h, err
	}
	if !h.Side(by.Subject) && by.Subject != h.ProposedBy {
		return h, h.notASide(by)
	}
	h.DeclinedBy, h.DeclineReason, h.DeclineDate = by.Subject, reason, today
	return h, nil
}

// Clearance is what is left to a person, or that nothing was.
type Clearance struct {
	Number      int64         `json:"number,omitempty"`
	Person      string        `json:"person"`
	OpenItems   int64         `json:"open_items"`
	Items       []Item        `json:"items,omitempty"`
	OpenAmounts []money.Money `json:"open_amounts,omitempty"`
	CustomerIDs []string      `json:"customer_ids,omitempty"`
	HandOverIDs []string      `json:"hand_over_ids,omitempty"`
	ClearedBy   string        `json:"cleared_by,omitempty"`
	Date        calendar.Date `json:"clearance_date,omitzero"`
	Note        string        `json:"note,omitempty"`
	CreateTime  time.Time     `json:"create_time,omitzero"`
}

// ID of a clearance; empty: not cleared.
func (c Clearance) ID() string {
	if c.Number == 0 {
		return ""
	}
	return fmt.Sprintf("CL-%06d", c.Number)
}

// Clear reports whether nothing is left to the person.
func (c Clearance) Clear() bool {
	return c.OpenItems == 0 && len(c.CustomerIDs) == 0 && len(c.HandOverIDs) == 0
}

// Unknown is the answer for a person of whom there is no trace: most likely the name is mistyped.
func Unknown(person string) error {
	return errs.New(errs.NotFound, ReasonUnknown, "there is no trace of %s: no customer, item, hand-over or act, ever", person).
		With("person", person).With("field", "person").WithWitness()
}

// Grant clears the person. Errors: PermissionDenied SAME_PERSON, FailedPrecondition PERSON_CLEARED and NOT_CLEARED with the
// counts as metadata.
func (c Clearance) Grant(actor, note string, today calendar.Date) (Clearance, error) {
	switch {
	case actor == c.Person:
		return c, errs.New(errs.PermissionDenied, ReasonSamePerson, "nobody clears itself")
	case c.ClearedBy != "":
		return c, errs.New(errs.FailedPrecondition, ReasonCleared, "%s was cleared on %s", c.Person, c.Date).With("clearance_id", c.ID())
	case !c.Clear():
		return c, errs.New(errs.FailedPrecondition, ReasonNotCleared, "%s has %d open items, %d customers assigned and %d unfinished hand-overs",
			c.Person, c.OpenItems, len(c.CustomerIDs), len(c.HandOverIDs)).
			With("person", c.Person).With("open_items", fmt.Sprint(c.OpenItems)).
			With("customers", fmt.Sprint(len(c.CustomerIDs))).With("hand_overs", fmt.Sprint(len(c.HandOverIDs)))
	}
	c.ClearedBy, c.Date, c.Note = actor, today, note
	return c, nil
}

// Query asks for open items by who is responsible, oldest due first.
type Query struct {
	Person, CustomerID string
	Nobody             bool
	AfterDue           calendar.Date
	AfterID            string
	Limit              int
}
