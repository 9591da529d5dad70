package app

import (
	"context"

	"github.com/jackc/pgx/v5"

	"github.com/avalcredit/aval/pkg/approval"
	"github.com/avalcredit/aval/pkg/audit"
	"github.com/avalcredit/aval/pkg/calendar"
	"github.com/avalcredit/aval/pkg/idem"
	"github.com/avalcredit/aval/pkg/page"
	"github.com/avalcredit/aval/pkg/serial"
	"github.com/avalcredit/aval/services/evaluation/internal/delegation"
	"github.com/avalcredit/aval/services/evaluation/internal/postgres"
)

// delegationSeries numbers delegations without gaps.
const delegationSeries = "delegation"

// CreateDelegation has somebody act in the caller's seat.
func (a *App) CreateDelegation(ctx context.Context, r idem.Request, d delegation.Delegation) (delegation.Delegation, error) {
	who, err := caller(ctx)
	if err != nil {
		return d, err
	}
	day := a.Clock.Today(ctx)
	d.Principal = who.Subject
	held := delegation.Signing(who.Roles)
	if len(d.Roles) == 0 {
		d.Roles = held
	}
	if d.From.IsZero() {
		d.From = day
	}
	if err := d.Check(held, day); err != nil {
		return d, err
	}
	return write(ctx, a, r, func(ctx context.Context, tx pgx.Tx) (delegation.Delegation, error) {
		n, err := serial.Next(ctx, tx, delegationSeries)
		if err != nil {
			return d, err
		}
		d.ID, d.CreateTime = delegation.Number(n), a.now()
		if err := postgres.New(tx).InsertDelegation(ctx, d); err != nil {
			return d, err
		}
		return d, noteDelegation(ctx, tx, "delegation.create", d, day)
	})
}

// EndDelegation ends one from today on.
func (a *App) EndDelegation(ctx context.Context, r idem.Request, id string) (delegation.Delegation, error) {
	who, err := caller(ctx)
	if err != nil {
		return delegation.Delegation{}, err
	}
	day := a.Clock.Today(ctx)
	return write(ctx, a, r, func(ctx context.Context, tx pgx.Tx) (delegation.Delegation, error) {
		store := postgres.New(tx)
		d, err := store.LockDelegation(ctx, id)
		if err != nil {
			return d, err
		}
		if d, err = d.End(who.Subject, who.Roles, day); err != nil {
			return d, err
		}
		if err := store.EndDelegation(ctx, d); err != nil {
			return d, err
		}
		return d, noteDelegation(ctx, tx, "delegation.end", d, day)
	})
}

// DelegationList asks for a page of delegations.
type DelegationList struct {
	Size   int32
	Token  string
	Person string
	On     calendar.Date
}

// Delegations lists them, newest first, and the token of the next page.
func (a *App) Delegations(ctx context.Context, l DelegationList) ([]delegation.Delegation, string, error) {
	sum := page.Checksum("delegations", l.Person, l.On.String())
	before, err := a.before(l.Token, sum)
	if err != nil {
		return nil, "", err
	}
	n := page.Size(l.Size, defaultPage, maxPage)
	found, err := a.store().Delegations(ctx, postgres.DelegationQuery{Before: before, Person: l.Person, On: l.On, Size: n + 1})
	if err != nil {
		return nil, "", err
	}
	rows, next := cut(a, found, n, sum, func(d postgres.ListedDelegation) int64 { return d.Number })
	out := make([]delegation.Delegation, len(rows))
	for i, d := range rows {
		out[i] = d.Delegation
	}
	return out, next, nil
}

// seated is the act in the seat that it names.
func seated(ctx context.Context, store postgres.Store, act approval.Act) (approval.Act, error) {
	if act.For == "" {
		return act, nil
	}
	given, err := store.DelegationsOn(ctx, act.Subject, act.For, act.Date)
	if err != nil {
		return act, err
	}
	return approval.Seat(act, delegation.Seats(given))
}

func noteDelegation(ctx context.Context, tx pgx.Tx, action string, d delegation.Delegation, day calendar.Date) error {
	return noteIn(ctx, tx, audit.Event{Stream: "delegation/" + d.Principal, Action: action, Subject: d.ID, BusinessDate: day}, d)
}
