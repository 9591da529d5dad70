package app

import (
	"context"

	"github.com/avalcredit/aval/pkg/calendar"
	"github.com/avalcredit/aval/services/evaluation/internal/checklist"
	"github.com/avalcredit/aval/services/evaluation/internal/customer"
	"github.com/avalcredit/aval/services/evaluation/internal/postgres"
)

// Checklist is how what is known of a customer stands to what the policy wants.
type Checklist struct {
	PolicyVersion int64
	Date          calendar.Date
	Customer      customer.Customer
	Items         []checklist.Item
}

// Checklist tells what the policy in force wants of a customer and what is missing today.
func (a *App) Checklist(ctx context.Context, customerID string) (Checklist, error) {
	store := a.store()
	st, err := visible(ctx, store.Customer, customerID)
	if err != nil {
		return Checklist{}, err
	}
	day := a.Clock.Today(ctx)
	p, err := a.Policies.InForce(ctx, day)
	if err != nil {
		return Checklist{}, err
	}
	facts, err := store.Facts(ctx, customerID, day, postgres.First, maxFacts)
	if err != nil {
		return Checklist{}, err
	}
	return Checklist{PolicyVersion: p.Version, Date: day, Customer: st.File, Items: checklist.Of(p.Wants(), facts, day)}, nil
}
