package postgres

import (
	"context"
	"encoding/json"

	"github.com/avalcredit/aval/pkg/calendar"
	"github.com/avalcredit/aval/pkg/pg"
	"github.com/avalcredit/aval/services/evaluation/internal/delegation"
	"github.com/avalcredit/aval/services/evaluation/internal/postgres/db"
)

// ReasonDelegationNotFound: there is no such delegation.
const ReasonDelegationNotFound = "DELEGATION_NOT_FOUND"

// InsertDelegation writes a new one.
func (s Store) InsertDelegation(ctx context.Context, d delegation.Delegation) error {
	body, err := json.Marshal(d)
	if err != nil {
		return err
	}
	return pg.Err(s.q.InsertDelegation(ctx, db.InsertDelegationParams{
		DelegationID: d.ID, Principal: d.Principal, Deputy: d.Deputy, Roles: d.Roles, FromDate: d.From, LastDate: d.LastDate(), Body: body,
	}))
}

// LockDelegation returns one and holds off other writers, or NotFound DELEGATION_NOT_FOUND.
func (s Store) LockDelegation(ctx context.Context, id string) (d delegation.Delegation, err error) {
	body, err := s.q.LockDelegation(ctx, id)
	if err != nil {
		return d, notFound(err, ReasonDelegationNotFound, "there is no delegation %s", id)
	}
	return d, json.Unmarshal(body, &d)
}

// EndDelegation writes a locked one that was ended early.
func (s Store) EndDelegation(ctx context.Context, d delegation.Delegation) error {
	body, err := json.Marshal(d)
	if err != nil {
		return err
	}
	return pg.Err(s.q.EndDelegation(ctx, db.EndDelegationParams{DelegationID: d.ID, LastDate: d.LastDate(), Body: body}))
}

// DelegationsOn returns those that a person gave another for a day.
func (s Store) DelegationsOn(ctx context.Context, deputy, principal string, day calendar.Date) ([]delegation.Delegation, error) {
	rows, err := s.q.DelegationsOn(ctx, db.DelegationsOnParams{Deputy: deputy, Principal: principal, Today: day})
	if err != nil {
		return nil, pg.Err(err)
	}
	found := make([]delegation.Delegation, len(rows))
	for i, body := range rows {
		if err := json.Unmarshal(body, &found[i]); err != nil {
			return nil, err
		}
	}
	return found, nil
}

// DelegationQuery asks for a page, newest first.
type DelegationQuery struct {
	Before int64
	// Person gave it or was given it; empty: all.
	Person string
	// On is a day on which it holds; zero: all.
	On   calendar.Date
	Size int
}

// ListedDelegation is one with its place in the list.
type ListedDelegation struct {
	Delegation delegation.Delegation
	Number     int64
}

// Delegations returns a page.
func (s Store) Delegations(ctx context.Context, q DelegationQuery) ([]ListedDelegation, error) {
	rows, err := s.q.ListDelegations(ctx, db.ListDelegationsParams{
		BeforeNumber: q.Before, Person: q.Person, OnDate: q.On, Most: int32(q.Size), //nolint:gosec // a page
	})
	if err != nil {
		return nil, pg.Err(err)
	}
	found := make([]ListedDelegation, len(rows))
	for i, row := range rows {
		found[i].Number = row.Number
		if err := json.Unmarshal(row.Body, &found[i].Delegation); err != nil {
			return nil, err
		}
	}
	return found, nil
}
