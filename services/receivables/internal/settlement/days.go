package settlement

import (
	"slices"
	"time"

	"github.com/avalcredit/aval/pkg/calendar"
	"github.com/avalcredit/aval/pkg/errs"
)

// Shift is where a due date goes that falls on a day off.
type Shift string

// The shifts. The empty shift is FOLLOWING.
const (
	Following Shift = "FOLLOWING" // to the next working day
	Preceding Shift = "PRECEDING" // to the working day before
	// ModifiedFollowing goes to the next working day unless that is in another month, else to the one before.
	ModifiedFollowing Shift = "MODIFIED_FOLLOWING"
)

// longestHoliday bounds the search for a working day.
const longestHoliday = 60

// Days are the days on which the company works; nil: due dates stand as they are computed.
type Days struct {
	// Weekend are the days of the week off.
	Weekend []time.Weekday
	// Holidays are off, whatever day of the week.
	Holidays []calendar.Date
	// Workdays are worked, though a weekend or holiday: days worked to make up for a holiday.
	Workdays []calendar.Date
	Shift    Shift
}

// Works says whether the company works on a day.
func (d *Days) Works(on calendar.Date) bool {
	if slices.Contains(d.Workdays, on) {
		return true
	}
	return !slices.Contains(d.Weekend, on.Weekday()) && !slices.Contains(d.Holidays, on)
}

// Move moves a due date off a day off; without a calendar it stays.
func (d *Days) Move(due calendar.Date) calendar.Date {
	if d == nil || due.IsZero() || d.Works(due) {
		return due
	}
	next, before := d.search(due, 1), d.search(due, -1)
	switch d.Shift {
	case Preceding:
		return before
	case ModifiedFollowing:
		if next.Month() != due.Month() {
			return before
		}
	case Following:
	}
	return next
}

func (d *Days) search(from calendar.Date, step int) calendar.Date {
	for n := 1; n <= longestHoliday; n++ {
		if day := from.AddDays(n * step); d.Works(day) {
			return day
		}
	}
	return from
}

// Check holds the calendar to what can be: some day of the week is worked, and no list is longer than holidays are. at is
// its path in the policy.
func (d *Days) Check(at string) error {
	const daysOfWeek = 7
	if d == nil {
		return nil
	}
	off := map[time.Weekday]bool{}
	for _, w := range d.Weekend {
		off[w] = true
	}
	if len(off) == daysOfWeek {
		return errs.Field(at+".weekend", "workdays", "some day of the week must be worked")
	}
	switch d.Shift {
	case "", Following, Preceding, ModifiedFollowing:
		return nil
	default:
		return errs.Field(at+".shift", "in", "%.40q is no shift", string(d.Shift))
	}
}
