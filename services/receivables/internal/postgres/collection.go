package postgres

import (
	"context"
	"encoding/json"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/avalcredit/aval/pkg/calendar"
	"github.com/avalcredit/aval/pkg/errs"
	"github.com/avalcredit/aval/pkg/money"
	"github.com/avalcredit/aval/pkg/pg"
	"github.com/avalcredit/aval/services/receivables/internal/dispute"
	"github.com/avalcredit/aval/services/receivables/internal/invoice"
	"github.com/avalcredit/aval/services/receivables/internal/position"
	"github.com/avalcredit/aval/services/receivables/internal/promise"
)

// CollectionKind is what a collector records.
type CollectionKind string

// The kinds.
const (
	RecordPromise CollectionKind = "PROMISE"
	RecordDispute CollectionKind = "DISPUTE"
	RecordHold    CollectionKind = "HOLD"
	RecordContact CollectionKind = "CONTACT"
	RecordMinutes CollectionKind = "MINUTES"
	RecordAction  CollectionKind = "ACTION"
)

// reason is the kind in the reasons of errors.
func (k CollectionKind) reason() string {
	switch k {
	case RecordHold:
		return "DUNNING_HOLD"
	case RecordAction:
		return "ACTION_ITEM"
	case RecordPromise, RecordDispute, RecordContact, RecordMinutes:
	}
	return string(k)
}

// CollectionRecord is one record of a collector, its newest version: Body is the whole of it, the rest is what it is found by.
type CollectionRecord struct {
	Kind       CollectionKind
	ID         string
	Version    int
	CustomerID string
	Owner      string
	ItemIDs    []string
	Live       bool
	From       calendar.Date
	Until      calendar.Date // zero: it still holds
	Next       calendar.Date // zero: none
	Amount     *int64
	After      int64 // applications of the account after this one count
	CreateTime time.Time
	Body       []byte // JSON
}

const recordFields = `kind, record_id, version, customer_id, owner, item_ids, live, from_date, until_date, next_date, amount, after_sequence, created_at, body::text`

func scanRecord(row pgx.CollectableRow) (CollectionRecord, error) {
	var r CollectionRecord
	var body string
	err := row.Scan(&r.Kind, &r.ID, &r.Version, &r.CustomerID, &r.Owner, &r.ItemIDs, &r.Live, &r.From, &r.Until, &r.Next, &r.Amount, &r.After, &r.CreateTime, &body)
	r.Body, r.CreateTime = []byte(body), r.CreateTime.UTC()
	return r, err
}

const (
	addVersionSQL = `INSERT INTO collection_versions (kind, record_id, version, body, changed_by, change_date, created_at) VALUES ($1, $2, $3, $4, $5, $6, $7)`
	addRecordSQL  = `INSERT INTO collection_records (kind, record_id, version, customer_id, owner, item_ids, live, from_date, until_date, next_date, amount, after_sequence, created_at, body)
VALUES ($1, $2, 1, coalesce((SELECT m.survivor_id FROM merged_accounts m WHERE m.customer_id = $3 AND m.moved), $3), $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)`
	changeRecordSQL = `UPDATE collection_records SET version = $3, owner = $4, item_ids = $5, live = $6, until_date = $7, next_date = $8, amount = $9, body = $10
WHERE kind = $1 AND record_id = $2 AND version = $3 - 1`
)

// AddRecord writes a new record with its first version. Errors: AlreadyExists with the kind's reason, for example
// PROMISE_EXISTS, and DISPUTE_OPEN where the item has one.
func AddRecord(ctx context.Context, tx pgx.Tx, r CollectionRecord, act Act) error {
	_, err := tx.Exec(ctx, addVersionSQL, r.Kind, r.ID, 1, r.Body, act.Actor, act.Today, act.Now)
	if pg.IsUnique(err, "collection_versions_pkey") {
		return errs.New(errs.AlreadyExists, r.Kind.reason()+"_EXISTS", "%s was recorded before", r.ID).With("record_id", r.ID)
	}
	if err != nil {
		return pg.Err(err)
	}
	if r.ItemIDs == nil {
		r.ItemIDs = []string{}
	}
	_, err = tx.Exec(ctx, addRecordSQL, r.Kind, r.ID, r.CustomerID, r.Owner, r.ItemIDs, r.Live, r.From, orNoDate(r.Until), orNoDate(r.Next), r.Amount, r.After, act.Now, r.Body)
	if pg.IsUnique(err, "collection_records_one_dispute_idx") {
		return errs.New(errs.FailedPrecondition, "DISPUTE_OPEN", "item %s is in dispute already", r.ItemIDs[0]).With("item_id", r.ItemIDs[0])
	}
	return pg.Err(err)
}

