package audit

import (
	"context"
	"encoding/json"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/avalcredit/aval/pkg/errs"
	"github.com/avalcredit/aval/pkg/pg"
)

const (
	takeHeadsSQL = `INSERT INTO audit_heads (stream, last_seq, hash)
		SELECT s, 1, $2 FROM unnest($1::text[]) s ORDER BY s COLLATE "C"
		ON CONFLICT (stream) DO UPDATE SET last_seq = audit_heads.last_seq + 1
		RETURNING stream, last_seq, hash, clock_timestamp()`
	moveHeadsSQL = `UPDATE audit_heads h SET hash = u.hash
		FROM (SELECT unnest($1::text[]) AS stream, unnest($2::bytea[]) AS hash) u WHERE h.stream = u.stream`
)

// AppendAll is Append for one event of each of many streams, as three sets.
func AppendAll(ctx context.Context, tx pgx.Tx, events []Event) error {
	byStream := make(map[string]Event, len(events))
	streams := make([]string, len(events))
	for i, e := range events {
		if e.Stream == "" || e.Actor == "" || e.Action == "" || byStream[e.Stream].Stream != "" {
			return errs.New(errs.Internal, "INTERNAL", "internal error").
				WithCause(errs.Field("event", "required", "audit events of a set need stream, actor and action, one event a stream: %+v", e))
		}
		if len(e.Detail) == 0 {
			e.Detail = json.RawMessage("{}")
		}
		byStream[e.Stream], streams[i] = e, e.Stream
	}
	entries, err := places(ctx, tx, streams, byStream)
	if err != nil {
		return err
	}
	hashes := make([][]byte, len(entries))
	for i := range entries {
		entries[i].Hash = Link(entries[i].Prev, entries[i].content())
		streams[i], hashes[i] = entries[i].Stream, entries[i].Hash
	}
	columns := []string{"stream", "seq", "at", "business_date", "actor", "action", "subject", "detail", "prev", "hash"}
	_, err = tx.CopyFrom(ctx, pgx.Identifier{"audit_events"}, columns, pgx.CopyFromSlice(len(entries), func(i int) ([]any, error) {
		e := entries[i]
		return []any{e.Stream, e.Seq, e.At, e.BusinessDate, e.Actor, e.Action, e.Subject, e.Detail, e.Prev, e.Hash}, nil
	}))
	if err != nil {
		return pg.Err(err)
	}
	_, err = tx.Exec(ctx, moveHeadsSQL, streams, hashes)
	return pg.Err(err)
}

// places locks the streams and gives each event its place.
func places(ctx context.Context, tx pgx.Tx, streams []string, events map[string]Event) ([]Entry, error) {
	rows, err := tx.Query(ctx, takeHeadsSQL, streams, Genesis())
	if err != nil {
		return nil, pg.Err(err)
	}
	out, err := pgx.CollectRows(rows, func(r pgx.CollectableRow) (Entry, error) {
		var stream string
		var e Entry
		var at time.Time
		if err := r.Scan(&stream, &e.Seq, &e.Prev, &at); err != nil {
			return e, err
		}
		e.Event, e.At = events[stream], at.UTC()
		return e, nil
	})
	return out, pg.Err(err)
}
