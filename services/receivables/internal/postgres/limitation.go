package postgres

import (
	"context"

	"github.com/jackc/pgx/v5"

	"github.com/avalcredit/aval/pkg/calendar"
	"github.com/avalcredit/aval/pkg/errs"
	"github.com/avalcredit/aval/pkg/pg"
	"github.com/avalcredit/aval/services/receivables/internal/limitation"
	"github.com/avalcredit/aval/services/receivables/internal/postgres/db"
)

// AddLimitationEvent records a fact. Errors: AlreadyExists LIMITATION_EVENT_EXISTS.
func (c *Claims) AddLimitationEvent(ctx context.Context, e limitation.Event) error {
	err := c.q.AddLimitationEvent(ctx, db.AddLimitationEventParams{
		LimitationEventID: e.ID, CustomerID: e.CustomerID, ItemID: e.ItemID, Kind: string(e.Kind), EventDate: e.Date,
		Evidence: e.Evidence, Source: e.Source, RecordedBy: e.RecordedBy, RecordDate: e.RecordDate, CreatedAt: c.act.Now,
	})
	if pg.IsUnique(err, "limitation_events_pkey") {
		return errs.New(errs.AlreadyExists, "LIMITATION_EVENT_EXISTS", "limitation event %s was recorded before", e.ID).With("limitation_event_id", e.ID)
	}
	if err != nil || e.End.IsZero() {
		return pg.Err(err)
	}
	return c.EndLimitationEvent(ctx, e)
}

// EndLimitationEvent records when a fact ended.
func (c *Claims) EndLimitationEvent(ctx context.Context, e limitation.Event) error {
	return pg.Err(c.q.AddLimitationEventEnd(ctx, db.AddLimitationEventEndParams{
		LimitationEventID: e.ID, EndDate: e.End, EndedBy: c.act.Actor, CreatedAt: c.act.Now,
	}))
}

// WithdrawLimitationEvent records that a fact was taken back.
func (c *Claims) WithdrawLimitationEvent(ctx context.Context, e limitation.Event) error {
	return pg.Err(c.q.AddLimitationEventWithdrawal(ctx, db.AddLimitationEventWithdrawalParams{
		LimitationEventID: e.ID, WithdrawnBy: e.WithdrawnBy, Reason: e.WithdrawReason, CreatedAt: c.act.Now,
	}))
}

// LimitationEvent reads a fact and locks it. Errors: NotFound LIMITATION_EVENT_UNKNOWN.
func (c *Claims) LimitationEvent(ctx context.Context, id string) (limitation.Event, error) {
	if _, err := c.q.LockLimitationEvent(ctx, id); err != nil {
		if err = pg.Err(err); errs.KindOf(err) == errs.NotFound {
			err = errs.New(errs.NotFound, "LIMITATION_EVENT_UNKNOWN", "there is no limitation event %s", id).With("limitation_event_id", id)
		}
		return limitation.Event{}, err
	}
	row, err := c.q.LimitationEventByID(ctx, id)
	return limitationEvent(row), pg.Err(err)
}

func limitationEvent(r db.LimitationEventFact) limitation.Event {
	return limitation.Event{
		ID: r.LimitationEventID, CustomerID: r.CustomerID, ItemID: r.ItemID, Kind: limitation.Kind(r.Kind), Date: r.EventDate, End: r.EndDate,
		Evidence: r.Evidence, Source: r.Source, RecordedBy: r.RecordedBy, RecordDate: r.RecordDate,
		WithdrawnBy: r.WithdrawnBy, WithdrawReason: r.WithdrawReason,
	}
}

// OpenClaim is an item that is open, or was written off and not recovered, as its limitation period needs it.
type OpenClaim struct {
	limitation.Item
	DocumentDate calendar.Date
	// LastDue is the due date of the last instalment of its document; OwnDue its own.
	LastDue, OwnDue calendar.Date
}

const claimSQL = `
SELECT i.item_id, b.customer_id, i.document_date, i.due_date, coalesce(l.due, i.due_date), i.currency, b.open + w.off,
       coalesce(r.person, nullif(i.salesperson, ''), c.salesperson)
FROM items i
JOIN item_balances b USING (item_id)
JOIN customers c ON c.customer_id = b.customer_id
LEFT JOIN item_responsibles r USING (item_id)
LEFT JOIN LATERAL (SELECT max(k.due_date) FROM items k
                   WHERE k.document_id = i.document_id AND k.item_id <> k.document_id) l (due) ON i.item_id <> i.document_id
-- Written off and not recovered: off the books, and claimed all the same.
CROSS JOIN LATERAL (SELECT coalesce(sum(least(o.amount, f.amount_left)), 0)::bigint
                    FROM (SELECT a.credit_id, sum(a.amount) AS amount FROM applications a WHERE a.item_id = i.item_id GROUP BY a.credit_id) o
                    JOIN voucher_balances f ON f.document_id = o.credit_id AND f.kind = 'WRITE_OFF') w (off)
`

