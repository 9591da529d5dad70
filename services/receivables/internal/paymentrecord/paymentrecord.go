// Package paymentrecord is how a customer paid us, as of a day: what a rating reads.
// The package is pure; Fold states the figures that the store computes as a set.
package paymentrecord

import (
	"math/big"

	"github.com/avalcredit/aval/pkg/calendar"
	"github.com/avalcredit/aval/pkg/money"
)

// MaxAmounts bounds the invoice amounts of one record.
const MaxAmounts = 10_000

// Record is how a customer paid us, in the currency of its account.
type Record struct {
	CustomerID string
	AsOf       calendar.Date
	// FallenDue by the day; Collected of it by the day; CollectedOnTime on or before
	// the due date.
	FallenDue, Collected, CollectedOnTime money.Money
	SettledItems, LateItems               int64
	// LateAmountDays sums amount in minor units x days late over settled invoices.
	LateAmountDays    *big.Int
	SettledAmount     money.Money
	LongestDaysLate   int
	OldestOverdueDays int
	Defaults          int64
	FirstInvoiceDate  calendar.Date
	Open              money.Money
	// LastYear is the amount invoiced within the 12 months up to the day, YearBefore within
	// the 12 before.
	LastYear, YearBefore money.Money
	// BrokenPromises counts promises to pay that were broken by the day, paid since or not; those
	// that were taken back are left out. Fold knows of none.
	BrokenPromises int64
	// InvoiceAmounts of the window in minor units, rising.
	InvoiceAmounts []int64
}

// Query is a question for a record.
type Query struct {
	CustomerID string
	AsOf       calendar.Date
	// WindowStart is the first day of InvoiceAmounts; none: they are left out.
	WindowStart calendar.Date
	// DefaultAfterDays overdue an item counts as a default.
	DefaultAfterDays int
}

// YearsAgo is the day of the record some years before: what is of a later day is of the
// years since.
func (q Query) YearsAgo(n int) calendar.Date { return q.AsOf.AddMonths(-12*n, 0) }

// Item is an invoice that counts on the day, with what was collected on it.
type Item struct {
	Date, DueDate calendar.Date
	Amount        money.Money
	// Collected by the day and CollectedOnTime by the due date, by money that stands.
	Collected, CollectedOnTime money.Money
	// LastCollected is the date of the last application; none: nothing was applied.
	LastCollected calendar.Date
}

// Fold computes a record item by item; the currency is that of the account.
func Fold(q Query, currency string, items []Item) Record {
	zero := money.Zero(currency)
	r := Record{
		CustomerID: q.CustomerID, AsOf: q.AsOf, FallenDue: zero, Collected: zero, CollectedOnTime: zero,
		SettledAmount: zero, Open: zero, LastYear: zero, YearBefore: zero, LateAmountDays: new(big.Int),
	}
	for _, i := range items {
		r.add(i, q)
	}
	return r
}

func (r *Record) add(i Item, q Query) {
	if r.FirstInvoiceDate.IsZero() || i.Date.Before(r.FirstInvoiceDate) {
		r.FirstInvoiceDate = i.Date
	}
	switch {
	case i.Date.After(q.YearsAgo(1)):
		r.LastYear = r.LastYear.Add(i.Amount)
	case i.Date.After(q.YearsAgo(2)):
		r.YearBefore = r.YearBefore.Add(i.Amount)
	}
	if !i.DueDate.After(q.AsOf) {
		r.FallenDue = r.FallenDue.Add(i.Amount)
		r.Collected = r.Collected.Add(i.Collected)
		r.CollectedOnTime = r.CollectedOnTime.Add(i.CollectedOnTime)
	}
	open := i.Amount.Sub(i.Collected)
	r.Open = r.Open.Add(open)
	until := q.AsOf
	if open.IsZero() {
		until = i.LastCollected
	}
	late := max(until.DaysSince(i.DueDate), 0)
	r.LongestDaysLate = max(r.LongestDaysLate, late)
	if late >= q.DefaultAfterDays {
		r.Defaults++
	}
	if !open.IsZero() {
		r.OldestOverdueDays = max(r.OldestOverdueDays, late)
		return
	}
	r.SettledItems++
	r.SettledAmount = r.SettledAmount.Add(i.Amount)
	if late > 0 {
		r.LateItems++
	}
	r.LateAmountDays.Add(r.LateAmountDays, new(big.Int).Mul(big.NewInt(i.Amount.Minor), big.NewInt(int64(late))))
}
