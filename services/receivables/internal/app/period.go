package app

import (
	"context"
	"encoding/json"

	"github.com/jackc/pgx/v5"

	"github.com/avalcredit/aval/pkg/audit"
	"github.com/avalcredit/aval/pkg/calendar"
	"github.com/avalcredit/aval/pkg/idem"
	"github.com/avalcredit/aval/pkg/pg"
	"github.com/avalcredit/aval/services/receivables/internal/period"
	"github.com/avalcredit/aval/services/receivables/internal/postgres"
)

// ClosePeriod closes all days up to one, for all customers: nothing that counts from one of them is posted any more.
// Errors: those of period.CloseUntil.
func (s *Service) ClosePeriod(ctx context.Context, req idem.Request, until calendar.Date, reason string) (period.Act, error) {
	return s.movePeriod(ctx, req, reason, func(last period.Act) (period.Act, error) {
		return period.CloseUntil(last, until, s.Clock.Today(ctx))
	})
}

// OpenPeriod opens the days from one on, until they are closed again. Errors: those of period.OpenFrom.
func (s *Service) OpenPeriod(ctx context.Context, req idem.Request, from calendar.Date, reason string) (period.Act, error) {
	return s.movePeriod(ctx, req, reason, func(last period.Act) (period.Act, error) { return period.OpenFrom(last, from) })
}

func (s *Service) movePeriod(ctx context.Context, req idem.Request, reason string, next func(period.Act) (period.Act, error)) (period.Act, error) {
	var out period.Act
	err := pg.InTx(ctx, s.Pool, func(ctx context.Context, tx pgx.Tx) error {
		var err error
		out, _, err = idem.Do(ctx, tx, req, func() (period.Act, error) {
			act := s.act(ctx)
			a, err := postgres.MovePeriod(ctx, tx, act, reason, next)
			if err != nil {
				return a, err
			}
			detail, err := json.Marshal(a)
			if err != nil {
				return a, err
			}
			return a, audit.Append(ctx, tx, audit.Event{
				Stream: "periods", Actor: act.Actor, BusinessDate: act.Today, Action: "period." + string(a.Kind),
				Subject: "closed until " + a.ClosedUntil.String(), Detail: detail,
			})
		})
		return err
	})
	return out, err
}

// Periods lists who closed and opened the books, newest first.
func (s *Service) Periods(ctx context.Context, before int64, limit int) ([]period.Act, error) {
	return s.store.PeriodActs(ctx, before, limit)
}
