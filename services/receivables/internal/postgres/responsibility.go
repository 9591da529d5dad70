package postgres

import (
	"context"

	"github.com/jackc/pgx/v5"

	"github.com/avalcredit/aval/pkg/money"
	"github.com/avalcredit/aval/pkg/pg"
	"github.com/avalcredit/aval/services/receivables/internal/postgres/db"
	"github.com/avalcredit/aval/services/receivables/internal/responsibility"
)

const responsibleSQL = `
SELECT i.item_id, i.customer_id, i.due_date, i.currency, b.open, coalesce(r.person, nullif(i.salesperson, ''), c.salesperson) AS person,
       coalesce(r.hand_over_id, ''), i.unit_id
FROM items i
JOIN item_balances b USING (item_id)
JOIN customers c ON c.customer_id = i.customer_id
LEFT JOIN item_responsibles r USING (item_id)
WHERE b.open > 0`

const responsiblesSQL = responsibleSQL + `
  AND ($1 = '' OR coalesce(r.person, nullif(i.salesperson, ''), c.salesperson) = $1)
  AND ($2 = '' OR i.customer_id = $2)
  AND (NOT $3 OR coalesce(r.person, nullif(i.salesperson, ''), c.salesperson) = '')
  AND ($4::date IS NULL OR (i.due_date, i.item_id) > ($4, $5))
ORDER BY i.due_date, i.item_id
LIMIT $6`

// Responsibles lists open items with the person responsible, oldest due first.
func (s *Store) Responsibles(ctx context.Context, q responsibility.Query) ([]responsibility.Item, error) {
	rows, err := s.pool.Query(ctx, responsiblesSQL, q.Person, q.CustomerID, q.Nobody, q.AfterDue, q.AfterID, q.Limit)
	return responsibles(rows, err)
}

func responsibles(rows pgx.Rows, err error) ([]responsibility.Item, error) {
	if err != nil {
		return nil, pg.Err(err)
	}
	out, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (responsibility.Item, error) {
		var i responsibility.Item
		var currency string
		var open int64
		err := row.Scan(&i.ItemID, &i.CustomerID, &i.DueDate, &currency, &open, &i.Responsible, &i.HandOverID, &i.UnitID)
		i.Open = cash(open, currency)
		return i, err
	})
	return out, pg.Err(err)
}

const handOverSQL = responsibleSQL + `
  AND coalesce(r.person, nullif(i.salesperson, ''), c.salesperson) = $1
  AND ($2 OR i.customer_id = ANY ($3) OR i.item_id = ANY ($4))
ORDER BY i.due_date, i.item_id`

// HandOver passes what a hand-over names, as far as its giver is responsible for it, to the taker, and returns it as it was.
func (c *Claims) HandOver(ctx context.Context, h responsibility.HandOver) ([]responsibility.Item, error) {
	rows, err := c.tx.Query(ctx, handOverSQL, h.From, h.Everything, notNil(h.CustomerIDs), notNil(h.ItemIDs))
	items, err := responsibles(rows, err)
	if err != nil || len(items) == 0 {
		return items, err
	}
	ids := make([]string, len(items))
	for i, item := range items {
		ids[i] = item.ItemID
	}
	return items, pg.Err(c.q.HandOverItem(ctx, db.HandOverItemParams{ItemIds: ids, Person: h.To, HandOverID: h.ID, Since: c.act.Today}))
}

const leftSQL = `
SELECT i.currency, count(*), sum(b.open)::bigint
FROM items i
JOIN item_balances b USING (item_id)
JOIN customers c ON c.customer_id = i.customer_id
LEFT JOIN item_responsibles r USING (item_id)
WHERE b.open > 0 AND coalesce(r.person, nullif(i.salesperson, ''), c.salesperson) = $1
GROUP BY i.currency ORDER BY i.currency`

// mostListed bounds the lists of a clearance.
const mostListed = 1000

// Left is what is left to a person now; a person who was cleared has that clearance.
func (c *Claims) Left(ctx context.Context, person string) (responsibility.Clearance, error) {
	out := responsibility.Clearance{Person: person}
	// Two that ask of one person take turns: nobody is cleared while it takes something over.
	if _, err := c.tx.Exec(ctx, `SELECT pg_advisory_xact_lock(hashtextextended('receivables person ' || $1, 0))`, person); err != nil {
		return out, pg.Err(err)
	}
	earlier, err := RecordsIn[responsibility.Clearance](ctx, c, RecordQuery{Kind: Clearances, Person: person, Before: Newest, Limit: 1})
	if err != nil {
		return out, err
	}
	if len(earlier) > 0 {
		out = earlier[0].Body
	}
	rows, err := c.tx.Query(ctx, leftSQL, person)
	if err != nil {
		return out, pg.Err(err)
	}
	var currency string
	var count, sum int64
	_, err = pgx.ForEachRow(rows, []any{&currency, &count, &sum}, func() error {
		out.OpenItems += count
		out.OpenAmounts = append(out.OpenAmounts, money.New(sum, currency))
		return nil
	})
	if err != nil {
		return out, pg.Err(err)
	}
	items, err := c.tx.Query(ctx, responsiblesSQL, person, "", false, nil, "", mostListed)
	if out.Items, err = responsibles(items, err); err != nil {
		return out, err
	}
	if out.CustomerIDs, err = c.q.CustomersOfSalesperson(ctx, db.CustomersOfSalespersonParams{Salesperson: person, Limit: mostListed}); err != nil {
		return out, pg.Err(err)
	}
	open, err := RecordsIn[responsibility.HandOver](ctx, c, RecordQuery{
		Kind: HandOvers, Person: person, State: string(responsibility.Proposed), Before: Newest, Limit: mostListed,
	})
	for _, h := range open {
		out.HandOverIDs = append(out.HandOverIDs, h.Body.ID)
	}
	return out, err
}

// Any trace of a person, the cheap ones first.
const knownSQL = `SELECT EXISTS (SELECT FROM salespeople WHERE person = $1)
    OR EXISTS (SELECT FROM item_responsibles WHERE person = $1)
    OR EXISTS (SELECT FROM audit_events WHERE actor = $1)
    OR EXISTS (SELECT FROM collectors WHERE collector = $1)
    OR EXISTS (SELECT FROM claim_heads WHERE people @> ARRAY[$1::text])
    OR EXISTS (SELECT FROM items WHERE salesperson = $1)`

// Known tells whether a person was ever assigned a customer, responsible for an item, a side of a hand-over, or did anything.
func (c *Claims) Known(ctx context.Context, person string) (known bool, err error) {
	err = c.tx.QueryRow(ctx, knownSQL, person).Scan(&known)
	return known, pg.Err(err)
}
