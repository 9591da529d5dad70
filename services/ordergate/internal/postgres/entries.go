package postgres

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/avalcredit/aval/pkg/calendar"
	"github.com/avalcredit/aval/pkg/pg"
	"github.com/avalcredit/aval/services/ordergate/internal/gate"
	"github.com/avalcredit/aval/services/ordergate/internal/order"
)

// columns are the arrays that unnest turns back into rows.
type columns struct {
	roots, accounts, kinds, orders, requests, actors, decisions, details []string
	hashes, requestHashes                                                [][]byte
	dates                                                                []calendar.Date
	times                                                                []time.Time
	seqs, b1, b2, b3, b4, b5, b6, profileAt, positionAt, positionSeq     []int64
	forms                                                                []int64
	held                                                                 []int32
	controlAt                                                            []int64
	nextExpiry                                                           []calendar.Date
}

func entryColumns(entries []gate.Entry) []any {
	var c columns
	for _, e := range entries {
		c.roots = append(c.roots, e.RootID)
		c.accounts = append(c.accounts, e.AccountID)
		c.seqs = append(c.seqs, e.Seq)
		c.kinds = append(c.kinds, string(e.Kind))
		c.orders = append(c.orders, e.OrderID)
		c.requests = append(c.requests, e.RequestID)
		c.requestHashes = append(c.requestHashes, e.RequestHash)
		c.dates = append(c.dates, e.BusinessDate)
		c.actors = append(c.actors, e.Actor)
		c.times = append(c.times, e.RecordedAt)
		c.b1 = append(c.b1, e.Buckets.Order)
		c.b2 = append(c.b2, e.Buckets.Delivery)
		c.b3 = append(c.b3, e.Buckets.Receivable)
		c.b4 = append(c.b4, e.Buckets.Unapplied)
		c.b5 = append(c.b5, e.Buckets.Prepaid)
		c.b6 = append(c.b6, e.Buckets.Billed)
		c.forms = append(c.forms, e.Forms)
		c.profileAt = append(c.profileAt, e.ProfileAt)
		c.positionAt = append(c.positionAt, e.PositionAt)
		c.positionSeq = append(c.positionSeq, e.PositionSeq)
		c.held = append(c.held, int32(e.Held)) //nolint:gosec // orders on hold of one customer
		c.decisions = append(c.decisions, string(e.Decision))
		c.details = append(c.details, string(e.Detail))
		c.hashes = append(c.hashes, e.Hash)
		c.controlAt = append(c.controlAt, e.ControlAt)
		c.nextExpiry = append(c.nextExpiry, e.NextExpiry)
	}
	return []any{c.roots, c.accounts, c.seqs, c.kinds, c.orders, c.requests, c.requestHashes, c.dates, c.actors, c.times,
		c.b1, c.b2, c.b3, c.b4, c.b5, c.b6, c.profileAt, c.positionAt, c.positionSeq, c.held, c.forms, c.decisions, c.details, c.hashes, c.controlAt, c.nextExpiry}
}

const entryFields = `j.root_id, j.account_id, j.seq, j.kind, coalesce(j.order_id, ''), coalesce(j.request_id, ''), j.request_hash, j.business_date,
    j.actor, j.recorded_at, j.order_minor, j.delivery_minor, j.receivable_minor, j.unapplied_minor, j.prepaid_minor, j.billed_minor,
    j.profile_at, j.position_at, j.position_seq, j.held, j.forms, j.decision, j.detail, j.hash, j.control_at, j.next_expiry`

func scanEntry(row pgx.CollectableRow) (gate.Entry, error) {
	var e gate.Entry
	var kind, detail string
	var decision *string
	b := &e.Buckets
	err := row.Scan(&e.RootID, &e.AccountID, &e.Seq, &kind, &e.OrderID, &e.RequestID, &e.RequestHash, &e.BusinessDate,
		&e.Actor, &e.RecordedAt, &b.Order, &b.Delivery, &b.Receivable, &b.Unapplied, &b.Prepaid, &b.Billed,
		&e.ProfileAt, &e.PositionAt, &e.PositionSeq, &e.Held, &e.Forms, &decision, &detail, &e.Hash, &e.ControlAt, &e.NextExpiry)
	e.Kind, e.Detail, e.RecordedAt = gate.Kind(kind), []byte(detail), e.RecordedAt.UTC()
	if decision != nil {
		e.Decision = []byte(*decision)
	}
	return e, err
}

