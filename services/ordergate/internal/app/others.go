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
	return v.loadOpen(ctx, keys)
}

func (v *view) loadOpen(ctx context.Context, keys []postgres.Key) error {
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
