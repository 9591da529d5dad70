package policy

import (
	"context"

	"github.com/jackc/pgx/v5"

	"github.com/avalcredit/aval/pkg/calendar"
	"github.com/avalcredit/aval/pkg/idem"
	"github.com/avalcredit/aval/pkg/pg"
)

// Book is how people work on a phase's policy: writing drafts, signing, reading. Writes take effect once a request.
type Book struct {
	Store *Store
	Clock calendar.Clock
	// Signed is called after a signature, so that this process acts on it at once.
	Signed func()
}

// Create stores a draft as the next version. Today of the draft is set from the clock.
func (b *Book) Create(ctx context.Context, req idem.Request, d Draft) (Version, error) {
	d.Today = b.Clock.Today(ctx)
	return b.once(ctx, req, func(ctx context.Context, tx pgx.Tx) (Version, error) { return b.Store.Create(ctx, tx, d) })
}

// Sign puts a version in force from a date (none: today). Errors: those of Store.Sign.
func (b *Book) Sign(ctx context.Context, req idem.Request, version int64, signer string, from calendar.Date) (Version, error) {
	today := b.Clock.Today(ctx)
	if from.IsZero() {
		from = today
	}
	v, err := b.once(ctx, req, func(ctx context.Context, tx pgx.Tx) (Version, error) {
		return b.Store.Sign(ctx, tx, version, signer, from, today)
	})
	if err == nil {
		b.Signed()
	}
	return v, err
}

func (b *Book) once(ctx context.Context, req idem.Request, fn func(ctx context.Context, tx pgx.Tx) (Version, error)) (Version, error) {
	var out Version
	err := pg.InTx(ctx, b.Store.pool, func(ctx context.Context, tx pgx.Tx) error {
		var err error
		out, _, err = idem.Do(ctx, tx, req, func() (Version, error) { return fn(ctx, tx) })
		return err
	})
	return out, err
}

// Get returns a version; 0 is the one in force today.
func (b *Book) Get(ctx context.Context, version int64) (Version, error) {
	if version == 0 {
		return b.Store.InForce(ctx, b.Clock.Today(ctx))
	}
	return b.Store.Get(ctx, version)
}

// Newest returns up to limit versions before one (0: from the newest), newest first.
func (b *Book) Newest(ctx context.Context, limit int, before int64) ([]Version, error) {
	rows, err := b.Store.pool.Query(ctx, newestSQL, before, limit)
	if err != nil {
		return nil, pg.Err(err)
	}
	versions, err := pgx.CollectRows(rows, scan)
	return versions, pg.Err(err)
}

const newestSQL = `SELECT ` + columns + ` FROM policies WHERE $1 ::bigint = 0 OR version < $1 ORDER BY version DESC LIMIT $2`
