package postgres

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/avalcredit/aval/pkg/audit"
	"github.com/avalcredit/aval/pkg/calendar"
	"github.com/avalcredit/aval/pkg/errs"
	"github.com/avalcredit/aval/pkg/pg"
	"github.com/avalcredit/aval/services/receivables/internal/invoice"
	"github.com/avalcredit/aval/services/receivables/internal/ledger"
	"github.com/avalcredit/aval/services/receivables/internal/period"
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
	tx         pgx.Tx
	q          *db.Queries
	act        Act
	customerID string
	currency   string
	head       ledger.Head
	appSeq     int64
	appHash    []byte
	// newest and oldest are the dates of what was posted and applied under this lock; none: nothing was.
	newest, oldest calendar.Date
	// before is where the account's entries and applications ended when it was locked.
	before struct{ entry, application int64 }
	// touched are the items and credits that changed since.
	touched []string
	// ladder is kept here where many accounts are posted to at once; nil: it is folded from the balances at the end.
	ladder *dueLadder
	// closedUntil is the last day on which nothing is posted any more; none: all are open.
	closedUntil calendar.Date
	// ended are accounts that go on in this one, as far as documents in their ledgers were reversed.
	ended map[string]*Account
}

// LockAccount opens the customer's account at its first use, in the currency of the
// profile, and locks it: a customer's writes take turns here.
func LockAccount(ctx context.Context, tx pgx.Tx, c Customer, act Act) (*Account, error) {
	q := db.New(tx)
	row, err := lockOne(ctx, q, c)
	if err != nil {
		return nil, err
	}
	closed, err := closedUntil(ctx, q)
	if err != nil {
		return nil, err
	}
	a := accountOf(tx, q, act, row)
	a.closedUntil = closed
	return a, nil
}

// lockOne locks the account, or the one that it goes on in since their files were merged.
func lockOne(ctx context.Context, q *db.Queries, c Customer) (db.Account, error) {
	row, err := q.LockAccount(ctx, c.ID)
	if errs.KindOf(pg.Err(err)) != errs.NotFound {
		return row, pg.Err(err)
	}
	into, err := q.GoesOnIn(ctx, c.ID)
	if err == nil {
		c.ID = into
		return lockOne(ctx, q, c)
	}
	if errs.KindOf(pg.Err(err)) != errs.NotFound {
		return row, pg.Err(err)
	}
	if err := q.EnsureAccount(ctx, db.EnsureAccountParams{CustomerID: c.ID, Currency: c.Currency, LedgerHash: audit.Genesis()}); err != nil {
		return row, pg.Err(err)
	}
	row, err = q.LockAccount(ctx, c.ID)
	return row, pg.Err(err)
}

// CustomerID is whose account it is.
func (a *Account) CustomerID() string { return a.customerID }

// ledgerOf is the account in whose ledger a document stands: this one, or one that goes on in it.
func (a *Account) ledgerOf(ctx context.Context, customerID string) (*Account, error) {
	if customerID == a.customerID {
		return a, nil
	}
	if have := a.ended[customerID]; have != nil {
		return have, nil
	}
	row, err := a.q.LockEndedAccount(ctx, customerID)
	if err != nil {
		return nil, pg.Err(err)
	}
	other := accountOf(a.tx, a.q, a.act, row)
	other.closedUntil = a.closedUntil
	if a.ended == nil {
		a.ended = map[string]*Account{}
	}
	a.ended[customerID] = other
	return other, nil
}

func accountOf(tx pgx.Tx, q *db.Queries, act Act, row db.Account) *Account {
	a := &Account{
		tx: tx, q: q, act: act, customerID: row.CustomerID, currency: row.Currency,
		head:   ledger.Head{Sequence: row.LedgerSequence, Balance: cash(row.Balance, row.Currency), Hash: row.LedgerHash},
		appSeq: row.ApplicationSequence, appHash: row.ApplicationHash,
	}
	a.before.entry, a.before.application = row.LedgerSequence, row.ApplicationSequence
	return a
}

// dated notes the date of what is posted or applied.
func (a *Account) dated(d calendar.Date) {
	a.newest = invoice.Latest(a.newest, d)
	if a.oldest.IsZero() || d.Before(a.oldest) {
		a.oldest = d
	}
}

// Currency of the account.
func (a *Account) Currency() string { return a.currency }

