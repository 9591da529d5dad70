package app

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"

	"github.com/avalcredit/aval/pkg/calendar"
	"github.com/avalcredit/aval/pkg/errs"
	"github.com/avalcredit/aval/pkg/idem"
	"github.com/avalcredit/aval/pkg/page"
	"github.com/avalcredit/aval/services/evaluation/internal/customer"
	"github.com/avalcredit/aval/services/evaluation/internal/grade"
	"github.com/avalcredit/aval/services/evaluation/internal/grant"
	"github.com/avalcredit/aval/services/evaluation/internal/postgres"
)

// Grant is a grant with its hash in hexadecimal.
type Grant struct {
	Grant grant.Grant `json:"grant"`
	Hash  string      `json:"hash"`
}

// grantStep is the next link of a customer's chain of grants.
type grantStep struct {
	grant grant.Grant
	prev  []byte
	day   calendar.Date
}

// addGrant writes the next grant of a locked customer with the file that goes with
// it, and tells the other phases. The new state is left in st.
func (a *App) addGrant(ctx context.Context, tx pgx.Tx, st *postgres.State, next customer.Customer, step grantStep) error {
	step.grant.CreateTime = a.now()
	stored, err := postgres.New(tx).InsertGrant(ctx, step.grant, step.prev)
	if err != nil {
		return err
	}
	if err := a.saveState(ctx, tx, st, change{file: next, grant: &stored, day: step.day}); err != nil {
		return err
	}
	return note(ctx, tx, noted{customer: next.ID, action: "grant.create", subject: fmt.Sprintf("%s/%d", next.ID, step.grant.Version), day: step.day, detail: stored.Grant})
}

func profileGrant(st postgres.State) Grant {
	if st.Profile.Grant == nil {
		return Grant{Grant: grant.CashCustomer(st.File.ID)}
	}
	return Grant{Grant: *st.Profile.Grant, Hash: st.Profile.GrantHash}
}

// GrantInForce returns the grant that holds on a day (zero: today).
func (a *App) GrantInForce(ctx context.Context, customerID string, day calendar.Date) (Grant, error) {
	if day.IsZero() {
		day = a.Clock.Today(ctx)
	}
	store := a.store()
	if _, err := visible(ctx, store.Customer, customerID); err != nil {
		return Grant{}, err
	}
	begun, err := store.GrantBegunBy(ctx, customerID, day)
	if err != nil {
		return Grant{}, err
	}
	if begun.Grant.Version == 0 {
		return Grant{Grant: begun.Grant}, nil
	}
	g := Grant{Grant: grant.InForce(customerID, []grant.Grant{begun.Grant}, day)}
	if g.Grant.Version > 0 {
		g.Hash = begun.HashText()
	}
	return g, nil
}

// Grants lists all grants of a customer, newest first.
func (a *App) Grants(ctx context.Context, customerID string, size int32, token string) ([]Grant, string, error) {
	store := a.store()
	if _, err := visible(ctx, store.Customer, customerID); err != nil {
		return nil, "", err
	}
	sum := page.Checksum("grants", customerID)
	before, err := a.before(token, sum)
	if err != nil {
		return nil, "", err
	}
	n := page.Size(size, defaultPage, maxPage)
	found, err := store.Grants(ctx, customerID, before, n+1)
	if err != nil {
		return nil, "", err
	}
	rows, next := cut(a, found, n, sum, func(g postgres.StoredGrant) int64 { return g.Grant.Version })
	grants := make([]Grant, len(rows))
	for i, g := range rows {
		grants[i] = Grant{Grant: g.Grant, Hash: g.HashText()}
	}
	return grants, next, nil
}

// TakeOverGrant records a grant that was approved on paper before the suite was in use.
func (a *App) TakeOverGrant(ctx context.Context, r idem.Request, g grant.Grant) (Grant, error) {
	day := a.Clock.Today(ctx)
	if g.ValidFrom.IsZero() {
		g.ValidFrom = day
	}
	p, err := a.Policies.InForce(ctx, day)
	if err != nil {
		return Grant{}, err
	}
	g.Origin, g.Treatment, g.GraceDays = grant.TakenOver, grade.Credit, p.For(grade.A).GraceDays
	g.Reason = "taken over from paper form " + g.PaperFormReference
	res, err := write(ctx, a, r, func(ctx context.Context, tx pgx.Tx) (Grant, error) {
		store := postgres.New(tx)
		st, err := visible(ctx, store.Lock, g.CustomerID)
		if err != nil {
			return Grant{}, err
		}
		if st.File.LifeCycle == customer.Closed {
			return Grant{}, errs.New(errs.FailedPrecondition, "CUSTOMER_CLOSED", "the relation with customer %s is closed", g.CustomerID)
		}
		newest, err := store.NewestGrant(ctx, g.CustomerID)
		if err != nil {
			return Grant{}, err
		}
		if err := grant.CheckTakeOver(g, newest.Grant, st.File.Currency, p); err != nil {
			return Grant{}, err
		}
		g.Version = newest.Grant.Version + 1
		err = a.addGrant(ctx, tx, &st, st.File, grantStep{grant: g, prev: newest.Hash, day: day})
		return profileGrant(st), err
	})
	if err != nil {
		return Grant{}, err
	}
	a.flush(ctx, g.CustomerID)
	return res, nil
}
