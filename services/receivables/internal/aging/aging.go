// Package aging shows what is owed by how long it is overdue, at any date. The
// package is pure; the store sums by the bucket numbers defined here.
package aging

import (
	"fmt"

	"github.com/avalcredit/aval/pkg/calendar"
	"github.com/avalcredit/aval/pkg/money"
)

// Buckets are ranges of days: bucket 0 holds what is not (over)due, bucket i the days
// Floors[i-1] up to the next floor.
type Buckets struct {
	// Floors are the first days of the buckets after the first, rising; the first is 1.
	Floors []int32
	// Names of all buckets.
	Names []string
}

// By is the date from which days are counted.
type By string

// The dates.
const (
	ByDueDate     By = "due_date"
	ByInvoiceDate By = "invoice_date"
)

// GroupBy is what a row stands for.
type GroupBy string

// The groups.
const (
	GroupCustomer    GroupBy = "customer"
	GroupSalesperson GroupBy = "salesperson"
	GroupUnit        GroupBy = "unit"
	GroupCorporate   GroupBy = "group"
	GroupGrade       GroupBy = "grade"
	GroupCurrency    GroupBy = "currency"
	GroupTotal       GroupBy = "total"
)

// NewBuckets makes the buckets of rising upper bounds in days (bounds included). An
// item on its invoice date is in no range of days yet: that first bucket is "0".
func NewBuckets(bounds []int32, by By) Buckets {
	first := "not_due"
	if by == ByInvoiceDate {
		first = "0"
	}
	b := Buckets{Names: []string{first}}
	floor := int32(1)
	for _, bound := range bounds {
		b.Floors = append(b.Floors, floor)
		b.Names = append(b.Names, fmt.Sprintf("%d-%d", floor, bound))
		floor = bound + 1
	}
	b.Floors = append(b.Floors, floor)
	b.Names = append(b.Names, fmt.Sprintf(">%d", floor-1))
	return b
}

// Index is the bucket of a number of days.
func (b Buckets) Index(days int) int {
	i := 0
	for i < len(b.Floors) && days >= int(b.Floors[i]) {
		i++
	}
	return i
}

// Cell is one bucket of a row.
type Cell struct {
	Amount money.Money
	Items  int64
}

// Row is one row in one currency.
type Row struct {
	// Key is what the row stands for; empty in a total, and for what has none.
	Key, Currency string
	DisplayName   string
	Cells         []Cell
	Overdue       Cell
	Unapplied     money.Money
	// Disputed and Promised are parts of what is open.
	Disputed, Promised money.Money
}

// NewRow returns a row of empty buckets.
func NewRow(key, currency string, b Buckets) Row {
	zero := money.Zero(currency)
	r := Row{Key: key, Currency: currency, Cells: make([]Cell, len(b.Names)), Unapplied: zero, Disputed: zero, Promised: zero}
	for i := range r.Cells {
		r.Cells[i].Amount = money.Zero(currency)
	}
	r.Overdue.Amount = money.Zero(currency)
	return r
}

// Open is the sum of the buckets.
func (r Row) Open() Cell {
	sum := Cell{Amount: money.Zero(r.Currency)}
	for _, c := range r.Cells {
		sum.Amount = sum.Amount.Add(c.Amount)
		sum.Items += c.Items
	}
	return sum
}

// Balance is what is open less the unapplied money: the ledger's balance.
func (r Row) Balance() money.Money { return r.Open().Amount.Sub(r.Unapplied) }

// Query is a question for an aging.
type Query struct {
	AsOf    calendar.Date
	By      By
	GroupBy GroupBy
	// What it is restricted to; empty: all.
	CustomerID, GroupID, Grade, Currency string
	// UnitID and Salesperson are those of the items; of money that is not applied, those of the customer.
	UnitID, Salesperson string
	// Owner is the salesperson whose customers the caller may see; empty: all.
	Owner   string
	Buckets Buckets
	// After is the last row of the page before; nil: the first page.
	After *Cursor
	Limit int
}

// Cursor is a place in the order of rows.
type Cursor struct{ Key, Currency string }

// Page is one page of rows with the totals over all rows of all pages, one a currency.
type Page struct {
	Rows   []Row
	Totals []Row
	More   bool
}

// Item is one item that an aging sums.
type Item struct {
	ID, CustomerID, DisplayName string
	Kind, DocumentID            string
	Instalment                  int
	Date, DueDate               calendar.Date
	Amount, Open                money.Money
	Bucket                      int
	DaysOverdue                 int
	Salesperson, UnitID         string
	Disputed, Promised          money.Money
	// PromisedDate is the day for which it is promised; none: it is not.
	PromisedDate calendar.Date
}

// ItemsPage is one page of the items of an aging.
type ItemsPage struct {
	// Bucket is its number; -1: all.
	Bucket int
	// AfterDue and AfterItem are the last item of the page before.
	AfterDue  calendar.Date
	AfterItem string
	Limit     int
}
