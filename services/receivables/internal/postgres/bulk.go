package postgres

import (
	"context"

	"github.com/jackc/pgx/v5"

	"github.com/avalcredit/aval/pkg/audit"
	"github.com/avalcredit/aval/pkg/calendar"
	"github.com/avalcredit/aval/pkg/pg"
	"github.com/avalcredit/aval/services/receivables/internal/invoice"
	"github.com/avalcredit/aval/services/receivables/internal/postgres/db"
)

// Accounts are the accounts of many customers, locked until the transaction ends: what is
// posted to them goes to the database as a few sets, whatever their number.
type Accounts struct {
	tx   pgx.Tx
	q    *db.Queries
	act  Act
	list []*Account // by customer
	byID map[string]*Account
	// opened is what the items add to what is open.
	opened map[openKey]openSum
}

// openKey and openSum: what is open of items from a day on, by due date.
type openKey struct {
	currency string
	on, due  calendar.Date
}

type openSum struct{ amount, items int64 }

// LockAccounts opens accounts at their first use and locks them in one order, so that two
// writers of many accounts do not wait for each other.
func LockAccounts(ctx context.Context, tx pgx.Tx, customerIDs []string, act Act) (*Accounts, error) {
	q := db.New(tx)
	rows, err := q.LockAccounts(ctx, customerIDs)
	if err != nil {
		return nil, pg.Err(err)
	}
	if len(rows) < len(customerIDs) {
		if err := q.EnsureAccounts(ctx, db.EnsureAccountsParams{Ids: customerIDs, Genesis: audit.Genesis()}); err != nil {
			return nil, pg.Err(err)
		}
		if rows, err = q.LockAccounts(ctx, customerIDs); err != nil {
			return nil, pg.Err(err)
		}
	}
	closed, err := closedUntil(ctx, q)
	if err != nil {
		return nil, err
	}
	a := &Accounts{tx: tx, q: q, act: act, byID: make(map[string]*Account, len(rows)), opened: map[openKey]openSum{}}
	for _, r := range rows {
		account := accountOf(tx, q, act, r)
		account.closedUntil = closed
		account.ladder = &dueLadder{db.DueLadder{Currency: account.currency}}
		a.list, a.byID[r.CustomerID] = append(a.list, account), account
	}
	ladders, err := q.LaddersOf(ctx, customerIDs) // after the lock: what they are now
	for _, l := range ladders {
		a.byID[l.CustomerID].ladder = &dueLadder{l}
	}
	return a, pg.Err(err)
}

// Of is the account of one of the customers.
func (a *Accounts) Of(customerID string) *Account { return a.byID[customerID] }

var ( // columns in the order in which they are written below; constant
	entryColumns = []string{
		"customer_id", "sequence", "kind", "entry_date", "post_date", "document_id", "currency", "amount", "balance",
		"text", "posted_by", "created_at", "document_digest", "prev", "hash", "accounts", "amounts",
	}
	invoiceColumns = []string{
		"invoice_id", "customer_id", "order_id", "invoice_date", "due_date", "currency", "amount", "salesperson",
		"reference", "post_date", "created_at", "ledger_sequence", "unit_id", "instalments",
	}
	itemColumns = []string{
		"item_id", "customer_id", "document_kind", "document_id", "instalment", "order_id", "document_date", "due_date",
		"currency", "amount", "salesperson", "unit_id", "post_date", "ledger_sequence",
	}
	balanceColumns = []string{"item_id", "customer_id", "due_date", "open"}
)

// AddInvoices posts invoices of these customers, each customer's in their order. It says
// which of them an error is of; none: of the whole. Errors: AlreadyExists INVOICE_EXISTS,
// FailedPrecondition PERIOD_CLOSED.
func (a *Accounts) AddInvoices(ctx context.Context, list []invoice.Invoice) (at int, err error) {
	sequences, at, err := a.addEntries(ctx, list)
	if err != nil {
		return at, err
	}
	items := make([]db.Item, 0, len(list))
	for i, inv := range list {
		items = append(items, itemsOf(inv, sequences[i])...)
	}
	for _, set := range []struct {
		table   string
		columns []string
		rows    int
		row     func(i int, r *pg.Row) error
	}{
		{"invoices", invoiceColumns, len(list), func(i int, r *pg.Row) error { return writeInvoice(r, invoiceRow(list[i], sequences[i])) }},
		{"items", itemColumns, len(items), func(i int, r *pg.Row) error { return writeItem(r, items[i]) }},
		{"item_balances", balanceColumns, len(items), func(i int, r *pg.Row) error { return writeBalance(r, items[i]) }},
	} {
		if err := pg.CopyRows(ctx, a.tx, set.table, set.columns, set.rows, set.row); err != nil {
			return -1, invoiceExists(err)
		}
	}
	for _, i := range items {
		k := openKey{i.Currency, i.DocumentDate, i.DueDate}
		a.opened[k] = openSum{a.opened[k].amount + i.Amount, a.opened[k].items + 1}
		a.byID[i.CustomerID].ladder.add(i.DueDate, i.Amount)
	}
	return -1, nil
}

