// Package legal holds cases at court: one state machine from the lawyer's letter to enforcement and insolvency, with
// deadlines and costs, and what each step does to the limitation period. The package is pure.
package legal

import (
	"slices"
	"strings"

	"github.com/avalcredit/aval/pkg/calendar"
	"github.com/avalcredit/aval/pkg/errs"
	"github.com/avalcredit/aval/pkg/money"
	"github.com/avalcredit/aval/services/receivables/internal/limitation"
)

// State is where a case stands.
type State string

// The states.
const (
	Opened      State = "OPENED"
	Letter      State = "LETTER"
	Suit        State = "SUIT"
	Judgment    State = "JUDGMENT"
	Enforcement State = "ENFORCEMENT"
	Insolvency  State = "INSOLVENCY"
	Closed      State = "CLOSED"
)

// StepKind is a step of a case.
type StepKind string

// The steps.
const (
	LawyersLetter    StepKind = "LAWYERS_LETTER"
	FileSuit         StepKind = "SUIT"
	Judged           StepKind = "JUDGMENT"
	Appeal           StepKind = "APPEAL"
	Enforce          StepKind = "ENFORCEMENT"
	InsolvencyFiling StepKind = "INSOLVENCY_FILING"
	Progress         StepKind = "PROGRESS"
)

// machine is what leads where. Progress leads nowhere, and a case can be closed from everywhere.
var machine = map[State]map[StepKind]State{
	Opened:      {LawyersLetter: Letter, FileSuit: Suit, InsolvencyFiling: Insolvency, Progress: Opened},
	Letter:      {LawyersLetter: Letter, FileSuit: Suit, InsolvencyFiling: Insolvency, Progress: Letter},
	Suit:        {Judged: Judgment, InsolvencyFiling: Insolvency, Progress: Suit},
	Judgment:    {Appeal: Suit, Enforce: Enforcement, InsolvencyFiling: Insolvency, Progress: Judgment},
	Enforcement: {InsolvencyFiling: Insolvency, Progress: Enforcement},
	Insolvency:  {Progress: Insolvency},
	Closed:      {},
}

// Outcome is how a case ended.
type Outcome string

// Dismissed and Withdrawn leave the claim as it was; Uncollectable is evidence for a write-off.
const (
	Dismissed     Outcome = "DISMISSED"
	Withdrawn     Outcome = "WITHDRAWN"
	Uncollectable Outcome = "UNCOLLECTABLE"
)

// Step is one step of a case.
type Step struct {
	Kind         StepKind      `json:"kind"`
	Date         calendar.Date `json:"step_date"`
	Deadline     calendar.Date `json:"deadline_date,omitzero"`
	DeadlineText string        `json:"deadline_text,omitempty"`
	Authority    string        `json:"authority,omitempty"`
	Reference    string        `json:"reference"`
	Amount       money.Money   `json:"amount,omitzero"`
	Note         string        `json:"note,omitempty"`
	RecordedBy   string        `json:"recorded_by"`
	RecordDate   calendar.Date `json:"record_date"`
}

// Cost is one cost of a case.
type Cost struct {
	Kind       string        `json:"kind"`
	Amount     money.Money   `json:"amount"`
	Date       calendar.Date `json:"cost_date"`
	Payee      string        `json:"payee"`
	Reference  string        `json:"reference,omitempty"`
	RecordedBy string        `json:"recorded_by"`
}

// Case is a case about items of one customer.
type Case struct {
	ID         string        `json:"legal_case_id"`
	CustomerID string        `json:"customer_id"`
	ItemIDs    []string      `json:"item_ids"`
	Reason     string        `json:"reason"`
	Owner      string        `json:"owner"`
	State      State         `json:"state"`
	Claimed    money.Money   `json:"claimed_amount"`
	Steps      []Step        `json:"steps,omitempty"`
	Costs      []Cost        `json:"costs,omitempty"`
	OpenedBy   string        `json:"opened_by"`
	OpenDate   calendar.Date `json:"open_date"`

	// Deadline is the next one; zero: none.
	Deadline     calendar.Date `json:"deadline_date,omitzero"`
	DeadlineText string        `json:"deadline_text,omitempty"`

	Outcome   Outcome       `json:"outcome,omitempty"`
	ClosedBy  string        `json:"closed_by,omitempty"`
	CloseDate calendar.Date `json:"close_date,omitzero"`
	CloseNote string        `json:"close_note,omitempty"`
}

// Rules are those of the policy.
type Rules struct {
	WarningDays      []int // falling
	EnforcementYears int
}

// Default is what holds where the policy says nothing.
func Default() Rules { return Rules{WarningDays: []int{30, 7, 1}, EnforcementYears: 2} }

