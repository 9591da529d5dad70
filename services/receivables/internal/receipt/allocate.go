package receipt

import (
	"slices"
	"strings"

	"github.com/avalcredit/aval/pkg/calendar"
	"github.com/avalcredit/aval/pkg/errs"
	"github.com/avalcredit/aval/pkg/money"
	"github.com/avalcredit/aval/services/receivables/internal/invoice"
)

// Mode is what becomes of money that names no invoice.
type Mode string

// The modes; the empty mode is NONE where invoices are named, else OLDEST_DUE_FIRST.
const (
	ModeDefault        Mode = ""
	ModeOldestDueFirst Mode = "OLDEST_DUE_FIRST"
	ModeNone           Mode = "NONE"
)

// Named is an invoice that the payer named.
type Named struct {
	InvoiceID string
	// Amount of the money that is for it; absent: all that is open, as far as the money goes.
	Amount *money.Money
}

// Item is an invoice as far as applying money is concerned.
type Item struct {
	InvoiceID     string
	Date, DueDate calendar.Date
	// Amount invoiced, Open still owed.
	Amount, Open money.Money
	// LastApplication is the newest date of anything applied to it or undone, LastUndo
	// the newest of an undoing; none: never.
	LastApplication, LastUndo calendar.Date
	Reversed                  bool
}

// Source is the money to be applied.
type Source struct {
	ReceiptID string
	Available money.Money
	// From is the earliest date from which the application may count.
	From calendar.Date
}

// Order is how the money is to be applied.
type Order struct {
	Named []Named
	Mode  Mode
}

// WantsOldest says whether money goes to invoices nobody named.
func (o Order) WantsOldest() bool {
	if o.Mode == ModeDefault {
		return len(o.Named) == 0
	}
	return o.Mode == ModeOldestDueFirst
}

// Allocate decides what is applied to what: the invoices named in their order, then
// the oldest due where the order wants it; the rest stays unapplied. items are the
// customer's invoices that are open or named. Errors: NotFound INVOICE_UNKNOWN,
// FailedPrecondition INVOICE_REVERSED and OVERAPPLIED, Invalid CURRENCY_MISMATCH and
// AMOUNT_NOT_POSITIVE.
func Allocate(src Source, order Order, items []Item) ([]invoice.Application, error) {
	a := allocation{src: src, left: src.Available, open: map[string]*Item{}}
	rest := make([]*Item, 0, len(items))
	for i := range items {
		item := items[i]
		a.open[item.InvoiceID] = &item
		rest = append(rest, &item)
	}
	for i, n := range order.Named {
		if err := a.named(i, n); err != nil {
			return nil, err
		}
	}
	if order.WantsOldest() {
		slices.SortFunc(rest, oldestDueFirst)
		for _, item := range rest {
			if !item.Reversed {
				a.apply(item, money.Min(a.left, item.Open))
			}
		}
	}
	return a.out, nil
}

// oldestDueFirst orders by due date, invoice date, number.
func oldestDueFirst(a, b *Item) int {
	if c := a.DueDate.Compare(b.DueDate); c != 0 {
		return c
	}
	if c := a.Date.Compare(b.Date); c != 0 {
		return c
	}
	return strings.Compare(a.InvoiceID, b.InvoiceID)
}

type allocation struct {
	src  Source
	left money.Money
	open map[string]*Item
	out  []invoice.Application
}

func (a *allocation) named(i int, n Named) error {
	item, ok := a.open[n.InvoiceID]
	if !ok {
		return errs.New(errs.NotFound, "INVOICE_UNKNOWN", "the customer has no invoice %s", n.InvoiceID).
			With("invoice_id", n.InvoiceID).With("field", fieldOf(i, "invoice_id"))
	}
	if item.Reversed {
		return errs.New(errs.FailedPrecondition, "INVOICE_REVERSED", "invoice %s was reversed", n.InvoiceID).
			With("invoice_id", n.InvoiceID).With("field", fieldOf(i, "invoice_id"))
	}
	amount := money.Min(a.left, item.Open)
	if n.Amount != nil {
		amount = *n.Amount
		if err := invoice.CheckAmount(fieldOf(i, "amount"), amount, a.left.Currency); err != nil {
			return err
		}
		if amount.Cmp(item.Open) > 0 {
			return overApplied(i, n.InvoiceID, amount, item.Open, "of the invoice is open")
		}
		if amount.Cmp(a.left) > 0 {
			return overApplied(i, n.InvoiceID, amount, a.left, "of the receipt is left")
		}
	}
	a.apply(item, amount)
	return nil
}

// apply dates the application no earlier than the money, the invoice, and the last
// undoing on either, so that neither is over-applied on any day of the past.
func (a *allocation) apply(item *Item, amount money.Money) {
	if !amount.IsPositive() {
		return
	}
	item.Open = item.Open.Sub(amount)
	a.left = a.left.Sub(amount)
	a.out = append(a.out, invoice.Application{
		ReceiptID: a.src.ReceiptID, InvoiceID: item.InvoiceID, Amount: amount,
		Date: invoice.Latest(a.src.From, item.Date, item.LastUndo),
	})
}

func overApplied(i int, invoiceID string, asked, have money.Money, of string) error {
	e := errs.New(errs.FailedPrecondition, "OVERAPPLIED", "%s asked for invoice %s, but only %s %s", asked, invoiceID, have, of)
	return e.With("invoice_id", invoiceID).With("asked", asked.String()).With("available", have.String()).
		With("field", fieldOf(i, "amount"))
}

// Settled lists the items that the applications bring to nothing, with the date from
// which that holds, in the order of the applications.
func Settled(items []Item, applications []invoice.Application) []Item {
	byID := make(map[string]*Item, len(items))
	for i := range items {
		item := items[i]
		byID[item.InvoiceID] = &item
	}
	var out []Item
	for _, a := range applications {
		item := byID[a.InvoiceID]
		item.Open = item.Open.Sub(a.Amount)
		item.LastApplication = invoice.Latest(item.LastApplication, a.Date)
		if item.Open.IsZero() {
			out = append(out, *item)
		}
	}
	return out
}

// Undo takes back what is applied, pair by pair of receipt and invoice, on one date.
func Undo(applications []invoice.Application, on calendar.Date) []invoice.Application {
	type pair struct{ receipt, invoice string }
	net := map[pair]money.Money{}
	var order []pair
	for _, a := range applications {
		p := pair{a.ReceiptID, a.InvoiceID}
		sum, seen := net[p]
		if !seen {
			order = append(order, p)
			sum = money.Zero(a.Amount.Currency)
		}
		net[p] = sum.Add(a.Amount)
	}
	var out []invoice.Application
	for _, p := range order {
		if net[p].IsZero() {
			continue
		}
		out = append(out, invoice.Application{ReceiptID: p.receipt, InvoiceID: p.invoice, Amount: net[p].Neg(), Date: on})
	}
	return out
}
