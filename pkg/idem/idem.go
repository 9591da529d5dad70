// Package idem makes a write safe to send again: the first answer to a request
// id is stored in the transaction of its effect, and given again to the same
// request. The same id with another request is refused.
package idem

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"google.golang.org/protobuf/proto"

	"github.com/avalcredit/aval/pkg/authn"
	"github.com/avalcredit/aval/pkg/errs"
	"github.com/avalcredit/aval/pkg/pg"
)

const (
	// ReasonReused is the reason of a request id sent again with another request.
	ReasonReused = "REQUEST_ID_REUSED"
	// maxID bounds request ids, in bytes.
	maxID = 128
	// pruneBatch keeps the locks and the log of one deletion small.
	pruneBatch = 1000
)

// Request identifies a write: its id, chosen by the caller, and what it asks for.
type Request struct {
	ID     string // of the caller's choice, unique within the phase
	Method string // full name of the RPC
	Hash   []byte // of the caller and the body
}

// FromProto makes the Request of a message. Two messages with the same fields
// from the same caller have the same hash; from two callers they have two, as a
// person must not be told that it did what another one did, nor be shown it.
func FromProto(ctx context.Context, method string, id string, m proto.Message) Request {
	body, err := proto.MarshalOptions{Deterministic: true}.Marshal(m)
	if err != nil {
		return Request{ID: id, Method: method} // Do refuses a request without a hash
	}
	caller, _ := authn.FromContext(ctx)
	subject := sha256.Sum256([]byte(caller.Subject)) // of a fixed length, which keeps it apart from the body
	sum := sha256.Sum256(append(subject[:], body...))
	return Request{ID: id, Method: method, Hash: sum[:]}
}

func (r Request) check() error {
	if r.ID == "" || len(r.ID) > maxID {
		return errs.Field("request_id", "required", "give a request id of 1 to %d bytes", maxID)
	}
	if r.Method == "" || len(r.Hash) == 0 {
		return errs.New(errs.Internal, "INTERNAL", "internal error").WithCause(fmt.Errorf("idem: request %q without method or hash", r.ID))
	}
	return nil
}

const (
	claimSQL = `INSERT INTO idempotency (request_id, method, body_hash) VALUES ($1, $2, $3)
		ON CONFLICT (request_id) DO NOTHING`
	lookSQL  = `SELECT method, body_hash, result FROM idempotency WHERE request_id = $1 FOR UPDATE`
	storeSQL = `UPDATE idempotency SET result = $2 WHERE request_id = $1`
	// A replay must not answer from what a failover could take back: its
	// transaction writes, so its commit waits for the log (and for the standby).
	touchSQL = `SELECT pg_logical_emit_message(true, 'aval', 'replay')`
	pruneSQL = `DELETE FROM idempotency WHERE request_id IN (
		SELECT request_id FROM idempotency WHERE created_at < now() - $1::interval LIMIT $2)`
)

// Do runs fn once per request id and stores its result in tx; a later call with
// the same request gets that result, with replayed true and fn not called. A
// concurrent call with the same id waits for the first one to end. The caller
// must commit tx before it answers, and roll back on an error: errors are not
// stored, so the same id may try again. T must survive JSON: what comes back,
// the first time too, is the decoded form.
//
// Errors: AlreadyExists REQUEST_ID_REUSED for the same id with another method,
// body or caller, Invalid for a missing id, fn's own, and those of the database.
func Do[T any](ctx context.Context, tx pgx.Tx, r Request, fn func() (T, error)) (result T, replayed bool, err error) {
	if err := r.check(); err != nil {
		return result, false, err
	}
	stored, err := claim(ctx, tx, r)
	if err != nil {
		return result, false, err
	}
	if stored != nil {
		return decode[T](r, stored, true)
	}
	first, err := fn()
	if err != nil {
		return result, false, err
	}
	body, err := json.Marshal(first)
	if err != nil {
		return result, false, fmt.Errorf("idem: result of %s: %w", r.Method, err)
	}
	if _, err := tx.Exec(ctx, storeSQL, r.ID, body); err != nil {
		return result, false, pg.Err(err)
	}
	return decode[T](r, body, false)
}

func decode[T any](r Request, body []byte, replayed bool) (result T, _ bool, err error) {
	if err := json.Unmarshal(body, &result); err != nil {
		return result, replayed, fmt.Errorf("idem: stored result of %s %q: %w", r.Method, r.ID, err)
	}
	return result, replayed, nil
}

// claim inserts the id first, so that of two callers one waits; it returns the
// stored result of an earlier call, or nil if this call is the first.
func claim(ctx context.Context, tx pgx.Tx, r Request) ([]byte, error) {
	tag, err := tx.Exec(ctx, claimSQL, r.ID, r.Method, r.Hash)
	if err != nil {
		return nil, pg.Err(err)
	}
	if tag.RowsAffected() == 1 {
		return nil, nil
	}
	var method string
	var hash, result []byte
	if err := tx.QueryRow(ctx, lookSQL, r.ID).Scan(&method, &hash, &result); err != nil {
		return nil, pg.Err(err)
	}
	if method != r.Method || !bytes.Equal(hash, r.Hash) {
		return nil, errs.New(errs.AlreadyExists, ReasonReused,
			"this request id was used for another request: send a new request with a new id").With("request_id", r.ID)
	}
	if result == nil {
		return nil, nil // claimed in this transaction, or in one that stored no result
	}
	if _, err := tx.Exec(ctx, touchSQL); err != nil {
		return nil, pg.Err(err)
	}
	return result, nil
}

// Prune forgets requests older than the given number of days and returns how
// many. A request sent again after that is a new request: keep more days than
// any caller retries.
func Prune(ctx context.Context, q pg.Querier, days int) (int64, error) {
	if days < 1 {
		return 0, errs.Field("days", "min", "keep at least one day")
	}
	age := time.Duration(days) * 24 * time.Hour
	var total int64
	for {
		tag, err := q.Exec(ctx, pruneSQL, age, pruneBatch)
		if err != nil {
			return total, pg.Err(err)
		}
		total += tag.RowsAffected()
		if tag.RowsAffected() < pruneBatch {
			return total, nil
		}
	}
}