// Request names a request within a root.
type Request struct{ RootID, RequestID string }

const selectRequests = `
SELECT ` + entryFields + ` FROM unnest($1::text[], $2::text[]) AS k (root_id, request_id)
JOIN journal j ON j.root_id = k.root_id AND j.request_id = k.request_id`

// Requests finds the entries that requests led to.
func (s *Store) Requests(ctx context.Context, keys []Request) (map[Request]gate.Entry, error) {
	roots, ids := make([]string, len(keys)), make([]string, len(keys))
	for i, k := range keys {
		roots[i], ids[i] = k.RootID, k.RequestID
	}
	entries, err := s.entries(ctx, selectRequests, roots, ids)
	if err != nil {
		return nil, err
	}
	found := make(map[Request]gate.Entry, len(entries))
	for _, e := range entries {
		found[Request{e.RootID, e.RequestID}] = e
	}
	return found, nil
}

func (s *Store) entries(ctx context.Context, query string, args ...any) ([]gate.Entry, error) {
	rows, err := s.read.Query(ctx, query, args...)
	if err != nil {
		return nil, pg.Err(err)
	}
	entries, err := pgx.CollectRows(rows, scanEntry)
	return entries, pg.Err(err)
}

const selectEntry = `SELECT ` + entryFields + ` FROM journal j WHERE j.root_id = ANY($1) AND j.account_id = $2 AND j.seq = $3`

// Entry reads one entry of an account that has lived under the given roots; found is false where there is none.
func (s *Store) Entry(ctx context.Context, roots []string, accountID string, seq int64) (e gate.Entry, found bool, err error) {
	entries, err := s.entries(ctx, selectEntry, roots, accountID, seq)
	if err != nil || len(entries) == 0 {
		return gate.Entry{}, false, err
	}
	return entries[0], true, nil
}

const selectJournal = `SELECT ` + entryFields + ` FROM journal j
WHERE j.root_id = ANY($1) AND j.account_id = $2 AND j.seq < $3 AND (NOT $4 OR j.decision IS NOT NULL)
ORDER BY j.seq DESC LIMIT $5`

// Journal reads entries of an account before a place, newest first, under all roots that it has lived under; decisions leaves out
// entries without one.
func (s *Store) Journal(ctx context.Context, roots []string, accountID string, before int64, decisions bool, limit int) ([]gate.Entry, error) {
	return s.entries(ctx, selectJournal, roots, accountID, before, decisions, limit)
}

const locateAll = `SELECT order_id, root_id, account_id FROM order_directory WHERE order_id = ANY($1)`

// LocateAll says in which accounts orders live; unknown numbers are left out.
func (s *Store) LocateAll(ctx context.Context, orderIDs []string) (map[string]Key, error) {
	rows, err := s.read.Query(ctx, locateAll, orderIDs)
	if err != nil {
		return nil, pg.Err(err)
	}
	found := make(map[string]Key, len(orderIDs))
	var id string
	var k Key
	_, err = pgx.ForEachRow(rows, []any{&id, &k.RootID, &k.AccountID}, func() error { found[id] = k; return nil })
	return found, pg.Err(err)
}

const locate = `SELECT root_id, account_id FROM order_directory WHERE order_id = $1`

// Locate says in which account an order lives; found is false for an unknown number.
func (s *Store) Locate(ctx context.Context, orderID string) (k Key, found bool, err error) {
	err = s.pool.QueryRow(ctx, locate, orderID).Scan(&k.RootID, &k.AccountID)
	if errors.Is(err, pgx.ErrNoRows) {
		return Key{}, false, nil
	}
	return k, err == nil, pg.Err(err)
}

const selectOrders = `
SELECT ` + orderFields + ` FROM unnest($1::text[], $2::text[], $3::text[]) AS k (root_id, account_id, order_id)
JOIN orders o ON o.root_id = k.root_id AND o.account_id = k.account_id AND o.order_id = k.order_id`

const selectHeld = `
SELECT ` + orderFields + ` FROM unnest($1::text[], $2::text[]) AS k (root_id, account_id)
JOIN orders o ON o.root_id = k.root_id AND o.account_id = k.account_id AND o.state = 'HELD'`

