package postgres

import (
	"context"

	"github.com/jackc/pgx/v5"

	"github.com/avalcredit/aval/pkg/calendar"
	"github.com/avalcredit/aval/pkg/errs"
	"github.com/avalcredit/aval/pkg/money"
	"github.com/avalcredit/aval/pkg/pg"
)

// ApplicationSequence is the number of the account's last application.
func (a *Account) ApplicationSequence() int64 { return a.appSeq }

// NoRecord is the error for a record that does not exist, or not for this caller.
func NoRecord(kind CollectionKind, id string) *errs.Error {
	return errs.New(errs.NotFound, kind.reason()+"_UNKNOWN", "there is no record %s", id).With("record_id", id)
}

// OpenItem is an item with what is open of it.
type OpenItem struct {
	ID      string
	DueDate calendar.Date
	Open    money.Money
}

const (
	openItemsSQL = `SELECT item_id, due_date, open FROM item_balances WHERE customer_id = $1 AND open > 0 ORDER BY due_date, item_id`
	hasItemSQL   = `SELECT EXISTS (SELECT FROM item_balances WHERE item_id = $2 AND customer_id = coalesce((SELECT m.survivor_id FROM merged_accounts m WHERE m.customer_id = $1 AND m.moved), $1))`
	itemsByIDSQL = `SELECT i.item_id, i.due_date, i.currency, b.open FROM items i JOIN item_balances b USING (item_id) WHERE i.item_id = ANY ($1)`
)

// OpenItems are a customer's open items, by due date.
func OpenItems(ctx context.Context, q pg.Querier, customerID, currency string) ([]OpenItem, error) {
	rows, err := q.Query(ctx, openItemsSQL, customerID)
	if err != nil {
		return nil, pg.Err(err)
	}
	out, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (OpenItem, error) {
		i := OpenItem{Open: money.Zero(currency)}
		err := row.Scan(&i.ID, &i.DueDate, &i.Open.Minor)
		return i, err
	})
	return out, pg.Err(err)
}

// HasItem tells whether an item is a customer's.
func HasItem(ctx context.Context, q pg.Querier, customerID, itemID string) (bool, error) {
	var yes bool
	err := q.QueryRow(ctx, hasItemSQL, customerID, itemID).Scan(&yes)
	return yes, pg.Err(err)
}

// ItemsByID reads items with what is open of them, by number.
func ItemsByID(ctx context.Context, q pg.Querier, ids []string) (map[string]OpenItem, error) {
	rows, err := q.Query(ctx, itemsByIDSQL, ids)
	if err != nil {
		return nil, pg.Err(err)
	}
	out := map[string]OpenItem{}
	var i OpenItem
	_, err = pgx.ForEachRow(rows, []any{&i.ID, &i.DueDate, &i.Open.Currency, &i.Open.Minor}, func() error {
		out[i.ID] = i
		return nil
	})
	return out, pg.Err(err)
}

const (
	assignCollectorSQL = `INSERT INTO collectors (customer_id, collector, assigned_by, assign_date)
SELECT id, $1, $3, $4 FROM unnest($2::text[]) id
ON CONFLICT (customer_id) DO UPDATE SET collector = excluded.collector, assigned_by = excluded.assigned_by, assign_date = excluded.assign_date
WHERE collectors.collector <> excluded.collector`
	// A customer without a collector of its own is its salesperson's.
	ofCollectorSQL = `SELECT customer_id FROM collectors WHERE collector = $1
UNION SELECT c.customer_id FROM customers c WHERE c.salesperson = $1 AND NOT EXISTS (SELECT FROM collectors k WHERE k.customer_id = c.customer_id)
ORDER BY 1`
	ownedSQL = `SELECT ` + recordFields + ` FROM collection_records WHERE kind = $1 AND owner = $2 AND live ORDER BY record_id FOR UPDATE`
)

// AssignCollector gives customers to a collector, and counts those that changed hands.
func AssignCollector(ctx context.Context, tx pgx.Tx, collector string, ids []string, act Act) (int, error) {
	tag, err := tx.Exec(ctx, assignCollectorSQL, collector, ids, act.Actor, act.Today)
	return int(tag.RowsAffected()), pg.Err(err)
}

// CustomersOfCollector are the customers that somebody collects from, by number.
func CustomersOfCollector(ctx context.Context, q pg.Querier, collector string) ([]string, error) {
	rows, err := q.Query(ctx, ofCollectorSQL, collector)
	if err != nil {
		return nil, pg.Err(err)
	}
	out, err := pgx.CollectRows(rows, pgx.RowTo[string])
	return out, pg.Err(err)
}

// OwnedRecords locks the live records of a kind that somebody owns.
func OwnedRecords(ctx context.Context, tx pgx.Tx, kind CollectionKind, owner string) ([]CollectionRecord, error) {
	rows, err := tx.Query(ctx, ownedSQL, kind, owner)
	if err != nil {
		return nil, pg.Err(err)
	}
	out, err := pgx.CollectRows(rows, scanRecord)
	return out, pg.Err(err)
}
