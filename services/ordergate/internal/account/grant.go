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

// SeasonalLimit changes the limit on the same days of each year, both included; From and Until are "MM-DD", and where Until is before
// From the season goes over the turn of the year.
type SeasonalLimit struct {
	Mode  TemporaryMode `json:"mode"`
	Minor int64         `json:"minor"`
	From  string        `json:"from"`
	Until string        `json:"until"`
}

// On reports whether it holds on day.
func (s SeasonalLimit) On(day calendar.Date) bool {
	const yearAndDash = 5
	of := day.String()[yearAndDash:]
	if s.From <= s.Until {
		return s.From <= of && of <= s.Until
	}
	return s.From <= of || of <= s.Until
}

// BaseStock is what the customer may owe as base stock, minor units; both dates are included.
type BaseStock struct {
	Minor int64         `json:"minor"`
	From  calendar.Date `json:"from"`
	Until calendar.Date `json:"until"`
}

// OrderLimit is credit for one order, minor units, until a day, itself included.
type OrderLimit struct {
	OrderID string        `json:"order_id"`
	Minor   int64         `json:"minor"`
	Until   calendar.Date `json:"until"`
}

// LimitOn is the limit on a day: the standing one, or what limits for a season and then those for a time make of it (semantics 2). A
// limit that is undefined stays so; an unlimited one can be replaced for a time.
func (g Grant) LimitOn(day calendar.Date) Limit {
	lim := g.Limit
	if len(g.Temporary)+len(g.Seasonal) == 0 || lim.Kind == LimitUndefined {
		return lim
	}
	var added int64
	count := func(mode TemporaryMode, minor int64) {
		switch mode {
		case Replace:
			lim = Limit{Kind: LimitAmount, Minor: minor}
		case Add:
			added += minor
		}
	}
	for _, s := range g.Seasonal {
		if s.On(day) {
			count(s.Mode, s.Minor)
		}
	}
	for _, t := range g.Temporary {
		if t.On(day) {
			count(t.Mode, t.Minor)
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

// BaseStockOn is what may be owed as base stock on a day, minor units.
func (g Grant) BaseStockOn(day calendar.Date) int64 {
	var sum int64
	for _, b := range g.BaseStocks {
		if !day.Before(b.From) && !day.After(b.Until) {
			sum += b.Minor
		}
	}
	return sum
}

// ForOrder is the credit of an order's own on a day, minor units; an empty id: of all orders.
func (g Grant) ForOrder(id string, day calendar.Date) int64 {
	var sum int64
	for _, o := range g.Orders {
		if (id == "" || o.OrderID == id) && !day.After(o.Until) {
			sum += o.Minor
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
	for _, b := range g.BaseStocks {
		begins(b.From)
		ends(b.Until)
	}
	for _, o := range g.Orders {
		ends(o.Until)
	}
	if len(g.Seasonal) > 0 {
		turns = append(turns, g.seasons(day)...)
	}
	return turns
}

// seasons are the days of the year after day on which limits for a season begin or are over.
func (g Grant) seasons(day calendar.Date) []calendar.Date {
	const days = 366
	var turns []calendar.Date
	for _, s := range g.Seasonal {
		was := s.On(day)
		for i := 1; i <= days; i++ {
			on := s.On(day.AddDays(i))
			if on != was {
				turns = append(turns, day.AddDays(i))
			}
			was = on
		}
	}
	return turns
}
