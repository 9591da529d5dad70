package postgres

import (
	"context"

	"github.com/jackc/pgx/v5"

	"github.com/avalcredit/aval/pkg/calendar"
	"github.com/avalcredit/aval/pkg/errs"
	"github.com/avalcredit/aval/pkg/money"
	"github.com/avalcredit/aval/pkg/pg"
	"github.com/avalcredit/aval/services/receivables/internal/invoice"
	"github.com/avalcredit/aval/services/receivables/internal/ledger"
	"github.com/avalcredit/aval/services/receivables/internal/postgres/db"
	"github.com/avalcredit/aval/services/receivables/internal/receipt"
	"github.com/avalcredit/aval/services/receivables/internal/voucher"
)

// VoucherDocument is a voucher with what reversing it needs to know.
type VoucherDocument struct {
	voucher.Voucher
	LedgerSequence  int64
	LastApplication calendar.Date
}

// CreditDocument is the money of any credit document with where it stands.
type CreditDocument struct {
	ID, CustomerID, OrderID   string
	Kind                      ledger.Kind
	Date                      calendar.Date
	Amount, Unapplied         money.Money
	LastApplication, LastUndo calendar.Date
	Reversed                  bool
}

// NextSequence is the number that the customer's next entry will have.
func (a *Account) NextSequence() int64 { return a.head.Sequence + 1 }

// AddVoucher posts a voucher with the lines given (nil: those of its kind). Errors:
// AlreadyExists DOCUMENT_EXISTS.
func (a *Account) AddVoucher(ctx context.Context, v voucher.Voucher, lines []ledger.Line) error {
	e, err := a.post(ctx, ledger.Document{
		Kind: v.Kind, ID: v.ID, EntryDate: v.Date, Amount: v.Amount, Lines: lines, Digest: digest(v.Canonical()), Text: textOf(v),
	})
	if err != nil {
		return err
	}
	err = a.q.AddVoucher(ctx, db.AddVoucherParams{
		VoucherID: v.ID, CustomerID: v.CustomerID, Kind: string(v.Kind), VoucherDate: v.Date, DueDate: v.DueDate,
		Currency: v.Amount.Currency, Amount: v.Amount.Minor, Cost: v.Cost.Minor, Recourse: v.Recourse, OrderID: v.OrderID,
		About: v.About, Instrument: v.Instrument, Counterparty: v.Counterparty, Reference: v.Reference, Reason: v.Reason,
		MemoID: v.MemoID, Salesperson: v.Salesperson, UnitID: v.UnitID, PostDate: v.PostDate, CreatedAt: v.CreateTime,
		LedgerSequence: e.Sequence,
	})
	if err != nil {
		return documentExists(err)
	}
	switch {
	case voucher.IsDebit(v.Kind):
		err = documentExists(a.addItems(ctx, []db.Item{{
			ItemID: v.ID, CustomerID: v.CustomerID, DocumentKind: string(v.Kind), DocumentID: v.ID, Instalment: 1, OrderID: v.OrderID,
			DocumentDate: v.Date, DueDate: v.DueDate, Currency: v.Amount.Currency, Amount: v.Amount.Minor, Salesperson: v.Salesperson,
			UnitID: v.UnitID, PostDate: v.PostDate, LedgerSequence: e.Sequence,
		}}))
	case voucher.IsCredit(v.Kind):
		err = a.addCredit(ctx, db.AddCreditParams{
			CreditID: v.ID, CustomerID: v.CustomerID, Kind: string(v.Kind), OrderID: v.OrderID, CreditDate: v.Date,
			Currency: v.Amount.Currency, Amount: v.Amount.Minor, PostDate: v.PostDate, LedgerSequence: e.Sequence,
		})
	}
	if err != nil || !v.Left.IsPositive() {
		return err
	}
	return pg.Err(a.q.AddVoucherBalance(ctx, db.AddVoucherBalanceParams{
		DocumentID: v.ID, CustomerID: v.CustomerID, Kind: string(v.Kind), AmountLeft: v.Left.Minor,
	}))
}

