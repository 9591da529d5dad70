// Package payment holds how a customer paid us so far, as receivables tells it.
package payment

import (
	"github.com/avalcredit/aval/pkg/calendar"
	"github.com/avalcredit/aval/pkg/money"
)

// Record is the payment record of a customer as of a day, in the currency of its
// account. What receivables does not know is zero there and means "nothing yet".
type Record struct {
	// CustomerID says whose record it is.
	CustomerID string `json:"customer_id"`
	// AsOf is the day.
	AsOf calendar.Date `json:"as_of_date"`
	// Currency of all amounts.
	Currency string `json:"currency_code"`
	// FallenDue is the amount of invoices fallen due by the day.
	FallenDue money.Money `json:"fallen_due"`
	// Collected is what of it was collected by the day.
	Collected money.Money `json:"collected"`
	// CollectedOnTime is what of it was collected by its due date.
	CollectedOnTime money.Money `json:"collected_on_time"`
	// SettledItems counts invoices settled in full.
	SettledItems int64 `json:"settled_items"`
	// LateItems counts those settled after their due date.
	LateItems int64 `json:"late_items"`
	// LateAmountDays is the sum of amount in minor units x days late of settled
	// invoices, a whole number of any size.
	LateAmountDays string `json:"late_amount_days"`
	// SettledAmount is the amount of settled invoices.
	SettledAmount money.Money `json:"settled_amount"`
	// LongestDaysLate is the most days that any invoice was late or is overdue.
	LongestDaysLate int `json:"longest_days_late"`
	// OldestOverdueDays is the days overdue of the oldest open item, 0 for none.
	OldestOverdueDays int `json:"oldest_overdue_days"`
	// Defaults counts invoices overdue beyond the bound of the receivables policy.
	Defaults int64 `json:"defaults"`
	// FirstInvoice is the date of the first invoice; zero: there is none.
	FirstInvoice calendar.Date `json:"first_invoice_date,omitzero"`
	// Open is the open amount.
	Open money.Money `json:"open_amount"`
	// InvoiceMinor are the amounts of the invoices of the window, in minor units, rising.
	InvoiceMinor []int64 `json:"invoice_minor,omitempty"`
	// BrokenPromises counts promises to pay that were broken by the day; nil: receivables
	// does not tell, or the policy does not ask.
	BrokenPromises *int64 `json:"broken_promises,omitempty"`
	// LastYear and YearBefore are the amounts of the invoices of the 12 months up to the
	// day, and of the 12 before; nil as above.
	LastYear   *money.Money `json:"last_year,omitempty"`
	YearBefore *money.Money `json:"year_before,omitempty"`
}

// Traded reports whether there was any invoice.
func (r Record) Traded() bool { return !r.FirstInvoice.IsZero() }
