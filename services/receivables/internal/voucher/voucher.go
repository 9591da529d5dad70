// Package voucher holds the documents of the ledger beside invoices and receipts: what they do to
// the books, and what they may be about. The package is pure.
package voucher

import (
	"time"

	"github.com/avalcredit/aval/pkg/calendar"
	"github.com/avalcredit/aval/pkg/errs"
	"github.com/avalcredit/aval/pkg/money"
	"github.com/avalcredit/aval/services/receivables/internal/invoice"
	"github.com/avalcredit/aval/services/receivables/internal/ledger"
)

// Voucher is a posted document and where it stands now.
type Voucher struct {
	ID         string        `json:"id"`
	CustomerID string        `json:"customer_id"`
	Kind       ledger.Kind   `json:"kind"`
	Date       calendar.Date `json:"date"`
	// DueDate of what a debit document asks for; none of others.
	DueDate calendar.Date `json:"due_date"`
	Amount  money.Money   `json:"amount"`
	// Cost of discounting a bill, within the amount.
	Cost money.Money `json:"cost"`
	// Recourse: a bill passed on may come back to us.
	Recourse bool   `json:"recourse,omitempty"`
	OrderID  string `json:"order_id,omitempty"`
	// About is the document that it is about: the overdue invoice of interest, the deposit of a use, the bill of an act.
	About        string `json:"about,omitempty"`
	Instrument   string `json:"instrument,omitempty"`
	Counterparty string `json:"counterparty,omitempty"`
	Reference    string `json:"reference,omitempty"`
	Reason       string `json:"reason,omitempty"`
	// MemoID is the credit memo that it was posted by; empty: none.
	MemoID      string        `json:"memo_id,omitempty"`
	Salesperson string        `json:"salesperson,omitempty"`
	UnitID      string        `json:"unit_id,omitempty"`
	PostDate    calendar.Date `json:"post_date"`
	CreateTime  time.Time     `json:"create_time"`

	// Open is still owed of a debit document.
	Open money.Money `json:"open"`
	// Unapplied is left of the money of a credit document.
	Unapplied money.Money `json:"unapplied"`
	// Left is held of a deposit, or not recovered of a write-off.
	Left money.Money `json:"left"`
	// ReverseDate is the date from which its reversal counts; none if it stands.
	ReverseDate  calendar.Date         `json:"reverse_date"`
	Applications []invoice.Application `json:"applications,omitempty"`
}

// Draft is a voucher as it is asked to be posted.
type Draft struct {
	ID, CustomerID string
	Kind           ledger.Kind
	Date           calendar.Date // none: today
	DueDate        calendar.Date // none: by the kind
	Amount         money.Money
	Cost           money.Money // the zero value: none
	Recourse       bool

	OrderID, About, Instrument, Counterparty, Reference, Reason, MemoID string
	Salesperson, UnitID                                                 string
}

// Defaults fill what a draft leaves open.
type Defaults struct {
	Today               calendar.Date
	Now                 time.Time
	Currency            string
	TermDays            int // of a debit note
	Salesperson, UnitID string
}

// IsDebit says whether a kind makes an item that the customer owes.
func IsDebit(k ledger.Kind) bool {
	switch k {
	case ledger.KindDebitNote, ledger.KindLateInterest, ledger.KindFee, ledger.KindRefund, ledger.KindChargeback, ledger.KindDishonouredBill:
		return true
	default:
		return false
	}
}

// IsCredit says whether a kind is money that is applied to items.
func IsCredit(k ledger.Kind) bool {
	switch k {
	case ledger.KindCreditNote, ledger.KindContra, ledger.KindWriteOff, ledger.KindDiscount, ledger.KindChargeWaiver, ledger.KindDepositUse:
		return true
	default:
		return false
	}
}

// NeedsMemo says whether a kind comes about by a credit memo only.
func NeedsMemo(k ledger.Kind) bool {
	switch k {
	case ledger.KindCreditNote, ledger.KindContra, ledger.KindWriteOff, ledger.KindChargeWaiver, ledger.KindRefund, ledger.KindDepositReturn:
		return true
	default:
		return false
	}
}

// ByMemoOnly refuses what only an approved credit memo does; who tries it otherwise is recorded. field is the path of what asked for it.
func ByMemoOnly(field, format string, args ...any) *errs.Error {
	return errs.New(errs.FailedPrecondition, "CREDIT_MEMO_REQUIRED", format, args...).With("field", field).WithWitness()
}

// GivesUp says whether a kind gives up a claim: what is written off, waived or let go for paying early is never money of the
// customer, and so never left without what it is applied to.
func GivesUp(k ledger.Kind) bool {
	return k == ledger.KindWriteOff || k == ledger.KindChargeWaiver || k == ledger.KindDiscount
}

