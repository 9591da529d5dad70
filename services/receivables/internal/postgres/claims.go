package postgres

import (
	"context"
	"encoding/json"
	"math"

	"github.com/jackc/pgx/v5"

	"github.com/avalcredit/aval/pkg/calendar"
	"github.com/avalcredit/aval/pkg/errs"
	"github.com/avalcredit/aval/pkg/money"
	"github.com/avalcredit/aval/pkg/pg"
	"github.com/avalcredit/aval/services/receivables/internal/postgres/db"
	"github.com/avalcredit/aval/services/receivables/internal/restructuring"
)

// Claims writes what the claims side keeps, in one transaction.
type Claims struct {
	tx  pgx.Tx
	q   *db.Queries
	act Act
}

// NewClaims returns a writer in a transaction.
func NewClaims(tx pgx.Tx, act Act) *Claims { return &Claims{tx: tx, q: db.New(tx), act: act} }

// Kind of records: its name in the tables, and in errors.
type Kind struct{ Name, Reason, Words, Field string }

// Newest is beyond every number of a record.
const Newest = math.MaxInt64

// The kinds of records.
var (
	HandOvers      = Kind{"HAND_OVER", "HAND_OVER", "hand-over", "hand_over_id"}
	Clearances     = Kind{"CLEARANCE", "CLEARANCE", "clearance", "clearance_id"}
	Securities     = Kind{"SECURITY", "SECURITY", "security", "security_id"}
	LegalCases     = Kind{"LEGAL_CASE", "LEGAL_CASE", "legal case", "legal_case_id"}
	Restructurings = Kind{"RESTRUCTURING", "RESTRUCTURING", "restructuring", "restructuring_id"}
	Supervisors    = Kind{"SUPERVISOR", "SUPERVISOR", "supervisor", "unit_id"}
)

func (k Kind) unknown(err error, id string) error {
	if err = pg.Err(err); errs.KindOf(err) != errs.NotFound {
		return err
	}
	return k.Unknown(id)
}

// Unknown is the error for a record that does not exist, or not for this caller.
func (k Kind) Unknown(id string) *errs.Error {
	return errs.New(errs.NotFound, k.Reason+"_UNKNOWN", "there is no %s %s", k.Words, id).With(k.Field, id)
}

// Record is a version of a record with what it is found by.
type Record struct {
	Kind              Kind
	ID                string
	Version           int // of this one; 1: a new record
	CustomerID, State string
	People, ItemIDs   []string
	// Next is the day that must not pass unnoticed; zero: none.
	Next calendar.Date
	Body any
}

// Put writes a version of a record. Errors: AlreadyExists <KIND>_EXISTS for a new record whose id is taken.
func (c *Claims) Put(ctx context.Context, r Record) error {
	body, err := json.Marshal(r.Body)
	if err != nil {
		return err
	}
	err = c.q.AddClaimVersion(ctx, db.AddClaimVersionParams{
		Kind: r.Kind.Name, RecordID: r.ID, Version: int32(r.Version), Body: body, //nolint:gosec // versions of one record
		ChangedBy: c.act.Actor, ChangeDate: c.act.Today, CreatedAt: c.act.Now,
	})
	if pg.IsUnique(err, "claim_versions_pkey") && r.Version == 1 {
		return errs.New(errs.AlreadyExists, r.Kind.Reason+"_EXISTS", "%s %s was recorded before", r.Kind.Words, r.ID).With(r.Kind.Field, r.ID)
	}
	if err != nil {
		return pg.Err(err)
	}
	return pg.Err(c.q.SaveClaimHead(ctx, db.SaveClaimHeadParams{
		Kind: r.Kind.Name, RecordID: r.ID, Version: int32(r.Version), CustomerID: r.CustomerID, State: r.State, //nolint:gosec // as above
		People: notNil(r.People), ItemIds: notNil(r.ItemIDs), NextDate: r.Next, Body: body,
	}))
}

func notNil(s []string) []string {
	if s == nil {
		return []string{}
	}
	return s
}

// Take reads a record into body, locks it, and returns its version. Errors: NotFound <KIND>_UNKNOWN.
func (c *Claims) Take(ctx context.Context, kind Kind, id string, body any) (int, error) {
	row, err := c.q.LockClaimHead(ctx, db.LockClaimHeadParams{Kind: kind.Name, RecordID: id})
	if err != nil {
		return 0, kind.unknown(err, id)
	}
	return int(row.Version), json.Unmarshal(row.Body, body)
}

// Record reads a record into body. Errors: NotFound <KIND>_UNKNOWN.
func (s *Store) Record(ctx context.Context, kind Kind, id string, body any) error {
	row, err := s.q.ClaimHead(ctx, db.ClaimHeadParams{Kind: kind.Name, RecordID: id})
	if err != nil {
		return kind.unknown(err, id)
	}
	return json.Unmarshal(row, body)
}

