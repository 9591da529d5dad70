package app

import (
	"context"
	"slices"

	"github.com/jackc/pgx/v5"

	"github.com/avalcredit/aval/pkg/calendar"
	"github.com/avalcredit/aval/pkg/idem"
	"github.com/avalcredit/aval/pkg/pg"
	"github.com/avalcredit/aval/pkg/policy"
)

// PolicyBook keeps the versions of the receivables policy.
type PolicyBook struct {
	Store *policy.Store
	// Signed is called after a signature, so that this process acts on it at once.
	Signed func()
	svc    *Service
}

// Policy returns the use cases of the policy.
func (s *Service) Policy(store *policy.Store, signed func()) *PolicyBook {
	return &PolicyBook{Store: store, Signed: signed, svc: s}
}

// Create stores a draft as the next version; the caller is its writer.
func (b *PolicyBook) Create(ctx context.Context, req idem.Request, d policy.Draft) (policy.Version, error) {
	d.CreatedBy, d.Today = actor(ctx), b.svc.Clock.Today(ctx)
	return b.once(ctx, req, func(ctx context.Context, tx pgx.Tx) (policy.Version, error) {
		return b.Store.Create(ctx, tx, d)
	})
}

// Sign puts a version in force from a date (none: today). The writer does not sign.
func (b *PolicyBook) Sign(ctx context.Context, req idem.Request, version int64, from calendar.Date) (policy.Version, error) {
	today := b.svc.Clock.Today(ctx)
	if from.IsZero() {
		from = today
	}
	v, err := b.once(ctx, req, func(ctx context.Context, tx pgx.Tx) (policy.Version, error) {
		return b.Store.Sign(ctx, tx, version, actor(ctx), from, today)
	})
	b.Signed()
	return v, err
}

func (b *PolicyBook) once(ctx context.Context, req idem.Request, fn func(ctx context.Context, tx pgx.Tx) (policy.Version, error)) (policy.Version, error) {
	var out policy.Version
	err := pg.InTx(ctx, b.svc.Pool, func(ctx context.Context, tx pgx.Tx) error {
		var err error
		out, _, err = idem.Do(ctx, tx, req, func() (policy.Version, error) { return fn(ctx, tx) })
		return err
	})
	return out, err
}

// Get returns a version; 0 is the one in force today.
func (b *PolicyBook) Get(ctx context.Context, version int64) (policy.Version, error) {
	if version == 0 {
		return b.Store.InForce(ctx, b.svc.Clock.Today(ctx))
	}
	return b.Store.Get(ctx, version)
}

// batch is how many versions one statement reads.
const batch = 1000

// List returns up to limit versions before a version (0: from the newest), newest first.
func (b *PolicyBook) List(ctx context.Context, limit int, before int64) ([]policy.Version, error) {
	var kept []policy.Version
	for after := int64(0); ; {
		page, err := b.Store.List(ctx, batch, after)
		if err != nil {
			return nil, err
		}
		for _, v := range page {
			if before == 0 || v.Version < before {
				kept = append(kept, v)
			}
		}
		kept = kept[max(len(kept)-limit, 0):]
		if len(page) < batch {
			break
		}
		after = page[len(page)-1].Version
	}
	slices.Reverse(kept)
	return kept, nil
}
