package postgres

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/avalcredit/aval/pkg/calendar"
	"github.com/avalcredit/aval/pkg/money"
	"github.com/avalcredit/aval/pkg/pg"
	"github.com/avalcredit/aval/services/evaluation/internal/payment"
)

const putPaymentRecordSQL = `INSERT INTO payment_records (customer_id, as_of, window_start, asked_at, currency_code, fallen_due, collected, collected_on_time,
		settled_items, late_items, late_amount_days, settled_amount, longest_days_late, oldest_overdue_days, defaults, first_invoice, open_amount, invoice_minor,
		broken_promises, last_year, year_before)
	VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21)
	ON CONFLICT (customer_id) DO UPDATE SET as_of = excluded.as_of, window_start = excluded.window_start, asked_at = excluded.asked_at,
		currency_code = excluded.currency_code, fallen_due = excluded.fallen_due, collected = excluded.collected,
		collected_on_time = excluded.collected_on_time, settled_items = excluded.settled_items, late_items = excluded.late_items,
		late_amount_days = excluded.late_amount_days, settled_amount = excluded.settled_amount, longest_days_late = excluded.longest_days_late,
		oldest_overdue_days = excluded.oldest_overdue_days, defaults = excluded.defaults, first_invoice = excluded.first_invoice,
		open_amount = excluded.open_amount, invoice_minor = excluded.invoice_minor,
		broken_promises = excluded.broken_promises, last_year = excluded.last_year, year_before = excluded.year_before`

// PutPaymentRecords keeps records as receivables told them; windowStart is the first day of the invoices that they name.
func (p *Portfolio) PutPaymentRecords(ctx context.Context, all []payment.Record, windowStart calendar.Date, at time.Time) error {
	var b pgx.Batch
	for _, r := range all {
		amounts := r.InvoiceMinor
		if amounts == nil {
			amounts = []int64{}
		}
		b.Queue(putPaymentRecordSQL, r.CustomerID, r.AsOf, windowStart, at, r.Currency, r.FallenDue.Minor, r.Collected.Minor, r.CollectedOnTime.Minor,
			r.SettledItems, r.LateItems, r.LateAmountDays, r.SettledAmount.Minor, r.LongestDaysLate, r.OldestOverdueDays, r.Defaults,
			r.FirstInvoice, r.Open.Minor, amounts, r.BrokenPromises, minorOf(r.LastYear), minorOf(r.YearBefore))
	}
	return pg.InTx(ctx, p.pool, func(ctx context.Context, tx pgx.Tx) error { return tx.SendBatch(ctx, &b).Close() })
}

func minorOf(m *money.Money) *int64 {
	if m == nil {
		return nil
	}
	return &m.Minor
}