// Save writes the account's heads, its due ladder, and what moved of all that is open; call it once, at the end.
func (a *Account) Save(ctx context.Context) error {
	for _, other := range a.ended {
		if !other.newest.IsZero() {
			a.dated(other.newest)
			a.dated(other.oldest)
		}
		other.newest = calendar.Date{} // its ladder is this one's
		if err := other.Save(ctx); err != nil {
			return err
		}
	}
	err := a.q.SaveAccount(ctx, db.SaveAccountParams{
		CustomerID: a.customerID, LedgerSequence: a.head.Sequence, LedgerHash: a.head.Hash, Balance: a.head.Balance.Minor,
		ApplicationSequence: a.appSeq, ApplicationHash: a.appHash,
	})
	if err != nil || a.newest.IsZero() {
		return pg.Err(err)
	}
	if len(a.touched) > 0 {
		err = a.q.AddOpenMoves(ctx, a.movesSince())
		if err != nil {
			return pg.Err(err)
		}
	}
	return pg.Err(a.q.SaveLadders(ctx, db.SaveLaddersParams{
		CustomerIds: []string{a.customerID}, Dates: []calendar.Date{a.newest}, OldestDates: []calendar.Date{a.oldest},
	}))
}

// movesSince asks for what moved of the documents that changed since the account, and those that go on in it, were locked.
func (a *Account) movesSince() db.AddOpenMovesParams {
	p := db.AddOpenMovesParams{
		Accounts: []string{a.customerID}, Entries: []int64{a.before.entry}, Applications: []int64{a.before.application}, Documents: a.touched,
	}
	for id, other := range a.ended {
		p.Accounts, p.Entries, p.Applications = append(p.Accounts, id), append(p.Entries, other.before.entry), append(p.Applications, other.before.application)
	}
	return p
}

func (a *Account) post(ctx context.Context, d ledger.Document) (ledger.Entry, error) {
	e, head, err := a.next(d)
	if err != nil {
		return ledger.Entry{}, err
	}
	if err := a.q.AddLedgerEntry(ctx, db.AddLedgerEntryParams(entryRow(e))); err != nil {
		return ledger.Entry{}, pg.Err(err)
	}
	a.head = head
	return e, nil
}

// next makes the entry that follows, and the head after it.
func (a *Account) next(d ledger.Document) (ledger.Entry, ledger.Head, error) {
	if err := period.Check(a.closedUntil, d.EntryDate, dateField(d.Kind)); err != nil {
		return ledger.Entry{}, a.head, err
	}
	a.dated(d.EntryDate)
	d.PostDate, d.PostedBy, d.CreateTime = a.act.Today, a.act.Actor, a.act.Now
	return ledger.Post(a.head, a.customerID, d, audit.Link)
}

// dateField is the field of a request that says from when a document counts.
func dateField(k ledger.Kind) string {
	switch k {
	case ledger.KindInvoice:
		return "invoice.invoice_date"
	case ledger.KindReceipt, ledger.KindAdvance, ledger.KindBill:
		return "receipt.receipt_date"
	default:
		return "document.document_date"
	}
}

// reverse takes back the entry of a document.
func (a *Account) reverse(ctx context.Context, r reversal) (ledger.Entry, error) {
	of, err := a.ledgerOf(ctx, r.customerID)
	if err != nil {
		return ledger.Entry{}, err
	}
	row, err := a.q.LedgerEntry(ctx, db.LedgerEntryParams{CustomerID: r.customerID, Sequence: r.sequence})
	if err != nil {
		return ledger.Entry{}, pg.Err(err)
	}
	original := entry(row)
	return of.post(ctx, ledger.Document{
		Kind: ledger.KindReversal, ID: r.documentID, EntryDate: r.on, Digest: digest(r.canonical), Text: r.text, Reverses: &original,
	})
}

type reversal struct {
	customerID string // in whose ledger the document stands
	documentID string
	sequence   int64 // of the entry taken back
	on         calendar.Date
	text       string
	canonical  []byte
}

// AddInvoice posts an invoice. Errors: AlreadyExists INVOICE_EXISTS.
func (a *Account) AddInvoice(ctx context.Context, i invoice.Invoice) error {
	e, err := a.post(ctx, entryOf(i))
	if err != nil {
		return err
	}
	if err := a.q.AddInvoice(ctx, db.AddInvoiceParams(invoiceRow(i, e.Sequence))); err != nil {
		return invoiceExists(err)
	}
	return invoiceExists(a.addItems(ctx, itemsOf(i, e.Sequence)))
}

// entryOf is the entry that an invoice makes.
func entryOf(i invoice.Invoice) ledger.Document {
	return ledger.Document{
		Kind: ledger.KindInvoice, ID: i.ID, EntryDate: i.Date, Amount: i.Amount, Digest: digest(i.Canonical()), Text: "invoice " + i.ID,
	}
}

func invoiceRow(i invoice.Invoice, sequence int64) db.Invoice {
	return db.Invoice{
		InvoiceID: i.ID, CustomerID: i.CustomerID, OrderID: i.OrderID, InvoiceDate: i.Date, DueDate: i.DueDate,
		Currency: i.Amount.Currency, Amount: i.Amount.Minor, Salesperson: i.Salesperson, Reference: i.Reference,
		PostDate: i.PostDate, CreatedAt: i.CreateTime, LedgerSequence: sequence, UnitID: i.UnitID,
		Instalments: int16(len(i.Instalments)), //nolint:gosec // bounded by the contract
	}
}

