package dunning

import (
	"math/bits"

	"github.com/avalcredit/aval/pkg/calendar"
	"github.com/avalcredit/aval/pkg/money"
)

// Interest is how late interest is reckoned: simple, on what was open each day.
type Interest struct {
	Rate     money.Ratio // a year; not valid: none
	YearDays int         // 0: 365
	// Daily rounds the interest of one day to minor units; else the sum is rounded, once.
	Daily bool
}

// Of is the interest of an item for the days after its due date, or after those charged before, up to a day, that one
// included. The day of payment counts no more.
func (in Interest) Of(i Item, day calendar.Date) money.Money {
	from := i.DueDate
	if i.InterestUntil.After(from) {
		from = i.InterestUntil
	}
	total := money.Zero(i.Open.Currency)
	if !in.Rate.IsValid() || in.Rate.Num <= 0 || !day.After(from) {
		return total
	}
	weighted := accumulator{}
	spans(i, from, day, func(open money.Money, days int) {
		if in.Daily {
			total = total.Add(money.New(in.perDay(open).Minor*int64(days), open.Currency))
			return
		}
		weighted.add(open.Minor, int64(days))
	})
	if in.Daily {
		return total
	}
	year := int64(in.year())
	return money.New(weighted.mulDivRound(in.Rate.Num, in.Rate.Den*year), i.Open.Currency)
}

func (in Interest) year() int {
	if in.YearDays == 0 {
		return 365
	}
	return in.YearDays
}

func (in Interest) perDay(open money.Money) money.Money {
	return open.MulRatio(money.Ratio{Num: in.Rate.Num, Den: in.Rate.Den * int64(in.year())})
}

// spans calls fn with what was open, for how many of the days after from up to day.
func spans(i Item, from, day calendar.Date, fn func(open money.Money, days int)) {
	balances := i.Balances
	if len(balances) == 0 {
		balances = []Balance{{From: from, Open: i.Open}}
	}
	first := from.AddDays(1)
	for n, b := range balances {
		start, end := b.From, day.AddDays(1)
		if n+1 < len(balances) && balances[n+1].From.Before(end) {
			end = balances[n+1].From
		}
		if start.Before(first) || n == 0 && start.After(first) {
			start = first
		}
		if days := end.DaysSince(start); days > 0 && b.Open.IsPositive() {
			fn(b.Open, days)
		}
	}
}

// accumulator sums products exactly, in 128 bits.
type accumulator struct{ hi, lo uint64 }

func (a *accumulator) add(amount, days int64) {
	hi, lo := bits.Mul64(uint64(amount), uint64(days)) //nolint:gosec // both above zero
	var carry uint64
	a.lo, carry = bits.Add64(a.lo, lo, 0)
	a.hi, _ = bits.Add64(a.hi, hi, carry)
}

// mulDivRound is the sum x num / den, half away from zero. An amount has at most 10^15 minor units, days at most 10^5 and
// a rate's numerator at most 10^8: the product fits 128 bits.
func (a *accumulator) mulDivRound(num, den int64) int64 {
	n, d := uint64(num), uint64(den) //nolint:gosec // both above zero
	hi, lo := bits.Mul64(a.lo, n)
	hi += a.hi * n
	if hi >= d {
		panic("dunning: interest beyond what an amount holds")
	}
	quo, rem := bits.Div64(hi, lo, d)
	if rem >= d-rem {
		quo++
	}
	return int64(quo) //nolint:gosec // an amount
}
