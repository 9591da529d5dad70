// Package plan is what a grade obliges people to do (S2.4): objects that somebody owns,
// with a due date. It is pure.
package plan

import (
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"strconv"
	"strings"

	"github.com/avalcredit/aval/pkg/calendar"
	"github.com/avalcredit/aval/pkg/errs"
	"github.com/avalcredit/aval/pkg/money"
	"github.com/avalcredit/aval/services/evaluation/internal/criteria"
	"github.com/avalcredit/aval/services/evaluation/internal/grade"
)

// Reasons of plans.
const (
	// ReasonNotOwner: the plan is somebody else's.
	ReasonNotOwner = "NOT_OWNER"
	// ReasonClosed: the plan is done or obsolete.
	ReasonClosed = "PLAN_CLOSED"
	// ReasonIncomplete: the plan does not say yet what its kind asks for.
	ReasonIncomplete = "PLAN_INCOMPLETE"
	// ReasonRevision: another change came first.
	ReasonRevision = "REVISION_CONFLICT"
)

// Kind is what a plan is for.
type Kind string

// The kinds.
const (
	// Contingency: what the region does when the customer fails.
	Contingency Kind = "CONTINGENCY"
	// Replacement: who could take the customer's place.
	Replacement Kind = "REPLACEMENT"
	// PhaseOut: how the relation is ended.
	PhaseOut Kind = "PHASE_OUT"
	// Recovery: how the debt is recovered.
	Recovery Kind = "RECOVERY"
)

// State says how a plan stands.
type State string

// The states.
const (
	// Open: to be written and carried out.
	Open State = "OPEN"
	// Done: carried out.
	Done State = "DONE"
	// Obsolete: no longer called for.
	Obsolete State = "OBSOLETE"
)

// Candidate could take a customer's place.
type Candidate struct {
	Name         string       `json:"name"`
	MonthlySales *money.Money `json:"monthly_sales,omitempty"`
	Progress     string       `json:"progress,omitempty"`
}

// Step is a step of a plan.
type Step struct {
	Due    calendar.Date `json:"due_date"`
	What   string        `json:"what"`
	Amount *money.Money  `json:"amount,omitempty"`
	Done   bool          `json:"done"`
}

// Content is what the owner writes.
type Content struct {
	Text       string      `json:"text,omitempty"`
	Candidates []Candidate `json:"candidates,omitempty"`
	Steps      []Step      `json:"steps,omitempty"`
}

// Plan is what a grade obliges somebody to do.
type Plan struct {
	ID         string        `json:"plan_id"`
	CustomerID string        `json:"customer_id"`
	Kind       Kind          `json:"kind"`
	State      State         `json:"state"`
	Grade      grade.Grade   `json:"grade"`
	RatingID   string        `json:"rating_id"`
	Opened     calendar.Date `json:"open_date"`
	// Owner is a person; empty: everybody of OwnerRole.
	Owner     string        `json:"owner_id,omitempty"`
	OwnerRole string        `json:"owner_role"`
	Due       calendar.Date `json:"due_date"`
	Content   Content       `json:"content"`
	Closed    calendar.Date `json:"close_date,omitzero"`
	Outcome   string        `json:"outcome,omitempty"`
	Revision  int64         `json:"revision"`
}

// Overdue reports whether the plan is open after its due date.
func (p Plan) Overdue(today calendar.Date) bool { return p.State == Open && p.Due.Before(today) }

// Required returns what a grade calls for.
func Required(g grade.Grade) []Kind {
	switch g {
	case grade.C:
		return []Kind{Contingency, Replacement}
	case grade.D:
		return []Kind{PhaseOut, Recovery}
	default:
		return nil
	}
}

// terms of a kind: days from the rating to the due date, and the role that owns it.
func (k Kind) terms(d criteria.DueDays) (days int, role string) {
	switch k {
	case Contingency:
		return d.Contingency, "SALES_MANAGER"
	case Recovery:
		return d.Recovery, "CREDIT_ANALYST"
	case Replacement:
		return d.Replacement, "SALES_MANAGER"
	default:
		return d.PhaseOut, "SALES_MANAGER"
	}
}

// Rating is what plans need to know of a rating and of the customer's people.
type Rating struct {
	CustomerID string
	RatingID   string
	Grade      grade.Grade
	// Moved: the grade is another one than before.
	Moved                      bool
	Date                       calendar.Date
	Salesperson, CreditAnalyst string
	// Due is how long each kind of plan has.
	Due criteria.DueDays
}

// Follow returns what a rating makes of the newest plan of each kind: new ones that the
// grade calls for, and those that it makes obsolete. A recovery stays open: the debt does.
func Follow(newest []Plan, r Rating) (opened, ended []Plan) {
	required := Required(r.Grade)
	for _, p := range newest {
		if p.State == Open && p.Kind != Recovery && !slices.Contains(required, p.Kind) {
			p.State, p.Closed, p.Outcome = Obsolete, r.Date, "the grade is "+gradeText(r.Grade)+" (rating "+r.RatingID+")"
			p.Revision++
			ended = append(ended, p)
		}
	}
	for _, kind := range required {
		at := slices.IndexFunc(newest, func(p Plan) bool { return p.Kind == kind })
		if at < 0 || newest[at].State == Obsolete || (newest[at].State == Done && r.Moved) {
			opened = append(opened, open(kind, r))
		}
	}
	return opened, ended
}

