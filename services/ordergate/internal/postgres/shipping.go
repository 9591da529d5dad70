package postgres

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/avalcredit/aval/pkg/audit"
	"github.com/avalcredit/aval/pkg/calendar"
	"github.com/avalcredit/aval/pkg/delivery"
	"github.com/avalcredit/aval/pkg/errs"
	"github.com/avalcredit/aval/pkg/pg"
	"github.com/avalcredit/aval/services/ordergate/internal/event"
	"github.com/avalcredit/aval/services/ordergate/internal/gate"
)

// The streams that the gate sends. A webhook has a stream of its own, WebhookStream.
const (
	StreamWithdrawal = "withdrawal"
	StreamShipment   = "shipment"
)

// WebhookStream is the stream of one webhook.
func WebhookStream(id string) string { return "webhook/" + id }

// Outgoing is an event that leaves with a batch.
type Outgoing struct {
	Stream, CustomerID string
	Payload            []byte
}

// Send adds what a change tells others to the batch: after the entry e that it became.
func (w *Write) Send(c gate.Change, e gate.Entry) error {
	for _, x := range c.Events {
		payload, err := json.Marshal(event.Shipment{
			CustomerID: e.AccountID, Type: string(x.Type), OrderID: x.OrderID, Reasons: x.Reasons, BusinessDate: e.BusinessDate, Until: x.Until,
			Time: e.RecordedAt, SalespersonID: c.Account.Profile.SalespersonID, Notify: x.Notify, Entry: e.Seq,
		})
		if err != nil {
			return fmt.Errorf("encode shipment event: %w", err)
		}
		w.Outgoing = append(w.Outgoing, Outgoing{StreamShipment, e.AccountID, payload})
	}
	if c.Withdraw != nil {
		payload, err := json.Marshal(c.Withdraw)
		if err != nil {
			return fmt.Errorf("encode withdrawal: %w", err)
		}
		w.Outgoing = append(w.Outgoing, Outgoing{StreamWithdrawal, e.AccountID, payload})
	}
	return nil
}

// queueOutgoing puts events behind the batch's other statements, by stream and customer, each customer's in their order.
func queueOutgoing(b *pgx.Batch, events []Outgoing) {
	sorted := slices.Clone(events)
	slices.SortStableFunc(sorted, func(x, y Outgoing) int {
		if n := strings.Compare(x.Stream, y.Stream); n != 0 {
			return n
		}
		return strings.Compare(x.CustomerID, y.CustomerID)
	})
	for _, e := range sorted {
		delivery.Queue(b, e.Stream, e.CustomerID, e.Payload)
	}
}

const (
	// One writer at a time: the positions that a reader sees have no holes that fill later.
	lockLog    = `SELECT pg_advisory_xact_lock(hashtextextended('ordergate.shipment_log', 0))`
	lastLogged = `SELECT coalesce(max(pos), 0) FROM shipment_log`
	insertLog  = `INSERT INTO shipment_log (pos, customer_id, seq, payload) VALUES ($1, $2, $3, $4)`
	readLog    = `SELECT pos, customer_id, seq, payload FROM shipment_log WHERE pos > $1 AND ($2 = '' OR customer_id = $2) ORDER BY pos LIMIT $3`
)

// Log takes a customer's events from the outbox into the log, and on to the webhooks that asked for them; it returns the last sequence
// that the log has. It is the Send of the relay of StreamShipment: what the log has already is left out.
func (s *Store) Log(ctx context.Context, customerID string, events []delivery.Event) (last int64, err error) {
	err = pg.InTx(ctx, s.pool, func(ctx context.Context, tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, lockLog); err != nil {
			return pg.Err(err)
		}
		var pos int64
		if err := tx.QueryRow(ctx, lastLogged).Scan(&pos); err != nil {
			return pg.Err(err)
		}
		hooks, err := webhooks(ctx, tx, true)
		if err != nil {
			return err
		}
		for _, e := range events {
			apply, has, err := delivery.Accept(ctx, tx, StreamShipment, customerID, e.Seq)
			if err != nil {
				return err
			}
			if last = has; !apply {
				continue
			}
			pos++
			if _, err := tx.Exec(ctx, insertLog, pos, customerID, e.Seq, string(e.Payload)); err != nil {
				return pg.Err(err)
			}
			if err := forward(ctx, tx, hooks, Logged{Pos: pos, Seq: e.Seq, CustomerID: customerID, Payload: e.Payload}); err != nil {
				return err
			}
		}
		return nil
	})
	return last, err
}

