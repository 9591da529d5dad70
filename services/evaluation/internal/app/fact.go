package app

import (
	"context"

	"github.com/jackc/pgx/v5"

	"github.com/avalcredit/aval/pkg/errs"
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
	var res fact.Fact
	err = a.withFact(ctx, f, day, func(q asked) (err error) {
		res, err = write(ctx, a, r, func(ctx context.Context, tx pgx.Tx) (fact.Fact, error) {
			store := postgres.New(tx)
			st, err := visible(ctx, store.Lock, f.CustomerID)
			if err != nil {
				return fact.Fact{}, err
			}
			if err := st.File.Changeable(); err != nil {
				return fact.Fact{}, err
			}
			stored, err := store.InsertFact(ctx, f, a.now())
			if err != nil {
				return fact.Fact{}, err
			}
			if err := note(ctx, tx, noted{customer: f.CustomerID, action: "fact.record", subject: f.ID, day: day, detail: stored}); err != nil {
				return fact.Fact{}, err
			}
			return stored, a.onFact(ctx, tx, &st, stored, q)
		})
		return err
	})
	if err != nil {
		return fact.Fact{}, err
	}
	if f.MayMatter() {
		a.flush(ctx, f.CustomerID)
	}
	return res, nil
}

// VerifyFact notes that another person confirmed a fact: a policy may not use it before.
func (a *App) VerifyFact(ctx context.Context, r idem.Request, customerID, factID string) (fact.Fact, error) {
	who, err := caller(ctx)
	if err != nil {
		return fact.Fact{}, err
	}
	day := a.Clock.Today(ctx)
	// Which kind it is does not change, so it may be read before.
	f, err := a.store().Fact(ctx, customerID, factID)
	if err != nil && errs.ReasonOf(err) != postgres.ReasonFactNotFound {
		return fact.Fact{}, err
	}
	var res fact.Fact
	err = a.withFact(ctx, f, day, func(q asked) (err error) {
		res, err = write(ctx, a, r, func(ctx context.Context, tx pgx.Tx) (fact.Fact, error) {
			store := postgres.New(tx)
			st, err := visible(ctx, store.Lock, customerID)
			if err != nil {
				return fact.Fact{}, err
			}
			if err := st.File.Changeable(); err != nil {
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
			if err := note(ctx, tx, noted{customer: customerID, action: "fact.verify", subject: factID, day: day, detail: struct{}{}}); err != nil {
				return fact.Fact{}, err
			}
			return f, a.onFact(ctx, tx, &st, f, q)
		})
		return err
	})
	if err != nil {
		return fact.Fact{}, err
	}
	if f.MayMatter() {
		a.flush(ctx, customerID)
	}
	return res, nil
}

// FactQuery says which facts of which customer.
type FactQuery = postgres.FactQuery

// FactList asks for a page of facts.
type FactList struct {
	Query FactQuery
	Size  int32
	Token string
}

// Facts lists what was known of a customer by the end of a day (zero: now) and held on a
// day (zero: whenever), newest first.
func (a *App) Facts(ctx context.Context, l FactList) ([]fact.Fact, string, error) {
	store := a.store()
	if _, err := visible(ctx, store.Customer, l.Query.CustomerID); err != nil {
		return nil, "", err
	}
	sum := page.Checksum("facts", l.Query.CustomerID, l.Query.KnownOn.String(), l.Query.ValidOn.String(), string(l.Query.Kind))
	before, err := a.before(l.Token, sum)
	if err != nil {
		return nil, "", err
	}
	n := page.Size(l.Size, defaultPage, maxPage)
	found, err := store.FindFacts(ctx, l.Query, before, n+1)
	if err != nil {
		return nil, "", err
	}
	rows, next := cut(a, found, n, sum, func(f fact.Fact) int64 { return f.Sequence })
	return rows, next, nil
}
