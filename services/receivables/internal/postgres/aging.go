package postgres

import (
	"context"

	"github.com/jackc/pgx/v5"

	"github.com/avalcredit/aval/pkg/pg"
	"github.com/avalcredit/aval/services/receivables/internal/aging"
)

// openOnSQL are the items open on a day within a scope, with what is disputed and promised of them, and the money
// that was not applied by then.
//
// $1 day, $2 accounts of one customer, its own first (none: everybody's), $3 owner, $4 corporate group, $5 grade, $6 unit, $7 salesperson, $8 currency, $9 by invoice
// date, $10 floors of the buckets.
const openOnSQL = `
WITH applied AS MATERIALIZED (
    SELECT credit_id, item_id, sum(amount) AS amount
    FROM applications
    WHERE application_date <= $1 AND ($2::text[] IS NULL OR customer_id = ANY ($2))
    GROUP BY credit_id, item_id
), scope AS (
    SELECT customer_id, display_name, salesperson, unit_id, group_id, grade, survivor_id AS under
    FROM customers LEFT JOIN merged_accounts USING (customer_id)
    WHERE ($2::text[] IS NULL OR customer_id = ANY ($2)) AND ($3 = '' OR salesperson = $3) AND ($4 = '' OR group_id = $4) AND ($5 = '' OR grade = $5)
), marks AS MATERIALIZED (
    SELECT item_id, coalesce(sum(coalesce(amount, $11)) FILTER (WHERE kind = 'DISPUTED'), 0) AS disputed,
           coalesce(sum(coalesce(amount, $11)) FILTER (WHERE kind = 'PROMISED'), 0) AS promised,
           max(promised_date) FILTER (WHERE kind = 'PROMISED') AS promised_date
    FROM item_marks
    WHERE from_date <= $1 AND coalesce(until_date >= $1, true) AND ($2::text[] IS NULL OR customer_id = ANY ($2))
    GROUP BY item_id
), open AS (
    SELECT i.item_id, i.customer_id, i.document_kind, i.document_id, i.instalment, i.document_date, i.due_date, i.currency, i.amount,
           i.salesperson, i.unit_id, scope.group_id, scope.grade, scope.display_name, scope.under,
           i.amount - coalesce(a.amount, 0) AS open, $1 > i.due_date AS overdue,
           width_bucket($1 - CASE WHEN $9 THEN i.document_date ELSE i.due_date END, $10::int[]) AS bucket,
           least(i.amount - coalesce(a.amount, 0), coalesce(m.disputed, 0)) AS disputed,
           least(i.amount - coalesce(a.amount, 0), coalesce(m.promised, 0)) AS promised, m.promised_date
    FROM items i
    JOIN scope USING (customer_id)
    LEFT JOIN item_reversals r ON r.item_id = i.item_id AND r.reverse_date <= $1
    LEFT JOIN (SELECT item_id, sum(amount) AS amount FROM applied GROUP BY item_id) a ON a.item_id = i.item_id
    LEFT JOIN marks m ON m.item_id = i.item_id
    WHERE i.document_date <= $1 AND r.item_id IS NULL AND i.amount > coalesce(a.amount, 0)
      AND ($6 = '' OR i.unit_id = $6) AND ($7 = '' OR i.salesperson = $7) AND ($8 = '' OR i.currency = $8)
)`

// agingSQL ages what was open on a day in one pass: sums per group, currency and bucket, one page of groups, and the
// totals over all groups (is_total).
//
// $12 group, $13 $14 last row of the page before, $15 rows.
const agingSQL = openOnSQL + `, money AS (
    SELECT p.customer_id, p.currency, p.amount - coalesce(a.amount, 0) AS unapplied, scope.salesperson, scope.unit_id, scope.group_id, scope.grade, scope.under
    FROM credits p
    JOIN scope USING (customer_id)
    LEFT JOIN credit_reversals r ON r.credit_id = p.credit_id AND r.reverse_date <= $1
    LEFT JOIN (SELECT credit_id, sum(amount) AS amount FROM applied GROUP BY credit_id) a ON a.credit_id = p.credit_id
    WHERE p.credit_date <= $1 AND r.credit_id IS NULL AND p.amount > coalesce(a.amount, 0)
      AND ($6 = '' OR scope.unit_id = $6) AND ($7 = '' OR scope.salesperson = $7) AND ($8 = '' OR p.currency = $8)
), cells AS MATERIALIZED (
    SELECT CASE $12 WHEN 'customer' THEN coalesce(($2::text[])[1], under, customer_id) WHEN 'salesperson' THEN salesperson WHEN 'unit' THEN unit_id WHEN 'group' THEN group_id
                    WHEN 'grade' THEN grade WHEN 'currency' THEN currency ELSE '' END AS key, currency, bucket, sum(open) AS open, count(*) AS items,
           coalesce(sum(open) FILTER (WHERE overdue), 0) AS overdue, count(*) FILTER (WHERE overdue) AS overdue_items,
           0::numeric AS unapplied, sum(disputed) AS disputed, sum(promised) AS promised
    FROM open GROUP BY key, currency, bucket
    UNION ALL
    SELECT CASE $12 WHEN 'customer' THEN coalesce(($2::text[])[1], under, customer_id) WHEN 'salesperson' THEN salesperson WHEN 'unit' THEN unit_id WHEN 'group' THEN group_id
                    WHEN 'grade' THEN grade WHEN 'currency' THEN currency ELSE '' END AS key, currency, 0, 0, 0, 0, 0, sum(unapplied), 0, 0
    FROM money GROUP BY key, currency
), page AS (
    SELECT DISTINCT key COLLATE "C" AS key, currency COLLATE "C" AS currency FROM cells
    WHERE $12 <> 'total' AND (key COLLATE "C", currency COLLATE "C") > ($13, $14)
    ORDER BY 1, 2 LIMIT $15
), answer AS (
    SELECT true AS is_total, '' AS key, currency, bucket, sum(open) AS open, sum(items) AS items, sum(overdue) AS overdue,
           sum(overdue_items) AS overdue_items, sum(unapplied) AS unapplied, sum(disputed) AS disputed, sum(promised) AS promised
    FROM cells GROUP BY currency, bucket
    UNION ALL
    SELECT false, c.key, c.currency, bucket, sum(open), sum(items), sum(overdue), sum(overdue_items), sum(unapplied), sum(disputed), sum(promised)
    FROM cells c JOIN page p ON c.key = p.key AND c.currency = p.currency
    GROUP BY c.key, c.currency, bucket
)
SELECT is_total, key, currency, bucket, open::bigint, items::bigint, overdue::bigint, overdue_items::bigint, unapplied::bigint,
       disputed::bigint, promised::bigint,
       coalesce((SELECT display_name FROM customers WHERE $12 = 'customer' AND NOT is_total AND customer_id = key), '')
FROM answer ORDER BY is_total, key COLLATE "C", currency COLLATE "C", bucket`

