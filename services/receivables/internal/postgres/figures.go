package postgres

import (
	"context"
	"math/big"
	"slices"

	"github.com/jackc/pgx/v5"

	"github.com/avalcredit/aval/pkg/calendar"
	"github.com/avalcredit/aval/pkg/errs"
	"github.com/avalcredit/aval/pkg/pg"
	"github.com/avalcredit/aval/services/receivables/internal/figures"
)

// figuresSQL computes the amounts of a period in one pass, by group and currency.
//
// $1 first day, $2 last day, $3 group, $4 customer, $5 owner, $6 corporate group, $7 grade, $8 unit, $9 salesperson,
// $10 $11 last row of the page before, $12 rows.
const figuresSQL = `
WITH scope AS (
    SELECT customer_id, group_id, grade, unit_id, salesperson FROM customers
    WHERE ($4 = '' OR customer_id = $4) AND ($5 = '' OR salesperson = $5) AND ($6 = '' OR group_id = $6) AND ($7 = '' OR grade = $7)
), applied AS (
    SELECT a.item_id, sum(a.amount) AS upto,
           sum(a.amount) FILTER (WHERE a.application_date < $1::date) AS before,
           sum(a.amount) FILTER (WHERE c.kind = 'CREDIT_NOTE') AS credited,
           sum(a.amount) FILTER (WHERE c.kind = 'WRITE_OFF') AS lost,
           sum(a.amount) FILTER (WHERE c.kind = 'WRITE_OFF' AND a.application_date >= $1::date) AS lost_within,
           sum(a.amount::numeric * ($2::date - greatest(a.application_date, $1::date) + 1)) AS settled_days
    FROM applications a JOIN credits c USING (credit_id)
    WHERE a.application_date <= $2::date AND ($4 = '' OR a.customer_id = $4)
    GROUP BY a.item_id
), debts AS (
    SELECT i.customer_id, i.salesperson, i.unit_id, c.group_id, c.grade, i.currency, i.document_kind, i.document_date, i.due_date, i.amount,
           coalesce(a.upto, 0) AS upto, coalesce(a.before, 0) AS before, coalesce(a.credited, 0) AS credited, coalesce(a.lost, 0) AS lost,
           coalesce(a.lost_within, 0) AS lost_within, coalesce(a.settled_days, 0) AS settled_days,
           i.document_date < $1::date AND coalesce(r.reverse_date >= $1::date, true) AS stood,
           coalesce(r.reverse_date > $2::date, true) AS stands,
           greatest(0, least($2::date, r.reverse_date - 1) - greatest(i.document_date, $1::date) + 1) AS days
    FROM items i
    JOIN scope c USING (customer_id)
    LEFT JOIN item_reversals r USING (item_id)
    LEFT JOIN applied a USING (item_id)
    WHERE i.document_date <= $2::date AND ($8 = '' OR i.unit_id = $8) AND ($9 = '' OR i.salesperson = $9)
), facts AS (
    SELECT CASE $3 WHEN 'customer' THEN customer_id WHEN 'salesperson' THEN salesperson WHEN 'unit' THEN unit_id
                   WHEN 'group' THEN group_id WHEN 'grade' THEN grade ELSE '' END AS key, currency,
           CASE WHEN stood THEN amount - before ELSE 0 END AS opening,
           CASE WHEN stands THEN amount - upto ELSE 0 END AS closing,
           CASE WHEN stands AND due_date >= $2::date THEN amount - upto ELSE 0 END AS not_due,
           CASE WHEN stands AND document_date >= $1::date AND document_kind IN ('INVOICE', 'DEBIT_NOTE') THEN amount ELSE 0 END AS sales,
           CASE WHEN stands AND due_date BETWEEN $1::date AND $2::date THEN amount - credited ELSE 0 END AS fallen_due,
           CASE WHEN stands AND due_date BETWEEN $1::date AND $2::date THEN upto - credited - lost ELSE 0 END AS collected,
           lost_within AS written_off, 0::numeric AS recovered, amount::numeric * days - settled_days AS open_days
    FROM debts
    UNION ALL
    SELECT CASE $3 WHEN 'customer' THEN c.customer_id WHEN 'salesperson' THEN c.salesperson WHEN 'unit' THEN c.unit_id
                   WHEN 'group' THEN c.group_id WHEN 'grade' THEN c.grade ELSE '' END, n.currency,
           0, 0, 0, -n.amount, 0, 0, 0, 0, 0
    FROM credits n JOIN scope c USING (customer_id)
    LEFT JOIN credit_reversals r ON r.credit_id = n.credit_id AND r.reverse_date <= $2::date
    WHERE n.kind = 'CREDIT_NOTE' AND n.credit_date BETWEEN $1::date AND $2::date AND r.credit_id IS NULL
      AND ($8 = '' OR c.unit_id = $8) AND ($9 = '' OR c.salesperson = $9)
    UNION ALL
    SELECT CASE $3 WHEN 'customer' THEN c.customer_id WHEN 'salesperson' THEN c.salesperson WHEN 'unit' THEN c.unit_id
                   WHEN 'group' THEN c.group_id WHEN 'grade' THEN c.grade ELSE '' END, e.currency,
           0, 0, 0, 0, 0, 0, 0, (SELECT coalesce(sum(m), 0) FROM unnest(e.accounts, e.amounts) AS line (account, m) WHERE account = 'CASH'), 0
    FROM ledger_entries e JOIN scope c USING (customer_id)
    LEFT JOIN ledger_entries o ON o.customer_id = e.customer_id AND o.sequence = e.reverses_sequence
    WHERE coalesce(o.kind, e.kind) = 'RECOVERY' AND e.entry_date BETWEEN $1::date AND $2::date
      AND ($8 = '' OR c.unit_id = $8) AND ($9 = '' OR c.salesperson = $9)
)
SELECT key, currency, coalesce((SELECT display_name FROM customers WHERE $3 = 'customer' AND customer_id = key), ''),
       sum(opening)::bigint, sum(closing)::bigint, sum(not_due)::bigint, sum(sales)::bigint, sum(fallen_due)::bigint,
       sum(collected)::bigint, sum(written_off)::bigint, sum(recovered)::bigint, sum(open_days)::text
FROM facts
WHERE (key COLLATE "C", currency COLLATE "C") > ($10, $11)
GROUP BY key, currency
ORDER BY key COLLATE "C", currency COLLATE "C" LIMIT $12`

