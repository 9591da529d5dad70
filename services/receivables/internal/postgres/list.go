package postgres

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/avalcredit/aval/pkg/pg"
	"github.com/avalcredit/aval/services/receivables/internal/invoice"
	"github.com/avalcredit/aval/services/receivables/internal/postgres/db"
	"github.com/avalcredit/aval/services/receivables/internal/receipt"
)

const (
	invoicesSQL = `
SELECT d.* FROM invoice_documents d
WHERE ($1 = '' OR d.order_id = $1) AND ` + invoicesWhereSQL + `
  AND ($4::timestamptz IS NULL OR (d.created_at, d.invoice_id) < ($4, $5)) AND ($7::text[] IS NULL OR d.customer_id = ANY ($7))
ORDER BY d.created_at DESC, d.invoice_id DESC
LIMIT $6`

	// A customer's invoices as its ledger has them: the page after an invoice begins with the entry before its.
	invoicesOfSQL = `
SELECT d.* FROM ledger_entries e JOIN invoice_documents d ON d.invoice_id = e.document_id AND d.customer_id = e.customer_id
WHERE e.customer_id = $6 AND e.kind = 'INVOICE'
  AND ($1 = '' OR d.order_id = $1) AND ` + invoicesWhereSQL + `
  AND ($4 = '' OR e.sequence < (SELECT i.ledger_sequence FROM invoices i WHERE i.invoice_id = $4 AND i.customer_id = $6))
ORDER BY e.sequence DESC
LIMIT $5`

	invoicesWhereSQL = `($2 = '' OR $2 = CASE WHEN d.reverse_date IS NOT NULL THEN 'REVERSED' WHEN d.open = 0 THEN 'SETTLED' ELSE 'OPEN' END)
  AND ($3 = '' OR EXISTS (SELECT FROM account_owners c WHERE c.customer_id = d.customer_id AND c.salesperson = $3))`
)

// Invoices lists invoices, newest first; a customer's in the order in which they were posted.
func (s *Store) Invoices(ctx context.Context, q invoice.Query) ([]invoice.Invoice, error) {
	at, id := bounds(q.After)
	var accounts []string
	if q.CustomerID != "" {
		if err := s.pool.QueryRow(ctx, `SELECT accounts_under($1)`, q.CustomerID).Scan(&accounts); err != nil {
			return nil, pg.Err(err)
		}
	}
	sql, args := invoicesSQL, []any{q.OrderID, string(q.State), q.Salesperson, at, id, q.Limit, accounts}
	if len(accounts) == 1 {
		sql, args = invoicesOfSQL, []any{q.OrderID, string(q.State), q.Salesperson, id, q.Limit, q.CustomerID}
	}
	rows, err := s.pool.Query(ctx, sql, args...)
	if err != nil {
		return nil, pg.Err(err)
	}
	docs, err := pgx.CollectRows(rows, pgx.RowToStructByPos[db.InvoiceDocument])
	if err != nil {
		return nil, pg.Err(err)
	}
	full := make([]InvoiceDocument, len(docs))
	for i, d := range docs {
		full[i] = invoiceDocument(d)
	}
	if err := withInstalments(ctx, s.q, full); err != nil {
		return nil, err
	}
	out := make([]invoice.Invoice, len(docs))
	for i, d := range full {
		out[i] = d.Invoice
	}
	return out, nil
}

const receiptsSQL = `
SELECT d.* FROM receipt_documents d
WHERE ($1 = '' OR d.customer_id = ANY (accounts_under($1)))
  AND (NOT $2 OR d.unapplied > 0)
  AND ($3 = '' OR EXISTS (SELECT FROM account_owners c WHERE c.customer_id = d.customer_id AND c.salesperson = $3))
  AND ($4::timestamptz IS NULL OR (d.created_at, d.receipt_id) < ($4, $5))
ORDER BY d.created_at DESC, d.receipt_id DESC
LIMIT $6`

// Receipts lists receipts with their applications, newest first.
func (s *Store) Receipts(ctx context.Context, q receipt.Query) ([]receipt.Receipt, error) {
	at, id := bounds(q.After)
	rows, err := s.pool.Query(ctx, receiptsSQL, q.CustomerID, q.UnappliedOnly, q.Salesperson, at, id, q.Limit)
	if err != nil {
		return nil, pg.Err(err)
	}
	docs, err := pgx.CollectRows(rows, pgx.RowToStructByPos[db.ReceiptDocument])
	if err != nil {
		return nil, pg.Err(err)
	}
	out := make([]receipt.Receipt, len(docs))
	index, ids := map[string]int{}, make([]string, len(docs))
	for i, d := range docs {
		out[i] = receiptDocument(d).Receipt
		index[d.ReceiptID], ids[i] = i, d.ReceiptID
	}
	applications, err := s.q.ApplicationsOfCredits(ctx, ids)
	if err != nil {
		return nil, pg.Err(err)
	}
	for _, a := range applications {
		r := &out[index[a.CreditID]]
		r.Applications = append(r.Applications, application(db.ApplicationsOfItemsRow(a)))
	}
	return out, nil
}

func bounds(p *invoice.Place) (*time.Time, string) {
	if p == nil {
		return nil, ""
	}
	return &p.CreateTime, p.ID
}
