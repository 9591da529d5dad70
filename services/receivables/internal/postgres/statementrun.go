package postgres

import (
	"context"
	"errors"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/avalcredit/aval/pkg/calendar"
	"github.com/avalcredit/aval/pkg/pg"
	"github.com/avalcredit/aval/services/receivables/internal/statement"
)

// StatementRun is the sending of statements of a kind and day to all who get them by themselves.
type StatementRun struct {
	Kind   statement.Kind
	AsOf   calendar.Date
	Worker string
	Cursor string // customers up to this one have been looked at
}

const (
	claimStatementsSQL = `
INSERT INTO statement_runs (kind, as_of_date, worker, lease_until) VALUES ($1, $2, $3, clock_timestamp() + $4::interval)
ON CONFLICT (kind, as_of_date) DO UPDATE SET worker = excluded.worker, lease_until = excluded.lease_until
WHERE statement_runs.finished_at IS NULL AND statement_runs.lease_until < clock_timestamp()
RETURNING cursor`
	keepStatementsSQL = `UPDATE statement_runs SET cursor = $4, lease_until = clock_timestamp() + $5::interval, finished_at = CASE WHEN $6 THEN clock_timestamp() END
WHERE kind = $1 AND as_of_date = $2 AND worker = $3 AND finished_at IS NULL`
	// Who may have owed something on the day: what is open now, or was paid since. A draft of the job's own is one that was not sent yet.
	statementsDueSQL = `
SELECT a.customer_id FROM accounts a
WHERE a.customer_id > $3
  AND (EXISTS (SELECT FROM item_balances b WHERE b.customer_id = a.customer_id AND (b.open > 0 OR b.last_application > $2))
       OR EXISTS (SELECT FROM credit_balances b WHERE b.customer_id = a.customer_id AND b.unapplied > 0))
  AND NOT EXISTS (SELECT FROM account_statement_states t JOIN account_statements s USING (statement_id)
                  WHERE t.customer_id = a.customer_id AND t.kind = $1 AND t.as_of_date = $2 AND NOT (t.stage = 'DRAFTED' AND s.drafted_by = $4))
ORDER BY a.customer_id LIMIT $5`
)

// ClaimStatements takes the run of a kind and day; ok is false where it is over or another worker has it. A claim is free again when its
// lease is over.
func (s *Store) ClaimStatements(ctx context.Context, r StatementRun, lease time.Duration) (run StatementRun, ok bool, err error) {
	err = s.pool.QueryRow(ctx, claimStatementsSQL, string(r.Kind), r.AsOf, r.Worker, lease).Scan(&r.Cursor)
	if errors.Is(err, pgx.ErrNoRows) {
		return r, false, nil
	}
	return r, err == nil, pg.Err(err)
}

// KeepStatements keeps how far a run is; held is false where another worker has it meanwhile.
func (s *Store) KeepStatements(ctx context.Context, r StatementRun, lease time.Duration, finished bool) (held bool, err error) {
	tag, err := s.pool.Exec(ctx, keepStatementsSQL, string(r.Kind), r.AsOf, r.Worker, r.Cursor, lease, finished)
	return err == nil && tag.RowsAffected() == 1, pg.Err(err)
}

// StatementsDue are the next customers of a run who may get a statement: those that have none of the kind and day, whatever became of it,
// but for drafts of by.
func (s *Store) StatementsDue(ctx context.Context, r StatementRun, by string, most int) ([]string, error) {
	rows, err := s.pool.Query(ctx, statementsDueSQL, string(r.Kind), r.AsOf, r.Cursor, by, most)
	if err != nil {
		return nil, pg.Err(err)
	}
	out, err := pgx.CollectRows(rows, pgx.RowTo[string])
	return out, pg.Err(err)
}