const claimsSQL = claimSQL + `
WHERE b.open + w.off > 0
  AND ($1 = '' OR b.customer_id = coalesce((SELECT m.survivor_id FROM merged_accounts m WHERE m.customer_id = $1 AND m.moved), $1))
  AND ($2::date IS NULL OR i.due_date <= $2)
  AND ($3 = '' OR c.salesperson = $3)
  AND ($4::date IS NULL OR (i.due_date, i.item_id) > ($4, $5))
ORDER BY i.due_date, i.item_id
LIMIT $6`

// OpenClaims lists open items, oldest due first.
func (s *Store) OpenClaims(ctx context.Context, q limitation.Query) ([]OpenClaim, error) {
	rows, err := s.pool.Query(ctx, claimsSQL, q.CustomerID, q.Until, q.Salesperson, q.AfterDue, q.AfterID, q.Limit)
	if err != nil {
		return nil, pg.Err(err)
	}
	claims, err := pgx.CollectRows(rows, scanClaim)
	return claims, pg.Err(err)
}

// OpenClaim returns one open item. Errors: NotFound ITEM_UNKNOWN.
func (s *Store) OpenClaim(ctx context.Context, itemID string) (OpenClaim, error) {
	rows, err := s.pool.Query(ctx, claimSQL+"WHERE b.open + w.off > 0 AND i.item_id = $1", itemID)
	if err != nil {
		return OpenClaim{}, pg.Err(err)
	}
	claim, err := pgx.CollectExactlyOneRow(rows, scanClaim)
	if err = pg.Err(err); errs.KindOf(err) == errs.NotFound {
		err = errs.New(errs.NotFound, "ITEM_UNKNOWN", "there is no open item %s", itemID).With("item_id", itemID)
	}
	return claim, err
}

func scanClaim(row pgx.CollectableRow) (OpenClaim, error) {
	var c OpenClaim
	var currency string
	var open int64
	err := row.Scan(&c.ID, &c.CustomerID, &c.DocumentDate, &c.OwnDue, &c.LastDue, &currency, &open, &c.Responsible)
	c.Open = cash(open, currency)
	return c, err
}

// LimitationFacts are the facts about items, by item: those recorded of it or of all its customer's items, and what the
// customer paid for it.
func (s *Store) LimitationFacts(ctx context.Context, claims []OpenClaim) (map[string][]limitation.Event, error) {
	var customers, ids []string
	for _, c := range claims {
		customers, ids = append(customers, c.CustomerID), append(ids, c.ID)
	}
	recorded, err := s.q.LimitationEventsOfCustomers(ctx, customers)
	if err != nil {
		return nil, pg.Err(err)
	}
	byCustomer := map[string][]limitation.Event{}
	for _, r := range recorded {
		byCustomer[r.CustomerID] = append(byCustomer[r.CustomerID], limitationEvent(r))
	}
	out := map[string][]limitation.Event{}
	for _, c := range claims {
		for _, e := range byCustomer[c.CustomerID] {
			if e.ItemID == c.ID || e.ItemID == "" && !c.DocumentDate.After(e.Date) {
				out[c.ID] = append(out[c.ID], e)
			}
		}
	}
	paid, err := s.q.PartPayments(ctx, ids)
	if err != nil {
		return nil, pg.Err(err)
	}
	for _, p := range paid {
		out[p.ItemID] = append(out[p.ItemID], limitation.Event{
			ID: p.CreditID, ItemID: p.ItemID, Kind: limitation.PartPayment, Date: p.CreditDate,
			Evidence: "paid in part", Source: p.Kind, RecordDate: p.CreditDate,
		})
	}
	return out, nil
}

// CheckItem holds an item to its customer; field names it in errors. Errors: NotFound ITEM_UNKNOWN.
func (c *Claims) CheckItem(ctx context.Context, customerID, itemID, field string) error {
	of, err := c.q.CustomerOfItem(ctx, itemID)
	if err = pg.Err(err); errs.KindOf(err) == errs.NotFound || err == nil && of != customerID {
		return errs.New(errs.NotFound, "ITEM_UNKNOWN", "the customer has no item %s", itemID).With("item_id", itemID).With("field", field)
	}
	return err
}

// ItemExists finds an item; field names it in errors. Errors: NotFound ITEM_UNKNOWN.
func (c *Claims) ItemExists(ctx context.Context, itemID, field string) error {
	_, err := c.q.CustomerOfItem(ctx, itemID)
	if err = pg.Err(err); errs.KindOf(err) == errs.NotFound {
		return errs.New(errs.NotFound, "ITEM_UNKNOWN", "there is no item %s", itemID).With("item_id", itemID).With("field", field)
	}
	return err
}