// ChangeRecord writes the next version of a record. Errors: Aborted where somebody else changed it meanwhile.
func ChangeRecord(ctx context.Context, tx pgx.Tx, r CollectionRecord, act Act) error {
	if _, err := tx.Exec(ctx, addVersionSQL, r.Kind, r.ID, r.Version+1, r.Body, act.Actor, act.Today, act.Now); err != nil {
		return pg.Err(err)
	}
	tag, err := tx.Exec(ctx, changeRecordSQL, r.Kind, r.ID, r.Version+1, r.Owner, r.ItemIDs, r.Live, orNoDate(r.Until), orNoDate(r.Next), r.Amount, r.Body)
	if err == nil && tag.RowsAffected() == 0 {
		return errs.New(errs.Aborted, "CHANGED_MEANWHILE", "%s was changed by somebody else", r.ID)
	}
	return pg.Err(err)
}

const recordByIDSQL = `SELECT ` + recordFields + ` FROM collection_records WHERE kind = $1 AND record_id = $2`

// ReadRecord reads one record. Errors: NotFound with the kind's reason, for example PROMISE_UNKNOWN.
func ReadRecord(ctx context.Context, q pg.Querier, kind CollectionKind, id string) (CollectionRecord, error) {
	rows, err := q.Query(ctx, recordByIDSQL, kind, id)
	if err != nil {
		return CollectionRecord{}, pg.Err(err)
	}
	list, err := pgx.CollectRows(rows, scanRecord)
	if err == nil && len(list) == 0 {
		return CollectionRecord{}, errs.New(errs.NotFound, kind.reason()+"_UNKNOWN", "there is no record %s", id).With("record_id", id)
	}
	if err != nil {
		return CollectionRecord{}, pg.Err(err)
	}
	return list[0], nil
}

// CollectionQuery asks for records; empty fields do not restrict.
type CollectionQuery struct {
	Kind                           CollectionKind
	CustomerID, Owner, Salesperson string
	Live                           bool // only those that are
	After                          *invoice.Place
	Limit                          int
}

const recordsSQL = `SELECT ` + recordFields + ` FROM collection_records r
WHERE kind = $1 AND ($2 = '' OR customer_id = $2) AND ($3 = '' OR owner = $3) AND ($4 = false OR live)
  AND ($5 = '' OR EXISTS (SELECT FROM account_owners c WHERE c.customer_id = r.customer_id AND c.salesperson = $5))
  AND ($6::timestamptz IS NULL OR (created_at, record_id) < ($6, $7))
ORDER BY created_at DESC, record_id DESC LIMIT $8`

// Records lists records, newest first.
func (s *Store) Records(ctx context.Context, q CollectionQuery) ([]CollectionRecord, error) {
	at, id := bounds(q.After)
	rows, err := s.pool.Query(ctx, recordsSQL, q.Kind, q.CustomerID, q.Owner, q.Live, q.Salesperson, at, id, q.Limit)
	if err != nil {
		return nil, pg.Err(err)
	}
	out, err := pgx.CollectRows(rows, scanRecord)
	return out, pg.Err(err)
}

const liveSQL = `SELECT ` + recordFields + ` FROM collection_records WHERE customer_id = ANY ($1) AND kind = ANY ($2) AND live ORDER BY created_at, record_id`

// LiveRecords are those of some customers that are not taken back, closed or lifted, oldest first.
func LiveRecords(ctx context.Context, q pg.Querier, customerIDs []string, kinds ...CollectionKind) ([]CollectionRecord, error) {
	names := make([]string, len(kinds))
	for i, k := range kinds {
		names[i] = string(k)
	}
	rows, err := q.Query(ctx, liveSQL, customerIDs, names)
	if err != nil {
		return nil, pg.Err(err)
	}
	out, err := pgx.CollectRows(rows, scanRecord)
	return out, pg.Err(err)
}

