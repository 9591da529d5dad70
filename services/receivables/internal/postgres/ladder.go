package postgres

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/jackc/pgx/v5"

	"github.com/avalcredit/aval/services/receivables/internal/aging"
)

// columns joins a term for each of so many overdue buckets; in it %[1]d is the bucket's number.
func columns(buckets int, format string) string {
	var b strings.Builder
	for i := 1; i <= buckets; i++ {
		fmt.Fprintf(&b, format, i)
	}
	return b.String()
}

// scopeSQL restricts a row with a customer_id and a currency, of table %s, to what is asked for.
//
// $2 accounts of one customer, its own first (none: everybody's), $3 owner, $4 corporate group, $5 grade, $6 currency, $8 some
// accounts (none: all).
const scopeSQL = `($2::text[] IS NULL OR %[1]s.customer_id = ANY ($2)) AND ($6 = '' OR %[1]s.currency = $6) AND ($8::text[] IS NULL OR %[1]s.customer_id = ANY ($8))
      AND ($3 = '' AND $4 = '' AND $5 = '' OR %[1]s.customer_id IN (
          SELECT customer_id FROM account_owners WHERE ($3 = '' OR salesperson = $3) AND ($4 = '' OR group_id = $4) AND ($5 = '' OR grade = $5)))`

// keys are, by group, what a row stands for in the terms of a table @, and what has to be joined for it.
var keys = map[aging.GroupBy][2]string{ // constant
	aging.GroupTotal:     {`''`, ``},
	aging.GroupCustomer:  {`coalesce(($2::text[])[1], k.survivor_id, @.customer_id)`, `LEFT JOIN merged_accounts k ON k.customer_id = @.customer_id`},
	aging.GroupCurrency:  {`@.currency`, ``},
	aging.GroupCorporate: {`k.group_id`, `JOIN account_owners k ON k.customer_id = @.customer_id`},
	aging.GroupGrade:     {`k.grade`, `JOIN account_owners k ON k.customer_id = @.customer_id`},
}

// nowSQL are the ladders of a scope as they are now: all that is open, and of it what is overdue on the day by at least the
// first day of each bucket. A customer whose oldest due date is younger has nothing there.
//
// $1 day, $7 first days of the buckets.
func nowSQL(by aging.GroupBy, buckets int) string {
	return `
    SELECT ` + keyed(by, "l") + ` AS key, l.currency, sum(l.unapplied) AS unapplied,
           sum(l.opens[cardinality(l.opens)]) AS open, sum(l.items[cardinality(l.items)]) AS items` +
		columns(buckets, `,
           sum(CASE WHEN l.due_dates[1] <= $1::date - ($7::int[])[%[1]d] THEN l.opens[width_bucket($1::date - ($7::int[])[%[1]d], l.due_dates)] END) AS o%[1]d,
           sum(CASE WHEN l.due_dates[1] <= $1::date - ($7::int[])[%[1]d] THEN l.items[width_bucket($1::date - ($7::int[])[%[1]d], l.due_dates)] END) AS i%[1]d`) + `
    FROM due_ladders l ` + joined(by, "l") + `
    WHERE ` + fmt.Sprintf(scopeSQL, "l") + `
    GROUP BY 1, 2`
}

func keyed(by aging.GroupBy, table string) string { return strings.ReplaceAll(keys[by][0], "@", table) }

func joined(by aging.GroupBy, table string) string {
	return strings.ReplaceAll(keys[by][1], "@", table)
}

