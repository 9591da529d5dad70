package postgres

import (
	"context"

	"github.com/jackc/pgx/v5"

	"github.com/avalcredit/aval/pkg/pg"
)

// Accounts that are not customers' have ids that begin with a space, which no id of the ERP does: they sort before all others.
const sharedRoots = `SELECT root_id FROM journal WHERE seq = 1 AND root_id >= ' ' AND root_id < '!' ORDER BY root_id`

// SharedRoots lists budgets and ceilings: all accounts that have a root of their own without being customers.
func (s *Store) SharedRoots(ctx context.Context) ([]string, error) {
	rows, err := s.read.Query(ctx, sharedRoots)
	if err != nil {
		return nil, pg.Err(err)
	}
	roots, err := pgx.CollectRows(rows, pgx.RowTo[string])
	return roots, pg.Err(err)
}

const listGroups = `SELECT root_id FROM journal WHERE seq = 1 AND account_id = ' group' AND root_id > $1 ORDER BY root_id LIMIT $2`

// Groups lists groups behind one, in order.
func (s *Store) Groups(ctx context.Context, after string, limit int) ([]string, error) {
	rows, err := s.read.Query(ctx, listGroups, after, limit)
	if err != nil {
		return nil, pg.Err(err)
	}
	roots, err := pgx.CollectRows(rows, pgx.RowTo[string])
	return roots, pg.Err(err)
}

const listMembers = `
SELECT account_id FROM journal WHERE root_id = $1 AND account_id > $2 AND kind = 'MOVED_IN'
UNION SELECT account_id FROM journal WHERE root_id = $1 AND account_id > $2 AND account_id >= '!' AND seq = 1
ORDER BY account_id LIMIT $3`

// Members lists the customers that live or have lived under a root, behind one, in order.
func (s *Store) Members(ctx context.Context, rootID, after string, limit int) ([]Key, error) {
	rows, err := s.read.Query(ctx, listMembers, rootID, after, limit)
	if err != nil {
		return nil, pg.Err(err)
	}
	ids, err := pgx.CollectRows(rows, pgx.RowTo[string])
	keys := make([]Key, len(ids))
	for i, id := range ids {
		keys[i] = Key{RootID: rootID, AccountID: id}
	}
	return keys, pg.Err(err)
}

const heldInRoots = `SELECT ` + orderFields + ` FROM orders o WHERE o.root_id = ANY($1) AND o.state = 'HELD'`

// HeldInRoots reads the orders on hold of all accounts under roots.
func (s *Store) HeldInRoots(ctx context.Context, roots []string) ([]StoredOrder, error) {
	return s.orders(ctx, heldInRoots, roots)
}

const unfinishedOrders = `
SELECT ` + orderFields + ` FROM unnest($1::text[], $2::text[]) AS k (root_id, account_id)
JOIN orders o ON o.root_id = k.root_id AND o.account_id = k.account_id AND o.state IN ('HELD', 'APPROVED')`

// UnfinishedOrders reads the orders of accounts that are on hold or approved.
func (s *Store) UnfinishedOrders(ctx context.Context, keys []Key) ([]StoredOrder, error) {
	roots, ids := columnsOf(keys)
	return s.orders(ctx, unfinishedOrders, roots, ids)
}

const allOrders = `
SELECT ` + orderFields + ` FROM unnest($1::text[], $2::text[]) AS k (root_id, account_id)
JOIN orders o ON o.root_id = k.root_id AND o.account_id = k.account_id`

// AllOrders reads all orders of accounts, finished ones too.
func (s *Store) AllOrders(ctx context.Context, keys []Key) ([]StoredOrder, error) {
	roots, ids := columnsOf(keys)
	return s.orders(ctx, allOrders, roots, ids)
}

const listHeld = `
SELECT ` + orderFields + ` FROM orders o WHERE o.state = 'HELD' AND (o.root_id, o.account_id, o.order_id) > ($1, $2, $3)
ORDER BY o.root_id, o.account_id, o.order_id LIMIT $4`

// ListHeld reads orders on hold of all accounts behind one.
func (s *Store) ListHeld(ctx context.Context, after OrderKey, limit int) ([]StoredOrder, error) {
	return s.orders(ctx, listHeld, after.RootID, after.AccountID, after.OrderID, limit)
}
