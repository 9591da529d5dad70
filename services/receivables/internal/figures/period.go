package figures

import (
	"math/big"

	"github.com/avalcredit/aval/pkg/calendar"
)

// Period is what happened from From to To, both included, in one currency, in minor units.
// What is open is gross: money that is not applied lowers nothing.
type Period struct {
	From, To calendar.Date
	// Opening is what was open at the end of the day before From, Closing at the end of To.
	Opening, Closing int64
	// NotDue is the part of Closing that is not overdue.
	NotDue int64
	// Sales are the credit sales dated within the period, less those taken back by To.
	Sales int64
	// FallenDue is what fell due within the period, Collected the money that stands on it at To.
	FallenDue, Collected int64
	// WrittenOff within the period, and Recovered of what was written off before or in it.
	WrittenOff, Recovered int64
	// Months are the credit sales by calendar month, newest first, for the count-back.
	Months []Month
}

// Month are the credit sales of a calendar month, or of its days up to the end of a period.
type Month struct {
	Days  int
	Sales int64
}

// Days of the period.
func (p Period) Days() int64 { return int64(p.To.DaysSince(p.From)) + 1 }

// Overdue is the part of Closing that is overdue.
func (p Period) Overdue() int64 { return p.Closing - p.NotDue }

// DSO is days sales outstanding by the closing balance.
func (p Period) DSO() Value { return of(p.Closing, p.Sales, p.Days(), NoSales) }

// DSOAverage is days sales outstanding by the mean of opening and closing balance.
func (p Period) DSOAverage() Value {
	sum := new(big.Int).Add(big.NewInt(p.Opening), big.NewInt(p.Closing))
	twice := new(big.Int).Lsh(big.NewInt(p.Sales), 1)
	return Of(sum, twice, p.Days(), NoSales)
}

// DSOCountBack counts back through the newest sales until they are as much as the closing
// balance: the days of whole months, and the part of the last one that is needed.
func (p Period) DSOCountBack() Value {
	left, days := p.Closing, int64(0)
	for _, m := range p.Months {
		if left <= 0 {
			break
		}
		if m.Sales <= 0 || left >= m.Sales {
			left -= max(m.Sales, 0)
			days += int64(m.Days)
			continue
		}
		part := of(left, m.Sales, int64(m.Days), NoSales)
		return Value{rat: part.rat.Add(part.rat, new(big.Rat).SetInt64(days))}
	}
	if left > 0 {
		return None(SalesRunOut)
	}
	return of(days, 1, 1, NoSales)
}

// BestPossibleDSO is the DSO if nobody paid late.
func (p Period) BestPossibleDSO() Value { return of(p.NotDue, p.Sales, p.Days(), NoSales) }

// AverageDaysDelinquent is by how much the DSO is above the best possible one.
func (p Period) AverageDaysDelinquent() Value { return p.DSO().minus(p.BestPossibleDSO()) }

// CEI is the collection effectiveness index, in percent.
func (p Period) CEI() Value {
	base := new(big.Int).Add(big.NewInt(p.Opening), big.NewInt(p.Sales))
	return Of(new(big.Int).Sub(base, big.NewInt(p.Closing)), new(big.Int).Sub(base, big.NewInt(p.NotDue)), 100, NothingToDo)
}

// CollectionRate is the share of what fell due that was collected.
func (p Period) CollectionRate() Value { return of(p.Collected, p.FallenDue, 1, NothingDue) }

// OverdueRatio is the share of what is open that is overdue.
func (p Period) OverdueRatio() Value { return of(p.Overdue(), p.Closing, 1, NothingOpen) }

// BadDebtRatio is what was written off, less recoveries, of the credit sales.
func (p Period) BadDebtRatio() Value { return of(p.WrittenOff-p.Recovered, p.Sales, 1, NoSales) }

// CostOfCapital is what it cost to have money outstanding: open is the sum of each day's open
// amount in minor units, rate that of a year of 365 days. The result is in minor units.
func CostOfCapital(open *big.Int, rate *big.Rat) int64 {
	den := new(big.Int).Mul(rate.Denom(), big.NewInt(365))
	return Round(open, rate.Num(), den).Int64()
}
