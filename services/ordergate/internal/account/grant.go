package account

import "github.com/avalcredit/aval/pkg/calendar"

// TemporaryMode is what a temporary limit does to the standing one.
type TemporaryMode string

// The modes.
const (
	Replace TemporaryMode = "REPLACE"
	Add     TemporaryMode = "ADD"
)

// TemporaryLimit changes the limit from one day to another, both included. Minor units; below zero it lowers the limit (ADD).
type TemporaryLimit struct {
	Mode  TemporaryMode `json:"mode"`
	Minor int64         `json:"minor"`
	From  calendar.Date `json:"from"`
	Until calendar.Date `json:"until"`
}

// On reports whether it holds on day.
func (t TemporaryLimit) On(day calendar.Date) bool { return !day.Before(t.From) && !day.After(t.Until) }

// Cover is security held for the credit, in minor units; both dates are included, a zero date is no bound.
type Cover struct {
	Reference  string        `json:"reference,omitempty"`
	Minor      int64         `json:"minor"`
	ValidFrom  calendar.Date `json:"valid_from,omitzero"`
	ValidUntil calendar.Date `json:"valid_until,omitzero"`
}

// LimitOn is the limit on a day: the standing one, or what temporary limits make of it (semantics 2). A limit that is undefined stays
// so; an unlimited one can be replaced for a time.
func (g Grant) LimitOn(day calendar.Date) Limit {
	lim := g.Limit
	if len(g.Temporary) == 0 || lim.Kind == LimitUndefined {
		return lim
	}
	var added int64
	for _, t := range g.Temporary {
		switch {
		case !t.On(day):
		case t.Mode == Replace:
			lim = Limit{Kind: LimitAmount, Minor: t.Minor}
		case t.Mode == Add:
			added += t.Minor
		}
	}
	if lim.Kind == LimitAmount {
		lim.Minor = max(0, lim.Minor+added)
	}
	return lim
}

// Covered is the security in force on a day, in minor units; what has expired counts 0.
func (g Grant) Covered(day calendar.Date) int64 {
	var sum int64
	for _, c := range g.Covers {
		if (c.ValidFrom.IsZero() || !day.Before(c.ValidFrom)) && (c.ValidUntil.IsZero() || !day.After(c.ValidUntil)) {
			sum += c.Minor
		}
	}
	return sum
}

// Turns are the days after day on which a date of the grant changes what it gives: it begins or ends, or one of its temporary limits
// or securities does. Not sorted.
func (g Grant) Turns(day calendar.Date) []calendar.Date {
	var turns []calendar.Date
	begins := func(d calendar.Date) {
		if !d.IsZero() && d.After(day) {
			turns = append(turns, d)
		}
	}
	ends := func(d calendar.Date) {
		if !d.IsZero() && !d.Before(day) {
			turns = append(turns, d.AddDays(1))
		}
	}
	begins(g.ValidFrom)
	for _, t := range g.Temporary {
		begins(t.From)
		ends(t.Until)
	}
	for _, c := range g.Covers {
		begins(c.ValidFrom)
		ends(c.ValidUntil)
	}
	return turns
}
