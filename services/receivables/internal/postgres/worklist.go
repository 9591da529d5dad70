package postgres

import (
	"context"
	"encoding/json"

	"github.com/jackc/pgx/v5"

	"github.com/avalcredit/aval/pkg/calendar"
	"github.com/avalcredit/aval/pkg/money"
	"github.com/avalcredit/aval/pkg/pg"
	"github.com/avalcredit/aval/services/receivables/internal/charge"
)

// Behaviour is how a customer paid and what it owes now.
type Behaviour struct {
	AverageLate int
	Receivable  int64
	Limit       *int64 // nil: none is known
	LastContact calendar.Date
	NextAction  calendar.Date
	DisplayName string
	Salesperson string
	Currency    string
}

const behaviourSQL = `SELECT c.customer_id, c.display_name, c.salesperson, c.currency, l.body::text,
    coalesce(p.late, 0)::int, coalesce(o.open, 0)::bigint, k.from_date, k.next_date
FROM customers c
LEFT JOIN LATERAL (
    SELECT round(sum(i.amount::numeric * greatest(0, b.last_application - b.due_date)) / sum(i.amount)) AS late
    FROM item_balances b JOIN items i USING (item_id)
    WHERE b.customer_id = c.customer_id AND b.open = 0 AND b.last_application >= $2::date - 365 AND b.last_application <= $2::date) p ON true
LEFT JOIN LATERAL (SELECT sum(b.open) AS open FROM item_balances b WHERE b.customer_id = c.customer_id AND b.open > 0) o ON true
LEFT JOIN LATERAL (
    SELECT r.from_date, r.next_date FROM collection_records r WHERE r.customer_id = c.customer_id AND r.kind = 'CONTACT'
    ORDER BY r.created_at DESC, r.record_id DESC LIMIT 1) k ON true
LEFT JOIN LATERAL (
    SELECT m.body FROM customer_limits m WHERE m.customer_id = c.customer_id AND m.from_date <= $2::date ORDER BY m.sequence DESC LIMIT 1) l ON true
WHERE c.customer_id = ANY ($1)`

// Behaviours reads how customers paid within a year, what they owe, and when somebody spoke with them last.
func (s *Store) Behaviours(ctx context.Context, ids []string, day calendar.Date) (map[string]Behaviour, error) {
	rows, err := s.pool.Query(ctx, behaviourSQL, ids, day)
	if err != nil {
		return nil, pg.Err(err)
	}
	out := make(map[string]Behaviour, len(ids))
	var id string
	var b Behaviour
	var limit *string
	_, err = pgx.ForEachRow(rows, []any{
		&id, &b.DisplayName, &b.Salesperson, &b.Currency, &limit, &b.AverageLate, &b.Receivable, &b.LastContact, &b.NextAction,
	}, func() error {
		var err error
		b.Limit, err = limitOn(limit, b.Currency, day)
		out[id] = b
		return err
	})
	return out, pg.Err(err)
}

// limitOn is the limit of a customer's file on a day; nil where none is known, or none that compares.
func limitOn(body *string, currency string, day calendar.Date) (*int64, error) {
	if body == nil {
		return nil, nil //nolint:nilnil // none is known, which is no error
	}
	var l charge.Limit
	if err := json.Unmarshal([]byte(*body), &l); err != nil {
		return nil, err
	}
	amount, known := charge.LimitOn([]charge.Limit{l}, day, currency)
	if !known {
		return nil, nil //nolint:nilnil // nothing to compare with, which is no error
	}
	return &amount, nil
}

// CollectorRow is what one collector looks after and did.
type CollectorRow struct {
	Collector                                                           string
	Customers, Contacted, Contacts, ActionsLate, Promises, DisputesOpen int
	Overdue, Collected                                                  []money.Money
}

