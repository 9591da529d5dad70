package app

import (
	"context"
	"fmt"

	"github.com/avalcredit/aval/pkg/approval"
	"github.com/avalcredit/aval/pkg/authn"
	"github.com/avalcredit/aval/pkg/calendar"
	"github.com/avalcredit/aval/pkg/errs"
	"github.com/avalcredit/aval/pkg/idem"
	"github.com/avalcredit/aval/services/receivables/internal/limitation"
	"github.com/avalcredit/aval/services/receivables/internal/postgres"
	"github.com/avalcredit/aval/services/receivables/internal/restructuring"
	"github.com/avalcredit/aval/services/receivables/internal/terms"
	"github.com/avalcredit/aval/services/receivables/internal/warning"
)

// sourcePlan is the source of limitation events that a signed plan made.
const sourcePlan = "RESTRUCTURING"

// PlanView is a restructuring plan as it stands today.
type PlanView struct {
	restructuring.Plan
	State    restructuring.State
	Parts    []restructuring.State
	Received int64
}

// ProposeRestructuring proposes a plan for open items. Errors: NotFound CUSTOMER_UNKNOWN and ITEM_UNKNOWN, AlreadyExists
// RESTRUCTURING_EXISTS, FailedPrecondition ITEM_SETTLED and ITEM_IN_PLAN, those of Plan.Propose.
func (s *Service) ProposeRestructuring(ctx context.Context, req idem.Request, p restructuring.Plan) (PlanView, error) {
	if _, err := s.customerFor(ctx, p.CustomerID, "restructuring.customer_id"); err != nil {
		return PlanView{}, err
	}
	policy, err := s.Policies.InForce(ctx, s.Clock.Today(ctx))
	if err != nil {
		return PlanView{}, err
	}
	out, err := record(ctx, s, req, func(ctx context.Context, c *postgres.Claims, act postgres.Act) (restructuring.Plan, told, error) {
		open, err := c.OpenItems(ctx, p.CustomerID, p.ItemIDs, "restructuring.item_ids")
		if err != nil {
			return p, told{}, err
		}
		for _, id := range p.ItemIDs {
			if err := notInPlan(ctx, c, id); err != nil {
				return p, told{}, err
			}
		}
		p, err := p.Propose(open, policy.Claims.Restructuring, act.Actor, act.Today)
		if err != nil {
			return p, told{}, err
		}
		return putPlan(ctx, c, p, 1, "restructuring.propose")
	})
	if err != nil {
		return PlanView{}, err
	}
	return s.planView(ctx, out)
}

func notInPlan(ctx context.Context, c *postgres.Claims, itemID string) error {
	plans, err := postgres.RecordsIn[restructuring.Plan](ctx, c, RecordQuery{Kind: postgres.Restructurings, ItemID: itemID, Before: postgres.Newest, Limit: 1})
	if err == nil && len(plans) > 0 && plans[0].Body.Live() {
		err = errs.New(errs.FailedPrecondition, "ITEM_IN_PLAN", "item %s is in restructuring %s", itemID, plans[0].Body.ID).
			With("item_id", itemID).With("restructuring_id", plans[0].Body.ID)
	}
	return err
}

func putPlan(ctx context.Context, c *postgres.Claims, p restructuring.Plan, version int, action string) (restructuring.Plan, told, error) {
	state := string(p.Form.State)
	switch {
	case p.EndedBy != "":
		state = string(restructuring.Ended)
	case !p.SignDate.IsZero():
		state = string(restructuring.Signed)
	}
	err := c.Put(ctx, postgres.Record{
		Kind: postgres.Restructurings, ID: p.ID, Version: version, CustomerID: p.CustomerID, State: state, People: []string{p.Form.Applicant},
		ItemIDs: p.ItemIDs, Body: p,
	})
	return p, told{stream: "customer/" + p.CustomerID, action: action, subject: "restructuring " + p.ID, detail: p}, err
}

// onPlan changes a plan.
func (s *Service) onPlan(ctx context.Context, req idem.Request, id, action string, fn func(ctx context.Context, c *postgres.Claims, p restructuring.Plan, act postgres.Act) (restructuring.Plan, error)) (PlanView, error) {
	out, err := record(ctx, s, req, func(ctx context.Context, c *postgres.Claims, act postgres.Act) (restructuring.Plan, told, error) {
		var p restructuring.Plan
		version, err := c.Take(ctx, postgres.Restructurings, id, &p)
		if err != nil {
			return p, told{}, err
		}
		if p, err = fn(ctx, c, p, act); err != nil {
			return p, told{}, err
		}
		return putPlan(ctx, c, p, version+1, action)
	})
	if err != nil {
		return PlanView{}, err
	}
	return s.planView(ctx, out)
}

