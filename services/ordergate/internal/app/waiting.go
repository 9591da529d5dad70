package app

import (
	"context"

	"github.com/avalcredit/aval/pkg/calendar"
	"github.com/avalcredit/aval/pkg/errs"
	"github.com/avalcredit/aval/pkg/page"
	"github.com/avalcredit/aval/services/ordergate/internal/account"
	"github.com/avalcredit/aval/services/ordergate/internal/gate"
	"github.com/avalcredit/aval/services/ordergate/internal/order"
	"github.com/avalcredit/aval/services/ordergate/internal/postgres"
)

// namesPassed reports whether orders on hold are read beside a command that may go straight to credit, so that those it passes are
// named: there are some, and not more than are named at most. Where many wait nothing is read for it, so that it stays cheap.
func (v *view) namesPassed(w *work, a account.Account) bool {
	if w.draft == nil && !w.direct {
		return false
	}
	n := v.onHold(a)
	return n > 0 && n <= gate.MaxPassed
}

// onHold is how many orders wait in the queue that an account is in: its own, or its group's.
func (v *view) onHold(a account.Account) int {
	if a.InGroup() {
		return v.accounts[groupKey(a.RootID)].Held
	}
	return a.Held
}

// overtakes has the change of an order that gets credit name the orders before it that wait on. Where those on hold were judged again
// they are named already; what people release is decided by them and passes nobody.
func (v *view) overtakes(w *work, c *gate.Change) {
	if v.settling || c.Account.Held == 0 && !c.Account.InGroup() || len(c.Detail.Passed) > 0 || len(c.Orders) != 1 {
		return
	}
	k := postgres.Key{RootID: c.Account.RootID, AccountID: c.Account.ID}
	a := v.accounts[k]
	n := v.onHold(a)
	if n == 0 || n > gate.MaxPassed || !c.Overtakes(v.orders[postgres.OrderKey{Key: k, OrderID: c.Orders[0].ID}]) {
		return
	}
	held := v.held(k, a.InGroup())
	if len(held) == n { // all that wait were read
		c.Detail.Passed = gate.Overtaken(v.policies[w.today], c.Orders[0], held)
	}
}

// passes keeps who was passed over by an entry.
func (v *view) passes(e gate.Entry, c gate.Change) {
	for _, id := range c.Detail.Passed {
		v.batch.Passed = append(v.batch.Passed, postgres.Passed{
			Key: postgres.Key{RootID: e.RootID, AccountID: e.AccountID}, Seq: e.Seq, OrderID: id, By: e.OrderID, Date: e.BusinessDate,
		})
	}
}

// Rechecked is what came of judging again what waits.
type Rechecked struct {
	Accounts int      // looked at
	Failed   int      // of them, those that could not be judged
	Approved []string // numbers of orders, in the order in which they got their credit
}

func (r *Rechecked) add(x Rechecked) {
	r.Accounts += x.Accounts
	r.Failed += x.Failed
	r.Approved = append(r.Approved, x.Approved...)
}

// RecheckWaiting judges orders on hold again, of one customer and its group, or of all accounts behind a token, a bounded number at a
// time. Errors: CUSTOMER_UNKNOWN, OVERLOADED.
func (g *Gate) RecheckWaiting(ctx context.Context, pages *page.Signer, customerID string, size32 int32, token string) (Rechecked, string, error) {
	if customerID != "" {
		a, err := follow(ctx, g.Store, g.keyOf(customerID))
		if err != nil {
			return Rechecked{}, "", err
		}
		if !a.Known() {
			return Rechecked{}, "", gate.UnknownCustomer(customerID)
		}
		r, err := g.recheckAccount(ctx, postgres.Key{RootID: a.RootID, AccountID: a.ID}, g.Clock.Today(ctx), true)
		return r, "", err
	}
	sum := page.Checksum("orders:recheckWaiting")
	cur, err := pages.Decode(token, sum, 2)
	if err != nil {
		return Rechecked{}, "", err
	}
	var after postgres.Key
	if cur != nil {
		after = postgres.Key{RootID: cur[0], AccountID: cur[1]}
	}
	r, next, err := g.RecheckPage(ctx, g.Clock.Today(ctx), after, page.Size(size32, pageDefault, pageMax))
	if err != nil || next == (postgres.Key{}) {
		return r, "", err
	}
	return r, pages.Encode(sum, next.RootID, next.AccountID), nil
}

