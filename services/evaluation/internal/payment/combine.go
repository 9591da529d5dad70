package payment

import (
	"math/big"
	"slices"

	"github.com/avalcredit/aval/pkg/calendar"
	"github.com/avalcredit/aval/pkg/money"
)

// MaxInvoices bounds the invoices that a record names; the largest are kept.
const MaxInvoices = 10_000

// With returns the record with what another account of the same firm did before its file was
// merged into this one: sums add up, the worst stays the worst, the first invoice is the
// earlier one. An account in another currency cannot be added up and changes nothing.
func (r Record) With(o Record) Record {
	if !o.Traded() || o.Currency != r.Currency {
		return r
	}
	r.FallenDue, r.Collected = r.FallenDue.Add(o.FallenDue), r.Collected.Add(o.Collected)
	r.CollectedOnTime, r.SettledAmount = r.CollectedOnTime.Add(o.CollectedOnTime), r.SettledAmount.Add(o.SettledAmount)
	r.SettledItems, r.LateItems, r.Defaults = r.SettledItems+o.SettledItems, r.LateItems+o.LateItems, r.Defaults+o.Defaults
	r.LateAmountDays = sum(r.LateAmountDays, o.LateAmountDays)
	r.LongestDaysLate = max(r.LongestDaysLate, o.LongestDaysLate)
	r.OldestOverdueDays = max(r.OldestOverdueDays, o.OldestOverdueDays)
	r.FirstInvoice = earlier(r.FirstInvoice, o.FirstInvoice)
	r.Open = r.Open.Add(o.Open)
	r.InvoiceMinor = slices.Concat(r.InvoiceMinor, o.InvoiceMinor)
	slices.Sort(r.InvoiceMinor)
	if n := len(r.InvoiceMinor); n > MaxInvoices {
		r.InvoiceMinor = r.InvoiceMinor[n-MaxInvoices:]
	}
	if o.BrokenPromises != nil {
		n := *o.BrokenPromises
		if r.BrokenPromises != nil {
			n += *r.BrokenPromises
		}
		r.BrokenPromises = &n
	}
	r.LastYear, r.YearBefore = plus(r.LastYear, o.LastYear), plus(r.YearBefore, o.YearBefore)
	return r
}

// sum of two whole numbers of any size.
func sum(a, b string) string {
	x, okX := new(big.Int).SetString(a, 10)
	y, okY := new(big.Int).SetString(b, 10)
	switch {
	case !okX:
		return b
	case !okY:
		return a
	default:
		return x.Add(x, y).String()
	}
}

func earlier(a, b calendar.Date) calendar.Date {
	if a.IsZero() || b.Before(a) {
		return b
	}
	return a
}

// plus is nil where either is not told.
func plus(a, b *money.Money) *money.Money {
	if a == nil || b == nil {
		return nil
	}
	m := a.Add(*b)
	return &m
}
