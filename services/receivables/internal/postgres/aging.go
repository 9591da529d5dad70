package postgres

import (
	"context"

	"github.com/jackc/pgx/v5"

	"github.com/avalcredit/aval/pkg/pg"
	"github.com/avalcredit/aval/services/receivables/internal/aging"
)

// agingSQL ages what was open on a day in one pass: sums per group, currency and
// bucket, one page of groups, and the totals over all groups (is_total).
//
// $1 day, $2 by invoice date, $3 group, $4 customer, $5 salesperson whose customers,
// $6 floors of the buckets, $7 $8 last row of the page before, $9 rows.
const agingSQL = `
WITH applied AS MATERIALIZED (
    SELECT credit_id, item_id, sum(amount) AS amount
    FROM applications
    WHERE application_date <= $1 AND ($4 = '' OR customer_id = $4)
    GROUP BY credit_id, item_id
), scope AS (
    SELECT customer_id, display_name, salesperson FROM customers
    WHERE ($4 = '' OR customer_id = $4) AND ($5 = '' OR salesperson = $5)
), items AS (
    SELECT CASE $3 WHEN 'customer' THEN i.customer_id WHEN 'salesperson' THEN i.salesperson ELSE '' END AS key,
           i.currency, i.amount - coalesce(a.amount, 0) AS open, $1 > i.due_date AS overdue,
           width_bucket($1 - CASE WHEN $2 THEN i.document_date ELSE i.due_date END, $6::int[]) AS bucket
    FROM items i
    JOIN scope USING (customer_id)
    LEFT JOIN item_reversals r ON r.item_id = i.item_id AND r.reverse_date <= $1
    LEFT JOIN (SELECT item_id, sum(amount) AS amount FROM applied GROUP BY item_id) a ON a.item_id = i.item_id
    WHERE i.document_date <= $1 AND r.item_id IS NULL AND i.amount > coalesce(a.amount, 0)
), money AS (
    SELECT CASE $3 WHEN 'customer' THEN p.customer_id WHEN 'salesperson' THEN scope.salesperson ELSE '' END AS key,
           p.currency, p.amount - coalesce(a.amount, 0) AS unapplied
    FROM credits p
    JOIN scope USING (customer_id)
    LEFT JOIN credit_reversals r ON r.credit_id = p.credit_id AND r.reverse_date <= $1
    LEFT JOIN (SELECT credit_id, sum(amount) AS amount FROM applied GROUP BY credit_id) a ON a.credit_id = p.credit_id
    WHERE p.credit_date <= $1 AND r.credit_id IS NULL AND p.amount > coalesce(a.amount, 0)
), cells AS MATERIALIZED (
    SELECT key, currency, bucket, sum(open) AS open, count(*) AS items,
           coalesce(sum(open) FILTER (WHERE overdue), 0) AS overdue, count(*) FILTER (WHERE overdue) AS overdue_items,
           0::numeric AS unapplied
    FROM items GROUP BY key, currency, bucket
    UNION ALL
    SELECT key, currency, 0, 0, 0, 0, 0, sum(unapplied) FROM money GROUP BY key, currency
), page AS (
    SELECT DISTINCT key COLLATE "C" AS key, currency COLLATE "C" AS currency FROM cells
    WHERE $3 <> 'total' AND (key COLLATE "C", currency COLLATE "C") > ($7, $8)
    ORDER BY 1, 2 LIMIT $9
), answer AS (
    SELECT true AS is_total, '' AS key, currency, bucket, sum(open) AS open, sum(items) AS items, sum(overdue) AS overdue,
           sum(overdue_items) AS overdue_items, sum(unapplied) AS unapplied
    FROM cells GROUP BY currency, bucket
    UNION ALL
    SELECT false, c.key, c.currency, bucket, sum(open), sum(items), sum(overdue), sum(overdue_items), sum(unapplied)
    FROM cells c JOIN page p ON c.key = p.key AND c.currency = p.currency
    GROUP BY c.key, c.currency, bucket
)
SELECT is_total, key, currency, bucket, open::bigint, items::bigint, overdue::bigint, overdue_items::bigint, unapplied::bigint,
       coalesce((SELECT display_name FROM customers WHERE $3 = 'customer' AND NOT is_total AND customer_id = key), '')
FROM answer ORDER BY is_total, key COLLATE "C", currency COLLATE "C", bucket`

type agingCell struct {
	IsTotal       bool
	Key, Currency string
	Bucket        int32
	Open, Items   int64
	Overdue       int64
	OverdueItems  int64
	Unapplied     int64
	DisplayName   string
}

// Aging answers from one snapshot. Totals come with every page; a total as the group
// has its rows as totals too.
func (s *Store) Aging(ctx context.Context, q aging.Query) (aging.Page, error) {
	var after aging.Cursor
	if q.After != nil {
		after = *q.After
	}
	rows, err := s.pool.Query(ctx, agingSQL, q.AsOf, q.By == aging.ByInvoiceDate, string(q.GroupBy), q.CustomerID,
		q.Salesperson, q.Buckets.Floors, after.Key, after.Currency, q.Limit+1)
	if err != nil {
		return aging.Page{}, pg.Err(err)
	}
	cells, err := pgx.CollectRows(rows, pgx.RowToStructByPos[agingCell])
	if err != nil {
		return aging.Page{}, pg.Err(err)
	}
	return agingPage(q, cells), nil
}

func agingPage(q aging.Query, cells []agingCell) aging.Page {
	var p aging.Page
	for _, c := range cells {
		list := &p.Rows
		if c.IsTotal {
			list = &p.Totals
		}
		if n := len(*list); n == 0 || (*list)[n-1].Key != c.Key || (*list)[n-1].Currency != c.Currency {
			row := aging.NewRow(c.Key, c.Currency, q.Buckets)
			row.DisplayName = c.DisplayName
			*list = append(*list, row)
		}
		row := &(*list)[len(*list)-1]
		row.Cells[c.Bucket] = aging.Cell{Amount: cash(c.Open, c.Currency), Items: c.Items}
		row.Overdue.Amount = row.Overdue.Amount.Add(cash(c.Overdue, c.Currency))
		row.Overdue.Items += c.OverdueItems
		row.Unapplied = row.Unapplied.Add(cash(c.Unapplied, c.Currency))
	}
	if q.GroupBy == aging.GroupTotal {
		p.Rows = p.Totals
	}
	if len(p.Rows) > q.Limit {
		p.Rows, p.More = p.Rows[:q.Limit], q.GroupBy != aging.GroupTotal
	}
	return p
}
