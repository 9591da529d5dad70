package audit

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"slices"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/avalcredit/aval/pkg/pg"
)

const (
	// maxBreaks bounds a report; a chain that is broken that often needs no more.
	maxBreaks   = 1000
	verifyBatch = 2000
)

// Break is a place where a chain does not hold.
type Break struct {
	Stream string
	Seq    int64
	Why    string
}

// Report of a verification.
type Report struct {
	Streams, Entries int64
	Broken           []Break // at most 1000
}

// Head is the end of a stream: keep it elsewhere as an anchor.
type Head struct {
	Stream string
	Seq    int64
	Hash   []byte
}

const (
	verifySQL = `SELECT ` + columns + ` FROM audit_events
		WHERE (stream, seq) > ($1, $2) ORDER BY stream, seq LIMIT $3`
	headsSQL = `SELECT stream, last_seq, hash FROM audit_heads ORDER BY stream`
)

// Heads returns the end of every stream, ordered by stream.
func Heads(ctx context.Context, q pg.Querier) ([]Head, error) {
	rows, err := q.Query(ctx, headsSQL)
	if err != nil {
		return nil, pg.Err(err)
	}
	heads, err := pgx.CollectRows(rows, pgx.RowToStructByPos[Head])
	return heads, pg.Err(err)
}

// Verify recomputes every chain as of one moment and compares it with the heads
// and with anchors, heads that were kept elsewhere. The package comment says
// what this can and cannot find. It reads all entries, in batches.
func Verify(ctx context.Context, pool *pgxpool.Pool, anchors ...Head) (Report, error) {
	v := verifier{anchors: make(map[string][]Head, len(anchors))}
	for _, a := range anchors {
		v.anchors[a.Stream] = append(v.anchors[a.Stream], a)
	}
	opts := pgx.TxOptions{IsoLevel: pgx.RepeatableRead, AccessMode: pgx.ReadOnly}
	err := pgx.BeginTxFunc(ctx, pool, opts, func(tx pgx.Tx) error {
		heads, err := Heads(ctx, tx)
		if err != nil {
			return err
		}
		v.heads = make(map[string]Head, len(heads))
		for _, h := range heads {
			v.heads[h.Stream] = h
		}
		return v.run(ctx, tx)
	})
	return v.report, pg.Err(err)
}

type verifier struct {
	report  Report
	heads   map[string]Head   // not met yet
	anchors map[string][]Head // not met yet
	last    Entry             // of the stream being read; Seq 0 before the first
}

func (v *verifier) run(ctx context.Context, tx pgx.Tx) error {
	var stream string
	var seq int64
	for {
		rows, err := tx.Query(ctx, verifySQL, stream, seq, verifyBatch)
		if err != nil {
			return err
		}
		batch, err := pgx.CollectRows(rows, scanEntry)
		if err != nil {
			return err
		}
		for _, e := range batch {
			v.add(e)
		}
		if len(batch) < verifyBatch {
			v.finish()
			return nil
		}
		stream, seq = v.last.Stream, v.last.Seq
	}
}

func (v *verifier) add(e Entry) {
	if e.Stream != v.last.Stream || v.report.Entries == 0 {
		v.endStream()
		v.report.Streams++
		v.last = Entry{Event: Event{Stream: e.Stream}, Hash: Genesis()}
	}
	v.report.Entries++
	switch {
	case e.Seq != v.last.Seq+1:
		v.broken(e.Stream, e.Seq, fmt.Sprintf("follows %d: entries are missing", v.last.Seq))
	case !bytes.Equal(e.Prev, v.last.Hash):
		v.broken(e.Stream, e.Seq, "does not continue the entry before")
	}
	if !bytes.Equal(e.Hash, Link(e.Prev, e.content())) {
		v.broken(e.Stream, e.Seq, "content and hash differ")
	}
	for _, a := range v.anchors[e.Stream] {
		if a.Seq == e.Seq && !bytes.Equal(a.Hash, e.Hash) {
			v.broken(e.Stream, e.Seq, "differs from the anchor")
		}
	}
	v.last = e // go on from what is stored, so that one fault is one break
}

// endStream compares the stream that was read last with its head and anchors.
func (v *verifier) endStream() {
	if v.report.Entries == 0 {
		return
	}
	stream, seq := v.last.Stream, v.last.Seq
	h, ok := v.heads[stream]
	switch {
	case !ok:
		v.broken(stream, seq, "the stream has no head")
	case h.Seq != seq:
		v.broken(stream, seq, fmt.Sprintf("the last entry, but the head says %d", h.Seq))
	case !bytes.Equal(h.Hash, v.last.Hash):
		v.broken(stream, seq, "the head has another hash")
	}
	for _, a := range v.anchors[stream] {
		if a.Seq > seq {
			v.broken(stream, seq, fmt.Sprintf("the last entry, but an anchor says %d", a.Seq))
		}
	}
	delete(v.heads, stream)
	delete(v.anchors, stream)
}

func (v *verifier) finish() {
	v.endStream()
	for stream, h := range v.heads {
		v.broken(stream, h.Seq, "the head's entries are missing")
	}
	for stream, as := range v.anchors {
		for _, a := range as {
			v.broken(stream, a.Seq, "the anchor's stream is missing")
		}
	}
	slices.SortStableFunc(v.report.Broken, func(a, b Break) int {
		return cmp.Or(cmp.Compare(a.Stream, b.Stream), cmp.Compare(a.Seq, b.Seq))
	})
}

func (v *verifier) broken(stream string, seq int64, why string) {
	if len(v.report.Broken) < maxBreaks {
		v.report.Broken = append(v.report.Broken, Break{Stream: stream, Seq: seq, Why: why})
	}
}
