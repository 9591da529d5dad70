package app

import (
	"context"

	"github.com/avalcredit/aval/pkg/errs"
	"github.com/avalcredit/aval/services/ordergate/internal/account"
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
	l := listed{gate: g, accounts: map[postgres.Key]account.Account{}, unknown: map[postgres.Key]error{}, seen: map[string]bool{}}
	if err := l.read(ctx, list); err != nil {
		return err
	}
	today := g.Clock.Today(ctx)
	p, err := g.Policies.InForce(ctx, today)
	if err != nil {
		return err
	}
	env := gate.Env{Policy: p, Today: today, Actor: c.Subject, Roles: c.Roles, Sees: c.Sees}
	if p.NeedsOrders {
		if err := l.readOthers(ctx); err != nil {
			return err
		}
	}
	for i := range list {
		if err := ctx.Err(); err != nil {
			return errs.New(errs.DeadlineExceeded, "DEADLINE_EXCEEDED", "no answer in time; send a shorter list").WithCause(err)
		}
		if list[i].Err == nil {
			list[i].Record, list[i].Err = l.submit(env, list[i].Order)
		}
		if k := errs.KindOf(list[i].Err); list[i].Err != nil && (k == errs.Internal || k == errs.Unavailable) {
			return list[i].Err
		}
	}
	return nil
}

// listed is what a list of orders sees: accounts as they would be after the orders judged so far.
type listed struct {
	gate     *Gate
	accounts map[postgres.Key]account.Account
	unknown  map[postgres.Key]error
	seen     map[string]bool                // order numbers that exist, or came earlier in the list
	open     map[postgres.Key][]order.Order // where the policy looks at them: the accounts' open orders
}

// read finds the accounts of the list, asking evaluation once for each that the gate does not know, and the numbers that are taken.
func (l *listed) read(ctx context.Context, list []Checked) error {
	var keys []postgres.Key
	var numbers []string
	wanted := map[postgres.Key]bool{}
	for _, x := range list {
		if x.Err != nil {
			continue
		}
		numbers = append(numbers, x.Order.ID)
		if k := rootOf(x.Order.CustomerID); !wanted[k] {
			wanted[k] = true
			keys = append(keys, k)
		}
	}
	taken, err := l.gate.Store.LocateAll(ctx, numbers)
	if err != nil {
		return err
	}
	for id := range taken {
		l.seen[id] = true
	}
	if l.accounts, err = l.gate.Store.Heads(ctx, keys); err != nil {
		return err
	}
	var learned []postgres.Key
	for _, k := range keys {
		if l.accounts[k].Known() {
			continue
		}
		known, err := l.gate.learn(ctx, k.AccountID)
		if err != nil {
			l.unknown[k] = err
		} else if known {
			learned = append(learned, k)
		}
	}
	if len(learned) == 0 {
		return nil
	}
	found, err := l.gate.Store.Heads(ctx, learned)
	for k, a := range found {
		l.accounts[k] = a
	}
	return err
}

func (l *listed) submit(env gate.Env, o order.Order) (*check.Record, error) {
	k := rootOf(o.CustomerID)
	if err := l.unknown[k]; err != nil {
		return nil, err
	}
	if l.seen[o.ID] {
		return nil, errs.New(errs.AlreadyExists, "ORDER_EXISTS", "order %s exists already", o.ID).With("order_id", o.ID)
	}
	env.Others = func() []order.Order { return l.open[k] }
	change, err := gate.Submit(env, l.accounts[k], o)
	if err != nil {
		return nil, err
	}
	if l.open != nil {
		l.open[k] = append(l.open[k], change.Orders...)
	}
	l.seen[o.ID] = true
	l.accounts[k] = change.Account
	return change.Record, nil
}
