// Package period closes the books: until which day nothing more is posted, and who may open them
// again. The package is pure.
package period

import (
	"time"

	"github.com/avalcredit/aval/pkg/calendar"
	"github.com/avalcredit/aval/pkg/errs"
)

// Kind is what an act does.
type Kind string

// The acts: closing moves the last closed day forward, opening back.
const (
	Close Kind = "CLOSE"
	Open  Kind = "OPEN"
)

// Act is one moving of the last closed day.
type Act struct {
	Number      int64         `json:"number"`
	Kind        Kind          `json:"kind"`
	ClosedUntil calendar.Date `json:"closed_until"`
	Reason      string        `json:"reason,omitempty"`
	Actor       string        `json:"actor"`
	Date        calendar.Date `json:"date"`
	CreateTime  time.Time     `json:"create_time"`
}

// CloseUntil closes all days up to one, itself included. Errors: Invalid where it is not before today,
// FailedPrecondition PERIOD_CLOSED where it is closed already.
func CloseUntil(last Act, until, today calendar.Date) (Act, error) {
	if !until.Before(today) {
		return Act{}, errs.Field("closed_until_date", "past", "%s is not over: days before %s may be closed", until, today)
	}
	if last.Number > 0 && !until.After(last.ClosedUntil) {
		return Act{}, errs.New(errs.FailedPrecondition, "PERIOD_CLOSED", "the books are closed until %s already", last.ClosedUntil).
			With("closed_until", last.ClosedUntil.String())
	}
	return Act{Number: last.Number + 1, Kind: Close, ClosedUntil: until}, nil
}

// OpenFrom opens the days from one on. Errors: FailedPrecondition PERIOD_OPEN where it is open.
func OpenFrom(last Act, from calendar.Date) (Act, error) {
	if last.Number == 0 || from.After(last.ClosedUntil) {
		return Act{}, errs.New(errs.FailedPrecondition, "PERIOD_OPEN", "the books are open from %s on", from)
	}
	return Act{Number: last.Number + 1, Kind: Open, ClosedUntil: from.AddDays(-1)}, nil
}

// Check refuses a date that is closed; field is its path in the request. Error: FailedPrecondition
// PERIOD_CLOSED.
func Check(closedUntil, date calendar.Date, field string) error {
	if closedUntil.IsZero() || date.After(closedUntil) {
		return nil
	}
	return errs.New(errs.FailedPrecondition, "PERIOD_CLOSED", "the books are closed until %s: nothing is posted on %s", closedUntil, date).
		With("closed_until", closedUntil.String()).With("field", field)
}
