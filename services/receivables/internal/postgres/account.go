package postgres

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/avalcredit/aval/pkg/audit"
	"github.com/avalcredit/aval/pkg/calendar"
	"github.com/avalcredit/aval/pkg/errs"
	"github.com/avalcredit/aval/pkg/money"
	"github.com/avalcredit/aval/pkg/pg"
	"github.com/avalcredit/aval/services/receivables/internal/invoice"
	"github.com/avalcredit/aval/services/receivables/internal/ledger"
	"github.com/avalcredit/aval/services/receivables/internal/position"
	"github.com/avalcredit/aval/services/receivables/internal/postgres/db"
	"github.com/avalcredit/aval/services/receivables/internal/receipt"
)

// Act is who does something, and when.
type Act struct {
	Actor string
	Today calendar.Date
	// Now has whole microseconds.
	Now time.Time
}

// Account is a customer's account, locked until the transaction ends.
type Account struct {
	q          *db.Queries
	act        Act
	customerID string
	currency   string
	head       ledger.Head
	appSeq     int64
	appHash    []byte
}

// LockAccount opens the customer's account at its first use, in the currency of the
// profile, and locks it: a customer's writes take turns here.
func LockAccount(ctx context.Context, tx pgx.Tx, c Customer, act Act) (*Account, error) {
	q := db.New(tx)
	row, err := q.LockAccount(ctx, c.ID)
	if pg.Err(err) != nil && errs.KindOf(pg.Err(err)) == errs.NotFound {
		err = q.EnsureAccount(ctx, db.EnsureAccountParams{CustomerID: c.ID, Currency: c.Currency, LedgerHash: audit.Genesis()})
		if err == nil {
			row, err = q.LockAccount(ctx, c.ID)
		}
	}
	if err != nil {
		return nil, pg.Err(err)
	}
	return &Account{
		q: q, act: act, customerID: c.ID, currency: row.Currency,
		head:   ledger.Head{Sequence: row.LedgerSequence, Balance: cash(row.Balance, row.Currency), Hash: row.LedgerHash},
		appSeq: row.ApplicationSequence, appHash: row.ApplicationHash,
	}, nil
}

// Currency of the account.
func (a *Account) Currency() string { return a.currency }

// Save writes the account's heads; call it once, at the end.
func (a *Account) Save(ctx context.Context) error {
	return pg.Err(a.q.SaveAccount(ctx, db.SaveAccountParams{
		CustomerID: a.customerID, LedgerSequence: a.head.Sequence, LedgerHash: a.head.Hash, Balance: a.head.Balance.Minor,
		ApplicationSequence: a.appSeq, ApplicationHash: a.appHash,
	}))
}

func (a *Account) post(ctx context.Context, d ledger.Document) (ledger.Entry, error) {
	d.PostDate, d.PostedBy, d.CreateTime = a.act.Today, a.act.Actor, a.act.Now
	e, head, err := ledger.Post(a.head, a.customerID, d, audit.Link)
	if err != nil {
		return ledger.Entry{}, err
	}
	var reverses *int64
	if e.Reverses != 0 {
		reverses = &e.Reverses
	}
	err = a.q.AddLedgerEntry(ctx, db.AddLedgerEntryParams{
		CustomerID: e.CustomerID, Sequence: e.Sequence, Kind: string(e.Kind), EntryDate: e.EntryDate, PostDate: e.PostDate,
		DocumentID: e.DocumentID, Currency: e.Amount.Currency, Amount: e.Amount.Minor, Balance: e.Balance.Minor,
		ReversesSequence: reverses, Text: e.Text, PostedBy: e.PostedBy, CreatedAt: e.CreateTime,
		DocumentDigest: e.DocumentDigest, Prev: e.Prev, Hash: e.Hash,
	})
	if err != nil {
		return ledger.Entry{}, pg.Err(err)
	}
	lines := db.AddLedgerLinesParams{CustomerID: e.CustomerID, Sequence: e.Sequence, Currency: e.Amount.Currency}
	for i, l := range e.Lines {
		lines.Lines = append(lines.Lines, int16(i+1))
		lines.Accounts = append(lines.Accounts, string(l.Account))
		lines.Amounts = append(lines.Amounts, l.Amount.Minor)
	}
	if err := a.q.AddLedgerLines(ctx, lines); err != nil {
		return ledger.Entry{}, pg.Err(err)
	}
	a.head = head
	return e, nil
}

