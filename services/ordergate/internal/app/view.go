package app

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"

	"github.com/avalcredit/aval/pkg/calendar"
	"github.com/avalcredit/aval/services/ordergate/internal/account"
	"github.com/avalcredit/aval/services/ordergate/internal/check"
	"github.com/avalcredit/aval/services/ordergate/internal/gate"
	"github.com/avalcredit/aval/services/ordergate/internal/order"
	"github.com/avalcredit/aval/services/ordergate/internal/postgres"
)

// view is what a batch sees and does: accounts and orders as they are after the commands decided so far.
type view struct {
	gate     *Gate
	policies map[calendar.Date]check.Policy
	accounts map[postgres.Key]account.Account
	fresh    map[postgres.Key]bool // read from the store for this attempt
	orders   map[postgres.OrderKey]order.Order
	taken    map[string]postgres.Key // order numbers that exist
	requests map[postgres.Request]gate.Entry
	batch    postgres.Write
	slot     map[postgres.OrderKey]int // place of an order in batch.Orders
	tells    map[postgres.Key]bool     // accounts of which others are told something
	answers  []Answer
	errors   []error
	failed   error // part of a command is decided and the rest cannot be: nothing of the batch may be written
}

// load reads what the batch needs and does not remember.
func (s *shard) load(ctx context.Context, batch []*work, lookup bool) (*view, error) {
	v := &view{
		gate: s.gate, policies: map[calendar.Date]check.Policy{}, accounts: map[postgres.Key]account.Account{}, fresh: map[postgres.Key]bool{},
		tells: map[postgres.Key]bool{}, orders: map[postgres.OrderKey]order.Order{}, slot: map[postgres.OrderKey]int{},
		requests: map[postgres.Request]gate.Entry{}, answers: make([]Answer, len(batch)), errors: make([]error, len(batch)),
	}
	var missing []postgres.Key
	for _, w := range batch {
		if _, known := v.accounts[w.key]; known || v.fresh[w.key] {
			continue
		}
		if a, ok := s.heads.get(w.key); ok {
			v.accounts[w.key] = a
			continue
		}
		missing, v.fresh[w.key] = append(missing, w.key), true
	}
	if len(missing) > 0 {
		found, err := s.gate.Store.Heads(ctx, missing)
		if err != nil {
			return nil, err
		}
		for k, a := range found {
			v.accounts[k] = a
		}
	}
	if err := v.loadPolicies(ctx, batch); err != nil {
		return nil, err
	}
	if err := v.loadOrders(ctx, batch); err != nil {
		return nil, err
	}
	return v, v.loadRequests(ctx, batch, lookup || v.repeats(batch))
}

// repeats says whether a new order of the batch is among the orders that were read for its neighbours: it is sent again, and has an
// answer already.
func (v *view) repeats(batch []*work) bool {
	return len(v.orders) > 0 && slices.ContainsFunc(batch, func(w *work) bool {
		_, read := v.orders[postgres.OrderKey{Key: w.key, OrderID: w.submit}]
		return read && w.submit != ""
	})
}

func (v *view) loadPolicies(ctx context.Context, batch []*work) error {
	for _, w := range batch {
		if _, ok := v.policies[w.today]; ok {
			continue
		}
		p, err := v.gate.Policies.InForce(ctx, w.today)
		if err != nil {
			return err
		}
		v.policies[w.today] = p
	}
	return nil
}

// loadOrders reads the orders that commands name, and the held orders of accounts whose credit a command may free.
func (v *view) loadOrders(ctx context.Context, batch []*work) error {
	var named []postgres.OrderKey
	var freed, expiring []postgres.Key
	for _, w := range batch {
		for _, id := range w.orders {
			named = append(named, postgres.OrderKey{Key: w.key, OrderID: id})
		}
		if w.frees && v.accounts[w.key].Held > 0 {
			freed = append(freed, w.key)
		}
		if next := v.accounts[w.key].NextExpiry; !next.IsZero() && next.Before(w.today) {
			freed, expiring = append(freed, w.key), append(expiring, w.key)
		}
	}
	if err := v.loadOthers(ctx, batch); err != nil {
		return err
	}
	if len(expiring) > 0 {
		found, err := v.gate.Store.ExpiringOrders(ctx, expiring)
		if err != nil {
			return err
		}
		for _, o := range found {
			v.orders[o.Key()] = o.Order
		}
	}
	if len(named) > 0 {
		found, err := v.gate.Store.Orders(ctx, named)
		if err != nil {
			return err
		}
		for k, o := range found {
			v.orders[k] = o.Order
		}
	}
	if len(freed) > 0 {
		found, err := v.gate.Store.HeldOrders(ctx, freed)
		if err != nil {
			return err
		}
		for _, o := range found {
			v.orders[o.Key()] = o.Order
		}
	}
	return nil
}