// monthsSQL are the credit sales of calendar months up to a day, newest first, of some groups.
//
// $1 first day, $2 last day, $3 to $9 as before, $10 keys.
const monthsSQL = `
WITH scope AS (
    SELECT customer_id, group_id, grade, unit_id, salesperson FROM customers
    WHERE ($4 = '' OR customer_id = $4) AND ($5 = '' OR salesperson = $5) AND ($6 = '' OR group_id = $6) AND ($7 = '' OR grade = $7)
), sales AS (
    SELECT CASE $3 WHEN 'customer' THEN i.customer_id WHEN 'salesperson' THEN i.salesperson WHEN 'unit' THEN i.unit_id
                   WHEN 'group' THEN c.group_id WHEN 'grade' THEN c.grade ELSE '' END AS key, i.currency, i.document_date AS day, i.amount
    FROM items i JOIN scope c USING (customer_id)
    LEFT JOIN item_reversals r ON r.item_id = i.item_id AND r.reverse_date <= $2::date
    WHERE i.document_date BETWEEN $1::date AND $2::date AND i.document_kind IN ('INVOICE', 'DEBIT_NOTE') AND r.item_id IS NULL
      AND ($8 = '' OR i.unit_id = $8) AND ($9 = '' OR i.salesperson = $9)
    UNION ALL
    SELECT CASE $3 WHEN 'customer' THEN c.customer_id WHEN 'salesperson' THEN c.salesperson WHEN 'unit' THEN c.unit_id
                   WHEN 'group' THEN c.group_id WHEN 'grade' THEN c.grade ELSE '' END, n.currency, n.credit_date, -n.amount
    FROM credits n JOIN scope c USING (customer_id)
    LEFT JOIN credit_reversals r ON r.credit_id = n.credit_id AND r.reverse_date <= $2::date
    WHERE n.kind = 'CREDIT_NOTE' AND n.credit_date BETWEEN $1::date AND $2::date AND r.credit_id IS NULL
      AND ($8 = '' OR c.unit_id = $8) AND ($9 = '' OR c.salesperson = $9)
)
SELECT key, currency, date_trunc('month', day)::date, sum(amount)::bigint
FROM sales WHERE key = ANY ($10::text[]) GROUP BY key, currency, date_trunc('month', day)`

