package app

import (
	"context"

	"github.com/jackc/pgx/v5"

	"github.com/avalcredit/aval/pkg/authz"
	"github.com/avalcredit/aval/pkg/idem"
	"github.com/avalcredit/aval/pkg/page"
	"github.com/avalcredit/aval/services/evaluation/internal/grant"
	"github.com/avalcredit/aval/services/evaluation/internal/postgres"
)

// SuspendGrant makes a customer a cash customer at once, until an approved form resumes
// its credit.
func (a *App) SuspendGrant(ctx context.Context, r idem.Request, customerID, reason string) (Grant, error) {
	who, err := caller(ctx)
	if err != nil {
		return Grant{}, err
	}
	day := a.Clock.Today(ctx)
	res, err := write(ctx, a, r, func(ctx context.Context, tx pgx.Tx) (Grant, error) {
		store := postgres.New(tx)
		st, err := visible(ctx, store.Lock, customerID)
		if err != nil {
			return Grant{}, err
		}
		newest, err := store.NewestGrant(ctx, customerID)
		if err != nil {
			return Grant{}, err
		}
		next, err := grant.Suspend(newest.Grant, who.Subject, reason, day)
		if err != nil {
			return Grant{}, err
		}
		err = a.addGrant(ctx, tx, &st, st.File, grantStep{grant: next, prev: newest.Hash, day: day})
		return profileGrant(st), err
	})
	if err != nil {
		return Grant{}, err
	}
	a.flush(ctx, customerID)
	return res, nil
}

// Expiring is credit that ends soon.
type Expiring struct {
	CustomerID, Name, Salesperson string
	Grant                         Grant
	DaysLeft                      int
}

// ExpiringGrants lists credit that ends within so many days, below zero: the policy's,
// and the token of the next page.
func (a *App) ExpiringGrants(ctx context.Context, within int, size int32, token string) ([]Expiring, string, error) {
	scope := authz.ScopeOf(ctx)
	if !scope.All && scope.Salesperson == "" {
		return nil, "", nil
	}
	day := a.Clock.Today(ctx)
	if within < 0 {
		p, err := a.Policies.InForce(ctx, day)
		if err != nil {
			return nil, "", err
		}
		within = p.ExpiryWarningDays
	}
	q := postgres.ExpiringQuery{From: day, Until: day.AddDays(within)}
	if !scope.All {
		q.Salesperson = scope.Salesperson
	}
	sum := page.Checksum("expiring", q.From.String(), q.Until.String(), q.Salesperson)
	after, err := a.pages.Decode(token, sum, 2)
	if err != nil {
		return nil, "", err
	}
	if after != nil {
		q.AfterDate, q.AfterID = after[0], after[1]
	}
	n := page.Size(size, defaultPage, maxPage)
	q.Size = n + 1
	found, err := a.store().ExpiringGrants(ctx, q)
	if err != nil {
		return nil, "", err
	}
	next := ""
	if len(found) > n {
		found = found[:n]
		last := found[n-1]
		next = a.pages.Encode(sum, last.Profile.Grant.ValidUntil.String(), last.File.ID)
	}
	out := make([]Expiring, len(found))
	for i, st := range found {
		out[i] = Expiring{
			CustomerID: st.File.ID, Name: st.File.DisplayName, Salesperson: st.File.SalespersonID,
			Grant: profileGrant(st), DaysLeft: st.Profile.Grant.ValidUntil.DaysSince(day),
		}
	}
	return out, next, nil
}
