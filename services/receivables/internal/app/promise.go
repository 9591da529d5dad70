package app

import (
	"context"
	"encoding/json"
	"slices"
	"strconv"

	"github.com/avalcredit/aval/pkg/authz"
	"github.com/avalcredit/aval/pkg/calendar"
	"github.com/avalcredit/aval/pkg/errs"
	"github.com/avalcredit/aval/pkg/idem"
	"github.com/avalcredit/aval/pkg/money"
	"github.com/avalcredit/aval/services/receivables/internal/invoice"
	"github.com/avalcredit/aval/services/receivables/internal/limitation"
	"github.com/avalcredit/aval/services/receivables/internal/postgres"
	"github.com/avalcredit/aval/services/receivables/internal/promise"
)

// Promise is a promise with where it stands.
type Promise = postgres.Judged

// ofCollector finds a customer that is in the caller's scope; field is the path of its id.
func (s *Service) ofCollector(ctx context.Context, id, field string) (Customer, error) {
	customer, err := s.customerFor(ctx, id, field)
	if err == nil && !authz.ScopeOf(ctx).Allows(customer.Salesperson) {
		err = inField(postgres.Unknown("CUSTOMER_UNKNOWN", "customer", id), field)
	}
	return customer, err
}

// RecordPromise records a promise to pay; without items it is for all that are overdue. Errors: NotFound
// CUSTOMER_UNKNOWN and ITEM_UNKNOWN, AlreadyExists PROMISE_EXISTS, FailedPrecondition PROMISE_OPEN and NOTHING_OPEN,
// those of promise.New and promise.Further.
func (s *Service) RecordPromise(ctx context.Context, req idem.Request, d promise.Draft) (Promise, error) {
	customer, err := s.ofCollector(ctx, d.CustomerID, "promise.customer_id")
	if err != nil {
		return Promise{}, err
	}
	policy, err := s.Policies.InForce(ctx, s.Clock.Today(ctx))
	if err != nil {
		return Promise{}, err
	}
	id, err := write(ctx, s, req, customer, func(ctx context.Context, c *change) (string, error) {
		d.CustomerID = c.customer.ID
		items, err := c.openItems(ctx, d.ItemIDs, "promise.item_ids")
		if err != nil {
			return "", err
		}
		open := money.Zero(c.Currency())
		for _, i := range items {
			open = open.Add(i.Open)
		}
		p, err := promise.New(d, promise.Recording{
			Currency: c.Currency(), Open: open, Grace: policy.Collection.PromiseGraceDays, Today: c.act.Today, Now: c.act.Now, Actor: c.act.Actor,
		})
		if err != nil {
			return "", err
		}
		p.ItemIDs = nil
		for _, i := range items {
			p.ItemIDs = append(p.ItemIDs, i.ID)
		}
		if err := c.notPromised(ctx, p.ItemIDs); err != nil {
			return "", err
		}
		if err := c.mayPromise(ctx, p.ItemIDs, policy.Collection.FailedPromises); err != nil {
			return "", err
		}
		r, err := promiseRecord(p, c.act.Today)
		if err != nil {
			return "", err
		}
		r.After = c.ApplicationSequence()
		if err := postgres.AddRecord(ctx, c.tx, r, c.act); err != nil {
			return "", err
		}
		if err := c.acknowledged(ctx, p); err != nil {
			return "", err
		}
		c.untold = true // an open promise is of no weight at the gate
		return p.ID, c.tell("promise.record", "promise "+p.ID, p)
	})
	if err != nil {
		return Promise{}, err
	}
	return s.Promise(ctx, id)
}

// sourcePromise is the source of limitation events that a promise made.
const sourcePromise = "PROMISE"

