package app

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"github.com/avalcredit/aval/pkg/errs"
	"github.com/avalcredit/aval/services/ordergate/internal/account"
	"github.com/avalcredit/aval/services/ordergate/internal/gate"
	"github.com/avalcredit/aval/services/ordergate/internal/order"
	"github.com/avalcredit/aval/services/ordergate/internal/postgres"
)

// The keeper looks after budgets and ceilings: by itself so often, and at once where something was freed. A new ceiling is counted only
// when all replicas know of it.
const (
	keeperEvery = time.Minute
	keeperRetry = time.Second
	countAfter  = 2 * maxAge
	keeperPage  = 500
)

// keeper lets orders go that wait for room in budgets and ceilings. Those are shared by customers of many roots, so this cannot be done
// in the transaction that frees the room; where a replica dies in between, another does it a minute later.
type keeper struct {
	gate *Gate
	wake chan struct{}

	turn  sync.Mutex // one goes through those that wait at a time
	mu    sync.Mutex
	freed map[string]bool
}

func newKeeper(g *Gate) *keeper {
	return &keeper{gate: g, wake: make(chan struct{}, 1), freed: map[string]bool{}}
}

// tell says which budgets and ceilings have room that they did not have before.
func (k *keeper) tell(roots []string) {
	if len(roots) == 0 {
		return
	}
	k.mu.Lock()
	for _, r := range roots {
		k.freed[r] = true
	}
	k.mu.Unlock()
	select {
	case k.wake <- struct{}{}:
	default:
	}
}

// run works until ctx ends.
func (k *keeper) run(ctx context.Context) {
	tick := time.NewTicker(keeperEvery)
	defer tick.Stop()
	k.look(ctx)
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			k.look(ctx)
		case <-k.wake:
		}
		if err := k.work(ctx); err != nil && ctx.Err() == nil {
			k.gate.Log.WarnContext(ctx, "orders that wait for budgets and ceilings are looked at again later", "error", err)
			tick.Reset(keeperRetry)
			continue
		}
		tick.Reset(keeperEvery)
	}
}

// look finds all budgets and ceilings with orders that wait, and all ceilings that are not counted.
func (k *keeper) look(ctx context.Context) {
	if err := k.gate.registry.refresh(ctx); err != nil {
		return
	}
	k.tell(k.gate.registry.roots())
}

func (k *keeper) work(ctx context.Context) error {
	k.mu.Lock()
	var roots []string
	for r := range k.freed {
		roots = append(roots, r)
	}
	clear(k.freed)
	k.mu.Unlock()
	slices.Sort(roots)
	keys := make([]postgres.Key, len(roots))
	for i, r := range roots {
		keys[i] = postgres.Key{RootID: r, AccountID: r}
	}
	heads, err := k.gate.Store.Heads(ctx, keys)
	if err != nil {
		return err
	}
	room := map[string]int64{}
	for _, key := range keys {
		a := heads[key]
		if a.Plan == nil {
			continue
		}
		if a.Plan.Kind == account.Ceiling && !a.Plan.Counted {
			if err := k.count(ctx, key); err != nil {
				return err
			}
		}
		if left := roomOf(a); a.Held > 0 && left > 0 {
			room[key.RootID] = left
		}
	}
	_, err = k.release(ctx, room, false)
	return err
}

// recheckWaiting judges an order again that was on hold when it was read, and reports whether it was approved or waits
// on; neither where it waits no longer. before are those that stand before it.
func (g *Gate) recheckWaiting(ctx context.Context, orderID string, before []string) (approved, waits bool, err error) {
	key, found, err := g.Store.Locate(ctx, orderID)
	if err != nil || !found {
		return false, false, err
	}
	w := &work{ctx: ctx, key: key, caller: service(), orders: []string{orderID}, crowd: true}
	w.apply = func(env gate.Env, v *view) (Answer, error) {
		now, err := v.order(w.key, orderID)
		if err != nil || now.State != order.Held {
			return Answer{}, nil //nolint:nilerr // it waits no longer
		}
		change, passed, err := gate.RecheckOne(env, v.accounts[w.key], now)
		if err != nil {
			return Answer{}, err
		}
		if !passed {
			return Answer{}, errWaitsOn // a refusal: not given on a remembered state
		}
		if change.Overtakes(now) {
			change.Detail.Passed = before
		}
		return v.record(w, change, Request{})
	}
	a, err := g.do(w)
	if errors.Is(err, errWaitsOn) {
		return false, true, nil
	}
	return a.Order.State == order.Approved, false, err
}

var errWaitsOn = errors.New("the order waits on")

// count brings every account that belongs to a ceiling into its sum. Accounts join by themselves with their next entry; this is for
// those that are quiet.
func (k *keeper) count(ctx context.Context, ceiling postgres.Key) error {
	wait := time.NewTimer(countAfter)
	defer wait.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-wait.C:
	}
	if err := k.gate.registry.refresh(ctx); err != nil {
		return err
	}
	var after postgres.Key
	for {
		keys, err := k.gate.Store.Journals(ctx, after, keeperPage)
		if err != nil {
			return err
		}
		heads, err := k.gate.Store.Heads(ctx, keys)
		if err != nil {
			return err
		}
		for _, key := range keys {
			after = key
			if err := k.gate.join(ctx, heads[key]); err != nil {
				return err
			}
		}
		if len(keys) < keeperPage {
			break
		}
	}
	w := &work{ctx: ctx, key: ceiling, caller: service(), crowd: true}
	w.apply = func(_ gate.Env, v *view) (Answer, error) {
		change, changed := gate.CountCeiling(v.accounts[ceiling])
		if !changed {
			return Answer{}, nil
		}
		return v.record(w, change, Request{})
	}
	_, err := k.gate.do(w)
	return err
}

// join makes an account count in the ceilings that it belongs to, where it does not yet.
func (g *Gate) join(ctx context.Context, a account.Account) error {
	if !a.Known() || a.Gone() || slices.Equal(g.registry.ceilingsFor(a.Profile), a.Ceilings) {
		return nil
	}
	w := &work{ctx: ctx, key: postgres.Key{RootID: a.RootID, AccountID: a.ID}, caller: service(), crowd: true}
	w.apply = func(gate.Env, *view) (Answer, error) { return Answer{}, nil } // it joins before anything is decided
	_, err := g.do(w)
	if errs.KindOf(err) == errs.NotFound {
		return nil
	}
	return err
}