func gradeText(g grade.Grade) string {
	if g == grade.None {
		return "none"
	}
	return string(g)
}

func open(kind Kind, r Rating) Plan {
	days, role := kind.terms(r.Due)
	sum := sha256.Sum256([]byte(r.CustomerID + "\x00" + r.RatingID + "\x00" + string(kind)))
	p := Plan{
		ID: "P-" + hex.EncodeToString(sum[:12]), CustomerID: r.CustomerID, Kind: kind, State: Open, Grade: r.Grade, RatingID: r.RatingID,
		Opened: r.Date, OwnerRole: role, Owner: r.Salesperson, Due: r.Date.AddDays(days), Revision: 1,
	}
	if kind == Recovery {
		p.Owner = r.CreditAnalyst
	}
	return p
}

// Actor is who acts on a plan.
type Actor struct {
	Subject string
	Roles   []string
}

// mine checks that the plan is open and the actor's to work on. Errors:
// FailedPrecondition PLAN_CLOSED, PermissionDenied NOT_OWNER.
func (p Plan) mine(by Actor) error {
	if p.State != Open {
		return closed(p)
	}
	if by.Subject == p.Owner || slices.Contains(by.Roles, p.OwnerRole) {
		return nil
	}
	owner := p.Owner
	if owner == "" {
		owner = "the role " + p.OwnerRole
	}
	return errs.New(errs.PermissionDenied, ReasonNotOwner, "plan %s is owned by %s", p.ID, owner).With("owner_role", p.OwnerRole)
}

func closed(p Plan) error {
	return errs.New(errs.FailedPrecondition, ReasonClosed, "plan %s is %s", p.ID, strings.ToLower(string(p.State)))
}

// Write returns the plan with another content. Errors: those of an actor who does not own
// it, Aborted REVISION_CONFLICT, Invalid INVALID_FIELD.
func (p Plan) Write(c Content, revision int64, by Actor) (Plan, error) {
	if err := p.mine(by); err != nil {
		return p, err
	}
	if revision != 0 && revision != p.Revision {
		return p, errs.New(errs.Aborted, ReasonRevision, "the plan is at revision %d, not %d: read it again", p.Revision, revision).
			With("revision", strconv.FormatInt(p.Revision, 10))
	}
	if err := c.validate(); err != nil {
		return p, err
	}
	p.Content = c
	p.Revision++
	return p, nil
}

func (c Content) validate() error {
	var found []errs.Violation
	negative := func(field string, m *money.Money) {
		if m != nil && m.IsNegative() {
			found = append(found, errs.Violation{Field: field, Rule: "not_negative", Message: "is below zero"})
		}
	}
	for i, d := range c.Candidates {
		negative("content.candidates["+strconv.Itoa(i)+"].monthly_sales", d.MonthlySales)
	}
	for i, s := range c.Steps {
		negative("content.steps["+strconv.Itoa(i)+"].amount", s.Amount)
	}
	return errs.Fields(found...)
}

// Complete returns the plan as carried out. Errors: those of an actor who does not own it,
// FailedPrecondition PLAN_INCOMPLETE.
func (p Plan) Complete(outcome string, by Actor, day calendar.Date) (Plan, error) {
	if err := p.mine(by); err != nil {
		return p, err
	}
	if lack := p.lacks(); lack != "" {
		return p, errs.New(errs.FailedPrecondition, ReasonIncomplete, "plan %s does not say yet %s", p.ID, lack)
	}
	p.State, p.Closed, p.Outcome = Done, day, outcome
	p.Revision++
	return p, nil
}

// lacks says what the kind asks for and the content does not have.
func (p Plan) lacks() string {
	c := p.Content
	switch {
	case p.Kind == Contingency && strings.TrimSpace(c.Text) == "":
		return "what the region does when the customer fails"
	case p.Kind == Replacement && len(c.Candidates) == 0:
		return "who could take the customer's place"
	case (p.Kind == PhaseOut || p.Kind == Recovery) && len(c.Steps) == 0:
		return "by which steps and when"
	case (p.Kind == PhaseOut || p.Kind == Recovery) && slices.ContainsFunc(c.Steps, func(s Step) bool { return !s.Done }):
		return "that all its steps are done"
	default:
		return ""
	}
}

// Assign returns the plan with another owner or due date, where they are given. Errors:
// FailedPrecondition PLAN_CLOSED, Invalid INVALID_FIELD.
func (p Plan) Assign(owner string, due, today calendar.Date) (Plan, error) {
	switch {
	case p.State != Open:
		return p, closed(p)
	case owner == "" && due.IsZero():
		return p, errs.Field("owner_id", "required", "give an owner, a due date or both")
	case !due.IsZero() && due.Before(today):
		return p, errs.Field("due_date", "not_in_past", "lies in the past")
	}
	if owner != "" {
		p.Owner = owner
	}
	if !due.IsZero() {
		p.Due = due
	}
	p.Revision++
	return p, nil
}