// countBackMonths are how far a count-back goes.
const countBackMonths = 36

// Figures returns the periods of one page of groups, from one snapshot.
func (s *Store) Figures(ctx context.Context, q figures.Query) (figures.Page, error) {
	var p figures.Page
	err := s.snapshot(ctx, func(tx pgx.Tx) error {
		rows, err := tx.Query(ctx, figuresSQL, append(figureArgs(q), q.AfterKey, q.AfterCurrency, q.Limit+1)...)
		if err != nil {
			return err
		}
		p.Rows, err = pgx.CollectRows(rows, func(row pgx.CollectableRow) (figures.Row, error) { return figureRow(row, q) })
		if err != nil {
			return err
		}
		if p.More = len(p.Rows) > q.Limit; p.More {
			p.Rows = p.Rows[:q.Limit]
		}
		return countBack(ctx, tx, q, p.Rows)
	})
	return p, err
}

func figureArgs(q figures.Query) []any {
	return []any{
		q.From, q.To, string(q.GroupBy), q.Scope.CustomerID, q.Scope.Owner, q.Scope.GroupID, q.Scope.Grade, q.Scope.UnitID, q.Scope.Salesperson,
	}
}

func figureRow(row pgx.CollectableRow, q figures.Query) (figures.Row, error) {
	r := figures.Row{Period: figures.Period{From: q.From, To: q.To}}
	var days string
	err := row.Scan(&r.Key, &r.Currency, &r.DisplayName, &r.Opening, &r.Closing, &r.NotDue, &r.Sales, &r.FallenDue,
		&r.Collected, &r.WrittenOff, &r.Recovered, &days)
	if err != nil {
		return r, err
	}
	r.OpenDays, err = integer(days)
	return r, err
}

// integer reads a whole number of any size.
func integer(s string) (*big.Int, error) {
	n, ok := new(big.Int).SetString(s, 10)
	if !ok {
		return nil, errs.New(errs.Internal, "INTERNAL", "the database gave %q for a whole number", s)
	}
	return n, nil
}

// countBack gives the rows their sales by month.
func countBack(ctx context.Context, tx pgx.Tx, q figures.Query, list []figures.Row) error {
	if len(list) == 0 {
		return nil
	}
	first := q.To.AddMonths(1-countBackMonths, 1)
	type at struct{ key, currency string }
	index := map[at]int{}
	var keys []string
	for i, r := range list {
		index[at{r.Key, r.Currency}] = i
		if !slices.Contains(keys, r.Key) {
			keys = append(keys, r.Key)
		}
		list[i].Months = make([]figures.Month, countBackMonths)
		for m := range list[i].Months {
			list[i].Months[m].Days = q.To.AddMonths(-m, 1).EndOfMonth().Day()
		}
		list[i].Months[0].Days = q.To.Day()
	}
	args := figureArgs(q)
	args[0] = first
	rows, err := tx.Query(ctx, monthsSQL, append(args, keys)...)
	if err != nil {
		return err
	}
	var k at
	var month calendar.Date
	var sales int64
	_, err = pgx.ForEachRow(rows, []any{&k.key, &k.currency, &month, &sales}, func() error {
		if i, ok := index[k]; ok {
			back := (q.To.Year()-month.Year())*12 + int(q.To.Month()) - int(month.Month())
			list[i].Months[back].Sales = sales
		}
		return nil
	})
	return err
}

