package postgres

import (
	"context"

	"github.com/jackc/pgx/v5"

	"github.com/avalcredit/aval/pkg/calendar"
	"github.com/avalcredit/aval/services/evaluation/internal/invoices"
	"github.com/avalcredit/aval/services/evaluation/internal/portfolio"
)

// The same as for one firm, for all of a range.
const (
	standingRangeSQL = `SELECT DISTINCT ON (customer_id, direction, month, part) customer_id, sequence, direction, month, as_of
		FROM invoice_batches WHERE customer_id > $1 AND customer_id <= $2 AND ($3::date IS NULL OR record_date <= $3)
		ORDER BY customer_id, direction, month, part, revision DESC`
	lastBatchesSQL = `SELECT customer_id, max(sequence), max(as_of) FROM (` + standingRangeSQL + `) b GROUP BY customer_id ORDER BY customer_id`
	groupsRangeSQL = `SELECT b.customer_id, b.direction, b.month, l.counterparty, l.void, count(*),
			count(*) FILTER (WHERE l.total < 0), coalesce(sum(l.total) FILTER (WHERE l.total < 0), 0)::bigint,
			sum(l.net)::bigint, sum(l.tax)::bigint, sum(l.total)::bigint,
			count(*) FILTER (WHERE l.net + l.tax <> l.total), min(l.issued_on), max(l.issued_on)
		FROM (` + standingRangeSQL + `) b JOIN invoice_lines l USING (customer_id, sequence)
		GROUP BY b.customer_id, b.direction, b.month, l.counterparty, l.void ORDER BY b.customer_id`
)

// subjectInvoices adds up the invoices of each firm of a set, as known by the end of a day.
func (s Store) subjectInvoices(ctx context.Context, found []portfolio.Subject, after string, day calendar.Date) error {
	args := []any{after, found[len(found)-1].ID, day}
	groups := map[string][]invoices.Group{}
	rows, err := s.raw.Query(ctx, groupsRangeSQL, args...)
	if err != nil {
		return err
	}
	var id string
	var g invoices.Group
	_, err = pgx.ForEachRow(rows, []any{&id, &g.Direction, &g.Month, &g.Counterparty, &g.Void, &g.Invoices, &g.Negatives, &g.NegativeTotal,
		&g.Net, &g.Tax, &g.Total, &g.Mismatched, &g.First, &g.Last}, func() error {
		groups[id] = append(groups[id], g)
		return nil
	})
	if err != nil {
		return err
	}
	if rows, err = s.raw.Query(ctx, lastBatchesSQL, args...); err != nil {
		return err
	}
	at := cursor{subjects: found}
	var last int64
	var asOf calendar.Date
	_, err = pgx.ForEachRow(rows, []any{&id, &last, &asOf}, func() error {
		if subject := at.find([]byte(id)); subject != nil {
			sum := invoices.Sum(groups[id])
			sum.Currency, sum.AsOf, sum.LastBatch = subject.Currency, asOf, last
			subject.Invoices = &sum
		}
		return nil
	})
	return err
}
