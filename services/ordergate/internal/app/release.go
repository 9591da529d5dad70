package app

import (
	"context"
	"maps"
	"math"
	"slices"

	"github.com/avalcredit/aval/services/ordergate/internal/account"
	"github.com/avalcredit/aval/services/ordergate/internal/gate"
	"github.com/avalcredit/aval/services/ordergate/internal/order"
	"github.com/avalcredit/aval/services/ordergate/internal/postgres"
)

// roomOf is what a budget or a ceiling has left; below zero where more is used.
func roomOf(a account.Account) int64 {
	if a.Plan.Limit.Kind != account.LimitAmount {
		return math.MaxInt64
	}
	return a.Plan.Limit.Minor - a.Buckets.Exposure()
}

// waiter is an order on hold in the queue of budgets and ceilings: no more of it than its turn takes.
type waiter struct {
	order  order.Order
	needs  int64
	shares []string // roots
}

// release goes through the orders on hold that count in budgets or ceilings with room, in the policy's order. Those that could fit (all:
// every one) are judged again; those that pass are approved, each in its own transaction, and name those before them for which the same
// room is too small. For the others nothing changes. It returns the orders that were approved.
func (k *keeper) release(ctx context.Context, room map[string]int64, all bool) (approved []string, err error) {
	if len(room) == 0 {
		return nil, nil
	}
	k.turn.Lock()
	defer k.turn.Unlock()
	policy, err := k.gate.Policies.InForce(ctx, k.gate.Clock.Today(ctx))
	if err != nil {
		return nil, err
	}
	queue, err := k.queue(ctx, room)
	if err != nil {
		return nil, err
	}
	turn := gate.InTurn(policy)
	slices.SortFunc(queue, func(x, y waiter) int { return turn(x.order, y.order) })
	left := maps.Clone(room)
	short := map[string][]string{} // by root the first in turn that wait for more room
	for _, w := range queue {
		goes, waits := false, true
		if all || w.couldFit(room) {
			if goes, waits, err = k.gate.recheckWaiting(ctx, w.order.ID, named(w.shares, short)); err != nil {
				return approved, err
			}
		}
		if goes {
			approved = append(approved, w.order.ID)
		}
		for _, r := range w.shares {
			switch {
			case waits && w.needs > left[r] && len(short[r]) < gate.MaxPassed:
				short[r] = append(short[r], w.order.ID)
			case goes && left[r] != math.MaxInt64:
				left[r] -= w.needs
			}
		}
	}
	return approved, nil
}

// queue reads the orders on hold that count in one of the roots.
func (k *keeper) queue(ctx context.Context, room map[string]int64) ([]waiter, error) {
	var queue []waiter
	var after postgres.OrderKey
	for {
		found, err := k.gate.Store.ListHeld(ctx, after, keeperPage)
		if err != nil {
			return nil, err
		}
		keys := make([]postgres.Key, len(found))
		for i, o := range found {
			keys[i] = o.Key().Key
		}
		heads, err := k.gate.Store.Heads(ctx, keys)
		if err != nil {
			return nil, err
		}
		for _, o := range found {
			after = o.Key()
			w := waiter{order: gate.Turn(o.Order), needs: o.Order.Open() - o.Order.Reserved}
			for _, r := range gate.SharedBy(heads[o.Key().Key], o.Order) {
				if _, ok := room[r.RootID]; ok {
					w.shares = append(w.shares, r.RootID)
				}
			}
			if len(w.shares) > 0 {
				queue = append(queue, w)
			}
		}
		if len(found) < keeperPage {
			return queue, nil
		}
	}
}

// couldFit reports whether an order fits into one of the roots that it counts in.
func (w waiter) couldFit(room map[string]int64) bool {
	return slices.ContainsFunc(w.shares, func(r string) bool { return w.needs <= room[r] })
}

// named are the orders for which the room of any of the roots is too small, each once, in turn.
func named(roots []string, short map[string][]string) []string {
	var ids []string
	for _, r := range roots {
		for _, id := range short[r] {
			if !slices.Contains(ids, id) && len(ids) < gate.MaxPassed {
				ids = append(ids, id)
			}
		}
	}
	return ids
}

// releaseAll judges all orders on hold again that count in budgets or ceilings, whatever the room.
func (k *keeper) releaseAll(ctx context.Context, roots []string) ([]string, error) {
	keys := make([]postgres.Key, len(roots))
	for i, r := range roots {
		keys[i] = postgres.Key{RootID: r, AccountID: r}
	}
	heads, err := k.gate.Store.Heads(ctx, keys)
	if err != nil {
		return nil, err
	}
	room := map[string]int64{}
	for _, key := range keys {
		if a := heads[key]; a.Plan != nil && a.Held > 0 {
			room[key.RootID] = roomOf(a)
		}
	}
	return k.release(ctx, room, true)
}