// snapshot runs reads on one state of the database.
func (s *Store) snapshot(ctx context.Context, fn func(tx pgx.Tx) error) error {
	return pg.Err(pgx.BeginTxFunc(ctx, s.pool, pgx.TxOptions{IsoLevel: pgx.RepeatableRead, AccessMode: pgx.ReadOnly}, fn))
}

// openSQL are the items open on a day, $1, of a scope: $2 customer, $3 owner, $4 unit.
const openSQL = `
WITH applied AS (
    SELECT item_id, sum(amount) AS amount FROM applications
    WHERE application_date <= $1 AND ($2 = '' OR customer_id = $2) GROUP BY item_id
), open AS (
    SELECT i.item_id, i.customer_id, c.display_name, c.grade, i.currency, i.due_date, i.amount - coalesce(a.amount, 0) AS open
    FROM items i
    JOIN customers c USING (customer_id)
    LEFT JOIN item_reversals r ON r.item_id = i.item_id AND r.reverse_date <= $1
    LEFT JOIN applied a ON a.item_id = i.item_id
    WHERE i.document_date <= $1 AND r.item_id IS NULL AND i.amount > coalesce(a.amount, 0)
      AND ($2 = '' OR i.customer_id = $2) AND ($3 = '' OR c.salesperson = $3) AND ($4 = '' OR i.unit_id = $4)
)`

const rollSQL = `
WITH applied AS (
    SELECT item_id, sum(amount) AS upto, sum(amount) FILTER (WHERE application_date <= $1::date) AS before FROM applications
    WHERE application_date <= $2::date AND ($3 = '' OR customer_id = $3) GROUP BY item_id
), moved AS (
    SELECT i.currency, width_bucket($1::date - i.due_date, $6::int[]) AS bucket, width_bucket($2::date - i.due_date, $6::int[]) AS later,
           i.amount - coalesce(a.before, 0) AS opening,
           CASE WHEN coalesce(r.reverse_date > $2::date, true) THEN i.amount - coalesce(a.upto, 0) ELSE 0 END AS closing
    FROM items i
    JOIN customers c USING (customer_id)
    LEFT JOIN item_reversals r USING (item_id)
    LEFT JOIN applied a USING (item_id)
    WHERE i.document_date <= $1::date AND coalesce(r.reverse_date > $1::date, true) AND i.amount > coalesce(a.before, 0)
      AND ($3 = '' OR i.customer_id = $3) AND ($4 = '' OR c.salesperson = $4) AND ($5 = '' OR i.unit_id = $5)
)
SELECT currency, bucket, later, sum(least(opening, closing))::bigint, sum(opening - least(opening, closing))::bigint
FROM moved GROUP BY currency, bucket, later ORDER BY currency COLLATE "C", bucket, later`

// Rolls returns, by currency, how much of what was open in which bucket is in which one later.
func (s *Store) Rolls(ctx context.Context, q figures.RollQuery) (map[string][]figures.Roll, error) {
	rows, err := s.pool.Query(ctx, rollSQL, q.From, q.To, q.Scope.CustomerID, q.Scope.Owner, q.Scope.UnitID, q.Floors)
	if err != nil {
		return nil, pg.Err(err)
	}
	out := map[string][]figures.Roll{}
	var currency string
	var from, to int
	var stays, settled int64
	_, err = pgx.ForEachRow(rows, []any{&currency, &from, &to, &stays, &settled}, func() error {
		out[currency] = append(out[currency], figures.Roll{From: from, To: to, Amount: stays}, figures.Roll{From: from, To: figures.Settled, Amount: settled})
		return nil
	})
	return out, pg.Err(err)
}

