package postgres

import (
	"context"
	"encoding/json"

	"github.com/jackc/pgx/v5"

	"github.com/avalcredit/aval/pkg/calendar"
	"github.com/avalcredit/aval/pkg/money"
	"github.com/avalcredit/aval/pkg/pg"
	"github.com/avalcredit/aval/services/receivables/internal/security"
)

const (
	backingSQL = `SELECT coalesce(m.survivor_id, h.customer_id), h.body FROM claim_heads h LEFT JOIN merged_accounts m ON m.customer_id = h.customer_id AND m.moved
WHERE h.kind = 'SECURITY' AND h.customer_id = ANY (accounts_beside($1)) AND h.customer_id <> ''
AND (h.next_date IS NULL OR h.next_date >= $2) ORDER BY h.number`
	untoldSQL = `SELECT DISTINCT h.customer_id FROM claim_heads h
WHERE h.kind = 'SECURITY' AND NOT EXISTS (SELECT FROM told_securities t WHERE t.customer_id = h.customer_id) ORDER BY 1 LIMIT $1`
	toldSQL = `INSERT INTO told_securities (customer_id) VALUES ($1) ON CONFLICT DO NOTHING`
)

// backed adds to standings what securities put behind the debts of their customers.
func backed(ctx context.Context, tx pgx.Tx, currencies map[string]string, today calendar.Date, out map[string]Standing) error {
	ids := make([]string, 0, len(currencies))
	for id := range currencies {
		ids = append(ids, id)
	}
	rows, err := tx.Query(ctx, backingSQL, ids, today)
	if err != nil {
		return pg.Err(err)
	}
	var held []security.Security
	var items []string
	var owner string
	var body []byte
	_, err = pgx.ForEachRow(rows, []any{&owner, &body}, func() error {
		var d security.Security
		if err := json.Unmarshal(body, &d); err != nil {
			return err
		}
		if _, asked := currencies[owner]; asked {
			d.CustomerID = owner // of a merged account: who stands for it
			held, items = append(held, d), append(items, d.ItemIDs...)
		}
		return nil
	})
	if err != nil {
		return pg.Err(err)
	}
	open, err := openOf(ctx, tx, items)
	if err != nil {
		return err
	}
	for _, d := range held {
		owed := money.Zero(currencies[d.CustomerID])
		for _, id := range d.ItemIDs {
			owed.Minor += open[id].open
		}
		if b, ok := d.Backing(today, owed); ok {
			s := out[d.CustomerID]
			s.Securities = append(s.Securities, b)
			out[d.CustomerID] = s
		}
	}
	return nil
}

// UntoldSecurities are some customers with securities of which the gate was never told, by number.
func UntoldSecurities(ctx context.Context, q pg.Querier, limit int) ([]string, error) {
	rows, err := q.Query(ctx, untoldSQL, limit)
	if err != nil {
		return nil, pg.Err(err)
	}
	ids, err := pgx.CollectRows(rows, pgx.RowTo[string])
	return ids, pg.Err(err)
}

// ToldSecurities notes that the gate is told of a customer's securities.
func ToldSecurities(ctx context.Context, tx pgx.Tx, customerID string) error {
	_, err := tx.Exec(ctx, toldSQL, customerID)
	return pg.Err(err)
}