func documentExists(err error) error {
	id, taken := takenKey(err, "vouchers_pkey", "items_pkey", "credits_pkey", "voucher_balances_pkey")
	if !taken {
		return pg.Err(err)
	}
	return errs.New(errs.AlreadyExists, "DOCUMENT_EXISTS", "a document %s was posted before", id).
		With("document_id", id).With("field", "document.document_id")
}

// textOf is what the entry of a voucher says.
func textOf(v voucher.Voucher) string {
	text := string(v.Kind) + " " + v.ID
	if v.About != "" {
		text += " about " + v.About
	}
	if v.Reason != "" {
		text += ": " + v.Reason
	}
	return text
}

// addBill writes the bill that a receipt by acceptance is.
func (a *Account) addBill(ctx context.Context, r receipt.Receipt) error {
	if r.Bill == nil {
		return nil
	}
	err := a.q.AddBill(ctx, db.AddBillParams{
		BillID: r.ID, CustomerID: r.CustomerID, BillNumber: r.Bill.Number, Drawer: r.Bill.Drawer, Acceptor: r.Bill.Acceptor,
		IssueDate: r.Bill.IssueDate, MaturityDate: r.Bill.MaturityDate,
	})
	if err != nil {
		return pg.Err(err)
	}
	return documentExists(a.q.AddVoucherBalance(ctx, db.AddVoucherBalanceParams{
		DocumentID: r.ID, CustomerID: r.CustomerID, Kind: string(r.Instrument), AmountLeft: r.Amount.Minor,
	}))
}

// moveLeft adds to what is left of a document that others draw on.
func (a *Account) moveLeft(ctx context.Context, id string, change money.Money) error {
	rows, err := a.q.MoveVoucherBalance(ctx, db.MoveVoucherBalanceParams{DocumentID: id, Change: change.Minor})
	if err == nil && rows != 1 {
		return errs.New(errs.Internal, "INTERNAL", "internal error").WithCause(errs.Field("document_id", "known", "%s has no balance", id))
	}
	return pg.Err(err)
}

// Draw takes an amount of what is left of a deposit, a write-off or a bill; a negative one gives it back.
func (a *Account) Draw(ctx context.Context, id string, amount money.Money) error {
	return a.moveLeft(ctx, id, amount.Neg())
}

// SumAbout is what the vouchers of a kind that are about a document, and stand, come to.
func (a *Account) SumAbout(ctx context.Context, id string, kind ledger.Kind) (money.Money, error) {
	minor, err := a.q.SumAbout(ctx, db.SumAboutParams{About: id, Kind: string(kind)})
	return cash(minor, a.currency), pg.Err(err)
}

// LastAbout is the newest date of the vouchers of a kind that are about one of these, and stand; none: there are none.
func (a *Account) LastAbout(ctx context.Context, kind ledger.Kind, ids ...string) (calendar.Date, error) {
	last, err := a.q.LastAbout(ctx, db.LastAboutParams{About: ids, Kind: string(kind)})
	return last, pg.Err(err)
}

// ReverseVoucher takes a voucher back; what was applied of it or to it must be undone before.
func (a *Account) ReverseVoucher(ctx context.Context, d VoucherDocument, r Reversal) error {
	e, err := a.reverse(ctx, reversal{
		customerID: d.CustomerID, documentID: d.ID, sequence: d.LedgerSequence, on: r.On, text: "reversal of " + string(d.Kind) + " " + d.ID + ": " + r.Reason,
		canonical: d.Canonical(),
	})
	if err != nil {
		return err
	}
	err = a.q.AddVoucherReversal(ctx, db.AddVoucherReversalParams{
		VoucherID: d.ID, CustomerID: e.CustomerID, ReverseDate: r.On, Reason: r.Reason, ReversedBy: a.act.Actor,
		CreatedAt: a.act.Now, LedgerSequence: e.Sequence,
	})
	if err != nil {
		return pg.Err(err)
	}
	switch {
	case voucher.IsDebit(d.Kind):
		err = a.closeItems(ctx, []string{d.ID}, e, r)
	case voucher.IsCredit(d.Kind):
		err = a.closeCredit(ctx, d.ID, e, r)
	}
	if err != nil || !d.Left.IsPositive() {
		return err
	}
	return a.moveLeft(ctx, d.ID, d.Left.Neg())
}