// whole stands for a mark without an amount: more than any item can be.
const whole int64 = 1 << 50

type agingCell struct {
	IsTotal            bool
	Key, Currency      string
	Bucket             int32
	Open, Items        int64
	Overdue            int64
	OverdueItems       int64
	Unapplied          int64
	Disputed, Promised int64
	DisplayName        string
}

func scopeArgs(q aging.Query, accounts []string) []any {
	return []any{
		q.AsOf, accounts, q.Owner, q.GroupID, q.Grade, q.UnitID, q.Salesperson, q.Currency, q.By == aging.ByInvoiceDate, q.Buckets.Floors, whole,
	}
}

// Aging answers from one snapshot, by the due ladders where they know what is asked. Totals come with every page; a
// total as the group has its rows as totals too.
func (s *Store) Aging(ctx context.Context, q aging.Query) (aging.Page, error) {
	answer := itemAging
	if laddered(q) {
		answer = ladderAging
	}
	var p aging.Page
	err := s.snapshot(ctx, func(tx pgx.Tx) error {
		accounts, err := accountsOf(ctx, tx, q.CustomerID)
		if err != nil {
			return err
		}
		p, err = answer(ctx, tx, q, accounts)
		return err
	})
	return p, err
}

// itemAging reads the items.
func itemAging(ctx context.Context, tx pgx.Tx, q aging.Query, accounts []string) (aging.Page, error) {
	var after aging.Cursor
	if q.After != nil {
		after = *q.After
	}
	rows, err := tx.Query(ctx, agingSQL, append(scopeArgs(q, accounts), string(q.GroupBy), after.Key, after.Currency, q.Limit+1)...)
	if err != nil {
		return aging.Page{}, err
	}
	cells, err := pgx.CollectRows(rows, pgx.RowToStructByPos[agingCell])
	return agingPage(q, cells), err
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
		row.Disputed = row.Disputed.Add(cash(c.Disputed, c.Currency))
		row.Promised = row.Promised.Add(cash(c.Promised, c.Currency))
	}
	if q.GroupBy == aging.GroupTotal {
		p.Rows = p.Totals
	}
	if len(p.Rows) > q.Limit {
		p.Rows, p.More = p.Rows[:q.Limit], q.GroupBy != aging.GroupTotal
	}
	return p
}

// $12 bucket (-1: all), $13 $14 last item of the page before, $15 rows.
const agingItemsSQL = openOnSQL + `
SELECT item_id, customer_id, display_name, document_kind, document_id, instalment, document_date, due_date, currency, amount, open,
       bucket, $1 - due_date, salesperson, unit_id, disputed::bigint, promised::bigint, promised_date
FROM open
WHERE ($12 < 0 OR bucket = $12) AND (due_date, item_id COLLATE "C") > ($13::date, $14)
ORDER BY due_date, item_id COLLATE "C" LIMIT $15`

// AgingItems returns one page of the items that an aging sums, by due date.
func (s *Store) AgingItems(ctx context.Context, q aging.Query, p aging.ItemsPage) ([]aging.Item, error) {
	var items []aging.Item
	err := s.snapshot(ctx, func(tx pgx.Tx) error {
		accounts, err := accountsOf(ctx, tx, q.CustomerID)
		if err != nil {
			return err
		}
		rows, err := tx.Query(ctx, agingItemsSQL, append(scopeArgs(q, accounts), p.Bucket, p.AfterDue, p.AfterItem, p.Limit)...)
		if err != nil {
			return err
		}
		items, err = pgx.CollectRows(rows, agingItem)
		return err
	})
	return items, pg.Err(err)
}

func agingItem(row pgx.CollectableRow) (aging.Item, error) {
	var i aging.Item
	var amount, open, disputed, promised int64
	var currency string
	err := row.Scan(&i.ID, &i.CustomerID, &i.DisplayName, &i.Kind, &i.DocumentID, &i.Instalment, &i.Date, &i.DueDate, &currency,
		&amount, &open, &i.Bucket, &i.DaysOverdue, &i.Salesperson, &i.UnitID, &disputed, &promised, &i.PromisedDate)
	i.Amount, i.Open, i.Disputed, i.Promised = cash(amount, currency), cash(open, currency), cash(disputed, currency), cash(promised, currency)
	return i, err
}
