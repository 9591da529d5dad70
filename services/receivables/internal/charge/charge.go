// Package charge computes what balances over their term or over a customer's limit cost those who answer for them (S2.6),
// month by month and down to the item. The package is pure.
package charge

import (
	"cmp"
	"slices"

	"github.com/avalcredit/aval/pkg/calendar"
	"github.com/avalcredit/aval/pkg/errs"
	"github.com/avalcredit/aval/pkg/money"
)

// Kind is what a line is for.
type Kind string

// The kinds.
const (
	OverTerm   Kind = "OVER_TERM"
	OverLimit  Kind = "OVER_LIMIT"
	Correction Kind = "CORRECTION"
)

// Basis is what a rate is applied to.
type Basis string

// The bases.
const (
	PerDay   Basis = "DAY"
	PerMonth Basis = "MONTH"
)

// Bearer is who bears a charge.
type Bearer string

// The bearers.
const (
	Unit   Bearer = "UNIT"
	Person Bearer = "PERSON"
)

// Rule is one kind of charge; without a valid rate nothing is charged.
type Rule struct {
	PerMille  money.Ratio // the number of thousandths
	Basis     Basis
	ChargedTo Bearer
	GraceDays int
}

// Rules are those of the policy.
type Rules struct {
	OverTerm, OverLimit Rule
	// ReturnShare of an item's charges is given back when it is paid; not valid: nothing.
	ReturnShare money.Ratio
	// SupervisionDays after which what is unanswered or unfinished is the supervisor's business.
	SupervisionDays int
}

// Any reports whether anything is charged.
func (r Rules) Any() bool { return r.OverTerm.PerMille.IsValid() || r.OverLimit.PerMille.IsValid() }

// Move is money applied to an item on a day; an undoing is negative.
type Move struct {
	Date     calendar.Date
	Amount   int64
	WriteOff bool
}

// Item is a receivable with what was applied to it, in minor units of one currency.
type Item struct {
	ID, CustomerID, UnitID, Person, Currency string
	DocumentDate, DueDate                    calendar.Date
	// ReverseDate is the day from which it is taken back; zero: it stands.
	ReverseDate calendar.Date
	Amount      int64
	Moves       []Move
	// Charged and Returned in earlier months: what it was charged, and what of it was given back (not negative).
	Charged, Returned int64
	// Bearer of the earlier charges; empty: it was not charged.
	Bearer Bearer
}

// balance at the end of a day.
func (i Item) balance(day calendar.Date) int64 {
	if day.Before(i.DocumentDate) || !i.ReverseDate.IsZero() && !day.Before(i.ReverseDate) {
		return 0
	}
	left := i.Amount
	for _, m := range i.Moves {
		if !m.Date.After(day) {
			left -= m.Amount
		}
	}
	return max(left, 0)
}

// paid reports whether money has settled the item by the end of a day: what was written off was not paid, and what was taken
// back was never owed.
func (i Item) paid(day calendar.Date) bool {
	if i.balance(day) > 0 {
		return false
	}
	var off int64
	for _, m := range i.Moves {
		if m.WriteOff && !m.Date.After(day) {
			off += m.Amount
		}
	}
	return off <= 0
}

// Limit of a customer from a day on, in the currency of its account.
type Limit struct {
	From calendar.Date `json:"from_date"`
	// Until is its last day; zero: until the next. After it the customer has no credit.
	Until     calendar.Date `json:"until_date,omitzero"`
	Unlimited bool          `json:"unlimited,omitempty"`
	Amount    int64         `json:"amount"`
	Currency  string        `json:"currency,omitempty"`
	Temporary []Temporary   `json:"temporary,omitempty"`
}

// Temporary changes a limit for a time.
type Temporary struct {
	Replace bool          `json:"replace,omitempty"`
	Amount  int64         `json:"amount"`
	From    calendar.Date `json:"from_date"`
	Until   calendar.Date `json:"until_date"`
}

// LimitOn is the limit on a day; false: there is none, or it is not known.
func LimitOn(limits []Limit, day calendar.Date, currency string) (int64, bool) {
	var l *Limit
	for i := range limits {
		if !limits[i].From.After(day) {
			l = &limits[i]
		}
	}
	if l == nil || l.Unlimited || l.Currency != "" && l.Currency != currency {
		return 0, false
	}
	amount := l.Amount
	if !l.Until.IsZero() && day.After(l.Until) {
		amount = 0
	}
	var added int64
	for _, t := range l.Temporary {
		if day.Before(t.From) || day.After(t.Until) {
			continue
		}
		if t.Replace {
			amount = t.Amount
		} else {
			added += t.Amount
		}
	}
	return max(amount+added, 0), true
}

// Line is what an item cost in a month.
type Line struct {
	ItemID, CustomerID, UnitID, Person string
	Kind                               Kind
	ChargedTo                          Bearer
	Days                               int
	// BalanceDays is the sum of the balances charged, in minor units.
	BalanceDays int64
	PerMille    money.Ratio
	Amount      money.Money
}

