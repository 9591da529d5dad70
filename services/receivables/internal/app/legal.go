package app

import (
	"context"
	"fmt"

	"github.com/avalcredit/aval/pkg/calendar"
	"github.com/avalcredit/aval/pkg/errs"
	"github.com/avalcredit/aval/pkg/idem"
	"github.com/avalcredit/aval/pkg/money"
	"github.com/avalcredit/aval/services/receivables/internal/legal"
	"github.com/avalcredit/aval/services/receivables/internal/limitation"
	"github.com/avalcredit/aval/services/receivables/internal/postgres"
	"github.com/avalcredit/aval/services/receivables/internal/terms"
	"github.com/avalcredit/aval/services/receivables/internal/warning"
)

// LegalView is a case with the money that came on its items since it was opened.
type LegalView struct {
	legal.Case
	Recovered money.Money
}

// sourceLegal is the source of limitation events that a case made.
const sourceLegal = "LEGAL_CASE"

// OpenLegalCase opens a case about open items. Errors: NotFound CUSTOMER_UNKNOWN and ITEM_UNKNOWN, AlreadyExists
// LEGAL_CASE_EXISTS, FailedPrecondition ITEM_IN_CASE and ITEM_SETTLED.
func (s *Service) OpenLegalCase(ctx context.Context, req idem.Request, d legal.Case) (LegalView, error) {
	if _, err := s.customerFor(ctx, d.CustomerID, "legal_case.customer_id"); err != nil {
		return LegalView{}, err
	}
	out, err := record(ctx, s, req, func(ctx context.Context, c *postgres.Claims, act postgres.Act) (legal.Case, told, error) {
		open, err := c.OpenItems(ctx, d.CustomerID, d.ItemIDs, "legal_case.item_ids")
		if err != nil {
			return d, told{}, err
		}
		for _, id := range d.ItemIDs {
			if err := notInCase(ctx, c, id); err != nil {
				return d, told{}, err
			}
		}
		d.State, d.Claimed, d.OpenedBy, d.OpenDate = legal.Opened, open, act.Actor, act.Today
		if d.Owner == "" {
			d.Owner = act.Actor
		}
		return putCase(ctx, c, d, 1, "legal.open")
	})
	if err != nil {
		return LegalView{}, err
	}
	return s.legalView(ctx, out)
}

func notInCase(ctx context.Context, c *postgres.Claims, itemID string) error {
	cases, err := postgres.RecordsIn[legal.Case](ctx, c, RecordQuery{Kind: postgres.LegalCases, ItemID: itemID, Before: postgres.Newest, Limit: 1})
	if err == nil && len(cases) > 0 && cases[0].Body.State != legal.Closed {
		err = errs.New(errs.FailedPrecondition, "ITEM_IN_CASE", "item %s is in legal case %s", itemID, cases[0].Body.ID).
			With("item_id", itemID).With("legal_case_id", cases[0].Body.ID)
	}
	return err
}

func putCase(ctx context.Context, c *postgres.Claims, d legal.Case, version int, action string) (legal.Case, told, error) {
	err := c.Put(ctx, postgres.Record{
		Kind: postgres.LegalCases, ID: d.ID, Version: version, CustomerID: d.CustomerID, State: string(d.State), People: []string{d.Owner},
		ItemIDs: d.ItemIDs, Next: d.Deadline, Body: d,
	})
	return d, told{stream: "customer/" + d.CustomerID, action: action, subject: "legal case " + d.ID, detail: d}, err
}

// onCase changes a case.
func (s *Service) onCase(ctx context.Context, req idem.Request, id, action string, fn func(ctx context.Context, c *postgres.Claims, d legal.Case, act postgres.Act) (legal.Case, error)) (LegalView, error) {
	out, err := record(ctx, s, req, func(ctx context.Context, c *postgres.Claims, act postgres.Act) (legal.Case, told, error) {
		var d legal.Case
		version, err := c.Take(ctx, postgres.LegalCases, id, &d)
		if err != nil {
			return d, told{}, err
		}
		if d, err = fn(ctx, c, d, act); err != nil {
			return d, told{}, err
		}
		return putCase(ctx, c, d, version+1, action)
	})
	if err != nil {
		return LegalView{}, err
	}
	return s.legalView(ctx, out)
}

