package app

import (
	"context"

	"github.com/jackc/pgx/v5"

	"github.com/avalcredit/aval/pkg/calendar"
	"github.com/avalcredit/aval/pkg/errs"
	"github.com/avalcredit/aval/pkg/idem"
	"github.com/avalcredit/aval/pkg/page"
	"github.com/avalcredit/aval/services/evaluation/internal/invoices"
	"github.com/avalcredit/aval/services/evaluation/internal/postgres"
)

// RecordedBatch is a batch as kept; unchanged where the same invoices were there already.
type RecordedBatch struct {
	Batch     invoices.Batch `json:"batch"`
	Unchanged bool           `json:"unchanged"`
}

// RecordInvoices writes down a firm's invoices of a month.
func (a *App) RecordInvoices(ctx context.Context, r idem.Request, b invoices.Batch, all []invoices.Invoice) (RecordedBatch, error) {
	who, err := caller(ctx)
	if err != nil {
		return RecordedBatch{}, err
	}
	day := a.Clock.Today(ctx)
	b.RecordedBy, b.RecordDate = who.Subject, day
	if b, err = b.Complete(all, day); err != nil {
		return RecordedBatch{}, err
	}
	return write(ctx, a, r, func(ctx context.Context, tx pgx.Tx) (RecordedBatch, error) {
		store := postgres.New(tx)
		st, err := visible(ctx, store.Lock, b.CustomerID)
		if err != nil {
			return RecordedBatch{}, err
		}
		if st.File.Currency != b.Currency {
			return RecordedBatch{}, errs.New(errs.FailedPrecondition, invoices.ReasonCurrency,
				"the invoices are in %s, the customer's account in %s", b.Currency, st.File.Currency)
		}
		newest, err := store.NewestBatch(ctx, b)
		if err != nil {
			return RecordedBatch{}, err
		}
		next, unchanged, err := b.Follow(newest)
		if err != nil || unchanged {
			return RecordedBatch{Batch: next, Unchanged: unchanged}, err
		}
		if next, err = store.InsertBatch(ctx, tx, next, all, a.now()); err != nil {
			return RecordedBatch{}, err
		}
		return RecordedBatch{Batch: next}, note(ctx, tx, noted{
			customer: b.CustomerID, action: "invoices.record", subject: next.ID(), day: day, detail: next,
		})
	})
}

// InvoiceBatches lists the batches of a customer, newest first.
func (a *App) InvoiceBatches(ctx context.Context, customerID string, size int32, token string) ([]invoices.Batch, string, error) {
	store := a.store()
	if _, err := visible(ctx, store.Customer, customerID); err != nil {
		return nil, "", err
	}
	sum := page.Checksum("invoice batches", customerID)
	before, err := a.before(token, sum)
	if err != nil {
		return nil, "", err
	}
	n := page.Size(size, defaultPage, maxPage)
	found, err := store.Batches(ctx, customerID, before, n+1)
	if err != nil {
		return nil, "", err
	}
	rows, next := cut(a, found, n, sum, func(b invoices.Batch) int64 { return b.Sequence })
	return rows, next, nil
}

// InvoiceSummary adds up a customer's invoices as known by the end of a day (zero: now); nil where there is none.
func (a *App) InvoiceSummary(ctx context.Context, customerID string, knownOn calendar.Date) (*invoices.Summary, error) {
	store := a.store()
	st, err := visible(ctx, store.Customer, customerID)
	if err != nil {
		return nil, err
	}
	return store.InvoiceSummary(ctx, customerID, st.File.Currency, knownOn)
}
