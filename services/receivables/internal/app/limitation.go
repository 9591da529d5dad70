package app

import (
	"context"

	"github.com/avalcredit/aval/pkg/calendar"
	"github.com/avalcredit/aval/pkg/errs"
	"github.com/avalcredit/aval/pkg/idem"
	"github.com/avalcredit/aval/services/receivables/internal/limitation"
	"github.com/avalcredit/aval/services/receivables/internal/postgres"
)

// Limitation returns the period of an open item as of a day (none: today). Errors: NotFound ITEM_UNKNOWN.
func (s *Service) Limitation(ctx context.Context, itemID string, asOf calendar.Date) (limitation.Period, error) {
	claim, err := s.store.OpenClaim(ctx, itemID)
	if err != nil {
		return limitation.Period{}, err
	}
	if err := s.visible(ctx, claim.CustomerID); errs.KindOf(err) == errs.NotFound {
		return limitation.Period{}, errs.New(errs.NotFound, "ITEM_UNKNOWN", "there is no open item %s", itemID).With("item_id", itemID)
	} else if err != nil {
		return limitation.Period{}, err
	}
	if asOf.IsZero() {
		asOf = s.Clock.Today(ctx)
	}
	rules, err := s.limitationRules(ctx)
	if err != nil {
		return limitation.Period{}, err
	}
	periods, err := s.periods(ctx, []postgres.OpenClaim{claim}, rules, asOf)
	if err != nil {
		return limitation.Period{}, err
	}
	return periods[0], nil
}

func (s *Service) limitationRules(ctx context.Context) (limitation.Rules, error) {
	p, err := s.Policies.InForce(ctx, s.Clock.Today(ctx))
	return p.Claims.Limitation, err
}

// periods computes the periods of open items.
func (s *Service) periods(ctx context.Context, claims []postgres.OpenClaim, rules limitation.Rules, asOf calendar.Date) ([]limitation.Period, error) {
	facts, err := s.store.LimitationFacts(ctx, claims)
	if err != nil {
		return nil, err
	}
	out := make([]limitation.Period, len(claims))
	for i, c := range claims {
		c.DueDate = c.OwnDue
		if rules.FromLastInstalment {
			c.DueDate = c.LastDue
		}
		out[i] = limitation.Of(c.Item, facts[c.ID], rules, asOf)
	}
	return out, nil
}

// claimsAPage bounds how many open items are looked at for one page.
const claimsAPage = 500

// Limitations lists periods of open items within the caller's scope, oldest due first. With within (days) only those that end
// within so many days or have ended: a page may then be short, and next says where to go on.
func (s *Service) Limitations(ctx context.Context, q limitation.Query, within int) (list []limitation.Period, next *limitation.Query, err error) {
	rules, err := s.limitationRules(ctx)
	if err != nil {
		return nil, nil, err
	}
	today, size := s.Clock.Today(ctx), q.Limit
	q.Salesperson = scoped(ctx)
	if within > 0 {
		// No period is shorter than its years from its own due date.
		q.Until, q.Limit = today.AddDays(within).AddMonths(-12*rules.Years, 0).AddDays(1), claimsAPage
	}
	q.Limit++
	claims, err := s.store.OpenClaims(ctx, q)
	if err != nil {
		return nil, nil, err
	}
	more := len(claims) == q.Limit
	if more {
		claims = claims[:q.Limit-1]
	}
	periods, err := s.periods(ctx, claims, rules, today)
	if err != nil {
		return nil, nil, err
	}
	for i, p := range periods {
		if within > 0 && (p.LastDay.IsZero() || p.LastDay.DaysSince(today) > within) {
			continue
		}
		if len(list) == size {
			return list, after(q, claims[i-1]), nil
		}
		list = append(list, p)
	}
	if more {
		next = after(q, claims[len(claims)-1])
	}
	return list, next, nil
}

func after(q limitation.Query, c postgres.OpenClaim) *limitation.Query {
	q.AfterDue, q.AfterID = c.OwnDue, c.ID
	return &q
}

// RecordLimitationEvent records a fact about limitation periods. Errors: NotFound CUSTOMER_UNKNOWN and ITEM_UNKNOWN,
// AlreadyExists LIMITATION_EVENT_EXISTS, those of Event.Check.
func (s *Service) RecordLimitationEvent(ctx context.Context, req idem.Request, e limitation.Event) (limitation.Event, error) {
	const prefix = "limitation_event."
	if _, err := s.customerFor(ctx, e.CustomerID, prefix+"customer_id"); err != nil {
		return e, err
	}
	if err := e.Check(prefix, s.Clock.Today(ctx)); err != nil {
		return e, err
	}
	return record(ctx, s, req, func(ctx context.Context, c *postgres.Claims, act postgres.Act) (limitation.Event, told, error) {
		if e.ItemID != "" {
			if err := c.CheckItem(ctx, e.CustomerID, e.ItemID, prefix+"item_id"); err != nil {
				return e, told{}, err
			}
		}
		e.Source, e.RecordedBy, e.RecordDate = limitation.SourceRecorded, act.Actor, act.Today
		return e, limitationTold("limitation.record", e), c.AddLimitationEvent(ctx, e)
	})
}

func limitationTold(action string, e limitation.Event) told {
	return told{stream: "customer/" + e.CustomerID, action: action, subject: "limitation event " + e.ID, detail: e}
}

// EndLimitationEvent says when a proceeding or an obstacle ended. Errors: NotFound LIMITATION_EVENT_UNKNOWN, those of
// Event.Finish.
func (s *Service) EndLimitationEvent(ctx context.Context, req idem.Request, id string, end calendar.Date) (limitation.Event, error) {
	return record(ctx, s, req, func(ctx context.Context, c *postgres.Claims, act postgres.Act) (limitation.Event, told, error) {
		e, err := c.LimitationEvent(ctx, id)
		if err != nil {
			return e, told{}, err
		}
		if e, err = e.Finish(end, act.Today); err != nil {
			return e, told{}, err
		}
		return e, limitationTold("limitation.end", e), c.EndLimitationEvent(ctx, e)
	})
}

// WithdrawLimitationEvent takes a fact back. Errors: NotFound LIMITATION_EVENT_UNKNOWN, FailedPrecondition
// LIMITATION_EVENT_WITHDRAWN.
func (s *Service) WithdrawLimitationEvent(ctx context.Context, req idem.Request, id, reason string) (limitation.Event, error) {
	return record(ctx, s, req, func(ctx context.Context, c *postgres.Claims, act postgres.Act) (limitation.Event, told, error) {
		e, err := c.LimitationEvent(ctx, id)
		if err != nil {
			return e, told{}, err
		}
		if e, err = e.Withdraw(act.Actor, reason); err != nil {
			return e, told{}, err
		}
		return e, limitationTold("limitation.withdraw", e), c.WithdrawLimitationEvent(ctx, e)
	})
}