// RecordLegalStep records a step, and what it does to the limitation periods of the case's items. Errors: NotFound
// LEGAL_CASE_UNKNOWN, those of Case.Take.
func (s *Service) RecordLegalStep(ctx context.Context, req idem.Request, id string, step legal.Step) (LegalView, error) {
	policy, err := s.Policies.InForce(ctx, s.Clock.Today(ctx))
	if err != nil {
		return LegalView{}, err
	}
	return s.onCase(ctx, req, id, "legal.step", func(ctx context.Context, c *postgres.Claims, d legal.Case, act postgres.Act) (legal.Case, error) {
		step.RecordedBy = act.Actor
		kind := d.Interrupts(step)
		after, err := d.Take(step, policy.Claims.Legal, act.Today)
		if err != nil || kind == "" {
			return after, err
		}
		for _, item := range d.ItemIDs {
			err := c.AddLimitationEvent(ctx, limitation.Event{
				ID: caseEvent(d.ID, len(after.Steps), item), CustomerID: d.CustomerID, ItemID: item, Kind: kind, Date: step.Date,
				Evidence: fmt.Sprintf("legal case %s: %s %s", d.ID, step.Kind, step.Reference), Source: sourceLegal,
				RecordedBy: act.Actor, RecordDate: act.Today,
			})
			if err != nil {
				return after, err
			}
		}
		return after, nil
	})
}

func caseEvent(id string, step int, item string) string {
	return fmt.Sprintf("legal/%s/%d/%s", id, step, item)
}

// RecordLegalCost records a cost. Errors: NotFound LEGAL_CASE_UNKNOWN, those of Case.Spend.
func (s *Service) RecordLegalCost(ctx context.Context, req idem.Request, id string, cost legal.Cost) (LegalView, error) {
	return s.onCase(ctx, req, id, "legal.cost", func(_ context.Context, _ *postgres.Claims, d legal.Case, act postgres.Act) (legal.Case, error) {
		cost.RecordedBy = act.Actor
		return d.Spend(cost, act.Today)
	})
}

// CloseLegalCase closes a case; the limitation periods that its proceedings stopped begin anew. Errors: NotFound
// LEGAL_CASE_UNKNOWN, those of Case.Close.
func (s *Service) CloseLegalCase(ctx context.Context, req idem.Request, id string, o legal.Outcome, on calendar.Date, note string) (LegalView, error) {
	return s.onCase(ctx, req, id, "legal.close", func(ctx context.Context, c *postgres.Claims, d legal.Case, act postgres.Act) (legal.Case, error) {
		after, err := d.Close(o, on, act.Actor, note, act.Today)
		if err != nil {
			return after, err
		}
		var ids []string
		for step := range d.Steps {
			for _, item := range d.ItemIDs {
				ids = append(ids, caseEvent(d.ID, step+1, item))
			}
		}
		return after, c.EndProceedings(ctx, ids, on)
	})
}

// legalView adds what came in.
func (s *Service) legalView(ctx context.Context, d legal.Case) (LegalView, error) {
	received, err := s.store.ReceivedOn(ctx, d.ItemIDs, d.OpenDate)
	return LegalView{d, money.New(received, d.Claimed.Currency)}, err
}

// LegalCase returns a case of a customer within the caller's scope. Errors: NotFound LEGAL_CASE_UNKNOWN.
func (s *Service) LegalCase(ctx context.Context, id string) (LegalView, error) {
	var d legal.Case
	if err := s.store.Record(ctx, postgres.LegalCases, id, &d); err != nil {
		return LegalView{}, err
	}
	if err := s.visible(ctx, d.CustomerID); errs.KindOf(err) == errs.NotFound {
		return LegalView{}, postgres.LegalCases.Unknown(id)
	} else if err != nil {
		return LegalView{}, err
	}
	return s.legalView(ctx, d)
}

// LegalCases lists cases within the caller's scope, newest first, and the number after which the next page begins.
func (s *Service) LegalCases(ctx context.Context, q RecordQuery) ([]LegalView, int64, error) {
	q.Kind, q.Salesperson = postgres.LegalCases, scoped(ctx)
	found, next, err := pageOf[legal.Case](ctx, s, q)
	if err != nil {
		return nil, 0, err
	}
	out := make([]LegalView, len(found))
	for i, d := range found {
		if out[i], err = s.legalView(ctx, d); err != nil {
			return nil, 0, err
		}
	}
	return out, next, nil
}

// legalWatch watches the deadlines of open cases.
func (s *Service) legalWatch(p terms.Policy, today calendar.Date) watch {
	return watch{kind: warning.Legal, ahead: p.Claims.Legal.WarningDays, days: func(ctx context.Context, give func(context.Context, []warning.Deadline) error) error {
		return eachDue(ctx, s, postgres.LegalCases, today.AddDays(farthest(p.Claims.Legal.WarningDays)), func(ctx context.Context, d legal.Case) error {
			return give(ctx, []warning.Deadline{{
				Kind: warning.Legal, ObjectID: d.ID, CustomerID: d.CustomerID, LastDay: d.Deadline, Owner: d.Owner, Amount: d.Claimed,
				Text: fmt.Sprintf("legal case %s, at %s: %s by %s", d.ID, d.State, d.DeadlineText, d.Deadline),
			}})
		})
	}}
}