// loadRequests finds answers given before. A new order is written without asking, since its request id and number are unique in the
// store; only where that turned out to exist (lookup), or where the command changes an order, is the store asked first.
func (v *view) loadRequests(ctx context.Context, batch []*work, lookup bool) error {
	var keys []postgres.Request
	var numbers []string
	for _, w := range batch {
		if w.req.ID != "" && (lookup || w.submit == "") {
			keys = append(keys, postgres.Request{RootID: w.key.RootID, RequestID: w.req.ID})
		}
		if lookup && w.submit != "" {
			numbers = append(numbers, w.submit)
		}
	}
	// Numbers before requests: both are written in one transaction, so a number that is found taken has its request found too.
	if len(numbers) > 0 {
		taken, err := v.gate.Store.LocateAll(ctx, numbers)
		if err != nil {
			return err
		}
		v.taken = taken
	}
	if len(keys) > 0 {
		found, err := v.gate.Store.Requests(ctx, keys)
		if err != nil {
			return err
		}
		v.requests = found
	}
	return nil
}

func (v *view) env(w *work) (gate.Env, error) {
	p, ok := v.policies[w.today]
	if !ok {
		return gate.Env{}, fmt.Errorf("no policy was read for %s", w.today)
	}
	return gate.Env{
		Policy: p, Today: w.today, Actor: w.caller.Subject, Roles: w.caller.Roles, Sees: w.caller.Sees,
		Others: func() []order.Order { return v.others(w.key) },
	}, nil
}

// order finds an order of the account that a command is for.
func (v *view) order(k postgres.Key, id string) (order.Order, error) {
	o, ok := v.orders[postgres.OrderKey{Key: k, OrderID: id}]
	if !ok {
		return order.Order{}, gate.UnknownOrder(id)
	}
	return o, nil
}

// held are the account's orders on hold.
func (v *view) held(k postgres.Key) []order.Order {
	var held []order.Order
	for _, o := range v.orders {
		if o.CustomerID == k.AccountID && o.State == order.Held {
			held = append(held, o)
		}
	}
	return held
}

// record seals a change as the account's next entry and takes it up.
func (v *view) record(w *work, c gate.Change, req Request) (Answer, error) {
	e, err := c.Seal(gate.Stamp{RequestID: req.ID, RequestHash: req.Hash, RecordedAt: v.gate.Clock.Now(), Today: w.today, Actor: w.caller.Subject})
	if err != nil {
		return Answer{}, err
	}
	v.accounts[w.key] = c.Account
	v.batch.Entries = append(v.batch.Entries, e)
	if err := v.batch.Send(c, e); err != nil {
		return Answer{}, err
	}
	if len(c.Events) > 0 || c.Withdraw != nil {
		v.tells[w.key] = true
	}
	for _, o := range c.Orders {
		v.put(w.key.RootID, e.Seq, o)
	}
	if req.ID != "" {
		v.requests[postgres.Request{RootID: w.key.RootID, RequestID: req.ID}] = e
	}
	a := Answer{Entry: e, Record: c.Record}
	if len(c.Orders) > 0 {
		a.Order = c.Orders[0]
	}
	return a, nil
}

func (v *view) put(root string, seq int64, o order.Order) {
	stored := postgres.StoredOrder{RootID: root, Seq: seq, Order: o}
	k := stored.Key()
	v.orders[k] = o
	if i, ok := v.slot[k]; ok {
		v.batch.Orders[i] = stored
		return
	}
	v.slot[k] = len(v.batch.Orders)
	v.batch.Orders = append(v.batch.Orders, stored)
}

// settleHeld judges the account's held orders again, in the same transaction as what freed the credit.
func (v *view) settleHeld(env gate.Env, w *work) error {
	if v.accounts[w.key].Held == 0 {
		return nil
	}
	self := *w
	self.caller.Subject = "ordergate"
	v.failed = gate.RecheckHeld(env, v.accounts[w.key], v.held(w.key), func(c *gate.Change) error {
		_, err := v.record(&self, *c, Request{})
		c.Account = v.accounts[w.key]
		return err
	})
	return v.failed
}

// answerOf is the answer that an entry gave when it was written.
func answerOf(e gate.Entry) (Answer, error) {
	var d gate.Detail
	if err := json.Unmarshal(e.Detail, &d); err != nil {
		return Answer{}, fmt.Errorf("journal entry %s/%d: %w", e.AccountID, e.Seq, err)
	}
	a := Answer{Entry: e}
	for _, o := range d.Orders {
		if e.OrderID == "" || o.ID == e.OrderID {
			a.Order = o
			break
		}
	}
	if e.Decision != nil {
		rec, err := check.DecodeRecord(e.Decision)
		if err != nil {
			return Answer{}, err
		}
		a.Record = &rec
	}
	return a, nil
}
