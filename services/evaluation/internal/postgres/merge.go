package postgres

import (
	"context"
	"time"

	"github.com/avalcredit/aval/pkg/calendar"
	"github.com/avalcredit/aval/pkg/pg"
	"github.com/avalcredit/aval/services/evaluation/internal/postgres/db"
)

// Merge is a file that was merged into another one.
type Merge struct {
	MergedID, SurvivorID string
	By                   string
	Date                 calendar.Date
	Reason               string
}

// InsertMerge writes down a merge.
func (s Store) InsertMerge(ctx context.Context, m Merge, at time.Time) error {
	return pg.Err(s.q.InsertMerge(ctx, db.InsertMergeParams{
		MergedID: m.MergedID, SurvivorID: m.SurvivorID, MergedBy: m.By, BusinessDate: m.Date, Reason: m.Reason, CreateTime: at,
	}))
}

// MergedInto returns the files that were merged into one by the end of a day, and into those.
func (s Store) MergedInto(ctx context.Context, survivorID string, day calendar.Date) ([]string, error) {
	ids, err := s.q.MergedInto(ctx, db.MergedIntoParams{SurvivorID: survivorID, Day: day})
	return ids, pg.Err(err)
}

// OpenForms returns the serial numbers of a customer's forms that somebody has yet to act on.
func (s Store) OpenForms(ctx context.Context, customerID string) ([]string, error) {
	rows, err := s.q.OpenForms(ctx, customerID)
	var serials []string
	for _, r := range rows {
		if r != nil {
			serials = append(serials, *r)
		}
	}
	return serials, pg.Err(err)
}
