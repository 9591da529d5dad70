package check

import (
	"github.com/avalcredit/aval/pkg/calendar"
	"github.com/avalcredit/aval/pkg/errs"
	"github.com/avalcredit/aval/pkg/money"
)

// RateKind is which day's rate converts an order.
type RateKind string

// The kinds of rate.
const (
	RateFrozen  RateKind = "FROZEN"  // of the order's date
	RateCurrent RateKind = "CURRENT" // of the day of the check
)

// Pair names two currencies.
type Pair struct{ From, To string }

// Rate is what one unit of the first currency of a pair is in the second, from a day on until a later rate.
type Rate struct {
	From  calendar.Date
	Ratio money.Ratio
}

// Conversion is the dated rates of a policy: for each pair by date, rising.
type Conversion struct {
	Kind  RateKind
	Rates map[Pair][]Rate
}

// On finds the rate of a pair on a day. Errors: FAILED_PRECONDITION RATE_UNKNOWN.
func (c Conversion) On(p Pair, day calendar.Date) (Rate, error) {
	rates := c.Rates[p]
	for i := len(rates) - 1; i >= 0; i-- {
		if !day.Before(rates[i].From) {
			return rates[i], nil
		}
	}
	return Rate{}, errs.New(errs.FailedPrecondition, "RATE_UNKNOWN", "the order policy has no rate from %s to %s on %s", p.From, p.To, day).
		With("from_currency", p.From).With("to_currency", p.To).With("date", day.String())
}
