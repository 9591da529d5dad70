// Package restructuring holds plans by which a customer pays old debts in new instalments: approved, signed, and kept or broken
// by the money that comes. The package is pure.
package restructuring

import (
	"fmt"
	"slices"

	"github.com/avalcredit/aval/pkg/approval"
	"github.com/avalcredit/aval/pkg/calendar"
	"github.com/avalcredit/aval/pkg/errs"
	"github.com/avalcredit/aval/pkg/money"
)

// State is where a plan stands.
type State string

// The states.
const (
	Proposed State = "PROPOSED"
	Approved State = "APPROVED"
	Rejected State = "REJECTED"
	Signed   State = "SIGNED"
	Kept     State = "KEPT"
	Broken   State = "BROKEN"
	Ended    State = "ENDED"
	// Open is an instalment that is not due yet.
	Open State = "OPEN"
)

// Rules are those of the policy.
type Rules struct {
	Authority approval.Table
	// Currency of the authority table.
	Currency    string
	GraceDays   int
	WarningDays []int // falling
}

// DefaultAuthority is who approves where the policy does not say.
func DefaultAuthority() approval.Table {
	bound := int64(100_000_00)
	manager := approval.Step{Name: "finance", AnyOf: []string{"FINANCE_MANAGER"}}
	director := approval.Step{Name: "approval", AnyOf: []string{"FINANCE_DIRECTOR"}}
	return approval.Table{{MaxAmount: &bound, Steps: []approval.Step{manager}}, {Steps: []approval.Step{manager, director}}}
}

// Instalment is one payment.
type Instalment struct {
	Due    calendar.Date `json:"due_date"`
	Amount money.Money   `json:"amount"`
}

// Plan is a plan as recorded.
type Plan struct {
	ID          string        `json:"restructuring_id"`
	CustomerID  string        `json:"customer_id"`
	ItemIDs     []string      `json:"item_ids"`
	Instalments []Instalment  `json:"instalments"`
	Reason      string        `json:"reason"`
	OpenAmount  money.Money   `json:"open_amount"`
	GraceDays   int           `json:"grace_days"`
	ProposeDate calendar.Date `json:"propose_date"`
	Form        approval.Form `json:"form"`

	SignDate     calendar.Date `json:"sign_date,omitzero"`
	SignEvidence string        `json:"sign_evidence,omitempty"`
	EndedBy      string        `json:"ended_by,omitempty"`
	EndReason    string        `json:"end_reason,omitempty"`
	EndDate      calendar.Date `json:"end_date,omitzero"`
}

// Total is what the plan asks for.
func (p Plan) Total() money.Money {
	sum := money.Zero(p.OpenAmount.Currency)
	for _, i := range p.Instalments {
		sum = sum.Add(i.Amount)
	}
	return sum
}

// Propose completes a plan for what is open, and finds who approves it. Errors: Invalid CURRENCY_MISMATCH, AMOUNT_NOT_POSITIVE
// and the rules RISING, DATE_PAST and MORE_THAN_OPEN, FailedPrecondition AUTHORITY_EXCEEDED.
func (p Plan) Propose(open money.Money, r Rules, actor string, today calendar.Date) (Plan, error) {
	p.OpenAmount, p.GraceDays, p.ProposeDate = open, r.GraceDays, today
	for i, part := range p.Instalments {
		field := fmt.Sprintf("restructuring.instalments[%d]", i)
		switch {
		case part.Amount.Currency != open.Currency:
			return p, errs.New(errs.Invalid, "CURRENCY_MISMATCH", "the account is in %s", open.Currency).With("field", field+".amount")
		case !part.Amount.IsPositive():
			return p, errs.New(errs.Invalid, "AMOUNT_NOT_POSITIVE", "an instalment is above zero").With("field", field+".amount")
		case part.Due.Before(today):
			return p, errs.Field(field+".due_date", "DATE_PAST", "%s is in the past", part.Due)
		case i > 0 && !part.Due.After(p.Instalments[i-1].Due):
			return p, errs.Field(field+".due_date", "RISING", "%s is not after the one before", part.Due)
		}
	}
	if p.Total().Cmp(open) > 0 {
		return p, errs.Field("restructuring.instalments", "MORE_THAN_OPEN", "the plan asks for %s, and %s is open", p.Total(), open)
	}
	row, steps, err := r.Authority.Highest()
	if open.Currency == r.Currency {
		row, steps, err = r.Authority.Route(open.Minor, 0)
	}
	if err != nil {
		return p, err
	}
	p.Form = approval.New(actor, row, steps)
	return p, nil
}

