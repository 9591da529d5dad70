package app

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"

	"github.com/avalcredit/aval/pkg/calendar"
	"github.com/avalcredit/aval/pkg/delivery"
	"github.com/avalcredit/aval/pkg/errs"
	"github.com/avalcredit/aval/pkg/pg"
	"github.com/avalcredit/aval/services/evaluation/internal/postgres"
	"github.com/avalcredit/aval/services/evaluation/internal/profile"
	"github.com/avalcredit/aval/services/evaluation/internal/rating"
)

// Settlement is an invoice that was settled in full.
type Settlement struct {
	CustomerID string
	Sequence   int64
	Date       calendar.Date
	InvoiceID  string
}

// CreditProfile returns what the other phases are told of a customer.
func (a *App) CreditProfile(ctx context.Context, customerID string) (profile.Profile, error) {
	st, err := a.store().Customer(ctx, customerID)
	return st.Profile, err
}

// ApplySettlements takes completed transactions of one customer, in order, and rates
// the customer again (S1.4): once for what is new in the call, with the facts of the
// last settlement's business date. It returns the last sequence it has. Errors:
// FailedPrecondition SEQUENCE_GAP; Unavailable where the payment record cannot be had,
// and then nothing is taken, so that the sender repeats it.
func (a *App) ApplySettlements(ctx context.Context, all []Settlement) (last int64, err error) {
	id, err := oneCustomer(all, func(s Settlement) string { return s.CustomerID })
	if err != nil {
		return 0, err
	}
	// What was taken before needs no payment record.
	had, err := delivery.Received(ctx, a.Pool, StreamSettlement, id)
	if err != nil {
		return 0, err
	}
	if all[len(all)-1].Sequence <= had {
		a.flush(ctx, id)
		return had, nil
	}
	var day calendar.Date
	for _, s := range all {
		if s.Sequence > had && s.Date.After(day) {
			day = s.Date
		}
	}
	err = a.afresh(ctx, id, day, func(g gathered, gatherErr error) error {
		if gatherErr != nil {
			return gatherErr
		}
		return pg.InTx(ctx, a.Pool, func(ctx context.Context, tx pgx.Tx) (err error) {
			last, err = a.settle(ctx, tx, id, all, g)
			return err
		})
	})
	if err != nil {
		return 0, err
	}
	a.flush(ctx, id)
	return last, nil
}

func (a *App) settle(ctx context.Context, tx pgx.Tx, id string, all []Settlement, g gathered) (last int64, err error) {
	var fresh []Settlement
	for _, s := range all {
		apply, has, err := delivery.Accept(ctx, tx, StreamSettlement, id, s.Sequence)
		if err != nil {
			return 0, err
		}
		if apply {
			fresh = append(fresh, s)
		}
		last = has
	}
	if len(fresh) == 0 {
		return last, nil
	}
	st, err := postgres.New(tx).Lock(ctx, id)
	if err != nil {
		return 0, err
	}
	_, _, err = a.rate(ctx, tx, &st, g, why{trigger: rating.TransactionCompleted, cause: settledText(fresh)})
	return last, err
}

func settledText(s []Settlement) string {
	end := s[len(s)-1]
	if len(s) == 1 {
		return fmt.Sprintf("invoice %s was settled on %s", end.InvoiceID, end.Date)
	}
	return fmt.Sprintf("%d invoices were settled, the last of them %s on %s", len(s), end.InvoiceID, end.Date)
}

// oneCustomer sees to it that a call is about one customer only.
func oneCustomer[T any](all []T, of func(T) string) (string, error) {
	if len(all) == 0 {
		return "", errs.New(errs.Invalid, "EMPTY", "nothing to take")
	}
	id := of(all[0])
	for _, t := range all {
		if of(t) != id {
			return "", errs.New(errs.Invalid, "SEVERAL_CUSTOMERS", "one call carries events of one customer")
		}
	}
	return id, nil
}
