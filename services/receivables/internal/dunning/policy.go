package dunning

import (
	"slices"

	"github.com/avalcredit/aval/pkg/calendar"
	"github.com/avalcredit/aval/pkg/money"
)

// Policy is how customers are dunned. The zero value duns nobody.
type Policy struct {
	Strategies []Strategy
	Excluded   []string // customers
}

// Strategy is how one kind of customers is dunned.
type Strategy struct {
	Name         string
	Segment      Segment
	Levels       []Level
	CatchUp      CatchUp
	GapDays      int // 0: 1
	Tolerances   map[string]money.Money
	Minimums     map[string]money.Money
	RemindBefore []int
	Reminder     Letter
	Interest     Interest
	DunCharges   bool
}

// CatchUp is what a run does with an item that has missed steps.
type CatchUp string

// The ways; the zero value is one step.
const (
	CatchUpOneStep      CatchUp = "ONE_STEP"
	CatchUpLevelReached CatchUp = "LEVEL_REACHED"
)

// Segment is a part of the customers; empty fields take any.
type Segment struct {
	Customers, Salespeople, Currencies []string
	Units, Grades                      []string // of the customer now
	OverdueFrom                        map[string]money.Money
}

// Level is one step of a strategy.
type Level struct {
	Name                          string
	DaysPastDue, WaitDays         int
	Letter                        Letter
	Fees                          map[string]money.Money
	FeeShare                      money.Ratio // of the original amount; not valid: none
	ChargeInterest                bool
	Call, StopSupply, HandToLegal bool
}

// Letter is a text in Chinese and English, with places to fill.
type Letter struct {
	TitleZH, BodyZH, TitleEN, BodyEN string
}

// Gap is the least number of days between two letters to one customer: never two on one day.
func (s Strategy) Gap() int { return max(1, s.GapDays) }

// For returns the strategy that holds for a customer on a day: the first whose segment takes it.
func (p Policy) For(c Customer, day calendar.Date) (Strategy, bool) {
	for _, s := range p.Strategies {
		if s.Segment.takes(c, day) {
			return s, true
		}
	}
	return Strategy{}, false
}

// ByName returns a strategy by its name.
func (p Policy) ByName(name string) (Strategy, bool) {
	i := slices.IndexFunc(p.Strategies, func(s Strategy) bool { return s.Name == name })
	if i < 0 {
		return Strategy{}, false
	}
	return p.Strategies[i], true
}

func (g Segment) takes(c Customer, day calendar.Date) bool {
	for _, part := range []struct {
		of []string
		is string
	}{{g.Customers, c.ID}, {g.Salespeople, c.Salesperson}, {g.Units, c.UnitID}, {g.Grades, c.Grade}} {
		if len(part.of) > 0 && !slices.Contains(part.of, part.is) {
			return false
		}
	}
	if len(g.Currencies) == 0 && len(g.OverdueFrom) == 0 {
		return true
	}
	overdue := map[string]money.Money{}
	for _, i := range c.Items {
		if i.Open.IsPositive() {
			m := i.Open
			if !day.After(i.DueDate) {
				m = money.Zero(m.Currency)
			}
			add(overdue, m)
		}
	}
	for currency, m := range overdue {
		from, bounded := g.OverdueFrom[currency]
		inCurrency := len(g.Currencies) == 0 || slices.Contains(g.Currencies, currency)
		if inCurrency && (len(g.OverdueFrom) == 0 || bounded && m.Cmp(from) >= 0) {
			return true
		}
	}
	return false
}

func (s Strategy) tolerates(open money.Money) bool {
	t, ok := s.Tolerances[open.Currency]
	return ok && open.Cmp(t) <= 0
}

// below tells whether too little is overdue in a currency; due counts what is neither paused nor tolerated.
func (s Strategy) below(due money.Money, currency string) bool {
	m, ok := s.Minimums[currency]
	return ok && due.Cmp(m) < 0
}

// Reached is what the levels up to one bring with them: a call, a stop, lawyers. Level 0 brings nothing.
func (s Strategy) Reached(level int) Level {
	var out Level
	for _, l := range s.Levels[:min(level, len(s.Levels))] {
		out.Call, out.StopSupply, out.HandToLegal = out.Call || l.Call, out.StopSupply || l.StopSupply, out.HandToLegal || l.HandToLegal
	}
	return out
}

// Text is what a letter of a level says; level 0 is the reminder before the due date.
func (s Strategy) Text(level int) Letter {
	if level == 0 || level > len(s.Levels) {
		return s.Reminder
	}
	return s.Levels[level-1].Letter
}
