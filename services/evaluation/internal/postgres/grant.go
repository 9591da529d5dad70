package postgres

import (
	"context"
	"encoding/hex"

	"github.com/avalcredit/aval/pkg/audit"
	"github.com/avalcredit/aval/pkg/calendar"
	"github.com/avalcredit/aval/pkg/errs"
	"github.com/avalcredit/aval/pkg/pg"
	"github.com/avalcredit/aval/services/evaluation/internal/grant"
	"github.com/avalcredit/aval/services/evaluation/internal/postgres/db"
)

// StoredGrant is a grant with its hash in the customer's chain; the hash is nil for
// what no form ever granted.
type StoredGrant struct {
	Grant grant.Grant
	Hash  []byte
}

// HashText is the hash in hexadecimal, empty for none.
func (g StoredGrant) HashText() string { return hex.EncodeToString(g.Hash) }

// InsertGrant adds a grant of a locked customer to its chain. prev is the hash of the
// version before, nil for the first.
func (s Store) InsertGrant(ctx context.Context, g grant.Grant, prev []byte) (StoredGrant, error) {
	data, err := g.Bytes()
	if err != nil {
		return StoredGrant{}, err
	}
	if prev == nil {
		prev = audit.Genesis()
	}
	hash := audit.Link(prev, data)
	err = s.q.InsertGrant(ctx, db.InsertGrantParams{
		CustomerID: g.CustomerID, Version: g.Version, ValidFrom: g.ValidFrom, Record: data, Prev: prev, Hash: hash,
	})
	if err == nil {
		err = s.q.CountGrant(ctx, db.CountGrantParams{CustomerID: g.CustomerID, GrantVersion: g.Version})
	}
	return StoredGrant{Grant: g, Hash: hash}, pg.Err(err)
}

// NewestGrant returns the last version, or that of a cash customer where there is none.
func (s Store) NewestGrant(ctx context.Context, customerID string) (StoredGrant, error) {
	row, err := s.q.NewestGrant(ctx, customerID)
	return grantOf(customerID, db.ListGrantsRow(row), err)
}

// GrantBegunBy returns the last version that has begun by a day, or that of a cash
// customer where there is none.
func (s Store) GrantBegunBy(ctx context.Context, customerID string, day calendar.Date) (StoredGrant, error) {
	row, err := s.q.GrantBegunBy(ctx, db.GrantBegunByParams{CustomerID: customerID, Day: day})
	return grantOf(customerID, db.ListGrantsRow(row), err)
}

// Grants returns versions before a number, newest first.
func (s Store) Grants(ctx context.Context, customerID string, before int64, most int) ([]StoredGrant, error) {
	rows, err := s.q.ListGrants(ctx, db.ListGrantsParams{
		CustomerID: customerID, BeforeVersion: before, Most: int32(most), //nolint:gosec // a page
	})
	if err != nil {
		return nil, pg.Err(err)
	}
	found := make([]StoredGrant, 0, len(rows))
	for _, row := range rows {
		g, err := grantOf(customerID, row, nil)
		if err != nil {
			return nil, err
		}
		found = append(found, g)
	}
	return found, nil
}

func grantOf(customerID string, row db.ListGrantsRow, err error) (StoredGrant, error) {
	if errs.KindOf(pg.Err(err)) == errs.NotFound {
		return StoredGrant{Grant: grant.CashCustomer(customerID)}, nil
	}
	if err != nil {
		return StoredGrant{}, pg.Err(err)
	}
	g, err := grant.Parse(row.Record)
	return StoredGrant{Grant: g, Hash: row.Hash}, err
}

// ExpiringQuery asks for a page of customers whose credit ends from one day to another,
// both included, what ends first first.
type ExpiringQuery struct {
	From, Until calendar.Date
	// AfterDate and AfterID are of the last row before the page.
	AfterDate, AfterID string
	Salesperson        string
	Size               int
}

// ExpiringGrants returns a page.
func (s Store) ExpiringGrants(ctx context.Context, q ExpiringQuery) ([]State, error) {
	rows, err := s.q.ExpiringGrants(ctx, db.ExpiringGrantsParams{
		FromDate: q.From.String(), UntilDate: q.Until.String(), AfterDate: q.AfterDate, AfterCustomer: q.AfterID,
		SalespersonID: q.Salesperson, Most: int32(q.Size), //nolint:gosec // a page
	})
	if err != nil {
		return nil, pg.Err(err)
	}
	found := make([]State, len(rows))
	for i, row := range rows {
		if found[i], err = state("", db.LockCustomerRow{File: row.File, Profile: row.Profile}, nil); err != nil {
			return nil, err
		}
	}
	return found, nil
}