// Take is a step. Errors: FailedPrecondition LEGAL_STEP_OUT_OF_ORDER, Invalid CURRENCY_MISMATCH and the rules DATE_AHEAD,
// DATE_BEFORE_LAST_STEP and DEADLINE_PAST.
func (c Case) Take(s Step, r Rules, today calendar.Date) (Case, error) {
	next, ok := machine[c.State][s.Kind]
	if !ok {
		return c, c.outOfOrder(string(s.Kind))
	}
	if err := c.checkDate(s.Date, "step.step_date", today); err != nil {
		return c, err
	}
	if !s.Deadline.IsZero() && s.Deadline.Before(s.Date) {
		return c, errs.Field("step.deadline_date", "DEADLINE_PAST", "%s is before the step", s.Deadline)
	}
	if s.Amount.Currency != "" && s.Amount.Currency != c.Claimed.Currency {
		return c, errs.New(errs.Invalid, "CURRENCY_MISMATCH", "the account is in %s", c.Claimed.Currency).With("field", "step.amount")
	}
	s.RecordDate = today
	c.State, c.Steps = next, append(slices.Clone(c.Steps), s)
	c.Deadline, c.DeadlineText = s.Deadline, s.DeadlineText
	if s.Kind == Judged {
		// From the last day to fulfil it, or from the judgment, the time for enforcement runs.
		from := s.Deadline
		if from.IsZero() {
			from = s.Date
		}
		c.Deadline, c.DeadlineText = from.AddMonths(12*r.EnforcementYears, 0), "apply for enforcement"
	}
	return c, nil
}

func (c Case) outOfOrder(what string) error {
	var can []string
	for kind := range machine[c.State] {
		can = append(can, string(kind))
	}
	slices.Sort(can)
	return errs.New(errs.FailedPrecondition, "LEGAL_STEP_OUT_OF_ORDER", "legal case %s is at %s: %s does not follow", c.ID, c.State, what).
		With("legal_case_id", c.ID).With("state", string(c.State)).With("steps", strings.Join(can, ","))
}

func (c Case) checkDate(d calendar.Date, field string, today calendar.Date) error {
	switch {
	case d.After(today):
		return errs.Field(field, "DATE_AHEAD", "%s is ahead", d)
	case len(c.Steps) > 0 && d.Before(c.Steps[len(c.Steps)-1].Date):
		return errs.Field(field, "DATE_BEFORE_LAST_STEP", "the last step was on %s", c.Steps[len(c.Steps)-1].Date)
	}
	return nil
}

// Spend is a cost, of a closed case too: bills come late. Errors: Invalid AMOUNT_NOT_POSITIVE, CURRENCY_MISMATCH and the rule
// DATE_AHEAD.
func (c Case) Spend(cost Cost, today calendar.Date) (Case, error) {
	switch {
	case cost.Amount.Currency != c.Claimed.Currency:
		return c, errs.New(errs.Invalid, "CURRENCY_MISMATCH", "the account is in %s", c.Claimed.Currency).With("field", "cost.amount")
	case !cost.Amount.IsPositive():
		return c, errs.New(errs.Invalid, "AMOUNT_NOT_POSITIVE", "a cost is above zero").With("field", "cost.amount")
	case cost.Date.After(today):
		return c, errs.Field("cost.cost_date", "DATE_AHEAD", "%s is ahead", cost.Date)
	}
	c.Costs = append(slices.Clone(c.Costs), cost)
	return c, nil
}

// CostSum is what the case has cost.
func (c Case) CostSum() money.Money {
	sum := money.Zero(c.Claimed.Currency)
	for _, cost := range c.Costs {
		sum = sum.Add(cost.Amount)
	}
	return sum
}

// Close ends it. Errors: FailedPrecondition LEGAL_STEP_OUT_OF_ORDER, Invalid DATE_AHEAD and DATE_BEFORE_LAST_STEP.
func (c Case) Close(o Outcome, on calendar.Date, actor, note string, today calendar.Date) (Case, error) {
	if c.State == Closed {
		return c, c.outOfOrder("closing")
	}
	if err := c.checkDate(on, "close_date", today); err != nil {
		return c, err
	}
	c.State, c.Outcome, c.ClosedBy, c.CloseDate, c.CloseNote = Closed, o, actor, on, note
	c.Deadline, c.DeadlineText = calendar.Date{}, ""
	return c, nil
}

// Interrupts is what a step does to the limitation period of the case's items: a letter is a demand; suit, enforcement and
// insolvency are proceedings, if none of the case goes on already. Empty: nothing.
func (c Case) Interrupts(s Step) limitation.Kind {
	switch {
	case s.Kind == LawyersLetter:
		return limitation.Demand
	case (s.Kind == FileSuit || s.Kind == InsolvencyFiling) && !c.Proceeds():
		return limitation.Proceeding
	default:
		return ""
	}
}

// Proceeds reports whether a proceeding goes on: from the suit on the claim is before the court, and a judgment keeps it there
// until the case is closed.
func (c Case) Proceeds() bool {
	return c.State == Suit || c.State == Judgment || c.State == Enforcement || c.State == Insolvency
}
