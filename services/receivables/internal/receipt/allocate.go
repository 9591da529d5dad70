package receipt

import (
	"slices"
	"strings"

	"github.com/avalcredit/aval/pkg/calendar"
	"github.com/avalcredit/aval/pkg/errs"
	"github.com/avalcredit/aval/pkg/money"
	"github.com/avalcredit/aval/services/receivables/internal/invoice"
	"github.com/avalcredit/aval/services/receivables/internal/ledger"
)

// Mode is what becomes of money that names no invoice.
type Mode string

// The modes; the empty mode is NONE where invoices are named, else OLDEST_DUE_FIRST.
const (
	ModeDefault        Mode = ""
	ModeOldestDueFirst Mode = "OLDEST_DUE_FIRST"
	ModeNone           Mode = "NONE"
)

// Named is a document or an item that the payer named.
type Named struct {
	// InvoiceID is the number of an invoice or other debit document, which stands for all its
	// instalments, the oldest due first, or that of one instalment.
	InvoiceID string
	// Amount of the money that is for it; absent: all that is open, as far as the money goes.
	Amount *money.Money
}

// Item is an instalment of a debit document as far as applying money is concerned.
type Item struct {
	ID           string
	DocumentKind ledger.Kind
	DocumentID   string
	OrderID      string
	// Salesperson responsible for it and UnitID at posting.
	Salesperson, UnitID string
	// Date of the document, DueDate of the instalment.
	Date, DueDate calendar.Date
	// Amount of the instalment, Open still owed.
	Amount, Open money.Money
	// LastApplication is the newest date of anything applied to it or undone, LastUndo
	// the newest of an undoing; none: never.
	LastApplication, LastUndo calendar.Date
	Reversed                  bool
}

// Source is the money to be applied: that of a receipt or another credit.
type Source struct {
	CreditID  string
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

// Allocate decides what is applied to what: the documents named in their order, then
// the oldest due where the order wants it; the rest stays unapplied. items are the
// customer's that are open or named. Errors: NotFound INVOICE_UNKNOWN,
// FailedPrecondition INVOICE_REVERSED and OVERAPPLIED, Invalid CURRENCY_MISMATCH and
// AMOUNT_NOT_POSITIVE.
func Allocate(src Source, order Order, items []Item) ([]invoice.Application, error) {
	a := allocation{src: src, left: src.Available, items: slices.Clone(items)}
	slices.SortFunc(a.items, oldestDueFirst)
	a.byName = make(map[string][]*Item, len(items))
	for i := range a.items {
		item := &a.items[i]
		a.byName[item.ID] = append(a.byName[item.ID], item)
		if item.DocumentID != item.ID {
			a.byName[item.DocumentID] = append(a.byName[item.DocumentID], item)
		}
	}
	for i, n := range order.Named {
		if err := a.named(i, n); err != nil {
			return nil, err
		}
	}
	if order.WantsOldest() {
		for i := range a.items {
			a.apply(&a.items[i], a.left)
		}
	}
	return a.out, nil
}

// oldestDueFirst orders by due date, document date, number.
func oldestDueFirst(a, b Item) int {
	if c := a.DueDate.Compare(b.DueDate); c != 0 {
		return c
	}
	if c := a.Date.Compare(b.Date); c != 0 {
		return c
	}
	return strings.Compare(a.ID, b.ID)
}

type allocation struct {
	src    Source
	left   money.Money
	items  []Item // oldest due first
	byName map[string][]*Item
	out    []invoice.Application
}

func (a *allocation) named(i int, n Named) error {
	items := a.byName[n.InvoiceID]
	if len(items) == 0 {
		return errs.New(errs.NotFound, "INVOICE_UNKNOWN", "the customer has no invoice %s", n.InvoiceID).
			With("invoice_id", n.InvoiceID).With("field", fieldOf(i, "invoice_id"))
	}
	open := money.Zero(a.left.Currency)
	for _, item := range items {
		if item.Reversed { // a document is reversed as a whole
			return errs.New(errs.FailedPrecondition, "INVOICE_REVERSED", "invoice %s was reversed", n.InvoiceID).
				With("invoice_id", n.InvoiceID).With("field", fieldOf(i, "invoice_id"))
		}
		open = open.Add(item.Open)
	}
	amount := money.Min(a.left, open)
	if n.Amount != nil {
		amount = *n.Amount
		if err := invoice.CheckAmount(fieldOf(i, "amount"), amount, a.left.Currency); err != nil {
			return err
		}
		if amount.Cmp(open) > 0 {
			return overApplied(i, n.InvoiceID, amount, open, "of the invoice is open")
		}
		if amount.Cmp(a.left) > 0 {
			return overApplied(i, n.InvoiceID, amount, a.left, "of the receipt is left")
		}
	}
	for _, item := range items {
		amount = amount.Sub(a.apply(item, amount))
	}
	return nil
}

// apply applies up to an amount to an item, and says how much. It dates the application no
// earlier than the money, the document, and the last undoing on either, so that neither is
// over-applied on any day of the past.
func (a *allocation) apply(item *Item, most money.Money) money.Money {
	amount := money.Min(most, item.Open)
	if item.Reversed || !amount.IsPositive() {
		return money.Zero(a.left.Currency)
	}
	item.Open = item.Open.Sub(amount)
	a.left = a.left.Sub(amount)
	a.out = append(a.out, invoice.Application{
		CreditID: a.src.CreditID, ItemID: item.ID, Amount: amount,
		Date: invoice.Latest(a.src.From, item.Date, item.LastUndo),
	})
	return amount
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
		byID[item.ID] = &item
	}
	var out []Item
	for _, a := range applications {
		item := byID[a.ItemID]
		item.Open = item.Open.Sub(a.Amount)
		item.LastApplication = invoice.Latest(item.LastApplication, a.Date)
		if item.Open.IsZero() {
			out = append(out, *item)
		}
	}
	return out
}

// Undo takes back what is applied, pair by pair of credit and item, on one date.
func Undo(applications []invoice.Application, on calendar.Date) []invoice.Application {
	type pair struct{ credit, item string }
	net := map[pair]money.Money{}
	var order []pair
	for _, a := range applications {
		p := pair{a.CreditID, a.ItemID}
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
		out = append(out, invoice.Application{CreditID: p.credit, ItemID: p.item, Amount: net[p].Neg(), Date: on})
	}
	return out
}