// Logged is one event of the log.
type Logged struct {
	Pos        int64
	CustomerID string
	Seq        int64
	Payload    []byte
}

// LogAfter reads events behind a position, of one customer or of all (""), in order.
func (s *Store) LogAfter(ctx context.Context, pos int64, customerID string, limit int) ([]Logged, error) {
	rows, err := s.read.Query(ctx, readLog, pos, customerID, limit)
	if err != nil {
		return nil, pg.Err(err)
	}
	found, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (Logged, error) {
		var l Logged
		var payload string
		err := row.Scan(&l.Pos, &l.CustomerID, &l.Seq, &payload)
		l.Payload = []byte(payload)
		return l, err
	})
	return found, pg.Err(err)
}

// forwarded is an event on its way to a webhook.
type forwarded struct {
	Seq   int64           `json:"seq"` // of the event within its customer
	Event json.RawMessage `json:"event"`
}

// Forwarded reads an event of a webhook's stream.
func Forwarded(payload []byte) (event.Shipment, error) {
	var f forwarded
	if err := json.Unmarshal(payload, &f); err != nil {
		return event.Shipment{}, fmt.Errorf("webhook event: %w", err)
	}
	return event.Decode(f.Event, f.Seq)
}

func forward(ctx context.Context, tx pgx.Tx, hooks []Webhook, l Logged) error {
	e, err := event.Decode(l.Payload, l.Seq)
	if err != nil {
		return err
	}
	for _, h := range hooks {
		if len(h.Types) > 0 && !slices.Contains(h.Types, e.Type) {
			continue
		}
		payload, err := json.Marshal(forwarded{Seq: l.Seq, Event: l.Payload})
		if err != nil {
			return fmt.Errorf("encode webhook event: %w", err)
		}
		_, err = delivery.Append(ctx, tx, WebhookStream(h.ID), l.CustomerID, func(int64) ([]byte, error) { return payload, nil })
		if err != nil {
			return err
		}
	}
	return nil
}

// Webhook is a receiver of events. Secret is sealed.
type Webhook struct {
	ID, URL   string
	Types     []string
	Secret    []byte
	CreatedBy string
	CreatedAt time.Time
	Pending   int64
	LastError string
}

const (
	insertWebhook = `INSERT INTO webhooks (id, url, types, secret, created_by) VALUES ($1, $2, $3, $4, $5) RETURNING created_at`
	listWebhooks  = `SELECT w.id, w.url, w.types, w.secret, w.created_by, w.created_at, coalesce(h.pending, 0)::bigint, coalesce(h.last_error, '')
		FROM webhooks w LEFT JOIN (
			SELECT stream, sum(last_seq - acked_seq) AS pending, max(last_error) AS last_error FROM outbox_heads GROUP BY stream
		) h ON h.stream = 'webhook/' || w.id
		WHERE w.deleted_at IS NULL ORDER BY w.created_at, w.id`
	activeWebhooks = `SELECT id, url, types, secret, created_by, created_at, 0::bigint, '' FROM webhooks WHERE deleted_at IS NULL ORDER BY id`
	deleteWebhook  = `UPDATE webhooks SET deleted_at = coalesce(deleted_at, now()) WHERE id = $1`
)

// AddWebhook registers a receiver within tx, at most most of them. Errors: TOO_MANY_WEBHOOKS.
func (s *Store) AddWebhook(ctx context.Context, tx pgx.Tx, w Webhook, most int) (Webhook, error) {
	if _, err := tx.Exec(ctx, lockLog); err != nil { // with the log: it gets all events from here on
		return w, pg.Err(err)
	}
	there, err := webhooks(ctx, tx, true)
	if err != nil {
		return w, err
	}
	if len(there) >= most {
		return w, errs.New(errs.ResourceExhausted, "TOO_MANY_WEBHOOKS", "there are %d webhooks already: delete one first", len(there))
	}
	err = tx.QueryRow(ctx, insertWebhook, w.ID, w.URL, w.Types, w.Secret, w.CreatedBy).Scan(&w.CreatedAt)
	return w, pg.Err(err)
}

