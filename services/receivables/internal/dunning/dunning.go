// Package dunning decides who is asked to pay, when and how: the next step of each item from its history, the policy and
// the day. Levels are per item, letters per customer. The package is pure.
package dunning

import (
	"slices"

	"github.com/avalcredit/aval/pkg/calendar"
	"github.com/avalcredit/aval/pkg/money"
)

// Kind tells what an item is owed for.
type Kind string

// The kinds: goods, or what came on top for paying late.
const (
	KindPrincipal Kind = "PRINCIPAL"
	KindCharge    Kind = "CHARGE"
)

// Item is one instalment of a document with its dunning history.
type Item struct {
	ID      string        `json:"item_id"`
	Kind    Kind          `json:"kind"`
	DueDate calendar.Date `json:"due_date"`
	Amount  money.Money   `json:"amount"` // as posted
	Open    money.Money   `json:"open"`
	// Level is that of the last letter that went out; 0: none.
	Level int `json:"level,omitempty"`
	// SupplyStopped: that letter stopped supply on credit.
	SupplyStopped bool `json:"supply_stopped,omitempty"`
	// LetterDate is the day of that letter.
	LetterDate calendar.Date `json:"letter_date,omitzero"`
	// RemindedFor is the due date that was reminded of, and RemindedDays how many days before it; the least of several.
	RemindedFor  calendar.Date `json:"reminded_for,omitzero"`
	RemindedDays int           `json:"reminded_days,omitempty"`
	// InterestUntil is the last day that interest was charged for; zero: none was.
	InterestUntil calendar.Date `json:"interest_until,omitzero"`
	// Balances are what was open from which day on, rising; empty: Open all the time.
	Balances []Balance `json:"balances,omitempty"`
	// What pauses the item. It goes on where it stood.
	Disputed bool `json:"disputed,omitempty"`
	Promised bool `json:"promised,omitempty"`
	Blocked  bool `json:"blocked,omitempty"`
}

// Balance is what was open from a day on.
type Balance struct {
	From calendar.Date `json:"from"`
	Open money.Money   `json:"open"`
}

// Customer is one debtor with the items that may be dunned, those of the last letters included.
type Customer struct {
	ID          string
	Salesperson string
	UnitID      string // sales unit; empty: none
	Grade       string // newest; empty: never rated
	Blocked     bool
	// LetterDate is the day of the newest letter to the customer; zero: none.
	LetterDate calendar.Date
	// Active is set while a dunning goes on: a letter went out and not all its items are resolved.
	Active bool
	Items  []Item
}

// Line is one step that a run proposes for one item.
type Line struct {
	ItemID string
	// Level it would reach; 0: a reminder before the due date.
	Level    int
	LastOf   int // levels of the strategy
	DueDate  calendar.Date
	Open     money.Money
	Days     int // overdue; negative before the due date
	Fee      money.Money
	Interest money.Money
	// InterestUntil is the last day that Interest counts.
	InterestUntil calendar.Date
}

// Skip says why an item that is overdue gets no step.
type Skip struct {
	ItemID string
	Reason Reason
}

// Reason is why no step is taken.
type Reason string

// The reasons.
const (
	ReasonNotDue       Reason = "NOT_DUE"       // due today or later
	ReasonSettled      Reason = "SETTLED"       // nothing open
	ReasonTolerance    Reason = "TOLERANCE"     // so little is open
	ReasonDisputed     Reason = "DISPUTED"      //
	ReasonPromised     Reason = "PROMISED"      // a promise runs
	ReasonBlocked      Reason = "BLOCKED"       // the item or its customer
	ReasonExcluded     Reason = "EXCLUDED"      // the customer, by policy
	ReasonNoStrategy   Reason = "NO_STRATEGY"   // no segment takes the customer
	ReasonWaiting      Reason = "WAITING"       // the next level's wait is not over
	ReasonFinal        Reason = "FINAL"         // the last level's letter went out
	ReasonBelowMinimum Reason = "BELOW_MINIMUM" // too little is overdue in the currency
	ReasonTooSoon      Reason = "TOO_SOON"      // a letter went out a moment ago
	ReasonCharge       Reason = "CHARGE"        // fees and interest are not dunned
)

// Plan is what a run proposes for one customer: one letter with its lines, oldest due first, or none.
type Plan struct {
	Strategy string
	Lines    []Line
	Skipped  []Skip
	// Finished is set where a dunning was going on and nothing of it is open any more; once a customer, whatever its
	// currencies.
	Finished bool
}

// Level is the highest of the plan's lines: that of the letter.
func (p Plan) Level() int {
	level := 0
	for _, l := range p.Lines {
		level = max(level, l.Level)
	}
	return level
}

// Next decides what a run on a day does for a customer. Items with a level stand, whatever became of them; amounts of
// different currencies are never added.
func (p Policy) Next(c Customer, day calendar.Date) Plan {
	plan := Plan{Finished: c.Active && !slices.ContainsFunc(c.Items, func(i Item) bool { return i.Level > 0 && i.Open.IsPositive() })}
	if slices.Contains(p.Excluded, c.ID) {
		return plan.skipAll(c, day, ReasonExcluded)
	}
	s, ok := p.For(c, day)
	if !ok {
		return plan.skipAll(c, day, ReasonNoStrategy)
	}
	plan.Strategy = s.Name
	if c.Blocked {
		return plan.skipAll(c, day, ReasonBlocked)
	}
	counted := map[string]money.Money{}
	for _, i := range c.Items {
		if s.pauses(i, day) == "" {
			add(counted, i.Open)
		}
	}
	soon := !c.LetterDate.IsZero() && day.DaysSince(c.LetterDate) < s.Gap()
	for _, i := range c.Items {
		line, reason := s.step(i, day)
		switch {
		case reason != "":
		case line.Level > 0 && s.below(counted[i.Open.Currency], i.Open.Currency):
			reason = ReasonBelowMinimum
		case soon:
			reason = ReasonTooSoon
		default:
			plan.Lines = append(plan.Lines, line)
			continue
		}
		plan.Skipped = append(plan.Skipped, Skip{ItemID: i.ID, Reason: reason})
	}
	slices.SortStableFunc(plan.Lines, func(a, b Line) int { return a.DueDate.Compare(b.DueDate) })
	return plan
}

