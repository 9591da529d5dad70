package app

import (
	"context"
	"slices"

	"github.com/avalcredit/aval/pkg/calendar"
	"github.com/avalcredit/aval/pkg/errs"
	"github.com/avalcredit/aval/pkg/idem"
	"github.com/avalcredit/aval/services/receivables/internal/charge"
	"github.com/avalcredit/aval/services/receivables/internal/postgres"
)

type (
	// ChargeRun is a month that was charged.
	ChargeRun = postgres.ChargeRun
	// ChargeQuery asks for lines.
	ChargeQuery = postgres.ChargeQuery
	// ChargeLine is a line with its month.
	ChargeLine = postgres.ChargeLine
	// Supervision is what is not met in one sales unit.
	Supervision = postgres.Supervision
)

// customersABatch bounds how many customers are charged with what is held in memory.
const customersABatch = 200

// RunCharges charges the month that a day lies in, by the policy of its last day. Errors: those of charge.Check.
func (s *Service) RunCharges(ctx context.Context, req idem.Request, day calendar.Date) (ChargeRun, error) {
	first, last := calendar.New(day.Year(), day.Month(), 1), day.EndOfMonth()
	policy, err := s.Policies.InForce(ctx, last)
	if err != nil {
		return ChargeRun{}, err
	}
	_, err = record(ctx, s, req, func(ctx context.Context, c *postgres.Claims, act postgres.Act) (int64, told, error) {
		newest, err := c.NewestCharged(ctx)
		if err != nil {
			return 0, told{}, err
		}
		if err := charge.Check(first, newest, act.Today); err != nil {
			return 0, told{}, err
		}
		run := ChargeRun{Month: first, PolicyVersion: policy.Version, RunBy: act.Actor, RunDate: act.Today}
		if run.Lines, err = chargeAll(ctx, c, policy.Claims.Charges, first, last); err != nil {
			return 0, told{}, err
		}
		return run.Lines, told{stream: "responsibility", action: "charges.run", subject: first.String()[:7], detail: run}, c.AddChargeRun(ctx, run)
	})
	if err != nil {
		return ChargeRun{}, err
	}
	return s.store.ChargeRun(ctx, first)
}

func chargeAll(ctx context.Context, c *postgres.Claims, r charge.Rules, first, last calendar.Date) (int64, error) {
	var lines int64
	for after := ""; ; {
		customers, err := c.ChargedCustomers(ctx, after, customersABatch)
		if err != nil || len(customers) == 0 {
			return lines, err
		}
		items, err := c.ChargedItems(ctx, customers, first, last)
		if err != nil {
			return lines, err
		}
		limits, err := c.LimitsOf(ctx, customers)
		if err != nil {
			return lines, err
		}
		var batch []charge.Line
		for _, id := range customers {
			batch = append(batch, charge.Month(items[id], limits[id], r, last)...)
		}
		if err := c.AddCharges(ctx, first, batch); err != nil {
			return lines, err
		}
		lines, after = lines+int64(len(batch)), customers[len(customers)-1]
	}
}

// Charged returns the charges of a month. Errors: NotFound MONTH_NOT_CHARGED.
func (s *Service) Charged(ctx context.Context, month calendar.Date) (ChargeRun, error) {
	return s.store.ChargeRun(ctx, month)
}

// Charges lists lines, newest month first. A salesperson finds its own.
func (s *Service) Charges(ctx context.Context, q ChargeQuery) ([]ChargeLine, error) {
	if by := person(ctx); by.Only {
		if q.Person != "" && q.Person != by.Subject {
			return nil, nil
		}
		q.Person = by.Subject
	}
	return s.store.Charges(ctx, q)
}

// Supervisor is who supervises a sales unit; no unit: the whole company.
type Supervisor struct {
	UnitID  string        `json:"unit_id"`
	Person  string        `json:"person"`
	From    calendar.Date `json:"from_date"`
	NamedBy string        `json:"named_by"`
}

// NameSupervisor names who supervises a sales unit from today on.
func (s *Service) NameSupervisor(ctx context.Context, req idem.Request, unitID, subject string) (Supervisor, error) {
	return record(ctx, s, req, func(ctx context.Context, c *postgres.Claims, act postgres.Act) (Supervisor, told, error) {
		var before Supervisor
		version, err := c.Take(ctx, postgres.Supervisors, "unit/"+unitID, &before)
		if err != nil && errs.KindOf(err) != errs.NotFound {
			return before, told{}, err
		}
		now := Supervisor{UnitID: unitID, Person: subject, From: act.Today, NamedBy: act.Actor}
		err = c.Put(ctx, postgres.Record{Kind: postgres.Supervisors, ID: "unit/" + unitID, Version: version + 1, People: []string{subject}, Body: now})
		return now, told{stream: "responsibility", action: "supervisor.name", subject: "unit/" + unitID, detail: now}, err
	})
}

// mostUnits bounds the sales units that have supervisors.
const mostUnits = 10_000

// Supervision says what is not met today by sales unit, and who supervises.
func (s *Service) Supervision(ctx context.Context) ([]Supervision, []Supervisor, error) {
	today := s.Clock.Today(ctx)
	policy, err := s.Policies.InForce(ctx, today)
	if err != nil {
		return nil, nil, err
	}
	named, err := postgres.Records[Supervisor](ctx, s.store, RecordQuery{Kind: postgres.Supervisors, Before: postgres.Newest, Limit: mostUnits})
	if err != nil {
		return nil, nil, err
	}
	var supervisors []Supervisor
	var units []string
	for _, n := range slices.Backward(named) {
		supervisors = append(supervisors, n.Body)
		if n.Body.UnitID != "" {
			units = append(units, n.Body.UnitID)
		}
	}
	found, err := s.store.Supervision(ctx, today, policy.Claims.Charges.SupervisionDays, units)
	return found, supervisors, err
}
