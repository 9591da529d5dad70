// Package operation keeps long-running work: queued once a request, claimed by one process at a time for as long as it keeps saying that it
// works on it, cancelled on request, gone on with by another process where one dies. The table `operations` is in the schema of each phase
// that uses it.
package operation

import (
	"context"
	"errors"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/avalcredit/aval/pkg/errs"
	"github.com/avalcredit/aval/pkg/idem"
	"github.com/avalcredit/aval/pkg/pg"
)

// The states of an operation.
const (
	Queued    = "QUEUED"
	Running   = "RUNNING"
	Succeeded = "SUCCEEDED"
	Failed    = "FAILED"
	Cancelled = "CANCELLED"
)

// ReasonUnknown is the reason of the error for an operation that is not there.
const ReasonUnknown = "OPERATION_UNKNOWN"

// ErrCancelled ends work whose end was asked for.
var ErrCancelled = errors.New("somebody asked for the end of the operation")

// ErrLost says that an operation is not this worker's any more.
var ErrLost = errors.New("another worker has the operation, or it has ended")

// Operation is long-running work as it stands.
type Operation struct {
	ID, Kind, State           string
	Spec                      []byte // JSON
	CreatedBy                 string
	CreatedAt                 time.Time
	StartedAt, EndedAt        *time.Time
	Done, Total               int64
	Attempts                  int
	CancelRequested           bool
	Cursor, Outcome           []byte // JSON; the outcome is not read in a list
	ErrorReason, ErrorMessage string
	Worker                    string
}

// Store keeps operations in the schema of its pool.
type Store struct{ pool *pgxpool.Pool }

// NewStore returns a store on a pool whose schema has the table.
func NewStore(pool *pgxpool.Pool) *Store { return &Store{pool: pool} }

const operationFields = `operation_id, kind, state, spec, created_by, created_at, started_at, ended_at, done, total, attempts, cancel_requested,
    cursor, error_reason, error_message, worker`

func scanOperation(row pgx.CollectableRow) (Operation, error) {
	var o Operation
	var spec, cursor, outcome string
	err := row.Scan(&o.ID, &o.Kind, &o.State, &spec, &o.CreatedBy, &o.CreatedAt, &o.StartedAt, &o.EndedAt, &o.Done, &o.Total, &o.Attempts,
		&o.CancelRequested, &cursor, &o.ErrorReason, &o.ErrorMessage, &o.Worker, &outcome)
	o.Spec, o.Cursor, o.Outcome = []byte(spec), []byte(cursor), []byte(outcome)
	return o, err
}

const (
	countOpen       = `SELECT count(*) FROM operations WHERE state IN ('QUEUED', 'RUNNING')`
	insertOperation = `INSERT INTO operations (operation_id, kind, state, spec, created_by) VALUES ($1, $2, 'QUEUED', $3, $4)`
)

// Create queues work, once a request: the same request gives the id of the first. Errors: RESOURCE_EXHAUSTED
// TOO_MANY_OPERATIONS where most are waiting or running already; REQUEST_ID_REUSED.
func (s *Store) Create(ctx context.Context, req idem.Request, o Operation, most int) (id string, err error) {
	err = pg.InTx(ctx, s.pool, func(ctx context.Context, tx pgx.Tx) error {
		var err error
		id, _, err = idem.Do(ctx, tx, req, func() (string, error) {
			var open int
			if err := tx.QueryRow(ctx, countOpen).Scan(&open); err != nil {
				return "", pg.Err(err)
			}
			if open >= most {
				return "", errs.New(errs.ResourceExhausted, "TOO_MANY_OPERATIONS", "%d operations wait or run already", open).WithRetryAfter(time.Minute)
			}
			_, err := tx.Exec(ctx, insertOperation, o.ID, o.Kind, string(o.Spec), o.CreatedBy)
			return o.ID, pg.Err(err)
		})
		return err
	})
	return id, err
}

const enqueueOperation = insertOperation + ` ON CONFLICT (operation_id) DO NOTHING`

// Enqueue queues work of a given id unless there is such work already, whatever became of it; it reports whether there was none.
func (s *Store) Enqueue(ctx context.Context, o Operation) (bool, error) {
	tag, err := s.pool.Exec(ctx, enqueueOperation, o.ID, o.Kind, string(o.Spec), o.CreatedBy)
	return tag.RowsAffected() == 1, pg.Err(err)
}

const selectOperation = `SELECT ` + operationFields + `, outcome FROM operations WHERE operation_id = $1`

// Get reads one operation. Errors: NOT_FOUND OPERATION_UNKNOWN.
func (s *Store) Get(ctx context.Context, id string) (Operation, error) {
	found, err := s.operations(ctx, selectOperation, id)
	if err == nil && len(found) == 0 {
		return Operation{}, errs.New(errs.NotFound, ReasonUnknown, "operation %s is not known", id).With("operation_id", id)
	}
	if err != nil {
		return Operation{}, err
	}
	return found[0], nil
}

