package app

import (
	"context"
	"encoding/hex"
	"errors"
	"slices"

	"github.com/jackc/pgx/v5"

	"github.com/avalcredit/aval/pkg/authz"
	"github.com/avalcredit/aval/pkg/calendar"
	"github.com/avalcredit/aval/pkg/errs"
	"github.com/avalcredit/aval/pkg/idem"
	"github.com/avalcredit/aval/pkg/page"
	"github.com/avalcredit/aval/pkg/pg"
	"github.com/avalcredit/aval/services/evaluation/internal/criteria"
	"github.com/avalcredit/aval/services/evaluation/internal/customer"
	"github.com/avalcredit/aval/services/evaluation/internal/grade"
	"github.com/avalcredit/aval/services/evaluation/internal/grant"
	"github.com/avalcredit/aval/services/evaluation/internal/invoices"
	"github.com/avalcredit/aval/services/evaluation/internal/payment"
	"github.com/avalcredit/aval/services/evaluation/internal/postgres"
	"github.com/avalcredit/aval/services/evaluation/internal/rating"
	"github.com/avalcredit/aval/services/evaluation/internal/rating/report"
)

const (
	// maxFacts bounds what one rating reads of a customer.
	maxFacts = 5000
	// maxGathers bounds how often a rating starts anew because another came between.
	maxGathers = 5
)

// Rating is a stored rating with its hash in hexadecimal.
type Rating struct {
	Record rating.Record `json:"record"`
	Hash   string        `json:"hash"`
}

// Rated is the answer to a rating: unchanged where facts and policy are those of the
// newest one, so that no new one was made.
type Rated struct {
	Rating    Rating `json:"rating"`
	Unchanged bool   `json:"unchanged"`
}

func ratingOf(r postgres.StoredRating) Rating {
	return Rating{Record: r.Record, Hash: hex.EncodeToString(r.Hash)}
}

// gathered is what a rating needs from outside the transaction.
type gathered struct {
	// after is how many ratings the customer had; another one meanwhile makes it stale.
	after   int64
	day     calendar.Date
	policy  criteria.Policy
	payment payment.Record
}

// errStale says that another rating came between gathering and saving.
var errStale = errors.New("another rating came in between")

// gather asks receivables for the payment record, before any row is locked. A rating
// never looks at an earlier day than the one before it.
func (a *App) gather(ctx context.Context, customerID string, day calendar.Date) (gathered, error) {
	store := a.store()
	st, err := store.Customer(ctx, customerID)
	if err != nil {
		return gathered{}, err
	}
	newest, err := store.NewestRating(ctx, customerID)
	if err != nil {
		return gathered{}, err
	}
	g := gathered{after: st.Ratings, day: day}
	if newest != nil && newest.Record.Inputs.Date.After(day) {
		g.day = newest.Record.Inputs.Date
	}
	if g.policy, err = a.Policies.InForce(ctx, g.day); err != nil {
		return gathered{}, err
	}
	if g.payment, err = a.paid(ctx, customerID, g.day, windowStart(g.policy, g.day)); err != nil {
		return gathered{}, err
	}
	return g, nil
}

// paid is how a customer paid, with what the accounts of files that were merged into its own
// did: their business stays under their numbers, and speaks of the same firm.
func (a *App) paid(ctx context.Context, customerID string, day, from calendar.Date) (payment.Record, error) {
	rec, err := a.Payments.PaymentRecord(ctx, customerID, day, from)
	if err != nil {
		return rec, err
	}
	merged, err := a.store().MergedInto(ctx, customerID, day)
	if err != nil {
		return rec, err
	}
	for _, id := range merged {
		other, err := a.Payments.PaymentRecord(ctx, id, day, from)
		if err != nil {
			return rec, err
		}
		rec = rec.With(other)
	}
	return rec, nil
}

// afresh runs fn with gathered inputs, and gathers again while others rate the same
// customer. What went wrong in gathering is handed to fn: a request that was answered
// before is answered again although receivables cannot be reached now.
func (a *App) afresh(ctx context.Context, customerID string, day calendar.Date, fn func(g gathered, gatherErr error) error) error {
	for range maxGathers {
		g, gatherErr := a.gather(ctx, customerID, day)
		if err := fn(g, gatherErr); !errors.Is(err, errStale) {
			return err
		}
	}
	return errs.New(errs.Aborted, "CONFLICT", "other ratings of the customer came in between: try again")
}