const selectOpen = `
SELECT ` + orderFields + ` FROM unnest($1::text[], $2::text[]) AS k (root_id, account_id)
JOIN orders o ON o.root_id = k.root_id AND o.account_id = k.account_id AND o.state IN ('HELD', 'APPROVED', 'CLOSED')`

// OpenOrders reads the orders of accounts that may reserve credit or have goods delivered and not invoiced.
func (s *Store) OpenOrders(ctx context.Context, keys []Key) ([]StoredOrder, error) {
	roots, ids := columnsOf(keys)
	return s.orders(ctx, selectOpen, roots, ids)
}

const listOrders = `
SELECT ` + orderFields + ` FROM orders o
WHERE (o.root_id, o.account_id, o.order_id) > ($1, $2, $3) AND ($4 = '' OR o.state = $4)
ORDER BY o.root_id, o.account_id, o.order_id LIMIT $5`

const listAccountOrders = `
SELECT ` + orderFields + ` FROM orders o
WHERE o.root_id = $1 AND o.account_id = $2 AND o.order_id > $3 AND ($4 = '' OR o.state = $4)
ORDER BY o.order_id LIMIT $5`

// OrderKey names an order within its account.
type OrderKey struct {
	Key
	OrderID string
}

// Orders reads orders by number.
func (s *Store) Orders(ctx context.Context, keys []OrderKey) (map[OrderKey]StoredOrder, error) {
	roots, accounts, ids := make([]string, len(keys)), make([]string, len(keys)), make([]string, len(keys))
	for i, k := range keys {
		roots[i], accounts[i], ids[i] = k.RootID, k.AccountID, k.OrderID
	}
	found, err := s.orders(ctx, selectOrders, roots, accounts, ids)
	if err != nil {
		return nil, err
	}
	out := make(map[OrderKey]StoredOrder, len(found))
	for _, o := range found {
		out[o.Key()] = o
	}
	return out, nil
}

// HeldOrders reads the orders on hold of accounts.
func (s *Store) HeldOrders(ctx context.Context, keys []Key) ([]StoredOrder, error) {
	roots, ids := columnsOf(keys)
	return s.orders(ctx, selectHeld, roots, ids)
}

// ListOrders reads orders of all accounts behind one; state "" is any.
func (s *Store) ListOrders(ctx context.Context, after OrderKey, state string, limit int) ([]StoredOrder, error) {
	return s.orders(ctx, listOrders, after.RootID, after.AccountID, after.OrderID, state, limit)
}

// ListAccountOrders reads orders of one account behind afterOrder; state "" is any.
func (s *Store) ListAccountOrders(ctx context.Context, k Key, afterOrder, state string, limit int) ([]StoredOrder, error) {
	return s.orders(ctx, listAccountOrders, k.RootID, k.AccountID, afterOrder, state, limit)
}

// orderFields are those of a StoredOrder. An order stands in the entry of the journal that wrote it; one of an account that moved to
// another root since, without being open, in a copy.
const orderFields = `o.root_id, o.order_id, o.updated_seq, o.doc IS NULL, coalesce(o.doc,
    (SELECT j.detail FROM journal j WHERE j.root_id = o.root_id AND j.account_id = o.account_id AND j.seq = o.updated_seq), '')`

func (s *Store) orders(ctx context.Context, query string, args ...any) ([]StoredOrder, error) {
	rows, err := s.read.Query(ctx, query, args...)
	if err != nil {
		return nil, pg.Err(err)
	}
	found, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (StoredOrder, error) {
		var o StoredOrder
		var id, text string
		var inJournal bool
		if err := row.Scan(&o.RootID, &id, &o.Seq, &inJournal, &text); err != nil {
			return o, err
		}
		err := decodeOrder(id, text, inJournal, &o.Order)
		return o, err
	})
	return found, pg.Err(err)
}

func decodeOrder(id, text string, inJournal bool, o *order.Order) error {
	if !inJournal {
		if err := json.Unmarshal([]byte(text), o); err != nil {
			return fmt.Errorf("stored order %s: %w", id, err)
		}
		return nil
	}
	d, err := decodeDetail(text)
	if err != nil {
		return fmt.Errorf("journal entry of order %s: %w", id, err)
	}
	i := slices.IndexFunc(d.Orders, func(x order.Order) bool { return x.ID == id })
	if i < 0 {
		return fmt.Errorf("journal entry of order %s: the order is not in it", id)
	}
	*o = d.Orders[i]
	return nil
}

