package statement

import (
	"github.com/avalcredit/aval/pkg/calendar"
	"github.com/avalcredit/aval/pkg/errs"
)

// Schedule says when statements go out by themselves. The zero value: never.
type Schedule struct {
	AccountDay                         int // of each month; 0: no statements of account
	ConfirmationMonth, ConfirmationDay int // of each year; 0: no confirmations
	Hour                               int // of the day, from which they go out
	// Credits has those who owe nothing but have money here get one, too.
	Credits bool
}

// Check holds the schedule to what single fields cannot say, at a path.
func (s Schedule) Check(path string) error {
	if (s.ConfirmationMonth == 0) != (s.ConfirmationDay == 0) {
		return errs.Field(path+".confirmation_day", "together", "the month and the day of confirmations are given together")
	}
	return nil
}

// Due reports whether statements of a kind go out on a day. A day that the month lacks is its last one.
func (s Schedule) Due(kind Kind, day calendar.Date) bool {
	of := s.AccountDay
	if kind == Confirmation {
		if of = s.ConfirmationDay; int(day.Month()) != s.ConfirmationMonth {
			return false
		}
	}
	return of > 0 && day.Day() == min(of, day.EndOfMonth().Day())
}

// AsOf is the day of the statements that go out on a day: the end of the month before.
func AsOf(day calendar.Date) calendar.Date { return day.AddMonths(0, 1).AddDays(-1) }