// Voucher returns a voucher. Errors: NotFound DOCUMENT_UNKNOWN.
func (s *Store) Voucher(ctx context.Context, id string) (VoucherDocument, error) {
	return voucherByID(ctx, s.q, id)
}

// Voucher reads a voucher under the account's lock.
func (a *Account) Voucher(ctx context.Context, id string) (VoucherDocument, error) {
	return voucherByID(ctx, a.q, id)
}

func voucherByID(ctx context.Context, q *db.Queries, id string) (VoucherDocument, error) {
	row, err := q.VoucherByID(ctx, id)
	if err != nil {
		return VoucherDocument{}, notFound(err, "DOCUMENT_UNKNOWN", "document", id)
	}
	return voucherDocument(row), nil
}

func voucherDocument(d db.VoucherDocument) VoucherDocument {
	return VoucherDocument{
		LedgerSequence: d.LedgerSequence, LastApplication: d.LastApplication,
		Voucher: voucher.Voucher{
			ID: d.VoucherID, CustomerID: d.CustomerID, Kind: ledger.Kind(d.Kind), Date: d.VoucherDate, DueDate: d.DueDate,
			Amount: cash(d.Amount, d.Currency), Cost: cash(d.Cost, d.Currency), Recourse: d.Recourse, OrderID: d.OrderID, About: d.About,
			Instrument: d.Instrument, Counterparty: d.Counterparty, Reference: d.Reference, Reason: d.Reason, MemoID: d.MemoID,
			Salesperson: d.Salesperson, UnitID: d.UnitID, PostDate: d.PostDate, CreateTime: d.CreatedAt.UTC(),
			Open: cash(d.Open, d.Currency), Unapplied: cash(d.Unapplied, d.Currency), Left: cash(d.AmountLeft, d.Currency),
			ReverseDate: d.ReverseDate,
		},
	}
}

// VoucherApplications returns what was applied of a voucher's money, or to what it asks for.
func (s *Store) VoucherApplications(ctx context.Context, v voucher.Voucher) ([]invoice.Application, error) {
	return voucherApplications(ctx, s.q, v)
}

// VoucherApplications is the same under the account's lock.
func (a *Account) VoucherApplications(ctx context.Context, v voucher.Voucher) ([]invoice.Application, error) {
	return voucherApplications(ctx, a.q, v)
}

func voucherApplications(ctx context.Context, q *db.Queries, v voucher.Voucher) ([]invoice.Application, error) {
	switch {
	case voucher.IsDebit(v.Kind):
		return itemApplications(ctx, q, []string{v.ID})
	case voucher.IsCredit(v.Kind):
		return creditApplications(ctx, q, v.ID)
	default:
		return nil, nil
	}
}

// Credit reads the money of any credit document under the account's lock. Errors: NotFound CREDIT_UNKNOWN.
func (a *Account) Credit(ctx context.Context, id string) (CreditDocument, error) {
	return creditByID(ctx, a.q, id)
}

// Credit reads the money of any credit document. Errors: NotFound CREDIT_UNKNOWN.
func (s *Store) Credit(ctx context.Context, id string) (CreditDocument, error) {
	return creditByID(ctx, s.q, id)
}

func creditByID(ctx context.Context, q *db.Queries, id string) (CreditDocument, error) {
	r, err := q.CreditByID(ctx, id)
	if err != nil {
		return CreditDocument{}, notFound(err, "CREDIT_UNKNOWN", "credit", id)
	}
	return CreditDocument{
		ID: r.CreditID, CustomerID: r.CustomerID, OrderID: r.OrderID, Kind: ledger.Kind(r.Kind), Date: r.CreditDate,
		Amount: cash(r.Amount, r.Currency), Unapplied: cash(r.Unapplied, r.Currency),
		LastApplication: r.LastApplication, LastUndo: r.LastUndo, Reversed: !r.ReverseDate.IsZero(),
	}, nil
}

// Bill reads a bill under the account's lock. Errors: NotFound BILL_UNKNOWN.
func (a *Account) Bill(ctx context.Context, id string) (voucher.Bill, error) {
	return billByID(ctx, a.q, id)
}

