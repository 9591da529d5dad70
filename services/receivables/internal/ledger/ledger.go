// Package ledger is the sales ledger: one receivable account a customer, kept by
// double entry. Entries are only ever added; a mistake is taken back by an entry that
// names the one it reverses. The package is pure.
package ledger

import (
	"encoding/binary"
	"time"

	"github.com/avalcredit/aval/pkg/calendar"
	"github.com/avalcredit/aval/pkg/errs"
	"github.com/avalcredit/aval/pkg/money"
)

// Kind is what an entry stands for.
type Kind string

// The kinds of entries. Debit documents make items; credit documents are money that is
// applied to them; the others move accounts beside the receivable one.
const (
	KindInvoice         Kind = "INVOICE"
	KindDebitNote       Kind = "DEBIT_NOTE"
	KindLateInterest    Kind = "LATE_INTEREST"
	KindFee             Kind = "FEE"
	KindRefund          Kind = "REFUND"
	KindChargeback      Kind = "CHARGEBACK"
	KindDishonouredBill Kind = "DISHONOURED_BILL"

	KindReceipt      Kind = "RECEIPT"
	KindAdvance      Kind = "ADVANCE"
	KindBill         Kind = "BILL"
	KindCreditNote   Kind = "CREDIT_NOTE"
	KindContra       Kind = "CONTRA"
	KindWriteOff     Kind = "WRITE_OFF"
	KindDiscount     Kind = "DISCOUNT"
	KindChargeWaiver Kind = "CHARGE_WAIVER"
	KindDepositUse   Kind = "DEPOSIT_USE"

	KindBillEndorsed   Kind = "BILL_ENDORSED"
	KindBillDiscounted Kind = "BILL_DISCOUNTED"
	KindBillHonoured   Kind = "BILL_HONOURED"
	KindDeposit        Kind = "DEPOSIT"
	KindDepositReturn  Kind = "DEPOSIT_RETURN"
	KindRecovery       Kind = "RECOVERY"

	KindReversal Kind = "REVERSAL"
)

// Account is one side of an entry.
type Account string

// The accounts that entries touch: the customer's receivable, against control accounts
// in the terms of IFRS and CAS.
const (
	AccountReceivable      Account = "RECEIVABLE"       // trade receivables
	AccountSales           Account = "SALES"            // revenue with its tax
	AccountCash            Account = "CASH"             // cash and bank
	AccountNotesReceivable Account = "NOTES_RECEIVABLE" // bills received
	AccountBillObligation  Account = "BILL_OBLIGATION"  // liability for bills passed on with recourse
	AccountPayable         Account = "PAYABLE"          // trade payables
	AccountDeposits        Account = "DEPOSITS"         // deposits held: other payables
	AccountAllowance       Account = "ALLOWANCE"        // loss allowance: used by write-offs, given back by recoveries
	AccountSalesDiscount   Account = "SALES_DISCOUNT"   // discounts for early payment
	AccountFinanceIncome   Account = "FINANCE_INCOME"   // late interest
	AccountFinanceCost     Account = "FINANCE_COST"     // discount of bills
	AccountFeeIncome       Account = "FEE_INCOME"       // dunning and other fees
)

// MaxBalance bounds the balance of one account either way, in minor units, so that
// sums stay exact in 64 bits.
const MaxBalance int64 = 4_000_000_000_000_000_000

// Line is one side of an entry. Debit is positive, credit negative.
type Line struct {
	Account Account
	Amount  money.Money
}

// Head is the end of a customer's ledger: what the next entry builds on.
type Head struct {
	// Sequence of the last entry; 0: none.
	Sequence int64
	// Balance of the receivable account after it.
	Balance money.Money
	// Hash of the last entry; 32 zero bytes before the first.
	Hash []byte
}

// Entry is one balanced entry of a customer's ledger.
type Entry struct {
	CustomerID string
	// Sequence within the customer, from 1, without gaps.
	Sequence int64
	Kind     Kind
	// EntryDate is the date from which it counts.
	EntryDate calendar.Date
	// PostDate is the business date of posting.
	PostDate   calendar.Date
	DocumentID string
	// Amount moved on the receivable account; zero where the entry leaves it alone.
	Amount money.Money
	// Balance of the receivable account after it, in the order of posting.
	Balance money.Money
	// Reverses is the sequence of the entry taken back; 0: none.
	Reverses int64
	Text     string
	PostedBy string
	// CreateTime has whole microseconds, as the store keeps them.
	CreateTime time.Time
	// DocumentDigest binds the document's own fields to the entry.
	DocumentDigest []byte
	Lines          []Line
	Prev, Hash     []byte
}

// Document is what is posted.
type Document struct {
	Kind      Kind
	ID        string
	EntryDate calendar.Date
	Amount    money.Money // above zero
	Digest    []byte
	Text      string
	// Lines of an entry that is not the receivable account against the one account of its
	// kind; the receivable account is first among them where it is moved.
	Lines      []Line
	Reverses   *Entry // for a reversal: the entry taken back
	PostDate   calendar.Date
	PostedBy   string
	CreateTime time.Time
}

// Link chains content to the hash before it.
type Link func(prev, content []byte) []byte

