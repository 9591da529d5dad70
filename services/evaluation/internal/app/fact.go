package app

import (
	"context"

	"github.com/jackc/pgx/v5"

	"github.com/avalcredit/aval/pkg/calendar"
	"github.com/avalcredit/aval/pkg/idem"
	"github.com/avalcredit/aval/pkg/page"
	"github.com/avalcredit/aval/services/evaluation/internal/fact"
	"github.com/avalcredit/aval/services/evaluation/internal/postgres"
)

// RecordFact writes down a piece of credit information.
func (a *App) RecordFact(ctx context.Context, r idem.Request, f fact.Fact) (fact.Fact, error) {
	who, err := caller(ctx)
	if err != nil {
		return fact.Fact{}, err
	}
	day := a.Clock.Today(ctx)
	f.RecordedBy, f.RecordDate = who.Subject, day
	if err := f.Validate(day); err != nil {
		return fact.Fact{}, err
	}
	return write(ctx, a, r, func(ctx context.Context, tx pgx.Tx) (fact.Fact, error) {
		store := postgres.New(tx)
		if _, err := visible(ctx, store.Lock, f.CustomerID); err != nil {
			return fact.Fact{}, err
		}
		stored, err := store.InsertFact(ctx, f, a.now())
		if err != nil {
			return fact.Fact{}, err
		}
		return stored, note(ctx, tx, noted{customer: f.CustomerID, action: "fact.record", subject: f.ID, day: day, detail: stored})
	})
}

// VerifyFact notes that another person confirmed a fact.
func (a *App) VerifyFact(ctx context.Context, r idem.Request, customerID, factID string) (fact.Fact, error) {
	who, err := caller(ctx)
	if err != nil {
		return fact.Fact{}, err
	}
	day := a.Clock.Today(ctx)
	return write(ctx, a, r, func(ctx context.Context, tx pgx.Tx) (fact.Fact, error) {
		store := postgres.New(tx)
		if _, err := visible(ctx, store.Lock, customerID); err != nil {
			return fact.Fact{}, err
		}
		f, err := store.Fact(ctx, customerID, factID)
		if err != nil {
			return fact.Fact{}, err
		}
		if f, err = f.Verify(who.Subject, day); err != nil {
			return fact.Fact{}, err
		}
		if err := store.VerifyFact(ctx, f, a.now()); err != nil {
			return fact.Fact{}, err
		}
		return f, note(ctx, tx, noted{customer: customerID, action: "fact.verify", subject: factID, day: day, detail: struct{}{}})
	})
}

// Facts lists what was known of a customer by the end of a day (zero: now), newest first.
func (a *App) Facts(ctx context.Context, customerID string, knownOn calendar.Date, size int32, token string) ([]fact.Fact, string, error) {
	store := a.store()
	if _, err := visible(ctx, store.Customer, customerID); err != nil {
		return nil, "", err
	}
	sum := page.Checksum("facts", customerID, knownOn.String())
	before, err := a.before(token, sum)
	if err != nil {
		return nil, "", err
	}
	n := page.Size(size, defaultPage, maxPage)
	found, err := store.Facts(ctx, customerID, knownOn, before, n+1)
	if err != nil {
		return nil, "", err
	}
	rows, next := cut(a, found, n, sum, func(f fact.Fact) int64 { return f.Sequence })
	return rows, next, nil
}
