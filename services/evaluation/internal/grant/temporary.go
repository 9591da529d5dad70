package grant

import (
	"math"

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

// LimitOn is the limit on a day, limits for a season and for a time counted, those for a
// time last; nil: undefined, or no upper bound.
func (g Grant) LimitOn(day calendar.Date) *money.Money {
	if g.Limit == nil {
		return nil
	}
	lim := g.Limit.Amount
	var added []money.Money
	count := func(mode string, amount *money.Money) {
		if mode == Replace {
			lim = amount
		} else {
			added = append(added, *amount)
		}
	}
	for i := range g.Seasonal {
		if g.Seasonal[i].On(day) {
			count(g.Seasonal[i].Mode, &g.Seasonal[i].Amount)
		}
	}
	for i := range g.Temporary {
		if g.Temporary[i].On(day) {
			count(g.Temporary[i].Mode, &g.Temporary[i].Amount)
		}
	}
	if lim == nil {
		return nil
	}
	sum := *lim
	for _, m := range added {
		sum = plus(sum, m)
	}
	return &sum
}

// plus is a sum that stops at the greatest amount there is.
func plus(a, b money.Money) money.Money {
	a.Minor += min(b.Minor, math.MaxInt64-max(0, a.Minor))
	return a
}

// Peak is the highest limit on the days of a temporary one, itself counted; nil where
// there is no bound.
func (g Grant) Peak(t TemporaryLimit) *money.Money {
	return g.With(t, t.From).Highest(t.From, t.Until)
}

// Highest is the highest limit on any day from one to another, with all base stock and
// all credit for single orders on top, since both may be owed at once; nil where there is
// no bound. The limit turns only where something begins or ends.
func (g Grant) Highest(from, until calendar.Date) *money.Money {
	var peak *money.Money
	for _, day := range append(g.turns(from, until), from) {
		if day.Before(from) || day.After(until) {
			continue
		}
		on := g.LimitOn(day)
		if on == nil {
			return nil
		}
		if peak == nil || on.Cmp(*peak) > 0 {
			peak = on
		}
	}
	if peak == nil {
		return nil
	}
	sum := *peak
	for _, b := range g.BaseStock {
		sum = plus(sum, b.Amount)
	}
	for _, o := range g.Orders {
		sum = plus(sum, o.Amount)
	}
	return &sum
}

// turns are the days on which a limit for a time or a season begins, or is over.
func (g Grant) turns(from, until calendar.Date) []calendar.Date {
	var days []calendar.Date
	for _, t := range g.Temporary {
		days = append(days, t.From, t.Until.AddDays(1))
	}
	for _, s := range g.Seasonal {
		for year := from.Year(); year <= until.Year(); year++ {
			days = append(days, s.begins(year), s.over(year))
		}
	}
	return days
}

// With is the grant with one more limit for a time; what was over by a day is dropped.
func (g Grant) With(t TemporaryLimit, day calendar.Date) Grant {
	g = g.Current(day)
	g.Temporary = append(g.Temporary, t)
	return g
}
