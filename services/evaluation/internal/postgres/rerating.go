package postgres

import (
	"context"

	"github.com/avalcredit/aval/pkg/calendar"
	"github.com/avalcredit/aval/pkg/errs"
	"github.com/avalcredit/aval/pkg/pg"
	"github.com/avalcredit/aval/services/evaluation/internal/postgres/db"
)

// Rerating is a rating that a fact asks for.
type Rerating struct {
	Date calendar.Date
	// Cause says in words which fact.
	Cause string
}

// PutRerating notes that a customer is to be rated again.
func (s Store) PutRerating(ctx context.Context, customerID string, r Rerating) error {
	return pg.Err(s.q.PutRerating(ctx, db.PutReratingParams{CustomerID: customerID, BusinessDate: r.Date, Cause: r.Cause}))
}

// Rerating returns what a customer is to be rated again for; nil: nothing.
func (s Store) Rerating(ctx context.Context, customerID string) (*Rerating, error) {
	row, err := s.q.GetRerating(ctx, customerID)
	if errs.KindOf(pg.Err(err)) == errs.NotFound {
		return nil, nil //nolint:nilnil // nothing to do is no error
	}
	return &Rerating{Date: row.BusinessDate, Cause: row.Cause}, pg.Err(err)
}

// DeleteRerating forgets it.
func (s Store) DeleteRerating(ctx context.Context, customerID string) error {
	return pg.Err(s.q.DeleteRerating(ctx, customerID))
}

// Reratings returns customers that are to be rated again, at most so many.
func (s Store) Reratings(ctx context.Context, most int) ([]string, error) {
	ids, err := s.q.ListReratings(ctx, int32(most)) //nolint:gosec // a batch
	return ids, pg.Err(err)
}
