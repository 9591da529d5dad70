// Package approval is the pure core of every form that people sign: which steps an
// excess needs (the authority table) and who may take the next one (the form).
package approval

import (
	"fmt"
	"slices"

	"github.com/avalcredit/aval/pkg/errs"
	"github.com/avalcredit/aval/pkg/money"
)

// ReasonAuthorityExceeded is the reason when no row of the table covers a case.
const ReasonAuthorityExceeded = "AUTHORITY_EXCEEDED"

// Step is what people sign at one place of a form: one act of one person who holds any
// one of the roles, or one act for each role, by as many people, in any order.
type Step struct {
	// Name is what the policy calls the step, for example "review".
	Name string `json:"name"`
	// AnyOf lists the roles; one of them is enough. Empty where AllOf is set.
	AnyOf []string `json:"any_of"`
	// AllOf lists the roles each of which signs, every one by another person.
	AllOf []string `json:"all_of,omitempty"`
	// DueDays is how long the step has, from the day on which it came up; 0: no bound.
	DueDays int `json:"due_days,omitempty"`
	// EscalateTo is the role that may take the step too once it is late; empty: none.
	EscalateTo string `json:"escalate_to,omitempty"`
	// InWriting asks for a reason with an approval too.
	InWriting bool `json:"in_writing,omitempty"`
}

// People is how many people sign the step.
func (s Step) People() int { return max(1, len(s.AllOf)) }

// Row is one level of authority: what it covers and the steps it takes, in order.
type Row struct {
	// MaxAmount is the greatest excess covered, in minor units of the policy's base
	// currency, itself included; nil = no bound.
	MaxAmount *int64 `json:"max_amount,omitempty"`
	// MaxDays is the greatest number of days past due covered, itself included;
	// nil = no bound.
	MaxDays *int `json:"max_days,omitempty"`
	// When narrows what the row covers; the zero value does not.
	When When `json:"when,omitzero"`
	// Steps are taken in this order by different people.
	Steps []Step `json:"steps"`
}

// When is under which conditions a row covers a case that is within its bounds. A case
// of which a row wants to know something that is not known is not covered by it.
type When struct {
	// Grades are those of customers; empty: any.
	Grades []string `json:"grades,omitempty"`
	// Groups are those of customers; empty: any.
	Groups []string `json:"groups,omitempty"`
	// AmountOver is the greatest share of what was recommended by which the amount goes
	// beyond it, itself included; not valid: the row takes none that does.
	AmountOver money.Ratio `json:"amount_over,omitzero"`
	// DaysOver is the greatest number of days beyond those recommended; nil: the row
	// takes none that does.
	DaysOver *int `json:"days_over,omitempty"`
}

// Case is what is asked for, and of whom.
type Case struct {
	// Amount is in minor units of the policy's base currency.
	Amount int64
	Days   int
	// Grade and Group are the customer's; empty: none, or not known.
	Grade, Group string
	// Recommended and RecommendedDays are what the policy would give by itself; nil: it
	// says nothing, and the case goes beyond nothing.
	Recommended     *int64
	RecommendedDays *int
}

// Table is the authority table, lowest level first.
type Table []Row

// Route finds the first row that covers both the excess (minor units of the policy's
// base currency) and the days past due, and asks for nothing else. When none does, the
// error has kind FailedPrecondition and reason AUTHORITY_EXCEEDED.
func (t Table) Route(amount int64, days int) (row int, steps []Step, err error) {
	return t.RouteCase(Case{Amount: amount, Days: days})
}

// RouteCase finds the first row that covers a case, its conditions included. Errors: as
// Route.
func (t Table) RouteCase(c Case) (row int, steps []Step, err error) {
	for i, r := range t {
		if r.covers(c) {
			return i, cloneSteps(r.Steps), nil
		}
	}
	return 0, nil, errs.New(errs.FailedPrecondition, ReasonAuthorityExceeded,
		"no level of authority covers this amount and %d days", c.Days)
}

func (r Row) covers(c Case) bool {
	return (r.MaxAmount == nil || c.Amount <= *r.MaxAmount) && (r.MaxDays == nil || c.Days <= *r.MaxDays) && r.When.covers(c)
}

func (w When) covers(c Case) bool {
	return oneOf(w.Grades, c.Grade) && oneOf(w.Groups, c.Group) && w.coversAmount(c) && w.coversDays(c)
}

func oneOf(list []string, v string) bool {
	return len(list) == 0 || v != "" && slices.Contains(list, v)
}

