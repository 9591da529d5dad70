package postgres

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/avalcredit/aval/pkg/calendar"
	"github.com/avalcredit/aval/pkg/pg"
	"github.com/avalcredit/aval/services/receivables/internal/period"
	"github.com/avalcredit/aval/services/receivables/internal/postgres/db"
)

// closedUntil is the last closed day, which stays so until the transaction ends.
func closedUntil(ctx context.Context, q *db.Queries) (calendar.Date, error) {
	if err := q.SharePeriods(ctx); err != nil {
		return calendar.Date{}, pg.Err(err)
	}
	last, err := lastPeriodAct(ctx, q)
	return last.ClosedUntil, err
}

func lastPeriodAct(ctx context.Context, q *db.Queries) (period.Act, error) {
	rows, err := q.LastPeriodAct(ctx)
	if err != nil || len(rows) == 0 {
		return period.Act{}, pg.Err(err)
	}
	return periodAct(rows[0]), nil
}

// MovePeriod makes the next act of the last one, once all postings under way have ended.
func MovePeriod(ctx context.Context, tx pgx.Tx, act Act, reason string, next func(last period.Act) (period.Act, error)) (period.Act, error) {
	q := db.New(tx)
	if err := q.TakePeriods(ctx); err != nil {
		return period.Act{}, pg.Err(err)
	}
	last, err := lastPeriodAct(ctx, q)
	if err != nil {
		return period.Act{}, err
	}
	a, err := next(last)
	if err != nil {
		return period.Act{}, err
	}
	a.Reason, a.Actor, a.Date, a.CreateTime = reason, act.Actor, act.Today, act.Now
	return a, pg.Err(q.AddPeriodAct(ctx, db.AddPeriodActParams{
		ActNumber: a.Number, Act: string(a.Kind), ClosedUntil: a.ClosedUntil, Reason: a.Reason, ActedBy: a.Actor,
		BusinessDate: a.Date, CreatedAt: a.CreateTime,
	}))
}

// PeriodActs lists who closed and opened, newest first, before an act's number; 0: from the newest.
func (s *Store) PeriodActs(ctx context.Context, before int64, limit int) ([]period.Act, error) {
	rows, err := s.q.PeriodActs(ctx, db.PeriodActsParams{Before: before, Size: int32(limit)}) //nolint:gosec // a page
	out := make([]period.Act, len(rows))
	for i, r := range rows {
		out[i] = periodAct(r)
	}
	return out, pg.Err(err)
}

func periodAct(r db.PeriodAct) period.Act {
	return period.Act{
		Number: r.ActNumber, Kind: period.Kind(r.Act), ClosedUntil: r.ClosedUntil, Reason: r.Reason, Actor: r.ActedBy,
		Date: r.BusinessDate, CreateTime: r.CreatedAt.UTC().Truncate(time.Microsecond),
	}
}