// acknowledged records that whoever promises to pay acknowledges the debt: the limitation periods of its items begin anew.
func (c *change) acknowledged(ctx context.Context, p promise.Promise) error {
	claims, evidence := postgres.NewClaims(c.tx, c.act), "promise "+p.ID
	if p.PromisedBy != "" {
		evidence += " of " + p.PromisedBy
	}
	for n, item := range p.ItemIDs {
		err := claims.AddLimitationEvent(ctx, limitation.Event{
			ID: promiseEvent(p.ID, n), CustomerID: p.CustomerID, ItemID: item, Kind: limitation.Acknowledgement, Date: p.RecordDate,
			Evidence: evidence, Source: sourcePromise, RecordedBy: c.act.Actor, RecordDate: c.act.Today,
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// promiseEvent is the id of what a promise is for the n-th of its items.
func promiseEvent(id string, n int) string { return "promise/" + id + "/" + strconv.Itoa(n+1) }

// notAcknowledged takes back what a promise was for limitation periods; what somebody took back before stays as it is.
func (c *change) notAcknowledged(ctx context.Context, p promise.Promise) error {
	claims := postgres.NewClaims(c.tx, c.act)
	for n := range p.ItemIDs {
		e, err := claims.LimitationEvent(ctx, promiseEvent(p.ID, n))
		if errs.KindOf(err) == errs.NotFound {
			continue // recorded before promises were acknowledgements
		}
		if err != nil {
			return err
		}
		if e, err = e.Withdraw(c.act.Actor, "promise withdrawn: "+p.WithdrawReason); err != nil {
			continue // withdrawn by itself before
		}
		if err := claims.WithdrawLimitationEvent(ctx, e); err != nil {
			return err
		}
	}
	return nil
}

// openItems are the customer's open items that are named, else those that are overdue.
func (c *change) openItems(ctx context.Context, named []string, field string) ([]postgres.OpenItem, error) {
	items, err := postgres.OpenItems(ctx, c.tx, c.customer.ID, c.Currency())
	if err != nil {
		return nil, err
	}
	if len(named) == 0 {
		items = slices.DeleteFunc(items, func(i postgres.OpenItem) bool { return !c.act.Today.After(i.DueDate) })
		if len(items) == 0 {
			return nil, errs.New(errs.FailedPrecondition, "NOTHING_OPEN", "customer %s owes nothing that is overdue", c.customer.ID)
		}
		return items, nil
	}
	var out []postgres.OpenItem
	for _, id := range named {
		n := slices.IndexFunc(items, func(i postgres.OpenItem) bool { return i.ID == id })
		if n >= 0 {
			out = append(out, items[n])
			continue
		}
		known, err := postgres.HasItem(ctx, c.tx, c.customer.ID, id)
		if err != nil {
			return nil, err
		}
		if known {
			return nil, errs.New(errs.FailedPrecondition, "NOTHING_OPEN", "nothing is open of item %s", id).With("item_id", id).With("field", field)
		}
		return nil, postgres.Unknown("ITEM_UNKNOWN", "item", id).With("field", field)
	}
	return out, nil
}

// notPromised refuses items of which a promise is open.
func (c *change) notPromised(ctx context.Context, ids []string) error {
	records, err := postgres.LiveRecords(ctx, c.tx, []string{c.customer.ID}, postgres.RecordPromise)
	if err != nil {
		return err
	}
	judged, err := postgres.Judge(ctx, c.tx, records, c.act.Today)
	if err != nil {
		return err
	}
	for _, j := range judged {
		if j.State != promise.StateOpen {
			continue
		}
		for _, id := range j.Record.ItemIDs {
			if slices.Contains(ids, id) {
				return errs.New(errs.FailedPrecondition, "PROMISE_OPEN", "promise %s of item %s is open: withdraw it first", j.Record.ID, id).
					With("promise_id", j.Record.ID).With("item_id", id)
			}
		}
	}
	return nil
}

// mayPromise holds a further promise for items to how often promises for them failed.
func (c *change) mayPromise(ctx context.Context, ids []string, most int) error {
	if most == 0 {
		return nil
	}
	records, err := postgres.PromisesFor(ctx, c.tx, c.customer.ID, ids)
	if err != nil {
		return err
	}
	failed, err := postgres.FailedPromises(ctx, c.tx, records, c.act.Today)
	if err != nil {
		return err
	}
	return promise.Further(ids, failed, most, promise.Recorder{Subject: c.act.Actor, Manager: isManager(ctx)})
}

// isManager tells whether the caller is in charge of credit or finance.
func isManager(ctx context.Context) bool {
	return slices.ContainsFunc(mayForgive, func(role string) bool { return slices.Contains(rolesOf(ctx), role) })
}

func promiseRecord(p promise.Promise, day calendar.Date) (postgres.CollectionRecord, error) {
	body, err := json.Marshal(p)
	last := p.Parts[len(p.Parts)-1].Date.AddDays(p.GraceDays)
	r := postgres.CollectionRecord{
		Kind: postgres.RecordPromise, ID: p.ID, CustomerID: p.CustomerID, Owner: p.RecordedBy, ItemIDs: p.ItemIDs, Live: p.WithdrawDate.IsZero(),
		From: p.RecordDate, Until: last, Next: p.NextJudgement(day), Body: body,
	}
	if len(p.ItemIDs) == 1 {
		amount := p.Amount().Minor
		r.Amount = &amount
	}
	if !r.Live {
		r.Until, r.Next = p.WithdrawDate.AddDays(-1), calendar.Date{}
	}
	return r, err
}

// mayForgive are the roles that take back a promise whose date was missed, and let a customer promise again whose promises failed.
var mayForgive = []string{"CREDIT_MANAGER", "FINANCE_MANAGER"}

// forgives refuses to take back a promise that was missed to all who are in charge of neither credit nor finance, and to whoever
// recorded it.
func (c *change) forgives(ctx context.Context, r postgres.CollectionRecord, p promise.Promise) error {
	judged, err := postgres.Judge(ctx, c.tx, []postgres.CollectionRecord{r}, c.act.Today)
	if err != nil || judged[0].BrokenOn.IsZero() {
		return err
	}
	if c.act.Actor == p.RecordedBy || !isManager(ctx) {
		return errs.New(errs.PermissionDenied, "PROMISE_MISSED", "promise %s was missed: only another person who is credit or finance manager takes it back", p.ID).
			With("promise_id", p.ID).With("broken_date", judged[0].BrokenOn.String())
	}
	return nil
}

// WithdrawPromise takes a promise back. Errors: NotFound PROMISE_UNKNOWN, FailedPrecondition PROMISE_WITHDRAWN,
// PermissionDenied PROMISE_MISSED.
func (s *Service) WithdrawPromise(ctx context.Context, req idem.Request, id, reason string) (Promise, error) {
	err := s.onRecord(ctx, req, postgres.RecordPromise, id, func(ctx context.Context, c *change, r postgres.CollectionRecord) (postgres.CollectionRecord, error) {
		var p promise.Promise
		if err := json.Unmarshal(r.Body, &p); err != nil {
			return r, err
		}
		if err := c.forgives(ctx, r, p); err != nil {
			return r, err
		}
		p, err := p.Withdraw(c.act.Actor, reason, c.act.Today)
		if err != nil {
			return r, err
		}
		next, err := promiseRecord(p, c.act.Today)
		if err != nil {
			return r, err
		}
		if err := c.notAcknowledged(ctx, p); err != nil {
			return r, err
		}
		next.Version = r.Version
		return next, c.tell("promise.withdraw", "promise "+id, map[string]string{"reason": reason})
	})
	if err != nil {
		return Promise{}, err
	}
	return s.Promise(ctx, id)
}

// onRecord writes the next version of a record of a customer within the caller's scope, once a request; the gate is told.
func (s *Service) onRecord(ctx context.Context, req idem.Request, kind postgres.CollectionKind, id string, fn func(ctx context.Context, c *change, r postgres.CollectionRecord) (postgres.CollectionRecord, error)) error {
	found, err := s.record(ctx, kind, id)
	if err != nil {
		return err
	}
	customer, err := s.store.Customer(ctx, found.CustomerID)
	if err != nil {
		return err
	}
	_, err = write(ctx, s, req, customer, func(ctx context.Context, c *change) (bool, error) {
		r, err := postgres.ReadRecord(ctx, c.tx, kind, id)
		if err != nil {
			return false, err
		}
		if r, err = fn(ctx, c, r); err != nil {
			return false, err
		}
		return true, postgres.ChangeRecord(ctx, c.tx, r, c.act)
	})
	return err
}

// record reads a record of a customer within the caller's scope; out of it, it is not there.
func (s *Service) record(ctx context.Context, kind postgres.CollectionKind, id string) (postgres.CollectionRecord, error) {
	r, err := postgres.ReadRecord(ctx, s.Pool, kind, id)
	if err != nil || r.CustomerID == "" {
		return r, err
	}
	if err := s.visible(ctx, r.CustomerID); errs.KindOf(err) == errs.NotFound {
		return postgres.CollectionRecord{}, postgres.NoRecord(kind, id)
	} else if err != nil {
		return postgres.CollectionRecord{}, err
	}
	return r, nil
}

// Promise returns a promise as it stands today. Errors: NotFound PROMISE_UNKNOWN.
func (s *Service) Promise(ctx context.Context, id string) (Promise, error) {
	r, err := s.record(ctx, postgres.RecordPromise, id)
	if err != nil {
		return Promise{}, err
	}
	judged, err := postgres.Judge(ctx, s.Pool, []postgres.CollectionRecord{r}, s.Clock.Today(ctx))
	if err != nil {
		return Promise{}, err
	}
	return judged[0], nil
}

// Promises lists promises within the caller's scope, newest first, as they stand today.
func (s *Service) Promises(ctx context.Context, q CollectionQuery) ([]Promise, *invoice.Place, error) {
	q.Kind = postgres.RecordPromise
	records, next, err := s.records(ctx, q)
	if err != nil {
		return nil, nil, err
	}
	list, err := postgres.Judge(ctx, s.Pool, records, s.Clock.Today(ctx))
	return list, next, err
}

// RemindDays is how many days before a promised date a list shows it.
func (s *Service) RemindDays(ctx context.Context) (int, error) {
	policy, err := s.Policies.InForce(ctx, s.Clock.Today(ctx))
	return policy.Collection.PromiseRemindDays, err
}

// judgeBatch is how many promises are judged before the next are looked for.
const judgeBatch = 200

// JudgePromises tells the gate of promises whose date has passed by a day and was missed; what was kept is noted and told
// to nobody. Promises are judged anew whenever they are looked at: this only has the gate hear of it in time.
func (s *Service) JudgePromises(ctx context.Context, day calendar.Date) error {
	ctx = calendar.WithBusinessDate(ctx, day)
	for {
		due, err := s.store.DueRecords(ctx, postgres.RecordPromise, day, judgeBatch)
		if err != nil {
			return err
		}
		for _, r := range due {
			if err := s.judge(ctx, r, day); err != nil {
				return err
			}
		}
		if len(due) < judgeBatch {
			return nil
		}
	}
}

func (s *Service) judge(ctx context.Context, found postgres.CollectionRecord, day calendar.Date) error {
	customer, err := s.store.Customer(ctx, found.CustomerID)
	if err != nil {
		return err
	}
	id := "promise-" + found.ID + "-" + found.Next.String()
	req := idem.Request{ID: digestOf(id), Method: "promise.judge", Hash: []byte(id)}
	_, err = write(ctx, s, req, customer, func(ctx context.Context, c *change) (bool, error) {
		r, err := postgres.ReadRecord(ctx, c.tx, postgres.RecordPromise, found.ID)
		if err != nil {
			return false, err
		}
		judged, err := postgres.Judge(ctx, c.tx, []postgres.CollectionRecord{r}, day)
		if err != nil {
			return false, err
		}
		j := judged[0]
		c.idle = j.BrokenOn.IsZero()
		if err := postgres.MoveNext(ctx, c.tx, postgres.RecordPromise, r.ID, j.NextJudgement(day)); err != nil {
			return false, err
		}
		return true, c.tell("promise.broken", "promise "+r.ID, j.Judgement)
	})
	return err
}