// itemsOf are the items of an invoice, one an instalment.
func itemsOf(i invoice.Invoice, sequence int64) []db.Item {
	out := make([]db.Item, len(i.Instalments))
	for n, p := range i.Instalments {
		out[n] = db.Item{
			ItemID: p.ItemID, CustomerID: i.CustomerID, DocumentKind: string(ledger.KindInvoice), DocumentID: i.ID,
			Instalment: int16(n + 1), OrderID: i.OrderID, DocumentDate: i.Date, DueDate: p.DueDate,
			Currency: p.Amount.Currency, Amount: p.Amount.Minor, Salesperson: i.Salesperson, UnitID: i.UnitID,
			PostDate: i.PostDate, LedgerSequence: sequence,
		}
	}
	return out
}

// invoiceExists names the invoice whose number, or whose instalment's, is taken.
func invoiceExists(err error) error {
	id, taken := takenKey(err, "invoices_pkey", "items_pkey")
	if !taken {
		return pg.Err(err)
	}
	return errs.New(errs.AlreadyExists, "INVOICE_EXISTS", "a document %s was posted before", id).With("invoice_id", id)
}

// addItems writes the items of one document with their balances.
func (a *Account) addItems(ctx context.Context, items []db.Item) error {
	first := items[0]
	p := db.AddItemsParams{
		CustomerID: first.CustomerID, DocumentKind: first.DocumentKind, DocumentID: first.DocumentID, OrderID: first.OrderID,
		DocumentDate: first.DocumentDate, Currency: first.Currency, Salesperson: first.Salesperson, UnitID: first.UnitID,
		PostDate: first.PostDate, LedgerSequence: first.LedgerSequence,
	}
	for _, i := range items {
		p.ItemIds, p.Instalments = append(p.ItemIds, i.ItemID), append(p.Instalments, i.Instalment)
		p.DueDates, p.Amounts = append(p.DueDates, i.DueDate), append(p.Amounts, i.Amount)
	}
	if err := a.q.AddItems(ctx, p); err != nil {
		return err
	}
	a.touched = append(a.touched, p.ItemIds...)
	return a.q.AddItemBalances(ctx, db.AddItemBalancesParams{
		ItemIds: p.ItemIds, CustomerID: p.CustomerID, DueDates: p.DueDates, Amounts: p.Amounts,
	})
}

// AddReceipt posts a receipt. Errors: AlreadyExists RECEIPT_EXISTS.
func (a *Account) AddReceipt(ctx context.Context, r receipt.Receipt) error {
	e, err := a.post(ctx, ledger.Document{
		Kind: r.Kind(), ID: r.ID, EntryDate: r.Date, Amount: r.Amount, Digest: digest(r.Canonical()), Text: "receipt " + r.ID,
	})
	if err != nil {
		return err
	}
	err = a.q.AddReceipt(ctx, db.AddReceiptParams{
		ReceiptID: r.ID, CustomerID: r.CustomerID, ReceiptDate: r.Date, Currency: r.Amount.Currency, Amount: r.Amount.Minor,
		Instrument: string(r.Instrument), Reference: r.Reference, PostDate: r.PostDate, CreatedAt: r.CreateTime, LedgerSequence: e.Sequence,
		PaymentNoticeID: orNull(r.NoticeID), OrderID: r.OrderID,
	})
	if pg.IsUnique(err, "receipts_pkey") {
		return errs.New(errs.AlreadyExists, "RECEIPT_EXISTS", "receipt %s was posted before", r.ID).With("receipt_id", r.ID)
	}
	if err != nil {
		return pg.Err(err)
	}
	err = a.addCredit(ctx, db.AddCreditParams{
		CreditID: r.ID, CustomerID: r.CustomerID, Kind: string(e.Kind), OrderID: r.OrderID, CreditDate: r.Date, Currency: r.Amount.Currency,
		Amount: r.Amount.Minor, PostDate: r.PostDate, LedgerSequence: e.Sequence,
	})
	if err != nil {
		return err
	}
	if err := a.addBill(ctx, r); err != nil {
		return err
	}
	return a.foldNotice(ctx, r.NoticeID)
}

// addCredit writes the money of a credit document with its balance. Errors: AlreadyExists
// RECEIPT_EXISTS.
func (a *Account) addCredit(ctx context.Context, c db.AddCreditParams) error {
	err := a.q.AddCredit(ctx, c)
	if id, taken := takenKey(err, "credits_pkey"); taken {
		return errs.New(errs.AlreadyExists, "RECEIPT_EXISTS", "a document %s was posted before", id).With("receipt_id", id)
	}
	if err != nil {
		return pg.Err(err)
	}
	a.touched = append(a.touched, c.CreditID)
	return pg.Err(a.q.AddCreditBalance(ctx, db.AddCreditBalanceParams{CreditID: c.CreditID, CustomerID: c.CustomerID, Unapplied: c.Amount}))
}