const (
	whoseSQL   = `WITH whose AS (SELECT c.customer_id, c.currency, coalesce(k.collector, c.salesperson) AS collector FROM customers c LEFT JOIN collectors k USING (customer_id)) `
	overdueSQL = whoseSQL + `SELECT w.collector, i.currency, sum(b.open)::bigint, count(DISTINCT b.customer_id)::int FROM item_balances b JOIN items i USING (item_id) JOIN whose w ON w.customer_id = b.customer_id
WHERE b.open > 0 AND b.due_date < $1 GROUP BY 1, 2 ORDER BY 1, 2`
	collectedSQL = whoseSQL + `SELECT w.collector, a.currency, sum(a.amount)::bigint, 0 FROM applications a JOIN items i USING (item_id) JOIN whose w ON w.customer_id = a.customer_id
JOIN credits c ON c.credit_id = a.credit_id AND c.kind IN ('RECEIPT', 'ADVANCE', 'BILL', 'DEPOSIT_USE', 'CONTRA')
WHERE a.application_date BETWEEN $1 AND $2 AND i.due_date < $1 GROUP BY 1, 2 ORDER BY 1, 2`
	didSQL = whoseSQL + `SELECT w.collector,
    count(DISTINCT r.customer_id) FILTER (WHERE r.kind = 'CONTACT' AND r.from_date BETWEEN $1 AND $2)::int,
    count(*) FILTER (WHERE r.kind = 'CONTACT' AND r.from_date BETWEEN $1 AND $2)::int,
    count(*) FILTER (WHERE r.kind = 'CONTACT' AND r.next_date < $2 AND NOT EXISTS (
        SELECT FROM collection_records n WHERE n.kind = 'CONTACT' AND n.customer_id = r.customer_id AND (n.created_at, n.record_id) > (r.created_at, r.record_id)))::int,
    count(*) FILTER (WHERE r.kind = 'PROMISE' AND r.from_date BETWEEN $1 AND $2)::int,
    count(*) FILTER (WHERE r.kind = 'DISPUTE' AND r.live)::int
FROM collection_records r JOIN whose w USING (customer_id) WHERE r.kind IN ('CONTACT', 'PROMISE', 'DISPUTE') GROUP BY 1 ORDER BY 1`
	promisesSQL = `SELECT ` + recordFields + ` FROM collection_records WHERE kind = 'PROMISE' AND live AND from_date >= $1`
	whoSQL      = whoseSQL + `SELECT customer_id, collector FROM whose WHERE customer_id = ANY ($1)`
)

// Overview adds up by collector what is overdue and what was done from a day to another.
func (s *Store) Overview(ctx context.Context, from, to calendar.Date) (map[string]*CollectorRow, error) {
	out := map[string]*CollectorRow{}
	of := func(name string) *CollectorRow {
		if out[name] == nil {
			out[name] = &CollectorRow{Collector: name}
		}
		return out[name]
	}
	sums := func(sql string, add func(r *CollectorRow, m money.Money, customers int), args ...any) error {
		rows, err := s.pool.Query(ctx, sql, args...)
		if err != nil {
			return pg.Err(err)
		}
		var name, currency string
		var minor int64
		var customers int
		_, err = pgx.ForEachRow(rows, []any{&name, &currency, &minor, &customers}, func() error {
			add(of(name), cash(minor, currency), customers)
			return nil
		})
		return pg.Err(err)
	}
	err := sums(overdueSQL, func(r *CollectorRow, m money.Money, n int) {
		r.Overdue, r.Customers = append(r.Overdue, m), r.Customers+n
	}, to)
	if err != nil {
		return nil, err
	}
	if err := sums(collectedSQL, func(r *CollectorRow, m money.Money, _ int) { r.Collected = append(r.Collected, m) }, from, to); err != nil {
		return nil, err
	}
	rows, err := s.pool.Query(ctx, didSQL, from, to)
	if err != nil {
		return nil, pg.Err(err)
	}
	var d CollectorRow
	_, err = pgx.ForEachRow(rows, []any{&d.Collector, &d.Contacted, &d.Contacts, &d.ActionsLate, &d.Promises, &d.DisputesOpen}, func() error {
		r := of(d.Collector)
		r.Contacted, r.Contacts, r.ActionsLate, r.Promises, r.DisputesOpen = d.Contacted, d.Contacts, d.ActionsLate, d.Promises, d.DisputesOpen
		return nil
	})
	return out, pg.Err(err)
}

// BrokenByCollector counts promises made since a day that are broken and unpaid, by collector.
func (s *Store) BrokenByCollector(ctx context.Context, since, today calendar.Date) (map[string]int, error) {
	rows, err := s.pool.Query(ctx, promisesSQL, since)
	if err != nil {
		return nil, pg.Err(err)
	}
	records, err := pgx.CollectRows(rows, scanRecord)
	if err != nil {
		return nil, pg.Err(err)
	}
	broken, err := s.Broken(ctx, records, today)
	if err != nil {
		return nil, err
	}
	ids := make([]string, 0, len(broken))
	for id := range broken {
		ids = append(ids, id)
	}
	who, err := s.pool.Query(ctx, whoSQL, ids)
	if err != nil {
		return nil, pg.Err(err)
	}
	out := map[string]int{}
	var id, name string
	_, err = pgx.ForEachRow(who, []any{&id, &name}, func() error {
		out[name] += broken[id]
		return nil
	})
	return out, pg.Err(err)
}

// Broken counts promises that are broken and unpaid, by customer.
func (s *Store) Broken(ctx context.Context, promises []CollectionRecord, today calendar.Date) (map[string]int, error) {
	judged, err := Judge(ctx, s.pool, promises, today)
	if err != nil {
		return nil, err
	}
	var items []string
	for _, r := range promises {
		items = append(items, r.ItemIDs...)
	}
	open, err := openOf(ctx, s.pool, items)
	if err != nil {
		return nil, err
	}
	out := map[string]int{}
	for _, j := range judged {
		if StillUnpaid(j, open).IsPositive() {
			out[j.Record.CustomerID]++
		}
	}
	return out, nil
}
