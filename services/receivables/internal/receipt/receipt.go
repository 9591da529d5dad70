// Package receipt holds the money that customers pay, and the rules by which it is
// applied to invoices. The package is pure.
package receipt

import (
	"time"

	"github.com/avalcredit/aval/pkg/calendar"
	"github.com/avalcredit/aval/pkg/errs"
	"github.com/avalcredit/aval/pkg/money"
	"github.com/avalcredit/aval/services/receivables/internal/invoice"
	"github.com/avalcredit/aval/services/receivables/internal/ledger"
)

// Instrument is how a customer paid.
type Instrument string

// The instruments.
const (
	InstrumentCash       Instrument = "CASH"
	InstrumentCheque     Instrument = "CHEQUE"
	InstrumentDraft      Instrument = "DRAFT"
	InstrumentRemittance Instrument = "REMITTANCE"
	// The acceptance bills: no money yet, but a bill that is due on a day.
	InstrumentBankAcceptance       Instrument = "BANK_ACCEPTANCE"
	InstrumentCommercialAcceptance Instrument = "COMMERCIAL_ACCEPTANCE"
)

// IsBill says whether it is an acceptance bill.
func (i Instrument) IsBill() bool {
	return i == InstrumentBankAcceptance || i == InstrumentCommercialAcceptance
}

// Bill is what a receipt by acceptance is.
type Bill struct {
	Number       string        `json:"number"`
	Drawer       string        `json:"drawer,omitempty"`
	Acceptor     string        `json:"acceptor,omitempty"`
	IssueDate    calendar.Date `json:"issue_date"` // none: not said
	MaturityDate calendar.Date `json:"maturity_date"`
}

// Receipt is a posted receipt and where it stands now.
type Receipt struct {
	ID         string        `json:"id"`
	CustomerID string        `json:"customer_id"`
	Date       calendar.Date `json:"date"`
	Amount     money.Money   `json:"amount"`
	Instrument Instrument    `json:"instrument"`
	Reference  string        `json:"reference,omitempty"`
	PostDate   calendar.Date `json:"post_date"`
	CreateTime time.Time     `json:"create_time"`
	// NoticeID is the payment notice that the money is for; empty: none.
	NoticeID string `json:"payment_notice_id,omitempty"`
	// OrderID is the order that it is an advance for; empty: none.
	OrderID string `json:"order_id,omitempty"`
	// Bill of a receipt by acceptance.
	Bill *Bill `json:"bill,omitempty"`

	// Unapplied is not applied to any invoice.
	Unapplied money.Money `json:"unapplied"`
	// ReverseDate is the date from which its reversal counts; none if it stands.
	ReverseDate  calendar.Date         `json:"reverse_date"`
	Applications []invoice.Application `json:"applications,omitempty"`
}

// Draft is a receipt as it is asked to be posted.
type Draft struct {
	ID, CustomerID string
	Date           calendar.Date // none: today
	Amount         money.Money
	Instrument     Instrument // empty: remittance
	Reference      string
	NoticeID       string // payment notice that it is for
	OrderID        string // order that it is an advance for
	Bill           *Bill  // of a receipt by acceptance
}

// New completes a draft. Its errors are those of invoice.CheckAmount and
// invoice.CheckDate.
func New(d Draft, currency string, today calendar.Date, now time.Time) (Receipt, error) {
	if err := invoice.CheckAmount("receipt.amount", d.Amount, currency); err != nil {
		return Receipt{}, err
	}
	r := Receipt{
		ID: d.ID, CustomerID: d.CustomerID, Date: d.Date, Amount: d.Amount, Instrument: d.Instrument,
		Reference: d.Reference, NoticeID: d.NoticeID, OrderID: d.OrderID, Bill: d.Bill, PostDate: today, CreateTime: now, Unapplied: d.Amount,
	}
	if r.Date.IsZero() {
		r.Date = today
	}
	if r.Instrument == "" {
		r.Instrument = InstrumentRemittance
	}
	if err := invoice.CheckDate("receipt.receipt_date", r.Date, today); err != nil {
		return r, err
	}
	return r, r.checkBill()
}

const maxMaturity = 731 // two years: bills of exchange run for months

func (r Receipt) checkBill() error {
	switch {
	case r.Instrument.IsBill() != (r.Bill != nil):
		return errs.Field("receipt.bill", "of_acceptance", "a receipt by acceptance says what bill it is, and no other does")
	case r.Bill == nil:
		return nil
	case r.OrderID != "":
		return errs.Field("receipt.order_id", "not_by_bill", "an advance is money: a bill is none yet")
	case r.Bill.MaturityDate.IsZero() || r.Bill.MaturityDate.Before(r.Date) || r.Bill.MaturityDate.After(r.Date.AddDays(maxMaturity)):
		return errs.Field("receipt.bill.maturity_date", "date_range", "the bill must fall due from %s to %s", r.Date, r.Date.AddDays(maxMaturity))
	case r.Bill.IssueDate.After(r.Date):
		return errs.Field("receipt.bill.issue_date", "date_range", "the bill must have been issued by %s", r.Date)
	}
	return nil
}

// Kind is what its entry and its money are.
func (r Receipt) Kind() ledger.Kind {
	switch {
	case r.Bill != nil:
		return ledger.KindBill
	case r.OrderID != "":
		return ledger.KindAdvance
	default:
		return ledger.KindReceipt
	}
}

// Reversed says whether it was taken back.
func (r Receipt) Reversed() bool { return !r.ReverseDate.IsZero() }

// Canonical gives the bytes of what was posted; what happened since is not part of it.
func (r Receipt) Canonical() []byte {
	var c ledger.Canon
	c.Text("aval.receivables.receipt.v1", r.ID, r.CustomerID, r.Date.String(), r.Amount.Currency,
		string(r.Instrument), r.Reference, r.PostDate.String())
	c.Int(r.Amount.Minor, r.CreateTime.UnixMicro())
	if r.NoticeID != "" { // receipts of the time before notices keep their bytes
		c.Text("payment_notice", r.NoticeID)
	}
	if r.OrderID != "" {
		c.Text("order", r.OrderID)
	}
	if b := r.Bill; b != nil {
		c.Text("bill", b.Number, b.Drawer, b.Acceptor, b.IssueDate.String(), b.MaturityDate.String())
	}
	return c.Sum()
}
