// Package bankline holds the company's bank accounts, the statements that were taken of them, and where each line stands: who
// may do what with it. The package is pure.
package bankline

import (
	"strconv"
	"time"

	"github.com/avalcredit/aval/pkg/calendar"
	"github.com/avalcredit/aval/pkg/errs"
	"github.com/avalcredit/aval/pkg/money"
	"github.com/avalcredit/aval/services/receivables/internal/bankstatement"
	"github.com/avalcredit/aval/services/receivables/internal/cashmatch"
)

// Account is an account of the company at a bank.
type Account struct {
	ID, Name, Number, Currency string
	// Mapping of its CSV files; nil: its files are camt.053 only.
	Mapping    *bankstatement.Mapping
	ChangedBy  string
	ChangeTime time.Time
}

// Check holds an account to what can be. Its errors have kind Invalid and name the field.
func (a Account) Check() error {
	const at = "bank_account"
	if a.Number == "" {
		return errs.Field(at+".number", "required", "an account has a number")
	}
	if _, known := money.Digits(a.Currency); !known {
		return errs.Field(at+".currency_code", "currency", "%.3q is no currency", a.Currency)
	}
	if a.Mapping == nil {
		return nil
	}
	return a.Mapping.Check(at + ".csv_mapping")
}

// Statement is a file that was taken, or its part of one account.
type Statement struct {
	ID, AccountID, Format, Number, FileName string
	Digest                                  []byte
	First, Last                             calendar.Date
	Lines, New, Skipped                     int
	Currency                                string
	// Opening and Closing balance, and what is missing between them; nil: not known.
	Opening, Closing, Difference *money.Money
	ImportedBy                   string
	ImportDate                   calendar.Date
	CreateTime                   time.Time
}

// The formats of files.
const (
	FormatCAMT = "camt.053"
	FormatCSV  = "csv"
)

// State is where a line stands.
type State string

// The states.
const (
	New      State = "NEW"      // nobody knows whose money it is
	Proposed State = "PROPOSED" // there are proposals
	Applied  State = "APPLIED"  // its receipt is posted
	Ignored  State = "IGNORED"  // put aside, with a reason
	Outgoing State = "OUTGOING" // money that went out, and nobody has seen what for
)

// Line is a line of a statement and where it stands.
type Line struct {
	ID, AccountID, StatementID string
	bankstatement.Line
	State     State
	Proposals []cashmatch.Proposal
	// CustomerID and ReceiptID, where it is applied.
	CustomerID, ReceiptID string
	// Reason why it was put aside.
	Reason string
	// Auto says that the policy's score confirmed it.
	Auto bool
	// Attempt counts its receipts.
	Attempt    int
	ChangedBy  string
	ChangeTime time.Time
}

// Open refuses a line that was dealt with. Errors: FailedPrecondition BANK_LINE_OUTGOING and BANK_LINE_DONE.
func (l Line) Open() error {
	switch l.State {
	case New, Proposed:
		return nil
	case Outgoing:
		return l.refuse("BANK_LINE_OUTGOING", "is money that went out")
	default:
		return l.refuse("BANK_LINE_DONE", "was dealt with")
	}
}

// PutAside puts a line aside, for a reason: no customer paid it, or it is money that went out and somebody saw what for. Error:
// FailedPrecondition BANK_LINE_DONE.
func (l Line) PutAside(reason string) (Line, error) {
	if err := l.Open(); err != nil && l.State != Outgoing {
		return l, err
	}
	l.State, l.Reason, l.Proposals = Ignored, reason, nil
	return l, nil
}

// Anew is the state of a line that is taken up again.
func (l Line) Anew() State {
	if l.Amount.IsNegative() {
		return Outgoing
	}
	return New
}

// Reopens refuses a line that cannot be taken up again: one that is open, and one whose receipt stands. Errors:
// FailedPrecondition BANK_LINE_OPEN, BANK_LINE_OUTGOING and RECEIPT_STANDS.
func (l Line) Reopens(receiptReversed bool) error {
	switch l.State {
	case Ignored:
		return nil
	case Outgoing:
		return l.refuse("BANK_LINE_OUTGOING", "is money that went out")
	case Applied:
		if !receiptReversed {
			return l.refuse("RECEIPT_STANDS", "has a receipt that stands: reverse it first").With("receipt_id", l.ReceiptID)
		}
		return nil
	default:
		return l.refuse("BANK_LINE_OPEN", "is open")
	}
}

func (l Line) refuse(reason, why string) *errs.Error {
	return errs.New(errs.FailedPrecondition, reason, "bank line %s %s", l.ID, why).With("bank_line_id", l.ID).With("state", string(l.State))
}

// Proposal is one of the line's proposals, from 1. Errors: FailedPrecondition NO_PROPOSAL.
func (l Line) Proposal(n int) (cashmatch.Proposal, error) {
	if n < 1 || n > len(l.Proposals) {
		return cashmatch.Proposal{}, l.refuse("NO_PROPOSAL", "has no proposal "+strconv.Itoa(n))
	}
	return l.Proposals[n-1], nil
}

// NextReceiptID is the number of the line's next receipt: it follows from the line, so that no line has two that stand.
func (l Line) NextReceiptID() string {
	id := "BANK-" + l.ID
	if l.Attempt > 0 {
		id += "-" + strconv.Itoa(l.Attempt+1)
	}
	return id
}

// Payment is the line as it is held against customers.
func (l Line) Payment() cashmatch.Payment {
	return cashmatch.Payment{
		Amount: l.Amount, Date: l.ValueDate, Text: l.Text + " " + l.EndToEnd, PayerName: l.PartyName, PayerAccount: l.PartyAccount,
	}
}

// Propose puts proposals to a line that is open.
func (l Line) Propose(list []cashmatch.Proposal) Line {
	l.Proposals, l.State = list, New
	if len(list) > 0 {
		l.State = Proposed
	}
	return l
}

// Query asks for lines; empty fields do not restrict.
type Query struct {
	AccountID, StatementID, CustomerID string
	State                              State
	// After is the last line of the page before, newest booking date first.
	AfterDate calendar.Date
	AfterID   string
	Limit     int
}

// StatementQuery asks for statements, newest first.
type StatementQuery struct {
	AccountID string
	AfterTime time.Time
	AfterID   string
	Limit     int
}

// Unapplied is money that is not applied: of a credit, or of a line that nobody confirmed.
type Unapplied struct {
	CustomerID, CustomerName string
	CreditID, LineID         string
	Date                     calendar.Date
	Amount                   money.Money
}

// UnappliedTotal sums it up in one currency.
type UnappliedTotal struct {
	Currency     string
	Credits      int64
	CreditAmount money.Money
	Lines        int64
	LineAmount   money.Money
}

// UnappliedQuery asks for a page of it, oldest first.
type UnappliedQuery struct {
	CustomerID string
	AfterDate  calendar.Date
	AfterID    string
	Limit      int
}