// Bill reads a bill. Errors: NotFound BILL_UNKNOWN.
func (s *Store) Bill(ctx context.Context, id string) (voucher.Bill, error) {
	return billByID(ctx, s.q, id)
}

func billByID(ctx context.Context, q *db.Queries, id string) (voucher.Bill, error) {
	row, err := q.BillByID(ctx, id)
	if err != nil {
		return voucher.Bill{}, notFound(err, "BILL_UNKNOWN", "bill", id)
	}
	return billDocument(row), nil
}

func billDocument(d db.BillDocument) voucher.Bill {
	return voucher.Bill{
		ID: d.BillID, CustomerID: d.CustomerID, ReceiptDate: d.ReceiptDate, Amount: cash(d.Amount, d.Currency), Instrument: d.Instrument,
		Number: d.BillNumber, Drawer: d.Drawer, Acceptor: d.Acceptor, IssueDate: d.IssueDate, MaturityDate: d.MaturityDate,
		LastAct: ledger.Kind(d.LastAct), LastActID: d.LastActID, LastActDate: d.LastActDate, PassedBy: ledger.Kind(d.PassedBy),
		PassedTo: d.PassedTo, Recourse: d.Recourse, Reversed: !d.ReverseDate.IsZero(),
	}
}

const vouchersSQL = `
SELECT d.* FROM voucher_documents d
WHERE ($1 = '' OR d.customer_id = ANY (accounts_under($1)))
  AND ($2 = '' OR d.kind = $2)
  AND ($3 = '' OR d.about = $3)
  AND ($4 = '' OR EXISTS (SELECT FROM account_owners c WHERE c.customer_id = d.customer_id AND c.salesperson = $4))
  AND ($5::timestamptz IS NULL OR (d.created_at, d.voucher_id) < ($5, $6))
ORDER BY d.created_at DESC, d.voucher_id DESC
LIMIT $7`

// Vouchers lists vouchers, newest first.
func (s *Store) Vouchers(ctx context.Context, q voucher.Query) ([]voucher.Voucher, error) {
	at, id := bounds(q.After)
	rows, err := s.pool.Query(ctx, vouchersSQL, q.CustomerID, string(q.Kind), q.About, q.Salesperson, at, id, q.Limit)
	if err != nil {
		return nil, pg.Err(err)
	}
	docs, err := pgx.CollectRows(rows, pgx.RowToStructByPos[db.VoucherDocument])
	out := make([]voucher.Voucher, len(docs))
	for i, d := range docs {
		out[i] = voucherDocument(d).Voucher
	}
	return out, pg.Err(err)
}

const billsSQL = `
SELECT d.* FROM bill_documents d
WHERE ($1 = '' OR d.customer_id = ANY (accounts_under($1)))
  AND (NOT $2 OR EXISTS (SELECT FROM voucher_balances b WHERE b.document_id = d.bill_id AND b.amount_left > 0))
  AND ($3 = '' OR EXISTS (SELECT FROM account_owners c WHERE c.customer_id = d.customer_id AND c.salesperson = $3))
  AND ($4::date IS NULL OR d.maturity_date <= $4)
  AND ($5 = '' OR (d.maturity_date, d.bill_id COLLATE "C") > ($6::date, $5))
ORDER BY d.maturity_date, d.bill_id COLLATE "C"
LIMIT $7`

// Bills lists bills by the day on which they fall due.
func (s *Store) Bills(ctx context.Context, q voucher.BillQuery) ([]voucher.Bill, error) {
	rows, err := s.pool.Query(ctx, billsSQL, q.CustomerID, q.AtRiskOnly, q.Salesperson, q.DueBy, q.AfterID, q.AfterDate, q.Limit)
	if err != nil {
		return nil, pg.Err(err)
	}
	docs, err := pgx.CollectRows(rows, pgx.RowToStructByPos[db.BillDocument])
	out := make([]voucher.Bill, len(docs))
	for i, d := range docs {
		out[i] = billDocument(d)
	}
	return out, pg.Err(err)
}