// OrderDoc is where an order stands: its state, the entry that wrote it, and the copy of an order that moved.
type OrderDoc struct {
	State string
	Seq   int64
	Doc   *string
}

const orderDocs = `SELECT order_id, state, updated_seq, doc FROM orders WHERE root_id = $1 AND account_id = $2`

// OrderDocs reads all orders of an account as they are stored, by number.
func (s *Store) OrderDocs(ctx context.Context, k Key) (map[string]OrderDoc, error) {
	rows, err := s.read.Query(ctx, orderDocs, k.RootID, k.AccountID)
	if err != nil {
		return nil, pg.Err(err)
	}
	docs := map[string]OrderDoc{}
	var id string
	var d OrderDoc
	_, err = pgx.ForEachRow(rows, []any{&id, &d.State, &d.Seq, &d.Doc}, func() error { docs[id] = d; return nil })
	return docs, pg.Err(err)
}

const listAccounts = `
SELECT root_id, account_id FROM journal WHERE seq = 1 AND account_id >= '!' AND (root_id, account_id) > ($1, $2)
ORDER BY root_id, account_id LIMIT $3`

// Accounts lists customers behind one, in order, by the root of their first entry, which is their own.
func (s *Store) Accounts(ctx context.Context, after Key, limit int) ([]Key, error) {
	return s.keys(ctx, listAccounts, after, limit)
}

func (s *Store) keys(ctx context.Context, query string, after Key, limit int) ([]Key, error) {
	rows, err := s.read.Query(ctx, query, after.RootID, after.AccountID, limit)
	if err != nil {
		return nil, pg.Err(err)
	}
	keys, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (Key, error) {
		var k Key
		return k, row.Scan(&k.RootID, &k.AccountID)
	})
	return keys, pg.Err(err)
}

const listJournals = `
SELECT root_id, account_id FROM (
    (SELECT root_id, account_id FROM journal WHERE seq = 1 AND account_id >= '!' AND (root_id, account_id) > ($1, $2)
     ORDER BY root_id, account_id LIMIT $3)
    UNION
    (SELECT DISTINCT root_id, account_id FROM journal WHERE kind = 'MOVED_IN' AND (root_id, account_id) > ($1, $2)
     ORDER BY root_id, account_id LIMIT $3)) x
ORDER BY root_id, account_id LIMIT $3`

// Journals lists the journals of customers behind one, in order: one for each root that a customer has lived under.
func (s *Store) Journals(ctx context.Context, after Key, limit int) ([]Key, error) {
	return s.keys(ctx, listJournals, after, limit)
}

const walk = `SELECT ` + entryFields + ` FROM journal j
WHERE (j.root_id, j.account_id, j.seq) > ($1, $2, $3) ORDER BY j.root_id, j.account_id, j.seq LIMIT 2000`

// Walk reads the whole journal, account by account, in order, a bounded piece at a time.
func (s *Store) Walk(ctx context.Context, visit func(gate.Entry) error) error {
	var last gate.Entry
	for {
		entries, err := s.entries(ctx, walk, last.RootID, last.AccountID, last.Seq)
		if err != nil || len(entries) == 0 {
			return err
		}
		for _, e := range entries {
			if err := visit(e); err != nil {
				return err
			}
		}
		last = entries[len(entries)-1]
	}
}

const beyondHead = `
SELECT o.root_id, o.account_id, max(o.updated_seq) FROM orders o GROUP BY o.root_id, o.account_id
HAVING max(o.updated_seq) > (SELECT coalesce(max(j.seq), 0) FROM journal j WHERE j.root_id = o.root_id AND j.account_id = o.account_id)`

// BeyondHead lists accounts whose orders stand at an entry that the journal lacks: its tail was cut off.
func (s *Store) BeyondHead(ctx context.Context) (map[Key]int64, error) {
	rows, err := s.read.Query(ctx, beyondHead)
	if err != nil {
		return nil, pg.Err(err)
	}
	out := map[Key]int64{}
	var k Key
	var seq int64
	_, err = pgx.ForEachRow(rows, []any{&k.RootID, &k.AccountID, &seq}, func() error { out[k] = seq; return nil })
	return out, pg.Err(err)
}
