// Package invoices is what is known of a firm from the invoices that it wrote and
// received: facts of a firm that has no statement to show (S1.2). A batch is the sales
// or the purchases of one calendar month; a correction is a new batch that supersedes.
package invoices

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"

	"github.com/avalcredit/aval/pkg/calendar"
	"github.com/avalcredit/aval/pkg/errs"
)

const (
	// ReasonExists: other invoices of that side, month and part are recorded already.
	ReasonExists = "INVOICE_BATCH_EXISTS"
	// ReasonSuperseded: the batch was corrected already.
	ReasonSuperseded = "INVOICE_BATCH_SUPERSEDED"
	// ReasonCurrency: the invoices are not in the currency of the customer's account.
	ReasonCurrency = "CURRENCY_MISMATCH"
)

// MaxMinor is the largest amount of one invoice, in minor units: a firm may have nine
// million such invoices before a sum of them is out of range.
const MaxMinor int64 = 1_000_000_000_000

// Direction is which side of the firm's trade an invoice is of.
type Direction string

// The directions.
const (
	// Sale: the firm sold.
	Sale Direction = "SALE"
	// Purchase: the firm bought.
	Purchase Direction = "PURCHASE"
)

// Invoice is one invoice of the firm with a third party; amounts in minor units of the
// batch's currency. Invoices alike in every field each count.
type Invoice struct {
	Number       string        `json:"number"`
	Date         calendar.Date `json:"date"`
	Counterparty string        `json:"counterparty,omitempty"`
	// Net and Tax need not add up to Total: Total, as printed, is what counts.
	Net   int64 `json:"net"`
	Tax   int64 `json:"tax"`
	Total int64 `json:"total"`
	Void  bool  `json:"void,omitempty"`
}

// Batch is a firm's sales or purchases of one month, or a part of them.
type Batch struct {
	CustomerID string `json:"customer_id"`
	// Sequence counts the batches of a customer in the order of recording, from 1.
	Sequence  int64     `json:"sequence"`
	Direction Direction `json:"direction"`
	// Month is YYYY-MM.
	Month string `json:"month"`
	Part  int    `json:"part"`
	// Revision counts the writings of the same month and part, from 1.
	Revision int           `json:"revision"`
	Currency string        `json:"currency_code"`
	Source   string        `json:"source"`
	AsOf     calendar.Date `json:"as_of_date"`
	// Supersedes is the id of the batch that this one corrects; empty: none.
	Supersedes string        `json:"supersedes_batch_id,omitempty"`
	Count      int           `json:"invoice_count"`
	Content    string        `json:"content_sha256"`
	RecordedBy string        `json:"recorded_by"`
	RecordDate calendar.Date `json:"record_date"`
}

// ID names the batch within the customer.
func (b Batch) ID() string {
	return fmt.Sprintf("%s-%s.%d.%d", b.Direction, b.Month, b.Part, b.Revision)
}

// MonthOf writes the month of a day, YYYY-MM.
func MonthOf(d calendar.Date) string { return fmt.Sprintf("%04d-%02d", d.Year(), int(d.Month())) }

// Complete checks a batch that is to be recorded on a day and fills in what follows from
// its invoices. The error has kind Invalid, reason INVALID_FIELD and names the fields.
func (b Batch) Complete(all []Invoice, today calendar.Date) (Batch, error) {
	var found []errs.Violation
	bad := func(field, rule, message string) {
		found = append(found, errs.Violation{Field: "batch." + field, Rule: rule, Message: message})
	}
	if len(all) == 0 {
		bad("invoices", "required", "there is none")
		return b, errs.Fields(found...)
	}
	if b.AsOf.After(today) {
		bad("as_of_date", "not_in_future", "lies in the future")
	}
	b.Month, b.Count = MonthOf(all[0].Date), len(all)
	for i, v := range all {
		at := fmt.Sprintf("invoices[%d].", i)
		switch {
		case MonthOf(v.Date) != b.Month:
			bad(at+"invoice_date", "same_month", "is not in "+b.Month+", the month of the first invoice")
		case v.Date.After(b.AsOf):
			bad(at+"invoice_date", "not_after_as_of", "is after as_of_date")
		}
		for _, a := range []struct {
			field string
			minor int64
		}{{"net_amount", v.Net}, {"tax_amount", v.Tax}, {"total_amount", v.Total}} {
			if a.minor > MaxMinor || a.minor < -MaxMinor {
				bad(at+a.field, "range", "is larger than one invoice may be")
			}
		}
	}
	if len(found) > 0 {
		return b, errs.Fields(found...)
	}
	text, err := json.Marshal(all)
	if err != nil {
		return b, err
	}
	sum := sha256.Sum256(text)
	b.Content = hex.EncodeToString(sum[:])
	return b, nil
}

// Follow says what becomes of a batch after the newest one of its side, month and part
// (nil: there is none): unchanged where that one holds the same invoices, else the batch
// with its revision. Errors: FailedPrecondition INVOICE_BATCH_EXISTS where it does not
// name the batch that it would replace, INVOICE_BATCH_SUPERSEDED where it names an older one.
func (b Batch) Follow(newest *Batch) (next Batch, unchanged bool, err error) {
	switch {
	case newest == nil && b.Supersedes != "":
		return b, false, errs.New(errs.FailedPrecondition, ReasonSuperseded,
			"there is no batch %s of %s to supersede", b.Supersedes, b.Month).With("field", "batch.supersedes_batch_id")
	case newest == nil:
		b.Revision = 1
		return b, false, nil
	case newest.Content == b.Content && newest.AsOf == b.AsOf && newest.Source == b.Source:
		return *newest, true, nil
	case b.Supersedes == "":
		return b, false, errs.New(errs.FailedPrecondition, ReasonExists,
			"other invoices of that month are recorded as %s: name it in supersedes_batch_id to correct it", newest.ID()).
			With("batch_id", newest.ID())
	case b.Supersedes != newest.ID():
		return b, false, errs.New(errs.FailedPrecondition, ReasonSuperseded,
			"%s is not the newest batch of that month: %s is", b.Supersedes, newest.ID()).With("batch_id", newest.ID())
	}
	b.Revision = newest.Revision + 1
	return b, false, nil
}
