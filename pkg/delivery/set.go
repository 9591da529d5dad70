package delivery

import (
	"context"

	"github.com/jackc/pgx/v5"

	"github.com/avalcredit/aval/pkg/pg"
)

const nextOfAllSQL = `INSERT INTO outbox_heads (stream, customer_id, last_seq)
	SELECT $1, c, 1 FROM unnest($2::text[]) c ORDER BY c COLLATE "C"
	ON CONFLICT (stream, customer_id) DO UPDATE SET last_seq = outbox_heads.last_seq + 1
	RETURNING customer_id, last_seq`

// AppendAll is Append for one event of each of many customers, named once each, as two sets.
func AppendAll(ctx context.Context, tx pgx.Tx, stream string, customers []string, build func(customerID string, seq int64) ([]byte, error)) error {
	rows, err := tx.Query(ctx, nextOfAllSQL, stream, customers)
	if err != nil {
		return pg.Err(err)
	}
	events, err := pgx.CollectRows(rows, func(r pgx.CollectableRow) (e Event, err error) {
		err = r.Scan(&e.CustomerID, &e.Seq)
		return e, err
	})
	if err != nil {
		return pg.Err(err)
	}
	for i := range events {
		if events[i].Payload, err = build(events[i].CustomerID, events[i].Seq); err != nil {
			return err
		}
	}
	_, err = tx.CopyFrom(ctx, pgx.Identifier{"outbox"}, []string{"stream", "customer_id", "seq", "payload"},
		pgx.CopyFromSlice(len(events), func(i int) ([]any, error) {
			return []any{stream, events[i].CustomerID, events[i].Seq, events[i].Payload}, nil
		}))
	return pg.Err(err)
}
