package postgres

import (
	"bytes"
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"

	"github.com/avalcredit/aval/pkg/audit"
	"github.com/avalcredit/aval/pkg/pg"
	"github.com/avalcredit/aval/services/receivables/internal/invoice"
	"github.com/avalcredit/aval/services/receivables/internal/ledger"
	"github.com/avalcredit/aval/services/receivables/internal/postgres/db"
)

// customersABatch bounds a statement of the verification, and so its time.
const customersABatch = 200

// Verify recomputes every ledger and every chain of applications from the stored
// rows, holds documents to their entries, and balances to what they are a fold of.
func (s *Store) Verify(ctx context.Context) (ledger.Report, error) {
	var r ledger.Report
	err := pgx.BeginTxFunc(ctx, s.pool, pgx.TxOptions{IsoLevel: pgx.RepeatableRead, AccessMode: pgx.ReadOnly}, func(tx pgx.Tx) error {
		var err error
		r, err = VerifyIn(ctx, tx)
		return err
	})
	return r, pg.Err(err)
}

// VerifyIn is Verify on what a transaction sees.
func VerifyIn(ctx context.Context, tx pgx.Tx) (ledger.Report, error) {
	var r ledger.Report
	v := verifier{tx: tx, report: &r}
	for after := ""; ; {
		accounts, err := v.accounts(ctx, after)
		if err != nil || len(accounts) == 0 {
			return r, err
		}
		if err := v.batch(ctx, accounts); err != nil {
			return r, err
		}
		after = accounts[len(accounts)-1].CustomerID
	}
}

type verifier struct {
	tx     pgx.Tx
	report *ledger.Report
}

const accountsSQL = `SELECT * FROM accounts WHERE customer_id COLLATE "C" > $1 ORDER BY customer_id COLLATE "C" LIMIT $2`

func (v verifier) accounts(ctx context.Context, after string) ([]db.Account, error) {
	rows, err := v.tx.Query(ctx, accountsSQL, after, customersABatch)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowToStructByPos[db.Account])
}

func (v verifier) batch(ctx context.Context, accounts []db.Account) error {
	ids := make([]string, len(accounts))
	for i, a := range accounts {
		ids[i] = a.CustomerID
	}
	digests, err := v.digests(ctx, ids)
	if err != nil {
		return err
	}
	lines, err := v.lines(ctx, ids)
	if err != nil {
		return err
	}
	if err := v.ledgers(ctx, accounts, ids, lines, digests); err != nil {
		return err
	}
	if err := v.applications(ctx, accounts, ids); err != nil {
		return err
	}
	return v.balances(ctx, ids)
}

type entryKey struct {
	customer string
	sequence int64
}

// digests of the documents as they are stored now, by the entries of their posting.
func (v verifier) digests(ctx context.Context, ids []string) (map[entryKey][]byte, error) {
	out := map[entryKey][]byte{}
	rows, err := v.tx.Query(ctx, `SELECT * FROM invoice_documents WHERE customer_id = ANY ($1)`, ids)
	if err != nil {
		return nil, err
	}
	invoices, err := pgx.CollectRows(rows, pgx.RowToStructByPos[db.InvoiceDocument])
	if err != nil {
		return nil, err
	}
	for _, d := range invoices {
		out[entryKey{d.CustomerID, d.LedgerSequence}] = digest(invoiceDocument(d).Canonical())
	}
	rows, err = v.tx.Query(ctx, `SELECT * FROM receipt_documents WHERE customer_id = ANY ($1)`, ids)
	if err != nil {
		return nil, err
	}
	receipts, err := pgx.CollectRows(rows, pgx.RowToStructByPos[db.ReceiptDocument])
	for _, d := range receipts {
		out[entryKey{d.CustomerID, d.LedgerSequence}] = digest(receiptDocument(d).Canonical())
	}
	return out, err
}

func (v verifier) lines(ctx context.Context, ids []string) (map[entryKey][]ledger.Line, error) {
	rows, err := v.tx.Query(ctx, `SELECT customer_id, sequence, account, currency, amount FROM ledger_lines
		WHERE customer_id = ANY ($1) ORDER BY customer_id, sequence, line`, ids)
	if err != nil {
		return nil, err
	}
	out := map[entryKey][]ledger.Line{}
	var k entryKey
	var account, currency string
	var amount int64
	_, err = pgx.ForEachRow(rows, []any{&k.customer, &k.sequence, &account, &currency, &amount}, func() error {
		out[k] = append(out[k], ledger.Line{Account: ledger.Account(account), Amount: cash(amount, currency)})
		return nil
	})
	return out, err
}

func (v verifier) ledgers(ctx context.Context, accounts []db.Account, ids []string, lines map[entryKey][]ledger.Line, digests map[entryKey][]byte) error {
	rows, err := v.tx.Query(ctx, `SELECT * FROM ledger_entries WHERE customer_id = ANY ($1) ORDER BY customer_id, sequence`, ids)
	if err != nil {
		return err
	}
	entries, err := pgx.CollectRows(rows, pgx.RowToStructByPos[db.LedgerEntry])
	if err != nil {
		return err
	}
	byCustomer := map[string][]ledger.Entry{}
	for _, r := range entries {
		e := entry(r)
		e.Lines = lines[entryKey{e.CustomerID, e.Sequence}]
		byCustomer[e.CustomerID] = append(byCustomer[e.CustomerID], e)
	}
	for _, a := range accounts {
		w := ledger.NewWalker(audit.Link)
		chain := "ledger/" + a.CustomerID
		for _, e := range byCustomer[a.CustomerID] {
			of := e.Sequence
			if e.Reverses != 0 {
				of = e.Reverses
			}
			for _, problem := range w.Step(e, digests[entryKey{a.CustomerID, of}]) {
				v.report.Add(chain, e.Sequence, problem)
			}
		}
		head := ledger.Head{Sequence: a.LedgerSequence, Hash: a.LedgerHash, Balance: cash(a.Balance, a.Currency)}
		for _, problem := range w.Tail(a.CustomerID, head) {
			v.report.Add(chain, a.LedgerSequence, problem)
		}
		v.report.Chains, v.report.Entries = v.report.Chains+1, v.report.Entries+w.Entries
	}
	return nil
}