// DecideRestructuring takes the next step of the approval. Errors: NotFound RESTRUCTURING_UNKNOWN, those of approval.Form.Apply.
func (s *Service) DecideRestructuring(ctx context.Context, req idem.Request, id string, d approval.Decision, reason string) (PlanView, error) {
	who, _ := authn.FromContext(ctx)
	return s.onPlan(ctx, req, id, "restructuring.decide", func(_ context.Context, _ *postgres.Claims, p restructuring.Plan, act postgres.Act) (restructuring.Plan, error) {
		form, err := p.Form.Apply(approval.Act{Subject: act.Actor, Roles: who.Roles, Decision: d, Reason: reason, Date: act.Today})
		p.Form = form
		return p, err
	})
}

// SignRestructuring records the customer's signature: it acknowledges the debt of the items. Errors: NotFound
// RESTRUCTURING_UNKNOWN, those of Plan.Sign.
func (s *Service) SignRestructuring(ctx context.Context, req idem.Request, id string, on calendar.Date, evidence string) (PlanView, error) {
	return s.onPlan(ctx, req, id, "restructuring.sign", func(ctx context.Context, c *postgres.Claims, p restructuring.Plan, act postgres.Act) (restructuring.Plan, error) {
		p, err := p.Sign(on, evidence, act.Today)
		if err != nil {
			return p, err
		}
		for _, item := range p.ItemIDs {
			err := c.AddLimitationEvent(ctx, limitation.Event{
				ID: fmt.Sprintf("restructuring/%s/%s", p.ID, item), CustomerID: p.CustomerID, ItemID: item, Kind: limitation.Acknowledgement, Date: on,
				Evidence: "restructuring " + p.ID + ": " + evidence, Source: sourcePlan, RecordedBy: act.Actor, RecordDate: act.Today,
			})
			if err != nil {
				return p, err
			}
		}
		return p, nil
	})
}

// EndRestructuring ends a plan. Errors: NotFound RESTRUCTURING_UNKNOWN, FailedPrecondition RESTRUCTURING_ENDED.
func (s *Service) EndRestructuring(ctx context.Context, req idem.Request, id, reason string) (PlanView, error) {
	return s.onPlan(ctx, req, id, "restructuring.end", func(_ context.Context, _ *postgres.Claims, p restructuring.Plan, act postgres.Act) (restructuring.Plan, error) {
		return p.End(act.Actor, reason, act.Today)
	})
}

// planView judges a plan as of today.
func (s *Service) planView(ctx context.Context, p restructuring.Plan) (PlanView, error) {
	paid, err := s.store.PaidOn(ctx, p.ItemIDs)
	if err != nil {
		return PlanView{}, err
	}
	today := s.Clock.Today(ctx)
	out := PlanView{Plan: p, Received: p.Received(paid, today)}
	out.State, out.Parts = p.Judge(paid, today)
	return out, nil
}

// Restructuring returns a plan of a customer within the caller's scope. Errors: NotFound RESTRUCTURING_UNKNOWN.
func (s *Service) Restructuring(ctx context.Context, id string) (PlanView, error) {
	var p restructuring.Plan
	if err := s.store.Record(ctx, postgres.Restructurings, id, &p); err != nil {
		return PlanView{}, err
	}
	if err := s.visible(ctx, p.CustomerID); errs.KindOf(err) == errs.NotFound {
		return PlanView{}, postgres.Restructurings.Unknown(id)
	} else if err != nil {
		return PlanView{}, err
	}
	return s.planView(ctx, p)
}

// Restructurings lists plans within the caller's scope, newest first, and the number after which the next page begins.
func (s *Service) Restructurings(ctx context.Context, q RecordQuery) ([]PlanView, int64, error) {
	q.Kind, q.Salesperson = postgres.Restructurings, scoped(ctx)
	found, next, err := pageOf[restructuring.Plan](ctx, s, q)
	if err != nil {
		return nil, 0, err
	}
	out := make([]PlanView, len(found))
	for i, p := range found {
		if out[i], err = s.planView(ctx, p); err != nil {
			return nil, 0, err
		}
	}
	return out, next, nil
}

// planWatch watches the next instalment of each plan that is signed, and says when it was missed.
func (s *Service) planWatch(p terms.Policy, today calendar.Date) watch {
	ahead := p.Claims.Restructuring.WarningDays
	return watch{kind: warning.Plan, ahead: ahead, days: func(ctx context.Context, give func(context.Context, []warning.Deadline) error) error {
		return eachRecord(ctx, s, RecordQuery{Kind: postgres.Restructurings, State: string(restructuring.Signed)}, func(ctx context.Context, p restructuring.Plan) error {
			paid, err := s.store.PaidOn(ctx, p.ItemIDs)
			if err != nil {
				return err
			}
			_, parts := p.Judge(paid, today)
			var days []warning.Deadline
			for i, part := range p.Instalments {
				last := part.Due.AddDays(p.GraceDays)
				if parts[i] == restructuring.Kept || today.Before(last.AddDays(-farthest(ahead))) {
					continue
				}
				days = append(days, warning.Deadline{
					Kind: warning.Plan, ObjectID: p.ID, CustomerID: p.CustomerID, LastDay: last, Owner: p.Form.Applicant, Amount: part.Amount,
					Text: fmt.Sprintf("restructuring %s: instalment %d of %s by %s", p.ID, i+1, part.Amount, last),
				})
			}
			return give(ctx, days)
		})
	}}
}
