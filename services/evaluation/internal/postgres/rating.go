package postgres

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/avalcredit/aval/pkg/audit"
	"github.com/avalcredit/aval/pkg/calendar"
	"github.com/avalcredit/aval/pkg/errs"
	"github.com/avalcredit/aval/pkg/pg"
	"github.com/avalcredit/aval/services/evaluation/internal/postgres/db"
	"github.com/avalcredit/aval/services/evaluation/internal/rating"
)

// StoredRating is a rating with its place in the customer's chain.
type StoredRating struct {
	Record rating.Record
	// Bytes are the canonical bytes as stored; Hash covers them and the one before.
	Bytes, Hash []byte
}

// InsertRating adds a rating of a locked customer to its chain. prev is the hash of
// the rating before, nil for the first.
func (s Store) InsertRating(ctx context.Context, r rating.Record, prev []byte, at time.Time) (StoredRating, error) {
	data, err := r.Bytes()
	if err != nil {
		return StoredRating{}, err
	}
	if prev == nil {
		prev = audit.Genesis()
	}
	hash := audit.Link(prev, data)
	err = s.q.InsertRating(ctx, db.InsertRatingParams{
		CustomerID: r.Inputs.CustomerID, Sequence: r.Inputs.Sequence, RatingID: r.RatingID,
		BusinessDate: r.Inputs.Date, PolicyVersion: r.PolicyVersion, Grade: string(r.Result.Grade),
		Record: data, Prev: prev, Hash: hash, CreateTime: at,
	})
	if err == nil {
		err = s.q.CountRating(ctx, db.CountRatingParams{CustomerID: r.Inputs.CustomerID, RatingSequence: r.Inputs.Sequence})
	}
	return StoredRating{Record: r, Bytes: data, Hash: hash}, pg.Err(err)
}

// NewestRating returns the last rating of a customer; nil where there is none.
func (s Store) NewestRating(ctx context.Context, customerID string) (*StoredRating, error) {
	row, err := s.q.NewestRating(ctx, customerID)
	if errs.KindOf(pg.Err(err)) == errs.NotFound {
		return nil, nil //nolint:nilnil // none yet is no error
	}
	if err != nil {
		return nil, pg.Err(err)
	}
	r, err := ratingOf(row.Record, row.Hash)
	return &r, err
}

// Rating returns one rating and the salesperson of its customer, or NotFound RATING_NOT_FOUND.
func (s Store) Rating(ctx context.Context, ratingID string) (r StoredRating, salesperson string, err error) {
	row, err := s.q.GetRating(ctx, ratingID)
	if err != nil {
		return StoredRating{}, "", notFound(err, ReasonRatingNotFound, "there is no rating %s", ratingID)
	}
	r, err = ratingOf(row.Record, row.Hash)
	return r, row.SalespersonID, err
}

// Ratings returns ratings of a customer before a number, newest first.
func (s Store) Ratings(ctx context.Context, customerID string, before int64, most int) ([]StoredRating, error) {
	rows, err := s.q.ListRatings(ctx, db.ListRatingsParams{
		CustomerID: customerID, BeforeSequence: before, Most: int32(most), //nolint:gosec // a page
	})
	if err != nil {
		return nil, pg.Err(err)
	}
	found := make([]StoredRating, 0, len(rows))
	for _, row := range rows {
		r, err := ratingOf(row.Record, row.Hash)
		if err != nil {
			return nil, err
		}
		found = append(found, r)
	}
	return found, nil
}

func ratingOf(data, hash []byte) (StoredRating, error) {
	r, err := rating.Parse(data)
	return StoredRating{Record: r, Bytes: data, Hash: hash}, err
}

// SetReviewed notes the business date on which a customer was last looked at.
func (s Store) SetReviewed(ctx context.Context, customerID string, day calendar.Date) error {
	return pg.Err(s.q.SetReviewed(ctx, db.SetReviewedParams{CustomerID: customerID, ReviewedOn: day}))
}

// ReviewQuery asks for customers that are to be rated again.
type ReviewQuery struct {
	// Grades, and by which day a customer of each must have been looked at last to be due.
	Grades []string
	By     []calendar.Date
	// PurchaseDays: customers that usually buy again within so many days are due where they were last looked at by ShortBy; 0: as the others.
	PurchaseDays int
	ShortBy      calendar.Date
	Most         int
}

// Each grade and each number of days between purchases by the index that has them in the order of the last look.
const dueForReviewSQL = `SELECT customer_id FROM (
		SELECT c.customer_id, c.reviewed_on FROM unnest($1::text[], $2::date[]) AS g (grade, by) CROSS JOIN LATERAL (
			SELECT customer_id, reviewed_on FROM customers
			WHERE grade = g.grade AND reviewed_on <= g.by AND life_cycle <> 'CLOSED' ORDER BY reviewed_on, customer_id LIMIT $5) c
		UNION
		SELECT c.customer_id, c.reviewed_on FROM generate_series(1, $3::int) AS days CROSS JOIN LATERAL (
			SELECT customer_id, reviewed_on FROM customers
			WHERE purchase_days = days AND reviewed_on <= $4 AND life_cycle <> 'CLOSED' ORDER BY reviewed_on, customer_id LIMIT $5) c) due
	ORDER BY reviewed_on, customer_id LIMIT $5`

// DueForReview returns customers that are due, the longest ago first.
func (s Store) DueForReview(ctx context.Context, q ReviewQuery) ([]string, error) {
	rows, err := s.raw.Query(ctx, dueForReviewSQL, q.Grades, q.By, q.PurchaseDays, q.ShortBy, q.Most)
	if err != nil {
		return nil, pg.Err(err)
	}
	ids, err := pgx.CollectRows(rows, pgx.RowTo[string])
	return ids, pg.Err(err)
}