// Post makes the next entry of a customer's ledger and the head after it. Its error
// has kind FailedPrecondition and reason BALANCE_TOO_LARGE.
func Post(head Head, customerID string, d Document, link Link) (Entry, Head, error) {
	lines := linesOf(d)
	e := Entry{
		CustomerID: customerID, Sequence: head.Sequence + 1, Kind: d.Kind,
		EntryDate: d.EntryDate, PostDate: d.PostDate, DocumentID: d.ID,
		Amount: receivable(lines), Text: d.Text, PostedBy: d.PostedBy,
		CreateTime: d.CreateTime, DocumentDigest: d.Digest, Lines: lines, Prev: head.Hash,
	}
	if d.Reverses != nil {
		e.Reverses = d.Reverses.Sequence
	}
	e.Balance = head.Balance.Add(e.Amount)
	if e.Balance.Abs().Minor > MaxBalance {
		return Entry{}, Head{}, errs.New(errs.FailedPrecondition, "BALANCE_TOO_LARGE",
			"the account's balance would pass the largest amount that is kept exactly")
	}
	e.Hash = link(e.Prev, e.Canonical())
	return e, Head{Sequence: e.Sequence, Balance: e.Balance, Hash: e.Hash}, nil
}

// linesOf puts the receivable account first.
func linesOf(d Document) []Line {
	if d.Kind == KindReversal {
		lines := make([]Line, len(d.Reverses.Lines))
		for i, l := range d.Reverses.Lines {
			lines[i] = Line{l.Account, l.Amount.Neg()}
		}
		return lines
	}
	if d.Lines != nil {
		return d.Lines
	}
	against, debit := d.Kind.against()
	if debit {
		return []Line{{AccountReceivable, d.Amount}, {against, d.Amount.Neg()}}
	}
	return []Line{{AccountReceivable, d.Amount.Neg()}, {against, d.Amount}}
}

// against is the account that a kind moves against the receivable one, and whether it
// debits the customer.
func (k Kind) against() (account Account, debit bool) {
	switch k {
	case KindInvoice, KindDebitNote:
		return AccountSales, true
	case KindLateInterest:
		return AccountFinanceIncome, true
	case KindFee:
		return AccountFeeIncome, true
	case KindRefund, KindChargeback:
		return AccountCash, true
	case KindDishonouredBill:
		return AccountNotesReceivable, true
	case KindReceipt, KindAdvance:
		return AccountCash, false
	case KindBill:
		return AccountNotesReceivable, false
	case KindCreditNote:
		return AccountSales, false
	case KindContra:
		return AccountPayable, false
	case KindWriteOff:
		return AccountAllowance, false
	case KindDiscount:
		return AccountSalesDiscount, false
	case KindDepositUse:
		return AccountDeposits, false
	default:
		panic("ledger: entries of kind " + string(k) + " name their lines")
	}
}

// receivable is what lines move on the receivable account.
func receivable(lines []Line) money.Money {
	sum := money.Zero(lines[0].Amount.Currency)
	for _, l := range lines {
		if l.Account == AccountReceivable {
			sum = sum.Add(l.Amount)
		}
	}
	return sum
}

// Balanced says whether the lines of every currency sum to zero.
func Balanced(lines []Line) bool {
	sums := map[string]int64{}
	for _, l := range lines {
		sums[l.Amount.Currency] += l.Amount.Minor
	}
	for _, s := range sums {
		if s != 0 {
			return false
		}
	}
	return len(lines) >= 2
}

// Canonical gives the bytes that the entry's hash covers: every field but the hashes.
func (e Entry) Canonical() []byte {
	var c Canon
	c.Text("aval.receivables.ledger.v1", e.CustomerID, string(e.Kind))
	c.Int(e.Sequence, e.Amount.Minor, e.Balance.Minor, e.Reverses, e.CreateTime.UnixMicro())
	c.Text(e.EntryDate.String(), e.PostDate.String(), e.DocumentID, e.Amount.Currency, e.Text, e.PostedBy)
	c.Bytes(e.DocumentDigest)
	c.Int(int64(len(e.Lines)))
	for _, l := range e.Lines {
		c.Text(string(l.Account), l.Amount.Currency)
		c.Int(l.Amount.Minor)
	}
	return c.Sum()
}

// Canon builds canonical bytes: each field with its length, so that no two
// different contents give the same bytes.
type Canon struct{ b []byte }

// Bytes adds raw fields.
func (c *Canon) Bytes(fields ...[]byte) {
	for _, f := range fields {
		c.b = binary.BigEndian.AppendUint32(c.b, uint32(len(f))) //nolint:gosec // fields are bounded by the contract
		c.b = append(c.b, f...)
	}
}

// Text adds text fields.
func (c *Canon) Text(fields ...string) {
	for _, f := range fields {
		c.b = binary.BigEndian.AppendUint32(c.b, uint32(len(f))) //nolint:gosec // fields are bounded by the contract
		c.b = append(c.b, f...)
	}
}

// Int adds numbers.
func (c *Canon) Int(fields ...int64) {
	for _, f := range fields {
		c.b = binary.BigEndian.AppendUint64(c.b, uint64(f)) //nolint:gosec // two's complement on purpose
	}
}

// Sum returns what was added.
func (c *Canon) Sum() []byte { return c.b }
