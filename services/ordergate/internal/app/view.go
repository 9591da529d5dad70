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
	heads    *heads
	shared   bool // there are budgets or ceilings
	policies map[calendar.Date]check.Policy
	accounts map[postgres.Key]account.Account
	fresh    map[postgres.Key]bool // read from the store for this attempt
	final    map[*work]bool        // another look would not change the answer
	orders   map[postgres.OrderKey]order.Order
	taken    map[string]postgres.Key // order numbers that exist
	requests map[postgres.Request]gate.Entry
	batch    postgres.Write
	slot     map[postgres.OrderKey]int // place of an order in batch.Orders
	settling bool                      // orders on hold are being judged again, in turn
	freed    []string                  // budgets and ceilings with room for orders that wait for it
	tells    map[postgres.Key]bool     // accounts of which others are told something
	merging  map[*work][]postgres.Key  // accounts that a position holds for the first time
	answers  []Answer
	errors   []error
	failed   error // part of a command is decided and the rest cannot be: nothing of the batch may be written
}

// load reads what the batch needs and does not remember.
func (s *shard) load(ctx context.Context, batch []*work, lookup bool) (*view, error) {
	v := &view{
		gate: s.gate, heads: s.heads, policies: map[calendar.Date]check.Policy{}, fresh: map[postgres.Key]bool{},
		final: map[*work]bool{}, tells: map[postgres.Key]bool{}, merging: map[*work][]postgres.Key{},
		accounts: make(map[postgres.Key]account.Account, len(batch)), requests: make(map[postgres.Request]gate.Entry, len(batch)),
		orders: make(map[postgres.OrderKey]order.Order, len(batch)), slot: make(map[postgres.OrderKey]int, len(batch)),
		answers: make([]Answer, len(batch)), errors: make([]error, len(batch)),
		batch: postgres.Write{Entries: make([]gate.Entry, 0, len(batch)), Orders: make([]postgres.StoredOrder, 0, len(batch)), New: make([]postgres.NewOrder, 0, len(batch))},
	}
	if s.wary > 0 {
		s.wary--
		v.heads = newHeads() // nothing is remembered
	}
	if err := s.gate.registry.refresh(ctx); err != nil {
		return v, err
	}
	v.shared = s.gate.registry.busy.Load()
	keys := make([]postgres.Key, len(batch))
	for i, w := range batch {
		keys[i] = w.key
	}
	if err := v.loadAccounts(ctx, keys); err != nil {
		return v, err
	}
	if err := v.loadMerging(ctx, batch); err != nil {
		return v, err
	}
	if err := v.loadPolicies(ctx, batch); err != nil {
		return v, err
	}
	if err := v.loadShared(ctx, batch); err != nil {
		return v, err
	}
	if err := v.loadOrders(ctx, batch); err != nil {
		return v, err
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

// loadAccounts takes accounts from memory, or from the store where they are not remembered.
func (v *view) loadAccounts(ctx context.Context, keys []postgres.Key) error {
	var missing []postgres.Key
	for _, k := range keys {
		if _, known := v.accounts[k]; known || v.fresh[k] {
			continue
		}
		if a, ok := v.heads.get(k); ok {
			v.accounts[k] = a
			continue
		}
		missing, v.fresh[k] = append(missing, k), true
	}
	if len(missing) == 0 {
		return nil
	}
	found, err := v.gate.Store.Heads(ctx, missing)
	if err != nil {
		return err
	}
	for k, a := range found {
		v.accounts[k] = a
	}
	return nil
}

// loadShared reads what the commands' accounts share with others.
func (v *view) loadShared(ctx context.Context, batch []*work) error {
	var keys []postgres.Key
	for _, w := range batch {
		if !v.plain(w) {
			keys = append(keys, v.keysOf(w)...)
		}
	}
	return v.loadAccounts(ctx, keys)
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

// loadOrders reads the orders that commands name, and those on hold that wait for credit which a command may free: of the account, and
// of all members of its group.
func (v *view) loadOrders(ctx context.Context, batch []*work) error {
	var named []postgres.OrderKey
	var freed, expiring, moving, absorbed []postgres.Key
	var groups []string
	for _, w := range batch {
		for _, id := range append(v.onEndedNotices(w), w.orders...) {
			named = append(named, postgres.OrderKey{Key: w.key, OrderID: id})
		}
		a := v.accounts[w.key]
		if (w.frees || v.namesPassed(w, a)) && a.Held > 0 && !a.InGroup() {
			freed = append(freed, w.key)
		}
		groups = append(groups, v.waiting(w, a)...)
		absorbed = append(absorbed, v.merging[w]...)
		groups = append(groups, v.leaving(w)...)
		if w.profile != nil && a.Profile.GroupID != w.profile.GroupID {
			moving = append(moving, w.key)
		}
		if next := a.NextExpiry; !next.IsZero() && next.Before(w.today) {
			freed, expiring = append(freed, w.key), append(expiring, w.key)
			if a.InGroup() {
				groups = append(groups, a.RootID)
			}
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
	var found []postgres.StoredOrder
	for _, q := range []struct {
		needed bool
		read   func() ([]postgres.StoredOrder, error)
	}{
		{len(freed) > 0, func() ([]postgres.StoredOrder, error) { return v.gate.Store.HeldOrders(ctx, freed) }},
		{len(groups) > 0, func() ([]postgres.StoredOrder, error) { return v.gate.Store.HeldInRoots(ctx, groups) }},
		{len(moving) > 0, func() ([]postgres.StoredOrder, error) { return v.gate.Store.UnfinishedOrders(ctx, moving) }},
		{len(absorbed) > 0, func() ([]postgres.StoredOrder, error) { return v.gate.Store.AllOrders(ctx, absorbed) }},
	} {
		if !q.needed {
			continue
		}
		more, err := q.read()
		if err != nil {
			return err
		}
		found = append(found, more...)
	}
	for _, o := range found {
		v.orders[o.Key()] = o.Order
	}
	return v.loadWaiting(ctx, batch, found)
}

// waiting lists the groups whose orders on hold a command may let go.
func (v *view) waiting(w *work, a account.Account) []string {
	if !w.frees && !v.namesPassed(w, a) {
		return nil
	}
	var roots []string
	if a.InGroup() || account.KindOf(w.key.AccountID) == account.Group {
		roots = append(roots, w.key.RootID)
	}
	if w.profile != nil && w.profile.GroupID != "" && w.profile.GroupID != w.key.RootID {
		roots = append(roots, w.profile.GroupID)
	}
	return slices.DeleteFunc(roots, func(r string) bool { return v.accounts[groupKey(r)].Held == 0 })
}

// loadWaiting reads the accounts of orders on hold, what those share with others, and the budgets of all orders that were read.
func (v *view) loadWaiting(ctx context.Context, batch []*work, found []postgres.StoredOrder) error {
	members := make([]postgres.Key, len(found))
	for i, o := range found {
		members[i] = o.Key().Key
	}
	if err := v.loadAccounts(ctx, members); err != nil {
		return err
	}
	if len(batch) > 0 && v.policies[batch[0].today].NeedsOrders && len(members) > 0 {
		if err := v.loadOpen(ctx, members); err != nil {
			return err
		}
	}
	var keys []postgres.Key
	for _, o := range found {
		for _, r := range gate.SharedBy(v.accounts[o.Key().Key], o.Order) {
			keys = append(keys, postgres.Key(r))
		}
	}
	for _, o := range v.orders {
		for _, root := range o.Budgets {
			keys = append(keys, postgres.Key{RootID: root, AccountID: root})
		}
	}
	return v.loadAccounts(ctx, keys)
}

// loadRequests finds answers given before. A new order is written without asking, since its request id and number are unique in the
// store; only where that turned out to exist (lookup), or where the command changes an order, is the store asked first.
func (v *view) loadRequests(ctx context.Context, batch []*work, lookup bool) error {
	var keys []postgres.Request
	var numbers []string
	for _, w := range batch {
		if w.req.ID != "" && (lookup || w.submit == "") {
			keys = append(keys, postgres.Request{RootID: w.key.RootID, RequestID: w.req.ID})
			for _, root := range v.accounts[w.key].Former {
				keys = append(keys, postgres.Request{RootID: root, RequestID: w.req.ID})
			}
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
		Shared: func(rootID, accountID string) account.Account {
			return v.accounts[postgres.Key{RootID: rootID, AccountID: accountID}]
		},
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

// held are orders on hold: of one account, or of all members of its group.
func (v *view) held(k postgres.Key, group bool) []order.Order {
	var held []order.Order
	for ok, o := range v.orders {
		if o.State == order.Held && (ok.Key == k || group && ok.RootID == k.RootID && v.accounts[ok.Key].InGroup()) {
			held = append(held, o)
		}
	}
	return held
}

// seal gives a change its place in its account's journal.
func (v *view) seal(w *work, c *gate.Change, req Request) (gate.Entry, error) {
	e, err := c.Seal(gate.Stamp{RequestID: req.ID, RequestHash: req.Hash, RecordedAt: v.gate.Clock.Now(), Today: w.today, Actor: w.caller.Subject})
	if err != nil {
		return gate.Entry{}, err
	}
	v.accounts[postgres.Key{RootID: e.RootID, AccountID: e.AccountID}] = c.Account
	v.batch.Entries = append(v.batch.Entries, e)
	if err := v.batch.Send(*c, e); err != nil {
		return gate.Entry{}, err
	}
	if len(c.Events) > 0 || c.Withdraw != nil {
		v.tells[w.key] = true
	}
	if req.ID != "" {
		v.requests[postgres.Request{RootID: e.RootID, RequestID: req.ID}] = e
	}
	return e, nil
}

// record seals a change as the account's next entry, takes it up, and writes what it means for accounts that the customer shares.
func (v *view) record(w *work, c gate.Change, req Request) (Answer, error) {
	k := postgres.Key{RootID: c.Account.RootID, AccountID: c.Account.ID}
	step := gate.Step{Before: v.accounts[k], Decided: c.Record != nil}
	if c.Kind == gate.MovedIn {
		step.Before = account.Account{} // what it was here before, it took along when it left
	}
	for _, o := range c.Orders {
		step.Was = append(step.Was, v.orders[postgres.OrderKey{Key: k, OrderID: o.ID}])
	}
	v.overtakes(w, &c)
	e, err := v.seal(w, &c, req)
	if err != nil {
		return Answer{}, err
	}
	v.passes(e, c)
	for _, o := range c.Orders {
		v.put(k.RootID, e.Seq, o)
	}
	a := Answer{Entry: e, Record: c.Record, Plan: c.Detail.Plan}
	if len(c.Orders) > 0 {
		a.Order = c.Orders[0]
	}
	step.After, step.Is, step.Entry = c.Account, c.Orders, e
	if v.failed = v.share(w, step); v.failed != nil {
		return Answer{}, v.failed
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

// settleHeld judges orders on hold again, in the same transaction as what freed the credit: those of the account, and those of all
// members of the group that it draws on.
func (v *view) settleHeld(env gate.Env, w *work, k postgres.Key) error {
	a := v.accounts[k]
	group := a.InGroup() || account.KindOf(k.AccountID) == account.Group
	if n := a.Held; n == 0 && (!group || v.accounts[groupKey(k.RootID)].Held == 0) {
		return nil
	}
	self := *w
	self.caller.Subject = "ordergate"
	of := func(customerID string) (gate.Env, account.Account) {
		member, its := postgres.Key{RootID: k.RootID, AccountID: customerID}, env
		its.Others = func() []order.Order { return v.others(member) }
		return its, v.accounts[member]
	}
	v.settling = true
	defer func() { v.settling = false }()
	v.failed = gate.RecheckAll(of, v.held(k, group), func(c *gate.Change) error {
		_, err := v.record(&self, *c, Request{})
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
	a := Answer{Entry: e, Plan: d.Plan}
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
