// Package approval is the pure core of every form that people sign: which steps an
// excess needs (the authority table) and who may take the next one (the form).
package approval

import (
	"fmt"
	"slices"

	"github.com/avalcredit/aval/pkg/errs"
)

// ReasonAuthorityExceeded is the reason when no row of the table covers a case.
const ReasonAuthorityExceeded = "AUTHORITY_EXCEEDED"

// Step is one act of one person who holds any one of the roles.
type Step struct {
	// Name is what the policy calls the step, for example "review".
	Name string `json:"name"`
	// AnyOf lists the roles; one of them is enough.
	AnyOf []string `json:"any_of"`
}

// Row is one level of authority: what it covers and the steps it takes, in order.
type Row struct {
	// MaxAmount is the greatest excess covered, in minor units of the policy's base
	// currency, itself included; nil = no bound.
	MaxAmount *int64 `json:"max_amount,omitempty"`
	// MaxDays is the greatest number of days past due covered, itself included;
	// nil = no bound.
	MaxDays *int `json:"max_days,omitempty"`
	// Steps are taken in this order by different people.
	Steps []Step `json:"steps"`
}

// Table is the authority table, lowest level first.
type Table []Row

// Route finds the first row that covers both the excess (minor units of the policy's
// base currency) and the days past due. When none does, the error has kind
// FailedPrecondition and reason AUTHORITY_EXCEEDED.
func (t Table) Route(amount int64, days int) (row int, steps []Step, err error) {
	for i, r := range t {
		if r.covers(amount, days) {
			return i, cloneSteps(r.Steps), nil
		}
	}
	return 0, nil, errs.New(errs.FailedPrecondition, ReasonAuthorityExceeded,
		"no level of authority covers this excess and %d days past due", days)
}

func (r Row) covers(amount int64, days int) bool {
	return (r.MaxAmount == nil || amount <= *r.MaxAmount) && (r.MaxDays == nil || days <= *r.MaxDays)
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
		if len(s.AnyOf) == 0 {
			found = append(found, errs.Violation{
				Field: fmt.Sprintf("%s.steps[%d].any_of", path, i), Rule: "required", Message: "names no role",
			})
		}
	}
	return found
}

func (r Row) coversAllOf(o Row) bool {
	amount := r.MaxAmount == nil || o.MaxAmount != nil && *o.MaxAmount <= *r.MaxAmount
	days := r.MaxDays == nil || o.MaxDays != nil && *o.MaxDays <= *r.MaxDays
	return amount && days
}

func cloneSteps(steps []Step) []Step {
	c := slices.Clone(steps)
	for i := range c {
		c[i].AnyOf = slices.Clone(c[i].AnyOf)
	}
	return c
}
