package postgres

import (
	"context"

	"github.com/jackc/pgx/v5"

	"github.com/avalcredit/aval/pkg/calendar"
	"github.com/avalcredit/aval/pkg/money"
	"github.com/avalcredit/aval/pkg/pg"
)

// OverdueOf is what a customer owed that was overdue on a day.
type OverdueOf struct {
	CustomerID, DisplayName, Salesperson string
	Overdue                              money.Money
	Items, OldestDays                    int
}

// Items that fell due before a day and were open at its end: what was applied or taken back later is as if it were not.
const overdueAtSQL = `
SELECT t.customer_id, c.display_name, t.salesperson, t.currency, sum(t.open)::bigint, count(*)::int, max($1::date - t.due_date)::int
FROM (
    SELECT i.customer_id, coalesce(nullif(h.person, ''), i.salesperson) AS salesperson, i.currency, i.due_date,
           CASE WHEN b.last_application > $1 OR r.reverse_date > $1
                THEN i.amount - coalesce((SELECT sum(a.amount) FROM applications a WHERE a.item_id = i.item_id AND a.application_date <= $1), 0)
                ELSE b.open END AS open
    FROM item_balances b JOIN items i USING (item_id)
    LEFT JOIN item_reversals r ON r.item_id = b.item_id
    LEFT JOIN item_responsibles h ON h.item_id = b.item_id
    WHERE b.due_date < $1 AND i.document_date <= $1 AND (b.open > 0 OR b.last_application > $1 OR r.reverse_date > $1)) t
JOIN customers c ON c.customer_id = t.customer_id
WHERE t.open > 0
GROUP BY 1, 2, 3, 4 ORDER BY 1, 3`

// OverdueAt reads what was overdue on a day, by customer and responsible person.
func (s *Store) OverdueAt(ctx context.Context, day calendar.Date) ([]OverdueOf, error) {
	rows, err := s.pool.Query(ctx, overdueAtSQL, day)
	if err != nil {
		return nil, pg.Err(err)
	}
	out, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (OverdueOf, error) {
		var o OverdueOf
		var currency string
		var minor int64
		err := row.Scan(&o.CustomerID, &o.DisplayName, &o.Salesperson, &currency, &minor, &o.Items, &o.OldestDays)
		o.Overdue = cash(minor, currency)
		return o, err
	})
	return out, pg.Err(err)
}

const (
	historySQL = `SELECT ` + recordFields + ` FROM collection_records WHERE customer_id = ANY ($1) AND kind IN ('PROMISE', 'DISPUTE', 'HOLD', 'CONTACT')
  AND from_date BETWEEN $2 AND $3 ORDER BY created_at, record_id`
	lettersOfSQL = readLetter + ` WHERE l.customer_id = ANY ($1) AND l.letter_date BETWEEN $2 AND $3 ORDER BY l.created_at`
)

// History reads what was recorded about customers and written to them from a day to another.
func (s *Store) History(ctx context.Context, ids []string, from, to calendar.Date) ([]CollectionRecord, []Letter, error) {
	rows, err := s.pool.Query(ctx, historySQL, ids, from, to)
	if err != nil {
		return nil, nil, pg.Err(err)
	}
	records, err := pgx.CollectRows(rows, scanRecord)
	if err != nil {
		return nil, nil, pg.Err(err)
	}
	if rows, err = s.pool.Query(ctx, lettersOfSQL, ids, from, to); err != nil {
		return nil, nil, pg.Err(err)
	}
	letters, err := pgx.CollectRows(rows, scanLetter)
	return records, letters, pg.Err(err)
}

const tableSQL = `SELECT ` + recordFields + ` FROM collection_records WHERE kind = $1 AND from_date <= $2 AND (live OR until_date >= $3) ORDER BY created_at, record_id`

// OnTable reads minutes or action items that were recorded by a day and are open, or ended since another.
func (s *Store) OnTable(ctx context.Context, kind CollectionKind, day, since calendar.Date) ([]CollectionRecord, error) {
	rows, err := s.pool.Query(ctx, tableSQL, kind, day, since)
	if err != nil {
		return nil, pg.Err(err)
	}
	out, err := pgx.CollectRows(rows, scanRecord)
	return out, pg.Err(err)
}
