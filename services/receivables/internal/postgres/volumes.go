package postgres

import (
	"context"

	"github.com/jackc/pgx/v5"

	"github.com/avalcredit/aval/pkg/calendar"
	"github.com/avalcredit/aval/pkg/pg"
	"github.com/avalcredit/aval/services/receivables/internal/paymentrecord"
)

// What counts is what counts in a payment record: invoices and debit notes that are not reversed, less what was credited of them.
const volumesSQL = `
WITH wanted AS (
    SELECT c.customer_id, c.currency, p.at, p.from_day, p.to_day
    FROM customers c CROSS JOIN unnest($2::date[], $3::date[]) WITH ORDINALITY AS p (from_day, to_day, at)
    WHERE c.customer_id = ANY ($1)
), sold AS (
    SELECT w.customer_id, w.at, i.amount - coalesce((
        SELECT sum(a.amount) FROM applications a
        JOIN credits c USING (credit_id)
        LEFT JOIN credit_reversals r ON r.credit_id = a.credit_id AND r.reverse_date <= $4
        WHERE a.item_id = i.item_id AND a.application_date <= $4 AND r.credit_id IS NULL AND c.kind IN ('CREDIT_NOTE', 'DISCOUNT')), 0) AS amount
    FROM wanted w JOIN items i ON i.customer_id = w.customer_id AND i.document_date BETWEEN w.from_day AND w.to_day
    LEFT JOIN item_reversals r ON r.item_id = i.item_id AND r.reverse_date <= $4
    WHERE i.document_kind IN ('INVOICE', 'DEBIT_NOTE') AND r.item_id IS NULL
)
SELECT w.customer_id, w.currency, coalesce(sum(s.amount), 0)::bigint
FROM wanted w LEFT JOIN sold s USING (customer_id, at)
GROUP BY w.customer_id, w.currency, w.at ORDER BY w.customer_id, w.at`

// Volumes returns what customers bought in periods as known on a day, by customer number; unknown customers are left out.
func (s *Store) Volumes(ctx context.Context, ids []string, periods []paymentrecord.Period, asOf calendar.Date) ([]paymentrecord.Volumes, error) {
	from, to := make([]calendar.Date, len(periods)), make([]calendar.Date, len(periods))
	for i, p := range periods {
		from[i], to[i] = p.From, p.To
	}
	rows, err := s.pool.Query(ctx, volumesSQL, ids, from, to, asOf)
	if err != nil {
		return nil, pg.Err(err)
	}
	var all []paymentrecord.Volumes
	var id, currency string
	var minor int64
	_, err = pgx.ForEachRow(rows, []any{&id, &currency, &minor}, func() error {
		if n := len(all); n == 0 || all[n-1].CustomerID != id {
			all = append(all, paymentrecord.Volumes{CustomerID: id, Currency: currency})
		}
		last := &all[len(all)-1]
		last.Minor = append(last.Minor, minor)
		return nil
	})
	return all, pg.Err(err)
}
