package grant

import (
	"slices"
	"time"

	"github.com/avalcredit/aval/pkg/calendar"
	"github.com/avalcredit/aval/pkg/money"
)

// MaxAdditions is how many of each kind a grant has at most.
const MaxAdditions = 20

// MonthDay is a day of each year, month and day: "11-15".
type MonthDay string

// Valid reports whether some year has the day.
func (d MonthDay) Valid() bool {
	_, err := calendar.ParseDate("2028-" + string(d)) // it has a 29 February
	return err == nil
}

// SeasonalLimit changes the limit on the same days of each year, both included. Where
// Until is before From the season goes over the turn of the year.
type SeasonalLimit struct {
	Mode   string      `json:"mode"`
	Amount money.Money `json:"amount"`
	From   MonthDay    `json:"from_month_day"`
	Until  MonthDay    `json:"until_month_day"`
}

// On reports whether it holds on a day.
func (s SeasonalLimit) On(day calendar.Date) bool {
	const yearAndDash = 5
	of := MonthDay(day.String()[yearAndDash:])
	if s.From <= s.Until {
		return s.From <= of && of <= s.Until
	}
	return s.From <= of || of <= s.Until
}

// begins is the first day of the season that begins in a year.
func (s SeasonalLimit) begins(year int) calendar.Date {
	month, day := s.From.parts()
	if d := calendar.New(year, month, 1).AddMonths(0, day); d.Day() == day {
		return d
	}
	return calendar.New(year, month, 1).AddMonths(1, 1) // 29 February: the day after the last
}

// over is the day after the last day of the season that ends in a year.
func (s SeasonalLimit) over(year int) calendar.Date {
	month, day := s.Until.parts()
	return calendar.New(year, month, 1).AddMonths(0, day).AddDays(1)
}

func (d MonthDay) parts() (month time.Month, day int) {
	leap, err := calendar.ParseDate("2028-" + string(d))
	if err != nil {
		return time.January, 1
	}
	return leap.Month(), leap.Day()
}

// BaseStock is a standing amount that the customer may owe for the life of a contract.
type BaseStock struct {
	Amount money.Money   `json:"amount"`
	From   calendar.Date `json:"from_date"`
	Until  calendar.Date `json:"until_date"`
}

// OrderLimit is credit for one order.
type OrderLimit struct {
	OrderID string        `json:"order_id"`
	Amount  money.Money   `json:"amount"`
	Until   calendar.Date `json:"until_date"`
}

// GroupPool is what all members of a group may use together.
type GroupPool struct {
	GroupID string      `json:"group_id"`
	Limit   money.Money `json:"limit"`
	// Form is the number of the form: of two, the higher one holds.
	Form int64 `json:"form_number"`
}

// Current is the grant without what was over by a day.
func (g Grant) Current(day calendar.Date) Grant {
	g.Temporary = slices.DeleteFunc(slices.Clone(g.Temporary), func(t TemporaryLimit) bool { return t.Until.Before(day) })
	g.BaseStock = slices.DeleteFunc(slices.Clone(g.BaseStock), func(b BaseStock) bool { return b.Until.Before(day) })
	g.Orders = slices.DeleteFunc(slices.Clone(g.Orders), func(o OrderLimit) bool { return o.Until.Before(day) })
	g.Seasonal = slices.Clone(g.Seasonal)
	return g
}
