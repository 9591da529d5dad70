// Package audit keeps the record of who did what: append-only events,
// hash-chained per stream.
//
// What the chain can find: a changed, inserted, removed or moved event, because
// every hash covers the event, its place and the hash before it; and a cut tail,
// because audit_heads says how long each stream is. What it cannot find: the
// work of somebody who may bypass the triggers and who recomputes every hash from
// the change on, the head included. Against that keep anchors (Heads) where the
// database's administrator cannot write, and give them to Verify later: every
// event up to an anchor is then fixed.
package audit

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/avalcredit/aval/pkg/calendar"
	"github.com/avalcredit/aval/pkg/errs"
	"github.com/avalcredit/aval/pkg/pg"
)

// Event is something a person or a service did.
type Event struct {
	Stream       string          // the chain it belongs to, such as "policy" or "customer/C-1"
	Actor        string          // subject of the caller's token
	Action       string          // such as "policy.sign"
	Subject      string          // what it was done to
	BusinessDate calendar.Date   // of the call; zero where none applies
	Detail       json.RawMessage // a JSON value, kept as written; empty means {}
}

// Entry is an Event in its place.
type Entry struct {
	Event
	Seq  int64     // 1, 2, 3 ... in the stream
	At   time.Time // the database's clock, UTC, microseconds
	Prev []byte    // hash of the entry before; 32 zero bytes for the first
	Hash []byte
}

// Link returns the hash of content in a chain: sha256(prev || content). prev has
// a fixed length in a chain (Genesis for the first), which keeps the two apart.
func Link(prev, content []byte) []byte {
	h := sha256.New()
	_, _ = h.Write(prev) // a hash never fails
	_, _ = h.Write(content)
	return h.Sum(nil)
}

// Genesis is the hash before the first entry of a chain.
func Genesis() []byte { return make([]byte, sha256.Size) }

// Content is the unambiguous form of the parts that a hash covers: each with its length before it.
func Content(parts ...[]byte) []byte {
	var b []byte
	for _, p := range parts {
		b = binary.BigEndian.AppendUint64(b, uint64(len(p)))
		b = append(b, p...)
	}
	return b
}

// content is what an entry's hash covers.
func (e *Entry) content() []byte {
	var date string
	if !e.BusinessDate.IsZero() {
		date = e.BusinessDate.String()
	}
	return Content(
		[]byte("aval.audit.v1"), []byte(e.Stream),
		binary.BigEndian.AppendUint64(nil, uint64(e.Seq)), //nolint:gosec // positive
		binary.BigEndian.AppendUint64(nil, uint64(e.At.UnixMicro())),
		[]byte(date), []byte(e.Actor), []byte(e.Action), []byte(e.Subject), e.Detail,
	)
}

const (
	headSQL = `INSERT INTO audit_heads (stream, last_seq, hash) VALUES ($1, 1, $2)
		ON CONFLICT (stream) DO UPDATE SET last_seq = audit_heads.last_seq + 1
		RETURNING last_seq, hash, clock_timestamp()`
	insertSQL = `INSERT INTO audit_events
		(stream, seq, at, business_date, actor, action, subject, detail, prev, hash)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)`
	moveHeadSQL = `UPDATE audit_heads SET hash = $2 WHERE stream = $1`
)

// Append adds an event to its stream in tx. The stream is locked until tx ends.
func Append(ctx context.Context, tx pgx.Tx, e Event) error {
	if e.Stream == "" || e.Actor == "" || e.Action == "" {
		return errs.New(errs.Internal, "INTERNAL", "internal error").
			WithCause(errs.Field("event", "required", "an audit event needs stream, actor and action: %+v", e))
	}
	entry := Entry{Event: e}
	if len(entry.Detail) == 0 {
		entry.Detail = json.RawMessage("{}")
	}
	if err := tx.QueryRow(ctx, headSQL, e.Stream, Genesis()).Scan(&entry.Seq, &entry.Prev, &entry.At); err != nil {
		return pg.Err(err)
	}
	entry.At = entry.At.UTC()
	entry.Hash = Link(entry.Prev, entry.content())
	var b pgx.Batch
	b.Queue(insertSQL, entry.Stream, entry.Seq, entry.At, entry.BusinessDate, entry.Actor,
		entry.Action, entry.Subject, string(entry.Detail), entry.Prev, entry.Hash)
	b.Queue(moveHeadSQL, entry.Stream, entry.Hash)
	return pg.Err(tx.SendBatch(ctx, &b).Close())
}