func (v verifier) applications(ctx context.Context, accounts []db.Account, ids []string) error {
	rows, err := v.tx.Query(ctx, `SELECT * FROM applications WHERE customer_id = ANY ($1) ORDER BY customer_id, sequence`, ids)
	if err != nil {
		return err
	}
	stored, err := pgx.CollectRows(rows, pgx.RowToStructByPos[db.Application])
	if err != nil {
		return err
	}
	type head struct {
		sequence int64
		hash     []byte
	}
	heads := map[string]head{}
	for _, a := range stored {
		last, ok := heads[a.CustomerID]
		if !ok {
			last.hash = audit.Genesis()
		}
		row := applicationRow{
			customerID: a.CustomerID, sequence: a.Sequence, act: Act{Actor: a.AppliedBy, Today: a.PostDate, Now: a.CreatedAt},
			Application: invoice.Application{ReceiptID: a.ReceiptID, InvoiceID: a.InvoiceID, Amount: cash(a.Amount, a.Currency), Date: a.ApplicationDate},
		}
		if a.Sequence != last.sequence+1 || !bytes.Equal(a.Prev, last.hash) || !bytes.Equal(audit.Link(a.Prev, row.canonical()), a.Hash) {
			v.report.Add("application/"+a.CustomerID, a.Sequence, "content does not give the hash, or does not follow the one before")
		}
		heads[a.CustomerID] = head{a.Sequence, a.Hash}
		v.report.Entries++
	}
	for _, a := range accounts {
		last, ok := heads[a.CustomerID]
		if !ok {
			last.hash = audit.Genesis()
		}
		if last.sequence != a.ApplicationSequence || !bytes.Equal(last.hash, a.ApplicationHash) {
			v.report.Add("application/"+a.CustomerID, a.ApplicationSequence,
				fmt.Sprintf("ends at %d, but %d were made", last.sequence, a.ApplicationSequence))
		}
		v.report.Chains++
	}
	return nil
}

// balancesSQL names the documents whose kept balance is not the fold of what was posted.
const balancesSQL = `
SELECT d.customer_id, 'invoice ' || d.invoice_id, d.ledger_sequence
FROM invoice_documents d
LEFT JOIN (SELECT invoice_id, sum(amount) AS amount, max(application_date) AS newest FROM applications
           WHERE customer_id = ANY ($1) GROUP BY invoice_id) a USING (invoice_id)
WHERE d.customer_id = ANY ($1) AND (
      d.open <> CASE WHEN d.reverse_date IS NULL THEN d.amount - coalesce(a.amount, 0) ELSE 0 END
   OR (d.reverse_date IS NOT NULL AND coalesce(a.amount, 0) <> 0)
   OR d.last_application IS DISTINCT FROM a.newest)
UNION ALL
SELECT d.customer_id, 'receipt ' || d.receipt_id, d.ledger_sequence
FROM receipt_documents d
LEFT JOIN (SELECT receipt_id, sum(amount) AS amount, max(application_date) AS newest FROM applications
           WHERE customer_id = ANY ($1) GROUP BY receipt_id) a USING (receipt_id)
WHERE d.customer_id = ANY ($1) AND (
      d.unapplied <> CASE WHEN d.reverse_date IS NULL THEN d.amount - coalesce(a.amount, 0) ELSE 0 END
   OR (d.reverse_date IS NOT NULL AND coalesce(a.amount, 0) <> 0)
   OR d.last_application IS DISTINCT FROM a.newest)
UNION ALL
SELECT n.customer_id, 'payment notice ' || n.payment_notice_id, 0
FROM payment_notice_documents n
LEFT JOIN (SELECT payment_notice_id, sum(amount) AS amount FROM receipt_documents
           WHERE customer_id = ANY ($1) AND payment_notice_id <> '' AND reverse_date IS NULL GROUP BY payment_notice_id) r USING (payment_notice_id)
WHERE n.customer_id = ANY ($1) AND (
      n.received <> coalesce(r.amount, 0)
   OR n.open <> CASE WHEN n.confirm_date IS NOT NULL AND n.withdraw_date IS NULL
                     THEN greatest(0, n.amount - coalesce(r.amount, 0)) ELSE 0 END)`

func (v verifier) balances(ctx context.Context, ids []string) error {
	rows, err := v.tx.Query(ctx, balancesSQL, ids)
	if err != nil {
		return err
	}
	var customer, document string
	var sequence int64
	_, err = pgx.ForEachRow(rows, []any{&customer, &document, &sequence}, func() error {
		v.report.Add("ledger/"+customer, sequence, document+": kept balance is not what its applications and receipts give")
		return nil
	})
	return err
}