const promisesForSQL = `SELECT ` + recordFields + ` FROM collection_records WHERE customer_id = $1 AND kind = 'PROMISE' AND item_ids && $2 ORDER BY created_at, record_id`

// PromisesFor are all promises of a customer for any of some items, those taken back too, oldest first.
func PromisesFor(ctx context.Context, q pg.Querier, customerID string, itemIDs []string) ([]CollectionRecord, error) {
	rows, err := q.Query(ctx, promisesForSQL, customerID, itemIDs)
	if err != nil {
		return nil, pg.Err(err)
	}
	out, err := pgx.CollectRows(rows, scanRecord)
	return out, pg.Err(err)
}

const dueRecordsSQL = `SELECT ` + recordFields + ` FROM collection_records WHERE kind = $1 AND next_date <= $2 AND live ORDER BY next_date, record_id LIMIT $3`

// DueRecords are those whose next date has come, earliest first.
func (s *Store) DueRecords(ctx context.Context, kind CollectionKind, day calendar.Date, limit int) ([]CollectionRecord, error) {
	rows, err := s.pool.Query(ctx, dueRecordsSQL, kind, day, limit)
	if err != nil {
		return nil, pg.Err(err)
	}
	out, err := pgx.CollectRows(rows, scanRecord)
	return out, pg.Err(err)
}

const nextDateSQL = `UPDATE collection_records SET next_date = $3 WHERE kind = $1 AND record_id = $2`

// MoveNext sets when a record wants attention next; no version is written, as nobody changed it.
func MoveNext(ctx context.Context, tx pgx.Tx, kind CollectionKind, id string, next calendar.Date) error {
	_, err := tx.Exec(ctx, nextDateSQL, kind, id, orNoDate(next))
	return pg.Err(err)
}

// Money that came for promises: by credit and item, in the order of the account, undoings as negative rows. Only what is
// money counts, not a credit note.
const cameSQL = `SELECT r.record_id, a.credit_id, a.item_id, a.amount, a.application_date
FROM collection_records r
CROSS JOIN LATERAL unnest(r.item_ids) AS i (item_id)
JOIN applications a ON a.item_id = i.item_id AND CASE WHEN a.customer_id = coalesce(nullif(r.after_account, ''), r.customer_id)
    THEN a.sequence > r.after_sequence ELSE a.created_at >= r.created_at END
JOIN credits c ON c.credit_id = a.credit_id
WHERE r.kind = 'PROMISE' AND r.record_id = ANY ($1) AND c.kind IN ('RECEIPT', 'ADVANCE', 'BILL', 'DEPOSIT_USE', 'CONTRA')
ORDER BY r.record_id, a.credit_id, a.item_id, a.sequence`

// CameFor is the money that came for promises since they were recorded and stands, by promise.
func CameFor(ctx context.Context, q pg.Querier, currencies map[string]string) (map[string][]promise.Money, error) {
	ids := make([]string, 0, len(currencies))
	for id := range currencies {
		ids = append(ids, id)
	}
	out := map[string][]promise.Money{}
	if len(ids) == 0 {
		return out, nil
	}
	rows, err := q.Query(ctx, cameSQL, ids)
	if err != nil {
		return nil, pg.Err(err)
	}
	var key [3]string
	var stack []promise.Money
	flush := func() {
		if len(stack) > 0 {
			out[key[0]] = append(out[key[0]], stack...)
		}
		stack = nil
	}
	var row struct {
		id, credit, item string
		amount           int64
		date             calendar.Date
	}
	_, err = pgx.ForEachRow(rows, []any{&row.id, &row.credit, &row.item, &row.amount, &row.date}, func() error {
		if now := [3]string{row.id, row.credit, row.item}; now != key {
			flush()
			key = now
		}
		stack = undo(stack, promise.Money{Date: row.date, Amount: cash(row.amount, currencies[row.id])})
		return nil
	})
	flush()
	return out, pg.Err(err)
}