// Sign records the customer's signature. Errors: FailedPrecondition RESTRUCTURING_NOT_APPROVED, RESTRUCTURING_SIGNED and
// RESTRUCTURING_ENDED, Invalid DATE_AHEAD.
func (p Plan) Sign(on calendar.Date, evidence string, today calendar.Date) (Plan, error) {
	switch {
	case p.EndedBy != "":
		return p, p.is("ENDED", "has ended")
	case p.Form.State != approval.Approved:
		return p, p.is("NOT_APPROVED", "is not approved")
	case !p.SignDate.IsZero():
		return p, p.is("SIGNED", "was signed")
	case on.After(today):
		return p, errs.Field("sign_date", "DATE_AHEAD", "%s is ahead", on)
	}
	p.SignDate, p.SignEvidence = on, evidence
	return p, nil
}

// End ends it. Errors: FailedPrecondition RESTRUCTURING_ENDED.
func (p Plan) End(actor, reason string, today calendar.Date) (Plan, error) {
	if p.EndedBy != "" {
		return p, p.is("ENDED", "has ended")
	}
	p.EndedBy, p.EndReason, p.EndDate = actor, reason, today
	return p, nil
}

func (p Plan) is(what, words string) error {
	return errs.New(errs.FailedPrecondition, "RESTRUCTURING_"+what, "restructuring %s %s", p.ID, words).With("restructuring_id", p.ID)
}

// Live reports whether it still stands for its items.
func (p Plan) Live() bool {
	return p.EndedBy == "" && p.Form.State != approval.Rejected
}

// Money is what the customer paid on the plan's items on a day, in minor units.
type Money struct {
	Date   calendar.Date
	Amount int64
}

// Received is what came from the signature on, until a day.
func (p Plan) Received(paid []Money, until calendar.Date) int64 {
	var sum int64
	for _, m := range paid {
		if !p.SignDate.IsZero() && !m.Date.Before(p.SignDate) && !m.Date.After(until) {
			sum += m.Amount
		}
	}
	return sum
}

// Judge tells where it stands on a day, and what became of each instalment: kept by the money of it and of those before it
// that had come by its last day, grace included.
func (p Plan) Judge(paid []Money, day calendar.Date) (State, []State) {
	parts := make([]State, len(p.Instalments))
	asked, kept, broken := int64(0), 0, 0
	for i, part := range p.Instalments {
		asked += part.Amount.Minor
		last := part.Due.AddDays(p.GraceDays)
		until := last
		if day.Before(until) {
			until = day
		}
		switch {
		case p.SignDate.IsZero():
			parts[i] = Open
		case p.Received(paid, until) >= asked:
			parts[i], kept = Kept, kept+1
		case day.After(last):
			parts[i], broken = Broken, broken+1
		default:
			parts[i] = Open
		}
	}
	switch {
	case p.EndedBy != "":
		return Ended, parts
	case p.Form.State == approval.Rejected:
		return Rejected, parts
	case p.Form.State != approval.Approved:
		return Proposed, parts
	case p.SignDate.IsZero():
		return Approved, parts
	case broken > 0:
		return Broken, parts
	case kept == len(parts):
		return Kept, parts
	default:
		return Signed, parts
	}
}

// Next is the first instalment that is neither kept nor known to be broken; false: there is none.
func (p Plan) Next(parts []State) (Instalment, bool) {
	i := slices.Index(parts, Open)
	if i < 0 {
		return Instalment{}, false
	}
	return p.Instalments[i], true
}
