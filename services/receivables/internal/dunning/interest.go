package dunning

import (
	"cmp"

	"github.com/avalcredit/aval/pkg/calendar"
	"github.com/avalcredit/aval/pkg/money"
	"github.com/avalcredit/aval/services/receivables/internal/interest"
)

// Interest is how late interest is reckoned: simple, on what was open each day.
type Interest struct {
	Rate     money.Ratio // a year; not valid: none
	YearDays int         // 0: 365
	// Daily rounds the interest of one day to minor units; else the sum is rounded, once.
	Daily bool
	// PaymentDayCounts has the day of payment bear interest; else it counts no more.
	PaymentDayCounts bool
}

// ByLedger is late interest as the ledger's policy has it.
func ByLedger(t interest.Terms) Interest {
	return Interest{Rate: t.AnnualRate, YearDays: int(t.DaysInYear), Daily: t.DailyRounding, PaymentDayCounts: !t.PaymentDayFree}
}

// Of is the interest of an item for the days after its due date, or after those charged before, up to a day, that one
// included.
func (in Interest) Of(i Item, day calendar.Date) money.Money {
	from := i.DueDate
	if i.InterestUntil.After(from) {
		from = i.InterestUntil
	}
	if !in.Rate.IsValid() || in.Rate.Num <= 0 || !day.After(from) {
		return money.Zero(i.Open.Currency)
	}
	open, paid := i.Open, []interest.Payment(nil)
	for n, b := range i.Balances {
		if n == 0 {
			open = b.Open
			continue
		}
		paid = append(paid, interest.Payment{Date: b.From, Amount: i.Balances[n-1].Open.Sub(b.Open)})
	}
	terms := interest.Terms{AnnualRate: in.Rate, DaysInYear: int64(cmp.Or(in.YearDays, 365)), DailyRounding: in.Daily, PaymentDayFree: !in.PaymentDayCounts}
	return terms.Accrue(open, from, day, paid)
}
