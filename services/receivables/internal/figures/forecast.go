package figures

import (
	"math/big"

	"github.com/avalcredit/aval/pkg/calendar"
)

// Debt is what one customer owes with one due date.
type Debt struct {
	CustomerID string
	Due        calendar.Date
	Open       int64
	// Disputed says that it will not be paid before the dispute is settled.
	Disputed bool
	// Promised is the day for which its payment is promised; none: not promised.
	Promised calendar.Date
}

// Habit is how late money came: the sum of amount x days late, early and on time being 0,
// over amounts settled.
type Habit struct {
	AmountDays *big.Int
	Amount     int64
}

// Days late, rounded half up; ok is false where nothing was settled.
func (h Habit) Days() (days int, ok bool) {
	if h.Amount <= 0 || h.AmountDays == nil {
		return 0, false
	}
	return int(Round(h.AmountDays, big.NewInt(1), big.NewInt(h.Amount)).Int64()), true
}

// Habits of customers, and of all of them together for those without one of their own.
type Habits struct {
	Of  map[string]Habit
	All Habit
}

// Days late that a customer usually pays.
func (h Habits) Days(customerID string) int {
	if days, ok := h.Of[customerID].Days(); ok {
		return days
	}
	days, _ := h.All.Days()
	return days
}

// Week is what comes within seven days from Start.
type Week struct {
	Start                   calendar.Date
	Due, Promised, Expected int64
}

// Forecast is when what is open will come, by three views of the same debts. Each view adds
// up to the open amount: Due by AlreadyDue, Weeks and DueLater; Expected, in which a promise
// counts instead of the habit, by Disputed, BeyondHabit, Weeks and ExpectedLater.
type Forecast struct {
	AsOf  calendar.Date
	Open  int64
	Weeks []Week
	// AlreadyDue fell due on or before the day.
	AlreadyDue, DueLater int64
	// Disputed is expected on no day.
	Disputed int64
	// BeyondHabit is later already than its customer usually pays, or than was promised; no habit says when it comes.
	BeyondHabit, ExpectedLater int64
	// PromisedLater and PromisedBefore are promises outside of the weeks.
	PromisedBefore, PromisedLater int64
}

// NewForecast begins a forecast of so many weeks, the first from the day after asOf.
func NewForecast(asOf calendar.Date, weeks int) *Forecast {
	f := &Forecast{AsOf: asOf, Weeks: make([]Week, weeks)}
	for i := range f.Weeks {
		f.Weeks[i].Start = asOf.AddDays(1 + 7*i)
	}
	return f
}

// Add counts a debt in; late is its customer's habit in days.
func (f *Forecast) Add(d Debt, late int) {
	f.Open += d.Open
	place(f, d.Due, d.Open, &f.AlreadyDue, &f.DueLater, func(w *Week) *int64 { return &w.Due })
	if !d.Promised.IsZero() {
		place(f, d.Promised, d.Open, &f.PromisedBefore, &f.PromisedLater, func(w *Week) *int64 { return &w.Promised })
	}
	if d.Disputed {
		f.Disputed += d.Open
		return
	}
	expected := d.Due.AddDays(late)
	if !d.Promised.IsZero() {
		expected = d.Promised
	}
	place(f, expected, d.Open, &f.BeyondHabit, &f.ExpectedLater, func(w *Week) *int64 { return &w.Expected })
}

func place(f *Forecast, day calendar.Date, amount int64, before, later *int64, in func(*Week) *int64) {
	i := day.DaysSince(f.AsOf) - 1
	switch {
	case i < 0:
		*before += amount
	case i/7 >= len(f.Weeks):
		*later += amount
	default:
		*in(&f.Weeks[i/7]) += amount
	}
}
