// Package postgres keeps journals and orders. Its statements work on sets, given as arrays, so that a batch of any size is one round
// trip; sqlc does not take arrays of several columns, so they stand here as constants.
package postgres

import (
	"cmp"
	"context"
	"embed"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"sync"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/avalcredit/aval/pkg/pg"
	"github.com/avalcredit/aval/services/ordergate/internal/account"
	"github.com/avalcredit/aval/services/ordergate/internal/gate"
	"github.com/avalcredit/aval/services/ordergate/internal/order"
)

//go:embed migrations/*.sql
var migrations embed.FS

// Migrations are the goose files of the gate's schema.
func Migrations() fs.FS {
	sub, err := fs.Sub(migrations, "migrations")
	if err != nil {
		panic(err) // the folder is compiled in
	}
	return sub
}

// Conflicts of a write; nothing was written.
var (
	// ErrStale says that another replica wrote to one of the accounts first: read again and decide again.
	ErrStale = errors.New("an account moved on")
	// ErrDuplicate says that a request id or an order number exists already: look it up and decide again.
	ErrDuplicate = errors.New("a request or an order exists already")
)

// Key names an account.
type Key struct{ RootID, AccountID string }

// Store is the gate's storage.
type Store struct {
	pool *pgxpool.Pool
	read pg.Querier // what is listed: the pool, or a transaction that sees one moment
	rows sync.Pool  // of *[]byte: memory for the rows of batches
}

// NewStore returns a store on a migrated schema.
func NewStore(pool *pgxpool.Pool) *Store { return &Store{pool: pool, read: pool} }

// AtOneMoment runs fn with a store whose lists all show the same moment, however much is written meanwhile. It is for reading only.
func (s *Store) AtOneMoment(ctx context.Context, fn func(*Store) error) error {
	opts := pgx.TxOptions{IsoLevel: pgx.RepeatableRead, AccessMode: pgx.ReadOnly}
	return pg.Err(pgx.BeginTxFunc(ctx, s.pool, opts, func(tx pgx.Tx) error {
		// What is read is worked on between two reads, and nobody waits for it: it locks nothing.
		if _, err := tx.Exec(ctx, `SET LOCAL idle_in_transaction_session_timeout = '60s'`); err != nil {
			return err
		}
		return fn(&Store{pool: s.pool, read: tx})
	}))
}

// Write is one batch: entries in journal order, orders as they stand after it, numbers of new orders.
type Write struct {
	Entries  []gate.Entry
	Orders   []StoredOrder
	New      []NewOrder
	Moves    []Move
	Merges   []Merge
	Outgoing []Outgoing // events for others, in order
	Passed   []Passed   // orders that wait and were passed over
	Touch    bool       // an answer given before is given again: commit a write first, so that it is not of a commit that a failover takes back
}

// StoredOrder is an order with the place it stands at.
type StoredOrder struct {
	RootID string
	Seq    int64
	Order  order.Order
}

// Key of the order.
func (o StoredOrder) Key() OrderKey {
	return OrderKey{Key: Key{RootID: o.RootID, AccountID: o.Order.CustomerID}, OrderID: o.Order.ID}
}

// Move takes all orders of an account along to another root. Seq is the entry with which the account arrives there.
type Move struct {
	AccountID, From, To string
	Seq                 int64
}

// Merge takes all orders of an account along to the one that it was merged into, which writes each of them.
type Merge struct{ From, To Key }

// NewOrder registers an order number.
type NewOrder struct {
	OrderID string
	Key     Key
}

const insertEntries = `
INSERT INTO journal (` + entryNames + `)
SELECT r, a, s, k, nullif(o, ''), nullif(q, ''), h, d, c, t, b1, b2, b3, b4, b5, b6, p1, p2, p3, n, f, nullif(dec, ''), det, hash, p4, ne
FROM unnest($1::text[], $2::text[], $3::bigint[], $4::text[], $5::text[], $6::text[], $7::bytea[], $8::date[], $9::text[],
    $10::timestamptz[], $11::bigint[], $12::bigint[], $13::bigint[], $14::bigint[], $15::bigint[], $16::bigint[], $17::bigint[],
    $18::bigint[], $19::bigint[], $20::int[], $21::bigint[], $22::text[], $23::text[], $24::bytea[], $25::bigint[], $26::date[])
    AS x (r, a, s, k, o, q, h, d, c, t, b1, b2, b3, b4, b5, b6, p1, p2, p3, n, f, dec, det, hash, p4, ne)`

