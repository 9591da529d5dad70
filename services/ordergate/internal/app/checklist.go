package app

import (
	"context"

	"github.com/avalcredit/aval/pkg/errs"
	"github.com/avalcredit/aval/services/ordergate/internal/check"
	"github.com/avalcredit/aval/services/ordergate/internal/gate"
	"github.com/avalcredit/aval/services/ordergate/internal/order"
	"github.com/avalcredit/aval/services/ordergate/internal/postgres"
)

// Checked is one order of a list: what it would get, or why it could not be submitted.
type Checked struct {
	Order  order.Order
	Record *check.Record
	Err    error
}

// CheckList judges orders one after the other as if they were submitted in that order now, without any effect: what passes uses credit
// for those behind it. An order whose Err is set already is left out; one that cannot be submitted gets its Err and stops nobody.
// Customers that the gate has not heard of are asked for at evaluation, as at a submission.
func (g *Gate) CheckList(ctx context.Context, c Caller, list []Checked) error {
	batch := make([]*work, 0, len(list))
	for i := range list {
		if list[i].Err == nil {
			o := &list[i].Order
			batch = append(batch, &work{ctx: ctx, key: g.keyOf(o.CustomerID), caller: c, today: g.Clock.Today(ctx), submit: o.ID, draft: o})
		}
	}
	l := listed{seen: map[string]bool{}}
	var err error
	if l.view, l.unknown, err = g.rehearsal(ctx, batch); err != nil {
		return err
	}
	next := 0
	for i := range list {
		if err := ctx.Err(); err != nil {
			return errs.New(errs.DeadlineExceeded, "DEADLINE_EXCEEDED", "no answer in time; send a shorter list").WithCause(err)
		}
		if list[i].Err == nil {
			list[i].Record, list[i].Err = l.submit(batch[next])
			next++
		}
		if k := errs.KindOf(list[i].Err); list[i].Err != nil && (k == errs.Internal || k == errs.Unavailable) {
			return list[i].Err
		}
	}
	return nil
}

// rehearsal reads what a batch needs, all of it from the store, and asks evaluation once for each customer that the gate does not know.
// What is decided on it is never written.
func (g *Gate) rehearsal(ctx context.Context, batch []*work) (*view, map[string]error, error) {
	unknown := map[string]error{}
	asked := map[string]bool{}
	for range maxTries {
		v, err := (&shard{gate: g, heads: newHeads()}).load(ctx, batch, true)
		if err != nil {
			return nil, nil, err
		}
		again := false
		for _, w := range batch {
			id, a := w.key.AccountID, v.accounts[w.key]
			switch {
			case a.MovedTo != "":
				w.key.RootID, again = a.MovedTo, true
			case a.MergedInto != nil:
				w.key, again = postgres.Key{RootID: a.MergedInto.RootID, AccountID: a.MergedInto.AccountID}, true
			case !a.Known() && !asked[id]:
				asked[id] = true
				known, err := g.learn(ctx, id)
				if err != nil {
					unknown[id] = err
				}
				again = again || known
			}
		}
		if !again {
			return v, unknown, nil
		}
	}
	return nil, nil, errs.New(errs.Aborted, "CONTENDED", "customers move; try again").WithRetryAfter(retryAfter)
}

// listed is what a list of orders sees: accounts as they would be after the orders judged so far.
type listed struct {
	view    *view
	unknown map[string]error
	seen    map[string]bool // order numbers that came earlier in the list
}

func (l *listed) submit(w *work) (*check.Record, error) {
	o := *w.draft
	if err := l.unknown[o.CustomerID]; err != nil {
		return nil, err
	}
	if !w.caller.Sees(l.view.accounts[w.key].Profile.SalespersonID) {
		return nil, gate.UnknownCustomer(o.CustomerID) // before its orders: who does not see the customer does not see them
	}
	if l.seen[o.ID] || l.view.taken[o.ID] != (postgres.Key{}) {
		return nil, orderExists(o.ID)
	}
	env, err := l.view.env(w)
	if err != nil {
		return nil, err
	}
	if err := l.view.expire(env, w); err != nil {
		return nil, err
	}
	a := l.view.accounts[w.key]
	o = gate.PlacedWith(a, o)
	o.Budgets = l.view.drafted(w, a).Budgets
	o.Priority = 0 // it counts among orders that wait, and nothing waits here
	change, err := gate.Submit(env, a, o)
	if err != nil {
		return nil, err
	}
	l.seen[o.ID] = true
	_, err = l.view.record(w, change, Request{})
	return change.Record, err
}
