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
	v := verifier{tx: tx, report: &r, moves: map[moveKey]move{}}
	for after := ""; ; {
		accounts, err := v.accounts(ctx, after)
		if err != nil {
			return r, err
		}
		if len(accounts) == 0 {
			if err := v.strays(ctx); err != nil {
				return r, err
			}
			return r, v.openMoves(ctx)
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
	// moves are what the accounts seen so far give of all that moved.
	moves map[moveKey]move
}

// moveKey and move are a row of what moved.
type moveKey struct{ currency, on, due string }

type move struct{ amount, items, unapplied int64 }

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
	if err := v.ledgers(ctx, accounts, ids, digests); err != nil {
		return err
	}
	if err := v.applications(ctx, accounts, ids); err != nil {
		return err
	}
	if err := v.balances(ctx, ids); err != nil {
		return err
	}
	return v.add(ctx, 1, `SELECT currency, on_date::text, due_date::text, amount, items, unapplied FROM open_move_folds WHERE customer_id = ANY ($1)`, ids)
}

// add adds rows, or takes them off.
func (v verifier) add(ctx context.Context, sign int64, sql string, args ...any) error {
	rows, err := v.tx.Query(ctx, sql, args...)
	if err != nil {
		return err
	}
	var k moveKey
	var m move
	_, err = pgx.ForEachRow(rows, []any{&k.currency, &k.on, &k.due, &m.amount, &m.items, &m.unapplied}, func() error {
		sum := v.moves[k]
		v.moves[k] = move{sum.amount + sign*m.amount, sum.items + sign*m.items, sum.unapplied + sign*m.unapplied}
		return nil
	})
	return err
}

// openMoves holds what is kept of all that moved to what the accounts gave.
func (v verifier) openMoves(ctx context.Context) error {
	err := v.add(ctx, -1, `SELECT currency, on_date::text, due_date::text, sum(amount)::bigint, sum(items)::bigint, sum(unapplied)::bigint
		FROM open_moves GROUP BY currency, on_date, due_date`)
	for k, off := range v.moves {
		if off != (move{}) {
			v.report.Add("aging/"+k.currency, 0, "what moved on "+k.on+" of what is due "+k.due+" is not what documents and applications give")
		}
	}
	return err
}

type entryKey struct {
	customer string
	sequence int64
}

const invoicesPostedSQL = `
SELECT d.* FROM ledger_entries e JOIN invoice_documents d ON d.invoice_id = e.document_id
WHERE e.customer_id = ANY ($1) AND e.kind = 'INVOICE'`

// digests of the documents as they are stored now, by the entries of their posting.
func (v verifier) digests(ctx context.Context, ids []string) (map[entryKey][]byte, error) {
	out := map[entryKey][]byte{}
	rows, err := v.tx.Query(ctx, invoicesPostedSQL, ids)
	if err != nil {
		return nil, err
	}
	invoices, err := pgx.CollectRows(rows, pgx.RowToStructByPos[db.InvoiceDocument])
	if err != nil {
		return nil, err
	}
	docs := make([]InvoiceDocument, len(invoices))
	for i, d := range invoices {
		docs[i] = invoiceDocument(d)
	}
	if err := withInstalments(ctx, db.New(v.tx), docs); err != nil {
		return nil, err
	}
	for _, d := range docs {
		out[entryKey{d.CustomerID, d.LedgerSequence}] = digest(d.Canonical())
	}
	rows, err = v.tx.Query(ctx, `SELECT * FROM receipt_documents WHERE customer_id = ANY ($1)`, ids)
	if err != nil {
		return nil, err
	}
	receipts, err := pgx.CollectRows(rows, pgx.RowToStructByPos[db.ReceiptDocument])
	for _, d := range receipts {
		out[entryKey{d.CustomerID, d.LedgerSequence}] = digest(receiptDocument(d).Canonical())
	}
	if err != nil {
		return nil, err
	}
	rows, err = v.tx.Query(ctx, `SELECT * FROM voucher_documents WHERE customer_id = ANY ($1)`, ids)
	if err != nil {
		return nil, err
	}
	vouchers, err := pgx.CollectRows(rows, pgx.RowToStructByPos[db.VoucherDocument])
	for _, d := range vouchers {
		out[entryKey{d.CustomerID, d.LedgerSequence}] = digest(voucherDocument(d).Canonical())
	}
	return out, err
}