// WhollyApplied says whether all of a credit must find something to settle: what is written off,
// waived, set off or given as a discount is not money of the customer.
func WhollyApplied(k ledger.Kind) bool {
	return IsCredit(k) && k != ledger.KindCreditNote
}

// New completes a draft. Its errors have kind Invalid and name the field, from "document"; an
// adjustment without a memo has FailedPrecondition CREDIT_MEMO_REQUIRED.
func New(d Draft, def Defaults) (Voucher, error) {
	if NeedsMemo(d.Kind) && d.MemoID == "" {
		return Voucher{}, ByMemoOnly("document.kind", "a document of kind %s is posted by an approved credit memo only: propose one", d.Kind)
	}
	if err := invoice.CheckAmount("document.amount", d.Amount, def.Currency); err != nil {
		return Voucher{}, err
	}
	zero := money.Zero(def.Currency)
	v := Voucher{
		ID: d.ID, CustomerID: d.CustomerID, Kind: d.Kind, Date: d.Date, DueDate: d.DueDate, Amount: d.Amount, Cost: d.Cost,
		Recourse: d.Recourse, OrderID: d.OrderID, About: d.About, Instrument: d.Instrument, Counterparty: d.Counterparty,
		Reference: d.Reference, Reason: d.Reason, MemoID: d.MemoID, Salesperson: d.Salesperson, UnitID: d.UnitID,
		PostDate: def.Today, CreateTime: def.Now, Open: zero, Unapplied: zero, Left: zero,
	}
	if v.Date.IsZero() {
		v.Date = def.Today
	}
	if v.Cost.Currency == "" {
		v.Cost = zero
	}
	if err := v.checkCost(def.Currency); err != nil {
		return v, err
	}
	if err := invoice.CheckDate("document.document_date", v.Date, def.Today); err != nil {
		return v, err
	}
	v.stand(def)
	return v, v.checkDue()
}

// stand sets what a document of its kind has from the beginning.
func (v *Voucher) stand(def Defaults) {
	switch {
	case IsDebit(v.Kind):
		v.Open = v.Amount
		if v.DueDate.IsZero() {
			v.DueDate = v.Date // at once
			if v.Kind == ledger.KindDebitNote {
				v.DueDate = v.Date.AddDays(def.TermDays)
			}
		}
		if v.Salesperson == "" {
			v.Salesperson = def.Salesperson
		}
		if v.UnitID == "" {
			v.UnitID = def.UnitID
		}
	case IsCredit(v.Kind):
		v.Unapplied = v.Amount
	}
	if v.Kind == ledger.KindDeposit || v.Kind == ledger.KindWriteOff {
		v.Left = v.Amount
	}
}

const maxTerm = 3653 // 10 years to a due date, and before the document back to those of old books

func (v *Voucher) checkDue() error {
	if v.DueDate.IsZero() {
		return nil
	}
	if !IsDebit(v.Kind) {
		return errs.Field("document.due_date", "debit_only", "a document of kind %s asks for nothing: leave its due date empty", v.Kind)
	}
	if v.DueDate.After(v.Date.AddDays(maxTerm)) || v.DueDate.Before(v.Date.AddDays(-maxTerm)) {
		return errs.Field("document.due_date", "date_range", "%s is not plausible: must be within 10 years of the document's date", v.DueDate)
	}
	return nil
}

func (v *Voucher) checkCost(currency string) error {
	if v.Cost.IsZero() && v.Cost.Currency == currency {
		return nil
	}
	if v.Kind != ledger.KindBillDiscounted {
		return errs.Field("document.cost", "discounted_only", "only discounting a bill has a cost")
	}
	if err := invoice.CheckAmount("document.cost", v.Cost, currency); err != nil {
		return err
	}
	if v.Cost.Cmp(v.Amount) >= 0 {
		return errs.Field("document.cost", "below_amount", "the cost must be below the bill's amount of %s", v.Amount)
	}
	return nil
}

// Reversed says whether it was taken back.
func (v Voucher) Reversed() bool { return !v.ReverseDate.IsZero() }

// Canonical gives the bytes of what was posted; what happened since is not part of it.
func (v Voucher) Canonical() []byte {
	var c ledger.Canon
	c.Text("aval.receivables.voucher.v1", v.ID, v.CustomerID, string(v.Kind), v.Date.String(), v.DueDate.String(),
		v.Amount.Currency, v.OrderID, v.About, v.Instrument, v.Counterparty, v.Reference, v.Reason, v.MemoID,
		v.Salesperson, v.UnitID, v.PostDate.String())
	recourse := int64(0)
	if v.Recourse {
		recourse = 1
	}
	c.Int(v.Amount.Minor, v.Cost.Minor, recourse, v.CreateTime.UnixMicro())
	return c.Sum()
}