// RateCustomer rates a customer now.
func (a *App) RateCustomer(ctx context.Context, r idem.Request, customerID string) (Rated, error) {
	var res Rated
	err := a.afresh(ctx, customerID, a.Clock.Today(ctx), func(g gathered, gatherErr error) (err error) {
		res, err = write(ctx, a, r, func(ctx context.Context, tx pgx.Tx) (Rated, error) {
			if gatherErr != nil {
				return Rated{}, gatherErr
			}
			st, err := visible(ctx, postgres.New(tx).Lock, customerID)
			if err != nil {
				return Rated{}, err
			}
			stored, unchanged, err := a.rate(ctx, tx, &st, g, why{trigger: rating.OnDemand})
			return Rated{Rating: ratingOf(stored), Unchanged: unchanged}, err
		})
		return err
	})
	if err != nil {
		return Rated{}, err
	}
	a.flush(ctx, customerID)
	return res, nil
}

// why is what set a rating off.
type why struct {
	trigger rating.Trigger
	cause   string
}

// rate rates a locked customer, keeps the record, tightens the grant at once where
// the grade demands it, and leaves the customer's new state in st.
func (a *App) rate(ctx context.Context, tx pgx.Tx, st *postgres.State, g gathered, w why) (postgres.StoredRating, bool, error) {
	if st.Ratings != g.after {
		return postgres.StoredRating{}, false, errStale
	}
	store := postgres.New(tx)
	newest, err := store.NewestRating(ctx, st.File.ID)
	if err != nil {
		return postgres.StoredRating{}, false, err
	}
	in, err := a.inputs(ctx, store, *st, g, w)
	if err != nil {
		return postgres.StoredRating{}, false, err
	}
	var prev []byte
	if newest != nil {
		in.Previous, prev = newest.Record.Before(), newest.Hash
	}
	rec, err := rating.Rate(in, g.policy)
	if err != nil {
		return postgres.StoredRating{}, false, err
	}
	if err := store.SetReviewed(ctx, st.File.ID, g.day); err != nil {
		return postgres.StoredRating{}, false, err
	}
	if newest != nil && newest.Record.Evidence == rec.Evidence {
		return *newest, true, nil
	}
	stored, err := store.InsertRating(ctx, rec, prev, a.now())
	if err != nil {
		return stored, false, err
	}
	return stored, false, a.rated(ctx, tx, st, rec, g)
}

func (a *App) inputs(ctx context.Context, store postgres.Store, st postgres.State, g gathered, w why) (rating.Inputs, error) {
	facts, err := store.Facts(ctx, st.File.ID, g.day, postgres.First, maxFacts)
	if err != nil {
		return rating.Inputs{}, err
	}
	slices.Reverse(facts)
	var trade *invoices.Summary
	if g.policy.UsesInvoices() {
		if trade, err = store.InvoiceSummary(ctx, st.File.ID, st.File.Currency, g.day); err != nil {
			return rating.Inputs{}, err
		}
	}
	paid := g.payment
	if !g.policy.Uses(criteria.BrokenPromises) {
		paid.BrokenPromises = nil
	}
	if !g.policy.Uses(criteria.YearlyPurchases, criteria.OrderGrowth) {
		paid.LastYear, paid.YearBefore = nil, nil
	}
	return rating.Inputs{
		CustomerID: st.File.ID, Sequence: st.Ratings + 1, Date: g.day, Trigger: w.trigger, Cause: w.cause,
		Currency: st.File.Currency, UsualPurchase: st.File.UsualPurchase,
		Closed: st.File.LifeCycle == customer.Closed, Facts: facts, Payment: paid, Invoices: trade,
	}, nil
}

// rated carries a new rating into the customer file and, where it tightens, the grant.
func (a *App) rated(ctx context.Context, tx pgx.Tx, st *postgres.State, rec rating.Record, g gathered) error {
	st.Ratings++
	next := st.File
	next.Grade = rec.Result.Grade
	newest, err := postgres.New(tx).NewestGrant(ctx, st.File.ID)
	if err != nil {
		return err
	}
	tighter, tightened := grant.Tighten(newest.Grant, grant.Assessment{
		RatingID: rec.RatingID, Grade: rec.Result.Grade, Treatment: g.policy.For(rec.Result.Grade),
		Reason: rec.Result.Reason, Date: g.day,
	})
	detail := struct {
		Grade    string `json:"grade"`
		Trigger  string `json:"trigger"`
		Deciding string `json:"deciding"`
	}{string(rec.Result.Grade), string(rec.Inputs.Trigger), rec.Result.Deciding}
	if err := note(ctx, tx, noted{customer: st.File.ID, action: "rating.create", subject: rec.RatingID, day: g.day, detail: detail}); err != nil {
		return err
	}
	if err := followPlans(ctx, tx, st.File, rec, g); err != nil {
		return err
	}
	if tightened {
		return a.addGrant(ctx, tx, st, next, grantStep{grant: tighter, prev: newest.Hash, day: g.day})
	}
	if next.Grade == st.File.Grade {
		return nil
	}
	return a.saveState(ctx, tx, st, change{file: next, day: g.day})
}