func (v verifier) ledgers(ctx context.Context, accounts []db.Account, ids []string, digests map[entryKey][]byte) error {
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
			Application: invoice.Application{CreditID: a.CreditID, ItemID: a.ItemID, Amount: cash(a.Amount, a.Currency), Date: a.ApplicationDate},
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

// balancesSQL names what does not fit together: items and credits whose kept balance is not
// the fold of what was posted, or that are not those of their document and its entry.
const balancesSQL = `
SELECT i.customer_id, lower(i.document_kind) || ' ' || i.item_id || ': kept balance is not what its applications give', i.ledger_sequence
FROM items i
LEFT JOIN item_balances b USING (item_id)
LEFT JOIN item_reversals r USING (item_id)
LEFT JOIN (SELECT item_id, sum(amount) AS amount, max(application_date) AS newest,
                  max(application_date) FILTER (WHERE amount < 0) AS undo FROM applications
           WHERE customer_id = ANY (accounts_beside($1)) GROUP BY item_id) a USING (item_id)
LEFT JOIN merged_accounts m ON m.customer_id = i.customer_id AND m.moved
WHERE i.customer_id = ANY ($1) AND (
      b.open IS DISTINCT FROM CASE WHEN r.reverse_date IS NULL THEN i.amount - coalesce(a.amount, 0) ELSE 0 END
   OR (r.reverse_date IS NOT NULL AND coalesce(a.amount, 0) <> 0)
   OR b.last_application IS DISTINCT FROM a.newest OR b.last_undo IS DISTINCT FROM a.undo
   OR b.due_date <> i.due_date OR b.customer_id <> coalesce(m.survivor_id, i.customer_id))
UNION ALL
SELECT c.customer_id, lower(c.kind) || ' ' || c.credit_id || ': kept balance is not what its applications give', c.ledger_sequence
FROM credits c
LEFT JOIN credit_balances b USING (credit_id)
LEFT JOIN credit_reversals r USING (credit_id)
LEFT JOIN (SELECT credit_id, sum(amount) AS amount, max(application_date) AS newest,
                  max(application_date) FILTER (WHERE amount < 0) AS undo FROM applications
           WHERE customer_id = ANY (accounts_beside($1)) GROUP BY credit_id) a USING (credit_id)
LEFT JOIN merged_accounts m ON m.customer_id = c.customer_id AND m.moved
WHERE c.customer_id = ANY ($1) AND (
      b.unapplied IS DISTINCT FROM CASE WHEN r.reverse_date IS NULL THEN c.amount - coalesce(a.amount, 0) ELSE 0 END
   OR (r.reverse_date IS NOT NULL AND coalesce(a.amount, 0) <> 0)
   OR b.last_application IS DISTINCT FROM a.newest OR b.last_undo IS DISTINCT FROM a.undo
   OR b.customer_id <> coalesce(m.survivor_id, c.customer_id))
UNION ALL
SELECT e.customer_id, e.kind || ' ' || e.document_id || ': its items are not what was posted', e.sequence
FROM ledger_entries e
LEFT JOIN (SELECT customer_id, ledger_sequence, sum(amount) AS amount, min(document_kind) AS kind, max(document_kind) AS last_kind,
                  min(document_date) AS dated, max(post_date) AS posted FROM items
           WHERE customer_id = ANY ($1) GROUP BY customer_id, ledger_sequence) i
  ON i.customer_id = e.customer_id AND i.ledger_sequence = e.sequence
WHERE e.customer_id = ANY ($1) AND e.amount > 0 AND e.kind <> 'REVERSAL' AND (
      i.amount IS DISTINCT FROM e.amount OR i.kind <> e.kind OR i.last_kind <> e.kind OR i.dated <> e.entry_date OR i.posted <> e.post_date)
UNION ALL
SELECT i.customer_id, lower(i.document_kind) || ' ' || i.item_id || ': no entry posted it', i.ledger_sequence
FROM items i
LEFT JOIN ledger_entries e ON e.customer_id = i.customer_id AND e.sequence = i.ledger_sequence AND e.document_id = i.document_id
WHERE i.customer_id = ANY ($1) AND e.customer_id IS NULL
UNION ALL
SELECT e.customer_id, e.kind || ' ' || e.document_id || ': its money is not what was posted', e.sequence
FROM ledger_entries e
LEFT JOIN credits c ON c.customer_id = e.customer_id AND c.ledger_sequence = e.sequence
WHERE e.customer_id = ANY ($1) AND e.amount < 0 AND e.kind <> 'REVERSAL' AND (
      c.amount IS DISTINCT FROM -e.amount OR c.kind <> e.kind OR c.credit_id <> e.document_id OR c.credit_date <> e.entry_date OR c.post_date <> e.post_date)
UNION ALL
SELECT d.customer_id, 'invoice ' || d.invoice_id || ': its items are not those of the invoice', d.ledger_sequence
FROM ledger_entries e
JOIN invoices d ON d.invoice_id = e.document_id
LEFT JOIN (SELECT customer_id, document_id, count(*) AS items, max(due_date) AS due, min(order_id) AS first_order, max(order_id) AS last_order,
                  min(salesperson) AS first_person, max(salesperson) AS last_person, min(unit_id) AS first_unit, max(unit_id) AS last_unit,
                  min(ledger_sequence) AS sequence FROM items
           WHERE customer_id = ANY ($1) AND document_kind = 'INVOICE' GROUP BY customer_id, document_id) i
  ON i.customer_id = d.customer_id AND i.document_id = d.invoice_id
WHERE e.customer_id = ANY ($1) AND e.kind = 'INVOICE' AND (i.items IS DISTINCT FROM d.instalments OR i.due <> d.due_date OR i.sequence <> d.ledger_sequence
   OR (i.first_order, i.last_order, i.first_person, i.last_person, i.first_unit, i.last_unit)
      <> (d.order_id, d.order_id, d.salesperson, d.salesperson, d.unit_id, d.unit_id))
UNION ALL
SELECT f.customer_id, 'due ladder: it is not what the balances give', 0
FROM due_ladder_folds f
LEFT JOIN due_ladders l USING (customer_id)
WHERE f.customer_id = ANY ($1)
  AND (l.due_dates, l.opens, l.items, l.unapplied, l.currency, l.oldest, l.newest) IS DISTINCT FROM (f.due_dates, f.opens, f.items, f.unapplied, f.currency,
          (SELECT min(entry_date) FROM ledger_entries e WHERE e.customer_id = ANY (accounts_under(f.customer_id))), greatest(
          (SELECT max(entry_date) FROM ledger_entries e WHERE e.customer_id = ANY (accounts_under(f.customer_id))),
          (SELECT max(application_date) FROM applications p WHERE p.customer_id = ANY (accounts_under(f.customer_id)))))
  AND EXISTS (SELECT FROM ledger_entries e WHERE e.customer_id = ANY (accounts_under(f.customer_id)))
  AND NOT EXISTS (SELECT FROM merged_accounts m WHERE m.customer_id = f.customer_id AND m.moved)
UNION ALL
SELECT d.customer_id, 'document ' || d.document_id || ': what is kept as left is not what its documents give', d.ledger_sequence
FROM (SELECT v.voucher_id AS document_id, v.customer_id, v.ledger_sequence, v.kind,
             CASE WHEN x.voucher_id IS NOT NULL THEN 0
                  ELSE v.amount - coalesce((SELECT sum(u.amount) FROM vouchers u LEFT JOIN voucher_reversals y ON y.voucher_id = u.voucher_id
                                            WHERE u.about = v.voucher_id AND u.kind IN ('DEPOSIT_USE', 'DEPOSIT_RETURN', 'RECOVERY')
                                              AND y.voucher_id IS NULL), 0) END AS amount_left
      FROM vouchers v LEFT JOIN voucher_reversals x USING (voucher_id)
      WHERE v.customer_id = ANY ($1) AND v.kind IN ('DEPOSIT', 'WRITE_OFF')
      UNION ALL
      SELECT l.bill_id, l.customer_id, 0, l.instrument,
             CASE WHEN l.reverse_date IS NULL AND l.last_act NOT IN ('BILL_HONOURED', 'DISHONOURED_BILL') AND (l.passed_by = '' OR l.recourse)
                  THEN l.amount ELSE 0 END
      FROM bill_documents l WHERE l.customer_id = ANY ($1)) d
LEFT JOIN merged_accounts m ON m.customer_id = d.customer_id AND m.moved
LEFT JOIN voucher_balances b ON b.document_id = d.document_id AND b.customer_id = coalesce(m.survivor_id, d.customer_id) AND b.kind = d.kind
WHERE b.amount_left IS DISTINCT FROM d.amount_left
UNION ALL
SELECT v.customer_id, v.kind || ' ' || v.voucher_id || ': is reversed in one place and not in another', v.ledger_sequence
FROM vouchers v
LEFT JOIN ledger_entries e ON e.customer_id = v.customer_id AND e.reverses_sequence = v.ledger_sequence
LEFT JOIN voucher_reversals x USING (voucher_id)
LEFT JOIN item_reversals i ON i.item_id = v.voucher_id
LEFT JOIN credit_reversals c ON c.credit_id = v.voucher_id
WHERE v.customer_id = ANY ($1) AND (e.sequence IS DISTINCT FROM x.ledger_sequence
   OR v.kind IN ('DEBIT_NOTE', 'LATE_INTEREST', 'FEE', 'REFUND', 'CHARGEBACK', 'DISHONOURED_BILL') AND i.ledger_sequence IS DISTINCT FROM x.ledger_sequence
   OR v.kind IN ('CREDIT_NOTE', 'CONTRA', 'WRITE_OFF', 'DISCOUNT', 'CHARGE_WAIVER', 'DEPOSIT_USE') AND c.ledger_sequence IS DISTINCT FROM x.ledger_sequence)
UNION ALL
SELECT n.customer_id, 'payment notice ' || n.payment_notice_id || ': kept balance is not what its acts and receipts give', 0
FROM payment_notice_documents n
LEFT JOIN (SELECT payment_notice_id, sum(amount) AS amount FROM receipt_documents
           WHERE customer_id = ANY (accounts_beside($1)) AND payment_notice_id <> '' AND reverse_date IS NULL GROUP BY payment_notice_id) r USING (payment_notice_id)
WHERE n.customer_id = ANY ($1) AND (
      n.received <> coalesce(r.amount, 0)
   OR n.open <> CASE WHEN n.confirm_date IS NOT NULL AND n.withdraw_date IS NULL
                     THEN greatest(0, n.amount - coalesce(r.amount, 0)) ELSE 0 END)`

func (v verifier) balances(ctx context.Context, ids []string) error {
	rows, err := v.tx.Query(ctx, balancesSQL, ids)
	if err != nil {
		return err
	}
	var customer, problem string
	var sequence int64
	_, err = pgx.ForEachRow(rows, []any{&customer, &problem, &sequence}, func() error {
		v.report.Add("ledger/"+customer, sequence, problem)
		return nil
	})
	return err
}

// strayInvoicesSQL names invoices, of a part of them by number, that no entry posted: the look at each account does not come across them.
const strayInvoicesSQL = `
WITH part AS (SELECT * FROM invoices WHERE invoice_id > $1 ORDER BY invoice_id LIMIT $2)
SELECT coalesce(max(p.invoice_id), ''), coalesce(array_agg(p.customer_id) FILTER (WHERE e.customer_id IS NULL), '{}'),
       coalesce(array_agg(p.invoice_id) FILTER (WHERE e.customer_id IS NULL), '{}')
FROM part p
LEFT JOIN ledger_entries e ON e.customer_id = p.customer_id AND e.sequence = p.ledger_sequence AND e.document_id = p.invoice_id`

const invoicesABatch = 10_000

// strays looks through all invoices for such that stand in no ledger.
func (v verifier) strays(ctx context.Context) error {
	for after := ""; ; {
		var customers, ids []string
		if err := v.tx.QueryRow(ctx, strayInvoicesSQL, after, invoicesABatch).Scan(&after, &customers, &ids); err != nil {
			return err
		}
		for i, id := range ids {
			v.report.Add("ledger/"+customers[i], 0, "invoice "+id+": no entry posted it")
		}
		if after == "" {
			return nil
		}
	}
}