// What was applied to the item of a dispute since it was opened, and how much of that is money; of disputes of before it was kept
// from where on applications count: since the day.
const settledSinceSQL = `SELECT coalesce(max(b.open), 0)::bigint, coalesce(sum(a.amount), 0)::bigint,
    coalesce(sum(a.amount) FILTER (WHERE c.kind IN ('RECEIPT', 'ADVANCE', 'BILL', 'DEPOSIT_USE', 'CONTRA')), 0)::bigint
FROM collection_records r
LEFT JOIN item_balances b ON b.item_id = r.item_ids[1]
LEFT JOIN applications a ON a.item_id = b.item_id AND a.sequence > r.after_sequence AND (r.after_sequence > 0 OR a.post_date >= r.from_date)
LEFT JOIN credits c ON c.credit_id = a.credit_id
WHERE r.kind = 'DISPUTE' AND r.record_id = $1`

// SettledSince is what became of the item of a dispute since it was opened.
func SettledSince(ctx context.Context, q pg.Querier, id, currency string) (dispute.Settled, error) {
	var open, applied, came int64
	err := q.QueryRow(ctx, settledSinceSQL, id).Scan(&open, &applied, &came)
	return dispute.Settled{Open: cash(open, currency), Applied: cash(applied, currency), Came: cash(came, currency)}, pg.Err(err)
}

// undo adds money, or takes the newest back where it is negative.
func undo(stack []promise.Money, m promise.Money) []promise.Money {
	if !m.Amount.IsNegative() {
		return append(stack, m)
	}
	left := m.Amount.Neg()
	for len(stack) > 0 && left.IsPositive() {
		last := &stack[len(stack)-1]
		taken := money.Min(left, last.Amount)
		last.Amount, left = last.Amount.Sub(taken), left.Sub(taken)
		if last.Amount.IsZero() {
			stack = stack[:len(stack)-1]
		}
	}
	return stack
}

// Judged is a promise with where it stands.
type Judged struct {
	Record CollectionRecord
	promise.Promise
	promise.Judgement
}

// FailedPromises are those of the records that were missed or put off by a day.
func FailedPromises(ctx context.Context, q pg.Querier, records []CollectionRecord, day calendar.Date) ([]promise.Promise, error) {
	list, came, err := promisesIn(ctx, q, records)
	if err != nil {
		return nil, err
	}
	var out []promise.Promise
	for _, j := range list {
		if j.Promise.Failed(came[j.Record.ID], day) {
			out = append(out, j.Promise)
		}
	}
	return out, nil
}

// promisesIn reads promises out of records, not judged yet, and the money that came for them.
func promisesIn(ctx context.Context, q pg.Querier, records []CollectionRecord) ([]Judged, map[string][]promise.Money, error) {
	out := make([]Judged, 0, len(records))
	currencies := map[string]string{}
	for _, r := range records {
		j := Judged{Record: r}
		if err := json.Unmarshal(r.Body, &j.Promise); err != nil {
			return nil, nil, err
		}
		currencies[r.ID] = j.Parts[0].Amount.Currency
		out = append(out, j)
	}
	came, err := CameFor(ctx, q, currencies)
	return out, came, err
}

// Judge reads promises out of records and judges them on a day.
func Judge(ctx context.Context, q pg.Querier, records []CollectionRecord, day calendar.Date) ([]Judged, error) {
	out, came, err := promisesIn(ctx, q, records)
	if err != nil {
		return nil, err
	}
	for i := range out {
		out[i].Judgement = out[i].Promise.Judge(came[out[i].Record.ID], day)
	}
	return out, nil
}

const openOfSQL = `SELECT b.item_id, b.customer_id, b.due_date, b.open FROM item_balances b WHERE b.item_id = ANY ($1) AND b.open > 0`

type openItem struct {
	itemID, customerID string
	due                calendar.Date
	open               int64
}

// openOf reads which of some items are open, by number.
func openOf(ctx context.Context, q pg.Querier, ids []string) (map[string]openItem, error) {
	out := map[string]openItem{}
	if len(ids) == 0 {
		return out, nil
	}
	rows, err := q.Query(ctx, openOfSQL, ids)
	if err != nil {
		return nil, pg.Err(err)
	}
	var i openItem
	_, err = pgx.ForEachRow(rows, []any{&i.itemID, &i.customerID, &i.due, &i.open}, func() error {
		out[i.itemID] = i
		return nil
	})
	return out, pg.Err(err)
}