const upsertOrders = `
INSERT INTO orders (root_id, order_id, account_id, state, updated_seq, expires_on)
SELECT * FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::bigint[], $6::date[])
ON CONFLICT (root_id, account_id, order_id) DO UPDATE SET state = excluded.state, updated_seq = excluded.updated_seq, doc = NULL,
    expires_on = excluded.expires_on`

const insertDirectory = `
INSERT INTO order_directory (order_id, root_id, account_id) SELECT * FROM unnest($1::text[], $2::text[], $3::text[])`

// moveOrders closes the rows under the old root and opens them under the new one; no key is changed. Each takes a copy of the order
// along, which those that the arrival writes do not keep.
const moveOrders = `
WITH gone AS (DELETE FROM orders WHERE root_id = $1 AND account_id = $2 RETURNING *),
kept AS (INSERT INTO orders (root_id, order_id, account_id, state, updated_seq, doc, expires_on)
    SELECT $3, order_id, account_id, state, $4::bigint, coalesce(doc, (
        SELECT o.value::text FROM journal j, json_array_elements(j.detail::json -> 'orders') o
        WHERE j.root_id = gone.root_id AND j.account_id = gone.account_id AND j.seq = gone.updated_seq
            AND o.value ->> 'id' = gone.order_id)), expires_on
    FROM gone)
UPDATE order_directory d SET root_id = $3 FROM gone WHERE d.order_id = gone.order_id`

// mergeOrders closes the rows of an account whose orders are all written as another's in the same transaction.
const mergeOrders = `
WITH gone AS (DELETE FROM orders WHERE root_id = $1 AND account_id = $2 RETURNING order_id)
UPDATE order_directory d SET root_id = $3, account_id = $4 FROM gone WHERE d.order_id = gone.order_id`

const touch = `SELECT pg_logical_emit_message(true, 'aval', 'replay')`

// Apply writes a batch in one transaction and one round trip. Errors: ErrStale, ErrDuplicate; others as *errs.Error.
func (s *Store) Apply(ctx context.Context, w Write) error {
	w.sort()
	if w.onlyNew() {
		return written(s.copyIn(ctx, w))
	}
	b := &pgx.Batch{}
	if len(w.New) > 0 {
		b.Queue(insertDirectory, directoryColumns(w.New)...)
	}
	if len(w.Entries) > 0 {
		b.Queue(insertEntries, entryColumns(w.Entries)...)
	}
	for _, m := range w.Moves {
		b.Queue(moveOrders, m.From, m.AccountID, m.To, m.Seq)
	}
	for _, m := range w.Merges {
		b.Queue(mergeOrders, m.From.RootID, m.From.AccountID, m.To.RootID, m.To.AccountID)
	}
	if len(w.Orders) > 0 {
		b.Queue(upsertOrders, orderColumns(w.Orders)...)
	}
	queuePassed(b, w.Passed)
	queueOutgoing(b, w.Outgoing)
	if w.Touch {
		b.Queue(touch)
	}
	if b.Len() == 0 {
		return nil
	}
	// Without BEGIN the statements of a batch are one implicit transaction, committed at its end.
	return written(s.pool.SendBatch(ctx, b).Close())
}

// sort puts rows into the order of their keys. Two replicas that write to the same accounts then wait for each other in one direction
// only: neither holds what the other waits for while it waits itself.
func (w *Write) sort() {
	slices.SortFunc(w.New, func(a, b NewOrder) int { return cmp.Compare(a.OrderID, b.OrderID) })
	slices.SortFunc(w.Entries, func(a, b gate.Entry) int {
		return cmp.Or(cmp.Compare(a.RootID, b.RootID), cmp.Compare(a.AccountID, b.AccountID), cmp.Compare(a.Seq, b.Seq))
	})
	slices.SortFunc(w.Orders, func(a, b StoredOrder) int {
		return cmp.Or(cmp.Compare(a.RootID, b.RootID), cmp.Compare(a.Order.CustomerID, b.Order.CustomerID), cmp.Compare(a.Order.ID, b.Order.ID))
	})
}

func directoryColumns(orders []NewOrder) []any {
	ids, roots, accounts := make([]string, len(orders)), make([]string, len(orders)), make([]string, len(orders))
	for i, o := range orders {
		ids[i], roots[i], accounts[i] = o.OrderID, o.Key.RootID, o.Key.AccountID
	}
	return []any{ids, roots, accounts}
}

