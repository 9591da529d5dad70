package postgres

import (
	"context"

	"github.com/jackc/pgx/v5"

	"github.com/avalcredit/aval/pkg/errs"
	"github.com/avalcredit/aval/pkg/pg"
	"github.com/avalcredit/aval/services/receivables/internal/paymentrecord"
)

// recordSQL computes what paymentrecord.Fold states, as a set. Money counts by what
// stands on the day: applications of receipts reversed by then are left out.
const recordSQL = `
WITH standing AS (
    SELECT a.invoice_id, a.amount, a.application_date
    FROM applications a
    LEFT JOIN receipt_reversals r ON r.receipt_id = a.receipt_id AND r.reverse_date <= $2
    WHERE a.customer_id = $1 AND a.application_date <= $2 AND r.receipt_id IS NULL
), items AS MATERIALIZED (
    SELECT i.invoice_date, i.due_date, i.amount, coalesce(sum(s.amount), 0) AS collected,
           coalesce(sum(s.amount) FILTER (WHERE s.application_date <= i.due_date), 0) AS on_time,
           max(s.application_date) AS last_collected
    FROM invoices i
    LEFT JOIN invoice_reversals r ON r.invoice_id = i.invoice_id AND r.reverse_date <= $2
    LEFT JOIN standing s ON s.invoice_id = i.invoice_id
    WHERE i.customer_id = $1 AND i.invoice_date <= $2 AND r.invoice_id IS NULL
    GROUP BY i.invoice_id
), aged AS (
    SELECT *, amount = collected AS settled, due_date <= $2 AS due,
           greatest(CASE WHEN amount = collected THEN last_collected ELSE $2 END - due_date, 0) AS late
    FROM items
)
SELECT coalesce(sum(amount) FILTER (WHERE due), 0)::bigint, coalesce(sum(collected) FILTER (WHERE due), 0)::bigint,
       coalesce(sum(on_time) FILTER (WHERE due), 0)::bigint,
       count(*) FILTER (WHERE settled), count(*) FILTER (WHERE settled AND late > 0),
       coalesce(sum(amount::numeric * late) FILTER (WHERE settled), 0)::text,
       coalesce(sum(amount) FILTER (WHERE settled), 0)::bigint,
       coalesce(max(late), 0)::int, coalesce(max(late) FILTER (WHERE NOT settled), 0)::int,
       count(*) FILTER (WHERE late >= $3), min(invoice_date), coalesce(sum(amount - collected), 0)::bigint
FROM aged`

const amountsSQL = `
SELECT amount FROM (
    SELECT i.amount FROM invoices i
    LEFT JOIN invoice_reversals r ON r.invoice_id = i.invoice_id AND r.reverse_date <= $2
    WHERE i.customer_id = $1 AND i.invoice_date BETWEEN $3 AND $2 AND r.invoice_id IS NULL
    ORDER BY i.invoice_date DESC, i.created_at DESC, i.invoice_id DESC LIMIT $4) newest
ORDER BY amount`

// PaymentRecord computes how a customer paid us as of a day, from one snapshot.
func (s *Store) PaymentRecord(ctx context.Context, q paymentrecord.Query, currency string) (paymentrecord.Record, error) {
	r := paymentrecord.Fold(q, currency, nil)
	err := pgx.BeginTxFunc(ctx, s.pool, pgx.TxOptions{IsoLevel: pgx.RepeatableRead, AccessMode: pgx.ReadOnly}, func(tx pgx.Tx) error {
		var amountDays string
		err := tx.QueryRow(ctx, recordSQL, q.CustomerID, q.AsOf, q.DefaultAfterDays).Scan(
			&r.FallenDue.Minor, &r.Collected.Minor, &r.CollectedOnTime.Minor, &r.SettledItems, &r.LateItems, &amountDays,
			&r.SettledAmount.Minor, &r.LongestDaysLate, &r.OldestOverdueDays, &r.Defaults, &r.FirstInvoiceDate, &r.Open.Minor)
		if err != nil {
			return err
		}
		if _, ok := r.LateAmountDays.SetString(amountDays, 10); !ok {
			return errs.New(errs.Internal, "INTERNAL", "amount-days %q", amountDays)
		}
		if q.WindowStart.IsZero() {
			return nil
		}
		rows, err := tx.Query(ctx, amountsSQL, q.CustomerID, q.AsOf, q.WindowStart, paymentrecord.MaxAmounts)
		if err != nil {
			return err
		}
		r.InvoiceAmounts, err = pgx.CollectRows(rows, pgx.RowTo[int64])
		return err
	})
	return r, pg.Err(err)
}
