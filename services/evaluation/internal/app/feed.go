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
	Date, Due  calendar.Date
	InvoiceID  string
}

// CreditProfile returns what the other phases are told of a customer.
func (a *App) CreditProfile(ctx context.Context, customerID string) (profile.Profile, error) {
	st, err := a.store().Customer(ctx, customerID)
	return st.Profile, err
}

// ApplySettlements takes completed transactions of one customer, in order, and rates
// the customer again (S1.4): once for what is new in the call, with the facts of the
// last settlement's business date. Where the policy has a customer that buys often rated
// when a period is over, what was settled in time waits for that. It returns the last sequence it has. Errors:
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
	late := false
	for _, s := range all {
		if s.Sequence <= had {
			continue
		}
		if s.Date.After(day) {
			day = s.Date
		}
		late = late || s.Date.After(s.Due)
	}
	if !late {
		waits, err := a.waitsForReview(ctx, id, day)
		if err != nil {
			return 0, err
		}
		if waits {
			return a.takeSettlements(ctx, all)
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

// waitsForReview reports whether a customer is rated when a period is over instead of
// after each transaction. One that was never rated does not wait.
func (a *App) waitsForReview(ctx context.Context, id string, day calendar.Date) (bool, error) {
	p, err := a.Policies.InForce(ctx, day)
	if err != nil || p.ShortCycle == nil {
		return false, err
	}
	st, err := a.store().Customer(ctx, id)
	if err != nil || st.Ratings == 0 || st.File.Pattern == nil {
		return false, err
	}
	return p.WaitsForReview(st.File.Pattern.IntervalDays), nil
}

// takeSettlements takes what the next review covers.
func (a *App) takeSettlements(ctx context.Context, all []Settlement) (last int64, err error) {
	err = pg.InTx(ctx, a.Pool, func(ctx context.Context, tx pgx.Tx) error {
		for _, s := range all {
			if _, last, err = delivery.Accept(ctx, tx, StreamSettlement, s.CustomerID, s.Sequence); err != nil {
				return err
			}
		}
		return nil
	})
	return last, err
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
