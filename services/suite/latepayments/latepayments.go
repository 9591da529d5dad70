// Package latepayments turns a file of invoices with due and settled dates into history that a suite can replay: the
// whole credit circle of its customers, from the customer file to the last payment.
//
// What the file does not say follows stated rules. The day before the first invoice every customer gets a file, a
// verified financial statement, a rating and a credit application for one usual purchase, which is the largest of its
// invoices, at thirty days. Each invoice is an order on its invoice date; one that the gate holds is released on the
// same day by the people its policy names, top management first where the customer is severely over, so nothing is
// cancelled; it is shipped and invoiced on that day too, and paid in full on its settled date by a receipt that names
// it. On a day, payments come before orders: a payment frees credit as soon as it is posted (one on the invoice's own
// date follows the invoice).
package latepayments

import (
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/avalcredit/aval/pkg/calendar"
	"github.com/avalcredit/aval/pkg/money"
)

const (
	currency   = "CNY"
	dateLayout = "1/2/2006"
)

// Invoice is one row of the file.
type Invoice struct {
	// ID, with its leading zeros, and whose it is.
	ID, CustomerID string
	// Country is the code of the customer's country as the file has it.
	Country string
	// Date, Due and Settled are the dates of invoice, due and payment.
	Date, Due, Settled calendar.Date
	// Amount in CNY.
	Amount money.Money
}

var columns = []string{"countryCode", "customerID", "invoiceNumber", "InvoiceDate", "DueDate", "InvoiceAmount", "SettledDate"}

// Read reads the CSV file. Errors name the line.
func Read(in io.Reader) ([]Invoice, error) {
	r := csv.NewReader(in)
	header, err := r.Read()
	if err != nil {
		return nil, fmt.Errorf("header: %w", err)
	}
	place := map[string]int{}
	for i, name := range header {
		place[strings.TrimPrefix(name, "\ufeff")] = i
	}
	for _, name := range columns {
		if _, ok := place[name]; !ok {
			return nil, fmt.Errorf("the file has no column %s", name)
		}
	}
	var invoices []Invoice
	for {
		row, err := r.Read()
		if errors.Is(err, io.EOF) {
			return invoices, nil
		}
		if err != nil {
			return nil, err
		}
		line, _ := r.FieldPos(0)
		invoice, err := parse(func(name string) string { return row[place[name]] })
		if err != nil {
			return nil, fmt.Errorf("line %d: %w", line, err)
		}
		invoices = append(invoices, invoice)
	}
}

func parse(field func(name string) string) (Invoice, error) {
	i := Invoice{ID: field("invoiceNumber"), CustomerID: field("customerID"), Country: field("countryCode")}
	for name, date := range map[string]*calendar.Date{"InvoiceDate": &i.Date, "DueDate": &i.Due, "SettledDate": &i.Settled} {
		t, err := time.Parse(dateLayout, field(name))
		if err != nil {
			return i, fmt.Errorf("%s %q is not a date M/D/YYYY", name, field(name))
		}
		*date = calendar.FromTime(t, time.UTC)
	}
	var err error
	if i.Amount, err = money.Parse(currency, field("InvoiceAmount")); err != nil {
		return i, fmt.Errorf("InvoiceAmount: %w", err)
	}
	if i.Settled.Before(i.Date) {
		return i, errors.New("settled before it was written")
	}
	return i, nil
}

// Options choose a part of the file. The zero value is all of it.
type Options struct {
	// Customers bounds the number of customers: the first by number; 0: all.
	Customers int
	// Until leaves out invoices after this date; zero: none.
	Until calendar.Date
	// Checkpoints are dates at whose end aging and credit accounts are read.
	Checkpoints []calendar.Date
}

// Select returns the invoices of the part, by customer and number.
func Select(all []Invoice, o Options) []Invoice {
	part := slices.Clone(all)
	slices.SortFunc(part, func(a, b Invoice) int {
		if c := strings.Compare(a.CustomerID, b.CustomerID); c != 0 {
			return c
		}
		return strings.Compare(a.ID, b.ID)
	})
	seen, last := 0, ""
	return slices.DeleteFunc(part, func(i Invoice) bool {
		if i.CustomerID != last {
			seen, last = seen+1, i.CustomerID
		}
		return (o.Customers > 0 && seen > o.Customers) || (!o.Until.IsZero() && i.Date.After(o.Until))
	})
}

// usualPurchase is what sales says that one purchase of the customer comes to: the largest of its invoices.
func usualPurchase(invoices []Invoice) money.Money {
	largest := invoices[0].Amount
	for _, i := range invoices {
		largest = money.Max(largest, i.Amount)
	}
	return largest
}