// reverse takes back the entry of a document.
func (a *Account) reverse(ctx context.Context, r reversal) (ledger.Entry, error) {
	rows, err := a.q.LedgerLines(ctx, db.LedgerLinesParams{CustomerID: a.customerID, Sequence: r.sequence})
	if err != nil {
		return ledger.Entry{}, pg.Err(err)
	}
	original := ledger.Entry{Sequence: r.sequence}
	for _, l := range rows {
		original.Lines = append(original.Lines, ledger.Line{Account: ledger.Account(l.Account), Amount: cash(l.Amount, l.Currency)})
	}
	return a.post(ctx, ledger.Document{
		Kind: ledger.KindReversal, ID: r.documentID, EntryDate: r.on, Digest: digest(r.canonical), Text: r.text, Reverses: &original,
	})
}

type reversal struct {
	documentID string
	sequence   int64 // of the entry taken back
	on         calendar.Date
	text       string
	canonical  []byte
}

// AddInvoice posts an invoice. Errors: AlreadyExists INVOICE_EXISTS.
func (a *Account) AddInvoice(ctx context.Context, i invoice.Invoice) error {
	e, err := a.post(ctx, ledger.Document{
		Kind: ledger.KindInvoice, ID: i.ID, EntryDate: i.Date, Amount: i.Amount, Digest: digest(i.Canonical()), Text: "invoice " + i.ID,
	})
	if err != nil {
		return err
	}
	err = a.q.AddInvoice(ctx, db.AddInvoiceParams{
		InvoiceID: i.ID, CustomerID: i.CustomerID, OrderID: i.OrderID, InvoiceDate: i.Date, DueDate: i.DueDate,
		Currency: i.Amount.Currency, Amount: i.Amount.Minor, Salesperson: i.Salesperson, Reference: i.Reference,
		PostDate: i.PostDate, CreatedAt: i.CreateTime, LedgerSequence: e.Sequence,
	})
	if pg.IsUnique(err, "invoices_pkey") {
		return errs.New(errs.AlreadyExists, "INVOICE_EXISTS", "invoice %s was posted before", i.ID).With("invoice_id", i.ID)
	}
	if err != nil {
		return pg.Err(err)
	}
	return pg.Err(a.q.AddInvoiceBalance(ctx, db.AddInvoiceBalanceParams{
		InvoiceID: i.ID, CustomerID: i.CustomerID, DueDate: i.DueDate, Open: i.Amount.Minor,
	}))
}

// AddReceipt posts a receipt. Errors: AlreadyExists RECEIPT_EXISTS.
func (a *Account) AddReceipt(ctx context.Context, r receipt.Receipt) error {
	e, err := a.post(ctx, ledger.Document{
		Kind: ledger.KindReceipt, ID: r.ID, EntryDate: r.Date, Amount: r.Amount, Digest: digest(r.Canonical()), Text: "receipt " + r.ID,
	})
	if err != nil {
		return err
	}
	err = a.q.AddReceipt(ctx, db.AddReceiptParams{
		ReceiptID: r.ID, CustomerID: r.CustomerID, ReceiptDate: r.Date, Currency: r.Amount.Currency, Amount: r.Amount.Minor,
		Instrument: string(r.Instrument), Reference: r.Reference, PostDate: r.PostDate, CreatedAt: r.CreateTime, LedgerSequence: e.Sequence,
		PaymentNoticeID: orNull(r.NoticeID),
	})
	if pg.IsUnique(err, "receipts_pkey") {
		return errs.New(errs.AlreadyExists, "RECEIPT_EXISTS", "receipt %s was posted before", r.ID).With("receipt_id", r.ID)
	}
	if err != nil {
		return pg.Err(err)
	}
	err = a.q.AddReceiptBalance(ctx, db.AddReceiptBalanceParams{ReceiptID: r.ID, CustomerID: r.CustomerID, Unapplied: r.Amount.Minor})
	if err != nil {
		return pg.Err(err)
	}
	return a.foldNotice(ctx, r.NoticeID)
}

// Reversal is the taking back of a document.
type Reversal struct {
	On     calendar.Date
	Reason string
}