// thenSQL adds by how much what was due when, and money, was something else on the day. What is dated after it was not there;
// of what was there, what was applied after it was open, as was all of what was reversed after it.
func thenSQL(by aging.GroupBy, buckets int) string {
	return `
    UNION ALL
    SELECT key, currency, 0, sum(moved), sum(items)` +
		columns(buckets, `,
           sum(moved) FILTER (WHERE due_date <= $1::date - ($7::int[])[%[1]d]), sum(items) FILTER (WHERE due_date <= $1::date - ($7::int[])[%[1]d])`) + `
    FROM (
        SELECT ` + keyed(by, "i") + ` AS key, i.currency, i.due_date, -sum(b.open) AS moved, -count(*) AS items
        FROM items i ` + joined(by, "i") + `
        JOIN item_balances b ON b.item_id = i.item_id AND ` + fmt.Sprintf(readSQL, "b") + `
        WHERE i.document_date > $1::date AND b.open > 0 AND ` + fmt.Sprintf(scopeSQL, "i") + `
        GROUP BY 1, 2, 3
        UNION ALL
        SELECT key, currency, due_date, sum(past - now), sum((past > 0)::int - (now > 0)::int)
        FROM (
            SELECT ` + keyed(by, "i") + ` AS key, i.currency, i.due_date, b.open AS now,
                   b.open + t.amount + CASE WHEN r.item_id IS NULL THEN 0 ELSE i.amount END AS past
            FROM (SELECT item_id, sum(amount)::bigint AS amount
                  FROM (SELECT item_id, amount FROM later
                        UNION ALL
                        SELECT item_id, 0 FROM item_reversals r WHERE reverse_date > $1::date AND ` + fmt.Sprintf(readSQL, "r") + `) touched
                  GROUP BY item_id) t
            JOIN items i ON i.item_id = t.item_id ` + joined(by, "i") + `
            JOIN item_balances b ON b.item_id = i.item_id
            LEFT JOIN item_reversals r ON r.item_id = i.item_id
            WHERE i.document_date <= $1::date AND (r.reverse_date IS NULL OR r.reverse_date > $1::date) AND ` + fmt.Sprintf(scopeSQL, "i") + `) m
        GROUP BY 1, 2, 3) d
    GROUP BY key, currency
    UNION ALL
    SELECT key, currency, sum(past - now), 0, 0` + strings.Repeat(", 0, 0", buckets) + `
    FROM (
        SELECT ` + keyed(by, "c") + ` AS key, c.currency, 0 AS past, b.unapplied AS now
        FROM credits c ` + joined(by, "c") + `
        JOIN credit_balances b ON b.credit_id = c.credit_id
        WHERE c.credit_date > $1::date AND b.unapplied > 0 AND ` + fmt.Sprintf(scopeSQL, "c") + `
        UNION ALL
        SELECT ` + keyed(by, "c") + `, c.currency, b.unapplied + t.amount + CASE WHEN r.credit_id IS NULL THEN 0 ELSE c.amount END, b.unapplied
        FROM (SELECT credit_id, sum(amount)::bigint AS amount
              FROM (SELECT credit_id, amount FROM later UNION ALL SELECT credit_id, 0 FROM credit_reversals r WHERE reverse_date > $1::date AND ` + fmt.Sprintf(readSQL, "r") + `) touched
              GROUP BY credit_id) t
        JOIN credits c ON c.credit_id = t.credit_id ` + joined(by, "c") + `
        JOIN credit_balances b ON b.credit_id = c.credit_id
        LEFT JOIN credit_reversals r ON r.credit_id = c.credit_id
        WHERE c.credit_date <= $1::date AND (r.reverse_date IS NULL OR r.reverse_date > $1::date) AND ` + fmt.Sprintf(scopeSQL, "c") + `) m
    GROUP BY key, currency`
}

// readSQL restricts rows of a table %s to the accounts that are read.
const readSQL = `($2::text[] IS NULL OR %[1]s.customer_id = ANY ($2)) AND ($8::text[] IS NULL OR %[1]s.customer_id = ANY ($8))`

// laterSQL is what was applied after the day.
var laterSQL = `later AS MATERIALIZED (
    SELECT credit_id, item_id, amount FROM applications a WHERE application_date > $1::date AND ` + fmt.Sprintf(readSQL, "a") + `
), ` // constant

// sumsSQL puts the parts together.
func sumsSQL(by aging.GroupBy, buckets int) string {
	return `
SELECT key, currency, coalesce((SELECT display_name FROM customers WHERE ` + strconv.FormatBool(by == aging.GroupCustomer) + ` AND customer_id = key), ''),
       coalesce(sum(open), 0)::bigint, coalesce(sum(items), 0)::bigint, coalesce(sum(unapplied), 0)::bigint,
       ARRAY[` + strings.TrimPrefix(columns(buckets, `, coalesce(sum(o%[1]d), 0)::bigint`), ", ") + `], ARRAY[` + strings.TrimPrefix(columns(buckets, `, coalesce(sum(i%[1]d), 0)::bigint`), ", ") + `]
FROM parts GROUP BY key, currency HAVING coalesce(sum(open), 0) <> 0 OR coalesce(sum(unapplied), 0) <> 0
ORDER BY key COLLATE "C", currency COLLATE "C"`
}

