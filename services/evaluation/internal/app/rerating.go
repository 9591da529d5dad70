package app

import (
	"context"

	"github.com/jackc/pgx/v5"

	"github.com/avalcredit/aval/pkg/calendar"
	"github.com/avalcredit/aval/pkg/pg"
	"github.com/avalcredit/aval/services/evaluation/internal/fact"
	"github.com/avalcredit/aval/services/evaluation/internal/postgres"
	"github.com/avalcredit/aval/services/evaluation/internal/rating"
)

// asked is the payment record for a rating that may follow, or why there is none.
type asked struct {
	gathered
	err error
}

// withFact runs fn, which writes something of a fact. Where the fact may be bad news the
// payment record is asked for before any row is locked, and fn is run anew where another
// rating came between.
func (a *App) withFact(ctx context.Context, f fact.Fact, day calendar.Date, fn func(q asked) error) error {
	if !f.MayMatter() {
		return fn(asked{})
	}
	return a.afresh(ctx, f.CustomerID, day, func(g gathered, err error) error { return fn(asked{gathered: g, err: err}) })
}

// onFact rates a locked customer again where a fact is bad news (S1.4): what it tightens
// takes effect at once. One that was never rated waits for its first rating. Where
// receivables cannot be asked the fact stands, and the rating follows.
func (a *App) onFact(ctx context.Context, tx pgx.Tx, st *postgres.State, f fact.Fact, q asked) error {
	if st.Ratings == 0 || !f.MayMatter() {
		return nil
	}
	store := postgres.New(tx)
	known, err := store.Facts(ctx, st.File.ID, calendar.Date{}, postgres.First, maxFacts)
	if err != nil {
		return err
	}
	day := a.Clock.Today(ctx)
	news := f.BadNews(known, day)
	if news == "" {
		return nil
	}
	cause := news + " (fact " + f.ID + ")"
	if q.err != nil {
		return store.PutRerating(ctx, st.File.ID, postgres.Rerating{Date: day, Cause: cause})
	}
	_, _, err = a.rate(ctx, tx, st, q.gathered, why{trigger: rating.NewFact, cause: cause})
	return err
}

// Reratings rates customers that a fact asks to be rated again and that could not be at once.
type Reratings struct{ *App }

// DueForReview returns customers that are to be rated again, at most a batch.
func (r Reratings) DueForReview(ctx context.Context, batch int) ([]string, error) {
	return r.store().Reratings(ctx, batch)
}

// Review rates one for the fact's business date.
func (r Reratings) Review(ctx context.Context, customerID string) error {
	due, err := r.store().Rerating(ctx, customerID)
	if err != nil || due == nil {
		return err
	}
	err = r.afresh(ctx, customerID, due.Date, func(g gathered, gatherErr error) error {
		if gatherErr != nil {
			return gatherErr
		}
		return pg.InTx(ctx, r.Pool, func(ctx context.Context, tx pgx.Tx) error {
			store := postgres.New(tx)
			st, err := store.Lock(ctx, customerID)
			if err != nil {
				return err
			}
			again, err := store.Rerating(ctx, customerID)
			if err != nil || again == nil {
				return err
			}
			if _, _, err := r.rate(ctx, tx, &st, g, why{trigger: rating.NewFact, cause: again.Cause}); err != nil {
				return err
			}
			// One that asks for a later day is done in the next round.
			if again.Date.After(due.Date) {
				return nil
			}
			return store.DeleteRerating(ctx, customerID)
		})
	})
	if err == nil {
		r.flush(ctx, customerID)
	}
	return err
}
