package settlement

import (
	"math/big"

	"github.com/avalcredit/aval/pkg/calendar"
	"github.com/avalcredit/aval/pkg/errs"
	"github.com/avalcredit/aval/pkg/money"
)

// Step is one step of a discount: so much of the amount for paying within so many days of the invoice's date, the last
// included.
type Step struct {
	Days int         `json:"days"`
	Rate money.Ratio `json:"rate"`
}

// Discount is what is given for paying early: 2/10, 1/20, net 30 has two steps. The empty discount gives nothing.
type Discount []Step

const maxSteps = 5

// Check holds the steps to an order: days rise, rates fall and lie between 0 and 1. at is their path.
func (d Discount) Check(at string) error {
	if len(d) > maxSteps {
		return errs.Field(at, "max_items", "a discount has at most %d steps", maxSteps)
	}
	one, zero := money.Ratio{Num: 1, Den: 1}, money.Ratio{Num: 0, Den: 1}
	for i, s := range d {
		switch {
		case s.Days < 0 || s.Days > maxTermDays:
			return errs.Field(at+".days", "range", "%d is outside 0 to %d", s.Days, maxTermDays)
		case !s.Rate.IsValid() || s.Rate.Cmp(zero) <= 0 || s.Rate.Cmp(one) >= 0:
			return errs.Field(at+".rate", "range", "a discount is a part of the amount, above 0 and below 1")
		case i > 0 && (s.Days <= d[i-1].Days || s.Rate.Cmp(d[i-1].Rate) >= 0):
			return errs.Field(at, "rising", "with more days a discount must be smaller")
		}
	}
	return nil
}

// Rate is what paying on a day earns; ok is false where it earns nothing.
func (d Discount) Rate(invoiced, paid calendar.Date) (rate money.Ratio, ok bool) {
	days := paid.DaysSince(invoiced)
	for _, s := range d {
		if days <= s.Days {
			return s.Rate, true
		}
	}
	return money.Ratio{}, false
}

// Of is the discount on an amount, to the minor unit, half up.
func (d Discount) Of(amount money.Money, invoiced, paid calendar.Date) money.Money {
	rate, ok := d.Rate(invoiced, paid)
	if !ok {
		return money.Zero(amount.Currency)
	}
	return amount.MulRatio(rate)
}

// Taken is the discount that a payment takes on what is open of an invoice: the whole discount where the payment with it
// settles the invoice, to the minor unit; else the part that belongs to the money paid, payment x rate / (1 - rate), half
// up, and never more than is open after the payment.
func (d Discount) Taken(open, payment money.Money, invoiced, paid calendar.Date) money.Money {
	none := money.Zero(open.Currency)
	rate, ok := d.Rate(invoiced, paid)
	if !ok || !payment.IsPositive() || !open.IsPositive() {
		return none
	}
	left := money.Max(open.Sub(payment), none)
	whole := open.MulRatio(rate)
	if left.Cmp(whole) <= 0 {
		return left
	}
	return money.Min(partOf(payment, rate), left)
}

// partOf is payment x rate / (1 - rate), half up.
func partOf(payment money.Money, rate money.Ratio) money.Money {
	num := new(big.Int).Mul(big.NewInt(payment.Minor), big.NewInt(rate.Num))
	den := big.NewInt(rate.Den - rate.Num)
	num.Mul(num, big.NewInt(2)).Add(num, den)
	num.Quo(num, new(big.Int).Mul(den, big.NewInt(2)))
	return money.New(num.Int64(), payment.Currency)
}