func (w When) coversAmount(c Case) bool {
	if c.Recommended == nil || c.Amount <= *c.Recommended {
		return true
	}
	if !w.AmountOver.IsValid() || *c.Recommended <= 0 {
		return false
	}
	return (money.Ratio{Num: c.Amount - *c.Recommended, Den: *c.Recommended}).Cmp(w.AmountOver) <= 0
}

func (w When) coversDays(c Case) bool {
	over := 0
	if c.RecommendedDays != nil {
		over = c.Days - *c.RecommendedDays
	}
	return over <= 0 || w.DaysOver != nil && over <= *w.DaysOver
}

// Highest returns the last row, for a case that cannot be measured (an account in
// another currency than the policy's). An empty table covers nothing.
func (t Table) Highest() (row int, steps []Step, err error) {
	if len(t) == 0 {
		return 0, nil, errs.New(errs.FailedPrecondition, ReasonAuthorityExceeded, "the authority table is empty")
	}
	row = len(t) - 1
	return row, cloneSteps(t[row].Steps), nil
}

// Check returns the defects of a table under the given field path: rows without
// steps, steps without roles, bounds below zero, and rows that no case can reach
// because an earlier row covers at least as much.
func (t Table) Check(field string) []errs.Violation {
	var found []errs.Violation
	for i, r := range t {
		path := fmt.Sprintf("%s[%d]", field, i)
		found = append(found, r.check(path)...)
		if slices.ContainsFunc(t[:i], func(earlier Row) bool { return earlier.coversAllOf(r) }) {
			found = append(found, errs.Violation{
				Field: path, Rule: "reachable", Message: "an earlier row covers everything that this one covers",
			})
		}
	}
	return found
}

func (r Row) check(path string) []errs.Violation {
	var found []errs.Violation
	if r.MaxAmount != nil && *r.MaxAmount < 0 {
		found = append(found, errs.Violation{Field: path + ".max_amount", Rule: "not_negative", Message: "is below zero"})
	}
	if r.MaxDays != nil && *r.MaxDays < 0 {
		found = append(found, errs.Violation{Field: path + ".max_days", Rule: "not_negative", Message: "is below zero"})
	}
	if len(r.Steps) == 0 {
		found = append(found, errs.Violation{Field: path + ".steps", Rule: "required", Message: "has no step"})
	}
	for i, s := range r.Steps {
		found = append(found, s.check(fmt.Sprintf("%s.steps[%d]", path, i))...)
	}
	return found
}

func (s Step) check(path string) []errs.Violation {
	switch {
	case len(s.AnyOf) == 0 && len(s.AllOf) == 0:
		return []errs.Violation{{Field: path + ".any_of", Rule: "required", Message: "names no role"}}
	case len(s.AnyOf) > 0 && len(s.AllOf) > 0:
		return []errs.Violation{{Field: path + ".all_of", Rule: "one_of", Message: "any one of the roles, or each of them: not both"}}
	case s.DueDays < 0:
		return []errs.Violation{{Field: path + ".due_days", Rule: "not_negative", Message: "is below zero"}}
	case (s.DueDays == 0) != (s.EscalateTo == ""):
		return []errs.Violation{{Field: path + ".escalate_to", Rule: "with_due_days", Message: "due days and the role that a late step goes to belong together"}}
	}
	return nil
}

func (r Row) coversAllOf(o Row) bool {
	amount := r.MaxAmount == nil || o.MaxAmount != nil && *o.MaxAmount <= *r.MaxAmount
	days := r.MaxDays == nil || o.MaxDays != nil && *o.MaxDays <= *r.MaxDays
	return amount && days && r.When.coversAllOf(o.When)
}

func (w When) coversAllOf(o When) bool {
	amount := !o.AmountOver.IsValid() || w.AmountOver.IsValid() && o.AmountOver.Cmp(w.AmountOver) <= 0
	days := o.DaysOver == nil || w.DaysOver != nil && *o.DaysOver <= *w.DaysOver
	return amount && days && contains(w.Grades, o.Grades) && contains(w.Groups, o.Groups)
}

// contains reports whether whatever is one of the second list is one of the first; an
// empty list is all there is.
func contains(list, of []string) bool {
	if len(list) == 0 || len(of) == 0 {
		return len(list) == 0
	}
	return !slices.ContainsFunc(of, func(v string) bool { return !slices.Contains(list, v) })
}

func cloneSteps(steps []Step) []Step {
	c := slices.Clone(steps)
	for i := range c {
		c[i].AnyOf, c[i].AllOf = slices.Clone(c[i].AnyOf), slices.Clone(c[i].AllOf)
	}
	return c
}
