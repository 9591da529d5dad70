package app

import (
	"context"
	"strconv"

	"github.com/jackc/pgx/v5"

	"github.com/avalcredit/aval/pkg/authz"
	"github.com/avalcredit/aval/pkg/calendar"
	"github.com/avalcredit/aval/pkg/errs"
	"github.com/avalcredit/aval/pkg/idem"
	"github.com/avalcredit/aval/pkg/page"
	"github.com/avalcredit/aval/services/evaluation/internal/customer"
	"github.com/avalcredit/aval/services/evaluation/internal/plan"
	"github.com/avalcredit/aval/services/evaluation/internal/postgres"
	"github.com/avalcredit/aval/services/evaluation/internal/rating"
)

// followPlans opens what a new rating calls for and ends what it makes obsolete, in the
// transaction of the rating.
func followPlans(ctx context.Context, tx pgx.Tx, file customer.Customer, rec rating.Record, g gathered) error {
	store, day := postgres.New(tx), g.day
	newest, err := store.NewestPlans(ctx, file.ID)
	if err != nil {
		return err
	}
	opened, ended := plan.Follow(newest, plan.Rating{
		CustomerID: file.ID, RatingID: rec.RatingID, Grade: rec.Result.Grade, Moved: rec.Result.Grade != file.Grade, Date: day,
		Salesperson: file.SalespersonID, CreditAnalyst: file.CreditAnalystID, Due: g.policy.DueDays,
	})
	for _, p := range ended {
		if err := store.UpdatePlan(ctx, p); err != nil {
			return err
		}
		if err := note(ctx, tx, noted{customer: file.ID, action: "plan.end", subject: p.ID, day: day, detail: p}); err != nil {
			return err
		}
	}
	for _, p := range opened {
		if err := store.InsertPlan(ctx, p); err != nil {
			return err
		}
		if err := note(ctx, tx, noted{customer: file.ID, action: "plan.open", subject: p.ID, day: day, detail: p}); err != nil {
			return err
		}
	}
	return nil
}

// Planned is a plan as it stands today.
type Planned struct {
	Plan  plan.Plan     `json:"plan"`
	Today calendar.Date `json:"today"`
}

// Plan returns a plan of a customer that the caller reaches.
func (a *App) Plan(ctx context.Context, id string) (Planned, error) {
	p, salesperson, err := a.store().Plan(ctx, id)
	if err != nil {
		return Planned{}, err
	}
	if !authz.ScopeOf(ctx).Allows(salesperson) {
		return Planned{}, postgres.PlanNotFound(id)
	}
	return Planned{Plan: p, Today: a.Clock.Today(ctx)}, nil
}

// PlanList asks for a page of plans.
type PlanList struct {
	CustomerID, Owner string
	State             plan.State
	Overdue           bool
	Size              int32
	Token             string
}

// Plans lists plans of customers that the caller reaches by due date, and the token of the next page.
func (a *App) Plans(ctx context.Context, l PlanList) ([]Planned, string, error) {
	scope := authz.ScopeOf(ctx)
	if !scope.All && scope.Salesperson == "" {
		return nil, "", nil
	}
	today := a.Clock.Today(ctx)
	sum := page.Checksum("plans", l.CustomerID, l.Owner, string(l.State), strconv.FormatBool(l.Overdue), scope.Salesperson)
	after, err := a.pages.Decode(l.Token, sum, 2)
	if err != nil {
		return nil, "", err
	}
	n := page.Size(l.Size, defaultPage, maxPage)
	q := postgres.PlanQuery{CustomerID: l.CustomerID, Owner: l.Owner, State: l.State, Size: n + 1}
	if !scope.All {
		q.Salesperson = scope.Salesperson
	}
	if l.Overdue {
		q.DueBefore = today
	}
	if after != nil {
		if q.AfterDue, err = calendar.ParseDate(after[0]); err != nil {
			return nil, "", errs.New(errs.Invalid, page.ReasonTokenInvalid, "the page token cannot be read")
		}
		q.AfterID = after[1]
	}
	found, err := a.store().Plans(ctx, q)
	if err != nil {
		return nil, "", err
	}
	next := ""
	if len(found) > n {
		found = found[:n]
		next = a.pages.Encode(sum, found[n-1].Due.String(), found[n-1].ID)
	}
	plans := make([]Planned, len(found))
	for i, p := range found {
		plans[i] = Planned{Plan: p, Today: today}
	}
	return plans, next, nil
}

// Assignment gives a plan to another person, or another due date; what is zero stays.
type Assignment struct {
	Owner  string
	Due    calendar.Date
	Reason string
}

// planStep is what somebody does to a plan.
type planStep struct {
	planID, action, reason string
	change                 func(p plan.Plan, by plan.Actor, day calendar.Date) (plan.Plan, error)
}

// WritePlan writes what a plan says, whole.
func (a *App) WritePlan(ctx context.Context, r idem.Request, id string, c plan.Content, revision int64) (Planned, error) {
	return a.changePlan(ctx, r, planStep{planID: id, action: "plan.write", change: func(p plan.Plan, by plan.Actor, _ calendar.Date) (plan.Plan, error) {
		return p.Write(c, revision, by)
	}})
}

// CompletePlan says that a plan is carried out.
func (a *App) CompletePlan(ctx context.Context, r idem.Request, id, outcome string) (Planned, error) {
	return a.changePlan(ctx, r, planStep{planID: id, action: "plan.complete", change: func(p plan.Plan, by plan.Actor, day calendar.Date) (plan.Plan, error) {
		return p.Complete(outcome, by, day)
	}})
}

// AssignPlan gives a plan to another person, or another due date.
func (a *App) AssignPlan(ctx context.Context, r idem.Request, id string, to Assignment) (Planned, error) {
	return a.changePlan(ctx, r, planStep{planID: id, action: "plan.assign", reason: to.Reason, change: func(p plan.Plan, _ plan.Actor, day calendar.Date) (plan.Plan, error) {
		return p.Assign(to.Owner, to.Due, day)
	}})
}

func (a *App) changePlan(ctx context.Context, r idem.Request, step planStep) (Planned, error) {
	who, err := caller(ctx)
	if err != nil {
		return Planned{}, err
	}
	// Whose it is does not change, so it may be read before the customer is locked.
	before, err := a.Plan(ctx, step.planID)
	if err != nil {
		return Planned{}, err
	}
	day := before.Today
	return write(ctx, a, r, func(ctx context.Context, tx pgx.Tx) (Planned, error) {
		store := postgres.New(tx)
		if _, err := visible(ctx, store.Lock, before.Plan.CustomerID); err != nil {
			return Planned{}, err
		}
		p, _, err := store.Plan(ctx, step.planID)
		if err != nil {
			return Planned{}, err
		}
		if p, err = step.change(p, plan.Actor{Subject: who.Subject, Roles: who.Roles}, day); err != nil {
			return Planned{}, err
		}
		if err := store.UpdatePlan(ctx, p); err != nil {
			return Planned{}, err
		}
		detail := struct {
			Plan   plan.Plan `json:"plan"`
			Reason string    `json:"reason,omitempty"`
		}{p, step.reason}
		return Planned{Plan: p, Today: day}, note(ctx, tx, noted{customer: p.CustomerID, action: step.action, subject: p.ID, day: day, detail: detail})
	})
}
