package postgres

import (
	"context"
	"slices"

	"github.com/jackc/pgx/v5"

	"github.com/avalcredit/aval/pkg/calendar"
	"github.com/avalcredit/aval/pkg/errs"
	"github.com/avalcredit/aval/pkg/pg"
	"github.com/avalcredit/aval/services/receivables/internal/paymentrecord"
)

// recordSQL computes what paymentrecord.Fold states, as a set: instalments of invoices and
// debit notes, each for itself. Money counts by what stands on the day: applications of
// credits reversed by then are left out. What was credited, or given as a discount, was not
// owed; what was written off was, and was not collected.
const recordSQL = `
WITH standing AS (
    SELECT a.item_id, a.amount, a.application_date, c.kind IN ('CREDIT_NOTE', 'DISCOUNT') AS credited
    FROM applications a
    JOIN credits c USING (credit_id)
    LEFT JOIN credit_reversals r ON r.credit_id = a.credit_id AND r.reverse_date <= $2
    WHERE a.customer_id = ANY (accounts_beside(ARRAY[$1])) AND a.application_date <= $2 AND r.credit_id IS NULL AND c.kind <> 'WRITE_OFF'
), items AS MATERIALIZED (
    SELECT i.document_date, i.due_date, i.amount - coalesce(sum(s.amount) FILTER (WHERE s.credited), 0) AS amount,
           coalesce(sum(s.amount) FILTER (WHERE NOT s.credited), 0) AS collected,
           coalesce(sum(s.amount) FILTER (WHERE NOT s.credited AND s.application_date <= i.due_date), 0) AS on_time,
           max(s.application_date) AS last_collected
    FROM items i
    LEFT JOIN item_reversals r ON r.item_id = i.item_id AND r.reverse_date <= $2
    LEFT JOIN standing s ON s.item_id = i.item_id
    WHERE i.customer_id = $1 AND i.document_kind IN ('INVOICE', 'DEBIT_NOTE') AND i.document_date <= $2 AND r.item_id IS NULL
    GROUP BY i.item_id
    HAVING i.amount > coalesce(sum(s.amount) FILTER (WHERE s.credited), 0)
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
       count(*) FILTER (WHERE late >= $3), min(document_date), coalesce(sum(amount - collected), 0)::bigint,
       coalesce(sum(amount) FILTER (WHERE document_date > $4), 0)::bigint,
       coalesce(sum(amount) FILTER (WHERE document_date > $5 AND document_date <= $4), 0)::bigint
FROM aged`

const amountsSQL = `
SELECT amount FROM (
    SELECT e.amount FROM ledger_entries e
    LEFT JOIN ledger_entries r ON r.customer_id = e.customer_id AND r.reverses_sequence = e.sequence AND r.entry_date <= $2
    WHERE e.customer_id = $1 AND e.kind = 'INVOICE' AND e.entry_date BETWEEN $3 AND $2 AND r.customer_id IS NULL
    ORDER BY e.entry_date DESC, e.sequence DESC LIMIT $4) newest
ORDER BY amount`

// PaymentRecord computes how a customer paid us as of a day, from one snapshot.
func (s *Store) PaymentRecord(ctx context.Context, q paymentrecord.Query, currency string) (paymentrecord.Record, error) {
	r := paymentrecord.Fold(q, currency, nil)
	err := pgx.BeginTxFunc(ctx, s.pool, pgx.TxOptions{IsoLevel: pgx.RepeatableRead, AccessMode: pgx.ReadOnly}, func(tx pgx.Tx) error {
		var amountDays string
		err := tx.QueryRow(ctx, recordSQL, q.CustomerID, q.AsOf, q.DefaultAfterDays, q.YearsAgo(1), q.YearsAgo(2)).Scan(
			&r.FallenDue.Minor, &r.Collected.Minor, &r.CollectedOnTime.Minor, &r.SettledItems, &r.LateItems, &amountDays,
			&r.SettledAmount.Minor, &r.LongestDaysLate, &r.OldestOverdueDays, &r.Defaults, &r.FirstInvoiceDate, &r.Open.Minor,
			&r.LastYear.Minor, &r.YearBefore.Minor)
		if err != nil {
			return err
		}
		if r.BrokenPromises, err = brokenBy(ctx, tx, q.CustomerID, q.AsOf); err != nil {
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

// brokenBy counts the promises that a customer made by a day and broke by it.
func brokenBy(ctx context.Context, q pg.Querier, customerID string, day calendar.Date) (int64, error) {
	records, err := LiveRecords(ctx, q, []string{customerID}, RecordPromise)
	if err != nil || len(records) == 0 {
		return 0, err
	}
	records = slices.DeleteFunc(records, func(r CollectionRecord) bool { return r.From.After(day) })
	judged, err := Judge(ctx, q, records, day)
	broken := int64(0)
	for _, j := range judged {
		if !j.BrokenOn.IsZero() {
			broken++
		}
	}
	return broken, err
}
