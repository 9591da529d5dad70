package postgres

import (
	"context"

	"github.com/jackc/pgx/v5"

	"github.com/avalcredit/aval/pkg/calendar"
	"github.com/avalcredit/aval/pkg/money"
	"github.com/avalcredit/aval/pkg/pg"
)

// WrittenOff is what one document wrote off of one item.
type WrittenOff struct {
	OpenClaim
	DocumentID, MemoID, Reason string
	Date                       calendar.Date
	Amount, Left               money.Money
}

// WrittenOffQuery asks for them, oldest due first; empty fields do not restrict.
type WrittenOffQuery struct {
	CustomerID, Salesperson string
	All                     bool // also what is recovered
	AfterDue                calendar.Date
	AfterID, AfterDocument  string
	Limit                   int
}

const writtenOffsSQL = `
SELECT i.item_id, i.customer_id, i.document_date, i.due_date, coalesce(l.due, i.due_date), i.currency, b.open,
       coalesce(r.person, nullif(i.salesperson, ''), c.salesperson),
       v.voucher_id, v.memo_id, v.reason, v.voucher_date, a.amount, f.amount_left
FROM vouchers v
JOIN voucher_balances f ON f.document_id = v.voucher_id
JOIN (SELECT credit_id, item_id, sum(amount)::bigint AS amount FROM applications GROUP BY credit_id, item_id HAVING sum(amount) > 0) a ON a.credit_id = v.voucher_id
JOIN items i ON i.item_id = a.item_id
JOIN item_balances b ON b.item_id = i.item_id
JOIN customers c ON c.customer_id = i.customer_id
LEFT JOIN item_responsibles r ON r.item_id = i.item_id
LEFT JOIN LATERAL (SELECT max(k.due_date) FROM items k
                   WHERE k.document_id = i.document_id AND k.item_id <> k.document_id) l (due) ON i.item_id <> i.document_id
WHERE v.kind = 'WRITE_OFF' AND NOT EXISTS (SELECT FROM voucher_reversals x WHERE x.voucher_id = v.voucher_id)
  AND ($1 = '' OR v.customer_id = ANY (accounts_under($1)))
  AND ($2 = '' OR c.salesperson = $2)
  AND ($3 OR f.amount_left > 0)
  AND ($4::date IS NULL OR (i.due_date, i.item_id, v.voucher_id) > ($4, $5, $6))
ORDER BY i.due_date, i.item_id, v.voucher_id
LIMIT $7`

// WrittenOffs lists what was written off.
func (s *Store) WrittenOffs(ctx context.Context, q WrittenOffQuery) ([]WrittenOff, error) {
	rows, err := s.pool.Query(ctx, writtenOffsSQL, q.CustomerID, q.Salesperson, q.All, q.AfterDue, q.AfterID, q.AfterDocument, q.Limit)
	if err != nil {
		return nil, pg.Err(err)
	}
	out, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (WrittenOff, error) {
		var w WrittenOff
		var currency string
		var open, amount, left int64
		err := row.Scan(&w.ID, &w.CustomerID, &w.DocumentDate, &w.OwnDue, &w.LastDue, &currency, &open, &w.Responsible,
			&w.DocumentID, &w.MemoID, &w.Reason, &w.Date, &amount, &left)
		w.Open, w.Amount, w.Left = cash(open, currency), cash(amount, currency), cash(left, currency)
		return w, err
	})
	return out, pg.Err(err)
}
