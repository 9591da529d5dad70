// Package receipt holds the money that customers pay, and the rules by which it is
// applied to invoices. The package is pure.
package receipt

import (
	"time"

	"github.com/avalcredit/aval/pkg/calendar"
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
)

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
}

// New completes a draft. Its errors are those of invoice.CheckAmount and
// invoice.CheckDate.
func New(d Draft, currency string, today calendar.Date, now time.Time) (Receipt, error) {
	if err := invoice.CheckAmount("receipt.amount", d.Amount, currency); err != nil {
		return Receipt{}, err
	}
	r := Receipt{
		ID: d.ID, CustomerID: d.CustomerID, Date: d.Date, Amount: d.Amount, Instrument: d.Instrument,
		Reference: d.Reference, NoticeID: d.NoticeID, PostDate: today, CreateTime: now, Unapplied: d.Amount,
	}
	if r.Date.IsZero() {
		r.Date = today
	}
	if r.Instrument == "" {
		r.Instrument = InstrumentRemittance
	}
	return r, invoice.CheckDate("receipt.receipt_date", r.Date, today)
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
	return c.Sum()
}
