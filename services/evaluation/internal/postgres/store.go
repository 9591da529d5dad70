// Package postgres keeps the phase's data. A Store is bound to a pool or to one
// transaction; everything that belongs together is written in one transaction.
package postgres

import (
	"context"
	"embed"
	"encoding/json"
	"io/fs"

	"github.com/avalcredit/aval/pkg/authz"
	"github.com/avalcredit/aval/pkg/errs"
	"github.com/avalcredit/aval/pkg/pg"
	"github.com/avalcredit/aval/services/evaluation/internal/customer"
	"github.com/avalcredit/aval/services/evaluation/internal/postgres/db"
	"github.com/avalcredit/aval/services/evaluation/internal/profile"
)

//go:embed migrations/*.sql
var migrations embed.FS

// Migrations returns the goose files of the phase's schema.
func Migrations() (fs.FS, error) { return fs.Sub(migrations, "migrations") }

// Reasons of what is not found.
const (
	ReasonCustomerNotFound    = "CUSTOMER_NOT_FOUND"
	ReasonFactNotFound        = "FACT_NOT_FOUND"
	ReasonRatingNotFound      = "RATING_NOT_FOUND"
	ReasonApplicationNotFound = "APPLICATION_NOT_FOUND"
	ReasonGroupNotFound       = "GROUP_NOT_FOUND"
)

// Store reads and writes through one connection source.
type Store struct {
	q   *db.Queries
	raw pg.Querier
}

// New returns a store on a pool or a transaction.
func New(q pg.Querier) Store { return Store{q: db.New(q), raw: q} }

// State is a customer as stored.
type State struct {
	File customer.Customer
	// Profile is what the other phases were told last.
	Profile profile.Profile
	// Ratings and Grants are the lengths of the customer's chains.
	Ratings, Grants int64
}

// Customer returns a customer, or NotFound CUSTOMER_NOT_FOUND.
func (s Store) Customer(ctx context.Context, id string) (State, error) {
	row, err := s.q.GetCustomer(ctx, id)
	return state(id, db.LockCustomerRow(row), err)
}

// Lock is Customer, and holds off other writers of the customer until the
// transaction ends.
func (s Store) Lock(ctx context.Context, id string) (State, error) {
	row, err := s.q.LockCustomer(ctx, id)
	return state(id, row, err)
}

func state(id string, row db.LockCustomerRow, err error) (State, error) {
	if err != nil {
		return State{}, notFound(err, ReasonCustomerNotFound, "there is no customer %s", id)
	}
	st := State{Ratings: row.RatingSequence, Grants: row.GrantVersion}
	if err := json.Unmarshal(row.File, &st.File); err != nil {
		return State{}, err
	}
	return st, json.Unmarshal(row.Profile, &st.Profile)
}

// CustomerNotFound is the error for a customer that is not there, or not for the caller.
func CustomerNotFound(id string) error {
	return errs.New(errs.NotFound, ReasonCustomerNotFound, "there is no customer %s", id)
}

// InsertCustomer writes a new file; one with the same number gives AlreadyExists CUSTOMER_EXISTS.
func (s Store) InsertCustomer(ctx context.Context, c customer.Customer, p profile.Profile) error {
	file, prof, err := texts(c, p)
	if err != nil {
		return err
	}
	head, tail := c.NameHalves()
	err = s.q.InsertCustomer(ctx, db.InsertCustomerParams{
		CustomerID: c.ID, DisplayName: c.DisplayName, SalespersonID: c.SalespersonID, GroupID: c.GroupID,
		Region: c.Region, Industry: c.Industry, LifeCycle: string(c.LifeCycle), Grade: string(c.Grade),
		Uscc: c.USCC, NumberKey: customer.NumberKey(c.ID), CreateTime: c.CreateTime, File: file, Profile: prof,
		RootGroupID: c.Root(), MergedIntoID: c.MergedIntoID, RegistrationKey: c.RegistrationKey(),
		NameKeys: c.NameKeys(), NameHead: head, NameTail: tail,
	})
	if pg.IsUnique(err, "customers_pkey") {
		return errs.New(errs.AlreadyExists, "CUSTOMER_EXISTS", "there is a customer %s already", c.ID)
	}
	return pg.Err(err)
}

// UpdateCustomer writes the changed file of a locked customer.
func (s Store) UpdateCustomer(ctx context.Context, c customer.Customer, p profile.Profile) error {
	file, prof, err := texts(c, p)
	if err != nil {
		return err
	}
	head, tail := c.NameHalves()
	return pg.Err(s.q.UpdateCustomer(ctx, db.UpdateCustomerParams{
		CustomerID: c.ID, DisplayName: c.DisplayName, SalespersonID: c.SalespersonID, GroupID: c.GroupID,
		Region: c.Region, Industry: c.Industry, LifeCycle: string(c.LifeCycle), Grade: string(c.Grade),
		Uscc: c.USCC, NumberKey: customer.NumberKey(c.ID), File: file, Profile: prof,
		RootGroupID: c.Root(), MergedIntoID: c.MergedIntoID, RegistrationKey: c.RegistrationKey(),
		NameKeys: c.NameKeys(), NameHead: head, NameTail: tail,
	}))
}

const (
	// mostCandidates bounds what one look for duplicates reads, mostDuplicates what it tells.
	mostCandidates = 200
	mostDuplicates = 20
)

// Duplicates returns other customers within the scope that may be the same firm, at most
// 20, those with the most telling likeness first.
func (s Store) Duplicates(ctx context.Context, c customer.Customer, scope authz.Scope) ([]customer.Duplicate, error) {
	heads, tails := c.SimilarHalves()
	files, err := s.q.Duplicates(ctx, db.DuplicatesParams{
		CustomerID: c.ID, Uscc: c.USCC, NumberKey: customer.NumberKey(c.ID), RegistrationKey: c.RegistrationKey(),
		NameKeys: c.NameKeys(), NameHeads: heads, NameTails: tails,
		Everybodys: scope.All, SalespersonID: scope.Salesperson, Most: mostCandidates,
	})
	if err != nil {
		return nil, pg.Err(err)
	}
	found := []customer.Duplicate{}
	for _, file := range files {
		var o customer.Customer
		if err := json.Unmarshal(file, &o); err != nil {
			return nil, err
		}
		if like := c.Compare(o); len(like) > 0 && len(found) < mostDuplicates {
			found = append(found, customer.Duplicate{CustomerID: o.ID, DisplayName: o.DisplayName, Likenesses: like})
		}
	}
	return found, nil
}

func texts(c customer.Customer, p profile.Profile) (file, prof []byte, err error) {
	if file, err = json.Marshal(c); err != nil {
		return nil, nil, err
	}
	prof, err = json.Marshal(p)
	return file, prof, err
}

// notFound gives the error of a row that is not there its own reason.
func notFound(err error, reason, format string, args ...any) error {
	mapped := pg.Err(err)
	if errs.KindOf(mapped) == errs.NotFound {
		return errs.New(errs.NotFound, reason, format, args...)
	}
	return mapped
}