func (s *Store) operations(ctx context.Context, query string, args ...any) ([]Operation, error) {
	rows, err := s.pool.Query(ctx, query, args...)
	if err != nil {
		return nil, pg.Err(err)
	}
	found, err := pgx.CollectRows(rows, scanOperation)
	return found, pg.Err(err)
}

const listOperations = `SELECT ` + operationFields + `, '' FROM operations
WHERE ($1 = '' OR state = $1) AND ($2::timestamptz IS NULL OR (created_at, operation_id) < ($2, $3)) AND kind = ANY ($5)
ORDER BY created_at DESC, operation_id DESC LIMIT $4`

// ListQuery asks for a page of operations, newest first.
type ListQuery struct {
	// Kinds of the operations.
	Kinds []string
	// State of the operations; empty: any.
	State string
	// Before is when the last one before the page was created, and ID its id; nil: the first page.
	Before *time.Time
	ID     string
	Limit  int
}

// List lists operations without their outcome.
func (s *Store) List(ctx context.Context, q ListQuery) ([]Operation, error) {
	return s.operations(ctx, listOperations, q.State, q.Before, q.ID, q.Limit, q.Kinds)
}

const claimOperation = `
UPDATE operations SET state = 'RUNNING', worker = $1, lease_until = clock_timestamp() + $2::interval, attempts = attempts + 1,
    started_at = coalesce(started_at, clock_timestamp())
WHERE operation_id = (
    SELECT operation_id FROM operations
    WHERE state = 'QUEUED' OR (state = 'RUNNING' AND lease_until < clock_timestamp())
    ORDER BY created_at LIMIT 1 FOR UPDATE SKIP LOCKED)
RETURNING ` + operationFields + `, outcome`

// Claim takes the oldest operation that waits, or whose worker has died, for a worker; found is false where there is none.
func (s *Store) Claim(ctx context.Context, worker string, lease time.Duration) (o Operation, found bool, err error) {
	list, err := s.operations(ctx, claimOperation, worker, lease)
	if err != nil || len(list) == 0 {
		return Operation{}, false, err
	}
	return list[0], true, nil
}

const saveOperation = `
UPDATE operations SET done = $4, total = $5, cursor = $6, outcome = $7, lease_until = clock_timestamp() + $8::interval
WHERE operation_id = $1 AND worker = $2 AND attempts = $3 AND state = 'RUNNING' RETURNING cancel_requested`

// Save keeps how far a claimed operation is, and holds it on for another lease; in the transaction q, or by itself where that is nil. It
// reports whether its end was asked for. Errors: ErrLost.
func (s *Store) Save(ctx context.Context, q pg.Querier, o Operation, lease time.Duration) (cancel bool, err error) {
	if q == nil {
		q = s.pool
	}
	err = q.QueryRow(ctx, saveOperation, o.ID, o.Worker, o.Attempts, o.Done, o.Total, string(o.Cursor), string(o.Outcome), lease).Scan(&cancel)
	if errors.Is(err, pgx.ErrNoRows) {
		return false, ErrLost
	}
	return cancel, pg.Err(err)
}

const endOperation = `
UPDATE operations SET state = $4, done = $5, outcome = $6, error_reason = $7, error_message = $8, ended_at = clock_timestamp(),
    lease_until = NULL, cursor = ''
WHERE operation_id = $1 AND worker = $2 AND attempts = $3 AND state = 'RUNNING'`

// End ends a claimed operation in the state that it has. Errors: ErrLost.
func (s *Store) End(ctx context.Context, o Operation) error {
	tag, err := s.pool.Exec(ctx, endOperation, o.ID, o.Worker, o.Attempts, o.State, o.Done, string(o.Outcome), o.ErrorReason, o.ErrorMessage)
	if err == nil && tag.RowsAffected() == 0 {
		return ErrLost
	}
	return pg.Err(err)
}

const cancelOperation = `
UPDATE operations SET cancel_requested = true,
    state = CASE state WHEN 'QUEUED' THEN 'CANCELLED' ELSE state END,
    ended_at = CASE state WHEN 'QUEUED' THEN clock_timestamp() ELSE ended_at END
WHERE operation_id = $1 AND state IN ('QUEUED', 'RUNNING')`

// Cancel asks for the end of an operation; one that waits ends at once, one that has ended stays as it is.
func (s *Store) Cancel(ctx context.Context, id string) error {
	_, err := s.pool.Exec(ctx, cancelOperation, id)
	return pg.Err(err)
}

const releaseOperation = `
UPDATE operations SET state = 'QUEUED', worker = '', lease_until = NULL, attempts = greatest(attempts - 1, 0)
WHERE operation_id = $1 AND worker = $2 AND attempts = $3 AND state = 'RUNNING'`

// Release gives a claimed operation back, for another process to go on where it was kept last: an orderly end of this process
// is no interruption.
func (s *Store) Release(ctx context.Context, o Operation) error {
	_, err := s.pool.Exec(ctx, releaseOperation, o.ID, o.Worker, o.Attempts)
	return pg.Err(err)
}