// Webhooks lists the receivers with what they have not taken yet.
func (s *Store) Webhooks(ctx context.Context) ([]Webhook, error) { return webhooks(ctx, s.pool, false) }

// ActiveWebhooks lists the receivers without what they have taken.
func (s *Store) ActiveWebhooks(ctx context.Context) ([]Webhook, error) {
	return webhooks(ctx, s.pool, true)
}

func webhooks(ctx context.Context, q pg.Querier, bare bool) ([]Webhook, error) {
	query := listWebhooks
	if bare {
		query = activeWebhooks
	}
	rows, err := q.Query(ctx, query)
	if err != nil {
		return nil, pg.Err(err)
	}
	found, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (Webhook, error) {
		var w Webhook
		err := row.Scan(&w.ID, &w.URL, &w.Types, &w.Secret, &w.CreatedBy, &w.CreatedAt, &w.Pending, &w.LastError)
		return w, err
	})
	return found, pg.Err(err)
}

// DropWebhook removes a receiver; found is false for one that never was.
func (s *Store) DropWebhook(ctx context.Context, id string) (found bool, err error) {
	tag, err := s.pool.Exec(ctx, deleteWebhook, id)
	return tag.RowsAffected() > 0, pg.Err(err)
}

// ShipmentRefusal is goods that a warehouse was told not to let go.
type ShipmentRefusal struct {
	CustomerID, OrderID, Actor string
	BusinessDate               calendar.Date
	Reasons                    []string
}

// RecordRefusal keeps a refusal in the audit trail of the customer.
func (s *Store) RecordRefusal(ctx context.Context, r ShipmentRefusal) error {
	detail, err := json.Marshal(map[string][]string{"reason_codes": r.Reasons})
	if err != nil {
		return fmt.Errorf("encode refusal: %w", err)
	}
	return pg.InTx(ctx, s.pool, func(ctx context.Context, tx pgx.Tx) error {
		return audit.Append(ctx, tx, audit.Event{
			Stream: "customer/" + r.CustomerID, Actor: r.Actor, Action: "shipment.refuse", Subject: "order " + r.OrderID,
			BusinessDate: r.BusinessDate, Detail: detail,
		})
	})
}

const selectExpiring = `
SELECT ` + orderFields + ` FROM unnest($1::text[], $2::text[]) AS k (root_id, account_id)
JOIN orders o ON o.root_id = k.root_id AND o.account_id = k.account_id AND o.expires_on IS NOT NULL`

// ExpiringOrders reads the orders of accounts that have a last day.
func (s *Store) ExpiringOrders(ctx context.Context, keys []Key) ([]StoredOrder, error) {
	roots, ids := columnsOf(keys)
	return s.orders(ctx, selectExpiring, roots, ids)
}

const listControlled = `
SELECT DISTINCT j.root_id, j.account_id FROM journal j
WHERE j.control_at = j.seq AND (j.root_id, j.account_id) > ($1, $2) ORDER BY j.root_id, j.account_id LIMIT $3`

// Controlled lists accounts behind one that were ever blocked or stopped, in order.
func (s *Store) Controlled(ctx context.Context, after Key, limit int) ([]Key, error) {
	rows, err := s.read.Query(ctx, listControlled, after.RootID, after.AccountID, limit)
	if err != nil {
		return nil, pg.Err(err)
	}
	keys, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (Key, error) {
		var k Key
		return k, row.Scan(&k.RootID, &k.AccountID)
	})
	return keys, pg.Err(err)
}

// expiries are the last days of orders as a column: NULL where there is none.
func expiries(orders []StoredOrder) []calendar.Date {
	out := make([]calendar.Date, len(orders))
	for i, o := range orders {
		out[i] = o.Order.Expiry()
	}
	return out
}

var errNoControl = errors.New("the entry holds no control")