// everybodySQL are the totals of all customers on a day: the sum of what moved until then.
//
// $1 day, $2 first days of the buckets, $3 currency.
func everybodySQL(buckets int) string {
	return `
SELECT '', currency, '', sum(amount)::bigint, sum(items)::bigint, sum(unapplied)::bigint,
       ARRAY[` + strings.TrimPrefix(columns(buckets, `, coalesce(sum(amount) FILTER (WHERE due_date <= $1::date - ($2::int[])[%[1]d]), 0)::bigint`), ", ") + `],
       ARRAY[` + strings.TrimPrefix(columns(buckets, `, coalesce(sum(items) FILTER (WHERE due_date <= $1::date - ($2::int[])[%[1]d]), 0)::bigint`), ", ") + `]
FROM open_moves WHERE on_date <= $1 AND ($3 = '' OR currency = $3)
GROUP BY currency HAVING sum(amount) <> 0 OR sum(unapplied) <> 0
ORDER BY currency COLLATE "C"`
}

// nextSQL are the customers after one, by number: those with an account of their own on which something was posted by a day, or
// with one that was merged into theirs.
const nextSQL = `
SELECT customer_id FROM (
    (SELECT customer_id COLLATE "C" AS customer_id FROM due_ladders l
     WHERE customer_id COLLATE "C" > $1 AND oldest <= $3 AND NOT EXISTS (SELECT FROM merged_accounts m WHERE m.customer_id = l.customer_id)
     ORDER BY customer_id COLLATE "C" LIMIT $2)
    UNION
    (SELECT DISTINCT survivor_id COLLATE "C" FROM merged_accounts WHERE survivor_id COLLATE "C" > $1 ORDER BY survivor_id COLLATE "C" LIMIT $2)
) next ORDER BY customer_id LIMIT $2`

// laddered reports whether the ladders have all that a query asks for: they know customers and due dates, and of items no more.
func laddered(q aging.Query) bool {
	switch q.GroupBy {
	case aging.GroupSalesperson, aging.GroupUnit:
		return false
	case aging.GroupCustomer, aging.GroupCorporate, aging.GroupGrade, aging.GroupCurrency, aging.GroupTotal:
	}
	return q.By == aging.ByDueDate && q.UnitID == "" && q.Salesperson == ""
}

// ladderAging answers from the ladders, totals of everybody from what moved.
func ladderAging(ctx context.Context, tx pgx.Tx, q aging.Query, accounts []string) (p aging.Page, err error) {
	// The parameters decide what is read at all, so that no plan fits all of them; what is open of everybody is joined in memory.
	if _, err := tx.Exec(ctx, `SET LOCAL plan_cache_mode = force_custom_plan; SET LOCAL work_mem = '64MB'`); err != nil {
		return p, err
	}
	l := ladderQuery{tx: tx, q: q, accounts: accounts, all: q.CustomerID == "" && q.Owner == "" && q.GroupID == "" && q.Grade == ""}
	if err := tx.QueryRow(ctx, staleSQL, q.AsOf, accounts).Scan(&l.stale); err != nil {
		return p, err
	}
	if l.stale && accounts == nil && l.grouped() {
		var few bool
		if err := tx.QueryRow(ctx, fewSQL, q.AsOf).Scan(&few); err != nil {
			return p, err
		}
		if few {
			return itemAging(ctx, tx, q, accounts)
		}
	}
	if q.GroupBy == aging.GroupCustomer && accounts != nil { // its rows are all there are
		p.Rows, err = l.sums(ctx, q.GroupBy, nil)
		p.Totals, p.Rows = totalsOf(p.Rows), afterCursor(p.Rows, q.After)
	} else if p.Totals, err = l.totals(ctx); err == nil {
		p.Rows, err = l.rows(ctx, p.Totals)
	}
	if err != nil {
		return p, err
	}
	if p.More = q.GroupBy != aging.GroupTotal && len(p.Rows) > q.Limit; p.More {
		p.Rows = p.Rows[:q.Limit]
	}
	return p, marked(ctx, tx, q, accounts, &p)
}

// fewSQL says whether fewer items were opened until the day than after it: these are read then, instead of what to take back.
const fewSQL = `
SELECT coalesce(sum(items) FILTER (WHERE on_date <= $1), 0) < coalesce(sum(items) FILTER (WHERE on_date > $1), 0) FROM open_moves WHERE items > 0`

// grouped says that more customers have to be read than those of a page.
func (l ladderQuery) grouped() bool {
	return !l.all || l.q.GroupBy == aging.GroupCorporate || l.q.GroupBy == aging.GroupGrade
}

