package check

import (
	"slices"
	"strconv"

	"github.com/avalcredit/aval/pkg/approval"
	"github.com/avalcredit/aval/pkg/calendar"
	"github.com/avalcredit/aval/pkg/money"
	"github.com/avalcredit/aval/services/ordergate/internal/account"
)

// Names of the results that blocks and stops give; they need no rule in the policy, so that none can leave them out.
const (
	RuleBlock      = "block"
	RuleCreditStop = "credit_stop"
)

// CreditStopRule is S2.18: what makes shipping stop at once.
type CreditStopRule struct {
	OverPercent   money.Ratio // of the limit, 10 for 10 %
	OverdueDays   int         // after grace
	ReleasesCount bool        // an excess that people released is not counted
}

// Severe is what sends a form to top management first (S1.6).
type Severe struct {
	Ratio money.Ratio // of the excess to the limit; not valid: never by the excess
	Days  int         // overdue; 0: never by days
	Step  approval.Step
}

// Controls are the policy's parameters of approvals, blocks and stops.
type Controls struct {
	CreditStop       *CreditStopRule
	Severe           *Severe
	DueDays          int    // in which a form is decided in time; 0: no such time
	BatchMaxExcess   *int64 // minor units of the base currency; nil: no bound
	RaiseLiftsHold   bool   // a raised limit lifts a block of kind HOLD
	AnswerForMinutes int    // how long the answer to a warehouse holds
}

// ControlFacts is what a decision knows of blocks and stops in force.
type ControlFacts struct {
	Block *account.Block      `json:"block,omitempty"`
	Stop  *account.CreditStop `json:"stop,omitempty"`
}

// FactsOf is what is in force of a control on day; nil where nothing is.
func FactsOf(c account.Control, day calendar.Date) *ControlFacts {
	f := ControlFacts{Block: c.BlockOn(day), Stop: c.Stop}
	if f.Block == nil && f.Stop == nil {
		return nil
	}
	return &f
}

// IsSevere reports whether a form goes to top management first.
func (p Policy) IsSevere(limit account.Limit, excess int64, days int) bool {
	s := p.Controls.Severe
	if s == nil {
		return false
	}
	if s.Days > 0 && days >= s.Days {
		return true
	}
	return s.Ratio.IsValid() && limit.Kind == account.LimitAmount && limit.Minor > 0 && excess > 0 &&
		(money.Ratio{Num: excess, Den: limit.Minor}).Cmp(s.Ratio) >= 0
}

// Measure is what authority is measured on: minor units of currency, and days past due.
type Measure struct {
	Currency string
	Limit    account.Limit
	Excess   int64
	Days     int
}

// RouteForm finds the row and the steps of a form. Where the account is severely over, top management signs first, and does not sign
// again where the row ends with it.
func (p Policy) RouteForm(m Measure) (row int, steps []approval.Step, err error) {
	row, steps, err = p.Route(m.Currency, m.Excess, m.Days)
	if err != nil || !p.IsSevere(m.Limit, m.Excess, m.Days) {
		return row, steps, err
	}
	top := p.Controls.Severe.Step
	rest := slices.DeleteFunc(steps, func(s approval.Step) bool {
		return len(s.AllOf) == 0 && !slices.ContainsFunc(s.AnyOf, func(r string) bool { return !slices.Contains(top.AnyOf, r) })
	})
	return row, append([]approval.Step{{Name: top.Name, AnyOf: slices.Clone(top.AnyOf)}}, rest...), nil
}

// Due is the last day on which a form that was opened is decided in time; zero where the policy sets none.
func (p Policy) Due(opened calendar.Date) calendar.Date {
	if p.Controls.DueDays == 0 || opened.IsZero() {
		return calendar.Date{}
	}
	return opened.AddDays(p.Controls.DueDays)
}

// Escalated is a form past its due date: the people of the next row may take its next step too. Rows count from 1.
func (p Policy) Escalated(f approval.Form, opened, today calendar.Date) approval.Form {
	due := p.Due(opened)
	i, open := f.NextIndex()
	if due.IsZero() || !today.After(due) || f.Row >= len(p.Authority) || !open || len(f.Steps[i].AllOf) > 0 {
		return f // where each of several people signs, nobody stands in for one of them
	}
	f.Steps = slices.Clone(f.Steps)
	next := &f.Steps[i]
	next.AnyOf = slices.Clone(next.AnyOf)
	for _, s := range p.Authority[f.Row].Steps { // the row behind f.Row
		for _, r := range slices.Concat(s.AnyOf, s.AllOf) {
			if !slices.Contains(next.AnyOf, r) {
				next.AnyOf = append(next.AnyOf, r)
			}
		}
	}
	return f
}

// controls are the results of blocks and stops in force, none where there are none.
func (d *decider) controls() []RuleResult {
	c := d.in.Account.Control
	if c == nil {
		return nil
	}
	var out []RuleResult
	if b := c.Block; b != nil {
		until := "lifted"
		if !b.Until.IsZero() {
			until = b.Until.String()
		}
		r := RuleResult{
			Rule: RuleBlock, Outcome: Held, Message: "the customer is blocked: " + b.Reason,
			Figures: []Figure{{"block", string(b.Kind)}, {"from", b.From.String()}, {"until", until}},
		}
		switch {
		case d.reduces():
			r.Outcome = Warned
		case b.Kind == account.BlockHold && d.released() && d.in.Order.Release.Block == b.Number:
			r.Outcome = Released
		default:
			if !b.Until.IsZero() {
				r.Cures = append(r.Cures, Cure{Kind: CureDate, Date: b.Until.AddDays(1)})
			}
			if b.Kind == account.BlockHold {
				r.Cures = append(r.Cures, Cure{Kind: CureApproval, Row: d.row, Roles: d.steps})
			}
		}
		out = append(out, r)
	}
	if s := c.Stop; s != nil {
		r := RuleResult{
			Rule: RuleCreditStop, Outcome: Held, Message: "shipping to the customer is stopped (S2.18) since " + s.Since.String(),
			Figures: []Figure{{"excess", d.money(s.Excess)}, {"days_overdue", strconv.Itoa(s.DaysOverdue)}},
		}
		switch {
		case d.paid():
			r.Outcome, r.Message = NotApplicable, "the money for this order is here"
		case d.reduces():
			r.Outcome = Warned
		default:
			r.Cures = []Cure{{Kind: CurePayment, Minor: s.Excess}}
			if s.Excess == 0 {
				r.Cures = []Cure{{Kind: CurePayment, Minor: d.in.Account.Overdue.Amount()}}
			}
		}
		out = append(out, r)
	}
	return out
}
