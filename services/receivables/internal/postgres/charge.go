package postgres

import (
	"context"
	"encoding/json"

	"github.com/jackc/pgx/v5"

	"github.com/avalcredit/aval/pkg/calendar"
	"github.com/avalcredit/aval/pkg/errs"
	"github.com/avalcredit/aval/pkg/money"
	"github.com/avalcredit/aval/pkg/pg"
	"github.com/avalcredit/aval/services/receivables/internal/charge"
	"github.com/avalcredit/aval/services/receivables/internal/postgres/db"
)

// addLimit keeps the limit of a profile, by its day.
func addLimit(ctx context.Context, q *db.Queries, c Customer) error {
	if c.Limit == nil {
		return nil
	}
	body, err := json.Marshal(c.Limit)
	if err != nil {
		return err
	}
	return pg.Err(q.AddCustomerLimit(ctx, db.AddCustomerLimitParams{CustomerID: c.ID, Sequence: c.Sequence, FromDate: c.Limit.From, Body: body}))
}

// NewestCharged is the newest month that was charged; no date: none was. Those who charge take turns from here on.
func (c *Claims) NewestCharged(ctx context.Context) (calendar.Date, error) {
	month, err := c.q.NewestChargeMonth(ctx)
	if err != nil || month.Year() == 1970 {
		return calendar.Date{}, pg.Err(err)
	}
	return month, nil
}

// ChargedCustomers are customers with an account, in the order of their ids, after one.
func (c *Claims) ChargedCustomers(ctx context.Context, after string, limit int) ([]string, error) {
	rows, err := c.tx.Query(ctx, `SELECT customer_id FROM accounts WHERE customer_id > $1 ORDER BY customer_id LIMIT $2`, after, limit)
	if err != nil {
		return nil, pg.Err(err)
	}
	ids, err := pgx.CollectRows(rows, pgx.RowTo[string])
	return ids, pg.Err(err)
}

// Items that may be charged or corrected: open, moved since the month began, or charged before and not given back.
const chargedItemsSQL = `
SELECT i.item_id, i.customer_id, i.unit_id, coalesce(r.person, nullif(i.salesperson, ''), c.salesperson), i.currency, i.document_date, i.due_date,
       v.reverse_date, i.amount, coalesce(l.charged, 0)::bigint, coalesce(l.returned, 0)::bigint, coalesce(l.bearer, '')
FROM items i
JOIN item_balances b USING (item_id)
JOIN customers c ON c.customer_id = i.customer_id
LEFT JOIN item_responsibles r USING (item_id)
LEFT JOIN item_reversals v USING (item_id)
LEFT JOIN LATERAL (SELECT sum(amount) FILTER (WHERE kind <> 'CORRECTION') AS charged, -sum(amount) FILTER (WHERE kind = 'CORRECTION') AS returned,
                          (array_agg(charged_to ORDER BY month DESC, kind DESC))[1] AS bearer
                   FROM charge_lines k WHERE k.item_id = i.item_id) l ON true
WHERE i.customer_id = ANY ($1) AND i.document_date <= $3
  AND (b.open > 0 OR b.last_application >= $2 OR v.reverse_date >= $2 OR coalesce(l.charged, 0) <> coalesce(l.returned, 0))
ORDER BY i.customer_id, i.item_id`

const movesSQL = `
SELECT a.item_id, a.application_date, a.amount, c.kind = 'WRITE_OFF'
FROM applications a JOIN credits c USING (credit_id) WHERE a.item_id = ANY ($1)`

// ChargedItems are the items of customers that a month may charge or correct, by customer.
func (c *Claims) ChargedItems(ctx context.Context, customers []string, first, last calendar.Date) (map[string][]charge.Item, error) {
	rows, err := c.tx.Query(ctx, chargedItemsSQL, customers, first, last)
	if err != nil {
		return nil, pg.Err(err)
	}
	items, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (charge.Item, error) {
		var i charge.Item
		var bearer string
		err := row.Scan(&i.ID, &i.CustomerID, &i.UnitID, &i.Person, &i.Currency, &i.DocumentDate, &i.DueDate, &i.ReverseDate, &i.Amount,
			&i.Charged, &i.Returned, &bearer)
		i.Bearer = charge.Bearer(bearer)
		return i, err
	})
	if err != nil {
		return nil, pg.Err(err)
	}
	ids, at := make([]string, len(items)), map[string]int{}
	for n, i := range items {
		ids[n], at[i.ID] = i.ID, n
	}
	if rows, err = c.tx.Query(ctx, movesSQL, ids); err != nil {
		return nil, pg.Err(err)
	}
	var id string
	var m charge.Move
	_, err = pgx.ForEachRow(rows, []any{&id, &m.Date, &m.Amount, &m.WriteOff}, func() error {
		items[at[id]].Moves = append(items[at[id]].Moves, m)
		return nil
	})
	out := map[string][]charge.Item{}
	for _, i := range items {
		out[i.CustomerID] = append(out[i.CustomerID], i)
	}
	return out, pg.Err(err)
}