// Month charges the items of one customer, in one currency, for the month that a day lies in. limits rise by their first day.
func Month(items []Item, limits []Limit, r Rules, day calendar.Date) []Line {
	first, last := calendar.New(day.Year(), day.Month(), 1), day.EndOfMonth()
	// The newest items are those that went over the limit.
	items = slices.Clone(items)
	slices.SortFunc(items, func(a, b Item) int {
		return cmp.Or(b.DocumentDate.Compare(a.DocumentDate), cmp.Compare(b.ID, a.ID))
	})
	term, over := make([]tally, len(items)), make([]tally, len(items))
	for n := range last.Day() {
		d := first.AddDays(n)
		overTerm(items, term, r.OverTerm, d, last)
		overLimit(items, over, limits, r, d, last)
	}
	var out []Line
	for i, item := range items {
		charged := int64(0)
		bearer := item.Bearer
		for _, t := range []struct {
			tally
			kind Kind
			rule Rule
		}{{term[i], OverTerm, r.OverTerm}, {over[i], OverLimit, r.OverLimit}} {
			if l, ok := t.line(item, t.kind, t.rule); ok {
				out, charged, bearer = append(out, l), charged+l.Amount.Minor, l.ChargedTo
			}
		}
		if l, ok := correction(item, charged, bearer, r, last); ok {
			out = append(out, l)
		}
	}
	slices.SortFunc(out, func(a, b Line) int { return cmp.Or(cmp.Compare(a.ItemID, b.ItemID), cmp.Compare(a.Kind, b.Kind)) })
	return out
}

// tally counts the days and balances of one item.
type tally struct {
	days    int
	balance int64
}

func (t *tally) add(balance int64) {
	if balance > 0 {
		t.days, t.balance = t.days+1, t.balance+balance
	}
}

// counts reports whether a rule looks at a day.
func (r Rule) counts(day, last calendar.Date) bool {
	return r.PerMille.IsValid() && (r.Basis == PerDay || day == last)
}

// isOver reports whether an item is over its term, grace included, on a day.
func (r Rule) isOver(item Item, day calendar.Date) bool {
	return r.PerMille.IsValid() && day.After(item.DueDate.AddDays(r.GraceDays))
}

func overTerm(items []Item, term []tally, r Rule, day, last calendar.Date) {
	if !r.counts(day, last) {
		return
	}
	for i, item := range items {
		if r.isOver(item, day) {
			term[i].add(item.balance(day))
		}
	}
}

// overLimit spreads what is over the limit over the newest items. What is charged as over its term is not charged again.
func overLimit(items []Item, over []tally, limits []Limit, r Rules, day, last calendar.Date) {
	if len(items) == 0 || !r.OverLimit.counts(day, last) {
		return
	}
	limit, known := LimitOn(limits, day, items[0].Currency)
	if !known {
		return
	}
	excess := -limit
	for _, item := range items {
		excess += item.balance(day)
	}
	for i, item := range items {
		if excess <= 0 {
			return
		}
		if r.OverTerm.isOver(item, day) {
			continue
		}
		part := min(excess, item.balance(day))
		over[i].add(part)
		excess -= part
	}
}

func (t tally) line(item Item, kind Kind, r Rule) (Line, bool) {
	l := Line{
		ItemID: item.ID, CustomerID: item.CustomerID, UnitID: item.UnitID, Person: item.Person, Kind: kind, ChargedTo: r.ChargedTo,
		Days: t.days, BalanceDays: t.balance, PerMille: r.PerMille,
	}
	if t.balance == 0 {
		return l, false
	}
	thousandths := money.Ratio{Num: r.PerMille.Num, Den: r.PerMille.Den * 1000}
	l.Amount = money.New(t.balance, item.Currency).MulRatio(thousandths)
	return l, !l.Amount.IsZero()
}

// correction brings what was given back of an item to what is to be: a share of all its charges once it is paid, nothing
// while it is not.
func correction(item Item, charged int64, bearer Bearer, r Rules, last calendar.Date) (Line, bool) {
	due := int64(0)
	if r.ReturnShare.IsValid() && item.paid(last) {
		due = money.New(item.Charged+charged, item.Currency).MulRatio(r.ReturnShare).Minor
	}
	l := Line{
		ItemID: item.ID, CustomerID: item.CustomerID, UnitID: item.UnitID, Person: item.Person, Kind: Correction, ChargedTo: bearer,
		Amount: money.New(item.Returned-due, item.Currency),
	}
	return l, !l.Amount.IsZero()
}

// Check holds a month that is to be charged to those that were: newest is the last one charged, none at first. Errors:
// FailedPrecondition MONTH_NOT_OVER and MONTH_OUT_OF_ORDER, AlreadyExists MONTH_CHARGED.
func Check(month, newest, today calendar.Date) error {
	name := month.String()[:7]
	switch {
	case !today.After(month.EndOfMonth()):
		return errs.New(errs.FailedPrecondition, "MONTH_NOT_OVER", "%s is not over", name).With("month", name)
	case month == newest:
		return errs.New(errs.AlreadyExists, "MONTH_CHARGED", "%s was charged", name).With("month", name)
	case month.Before(newest):
		return errs.New(errs.FailedPrecondition, "MONTH_OUT_OF_ORDER", "a later month than %s was charged", name).With("month", name)
	}
	return nil
}
