// Package warning says which warning is to be given of a day that must not pass unnoticed, and keeps what was answered. The
// package is pure.
package warning

import (
	"fmt"
	"slices"
	"time"

	"github.com/avalcredit/aval/pkg/calendar"
	"github.com/avalcredit/aval/pkg/errs"
	"github.com/avalcredit/aval/pkg/money"
)

// Kind is what a warning is about.
type Kind string

// The kinds.
const (
	Limitation      Kind = "LIMITATION"
	Security        Kind = "SECURITY"
	InsuranceNotice Kind = "INSURANCE_NOTICE"
	InsuranceClaim  Kind = "INSURANCE_CLAIM"
	Legal           Kind = "LEGAL"
	Plan            Kind = "PLAN"
)

// Passed stands for the days ahead of a warning that came after the day itself.
const Passed = -1

// ReasonNotTheOwner: a salesperson answers the warnings given to it, and no others.
const ReasonNotTheOwner = "NOT_THE_OWNER"

// Deadline is a day that must not pass unnoticed.
type Deadline struct {
	Kind                 Kind
	ObjectID, CustomerID string
	LastDay              calendar.Date
	Owner                string
	Amount               money.Money // zero value: none
	Text                 string
}

// Warning is a warning given.
type Warning struct {
	Number int64 `json:"number"`
	Deadline
	// DaysAhead of the last day that it was for; Passed: the day had passed before.
	DaysAhead int
	GivenDate calendar.Date
	// LateDays after the first chance to give it, or an earlier one that was left out.
	LateDays   int
	CreateTime time.Time

	AcknowledgedBy string
	AcknowledgedOn calendar.Date
	Note           string
}

// ID of a warning.
func (w Warning) ID() string { return fmt.Sprintf("W-%d", w.Number) }

// Next is the warning to give of a day now, if there is one: the most urgent that the days ahead (falling) ask for and that
// was not given. given are the days ahead of those given of the same day before. One that was left out is not given any more,
// but the next says how late it is: measured from the first chance after the last one given.
func Next(d Deadline, ahead, given []int, today calendar.Date) (Warning, bool) {
	if d.LastDay.IsZero() {
		return Warning{}, false
	}
	stages := append(slices.Clone(ahead), Passed)
	urgent := -1
	for i, days := range stages {
		if !today.Before(chance(d.LastDay, days)) {
			urgent = i
		}
	}
	if urgent < 0 {
		return Warning{}, false
	}
	first := urgent
	for i := urgent; i >= 0 && !slices.Contains(given, stages[i]); i-- {
		first = i
	}
	if slices.Contains(given, stages[urgent]) {
		return Warning{}, false
	}
	return Warning{
		Deadline: d, DaysAhead: stages[urgent], GivenDate: today, LateDays: today.DaysSince(chance(d.LastDay, stages[first])),
	}, true
}

// chance is the first day on which a warning so many days ahead can be given.
func chance(last calendar.Date, ahead int) calendar.Date { return last.AddDays(-ahead) }

// Acknowledge is what somebody says is done about it. own is set where the caller answers only what was given to it. Errors:
// FailedPrecondition WARNING_ACKNOWLEDGED, PermissionDenied NOT_THE_OWNER.
func (w Warning) Acknowledge(actor, note string, own bool, today calendar.Date) (Warning, error) {
	if w.AcknowledgedBy != "" {
		return w, errs.New(errs.FailedPrecondition, "WARNING_ACKNOWLEDGED", "warning %s was answered by %s", w.ID(), w.AcknowledgedBy).With("warning_id", w.ID())
	}
	if own && w.Owner != actor {
		return w, errs.New(errs.PermissionDenied, ReasonNotTheOwner, "warning %s was given to somebody else", w.ID()).With("warning_id", w.ID())
	}
	w.AcknowledgedBy, w.AcknowledgedOn, w.Note = actor, today, note
	return w, nil
}

// Query asks for warnings, newest first; empty fields do not restrict.
type Query struct {
	CustomerID, ObjectID, Owner string
	Kind                        Kind
	OpenOnly                    bool
	// Salesperson restricts it to what was given to one, and to the customers of one.
	Salesperson string
	Before      int64
	Limit       int
}