// LimitsOf are the limits of customers, by customer, in the order of their days.
func (c *Claims) LimitsOf(ctx context.Context, customers []string) (map[string][]charge.Limit, error) {
	rows, err := c.q.LimitsOfCustomers(ctx, customers)
	if err != nil {
		return nil, pg.Err(err)
	}
	out := map[string][]charge.Limit{}
	for _, r := range rows {
		var l charge.Limit
		if err := json.Unmarshal(r.Body, &l); err != nil {
			return nil, err
		}
		out[r.CustomerID] = append(out[r.CustomerID], l)
	}
	return out, nil
}

// AddCharges records lines of a month.
func (c *Claims) AddCharges(ctx context.Context, month calendar.Date, lines []charge.Line) error {
	_, err := c.tx.CopyFrom(ctx, pgx.Identifier{"charge_lines"}, []string{
		"month", "item_id", "kind", "customer_id", "unit_id", "person", "charged_to", "days", "balance_days", "per_mille", "currency", "amount",
	}, pgx.CopyFromSlice(len(lines), func(i int) ([]any, error) {
		l := lines[i]
		rate := ""
		if l.Kind != charge.Correction {
			rate = l.PerMille.String()
		}
		return []any{
			month, l.ItemID, string(l.Kind), l.CustomerID, l.UnitID, l.Person, string(l.ChargedTo), int32(l.Days), l.BalanceDays, //nolint:gosec // days of a month
			rate, l.Amount.Currency, l.Amount.Minor,
		}, nil
	}))
	return pg.Err(err)
}

// ChargeRun is a month that was charged.
type ChargeRun struct {
	Month         calendar.Date
	PolicyVersion int64
	Lines         int64
	RunBy         string
	RunDate       calendar.Date
	Sums          []ChargeSum
}

// ChargeSum is what one unit or person bears, in one currency.
type ChargeSum struct {
	ChargedTo                               charge.Bearer
	Bearer                                  string
	OverTerm, OverLimit, Corrections, Total money.Money
	Lines                                   int64
}

// AddChargeRun records that a month was charged.
func (c *Claims) AddChargeRun(ctx context.Context, r ChargeRun) error {
	return pg.Err(c.q.AddChargeRun(ctx, db.AddChargeRunParams{
		Month: r.Month, PolicyVersion: r.PolicyVersion, Lines: r.Lines, RunBy: r.RunBy, RunDate: r.RunDate, CreatedAt: c.act.Now,
	}))
}

// ChargeRun returns a month with its sums. Errors: NotFound MONTH_NOT_CHARGED.
func (s *Store) ChargeRun(ctx context.Context, month calendar.Date) (ChargeRun, error) {
	row, err := s.q.ChargeRunByMonth(ctx, month)
	if err = pg.Err(err); errs.KindOf(err) == errs.NotFound {
		err = errs.New(errs.NotFound, "MONTH_NOT_CHARGED", "%s was not charged", month.String()[:7]).With("month", month.String()[:7])
	}
	if err != nil {
		return ChargeRun{}, err
	}
	out := ChargeRun{Month: row.Month, PolicyVersion: row.PolicyVersion, Lines: row.Lines, RunBy: row.RunBy, RunDate: row.RunDate}
	sums, err := s.q.ChargeSums(ctx, month)
	for _, r := range sums {
		out.Sums = append(out.Sums, ChargeSum{
			ChargedTo: charge.Bearer(r.ChargedTo), Bearer: r.Bearer, OverTerm: cash(r.OverTerm, r.Currency), OverLimit: cash(r.OverLimit, r.Currency),
			Corrections: cash(r.Corrections, r.Currency), Total: cash(r.Total, r.Currency), Lines: r.Lines,
		})
	}
	return out, pg.Err(err)
}

