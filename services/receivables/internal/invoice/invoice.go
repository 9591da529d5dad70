// Package invoice holds what a customer owes for goods delivered: the document, how
// its due date comes about, and where it stands. The package is pure.
package invoice

import (
	"time"

	"github.com/avalcredit/aval/pkg/calendar"
	"github.com/avalcredit/aval/pkg/errs"
	"github.com/avalcredit/aval/pkg/money"
	"github.com/avalcredit/aval/services/receivables/internal/ledger"
	"github.com/avalcredit/aval/services/receivables/internal/settlement"
)

// State is where an invoice stands.
type State string

// The states. REVERSED is final; OPEN and SETTLED follow what is applied.
const (
	StateOpen     State = "OPEN"
	StateSettled  State = "SETTLED"
	StateReversed State = "REVERSED"
)

// Invoice is a posted invoice and where it stands now.
type Invoice struct {
	ID         string        `json:"id"`
	CustomerID string        `json:"customer_id"`
	OrderID    string        `json:"order_id,omitempty"`
	Date       calendar.Date `json:"date"`
	// DueDate of the last instalment.
	DueDate     calendar.Date `json:"due_date"`
	Amount      money.Money   `json:"amount"`
	Salesperson string        `json:"salesperson,omitempty"`
	UnitID      string        `json:"unit_id,omitempty"`
	Reference   string        `json:"reference,omitempty"`
	PostDate    calendar.Date `json:"post_date"`
	CreateTime  time.Time     `json:"create_time"`

	// Instalments by number; an invoice that is due as a whole has one. Empty where they
	// were not asked for.
	Instalments []Instalment `json:"instalments,omitempty"`
	// Terms that it was posted under; nil: a due date or a term was named, or none were known.
	Terms *settlement.Terms `json:"settlement_terms,omitempty"`
	// Discount for paying early; empty: none.
	Discount settlement.Discount `json:"early_payment_discount,omitempty"`
	// Open is still owed.
	Open money.Money `json:"open"`
	// SettleDate is the date on which it was settled; none while open.
	SettleDate calendar.Date `json:"settle_date"`
	// ReverseDate is the date from which its reversal counts; none if it stands.
	ReverseDate calendar.Date `json:"reverse_date"`
	// Applications, oldest first, where they were asked for.
	Applications []Application `json:"applications,omitempty"`
}

// Instalment is a part of an invoice that is due on a day of its own: an item of the ledger.
type Instalment struct {
	ItemID  string        `json:"item_id"`
	DueDate calendar.Date `json:"due_date"`
	Amount  money.Money   `json:"amount"`
	// Open is still owed.
	Open money.Money `json:"open"`
	// SettleDate is the date on which it was settled; none while open.
	SettleDate calendar.Date `json:"settle_date"`
}

// Application is money of a credit applied to an item; negative where an earlier one is
// undone. In JSON the two have the names of the time when all credits were receipts and
// all items invoices: answers were kept under them.
type Application struct {
	CreditID string        `json:"receipt_id"`
	ItemID   string        `json:"invoice_id"`
	Amount   money.Money   `json:"amount"`
	Date     calendar.Date `json:"date"`
}

// Draft is an invoice as it is asked to be posted.
type Draft struct {
	ID, CustomerID, OrderID string
	Date                    calendar.Date // none: today
	DueDate                 calendar.Date // none: by terms or term
	TermDays                *int          // absent: by terms
	// Terms by which its due date comes about; nil: the customer's, else the policy's.
	Terms *settlement.Terms
	// SoldOn is when consigned goods were sold on; none: the invoice's date.
	SoldOn calendar.Date
	// Discount for paying early; empty: the policy's.
	Discount               settlement.Discount
	Amount                 money.Money
	Salesperson, Reference string
	UnitID                 string // empty: the customer's
	// Instalments, where it is not due as a whole.
	Instalments []Part
}

// Part is an instalment as it is asked to be posted.
type Part struct {
	DueDate  calendar.Date // none: by its term, else as the invoice's
	TermDays *int          // absent: the invoice's
	Amount   money.Money
}