// RecheckPage judges the orders on hold of the accounts behind one again, as of a date, account by account and in the policy's order
// within each account or group, and ends what the date has ended of their orders. At the beginning those that share budgets or ceilings
// with customers of other roots are judged, in one order for all. It returns the last account that it looked at; none at the end.
func (g *Gate) RecheckPage(ctx context.Context, today calendar.Date, after postgres.Key, size int) (Rechecked, postgres.Key, error) {
	var r Rechecked
	if after == (postgres.Key{}) {
		var err error
		if r.Approved, err = g.recheckShared(ctx); err != nil {
			return r, after, err
		}
	}
	keys, err := g.Store.Waiting(ctx, today, after, size)
	if err != nil || len(keys) == 0 {
		return r, postgres.Key{}, err
	}
	heads, err := g.Store.Heads(ctx, keys)
	if err != nil {
		return r, after, err
	}
	group := ""
	for _, k := range keys {
		whole := true
		if heads[k].InGroup() { // all its members are judged with the first
			whole, group = group != k.RootID, k.RootID
		}
		one, err := g.recheckAccount(ctx, k, today, whole)
		if err != nil && (ctx.Err() != nil || passing(err)) {
			return r, after, err
		}
		if err != nil { // of this account alone: the others do not wait for it
			g.Log.ErrorContext(ctx, "orders on hold could not be judged again", "customer", k.AccountID, "error", err)
			one.Failed = 1
		}
		r.add(one)
		after = k
	}
	if len(keys) < size {
		after = postgres.Key{}
	}
	return r, after, nil
}

// passing reports whether an error is of the moment, so that it makes sense to go on from there later.
func passing(err error) bool {
	switch errs.KindOf(err) { //nolint:exhaustive // all others stay
	case errs.Unavailable, errs.ResourceExhausted, errs.Aborted, errs.DeadlineExceeded:
		return true
	}
	return false
}

// recheckShared judges orders that wait for budgets and ceilings, across all roots in the policy's order.
func (g *Gate) recheckShared(ctx context.Context) ([]string, error) {
	if err := g.registry.refresh(ctx); err != nil {
		return nil, err
	}
	roots := g.registry.roots()
	if len(roots) == 0 {
		return nil, nil
	}
	return g.keeper.releaseAll(ctx, roots)
}

// recheckAccount ends what the date has ended of an account's orders, lifts a stop by S2.18 that the date has lifted, and judges what
// waits again: with whole also that of the other members of its group.
func (g *Gate) recheckAccount(ctx context.Context, k postgres.Key, today calendar.Date, whole bool) (Rechecked, error) {
	w := &work{ctx: ctx, key: k, caller: service(), today: today, frees: true}
	w.apply = func(env gate.Env, v *view) (Answer, error) {
		before := len(v.batch.Entries)
		if v.accounts[w.key].Control.Stop != nil {
			if err := v.enforce(env, w, w.key); err != nil {
				return Answer{}, err
			}
		}
		if whole {
			if err := v.settleHeld(env, w, w.key); err != nil {
				return Answer{}, err
			}
		}
		var a Answer
		for _, e := range v.batch.Entries[before:] {
			if e.OrderID != "" {
				a.Approved = append(a.Approved, e.OrderID)
			}
		}
		return a, nil
	}
	a, err := g.do(w)
	return Rechecked{Accounts: 1, Approved: a.Approved}, err
}

// PassedOver is what an order on hold shows of those that went ahead of it.
type PassedOver struct {
	Count               int64
	LastDate            calendar.Date
	OrderID, DecisionID string // the last that went ahead, and the decision; empty where the caller may not see its customer
}

// PassedOver reads who went ahead of orders on hold, by number; orders that nobody passed are left out.
func (q *Queries) PassedOver(ctx context.Context, c Caller, orders ...order.Order) (map[string]PassedOver, error) {
	var ids []string
	for _, o := range orders {
		if o.State == order.Held {
			ids = append(ids, o.ID)
		}
	}
	if len(ids) == 0 {
		return nil, nil
	}
	found, err := q.Store.PassedOver(ctx, ids)
	if err != nil {
		return nil, err
	}
	var ahead []postgres.StoredOrder
	for _, p := range found {
		ahead = append(ahead, postgres.StoredOrder{Order: order.Order{CustomerID: p.Last.AccountID}})
	}
	sees := sight{q: q, c: c, seen: map[string]bool{}}
	if err := sees.look(ctx, ahead); err != nil {
		return nil, err
	}
	out := make(map[string]PassedOver, len(found))
	for id, p := range found {
		x := PassedOver{Count: p.Count, LastDate: p.Last.Date}
		if sees.seen[p.Last.AccountID] {
			x.OrderID, x.DecisionID = p.Last.By, DecisionID(p.Last.AccountID, p.Last.Seq)
		}
		out[id] = x
	}
	return out, nil
}

// passed tells orders that were passed over; all, where that is not asked for.
func (q *Queries) passed(ctx context.Context, rows []postgres.StoredOrder, asked bool) (func(order.Order) bool, error) {
	if !asked {
		return func(order.Order) bool { return true }, nil
	}
	ids := make([]string, len(rows))
	for i, o := range rows {
		ids[i] = o.Order.ID
	}
	found, err := q.Store.PassedOver(ctx, ids)
	return func(o order.Order) bool { return found[o.ID].Count > 0 }, err
}