const levelsSQL = `SELECT s.customer_id, max(s.level), bool_or(s.stops_supply) FROM dunning_states s JOIN item_balances b USING (item_id)
WHERE s.customer_id = ANY ($1) AND s.level > 0 AND b.open > 0 GROUP BY s.customer_id`

// collected is what the gate is told of collection, of many customers as sets: promises broken and unpaid, what is in
// dispute by due date, the highest dunning level of what is open.
func collected(ctx context.Context, q pg.Querier, currencies map[string]string, day calendar.Date) (map[string]position.Collected, error) {
	ids := make([]string, 0, len(currencies))
	for id := range currencies {
		ids = append(ids, id)
	}
	out := map[string]position.Collected{}
	records, err := LiveRecords(ctx, q, ids, RecordPromise, RecordDispute)
	if err != nil {
		return nil, err
	}
	if err := promisesOf(ctx, q, records, day, out); err != nil {
		return nil, err
	}
	if err := disputesOf(ctx, q, records, currencies, out); err != nil {
		return nil, err
	}
	rows, err := q.Query(ctx, levelsSQL, ids)
	if err != nil {
		return nil, pg.Err(err)
	}
	var id string
	var level int
	var stopped bool
	_, err = pgx.ForEachRow(rows, []any{&id, &level, &stopped}, func() error {
		c := out[id]
		c.DunningLevel, c.SupplyStopped = level, stopped
		out[id] = c
		return nil
	})
	return out, pg.Err(err)
}

func promisesOf(ctx context.Context, q pg.Querier, records []CollectionRecord, day calendar.Date, out map[string]position.Collected) error {
	var promises []CollectionRecord
	var items []string
	for _, r := range records {
		if r.Kind == RecordPromise {
			promises, items = append(promises, r), append(items, r.ItemIDs...)
		}
	}
	if len(promises) == 0 {
		return nil
	}
	judged, err := Judge(ctx, q, promises, day)
	if err != nil {
		return err
	}
	open, err := openOf(ctx, q, items)
	if err != nil {
		return err
	}
	for _, j := range judged {
		unpaid := StillUnpaid(j, open)
		if !unpaid.IsPositive() {
			continue
		}
		c := out[j.Record.CustomerID]
		c.Broken++
		if c.BrokenAmount.Currency == "" {
			c.BrokenAmount = money.Zero(unpaid.Currency)
		}
		c.BrokenAmount = c.BrokenAmount.Add(unpaid)
		if j.BrokenOn.After(c.LastBroken) {
			c.LastBroken = j.BrokenOn
		}
		out[j.Record.CustomerID] = c
	}
	return nil
}

// StillUnpaid is what a promise that was missed is still short of, at most what its items owe: what was settled in another
// way is no longer awaited.
func StillUnpaid(j Judged, open map[string]openItem) money.Money {
	owed := money.Zero(j.Unpaid.Currency)
	for _, id := range j.Record.ItemIDs {
		owed = owed.Add(cash(open[id].open, owed.Currency))
	}
	return money.Min(j.Unpaid, owed)
}

func disputesOf(ctx context.Context, q pg.Querier, records []CollectionRecord, currencies map[string]string, out map[string]position.Collected) error {
	var items []string
	for _, r := range records {
		if r.Kind == RecordDispute {
			items = append(items, r.ItemIDs...)
		}
	}
	open, err := openOf(ctx, q, items)
	if err != nil {
		return err
	}
	for _, r := range records {
		if r.Kind != RecordDispute {
			continue
		}
		item, ok := open[r.ItemIDs[0]]
		if !ok {
			continue
		}
		amount := item.open
		if r.Amount != nil {
			amount = min(amount, *r.Amount)
		}
		c := out[r.CustomerID]
		c.Dispute(position.Due{Date: item.due, Amount: cash(amount, currencies[r.CustomerID])})
		out[r.CustomerID] = c
	}
	return nil
}