// ReverseInvoice takes an invoice back; what was applied to it must be undone before.
func (a *Account) ReverseInvoice(ctx context.Context, d InvoiceDocument, r Reversal) error {
	e, err := a.reverse(ctx, reversal{
		documentID: d.ID, sequence: d.LedgerSequence, on: r.On, text: "reversal of invoice " + d.ID + ": " + r.Reason, canonical: d.Canonical(),
	})
	if err != nil {
		return err
	}
	err = a.q.AddInvoiceReversal(ctx, db.AddInvoiceReversalParams{
		InvoiceID: d.ID, CustomerID: a.customerID, ReverseDate: r.On, Reason: r.Reason, ReversedBy: a.act.Actor,
		CreatedAt: a.act.Now, LedgerSequence: e.Sequence,
	})
	if err != nil {
		return pg.Err(err)
	}
	return pg.Err(a.q.CloseInvoice(ctx, d.ID))
}

// ReverseReceipt takes a receipt back; what it was applied to must be undone before.
func (a *Account) ReverseReceipt(ctx context.Context, d ReceiptDocument, r Reversal) error {
	e, err := a.reverse(ctx, reversal{
		documentID: d.ID, sequence: d.LedgerSequence, on: r.On, text: "reversal of receipt " + d.ID + ": " + r.Reason, canonical: d.Canonical(),
	})
	if err != nil {
		return err
	}
	err = a.q.AddReceiptReversal(ctx, db.AddReceiptReversalParams{
		ReceiptID: d.ID, CustomerID: a.customerID, ReverseDate: r.On, Reason: r.Reason, ReversedBy: a.act.Actor,
		CreatedAt: a.act.Now, LedgerSequence: e.Sequence,
	})
	if err != nil {
		return pg.Err(err)
	}
	if err := a.q.CloseReceipt(ctx, d.ID); err != nil {
		return pg.Err(err)
	}
	return a.foldNotice(ctx, d.NoticeID)
}

// Apply records applications and moves the balances of invoices and receipts.
func (a *Account) Apply(ctx context.Context, applications []invoice.Application) error {
	if len(applications) == 0 {
		return nil
	}
	p := db.AddApplicationsParams{
		CustomerID: a.customerID, Currency: a.currency, PostDate: a.act.Today, AppliedBy: a.act.Actor, CreatedAt: a.act.Now,
	}
	for _, app := range applications {
		a.appSeq++
		row := applicationRow{customerID: a.customerID, sequence: a.appSeq, Application: app, act: a.act}
		prev := a.appHash
		a.appHash = audit.Link(prev, row.canonical())
		p.Sequences = append(p.Sequences, a.appSeq)
		p.ReceiptIds = append(p.ReceiptIds, app.ReceiptID)
		p.InvoiceIds = append(p.InvoiceIds, app.InvoiceID)
		p.Amounts = append(p.Amounts, app.Amount.Minor)
		p.Dates = append(p.Dates, app.Date)
		p.Prevs = append(p.Prevs, prev)
		p.Hashes = append(p.Hashes, a.appHash)
	}
	if err := a.q.AddApplications(ctx, p); err != nil {
		return pg.Err(err)
	}
	if err := a.q.ApplyToInvoices(ctx, db.ApplyToInvoicesParams{InvoiceIds: p.InvoiceIds, Amounts: p.Amounts, Dates: p.Dates}); err != nil {
		return pg.Err(err)
	}
	return pg.Err(a.q.ApplyToReceipts(ctx, db.ApplyToReceiptsParams{ReceiptIds: p.ReceiptIds, Amounts: p.Amounts, Dates: p.Dates}))
}

type applicationRow struct {
	invoice.Application
	customerID string
	sequence   int64
	act        Act
}

func (r applicationRow) canonical() []byte {
	var c ledger.Canon
	c.Text("aval.receivables.application.v1", r.customerID, r.ReceiptID, r.InvoiceID, r.Amount.Currency,
		r.Date.String(), r.act.Today.String(), r.act.Actor)
	c.Int(r.sequence, r.Amount.Minor, r.act.Now.UnixMicro())
	return c.Sum()
}

// Position returns what is unapplied, what is open by due date, rising, and what payment notices are worth.
func (a *Account) Position(ctx context.Context) (money.Money, []position.Due, []position.Noticed, error) {
	rows, err := a.q.Ladder(ctx, a.customerID)
	if err != nil {
		return money.Money{}, nil, nil, pg.Err(err)
	}
	ladder := make([]position.Due, len(rows))
	for i, r := range rows {
		ladder[i] = position.Due{Date: r.DueDate, Amount: cash(r.Open, a.currency)}
	}
	unapplied, err := a.q.UnappliedOf(ctx, a.customerID)
	if err != nil {
		return money.Money{}, nil, nil, pg.Err(err)
	}
	noticed, err := a.noticed(ctx)
	return cash(unapplied, a.currency), ladder, noticed, err
}
