package app

import (
	"cmp"
	"context"
	"encoding/json"
	"maps"
	"slices"

	"github.com/avalcredit/aval/pkg/authz"
	"github.com/avalcredit/aval/pkg/calendar"
	"github.com/avalcredit/aval/pkg/money"
	"github.com/avalcredit/aval/services/receivables/internal/dispute"
	"github.com/avalcredit/aval/services/receivables/internal/postgres"
	"github.com/avalcredit/aval/services/receivables/internal/promise"
	"github.com/avalcredit/aval/services/receivables/internal/terms"
	"github.com/avalcredit/aval/services/receivables/internal/worklist"
)

// Worklist is what a collector has to do, most urgent first.
type Worklist struct {
	Cases []worklist.Ranked
	// Badge is how many promises of its customers have a date that is near or was missed.
	Badge int
}

// Worklist ranks the customers of a collector that owe what is overdue or want attention, within the caller's scope.
func (s *Service) Worklist(ctx context.Context, collector string) (Worklist, error) {
	ids, err := postgres.CustomersOfCollector(ctx, s.Pool, collector)
	if err != nil {
		return Worklist{}, err
	}
	policy, err := s.Policies.InForce(ctx, s.Clock.Today(ctx))
	if err != nil {
		return Worklist{}, err
	}
	cases, badge, err := s.cases(ctx, ids, policy.Collection)
	if err != nil {
		return Worklist{}, err
	}
	today := s.Clock.Today(ctx)
	cases = slices.DeleteFunc(cases, func(c worklist.Case) bool {
		attention := c.BrokenPromises > 0 || c.PromisesNear > 0 || c.DisputeLate || !c.NextAction.IsZero() && !c.NextAction.After(today)
		return !authz.ScopeOf(ctx).Allows(c.Salesperson) || c.Overdue.IsZero() && !attention
	})
	return Worklist{Cases: worklist.Rank(cases, policy.Collection.Points, today), Badge: badge}, nil
}

// cases gathers what is known of customers, and counts their promises with a badge.
func (s *Service) cases(ctx context.Context, ids []string, p terms.Collection) ([]worklist.Case, int, error) {
	today := s.Clock.Today(ctx)
	known, err := s.store.Behaviours(ctx, ids, today)
	if err != nil {
		return nil, 0, err
	}
	byID := make(map[string]*worklist.Case, len(known))
	for id, b := range known {
		if !authz.ScopeOf(ctx).Allows(b.Salesperson) {
			continue
		}
		zero := money.Zero(b.Currency)
		c := &worklist.Case{
			CustomerID: id, DisplayName: b.DisplayName, Salesperson: b.Salesperson, AverageLate: b.AverageLate, Overdue: zero, Disputed: zero, Promised: zero,
			Receivable: money.New(b.Receivable, b.Currency), LastContact: b.LastContact, NextAction: b.NextAction,
		}
		if b.Limit != nil {
			limit := money.New(*b.Limit, b.Currency)
			c.Limit = &limit
		}
		byID[id] = c
	}
	found, err := postgres.DebtorsByID(ctx, s.Pool, slices.Sorted(maps.Keys(byID)), postgres.Window{Day: today, Before: today})
	if err != nil {
		return nil, 0, err
	}
	for _, d := range found {
		owes(byID[d.ID], d, p, today)
	}
	badge, err := s.promisesOf(ctx, byID, p.PromiseRemindDays)
	if err != nil {
		return nil, 0, err
	}
	out := make([]worklist.Case, 0, len(byID))
	for _, id := range slices.Sorted(maps.Keys(byID)) {
		out = append(out, *byID[id])
	}
	return out, badge, nil
}

func owes(c *worklist.Case, d postgres.Debtor, p terms.Collection, today calendar.Date) {
	strategy, _ := p.Dunning.For(d.Customer, today)
	c.LetterDate = d.LetterDate
	for _, i := range d.Items {
		zero := money.Zero(i.Open.Currency)
		if c.Overdue.Currency != zero.Currency {
			c.Overdue, c.Disputed, c.Promised, c.Receivable = zero, zero, zero, money.New(c.Receivable.Minor, zero.Currency)
		}
		c.Overdue = c.Overdue.Add(i.Open)
		if i.Disputed {
			c.Disputed = c.Disputed.Add(i.Open)
		}
		if i.Promised {
			c.Promised = c.Promised.Add(i.Open)
		}
		c.OldestDays, c.Level = max(c.OldestDays, today.DaysSince(i.DueDate)), max(c.Level, i.Level)
		reached := strategy.Reached(i.Level)
		c.Call, c.HandToLegal = c.Call || reached.Call, c.HandToLegal || reached.HandToLegal
	}
}

// promisesOf tells cases of their promises and disputes, and counts the promises with a badge.
func (s *Service) promisesOf(ctx context.Context, byID map[string]*worklist.Case, remind int) (int, error) {
	today := s.Clock.Today(ctx)
	records, err := postgres.LiveRecords(ctx, s.Pool, slices.Collect(maps.Keys(byID)), postgres.RecordPromise, postgres.RecordDispute)
	if err != nil {
		return 0, err
	}
	var promises []postgres.CollectionRecord
	for _, r := range records {
		if r.Kind == postgres.RecordPromise {
			promises = append(promises, r)
			continue
		}
		var d dispute.Dispute
		if err := json.Unmarshal(r.Body, &d); err != nil {
			return 0, err
		}
		byID[r.CustomerID].DisputeLate = byID[r.CustomerID].DisputeLate || d.Late(today)
	}
	judged, err := postgres.Judge(ctx, s.Pool, promises, today)
	if err != nil {
		return 0, err
	}
	badges := 0
	for _, j := range judged {
		switch j.Badge(remind, today) {
		case promise.BadgeRemind:
			byID[j.Record.CustomerID].PromisesNear++
			badges++
		case promise.BadgeOverdue:
			badges++
		case promise.BadgeNone:
		}
	}
	broken, err := s.store.Broken(ctx, promises, today)
	for id, n := range broken {
		byID[id].BrokenPromises = n
	}
	return badges, err
}

// Collector is one collector as a supervisor sees it.
type Collector struct {
	postgres.CollectorRow
	Broken int
}

// brokenDays is how far back promises are counted that are still broken.
const brokenDays = 2 * 366

// Overview tells what collectors look after and did, by name; zero dates are this month so far.
func (s *Service) Overview(ctx context.Context, from, to calendar.Date) ([]Collector, error) {
	if to.IsZero() {
		to = s.Clock.Today(ctx)
	}
	if from.IsZero() {
		from = calendar.New(to.Year(), to.Month(), 1)
	}
	found, err := s.store.Overview(ctx, from, to)
	if err != nil {
		return nil, err
	}
	broken, err := s.store.BrokenByCollector(ctx, to.AddDays(-brokenDays), to)
	if err != nil {
		return nil, err
	}
	var out []Collector
	for _, r := range found {
		out = append(out, Collector{CollectorRow: *r, Broken: broken[r.Collector]})
	}
	slices.SortFunc(out, func(a, b Collector) int { return cmp.Compare(a.Collector, b.Collector) })
	return out, nil
}