// addEntries writes the entries of invoices, a customer's after one another: so they stand together, and each finds the one
// before it beside itself. They are hashed while the database takes those before. It returns their sequences.
func (a *Accounts) addEntries(ctx context.Context, list []invoice.Invoice) (sequences []int64, at int, err error) {
	of := make(map[string][]int, len(a.list))
	for i, inv := range list {
		of[inv.CustomerID] = append(of[inv.CustomerID], i)
	}
	order := make([]int, 0, len(list))
	for _, account := range a.list {
		order = append(order, of[account.customerID]...)
	}
	sequences, at = make([]int64, len(list)), -1
	err = pg.CopyRows(ctx, a.tx, "ledger_entries", entryColumns, len(order), func(n int, r *pg.Row) error {
		i := order[n]
		account := a.byID[list[i].CustomerID]
		e, head, err := account.next(entryOf(list[i]))
		if err != nil {
			at = i
			return err
		}
		account.head, sequences[i] = head, e.Sequence
		return writeEntry(r, entryRow(e))
	})
	return sequences, at, err
}

func writeEntry(r *pg.Row, e db.LedgerEntry) error {
	r.Text(e.CustomerID)
	r.Int8(e.Sequence)
	r.Text(e.Kind)
	r.Date(e.EntryDate)
	r.Date(e.PostDate)
	r.Text(e.DocumentID)
	r.Text(e.Currency)
	r.Int8(e.Amount)
	r.Int8(e.Balance)
	r.Text(e.Text)
	r.Text(e.PostedBy)
	r.Time(e.CreatedAt)
	r.Bytes(e.DocumentDigest)
	r.Bytes(e.Prev)
	r.Bytes(e.Hash)
	r.Texts(e.Accounts)
	r.Int8s(e.Amounts)
	return nil
}

func writeInvoice(r *pg.Row, i db.Invoice) error {
	r.Text(i.InvoiceID)
	r.Text(i.CustomerID)
	r.Text(i.OrderID)
	r.Date(i.InvoiceDate)
	r.Date(i.DueDate)
	r.Text(i.Currency)
	r.Int8(i.Amount)
	r.Text(i.Salesperson)
	r.Text(i.Reference)
	r.Date(i.PostDate)
	r.Time(i.CreatedAt)
	r.Int8(i.LedgerSequence)
	r.Text(i.UnitID)
	r.Int2(i.Instalments)
	return nil
}

func writeItem(r *pg.Row, i db.Item) error {
	r.Text(i.ItemID)
	r.Text(i.CustomerID)
	r.Text(i.DocumentKind)
	r.Text(i.DocumentID)
	r.Int2(i.Instalment)
	r.Text(i.OrderID)
	r.Date(i.DocumentDate)
	r.Date(i.DueDate)
	r.Text(i.Currency)
	r.Int8(i.Amount)
	r.Text(i.Salesperson)
	r.Text(i.UnitID)
	r.Date(i.PostDate)
	r.Int8(i.LedgerSequence)
	return nil
}

func writeBalance(r *pg.Row, i db.Item) error {
	r.Text(i.ItemID)
	r.Text(i.CustomerID)
	r.Date(i.DueDate)
	r.Int8(i.Amount)
	return nil
}

// Save writes the accounts' ledger heads and due ladders, and what is open more; call it once, at the end.
func (a *Accounts) Save(ctx context.Context) error {
	var p db.SaveLedgerHeadsParams
	for _, account := range a.list {
		p.Ids, p.Sequences = append(p.Ids, account.customerID), append(p.Sequences, account.head.Sequence)
		p.Hashes, p.Balances = append(p.Hashes, account.head.Hash), append(p.Balances, account.head.Balance.Minor)
	}
	if err := a.q.SaveLedgerHeads(ctx, p); err != nil {
		return pg.Err(err)
	}
	if err := a.addOpened(ctx); err != nil {
		return pg.Err(err)
	}
	return pg.Err(a.q.WriteLadders(ctx, laddersToWrite(a.list)))
}

func (a *Accounts) addOpened(ctx context.Context) error {
	var p db.AddOpenItemsParams
	for k, s := range a.opened {
		p.Currencies, p.OnDates, p.DueDates = append(p.Currencies, k.currency), append(p.OnDates, k.on), append(p.DueDates, k.due)
		p.Amounts, p.Items = append(p.Amounts, s.amount), append(p.Items, s.items)
	}
	if len(p.Items) == 0 {
		return nil
	}
	return a.q.AddOpenItems(ctx, p)
}

// Standings are what the customers owe now.
func (a *Accounts) Standings(ctx context.Context) (map[string]Standing, error) {
	currencies := make(map[string]string, len(a.byID))
	out := make(map[string]Standing, len(a.byID))
	for id, account := range a.byID {
		currencies[id] = account.currency
		out[id] = Standing{Unapplied: cash(account.ladder.Unapplied, account.currency), Ladder: account.ladder.dues()}
	}
	return out, besides(ctx, a.tx, currencies, a.act.Today, out)
}
