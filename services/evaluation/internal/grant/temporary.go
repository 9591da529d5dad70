package grant

import (
	"math"
	"slices"

	"github.com/avalcredit/aval/pkg/calendar"
	"github.com/avalcredit/aval/pkg/money"
)

// What a temporary limit does to the standing one.
const (
	// Replace stands in its place; of several on one day the one granted last.
	Replace = "REPLACE"
	// Add is added to it.
	Add = "ADD"
)

// MaxTemporary is how many limits for a time a grant has at most.
const MaxTemporary = 20

// TemporaryLimit changes the limit from one day to another, both included; afterwards
// the standing limit holds again.
type TemporaryLimit struct {
	Mode   string        `json:"mode"`
	Amount money.Money   `json:"amount"`
	From   calendar.Date `json:"from_date"`
	Until  calendar.Date `json:"until_date"`
}

// On reports whether it holds on a day.
func (t TemporaryLimit) On(day calendar.Date) bool { return !day.Before(t.From) && !day.After(t.Until) }

// LimitOn is the limit on a day, temporary limits counted; nil: undefined, or no upper bound.
func (g Grant) LimitOn(day calendar.Date) *money.Money {
	if g.Limit == nil {
		return nil
	}
	lim := g.Limit.Amount
	var added []money.Money
	for _, t := range g.Temporary {
		switch {
		case !t.On(day):
		case t.Mode == Replace:
			lim = &t.Amount
		case t.Mode == Add:
			added = append(added, t.Amount)
		}
	}
	if lim == nil {
		return nil
	}
	sum := *lim
	for _, m := range added {
		// The sum stops at the greatest amount there is.
		sum.Minor += min(m.Minor, math.MaxInt64-max(0, sum.Minor))
	}
	return &sum
}

// Peak is the highest limit on the days of a temporary one, itself counted; nil where
// there is no bound. The limit turns only where one begins or ends.
func (g Grant) Peak(t TemporaryLimit) *money.Money {
	with := g.With(t, t.From)
	var peak *money.Money
	for _, turn := range with.turns() {
		if !t.On(turn) {
			continue
		}
		on := with.LimitOn(turn)
		if on == nil {
			return nil
		}
		if peak == nil || on.Cmp(*peak) > 0 {
			peak = on
		}
	}
	return peak
}

func (g Grant) turns() []calendar.Date {
	var days []calendar.Date
	for _, t := range g.Temporary {
		days = append(days, t.From, t.Until.AddDays(1))
	}
	return days
}

// With is the grant with one more limit for a time; those that were over by a day are dropped.
func (g Grant) With(t TemporaryLimit, day calendar.Date) Grant {
	g.Temporary = slices.DeleteFunc(slices.Clone(g.Temporary), func(o TemporaryLimit) bool { return o.Until.Before(day) })
	g.Temporary = append(g.Temporary, t)
	return g
}
