package pg

import (
	"context"
	"errors"
	"math/rand/v2"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
)

const (
	maxAttempts   = 5
	firstPause    = 5 * time.Millisecond
	rollbackGrace = 2 * time.Second
)

// InTx runs fn in one transaction and commits it. fn may run up to five times:
// a serialization failure or a deadlock rolls back and tries again after a
// jittered pause, so fn must have no effect outside tx. The error is fn's own,
// or the driver's as Err maps it; its cause stays reachable. An error of the
// commit itself leaves open whether it happened: send the same request again.
func InTx(ctx context.Context, pool *pgxpool.Pool, fn func(ctx context.Context, tx pgx.Tx) error) error {
	pause := firstPause
	for attempt := 1; ; attempt++ {
		err := once(ctx, pool, fn)
		if err == nil {
			return nil
		}
		if attempt == maxAttempts || !retryable(err) {
			return Err(err)
		}
		select {
		case <-ctx.Done():
			return Err(err)
		case <-time.After(pause/2 + rand.N(pause)): //nolint:gosec // jitter
		}
		pause *= 2
	}
}

func once(ctx context.Context, pool *pgxpool.Pool, fn func(ctx context.Context, tx pgx.Tx) error) error {
	tx, err := pool.Begin(ctx)
	if err != nil {
		return err
	}
	committed := false
	defer func() {
		if committed {
			return
		}
		// Also on a panic, and though the caller may have gone. A rollback that
		// fails closes the connection, which rolls back too.
		rctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), rollbackGrace)
		defer cancel()
		_ = tx.Rollback(rctx)
	}()
	if err := fn(ctx, tx); err != nil {
		return err
	}
	if err := tx.Commit(ctx); err != nil {
		if errors.Is(err, pgx.ErrTxCommitRollback) {
			// fn swallowed a failed statement: nothing was saved.
			return errors.Join(errSwallowed, err)
		}
		return err
	}
	committed = true
	return nil
}

var errSwallowed = errors.New("a statement failed, yet the transaction was to be committed")
