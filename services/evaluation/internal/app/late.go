package app

import (
	"context"

	"github.com/jackc/pgx/v5"

	"github.com/avalcredit/aval/pkg/pg"
	"github.com/avalcredit/aval/services/evaluation/internal/postgres"
)

// LateForms gives steps of forms that are late to the role that they go to.
type LateForms struct{ *App }

// Due returns forms with a late step, at most a batch.
func (l LateForms) Due(ctx context.Context, batch int) ([]string, error) {
	return l.store().LateApplications(ctx, l.Clock.Today(ctx), batch)
}

// Do gives the late step of one form on, once: of replicas that do it at once, one does.
func (l LateForms) Do(ctx context.Context, id string) error {
	day := l.Clock.Today(ctx)
	return pg.InTx(ctx, l.Pool, func(ctx context.Context, tx pgx.Tx) error {
		f, err := postgres.New(tx).LockApplication(ctx, id)
		if err != nil {
			return err
		}
		f, did := f.Escalate(day)
		if !did {
			return nil
		}
		e := f.Form.Escalations[len(f.Form.Escalations)-1]
		if err := note(ctx, tx, noted{customer: f.CustomerID, action: "application.escalate", subject: f.ID, day: day, detail: e}); err != nil {
			return err
		}
		return l.filed(ctx, tx, f, "ESCALATE", day)
	})
}