// saveState is save, and keeps st up to date for what follows in the transaction.
func (a *App) saveState(ctx context.Context, tx pgx.Tx, st *postgres.State, c change) error {
	if err := save(ctx, tx, *st, c); err != nil {
		return err
	}
	fresh, err := postgres.New(tx).Customer(ctx, c.file.ID)
	*st = fresh
	return err
}

// Ratings lists the ratings of a customer, newest first.
func (a *App) Ratings(ctx context.Context, customerID string, size int32, token string) ([]Rating, string, error) {
	store := a.store()
	if _, err := visible(ctx, store.Customer, customerID); err != nil {
		return nil, "", err
	}
	sum := page.Checksum("ratings", customerID)
	before, err := a.before(token, sum)
	if err != nil {
		return nil, "", err
	}
	n := page.Size(size, defaultPage, maxPage)
	found, err := store.Ratings(ctx, customerID, before, n+1)
	if err != nil {
		return nil, "", err
	}
	rows, next := cut(a, found, n, sum, func(r postgres.StoredRating) int64 { return r.Record.Inputs.Sequence })
	ratings := make([]Rating, len(rows))
	for i, r := range rows {
		ratings[i] = ratingOf(r)
	}
	return ratings, next, nil
}

// Replayed is a stored rating and the same one computed now.
type Replayed struct {
	Recorded, Recomputed []byte
}

// ReplayRating rates again from the stored inputs under the stored policy version.
func (a *App) ReplayRating(ctx context.Context, ratingID string) (Replayed, error) {
	stored, salesperson, err := a.store().Rating(ctx, ratingID)
	if err != nil {
		return Replayed{}, err
	}
	if !authz.ScopeOf(ctx).Allows(salesperson) {
		return Replayed{}, errs.New(errs.NotFound, postgres.ReasonRatingNotFound, "there is no rating %s", ratingID)
	}
	p, err := a.Policies.ByVersion(ctx, stored.Record.PolicyVersion)
	if err != nil {
		return Replayed{}, err
	}
	again, err := rating.Again(stored.Record, p)
	if err != nil {
		return Replayed{}, err
	}
	data, err := again.Bytes()
	return Replayed{Recorded: stored.Bytes, Recomputed: data}, err
}

// RatingReport tells a stored rating in a language.
func (a *App) RatingReport(ctx context.Context, ratingID string, language report.Language) (report.Report, calendar.Date, error) {
	stored, salesperson, err := a.store().Rating(ctx, ratingID)
	if err != nil {
		return report.Report{}, calendar.Date{}, err
	}
	if !authz.ScopeOf(ctx).Allows(salesperson) {
		return report.Report{}, calendar.Date{}, errs.New(errs.NotFound, postgres.ReasonRatingNotFound, "there is no rating %s", ratingID)
	}
	p, err := a.Policies.ByVersion(ctx, stored.Record.PolicyVersion)
	if err != nil {
		return report.Report{}, calendar.Date{}, err
	}
	st, err := a.store().Customer(ctx, stored.Record.Inputs.CustomerID)
	if err != nil {
		return report.Report{}, calendar.Date{}, err
	}
	told := report.Of(report.Case{
		Record: stored.Record, Policy: p, CustomerName: st.File.DisplayName, Hash: hex.EncodeToString(stored.Hash),
	}, language)
	return told, stored.Record.Inputs.Date, nil
}

// Review rates a customer whose review interval ran out.
func (a *App) Review(ctx context.Context, customerID string) error {
	err := a.afresh(ctx, customerID, a.Clock.Today(ctx), func(g gathered, gatherErr error) error {
		if gatherErr != nil {
			return gatherErr
		}
		return pg.InTx(ctx, a.Pool, func(ctx context.Context, tx pgx.Tx) error {
			st, err := postgres.New(tx).Lock(ctx, customerID)
			if err != nil {
				return err
			}
			_, _, err = a.rate(ctx, tx, &st, g, why{trigger: rating.Interval, cause: "the review interval ran out"})
			return err
		})
	})
	if err == nil {
		a.flush(ctx, customerID)
	}
	return err
}

// DueForReview returns customers that are to be rated again today though nothing happened, by their grade or because they buy often; at most a
// batch, the longest ago first.
func (a *App) DueForReview(ctx context.Context, batch int) ([]string, error) {
	day := a.Clock.Today(ctx)
	p, err := a.Policies.InForce(ctx, day)
	if err != nil {
		return nil, err
	}
	q := postgres.ReviewQuery{Most: batch}
	for _, g := range append(grade.All(), grade.None) {
		if days := p.ReviewDays(g); days > 0 {
			q.Grades, q.By = append(q.Grades, string(g)), append(q.By, day.AddDays(-days))
		}
	}
	if c := p.ShortCycle; c != nil {
		q.PurchaseDays, q.ShortBy = c.PurchaseDays, day.AddDays(-c.ReviewDays)
	}
	return a.store().DueForReview(ctx, q)
}
