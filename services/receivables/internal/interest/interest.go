// Package interest is what late payment costs by the policy: simple interest on what was open, day
// by day, and a fixed compensation. The package is pure.
package interest

import (
	"math/big"
	"slices"

	"github.com/avalcredit/aval/pkg/calendar"
	"github.com/avalcredit/aval/pkg/money"
)

// Terms of late payment; the zero value asks for nothing.
type Terms struct {
	// AnnualRate of simple interest; not valid: none is asked for.
	AnnualRate money.Ratio
	// DaysInYear divides it to a day: 360 or 365.
	DaysInYear int64
	// DailyRounding rounds each day's interest to the minor unit; else it is rounded once at the end.
	DailyRounding bool
	// PaymentDayFree leaves the day of a payment out for what it paid: each day bears interest on what is open at its end. Else each
	// day bears it on what was open at its beginning.
	PaymentDayFree bool
	// Compensation is the fixed fee by the amount that is late, rising.
	Compensation []Tier
}

// Tier is the compensation for amounts from a bound on.
type Tier struct {
	From, Fee money.Money
}

// Payment is a part of an item that was settled on a day, or owed again where it is negative.
type Payment struct {
	Date   calendar.Date
	Amount money.Money
}

// Accrue is the interest on an item from one day, itself not included, to another: on each day on what
// was open at its beginning, or is at its end where the day of payment is free. Payments may come in any order.
func (t Terms) Accrue(amount money.Money, from, until calendar.Date, payments []Payment) money.Money {
	payments = slices.Clone(payments)
	slices.SortStableFunc(payments, func(a, b Payment) int { return a.Date.Compare(b.Date) })
	sum, total, open := money.Zero(amount.Currency), new(big.Int), amount
	if t.PaymentDayFree {
		for n := range payments {
			payments[n].Date = payments[n].Date.AddDays(-1)
		}
	}
	for _, p := range append(payments, Payment{Date: until, Amount: money.Zero(amount.Currency)}) {
		if p.Date.After(until) {
			p.Date = until
		}
		if p.Date.After(from) {
			days := big.NewInt(int64(p.Date.DaysSince(from)))
			if t.DailyRounding {
				sum = sum.Add(money.New(days.Mul(days, t.rounded(big.NewInt(open.Minor))).Int64(), amount.Currency))
			} else {
				total.Add(total, days.Mul(days, big.NewInt(open.Minor)))
			}
			from = p.Date
		}
		open = open.Sub(p.Amount)
	}
	if t.DailyRounding {
		return sum
	}
	return money.New(t.rounded(total).Int64(), amount.Currency)
}

// rounded is a day's interest on minor units, half up.
func (t Terms) rounded(minor *big.Int) *big.Int {
	num := new(big.Int).Mul(minor, big.NewInt(t.AnnualRate.Num))
	den := new(big.Int).Mul(big.NewInt(t.AnnualRate.Den), big.NewInt(t.DaysInYear))
	num.Mul(num, big.NewInt(2)).Add(num, den)
	return num.Div(num, den.Mul(den, big.NewInt(2)))
}

// Fee is the fixed compensation for an amount that is late; false where there is none, or the policy
// knows none in its currency.
func (t Terms) Fee(amount money.Money) (money.Money, bool) {
	fee, found := money.Money{}, false
	for _, tier := range t.Compensation {
		if tier.From.Currency == amount.Currency && amount.Cmp(tier.From) >= 0 {
			fee, found = tier.Fee, true
		}
	}
	return fee, found
}