// rows are the rows of the page and at least one more, if there is one.
func (l ladderQuery) rows(ctx context.Context, totals []aging.Row) ([]aging.Row, error) {
	switch {
	case l.q.GroupBy == aging.GroupTotal:
		return totals, nil
	case l.q.GroupBy == aging.GroupCustomer:
		return l.customers(ctx)
	case l.q.GroupBy == aging.GroupCurrency:
		return afterCursor(byCurrency(totals), l.q.After), nil
	default:
		rows, err := l.sums(ctx, l.q.GroupBy, nil)
		return afterCursor(rows, l.q.After), err
	}
}

// totalsOf are the rows of one customer as totals: it has one a currency.
func totalsOf(rows []aging.Row) []aging.Row {
	totals := slices.Clone(rows)
	for i := range totals {
		totals[i].Key, totals[i].DisplayName = "", ""
	}
	return totals
}

// byCurrency are totals as rows of their currencies.
func byCurrency(totals []aging.Row) []aging.Row {
	rows := slices.Clone(totals)
	for i := range rows {
		rows[i].Key = rows[i].Currency
	}
	return rows
}

// staleSQL says whether any ladder is newer than the day.
const staleSQL = `SELECT EXISTS (SELECT FROM due_ladders WHERE newest > $1 AND ($2::text[] IS NULL OR customer_id = ANY ($2)))`

func afterCursor(rows []aging.Row, after *aging.Cursor) []aging.Row {
	if after == nil {
		return rows
	}
	for i, r := range rows {
		if r.Key > after.Key || (r.Key == after.Key && r.Currency > after.Currency) {
			return rows[i:]
		}
	}
	return nil
}

type ladderQuery struct {
	tx pgx.Tx
	q  aging.Query
	// accounts of the one customer that is asked for; nil: everybody's.
	accounts []string
	// all says that it is asked for everybody.
	all bool
	// stale says that some ladders are newer than the day.
	stale bool
}

// totals are those over all rows.
func (l ladderQuery) totals(ctx context.Context) ([]aging.Row, error) {
	if !l.all {
		return l.sums(ctx, aging.GroupTotal, nil)
	}
	rows, err := l.tx.Query(ctx, everybodySQL(len(l.q.Buckets.Floors)), l.q.AsOf, l.q.Buckets.Floors, l.q.Currency)
	if err != nil {
		return nil, err
	}
	return l.collect(rows)
}

// maxBatch bounds how many customers are read at a time.
const maxBatch = 50_000

// customers are the rows of one page of everybody's and one more, read so many customers at a time: some have nothing.
func (l ladderQuery) customers(ctx context.Context) ([]aging.Row, error) {
	var out []aging.Row
	last := ""
	if l.q.After != nil {
		last = l.q.After.Key
	}
	for size := l.q.Limit + 1; len(out) <= l.q.Limit; size = min(4*size, maxBatch) { // long ago most customers have nothing
		rows, err := l.tx.Query(ctx, nextSQL, last, size, l.q.AsOf)
		if err != nil {
			return nil, err
		}
		ids, err := pgx.CollectRows(rows, pgx.RowTo[string])
		if err != nil || len(ids) == 0 {
			return out, err
		}
		last = ids[len(ids)-1]
		if ids, err = withMerged(ctx, l.tx, ids); err != nil {
			return nil, err
		}
		more, err := l.sums(ctx, aging.GroupCustomer, ids)
		if err != nil {
			return nil, err
		}
		out = append(out, more...)
	}
	return out, nil
}

// sums are the rows of groups; ids: of these accounts only.
func (l ladderQuery) sums(ctx context.Context, by aging.GroupBy, ids []string) ([]aging.Row, error) {
	buckets := len(l.q.Buckets.Floors)
	args := []any{l.q.AsOf, l.accounts, l.q.Owner, l.q.GroupID, l.q.Grade, l.q.Currency, l.q.Buckets.Floors, ids}
	sql := `WITH parts AS (` + nowSQL(by, buckets) + `)` + sumsSQL(by, buckets)
	if l.stale {
		sql = `WITH ` + laterSQL + `parts AS (` + nowSQL(by, buckets) + thenSQL(by, buckets) + `)` + sumsSQL(by, buckets)
	}
	rows, err := l.tx.Query(ctx, sql, args...)
	if err != nil {
		return nil, err
	}
	return l.collect(rows)
}

func (l ladderQuery) collect(rows pgx.Rows) ([]aging.Row, error) {
	return pgx.CollectRows(rows, func(row pgx.CollectableRow) (aging.Row, error) { return ladderRow(row, l.q.Buckets) })
}

