package approval

import (
	"slices"

	"github.com/avalcredit/aval/pkg/calendar"
)

// Escalation says that a step was late and went to a further role.
type Escalation struct {
	// Step is the index of the step, from 0.
	Step int `json:"step"`
	// Role may take the step too from then on.
	Role string `json:"role"`
	// Due was the last day on which the step was in time.
	Due calendar.Date `json:"due_date"`
	// Date is the business date of the escalation.
	Date calendar.Date `json:"business_date"`
}

// Due is the last day on which the next step is taken in time; zero where it has no
// bound. It counts from the day of the act that brought the step up, or of the
// application.
func (f Form) Due() calendar.Date {
	i, open := f.NextIndex()
	if !open || f.Steps[i].DueDays <= 0 {
		return calendar.Date{}
	}
	from := f.Opened
	for _, a := range f.Acts {
		if a.Step < i {
			from = a.Date
		}
	}
	if from.IsZero() {
		return calendar.Date{}
	}
	return from.AddDays(f.Steps[i].DueDays)
}

// Escalate gives a step that is late on a day to the role that it goes to, once. It
// reports false where there is nothing to do. Who was asked first may still take it, and
// the form needs as many people as before.
func (f Form) Escalate(day calendar.Date) (Form, bool) {
	i, open := f.NextIndex()
	due := f.Due()
	if !open || due.IsZero() || !day.After(due) || f.Steps[i].EscalateTo == "" || len(f.escalatedTo(i)) > 0 {
		return f, false
	}
	f.Escalations = append(slices.Clip(f.Escalations), Escalation{Step: i, Role: f.Steps[i].EscalateTo, Due: due, Date: day})
	return f, true
}

// escalatedTo is the role that a late step went to; none where it did not.
func (f Form) escalatedTo(step int) []string {
	for _, e := range f.Escalations {
		if e.Step == step {
			return []string{e.Role}
		}
	}
	return nil
}