// RecordQuery asks for records, newest first; empty fields do not restrict.
type RecordQuery struct {
	Kind                              Kind
	CustomerID, State, Person, ItemID string
	// Salesperson restricts it to the customers of one.
	Salesperson string
	Before      int64
	Limit       int
}

// Numbered is a record with its place in the list.
type Numbered[T any] struct {
	Number int64
	Body   T
}

// Records lists records.
func Records[T any](ctx context.Context, s *Store, q RecordQuery) ([]Numbered[T], error) {
	return recordsOf[T](ctx, s.q, q)
}

// RecordsIn lists records as the transaction sees them.
func RecordsIn[T any](ctx context.Context, c *Claims, q RecordQuery) ([]Numbered[T], error) {
	return recordsOf[T](ctx, c.q, q)
}

func recordsOf[T any](ctx context.Context, q *db.Queries, r RecordQuery) ([]Numbered[T], error) {
	rows, err := q.ClaimHeads(ctx, db.ClaimHeadsParams{
		Kind: r.Kind.Name, Before: r.Before, CustomerID: r.CustomerID, State: r.State, Person: r.Person, ItemID: r.ItemID,
		Salesperson: r.Salesperson, Size: int32(r.Limit), //nolint:gosec // a page
	})
	if err != nil {
		return nil, pg.Err(err)
	}
	out := make([]Numbered[T], len(rows))
	for i, row := range rows {
		out[i].Number = row.Number
		if err := json.Unmarshal(row.Body, &out[i].Body); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// RecordsDue lists records whose day is on or before one, in the order of their numbers, after a number.
func RecordsDue[T any](ctx context.Context, s *Store, kind Kind, until calendar.Date, after int64, limit int) ([]Numbered[T], error) {
	rows, err := s.q.ClaimHeadsDue(ctx, db.ClaimHeadsDueParams{Kind: kind.Name, Until: until, After: after, Size: int32(limit)}) //nolint:gosec // a page
	if err != nil {
		return nil, pg.Err(err)
	}
	out := make([]Numbered[T], len(rows))
	for i, row := range rows {
		out[i].Number = row.Number
		if err := json.Unmarshal(row.Body, &out[i].Body); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// OpenItems are what the named items of a customer come to; field names them in errors. Errors: NotFound ITEM_UNKNOWN,
// FailedPrecondition ITEM_SETTLED.
func (c *Claims) OpenItems(ctx context.Context, customerID string, ids []string, field string) (money.Money, error) {
	var sum money.Money
	for _, id := range ids {
		row, err := c.q.OpenItem(ctx, db.OpenItemParams{ItemID: id, CustomerID: customerID})
		if err = pg.Err(err); errs.KindOf(err) == errs.NotFound {
			err = errs.New(errs.NotFound, "ITEM_UNKNOWN", "the customer has no item %s", id).With("item_id", id).With("field", field)
		}
		if err != nil {
			return sum, err
		}
		if row.Open == 0 {
			return sum, errs.New(errs.FailedPrecondition, "ITEM_SETTLED", "nothing is open of item %s", id).With("item_id", id).With("field", field)
		}
		if sum.Currency == "" {
			sum = money.Zero(row.Currency)
		}
		sum = sum.Add(cash(row.Open, row.Currency))
	}
	return sum, nil
}

// EndProceedings ends the proceedings of legal cases among limitation events.
func (c *Claims) EndProceedings(ctx context.Context, ids []string, on calendar.Date) error {
	return pg.Err(c.q.EndProceedings(ctx, db.EndProceedingsParams{Ids: notNil(ids), EndDate: on, EndedBy: c.act.Actor, CreatedAt: c.act.Now}))
}

// OpenOf is what a customer owes in open items.
func (s *Store) OpenOf(ctx context.Context, customerID string) (money.Money, error) {
	customer, err := s.Customer(ctx, customerID)
	if err != nil {
		return money.Money{}, err
	}
	currency, err := s.AccountCurrency(ctx, customer)
	if err != nil {
		return money.Money{}, err
	}
	open, err := s.q.OpenOfCustomer(ctx, customerID)
	return cash(open, currency), pg.Err(err)
}

// ReceivedOn is the customer's money, in minor units, that stands on items and came on or after a day.
func (s *Store) ReceivedOn(ctx context.Context, items []string, from calendar.Date) (int64, error) {
	sum, err := s.q.ReceivedOn(ctx, db.ReceivedOnParams{ItemIds: items, FromDate: from})
	return sum, pg.Err(err)
}

// PaidOn is the customer's money that stands on items, by the day it came.
func (s *Store) PaidOn(ctx context.Context, items []string) ([]restructuring.Money, error) {
	rows, err := s.q.PaidOn(ctx, items)
	if err != nil {
		return nil, pg.Err(err)
	}
	out := make([]restructuring.Money, len(rows))
	for i, r := range rows {
		out[i] = restructuring.Money{Date: r.CreditDate, Amount: r.Amount}
	}
	return out, nil
}
