package app

import (
	"context"

	"github.com/avalcredit/aval/services/ordergate/internal/order"
	"github.com/avalcredit/aval/services/ordergate/internal/postgres"
)

// loadOthers reads the open orders of accounts where the policy has a rule that looks at them; without one nothing is read.
func (v *view) loadOthers(ctx context.Context, batch []*work) error {
	var keys []postgres.Key
	seen := map[postgres.Key]bool{}
	for _, w := range batch {
		if p := v.policies[w.today]; p.NeedsOrders && !seen[w.key] {
			keys, seen[w.key] = append(keys, w.key), true
		}
	}
	if len(keys) == 0 {
		return nil
	}
	found, err := v.gate.Store.OpenOrders(ctx, keys)
	if err != nil {
		return err
	}
	for _, o := range found {
		v.orders[o.Key()] = o.Order
	}
	return nil
}

// others are an account's orders that reserve credit or have goods delivered, as they are after the commands decided so far.
func (v *view) others(k postgres.Key) []order.Order {
	var open []order.Order
	for key, o := range v.orders {
		if key.Key == k && (o.Reserved > 0 || o.Delivered > 0) {
			open = append(open, o)
		}
	}
	return open
}

// readOthers reads the open orders of the list's accounts.
func (l *listed) readOthers(ctx context.Context) error {
	keys := make([]postgres.Key, 0, len(l.accounts))
	for k := range l.accounts {
		keys = append(keys, k)
	}
	found, err := l.gate.Store.OpenOrders(ctx, keys)
	if err != nil {
		return err
	}
	l.open = map[postgres.Key][]order.Order{}
	for _, o := range found {
		l.open[o.Key().Key] = append(l.open[o.Key().Key], o.Order)
	}
	return nil
}

// othersNow reads the same for a question without effect.
func (g *Gate) othersNow(ctx context.Context, k postgres.Key) (func() []order.Order, error) {
	found, err := g.Store.OpenOrders(ctx, []postgres.Key{k})
	if err != nil {
		return nil, err
	}
	open := make([]order.Order, 0, len(found))
	for _, o := range found {
		open = append(open, o.Order)
	}
	return func() []order.Order { return open }, nil
}
