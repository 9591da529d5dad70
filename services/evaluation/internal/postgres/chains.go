package postgres

import (
	"bytes"
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/avalcredit/aval/pkg/audit"
	"github.com/avalcredit/aval/pkg/pg"
	"github.com/avalcredit/aval/services/evaluation/internal/grant"
	"github.com/avalcredit/aval/services/evaluation/internal/postgres/db"
	"github.com/avalcredit/aval/services/evaluation/internal/rating"
)

const (
	maxBreaks = 1000
	walkBatch = 500
)

// VerifyChains recomputes the chains of ratings and grants from the stored bytes, as
// of one moment, and compares their lengths with what the customers' rows say.
func VerifyChains(ctx context.Context, pool *pgxpool.Pool) (audit.Report, error) {
	var w walker
	opts := pgx.TxOptions{IsoLevel: pgx.RepeatableRead, AccessMode: pgx.ReadOnly}
	err := pgx.BeginTxFunc(ctx, pool, opts, func(tx pgx.Tx) error {
		q := db.New(tx)
		ratings, err := w.walk("rating", func(customer string, seq int64) ([]link, error) { return ratingLinks(ctx, q, customer, seq) })
		if err != nil {
			return err
		}
		grants, err := w.walk("grant", func(customer string, seq int64) ([]link, error) { return grantLinks(ctx, q, customer, seq) })
		if err != nil {
			return err
		}
		return w.compareLengths(ctx, q, ratings, grants)
	})
	return w.report, pg.Err(err)
}

// link is one entry of a chain, with what in its row contradicts its record.
type link struct {
	customer           string
	seq                int64
	record, prev, hash []byte
	contradiction      string
}

func ratingLinks(ctx context.Context, q *db.Queries, customer string, seq int64) ([]link, error) {
	rows, err := q.WalkRatings(ctx, db.WalkRatingsParams{AfterCustomer: customer, AfterSequence: seq, Most: walkBatch})
	if err != nil {
		return nil, err
	}
	links := make([]link, len(rows))
	for i, r := range rows {
		links[i] = link{customer: r.CustomerID, seq: r.Sequence, record: r.Record, prev: r.Prev, hash: r.Hash}
		rec, err := rating.Parse(r.Record)
		switch {
		case err != nil:
			links[i].contradiction = "the record cannot be read"
		case rec.Inputs.CustomerID != r.CustomerID, rec.Inputs.Sequence != r.Sequence, rec.RatingID != r.RatingID,
			rec.Inputs.Date != r.BusinessDate, rec.PolicyVersion != r.PolicyVersion, string(rec.Result.Grade) != r.Grade:
			links[i].contradiction = "the row and its record differ"
		}
	}
	return links, nil
}

func grantLinks(ctx context.Context, q *db.Queries, customer string, seq int64) ([]link, error) {
	rows, err := q.WalkGrants(ctx, db.WalkGrantsParams{AfterCustomer: customer, AfterSequence: seq, Most: walkBatch})
	if err != nil {
		return nil, err
	}
	links := make([]link, len(rows))
	for i, r := range rows {
		links[i] = link{customer: r.CustomerID, seq: r.Sequence, record: r.Record, prev: r.Prev, hash: r.Hash}
		g, err := grant.Parse(r.Record)
		switch {
		case err != nil:
			links[i].contradiction = "the record cannot be read"
		case g.CustomerID != r.CustomerID, g.Version != r.Sequence, g.ValidFrom != r.ValidFrom:
			links[i].contradiction = "the row and its record differ"
		}
	}
	return links, nil
}

type walker struct{ report audit.Report }

// walk returns the length of each customer's chain.
func (w *walker) walk(kind string, next func(customer string, seq int64) ([]link, error)) (map[string]int64, error) {
	lengths := map[string]int64{}
	last := link{hash: audit.Genesis()}
	for {
		batch, err := next(last.customer, last.seq)
		if err != nil {
			return nil, err
		}
		for _, l := range batch {
			if l.customer != last.customer {
				last = link{customer: l.customer, hash: audit.Genesis()}
				w.report.Streams++
			}
			w.report.Entries++
			w.check(kind, last, l)
			last, lengths[l.customer] = l, l.seq
		}
		if len(batch) < walkBatch {
			return lengths, nil
		}
	}
}

func (w *walker) check(kind string, last, l link) {
	switch {
	case l.seq != last.seq+1:
		w.broken(kind, l, fmt.Sprintf("follows %d: entries are missing", last.seq))
	case !bytes.Equal(l.prev, last.hash):
		w.broken(kind, l, "does not continue the entry before")
	}
	if !bytes.Equal(l.hash, audit.Link(l.prev, l.record)) {
		w.broken(kind, l, "content and hash differ")
	}
	if l.contradiction != "" {
		w.broken(kind, l, l.contradiction)
	}
}

// compareLengths finds chains whose end was cut off.
func (w *walker) compareLengths(ctx context.Context, q *db.Queries, ratings, grants map[string]int64) error {
	after := ""
	for {
		rows, err := q.ChainLengths(ctx, db.ChainLengthsParams{AfterCustomer: after, Most: walkBatch})
		if err != nil {
			return err
		}
		for _, r := range rows {
			after = r.CustomerID
			if n := ratings[r.CustomerID]; n != r.RatingSequence {
				w.broken("rating", link{customer: r.CustomerID, seq: n}, fmt.Sprintf("the last entry, but the customer's row says %d", r.RatingSequence))
			}
			if n := grants[r.CustomerID]; n != r.GrantVersion {
				w.broken("grant", link{customer: r.CustomerID, seq: n}, fmt.Sprintf("the last entry, but the customer's row says %d", r.GrantVersion))
			}
		}
		if len(rows) < walkBatch {
			return nil
		}
	}
}

func (w *walker) broken(kind string, l link, why string) {
	if len(w.report.Broken) < maxBreaks {
		w.report.Broken = append(w.report.Broken, audit.Break{Stream: kind + "/" + l.customer, Seq: l.seq, Why: why})
	}
}