// ChargeQuery asks for lines, newest month first; empty fields do not restrict.
type ChargeQuery struct {
	Month                  calendar.Date
	UnitID, Person, ItemID string
	// After is the line before the page; its month is zero at first.
	After ChargeLine
	Limit int
}

// ChargeLine is a line with its month.
type ChargeLine struct {
	Month calendar.Date
	charge.Line
}

// Charges lists lines.
func (s *Store) Charges(ctx context.Context, q ChargeQuery) ([]ChargeLine, error) {
	rows, err := s.q.ChargeLines(ctx, db.ChargeLinesParams{
		Month: q.Month, UnitID: q.UnitID, Person: q.Person, ItemID: q.ItemID, AfterMonth: q.After.Month, AfterItem: q.After.ItemID,
		AfterKind: string(q.After.Kind), Size: int32(q.Limit), //nolint:gosec // a page
	})
	if err != nil {
		return nil, pg.Err(err)
	}
	out := make([]ChargeLine, len(rows))
	for i, r := range rows {
		out[i] = ChargeLine{Month: r.Month, Line: charge.Line{
			ItemID: r.ItemID, CustomerID: r.CustomerID, UnitID: r.UnitID, Person: r.Person, Kind: charge.Kind(r.Kind), ChargedTo: charge.Bearer(r.ChargedTo),
			Days: int(r.Days), BalanceDays: r.BalanceDays, Amount: cash(r.Amount, r.Currency),
		}}
		if err := out[i].PerMille.UnmarshalText([]byte(r.PerMille)); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// Supervision is what is not met in one sales unit.
type Supervision struct {
	UnitID                               string
	Nobodys, Left, Unanswered, HandOvers int64
}

const supervisionSQL = `
WITH open AS (
    SELECT i.unit_id, coalesce(r.person, nullif(i.salesperson, ''), c.salesperson) AS person
    FROM items i JOIN item_balances b USING (item_id) JOIN customers c ON c.customer_id = i.customer_id LEFT JOIN item_responsibles r USING (item_id)
    WHERE b.open > 0
), items_of AS (
    SELECT unit_id, count(*) FILTER (WHERE person = '') AS nobodys,
           count(*) FILTER (WHERE EXISTS (SELECT FROM claim_heads h WHERE h.kind = 'CLEARANCE' AND h.people @> ARRAY[open.person])) AS gone
    FROM open GROUP BY unit_id
), warned AS (
    SELECT coalesce(i.unit_id, c.unit_id) AS unit_id, count(*) AS n
    FROM warnings w JOIN customers c USING (customer_id) LEFT JOIN items i ON i.item_id = w.object_id
    WHERE w.warning_date < $1::date - $2::int AND NOT EXISTS (SELECT FROM warning_acknowledgements a WHERE a.number = w.number)
    GROUP BY 1
), waiting AS (
    SELECT u.unit_id, count(*) AS n
    FROM claim_heads h
    CROSS JOIN LATERAL (SELECT DISTINCT c.unit_id FROM customers c WHERE c.salesperson = h.body->>'from_person'
                        UNION SELECT '' WHERE NOT EXISTS (SELECT FROM customers c WHERE c.salesperson = h.body->>'from_person')) u
    WHERE h.kind = 'HAND_OVER' AND h.state = 'PROPOSED' AND (h.body->>'propose_date')::date < $1::date - $2::int
    GROUP BY 1
), units AS (
    SELECT unit_id FROM items_of UNION SELECT unit_id FROM warned UNION SELECT unit_id FROM waiting UNION SELECT unnest($3::text[])
)
SELECT u.unit_id, coalesce(i.nobodys, 0), coalesce(i.gone, 0), coalesce(w.n, 0), coalesce(h.n, 0)
FROM units u LEFT JOIN items_of i USING (unit_id) LEFT JOIN warned w USING (unit_id) LEFT JOIN waiting h USING (unit_id)
ORDER BY u.unit_id COLLATE "C"`

// Supervision says what is not met today, by sales unit, also of the units named. What is unanswered or unfinished counts
// after some days.
func (s *Store) Supervision(ctx context.Context, today calendar.Date, days int, units []string) ([]Supervision, error) {
	rows, err := s.pool.Query(ctx, supervisionSQL, today, days, notNil(units))
	if err != nil {
		return nil, pg.Err(err)
	}
	out, err := pgx.CollectRows(rows, pgx.RowToStructByPos[Supervision])
	return out, pg.Err(err)
}
