package app

import (
	"context"

	"github.com/avalcredit/aval/pkg/calendar"
	"github.com/avalcredit/aval/pkg/errs"
	"github.com/avalcredit/aval/pkg/money"
	"github.com/avalcredit/aval/services/ordergate/internal/account"
	"github.com/avalcredit/aval/services/ordergate/internal/check"
	"github.com/avalcredit/aval/services/ordergate/internal/gate"
	"github.com/avalcredit/aval/services/ordergate/internal/order"
	"github.com/avalcredit/aval/services/ordergate/internal/postgres"
)

// Submit puts an order through the check. A customer that the gate has not heard of is asked for at evaluation once.
// Errors: CUSTOMER_UNKNOWN, CUSTOMER_CLOSED, CURRENCY_MISMATCH, ORDER_EXISTS, REQUEST_ID_REUSED, OVERLOADED.
func (g *Gate) Submit(ctx context.Context, c Caller, req Request, o order.Order) (Answer, error) {
	return g.BeginSubmit(ctx, c, req, o).Answer()
}

// Submission is an order on its way through the check.
type Submission struct {
	gate   *Gate
	work   *work
	queued error
}

// BeginSubmit queues an order without waiting: orders of one customer are decided in the order in which they were begun.
func (g *Gate) BeginSubmit(ctx context.Context, c Caller, req Request, o order.Order) Submission {
	w := g.submission(ctx, c, req, o)
	return Submission{gate: g, work: w, queued: g.begin(w)}
}

// Ready reports whether Answer would not wait for other orders.
func (s Submission) Ready() bool {
	if s.queued != nil {
		return true
	}
	select {
	case <-s.work.done:
		return true
	default:
		return false
	}
}

// Answer waits for what the submission leads to, see Submit.
func (s Submission) Answer() (Answer, error) {
	g, w, first := s.gate, s.work, true
	return g.known(w.ctx, w.draft.CustomerID, func() (Answer, error) {
		if first {
			first = false
			return g.finish(w, s.queued)
		}
		return g.do(g.submission(w.ctx, w.caller, w.req, *w.draft))
	})
}

func (g *Gate) submission(ctx context.Context, c Caller, req Request, o order.Order) *work {
	w := &work{ctx: ctx, key: g.keyOf(o.CustomerID), req: req, caller: c, submit: o.ID, draft: &o}
	w.apply = func(env gate.Env, v *view) (Answer, error) {
		_, exists := v.orders[postgres.OrderKey{Key: w.key, OrderID: o.ID}]
		if exists || v.taken[o.ID] != (postgres.Key{}) {
			return Answer{}, orderExists(o.ID)
		}
		a := v.accounts[w.key]
		asked := gate.PlacedWith(a, o)
		asked.Budgets = v.drafted(w, a).Budgets
		change, err := gate.Submit(env, a, asked)
		if err != nil {
			return Answer{}, err
		}
		v.batch.New = append(v.batch.New, postgres.NewOrder{OrderID: o.ID, Key: w.key})
		return v.record(w, change, req)
	}
	return w
}

// known runs ask, and once more after learning of the customer from evaluation where the gate does not know it.
func (g *Gate) known(ctx context.Context, customerID string, ask func() (Answer, error)) (Answer, error) {
	a, err := ask()
	if errs.ReasonOf(err) != "CUSTOMER_UNKNOWN" {
		return a, err
	}
	learned, learnErr := g.learn(ctx, customerID)
	if learnErr != nil {
		return Answer{}, learnErr
	}
	if !learned {
		return a, err
	}
	return ask()
}