// Defaults fill what a draft leaves open.
type Defaults struct {
	Today calendar.Date
	// TermDays is the term where there are no terms.
	TermDays int
	// CustomerTerms are agreed with the customer, PolicyTerms hold for those with none; nil: none.
	CustomerTerms, PolicyTerms *settlement.Terms
	// Days that the company works; nil: computed due dates stand.
	Days *settlement.Days
	// Discount that the policy gives.
	Discount    settlement.Discount
	Salesperson string
	UnitID      string
	// Currency of the customer's account.
	Currency string
	Now      time.Time
}

// New completes a draft. Its errors have kind Invalid: CURRENCY_MISMATCH,
// AMOUNT_NOT_POSITIVE, or a date that is not plausible, all naming the field.
func New(d Draft, def Defaults) (Invoice, error) {
	if err := CheckAmount("invoice.amount", d.Amount, def.Currency); err != nil {
		return Invoice{}, err
	}
	inv := Invoice{
		ID: d.ID, CustomerID: d.CustomerID, OrderID: d.OrderID, Date: d.Date, DueDate: d.DueDate,
		Amount: d.Amount, Salesperson: d.Salesperson, UnitID: d.UnitID, Reference: d.Reference,
		PostDate: def.Today, CreateTime: def.Now, Open: d.Amount,
	}
	if inv.Date.IsZero() {
		inv.Date = def.Today
	}
	if inv.Salesperson == "" {
		inv.Salesperson = def.Salesperson
	}
	if inv.UnitID == "" {
		inv.UnitID = def.UnitID
	}
	if err := inv.settle(d, def); err != nil {
		return inv, err
	}
	if err := inv.divide(d, def); err != nil {
		return inv, err
	}
	return inv, inv.checkDates(def.Today)
}

// CheckAmount holds an amount to the account's currency and above zero; field is its path.
func CheckAmount(field string, m money.Money, currency string) error {
	if m.Currency != currency {
		path := field + ".currency_code"
		e := errs.New(errs.Invalid, "CURRENCY_MISMATCH", "%s: the customer's account is in %s, not %s", path, currency, m.Currency)
		return e.With("field", path).With("account_currency", currency).
			WithViolations(errs.Violation{Field: path, Rule: "currency", Message: "the customer's account is in " + currency})
	}
	if !m.IsPositive() {
		path := field + ".amount"
		e := errs.New(errs.Invalid, "AMOUNT_NOT_POSITIVE", "%s: must be above zero", path)
		return e.With("field", path).
			WithViolations(errs.Violation{Field: path, Rule: "positive", Message: "must be above zero"})
	}
	return nil
}

// State tells where it stands.
func (i Invoice) State() State {
	switch {
	case !i.ReverseDate.IsZero():
		return StateReversed
	case i.Open.IsZero():
		return StateSettled
	default:
		return StateOpen
	}
}

// Canonical gives the bytes of what was posted; what happened since is not part of it.
func (i Invoice) Canonical() []byte {
	var c ledger.Canon
	c.Text("aval.receivables.invoice.v1", i.ID, i.CustomerID, i.OrderID, i.Date.String(), i.DueDate.String(),
		i.Amount.Currency, i.Salesperson, i.Reference, i.PostDate.String())
	c.Int(i.Amount.Minor, i.CreateTime.UnixMicro())
	if i.UnitID != "" { // invoices of the time before units keep their bytes
		c.Text("unit", i.UnitID)
	}
	if len(i.Instalments) > 1 { // one that is due as a whole has no more to say
		c.Text("instalments")
		for _, p := range i.Instalments {
			c.Text(p.DueDate.String())
			c.Int(p.Amount.Minor)
		}
	}
	return c.Sum()
}

// Latest returns the latest of some dates.
func Latest(dates ...calendar.Date) calendar.Date {
	var out calendar.Date
	for _, d := range dates {
		if d.After(out) {
			out = d
		}
	}
	return out
}

// Earliest returns the earlier of two dates.
func Earliest(a, b calendar.Date) calendar.Date {
	if b.Before(a) {
		return b
	}
	return a
}
