package postgres

import (
	"context"
	"encoding/json"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/avalcredit/aval/pkg/calendar"
	"github.com/avalcredit/aval/pkg/pg"
	"github.com/avalcredit/aval/services/evaluation/internal/invoices"
)

const (
	newestBatchSQL = `SELECT body FROM invoice_batches
		WHERE customer_id = $1 AND direction = $2 AND month = $3 AND part = $4 ORDER BY revision DESC LIMIT 1`
	nextBatchSQL   = `SELECT coalesce(max(sequence), 0) + 1 FROM invoice_batches WHERE customer_id = $1`
	insertBatchSQL = `INSERT INTO invoice_batches
		(customer_id, sequence, direction, month, part, revision, as_of, record_date, body, create_time)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)`
	listBatchesSQL = `SELECT body FROM invoice_batches WHERE customer_id = $1 AND sequence < $2 ORDER BY sequence DESC LIMIT $3`
	// Of each side, month and part the last revision that was known by the day (NULL: now).
	standingSQL = `SELECT DISTINCT ON (direction, month, part) customer_id, sequence, direction, month, as_of
		FROM invoice_batches WHERE customer_id = $1 AND ($2::date IS NULL OR record_date <= $2)
		ORDER BY direction, month, part, revision DESC`
	lastBatchSQL = `SELECT coalesce(max(sequence), 0), coalesce(max(as_of), '0001-01-01'::date) FROM (` + standingSQL + `) b`
	groupsSQL    = `SELECT b.direction, b.month, l.counterparty, l.void, count(*),
			count(*) FILTER (WHERE l.total < 0), coalesce(sum(l.total) FILTER (WHERE l.total < 0), 0)::bigint,
			sum(l.net)::bigint, sum(l.tax)::bigint, sum(l.total)::bigint,
			count(*) FILTER (WHERE l.net + l.tax <> l.total), min(l.issued_on), max(l.issued_on)
		FROM (` + standingSQL + `) b JOIN invoice_lines l USING (customer_id, sequence)
		GROUP BY b.direction, b.month, l.counterparty, l.void`
)

// NewestBatch returns the last writing of a batch's side, month and part; nil where there is none.
func (s Store) NewestBatch(ctx context.Context, b invoices.Batch) (*invoices.Batch, error) {
	found, err := s.batches(ctx, newestBatchSQL, b.CustomerID, string(b.Direction), b.Month, b.Part)
	if err != nil || len(found) == 0 {
		return nil, err
	}
	return &found[0], nil
}

// Batches lists batches recorded before the one with a number, newest first.
func (s Store) Batches(ctx context.Context, customerID string, before int64, most int) ([]invoices.Batch, error) {
	return s.batches(ctx, listBatchesSQL, customerID, before, most)
}

func (s Store) batches(ctx context.Context, sql string, args ...any) ([]invoices.Batch, error) {
	rows, err := s.raw.Query(ctx, sql, args...)
	if err != nil {
		return nil, pg.Err(err)
	}
	found, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (b invoices.Batch, err error) {
		var body []byte
		if err := row.Scan(&body); err != nil {
			return b, err
		}
		return b, json.Unmarshal(body, &b)
	})
	return found, pg.Err(err)
}

// InsertBatch numbers and writes a batch of a locked customer with its invoices.
func (s Store) InsertBatch(ctx context.Context, tx pgx.Tx, b invoices.Batch, all []invoices.Invoice, at time.Time) (invoices.Batch, error) {
	if err := s.raw.QueryRow(ctx, nextBatchSQL, b.CustomerID).Scan(&b.Sequence); err != nil {
		return b, pg.Err(err)
	}
	body, err := json.Marshal(b)
	if err != nil {
		return b, err
	}
	_, err = tx.Exec(ctx, insertBatchSQL, b.CustomerID, b.Sequence, string(b.Direction), b.Month, b.Part, b.Revision,
		b.AsOf, b.RecordDate, body, at)
	if err != nil {
		return b, pg.Err(err)
	}
	columns := []string{"customer_id", "sequence", "line", "number", "issued_on", "counterparty", "net", "tax", "total", "void"}
	_, err = tx.CopyFrom(ctx, pgx.Identifier{"invoice_lines"}, columns, pgx.CopyFromSlice(len(all), func(i int) ([]any, error) {
		v := all[i]
		return []any{b.CustomerID, b.Sequence, i + 1, v.Number, v.Date, v.Counterparty, v.Net, v.Tax, v.Total, v.Void}, nil
	}))
	return b, pg.Err(err)
}

// InvoiceSummary adds up a firm's invoices as known by the end of a day (zero: now); nil where there is none.
func (s Store) InvoiceSummary(ctx context.Context, customerID, currency string, knownOn calendar.Date) (*invoices.Summary, error) {
	var last int64
	var asOf calendar.Date
	if err := s.raw.QueryRow(ctx, lastBatchSQL, customerID, knownOn).Scan(&last, &asOf); err != nil {
		return nil, pg.Err(err)
	}
	if last == 0 {
		return nil, nil //nolint:nilnil // no invoices is no error
	}
	rows, err := s.raw.Query(ctx, groupsSQL, customerID, knownOn)
	if err != nil {
		return nil, pg.Err(err)
	}
	groups, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (g invoices.Group, err error) {
		err = row.Scan(&g.Direction, &g.Month, &g.Counterparty, &g.Void, &g.Invoices, &g.Negatives, &g.NegativeTotal,
			&g.Net, &g.Tax, &g.Total, &g.Mismatched, &g.First, &g.Last)
		return g, err
	})
	if err != nil {
		return nil, pg.Err(err)
	}
	sum := invoices.Sum(groups)
	sum.Currency, sum.AsOf, sum.LastBatch = currency, asOf, last
	return &sum, nil
}