const debtsSQL = openSQL + `, marked AS (
    SELECT o.*, EXISTS (SELECT FROM item_marks m WHERE m.item_id = o.item_id AND m.kind = 'DISPUTED'
                        AND m.from_date <= $1 AND coalesce(m.until_date >= $1, true)) AS disputed,
           (SELECT max(m.promised_date) FROM item_marks m WHERE m.item_id = o.item_id AND m.kind = 'PROMISED'
            AND m.from_date <= $1 AND coalesce(m.until_date >= $1, true)) AS promised
    FROM open o
)
SELECT currency, customer_id, due_date, disputed, promised, sum(open)::bigint
FROM marked GROUP BY currency, customer_id, due_date, disputed, promised
ORDER BY currency COLLATE "C", customer_id COLLATE "C", due_date`

// habitsSQL is how late customers settled what they settled in a year up to the day.
const habitsSQL = `
SELECT i.currency, i.customer_id, sum(i.amount::numeric * greatest(0, s.settled - i.due_date))::text, sum(i.amount)::bigint
FROM items i
JOIN customers c USING (customer_id)
JOIN (SELECT item_id, sum(amount) AS amount, max(application_date) AS settled FROM applications
      WHERE application_date <= $1 AND ($2 = '' OR customer_id = $2) GROUP BY item_id) s USING (item_id)
WHERE s.amount = i.amount AND s.settled > $1::date - 365
  AND ($2 = '' OR i.customer_id = $2) AND ($3 = '' OR c.salesperson = $3) AND ($4 = '' OR i.unit_id = $4)
GROUP BY i.currency, i.customer_id`

// Debts returns what is open on a day, by currency, with how late its customers usually pay.
func (s *Store) Debts(ctx context.Context, q figures.DebtQuery) ([]figures.Debts, error) {
	var out []figures.Debts
	args := []any{q.AsOf, q.Scope.CustomerID, q.Scope.Owner, q.Scope.UnitID}
	err := s.snapshot(ctx, func(tx pgx.Tx) error {
		rows, err := tx.Query(ctx, debtsSQL, args...)
		if err != nil {
			return err
		}
		var currency string
		var d figures.Debt
		_, err = pgx.ForEachRow(rows, []any{&currency, &d.CustomerID, &d.Due, &d.Disputed, &d.Promised, &d.Open}, func() error {
			if n := len(out); n == 0 || out[n-1].Currency != currency {
				out = append(out, figures.Debts{Currency: currency, Habits: figures.Habits{Of: map[string]figures.Habit{}, All: figures.Habit{AmountDays: new(big.Int)}}})
			}
			out[len(out)-1].Debts = append(out[len(out)-1].Debts, d)
			return nil
		})
		if err != nil {
			return err
		}
		return habits(ctx, tx, args, out)
	})
	return out, err
}

func habits(ctx context.Context, tx pgx.Tx, args []any, list []figures.Debts) error {
	rows, err := tx.Query(ctx, habitsSQL, args...)
	if err != nil {
		return err
	}
	var currency, customer, days string
	var amount int64
	_, err = pgx.ForEachRow(rows, []any{&currency, &customer, &days, &amount}, func() error {
		n, err := integer(days)
		if err != nil {
			return err
		}
		for i := range list {
			if list[i].Currency == currency {
				all := &list[i].Habits.All
				list[i].Habits.Of[customer] = figures.Habit{AmountDays: n, Amount: amount}
				all.AmountDays.Add(all.AmountDays, n)
				all.Amount += amount
			}
		}
		return nil
	})
	return err
}

const grossSQL = openSQL + `
SELECT currency, grade, width_bucket($1 - due_date, $5::int[]), sum(open)::bigint
FROM open GROUP BY 1, 2, 3 ORDER BY currency COLLATE "C", grade COLLATE "C"`

