package postgres

import (
	"context"
	"encoding/json"

	"github.com/avalcredit/aval/pkg/calendar"
	"github.com/avalcredit/aval/pkg/errs"
	"github.com/avalcredit/aval/pkg/pg"
	"github.com/avalcredit/aval/services/evaluation/internal/plan"
	"github.com/avalcredit/aval/services/evaluation/internal/postgres/db"
)

// ReasonPlanNotFound: there is no such plan, or not for the caller.
const ReasonPlanNotFound = "PLAN_NOT_FOUND"

// PlanNotFound is the error for a plan that is not there, or not for the caller.
func PlanNotFound(id string) error {
	return errs.New(errs.NotFound, ReasonPlanNotFound, "there is no treatment plan %s", id)
}

// InsertPlan writes a new plan of a locked customer.
func (s Store) InsertPlan(ctx context.Context, p plan.Plan) error {
	body, err := json.Marshal(p)
	if err != nil {
		return err
	}
	return pg.Err(s.q.InsertPlan(ctx, db.InsertPlanParams{
		PlanID: p.ID, CustomerID: p.CustomerID, Kind: string(p.Kind), State: string(p.State), OwnerID: p.Owner, Body: body, DueDate: p.Due,
	}))
}

// UpdatePlan writes a changed plan of a locked customer.
func (s Store) UpdatePlan(ctx context.Context, p plan.Plan) error {
	body, err := json.Marshal(p)
	if err != nil {
		return err
	}
	return pg.Err(s.q.UpdatePlan(ctx, db.UpdatePlanParams{PlanID: p.ID, State: string(p.State), OwnerID: p.Owner, Body: body, DueDate: p.Due}))
}

// Plan returns a plan and the salesperson of its customer, or NotFound PLAN_NOT_FOUND.
func (s Store) Plan(ctx context.Context, id string) (p plan.Plan, salesperson string, err error) {
	row, err := s.q.GetPlan(ctx, id)
	if err != nil {
		return p, "", notFound(err, ReasonPlanNotFound, "there is no treatment plan %s", id)
	}
	return p, row.SalespersonID, json.Unmarshal(row.Body, &p)
}

// NewestPlans returns the newest plan of each kind of a customer.
func (s Store) NewestPlans(ctx context.Context, customerID string) ([]plan.Plan, error) {
	rows, err := s.q.NewestPlans(ctx, customerID)
	if err != nil {
		return nil, pg.Err(err)
	}
	return plansOf(rows)
}

// PlanQuery asks for a page of plans.
type PlanQuery struct {
	// Salesperson bounds it to customers of one person; empty: all.
	Salesperson       string
	CustomerID, Owner string
	State             plan.State
	// DueBefore: only open ones whose due date is before the day; zero: all.
	DueBefore calendar.Date
	// AfterDue and AfterID are the last row before the page; zero: the first page.
	AfterDue calendar.Date
	AfterID  string
	Size     int
}

// Plans returns a page by due date.
func (s Store) Plans(ctx context.Context, q PlanQuery) ([]plan.Plan, error) {
	rows, err := s.q.ListPlans(ctx, db.ListPlansParams{
		AfterDue: q.AfterDue, AfterID: q.AfterID, CustomerID: q.CustomerID, OwnerID: q.Owner, State: string(q.State),
		SalespersonID: q.Salesperson, DueBefore: q.DueBefore, Most: int32(q.Size), //nolint:gosec // a page
	})
	if err != nil {
		return nil, pg.Err(err)
	}
	return plansOf(rows)
}

func plansOf(rows [][]byte) ([]plan.Plan, error) {
	plans := make([]plan.Plan, len(rows))
	for i, body := range rows {
		if err := json.Unmarshal(body, &plans[i]); err != nil {
			return nil, err
		}
	}
	return plans, nil
}
