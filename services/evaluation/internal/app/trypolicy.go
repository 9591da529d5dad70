package app

import (
	"context"

	"github.com/avalcredit/aval/pkg/errs"
	"github.com/avalcredit/aval/services/evaluation/internal/criteria"
	"github.com/avalcredit/aval/services/evaluation/internal/rating"
)

// TryPolicy rates customers under a policy from what is known today; nothing is kept. A
// defect of the policy gives Invalid POLICY_INVALID.
func (a *App) TryPolicy(ctx context.Context, p criteria.Policy, customerIDs []string) ([]rating.Result, error) {
	if found := p.Check(); len(found) > 0 {
		return nil, errs.New(errs.Invalid, "POLICY_INVALID", "%s: %s", found[0].Field, found[0].Message).WithViolations(found...)
	}
	results := make([]rating.Result, 0, len(customerIDs))
	for _, id := range customerIDs {
		res, err := a.tryPolicy(ctx, p, id)
		if err != nil {
			return nil, err
		}
		results = append(results, res)
	}
	return results, nil
}

func (a *App) tryPolicy(ctx context.Context, p criteria.Policy, customerID string) (rating.Result, error) {
	store, day := a.store(), a.Clock.Today(ctx)
	st, err := visible(ctx, store.Customer, customerID)
	if err != nil {
		return rating.Result{}, err
	}
	g := gathered{after: st.Ratings, day: day, policy: p}
	if g.payment, err = a.paid(ctx, customerID, day, windowStart(p, day)); err != nil {
		return rating.Result{}, err
	}
	in, err := a.inputs(ctx, store, st, g, why{trigger: rating.OnDemand})
	if err != nil {
		return rating.Result{}, err
	}
	rec, err := rating.Rate(in, p)
	return rec.Result, err
}
