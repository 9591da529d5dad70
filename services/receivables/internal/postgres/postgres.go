// Package postgres keeps receivables in PostgreSQL: documents, ledger and
// applications append-only, and the questions over them as sets.
package postgres

import (
	"context"
	"crypto/sha256"
	"embed"
	"encoding/json"
	"errors"
	"io/fs"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/avalcredit/aval/pkg/calendar"
	"github.com/avalcredit/aval/pkg/errs"
	"github.com/avalcredit/aval/pkg/money"
	"github.com/avalcredit/aval/pkg/pg"
	"github.com/avalcredit/aval/services/receivables/internal/charge"
	"github.com/avalcredit/aval/services/receivables/internal/postgres/db"
	"github.com/avalcredit/aval/services/receivables/internal/settlement"
)

// Schema is the name of this phase's schema.
const Schema = "receivables"

//go:embed migrations/*.sql
var files embed.FS

// Migrations returns the phase's migration files.
func Migrations() fs.FS {
	sub, err := fs.Sub(files, "migrations")
	if err != nil {
		panic("postgres: embedded folder: " + err.Error()) // fixed at build time
	}
	return sub
}

// Store answers questions; it changes nothing but customers.
type Store struct {
	pool *pgxpool.Pool
	q    *db.Queries
}

// NewStore returns a store on a pool whose schema is migrated.
func NewStore(pool *pgxpool.Pool) *Store { return &Store{pool: pool, q: db.New(pool)} }

// Customer is what receivables knows of a customer: the newest profile.
type Customer struct {
	ID           string
	Sequence     int64
	BusinessDate calendar.Date
	DisplayName  string
	Currency     string
	Salesperson  string
	// UnitID is the sales unit it belongs to; empty: none.
	UnitID string
	// Terms are the settlement terms agreed with it; nil: none were.
	Terms *settlement.Terms
	// GroupID is its corporate group, Grade its newest grade (A to D); empty: none.
	GroupID, Grade string
	// MergedIntoID is the customer whose file stands for this one's; empty: none does. It is written only.
	MergedIntoID string
	// Limit of its grant; nil: not known. It is written only.
	Limit *charge.Limit
}

// Customer returns a customer. Errors: NotFound CUSTOMER_UNKNOWN.
func (s *Store) Customer(ctx context.Context, id string) (Customer, error) {
	c, err := s.q.CustomerByID(ctx, id)
	if err != nil {
		return Customer{}, notFound(err, "CUSTOMER_UNKNOWN", "customer", id)
	}
	return customerOf(c), nil
}

// Owner is the salesperson who looks after a customer: of a merged one, whoever has the survivor's file. Errors: NotFound CUSTOMER_UNKNOWN.
func (s *Store) Owner(ctx context.Context, id string) (string, error) {
	salesperson, err := s.q.OwnerOf(ctx, id)
	if err != nil {
		return "", notFound(err, "CUSTOMER_UNKNOWN", "customer", id)
	}
	return salesperson, nil
}

// Customers returns those of some customers that are known.
func (s *Store) Customers(ctx context.Context, ids []string) (map[string]Customer, error) {
	rows, err := s.q.CustomersByID(ctx, ids)
	out := make(map[string]Customer, len(rows))
	for _, r := range rows {
		out[r.CustomerID] = customerOf(r)
	}
	return out, pg.Err(err)
}

func customerOf(c db.Customer) Customer {
	return Customer{
		ID: c.CustomerID, Sequence: c.Sequence, BusinessDate: c.BusinessDate, DisplayName: c.DisplayName,
		Currency: c.Currency, Salesperson: c.Salesperson, UnitID: c.UnitID, Terms: termsOf(c.SettlementTerms),
		GroupID: c.GroupID, Grade: c.Grade,
	}
}

// AccountCurrency is the currency that the customer's account is kept in: that of its
// first posting, before it that of the profile.
func (s *Store) AccountCurrency(ctx context.Context, c Customer) (string, error) {
	currency, err := s.q.AccountCurrency(ctx, c.ID)
	if errs.KindOf(pg.Err(err)) == errs.NotFound {
		return c.Currency, nil
	}
	return currency, pg.Err(err)
}

// SaveCustomer keeps a profile unless a newer one is there.
func SaveCustomer(ctx context.Context, tx pgx.Tx, c Customer, now time.Time) error {
	var terms []byte
	if c.Terms != nil {
		var err error
		if terms, err = json.Marshal(c.Terms); err != nil {
			return err
		}
	}
	q := db.New(tx)
	if err := addLimit(ctx, q, c); err != nil {
		return err
	}
	if err := q.SaveCustomer(ctx, db.SaveCustomerParams{
		CustomerID: c.ID, Sequence: c.Sequence, BusinessDate: c.BusinessDate, DisplayName: c.DisplayName,
		Currency: c.Currency, Salesperson: c.Salesperson, UnitID: c.UnitID, UpdatedAt: now,
		SettlementTerms: terms,
		GroupID:         c.GroupID, Grade: c.Grade,
	}); err != nil {
		return pg.Err(err)
	}
	return merge(ctx, q, c)
}

// notFound names what is missing; other errors pass.
func notFound(err error, reason, what, id string) error {
	err = pg.Err(err)
	if errs.KindOf(err) != errs.NotFound {
		return err
	}
	return Unknown(reason, what, id)
}

// Unknown is the error for a thing that does not exist, or not for this caller.
func Unknown(reason, what, id string) *errs.Error {
	return errs.New(errs.NotFound, reason, "there is no %s %s", strings.ReplaceAll(what, "_", " "), id).With(strings.ReplaceAll(what, " ", "_")+"_id", id)
}

// takenKey says which key was taken already, where an insert failed at one of the constraints.
func takenKey(err error, constraints ...string) (key string, taken bool) {
	var e *pgconn.PgError
	if !slices.ContainsFunc(constraints, func(c string) bool { return pg.IsUnique(err, c) }) || !errors.As(err, &e) {
		return "", false
	}
	// Key (invoice_id)=(4711) already exists.
	_, key, _ = strings.Cut(e.Detail, ")=(")
	return strings.TrimSuffix(key, ") already exists."), true
}

func digest(canonical []byte) []byte {
	sum := sha256.Sum256(canonical)
	return sum[:]
}

func cash(minor int64, currency string) money.Money { return money.New(minor, currency) }