// learn asks evaluation for a customer that the gate does not know. It reports false where evaluation does not know it either.
func (g *Gate) learn(ctx context.Context, customerID string) (bool, error) {
	heads, err := g.Store.Heads(ctx, []postgres.Key{rootOf(customerID)})
	if err != nil {
		return false, err
	}
	if heads[rootOf(customerID)].Known() {
		return true, nil // somebody else has just learned of it, or it is not for this caller: ask again
	}
	p, err := g.Profiles.CreditProfile(ctx, customerID)
	if errs.KindOf(err) == errs.NotFound {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	_, err = g.ReceiveProfile(ctx, customerID, p, true)
	return err == nil, err
}

// existing runs a command on an order that exists.
func (g *Gate) existing(ctx context.Context, c Caller, req Request, orderID string, frees bool,
	apply func(env gate.Env, a account.Account, o order.Order) (gate.Change, bool, error)) (Answer, error) {
	return g.existingWith(ctx, c, req, orderID, frees, func(env gate.Env, v *view, w *work, o order.Order) (gate.Change, bool, error) {
		return apply(env, v.accounts[w.key], o)
	})
}

// existingWith is existing for commands that do more than one change.
func (g *Gate) existingWith(ctx context.Context, c Caller, req Request, orderID string, frees bool,
	apply func(env gate.Env, v *view, w *work, o order.Order) (gate.Change, bool, error)) (Answer, error) {
	return g.onOrder(ctx, orderID, &work{req: req, caller: c, frees: frees}, apply)
}

// directly runs a command that may let an order on hold go ahead of others, which are not judged again.
func (g *Gate) directly(ctx context.Context, c Caller, req Request, orderID string,
	apply func(env gate.Env, a account.Account, o order.Order) (gate.Change, error)) (Answer, error) {
	return g.onOrder(ctx, orderID, &work{req: req, caller: c, direct: true}, func(env gate.Env, v *view, w *work, o order.Order) (gate.Change, bool, error) {
		change, err := apply(env, v.accounts[w.key], o)
		return change, true, err
	})
}

// onOrder runs a command where its order lives.
func (g *Gate) onOrder(ctx context.Context, orderID string, w *work,
	apply func(env gate.Env, v *view, w *work, o order.Order) (gate.Change, bool, error)) (Answer, error) {
	key, found, err := g.Store.Locate(ctx, orderID)
	if err != nil {
		return Answer{}, err
	}
	if !found {
		return Answer{}, gate.UnknownOrder(orderID)
	}
	w.ctx, w.key, w.orders = ctx, key, []string{orderID}
	w.apply = func(env gate.Env, v *view) (Answer, error) {
		o, err := v.order(w.key, orderID)
		if err != nil {
			return Answer{}, err
		}
		change, changed, err := apply(env, v, w, o)
		if err != nil {
			return Answer{}, err
		}
		if !changed {
			v.batch.Touch = true
			return Answer{Order: o}, nil
		}
		a, err := v.record(w, change, w.req)
		if err == nil && w.frees && !(w.direct && o.State == order.Held) { // an order on hold frees nothing by being judged again
			err = v.settleHeld(env, w, w.key)
		}
		return a, err
	}
	return g.do(w)
}

// Amend changes an order, see gate.Amend.
func (g *Gate) Amend(ctx context.Context, c Caller, req Request, orderID string, m gate.Amendment) (Answer, error) {
	return g.existing(ctx, c, req, orderID, true, func(env gate.Env, a account.Account, o order.Order) (gate.Change, bool, error) {
		change, err := gate.Amend(env, a, o, m)
		return change, true, err
	})
}

// Recheck judges an order again, see gate.Recheck. Where an approved one comes on hold, others may get what it frees.
func (g *Gate) Recheck(ctx context.Context, c Caller, req Request, orderID string) (Answer, error) {
	return g.onOrder(ctx, orderID, &work{req: req, caller: c, frees: true, direct: true}, func(env gate.Env, v *view, w *work, o order.Order) (gate.Change, bool, error) {
		change, err := gate.Recheck(env, v.accounts[w.key], o)
		return change, true, err
	})
}

// Cancel frees what is open of an order, see gate.Cancel.
func (g *Gate) Cancel(ctx context.Context, c Caller, req Request, orderID, reason string) (Answer, error) {
	return g.existing(ctx, c, req, orderID, true, func(env gate.Env, a account.Account, o order.Order) (gate.Change, bool, error) {
		return gate.Cancel(env, a, o, reason)
	})
}

// Shipment is a goods issue to record; a nil amount is all that is left.
type Shipment struct {
	ID     string
	Amount *money.Money
	Final  bool
}

// service is the caller behind what other services report.
func service() Caller {
	return Caller{Subject: "ordergate", Sees: func(string) bool { return true }}
}

// ReceiveProfile takes a profile of evaluation and returns the sequence that the account is at; snapshot allows a jump.
func (g *Gate) ReceiveProfile(ctx context.Context, customerID string, p account.Profile, snapshot bool) (int64, error) {
	w := &work{ctx: ctx, key: g.keyOf(customerID), caller: service(), today: g.judgedOn(ctx, p.BusinessDate), frees: true, profile: &p}
	w.apply = func(env gate.Env, v *view) (Answer, error) {
		before := v.accounts[w.key]
		if before.MergedInto != nil { // it is told that it was merged, which the gate knows by its survivor's position
			v.batch.Touch = true
			return Answer{Last: p.Seq}, nil
		}
		change, changed, err := gate.ReceiveProfile(before, p, snapshot)
		if err != nil {
			return Answer{}, err
		}
		return v.received(env, w, change, changed, receipt{at: func(a account.Account) int64 { return a.Profile.Seq }, before: &before})
	}
	a, err := g.do(w)
	return a.Last, err
}

// judgedOn is the day on which held orders are judged after something that another service dated.
func (g *Gate) judgedOn(ctx context.Context, dated calendar.Date) calendar.Date {
	if today := g.Clock.Today(ctx); !g.Historic && today.After(dated) {
		return today
	}
	return dated
}

// ReceivePosition takes a position of receivables and returns the sequence that the account is at.
func (g *Gate) ReceivePosition(ctx context.Context, customerID string, p account.Position) (int64, error) {
	w := &work{ctx: ctx, key: g.keyOf(customerID), caller: service(), today: g.judgedOn(ctx, p.BusinessDate), frees: true, arrived: &p}
	for _, m := range p.Movements {
		w.orders = append(w.orders, m.OrderID)
	}
	w.apply = func(env gate.Env, v *view) (Answer, error) {
		if err := v.absorb(env, w, p); err != nil {
			return Answer{}, err
		}
		named := map[string]order.Order{}
		for _, id := range append(v.onEndedNotices(w), w.orders...) {
			if o, err := v.order(w.key, id); err == nil {
				named[id] = o
			}
		}
		change, changed, err := gate.ReceivePosition(v.accounts[w.key], p, named)
		if err != nil {
			return Answer{}, err
		}
		return v.received(env, w, change, changed, receipt{at: func(a account.Account) int64 { return a.PositionSeq }})
	}
	a, err := g.do(w)
	return a.Last, err
}

// onEndedNotices are the orders of payment notices that a position no longer tells of.
func (v *view) onEndedNotices(w *work) []string {
	if w.arrived == nil {
		return nil
	}
	var ids []string
	for _, n := range v.accounts[w.key].Standing.Without(w.arrived.Standing) {
		ids = append(ids, n.OrderID)
	}
	return ids
}

// received records what another service reported and does what that brings with it. Something known already is acknowledged by a commit.
func (v *view) received(env gate.Env, w *work, c gate.Change, changed bool, r receipt) (Answer, error) {
	if !changed {
		v.batch.Touch = true
		return Answer{Last: r.at(v.accounts[w.key])}, nil
	}
	a, err := v.record(w, c, Request{})
	if err != nil {
		return Answer{}, err
	}
	a.Last = r.at(v.accounts[w.key])
	if v.failed = v.follow(env, w, r.before); v.failed != nil {
		return Answer{}, v.failed
	}
	return a, nil
}

// follow is what a report means for an account: a profile may lift a block, move the account to another root and change its ceilings; a
// breach stops it; credit that was freed lets orders go that wait. before is the account as it was before a profile came.
func (v *view) follow(env gate.Env, w *work, before *account.Account) error {
	now := w.key
	if before != nil {
		if lift, lifted := gate.LiftByLimit(env, v.accounts[w.key], before.Profile.Grant); lifted {
			if _, err := v.record(w, lift, Request{}); err != nil {
				return err
			}
		}
		var err error
		if now, err = v.move(w, w.key); err != nil {
			return err
		}
		if err := v.enroll(w, now); err != nil {
			return err
		}
	}
	if err := v.enforce(env, w, now); err != nil {
		return err
	}
	if before != nil && before.InGroup() && (now != w.key || !v.accounts[now].InGroup()) { // it left: the others may use what it held
		if err := v.settleHeld(env, w, groupKey(before.RootID)); err != nil {
			return err
		}
	}
	return v.settleHeld(env, w, now)
}

// receipt is which sequence the account is at, and the account as it was before a profile came.
type receipt struct {
	at     func(account.Account) int64
	before *account.Account
}

// Check decides about an order without any effect: about a submission, or, where the customer has an order of that number, about an
// amendment of it. Errors: those of Submit but REQUEST_ID_REUSED and OVERLOADED; those of gate.CheckAmendment.
func (g *Gate) Check(ctx context.Context, c Caller, o order.Order) (Answer, error) {
	return g.known(ctx, o.CustomerID, func() (Answer, error) {
		w := &work{ctx: ctx, key: g.keyOf(o.CustomerID), caller: c, today: g.Clock.Today(ctx), submit: o.ID, draft: &o, orders: []string{o.ID}}
		v, unknown, err := g.rehearsal(ctx, []*work{w})
		if err == nil {
			err = unknown[o.CustomerID]
		}
		if err != nil {
			return Answer{}, err
		}
		env, err := v.env(w)
		if err != nil {
			return Answer{}, err
		}
		if err := v.expire(env, w); err != nil { // as a submission would, without effect
			return Answer{}, err
		}
		rec, err := v.question(env, w)
		if err != nil {
			return Answer{}, err
		}
		return Answer{Record: &rec, Order: gate.PlacedWith(v.accounts[w.key], o)}, nil
	})
}

// question judges the order that is asked about: as an amendment where the account has an order of that number, else as a submission.
func (v *view) question(env gate.Env, w *work) (check.Record, error) {
	a := v.accounts[w.key]
	asked := gate.PlacedWith(a, *w.draft)
	if !a.Known() || !w.caller.Sees(a.Profile.SalespersonID) {
		return check.Record{}, gate.UnknownCustomer(asked.CustomerID) // before its orders
	}
	if there, err := v.order(w.key, asked.ID); err == nil {
		amount := money.New(asked.Amount, asked.Currency)
		return gate.CheckAmendment(env, a, there, gate.Amendment{Amount: &amount, TermDays: asked.TermDays, RequestedDelivery: func(o *order.Order) {
			if !asked.RequestedDelivery.IsZero() {
				o.RequestedDelivery = asked.RequestedDelivery
			}
			if !asked.ValidUntil.IsZero() {
				o.ValidUntil = asked.ValidUntil
			}
		}})
	}
	if v.taken[asked.ID] != (postgres.Key{}) {
		return check.Record{}, orderExists(asked.ID)
	}
	asked.Budgets = v.drafted(w, a).Budgets
	return gate.Check(env, a, asked)
}

func orderExists(id string) error {
	return errs.New(errs.AlreadyExists, "ORDER_EXISTS", "order %s exists already", id).With("order_id", id).
		WithViolations(errs.Violation{Field: "order.order_id", Rule: "ORDER_EXISTS", Message: "is taken by another order"})
}
