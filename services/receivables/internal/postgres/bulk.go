package postgres

import (
	"context"

	"github.com/jackc/pgx/v5"

	"github.com/avalcredit/aval/pkg/audit"
	"github.com/avalcredit/aval/pkg/calendar"
	"github.com/avalcredit/aval/pkg/pg"
	"github.com/avalcredit/aval/services/receivables/internal/invoice"
	"github.com/avalcredit/aval/services/receivables/internal/ledger"
	"github.com/avalcredit/aval/services/receivables/internal/postgres/db"
)

// Accounts are the accounts of many customers, locked until the transaction ends: what is
// posted to them goes to the database as a few sets, whatever their number.
type Accounts struct {
	tx   pgx.Tx
	q    *db.Queries
	act  Act
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
		a.byID[r.CustomerID] = account
	}
	return a, nil
}

// Of is the account of one of the customers.
func (a *Accounts) Of(customerID string) *Account { return a.byID[customerID] }

var ( // columns in the order of the rows below; constant
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
	entries := make([]ledger.Entry, len(list))
	items := make([]db.Item, 0, len(list))
	for i, inv := range list {
		account := a.byID[inv.CustomerID]
		e, head, err := account.next(entryOf(inv))
		if err != nil {
			return i, err
		}
		account.head, entries[i] = head, e
		items = append(items, itemsOf(inv, e.Sequence)...)
	}
	for _, i := range items {
		k := openKey{i.Currency, i.DocumentDate, i.DueDate}
		a.opened[k] = openSum{a.opened[k].amount + i.Amount, a.opened[k].items + 1}
	}
	for _, set := range []struct {
		table   string
		columns []string
		rows    int
		row     func(i int) []any
	}{
		{"ledger_entries", entryColumns, len(entries), func(i int) []any { return entryValues(entryRow(entries[i])) }},
		{"invoices", invoiceColumns, len(list), func(i int) []any { return invoiceValues(invoiceRow(list[i], entries[i].Sequence)) }},
		{"items", itemColumns, len(items), func(i int) []any { return itemValues(items[i]) }},
		{"item_balances", balanceColumns, len(items), func(i int) []any {
			return []any{items[i].ItemID, items[i].CustomerID, items[i].DueDate, items[i].Amount}
		}},
	} {
		rows := pgx.CopyFromSlice(set.rows, func(i int) ([]any, error) { return set.row(i), nil })
		if _, err := a.tx.CopyFrom(ctx, pgx.Identifier{set.table}, set.columns, rows); err != nil {
			return -1, invoiceExists(err)
		}
	}
	return -1, nil
}

func entryValues(e db.LedgerEntry) []any {
	return []any{
		e.CustomerID, e.Sequence, e.Kind, e.EntryDate, e.PostDate, e.DocumentID, e.Currency, e.Amount, e.Balance,
		e.Text, e.PostedBy, e.CreatedAt, e.DocumentDigest, e.Prev, e.Hash, e.Accounts, e.Amounts,
	}
}

func invoiceValues(i db.Invoice) []any {
	return []any{
		i.InvoiceID, i.CustomerID, i.OrderID, i.InvoiceDate, i.DueDate, i.Currency, i.Amount, i.Salesperson,
		i.Reference, i.PostDate, i.CreatedAt, i.LedgerSequence, i.UnitID, i.Instalments,
	}
}

func itemValues(i db.Item) []any {
	return []any{
		i.ItemID, i.CustomerID, i.DocumentKind, i.DocumentID, i.Instalment, i.OrderID, i.DocumentDate, i.DueDate,
		i.Currency, i.Amount, i.Salesperson, i.UnitID, i.PostDate, i.LedgerSequence,
	}
}

// Save writes the accounts' ledger heads and due ladders, and what is open more; call it once, at the end.
func (a *Accounts) Save(ctx context.Context) error {
	var p db.SaveLedgerHeadsParams
	var ladders db.SaveLaddersParams
	for id, account := range a.byID {
		p.Ids, p.Sequences = append(p.Ids, id), append(p.Sequences, account.head.Sequence)
		p.Hashes, p.Balances = append(p.Hashes, account.head.Hash), append(p.Balances, account.head.Balance.Minor)
		if !account.newest.IsZero() {
			ladders.CustomerIds, ladders.Dates = append(ladders.CustomerIds, id), append(ladders.Dates, account.newest)
			ladders.OldestDates = append(ladders.OldestDates, account.oldest)
		}
	}
	if err := a.q.SaveLedgerHeads(ctx, p); err != nil {
		return pg.Err(err)
	}
	if err := a.addOpened(ctx); err != nil {
		return pg.Err(err)
	}
	return pg.Err(a.q.SaveLadders(ctx, ladders))
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
	for id, account := range a.byID {
		currencies[id] = account.currency
	}
	return standings(ctx, a.tx, currencies, a.act.Today)
}