// GrossRow is what is open on a day in one currency, grade and bucket.
type GrossRow struct {
	Currency, Grade string
	Bucket          int
	Open            int64
}

// Gross returns what is open on a day by currency, grade and bucket.
func (s *Store) Gross(ctx context.Context, asOf calendar.Date, floors []int32) ([]GrossRow, error) {
	rows, err := s.pool.Query(ctx, grossSQL, asOf, "", "", "", floors)
	if err != nil {
		return nil, pg.Err(err)
	}
	out, err := pgx.CollectRows(rows, pgx.RowToStructByPos[GrossRow])
	return out, pg.Err(err)
}

const writtenOffSQL = `
SELECT a.currency, sum(a.amount)::bigint FROM applications a JOIN credits c USING (credit_id)
WHERE c.kind = 'WRITE_OFF' AND a.application_date > $1 AND a.application_date <= $2 GROUP BY a.currency`

// WrittenOff returns what was written off after one day, up to another, by currency.
func (s *Store) WrittenOff(ctx context.Context, after, until calendar.Date) (map[string]int64, error) {
	rows, err := s.pool.Query(ctx, writtenOffSQL, after, until)
	if err != nil {
		return nil, pg.Err(err)
	}
	out := map[string]int64{}
	var currency string
	var amount int64
	_, err = pgx.ForEachRow(rows, []any{&currency, &amount}, func() error {
		out[currency] = amount
		return nil
	})
	return out, pg.Err(err)
}

const concentrationSQL = openSQL + `, owed AS (
    SELECT currency, customer_id, display_name, sum(open) AS open, coalesce(sum(open) FILTER (WHERE due_date < $1), 0) AS overdue,
           count(*) FILTER (WHERE due_date < $1) AS overdue_items
    FROM open GROUP BY currency, customer_id, display_name
), ranked AS (
    SELECT *, row_number() OVER (PARTITION BY currency
        ORDER BY CASE WHEN $5 THEN overdue ELSE open END DESC, customer_id COLLATE "C") AS place
    FROM owed
), sums AS (
    SELECT currency, count(*) AS customers, count(*) FILTER (WHERE overdue > 0) AS overdue_customers, sum(open) AS open, sum(open * open) AS squares
    FROM owed GROUP BY currency
)
SELECT s.currency, s.customers, s.overdue_customers, s.open::bigint, s.squares::text, r.customer_id, r.display_name, r.open::bigint, r.overdue::bigint, r.overdue_items
FROM sums s LEFT JOIN ranked r ON r.currency = s.currency AND r.place <= $6 AND (NOT $5 OR r.overdue > 0)
ORDER BY s.currency COLLATE "C", r.place`

// Concentration returns how much of what is open is owed by whom, by currency.
func (s *Store) Concentration(ctx context.Context, q figures.ConcentrationQuery) ([]figures.Concentration, error) {
	rows, err := s.pool.Query(ctx, concentrationSQL, q.AsOf, q.Scope.CustomerID, q.Scope.Owner, q.Scope.UnitID, q.ByOverdue, q.Top)
	if err != nil {
		return nil, pg.Err(err)
	}
	var out []figures.Concentration
	var c figures.Concentration
	var squares string
	var customer, name *string
	var open, overdue, items *int64
	_, err = pgx.ForEachRow(rows, []any{&c.Currency, &c.Customers, &c.OverdueCustomers, &c.Open, &squares, &customer, &name, &open, &overdue, &items}, func() error {
		if n := len(out); n == 0 || out[n-1].Currency != c.Currency {
			var err error
			if c.Squares, err = integer(squares); err != nil {
				return err
			}
			out = append(out, c)
		}
		if customer != nil {
			last := &out[len(out)-1]
			last.Top = append(last.Top, figures.Debtor{CustomerID: *customer, DisplayName: *name, Open: *open, Overdue: *overdue, OverdueItems: *items})
		}
		return nil
	})
	return out, pg.Err(err)
}
