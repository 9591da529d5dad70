package account

import "github.com/avalcredit/aval/pkg/calendar"

// Security stands behind the customer's debts, as receivables holds it: what it is worth, in minor units of its own currency, from one day
// to another, both included; no last day is no end.
type Security struct {
	ID       string        `json:"id"`
	Kind     string        `json:"kind"`
	Currency string        `json:"currency"`
	Minor    int64         `json:"minor"`
	From     calendar.Date `json:"from"`
	Until    calendar.Date `json:"until,omitzero"`
}

// On reports whether it holds on day.
func (s Security) On(day calendar.Date) bool {
	return !day.Before(s.From) && (s.Until.IsZero() || !day.After(s.Until))
}

// SecurityTurns are the days after day on which a security that is held begins or has ended. Not sorted.
func (s *Standing) SecurityTurns(day calendar.Date) []calendar.Date {
	var turns []calendar.Date
	for _, x := range s.Securities {
		if x.From.After(day) {
			turns = append(turns, x.From)
		}
		if !x.Until.IsZero() && !x.Until.Before(day) {
			turns = append(turns, x.Until.AddDays(1))
		}
	}
	return turns
}

// CoversBeside is the grant without the covers whose reference names one of the securities held: it is the same security, and counts
// there.
func (g Grant) CoversBeside(held []Security) Grant {
	if len(held) == 0 || len(g.Covers) == 0 {
		return g
	}
	names := make(map[string]bool, len(held))
	for _, s := range held {
		names[s.ID] = true
	}
	var rest []Cover
	for _, c := range g.Covers {
		if !names[c.Reference] {
			rest = append(rest, c)
		}
	}
	g.Covers = rest
	return g
}