// ladderRow makes buckets of what is overdue by at least so many days.
func ladderRow(row pgx.CollectableRow, b aging.Buckets) (aging.Row, error) {
	var key, currency, name string
	var open, items, unapplied int64
	var opens, counts []int64
	if err := row.Scan(&key, &currency, &name, &open, &items, &unapplied, &opens, &counts); err != nil {
		return aging.Row{}, err
	}
	r := aging.NewRow(key, currency, b)
	r.DisplayName, r.Unapplied = name, cash(unapplied, currency)
	for i := range r.Cells {
		later, laterItems := int64(0), int64(0)
		if i < len(b.Floors) {
			later, laterItems = opens[i], counts[i]
		}
		r.Cells[i] = aging.Cell{Amount: cash(open-later, currency), Items: items - laterItems}
		open, items = later, laterItems
	}
	r.Overdue = aging.Cell{Amount: cash(opens[0], currency), Items: counts[0]}
	return r, nil
}

// markedSQL is what is disputed and promised of the items that are marked, by group and currency.
//
// $1 to $6 as in rungsSQL, $7 group, $8 what stands for a mark without an amount.
const markedSQL = `
WITH marks AS MATERIALIZED (
    SELECT item_id, coalesce(sum(coalesce(amount, $8)) FILTER (WHERE kind = 'DISPUTED'), 0) AS disputed,
           coalesce(sum(coalesce(amount, $8)) FILTER (WHERE kind = 'PROMISED'), 0) AS promised
    FROM item_marks WHERE from_date <= $1 AND coalesce(until_date >= $1, true) AND ($2::text[] IS NULL OR customer_id = ANY ($2)) GROUP BY item_id
), applied AS (
    SELECT item_id, sum(amount) AS amount FROM applications
    WHERE application_date <= $1 AND item_id IN (SELECT item_id FROM marks) GROUP BY item_id
)
SELECT CASE $7 WHEN 'customer' THEN coalesce(($2::text[])[1], u.survivor_id, i.customer_id) WHEN 'group' THEN c.group_id WHEN 'grade' THEN c.grade WHEN 'currency' THEN i.currency ELSE '' END,
       i.currency, sum(least(i.amount - coalesce(a.amount, 0), m.disputed))::bigint, sum(least(i.amount - coalesce(a.amount, 0), m.promised))::bigint
FROM marks m
JOIN items i USING (item_id)
JOIN account_owners c ON c.customer_id = i.customer_id
LEFT JOIN merged_accounts u ON u.customer_id = i.customer_id
LEFT JOIN item_reversals r ON r.item_id = i.item_id AND r.reverse_date <= $1
LEFT JOIN applied a ON a.item_id = i.item_id
WHERE i.document_date <= $1 AND r.item_id IS NULL AND ($2::text[] IS NULL OR i.customer_id = ANY ($2)) AND ($3 = '' OR c.salesperson = $3)
  AND ($4 = '' OR c.group_id = $4) AND ($5 = '' OR c.grade = $5) AND ($6 = '' OR i.currency = $6)
GROUP BY 1, 2`

// marked fills in what is disputed and promised of the rows.
func marked(ctx context.Context, tx pgx.Tx, q aging.Query, accounts []string, p *aging.Page) error {
	rows, err := tx.Query(ctx, markedSQL, q.AsOf, accounts, q.Owner, q.GroupID, q.Grade, q.Currency, string(q.GroupBy), whole)
	if err != nil {
		return err
	}
	type sums struct{ disputed, promised int64 }
	byRow, byCurrency := map[aging.Cursor]sums{}, map[string]sums{}
	var at aging.Cursor
	var s sums
	_, err = pgx.ForEachRow(rows, []any{&at.Key, &at.Currency, &s.disputed, &s.promised}, func() error {
		byRow[at] = s
		t := byCurrency[at.Currency]
		byCurrency[at.Currency] = sums{t.disputed + s.disputed, t.promised + s.promised}
		return nil
	})
	for i, r := range p.Rows {
		s := byRow[aging.Cursor{Key: r.Key, Currency: r.Currency}]
		p.Rows[i].Disputed, p.Rows[i].Promised = cash(s.disputed, r.Currency), cash(s.promised, r.Currency)
	}
	for i, r := range p.Totals {
		s := byCurrency[r.Currency]
		p.Totals[i].Disputed, p.Totals[i].Promised = cash(s.disputed, r.Currency), cash(s.promised, r.Currency)
	}
	return err
}
