package app

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"github.com/jackc/pgx/v5"

	"github.com/avalcredit/aval/pkg/authz"
	"github.com/avalcredit/aval/pkg/calendar"
	"github.com/avalcredit/aval/pkg/errs"
	"github.com/avalcredit/aval/pkg/idem"
	"github.com/avalcredit/aval/pkg/money"
	"github.com/avalcredit/aval/pkg/pg"
	"github.com/avalcredit/aval/services/receivables/internal/limitation"
	"github.com/avalcredit/aval/services/receivables/internal/postgres"
	"github.com/avalcredit/aval/services/receivables/internal/terms"
	"github.com/avalcredit/aval/services/receivables/internal/warning"
)

// Sweep is what a look for warnings gave.
type Sweep struct{ Given, Late int64 }

// watch is one kind of days that are watched.
type watch struct {
	kind  warning.Kind
	ahead []int // falling
	// days calls give with every day that a warning may be due of, in batches.
	days func(ctx context.Context, give func(ctx context.Context, days []warning.Deadline) error) error
}

// watches are all kinds of days that the policy wants warned of.
func (s *Service) watches(p terms.Policy, today calendar.Date) []watch {
	return append([]watch{s.limitationWatch(p.Claims.Limitation, today), s.legalWatch(p, today), s.planWatch(p, today)}, s.securityWatches(p, today)...)
}

// GiveWarnings gives the warnings that are due and were not given, each in a transaction with its record.
func (s *Service) GiveWarnings(ctx context.Context) (Sweep, error) {
	act := s.act(ctx)
	var out Sweep
	policy, err := s.Policies.InForce(ctx, act.Today)
	if err != nil {
		return out, err
	}
	for _, w := range s.watches(policy, act.Today) {
		err := w.days(ctx, func(ctx context.Context, days []warning.Deadline) error {
			return pg.InTx(ctx, s.Pool, func(ctx context.Context, tx pgx.Tx) error {
				given, err := give(ctx, tx, act, w, days)
				out.Given, out.Late = out.Given+given.Given, out.Late+given.Late
				return err
			})
		})
		if err != nil {
			return out, err
		}
	}
	return out, nil
}

func give(ctx context.Context, tx pgx.Tx, act postgres.Act, w watch, days []warning.Deadline) (Sweep, error) {
	var out Sweep
	c := postgres.NewClaims(tx, act)
	ids := make([]string, len(days))
	for i, d := range days {
		ids[i] = d.ObjectID
	}
	given, err := c.WarningsGiven(ctx, w.kind, ids)
	if err != nil {
		return out, err
	}
	for _, d := range days {
		next, due := warning.Next(d, w.ahead, given[postgres.Given{ObjectID: d.ObjectID, LastDay: d.LastDay}], act.Today)
		if !due {
			continue
		}
		fresh, err := c.AddWarning(ctx, next)
		if err != nil {
			return Sweep{}, err
		}
		if !fresh { // another replica was first
			continue
		}
		t := told{stream: "warnings", action: "warning.give", subject: string(d.Kind) + " " + d.ObjectID, detail: next}
		if err := trail(ctx, tx, act, t); err != nil {
			return Sweep{}, err
		}
		out.Given++
		if next.LateDays > 0 {
			out.Late++
		}
	}
	return out, nil
}

// limitationWatch watches the periods of old open items; younger ones cannot be near their end, whatever happened.
func (s *Service) limitationWatch(rules limitation.Rules, today calendar.Date) watch {
	return watch{kind: warning.Limitation, ahead: rules.WarningDays, days: func(ctx context.Context, give func(context.Context, []warning.Deadline) error) error {
		q := limitation.Query{Until: today.AddDays(farthest(rules.WarningDays)).AddMonths(-12*rules.Years, 0).AddDays(1), Limit: claimsAPage}
		for {
			claims, err := s.store.OpenClaims(ctx, q)
			if err != nil || len(claims) == 0 {
				return err
			}
			periods, err := s.periods(ctx, claims, rules, today)
			if err != nil {
				return err
			}
			days := make([]warning.Deadline, len(periods))
			for i, p := range periods {
				days[i] = warning.Deadline{
					Kind: warning.Limitation, ObjectID: p.Item.ID, CustomerID: p.Item.CustomerID, LastDay: p.LastDay, Owner: p.Item.Responsible,
					Amount: p.Item.Open, Text: fmt.Sprintf("the limitation period of item %s ends with %s", p.Item.ID, p.LastDay),
				}
			}
			if err := give(ctx, days); err != nil {
				return err
			}
			last := claims[len(claims)-1]
			q.AfterDue, q.AfterID = last.OwnDue, last.ID
		}
	}}
}

