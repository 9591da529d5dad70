// Package delivery carries events from one phase to another: in order per
// customer, at least once on the wire, exactly once in effect. The sender writes
// an event in the transaction of the change it tells of; a relay sends what the
// receiver has not acknowledged; the receiver applies exactly the next one,
// ignores what it has, and names the one it expects when there is a gap.
package delivery

import (
	"context"
	"strconv"

	"github.com/jackc/pgx/v5"

	"github.com/avalcredit/aval/pkg/errs"
	"github.com/avalcredit/aval/pkg/pg"
)

const (
	// ReasonGap is the reason of an event that came before its predecessors.
	ReasonGap = "SEQUENCE_GAP"
	// MetaExpected is the metadata key of the sequence the receiver expects.
	MetaExpected = "expected"
)

// Event is one change of a customer, as the receiver gets it.
type Event struct {
	CustomerID string
	Seq        int64 // 1, 2, 3 ... per stream and customer
	Payload    []byte
}

// Head is how far a customer's events of a stream are.
type Head struct {
	Last  int64 // written
	Acked int64 // known to the receiver
}

const (
	nextSQL = `INSERT INTO outbox_heads (stream, customer_id, last_seq) VALUES ($1, $2, 1)
		ON CONFLICT (stream, customer_id) DO UPDATE SET last_seq = outbox_heads.last_seq + 1
		RETURNING last_seq`
	insertSQL = `INSERT INTO outbox (stream, customer_id, seq, payload) VALUES ($1, $2, $3, $4)`
	headSQL   = `SELECT last_seq, acked_seq FROM outbox_heads WHERE stream = $1 AND customer_id = $2`
	// The update locks the row and writes even where nothing changes, so that an
	// answer "I have it already" is as durable as the first one.
	lockInboxSQL = `INSERT INTO inbox_heads (stream, customer_id, last_seq) VALUES ($1, $2, 0)
		ON CONFLICT (stream, customer_id) DO UPDATE SET last_seq = inbox_heads.last_seq
		RETURNING last_seq`
	moveInboxSQL = `UPDATE inbox_heads SET last_seq = $3 WHERE stream = $1 AND customer_id = $2`
	inboxSQL     = `SELECT last_seq FROM inbox_heads WHERE stream = $1 AND customer_id = $2`
)

// Append writes the customer's next event in tx and returns its sequence. build
// gets that sequence, because payloads state it. The customer's row is locked
// until tx ends, so the order of events is the order of commits.
func Append(ctx context.Context, tx pgx.Tx, stream, customerID string, build func(seq int64) ([]byte, error)) (int64, error) {
	var seq int64
	if err := tx.QueryRow(ctx, nextSQL, stream, customerID).Scan(&seq); err != nil {
		return 0, pg.Err(err)
	}
	payload, err := build(seq)
	if err != nil {
		return 0, err
	}
	if payload == nil {
		payload = []byte{}
	}
	if _, err := tx.Exec(ctx, insertSQL, stream, customerID, seq, payload); err != nil {
		return 0, pg.Err(err)
	}
	return seq, nil
}

// HeadOf returns how far the customer's events are; zeros if there are none.
func HeadOf(ctx context.Context, q pg.Querier, stream, customerID string) (Head, error) {
	var h Head
	err := pg.Err(q.QueryRow(ctx, headSQL, stream, customerID).Scan(&h.Last, &h.Acked))
	if errs.KindOf(err) == errs.NotFound {
		return Head{}, nil
	}
	return h, err
}

// Accept is the receiver's side, called in the transaction that applies the
// event. It locks the customer's row. apply is true for exactly the next
// sequence; an older one is not to be applied and is no error; last is what the
// receiver has when tx commits, to be acknowledged after the commit. A later one
// gives FailedPrecondition SEQUENCE_GAP with the expected sequence as metadata.
func Accept(ctx context.Context, tx pgx.Tx, stream, customerID string, seq int64) (apply bool, last int64, err error) {
	if seq < 1 {
		return false, 0, errs.Field("sequence", "min", "sequences begin with 1")
	}
	if err := tx.QueryRow(ctx, lockInboxSQL, stream, customerID).Scan(&last); err != nil {
		return false, 0, pg.Err(err)
	}
	switch {
	case seq <= last:
		return false, last, nil
	case seq > last+1:
		expected := strconv.FormatInt(last+1, 10)
		return false, last, errs.New(errs.FailedPrecondition, ReasonGap,
			"sequence %d came before %s", seq, expected).With(MetaExpected, expected)
	}
	if _, err := tx.Exec(ctx, moveInboxSQL, stream, customerID, seq); err != nil {
		return false, last, pg.Err(err)
	}
	return true, seq, nil
}

// Adopt is Accept for a whole state fetched from the sender at a sequence (a
// pull on a miss): it is to be applied if it is newer than what the receiver
// has, whatever lies between. Only streams whose events each carry the whole
// state may use it.
func Adopt(ctx context.Context, tx pgx.Tx, stream, customerID string, seq int64) (apply bool, last int64, err error) {
	if seq < 1 {
		return false, 0, errs.Field("sequence", "min", "sequences begin with 1")
	}
	if err := tx.QueryRow(ctx, lockInboxSQL, stream, customerID).Scan(&last); err != nil {
		return false, 0, pg.Err(err)
	}
	if seq <= last {
		return false, last, nil
	}
	if _, err := tx.Exec(ctx, moveInboxSQL, stream, customerID, seq); err != nil {
		return false, last, pg.Err(err)
	}
	return true, seq, nil
}

// Received returns the last sequence the receiver has applied; 0 if none.
func Received(ctx context.Context, q pg.Querier, stream, customerID string) (int64, error) {
	var last int64
	err := pg.Err(q.QueryRow(ctx, inboxSQL, stream, customerID).Scan(&last))
	if errs.KindOf(err) == errs.NotFound {
		return 0, nil
	}
	return last, err
}