func orderColumns(orders []StoredOrder) []any {
	n := len(orders)
	roots, ids, accounts, states, seqs := make([]string, n), make([]string, n), make([]string, n), make([]string, n), make([]int64, n)
	for i := range orders {
		o := &orders[i]
		roots[i], ids[i], accounts[i], states[i], seqs[i] = o.RootID, o.Order.ID, o.Order.CustomerID, string(o.Order.State), o.Seq
	}
	return []any{roots, ids, accounts, states, seqs, expiries(orders)}
}

const selectHeads = `
SELECT j.root_id, j.account_id, j.seq, j.hash, j.order_minor, j.delivery_minor, j.receivable_minor, j.unapplied_minor, j.prepaid_minor, j.billed_minor,
    j.profile_at, j.position_at, j.position_seq, j.held, j.forms, coalesce(p.detail, ''), coalesce(q.detail, ''),
    j.control_at, j.next_expiry, coalesce(c.detail, '')
FROM unnest($1::text[], $2::text[]) AS k (root_id, account_id)
CROSS JOIN LATERAL (
    SELECT * FROM journal x WHERE x.root_id = k.root_id AND x.account_id = k.account_id ORDER BY seq DESC LIMIT 1) j
LEFT JOIN journal p ON p.root_id = j.root_id AND p.account_id = j.account_id AND p.seq = j.profile_at
LEFT JOIN journal q ON q.root_id = j.root_id AND q.account_id = j.account_id AND q.seq = j.position_at
LEFT JOIN journal c ON c.root_id = j.root_id AND c.account_id = j.account_id AND c.seq = j.control_at`

// Heads reads the newest state of accounts. An account without entries is new and empty.
func (s *Store) Heads(ctx context.Context, keys []Key) (map[Key]account.Account, error) {
	roots, ids := columnsOf(keys)
	rows, err := s.read.Query(ctx, selectHeads, roots, ids)
	if err != nil {
		return nil, pg.Err(err)
	}
	heads := make(map[Key]account.Account, len(keys))
	for _, k := range keys {
		heads[k] = account.New(k.RootID, k.AccountID)
	}
	found, err := pgx.CollectRows(rows, scanHead)
	if err != nil {
		return nil, pg.Err(err)
	}
	for _, a := range found {
		heads[Key{a.RootID, a.ID}] = a
	}
	return heads, nil
}

func columnsOf(keys []Key) (roots, ids []string) {
	roots, ids = make([]string, len(keys)), make([]string, len(keys))
	for i, k := range keys {
		roots[i], ids[i] = k.RootID, k.AccountID
	}
	return roots, ids
}

func scanHead(row pgx.CollectableRow) (account.Account, error) {
	var a account.Account
	var profile, position, control string
	b := &a.Buckets
	if err := row.Scan(&a.RootID, &a.ID, &a.Seq, &a.Hash, &b.Order, &b.Delivery, &b.Receivable, &b.Unapplied, &b.Prepaid, &b.Billed,
		&a.ProfileAt, &a.PositionAt, &a.PositionSeq, &a.Held, &a.Forms, &profile, &position,
		&a.ControlAt, &a.NextExpiry, &control); err != nil {
		return a, err
	}
	a.Profile.Grant = account.NoGrant()
	if profile != "" {
		d, err := decodeDetail(profile)
		if err != nil {
			return a, fmt.Errorf("profile of account %s: %w", a.ID, err)
		}
		a.Plan, a.Ceilings, a.Former, a.MovedTo = d.Plan, d.Ceilings, d.Former, d.MovedTo
		a.Merged, a.MergedInto = d.Merged, d.MergedInto
		if d.Profile != nil {
			a.Profile = *d.Profile
		}
	}
	if position != "" {
		d, err := decodeDetail(position)
		if err != nil || d.Position == nil {
			return a, fmt.Errorf("position of account %s: %w", a.ID, err)
		}
		a.Ladder, a.Paid = d.Position.Ladder, d.Position.Paid
		a.Standing = d.Position.Standing
		if a.Profile.Currency == "" {
			a.Profile.Currency = d.Position.Currency
		}
	}
	if control != "" {
		d, err := decodeDetail(control)
		if err != nil || d.Control == nil {
			return a, fmt.Errorf("control of account %s: %w", a.ID, cmp.Or(err, errNoControl))
		}
		a.Control = *d.Control
	}
	return a, nil
}

func decodeDetail(text string) (gate.Detail, error) {
	var d gate.Detail
	err := json.Unmarshal([]byte(text), &d)
	return d, err
}