// Warnings lists warnings within the caller's scope, newest first.
func (s *Service) Warnings(ctx context.Context, q warning.Query) ([]warning.Warning, error) {
	q.Salesperson = scoped(ctx)
	return s.store.Warnings(ctx, q)
}

// AcknowledgeWarning is the answer to a warning. Errors: NotFound WARNING_UNKNOWN, those of Warning.Acknowledge.
func (s *Service) AcknowledgeWarning(ctx context.Context, req idem.Request, number int64, note string) (warning.Warning, error) {
	w, err := s.store.Warning(ctx, number)
	if err != nil {
		return w, err
	}
	own := !authz.ScopeOf(ctx).All
	if err := s.visible(ctx, w.CustomerID); err != nil && (errs.KindOf(err) != errs.NotFound || w.Owner != Actor(ctx)) {
		if errs.KindOf(err) == errs.NotFound {
			return warning.Warning{}, errs.New(errs.NotFound, "WARNING_UNKNOWN", "there is no warning %s", w.ID()).With("warning_id", w.ID())
		}
		return warning.Warning{}, err
	}
	return record(ctx, s, req, func(ctx context.Context, c *postgres.Claims, act postgres.Act) (warning.Warning, told, error) {
		w, err := c.Warning(ctx, number)
		if err != nil {
			return w, told{}, err
		}
		if w, err = w.Acknowledge(act.Actor, note, own, act.Today); err != nil {
			return w, told{}, err
		}
		return w, told{stream: "warnings", action: "warning.acknowledge", subject: w.ID(), detail: w}, c.AcknowledgeWarning(ctx, w)
	})
}

// farthest of the days ahead, which fall.
func farthest(ahead []int) int {
	if len(ahead) == 0 {
		return 0
	}
	return ahead[0]
}

// owner is whom a warning about a customer is given to: its salesperson; empty: nobody.
func (s *Service) owner(ctx context.Context, customerID string) string {
	c, err := s.store.Customer(ctx, customerID)
	if err != nil {
		s.Log.WarnContext(ctx, "a warning has no owner", "customer_id", customerID, "error", err)
	}
	return c.Salesperson
}

// eachDue calls fn with every record whose day is on or before until.
func eachDue[T any](ctx context.Context, s *Service, kind postgres.Kind, until calendar.Date, fn func(ctx context.Context, record T) error) error {
	for after := int64(0); ; {
		found, err := postgres.RecordsDue[T](ctx, s.store, kind, until, after, claimsAPage)
		if err != nil || len(found) == 0 {
			return err
		}
		for _, r := range found {
			if err := fn(ctx, r.Body); err != nil {
				return err
			}
		}
		after = found[len(found)-1].Number
	}
}

// eachRecord calls fn with every record that the query finds, newest first.
func eachRecord[T any](ctx context.Context, s *Service, q RecordQuery, fn func(ctx context.Context, record T) error) error {
	q.Before, q.Limit = postgres.Newest, claimsAPage
	for {
		found, err := postgres.Records[T](ctx, s.store, q)
		if err != nil || len(found) == 0 {
			return err
		}
		for _, r := range found {
			if err := fn(ctx, r.Body); err != nil {
				return err
			}
		}
		q.Before = found[len(found)-1].Number
	}
}

// sorted are sums by currency, in the order of the currencies.
func sorted(sums map[string]money.Money) []money.Money {
	var out []money.Money
	for _, currency := range slices.Sorted(maps.Keys(sums)) {
		out = append(out, sums[currency])
	}
	return out
}