// skipAll passes over the customer's overdue items for one reason.
func (p Plan) skipAll(c Customer, day calendar.Date, reason Reason) Plan {
	for _, i := range c.Items {
		r := reason
		switch {
		case !i.Open.IsPositive():
			r = ReasonSettled
		case !day.After(i.DueDate):
			r = ReasonNotDue
		}
		p.Skipped = append(p.Skipped, Skip{ItemID: i.ID, Reason: r})
	}
	return p
}

func add(sums map[string]money.Money, m money.Money) {
	if old, ok := sums[m.Currency]; ok {
		m = old.Add(m)
	}
	sums[m.Currency] = m
}

// pauses is why an item is not asked for at all; empty: it is.
func (s Strategy) pauses(i Item, day calendar.Date) Reason {
	switch {
	case !i.Open.IsPositive():
		return ReasonSettled
	case !day.After(i.DueDate):
		return ReasonNotDue
	case i.Disputed:
		return ReasonDisputed
	case i.Promised:
		return ReasonPromised
	case i.Blocked:
		return ReasonBlocked
	case i.Kind == KindCharge && !s.DunCharges:
		return ReasonCharge
	case s.tolerates(i.Open):
		return ReasonTolerance
	}
	return ""
}

// step is the next step of one item on a day, or why there is none.
func (s Strategy) step(i Item, day calendar.Date) (Line, Reason) {
	reason := s.pauses(i, day)
	if reason == ReasonNotDue {
		return s.remind(i, day)
	}
	if reason != "" {
		return Line{}, reason
	}
	if i.Level >= len(s.Levels) {
		return Line{}, ReasonFinal
	}
	level := i.Level + 1
	if day.Before(s.dueFor(i, level)) {
		return Line{}, ReasonWaiting
	}
	if s.CatchUp == CatchUpLevelReached {
		for level < len(s.Levels) && day.DaysSince(i.DueDate) >= s.Levels[level].DaysPastDue && s.Levels[level].DaysPastDue > 0 {
			level++
		}
	}
	return s.charge(i, level, day), ""
}

// DueFor is the first day on which an item takes its next level; false after the last one.
func (s Strategy) DueFor(i Item) (calendar.Date, bool) {
	if i.Level >= len(s.Levels) {
		return calendar.Date{}, false
	}
	return s.dueFor(i, i.Level+1), true
}

// dueFor: the wait counts from the letter before, or from the due date where that was moved behind it.
func (s Strategy) dueFor(i Item, level int) calendar.Date {
	l := s.Levels[level-1]
	anchor := i.DueDate
	if i.LetterDate.After(anchor) && i.Level > 0 {
		anchor = i.LetterDate
	}
	// Due today is not overdue, whatever a level says.
	return latest(anchor.AddDays(l.WaitDays), i.DueDate.AddDays(max(1, l.DaysPastDue)))
}

func latest(a, b calendar.Date) calendar.Date {
	if a.After(b) {
		return a
	}
	return b
}

// remind is the reminder before the due date that is due by now: the nearest one, once; those missed are passed over.
func (s Strategy) remind(i Item, day calendar.Date) (Line, Reason) {
	left := i.DueDate.DaysSince(day)
	at := 0
	for _, days := range s.RemindBefore {
		if left <= days && (at == 0 || days < at) {
			at = days
		}
	}
	done := i.RemindedFor == i.DueDate && i.RemindedDays > 0 && i.RemindedDays <= at
	if at == 0 || left == 0 || done || i.Disputed || i.Promised || i.Blocked || i.Kind == KindCharge || s.tolerates(i.Open) {
		return Line{}, ReasonNotDue
	}
	return Line{ItemID: i.ID, DueDate: i.DueDate, Open: i.Open, Days: -left, LastOf: len(s.Levels), Fee: money.Zero(i.Open.Currency), Interest: money.Zero(i.Open.Currency)}, ""
}

// charge makes the line of a level with what it costs.
func (s Strategy) charge(i Item, level int, day calendar.Date) Line {
	l := Line{
		ItemID: i.ID, Level: level, LastOf: len(s.Levels), DueDate: i.DueDate, Open: i.Open, Days: day.DaysSince(i.DueDate),
		Fee: money.Zero(i.Open.Currency), Interest: money.Zero(i.Open.Currency),
	}
	if i.Kind == KindCharge {
		return l
	}
	at := s.Levels[level-1]
	if fee, ok := at.Fees[i.Open.Currency]; ok {
		l.Fee = fee
	}
	if at.FeeShare.IsValid() {
		l.Fee = l.Fee.Add(i.Amount.MulRatio(at.FeeShare))
	}
	if at.ChargeInterest && s.Interest.Rate.IsValid() {
		l.Interest, l.InterestUntil = s.Interest.Of(i, day), day
	}
	return l
}
