package invoice_test

import (
	"testing"
	"time"

	"github.com/avalcredit/aval/pkg/calendar"
	"github.com/avalcredit/aval/pkg/errs"
	"github.com/avalcredit/aval/pkg/money"
	"github.com/avalcredit/aval/services/receivables/internal/invoice"
	"github.com/avalcredit/aval/services/receivables/internal/receipt"
)

// TestDatesArePlausible: with today 2026-03-02, whatever the document.
func TestDatesArePlausible(t *testing.T) {
	t.Parallel()
	const invoiceDate, dueDate, receiptDate = "invoice.invoice_date", "invoice.due_date", "receipt.receipt_date"
	for name, c := range map[string]struct{ invoice, due, receipt, field string }{
		"none given":              {},
		"today":                   {invoice: "2026-03-02", due: "2026-03-02", receipt: "2026-03-02"},
		"20 years ago":            {invoice: "2006-03-02", due: "2006-03-02", receipt: "2006-03-02"},
		"in a year":               {invoice: "2027-03-03", receipt: "2027-03-03"},
		"due before the invoice":  {invoice: "2026-03-02", due: "2026-01-01"},
		"due in 10 years":         {invoice: "2026-03-02", due: "2036-03-02"},
		"invoice too old":         {invoice: "2006-03-01", field: invoiceDate},
		"invoice too far ahead":   {invoice: "2027-03-04", field: invoiceDate},
		"invoice of 2062":         {invoice: "2062-03-02", field: invoiceDate},
		"due too far ahead":       {invoice: "2026-03-02", due: "2036-03-03", field: dueDate},
		"due in another century":  {due: "1926-03-31", field: dueDate},
		"receipt of 2062":         {receipt: "2062-03-02", field: receiptDate},
		"receipt too far ahead":   {receipt: "2027-03-04", field: receiptDate},
		"receipt too long ago":    {receipt: "2006-03-01", field: receiptDate},
		"receipt of year 26":      {receipt: "0026-03-02", field: receiptDate},
		"invoice and due of 2062": {invoice: "2062-03-02", due: "2062-04-01", field: invoiceDate},
	} {
		got := ""
		for _, err := range post(c.invoice, c.due, c.receipt) {
			e, ok := errs.As(err)
			if !ok {
				continue
			}
			if e.Kind != errs.Invalid || len(e.Violations) != 1 {
				t.Fatalf("%s: %v", name, err)
			}
			got += e.Violations[0].Field
		}
		if got != c.field {
			t.Errorf("%s: refused for %q, want %q", name, got, c.field)
		}
	}
}

// post completes an invoice and a receipt with these dates.
func post(invoiceDate, dueDate, receiptDate string) []error {
	date := func(s string) calendar.Date {
		if s == "" {
			return calendar.Date{}
		}
		return calendar.MustDate(s)
	}
	today, one := calendar.MustDate("2026-03-02"), money.New(100, "CNY")
	_, invoiceErr := invoice.New(invoice.Draft{ID: "I", CustomerID: "C", Date: date(invoiceDate), DueDate: date(dueDate), Amount: one},
		invoice.Defaults{Today: today, TermDays: 30, Currency: "CNY"})
	_, receiptErr := receipt.New(receipt.Draft{ID: "R", CustomerID: "C", Date: date(receiptDate), Amount: one}, "CNY", today, time.Time{})
	return []error{invoiceErr, receiptErr}
}