// Reversal is the taking back of a document.
type Reversal struct {
	On     calendar.Date
	Reason string
	// MemoID is the credit memo by which a debit document is taken back; empty of other documents, and of an invoice that its ERP cancelled.
	MemoID string
}

// ReverseInvoice takes an invoice back; what was applied to it must be undone before.
func (a *Account) ReverseInvoice(ctx context.Context, d InvoiceDocument, r Reversal) error {
	e, err := a.reverse(ctx, reversal{
		customerID: d.CustomerID, documentID: d.ID, sequence: d.LedgerSequence, on: r.On, text: "reversal of invoice " + d.ID + ": " + r.Reason, canonical: d.Canonical(),
	})
	if err != nil {
		return err
	}
	return a.closeItems(ctx, d.ItemIDs(), e, r)
}

// closeItems records the reversal of a document's items; nothing of them is open after it.
func (a *Account) closeItems(ctx context.Context, ids []string, e ledger.Entry, r Reversal) error {
	err := a.q.AddItemReversals(ctx, db.AddItemReversalsParams{
		ItemIds: ids, CustomerID: e.CustomerID, ReverseDate: r.On, Reason: r.Reason, ReversedBy: a.act.Actor,
		CreatedAt: a.act.Now, LedgerSequence: e.Sequence, MemoID: r.MemoID,
	})
	if err != nil {
		return pg.Err(err)
	}
	a.touched = append(a.touched, ids...)
	return pg.Err(a.q.CloseItems(ctx, ids))
}

// ReverseReceipt takes a receipt back; what it was applied to must be undone before.
func (a *Account) ReverseReceipt(ctx context.Context, d ReceiptDocument, r Reversal) error {
	e, err := a.reverse(ctx, reversal{
		customerID: d.CustomerID, documentID: d.ID, sequence: d.LedgerSequence, on: r.On, text: "reversal of receipt " + d.ID + ": " + r.Reason, canonical: d.Canonical(),
	})
	if err != nil {
		return err
	}
	if err := a.closeCredit(ctx, d.ID, e, r); err != nil {
		return err
	}
	if d.Bill != nil {
		if err := a.moveLeft(ctx, d.ID, d.Amount.Neg()); err != nil {
			return err
		}
	}
	return a.foldNotice(ctx, d.NoticeID)
}

// closeCredit records the reversal of a credit document; nothing of it is left after it.
func (a *Account) closeCredit(ctx context.Context, id string, e ledger.Entry, r Reversal) error {
	err := a.q.AddCreditReversal(ctx, db.AddCreditReversalParams{
		CreditID: id, CustomerID: e.CustomerID, ReverseDate: r.On, Reason: r.Reason, ReversedBy: a.act.Actor,
		CreatedAt: a.act.Now, LedgerSequence: e.Sequence,
	})
	if err != nil {
		return pg.Err(err)
	}
	a.touched = append(a.touched, id)
	return pg.Err(a.q.CloseCredit(ctx, id))
}

// Apply records applications and moves the balances of items and credits.
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
		p.CreditIds = append(p.CreditIds, app.CreditID)
		p.ItemIds = append(p.ItemIds, app.ItemID)
		p.Amounts = append(p.Amounts, app.Amount.Minor)
		p.Dates = append(p.Dates, app.Date)
		a.dated(app.Date)
		p.Prevs = append(p.Prevs, prev)
		p.Hashes = append(p.Hashes, a.appHash)
	}
	if err := a.q.AddApplications(ctx, p); err != nil {
		return pg.Err(err)
	}
	a.touched = append(append(a.touched, p.CreditIds...), p.ItemIds...)
	if err := a.q.ApplyToItems(ctx, db.ApplyToItemsParams{ItemIds: p.ItemIds, Amounts: p.Amounts, Dates: p.Dates}); err != nil {
		return pg.Err(err)
	}
	return pg.Err(a.q.ApplyToCredits(ctx, db.ApplyToCreditsParams{CreditIds: p.CreditIds, Amounts: p.Amounts, Dates: p.Dates}))
}

type applicationRow struct {
	invoice.Application
	customerID string
	sequence   int64
	act        Act
}

func (r applicationRow) canonical() []byte {
	var c ledger.Canon
	c.Text("aval.receivables.application.v1", r.customerID, r.CreditID, r.ItemID, r.Amount.Currency,
		r.Date.String(), r.act.Today.String(), r.act.Actor)
	c.Int(r.sequence, r.Amount.Minor, r.act.Now.UnixMicro())
	return c.Sum()
}
