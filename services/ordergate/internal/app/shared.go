package app

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/avalcredit/aval/services/ordergate/internal/account"
	"github.com/avalcredit/aval/services/ordergate/internal/gate"
	"github.com/avalcredit/aval/services/ordergate/internal/order"
	"github.com/avalcredit/aval/services/ordergate/internal/postgres"
)

// maxAge is how long a budget or a ceiling made through another replica may go unnoticed.
const maxAge = time.Second

// elsewhere says that a command belongs to another queue: its account lives under another root, or it touches accounts that customers
// of many roots share, which one queue of a replica decides.
type elsewhere struct {
	route
	account string // the customer that the one named was merged into; empty: the same
}

func (e *elsewhere) Error() string { return "decided elsewhere: " + e.root }

// route is where commands on a customer are decided.
type route struct {
	root   string
	shared bool
}

// routes remembers where customers are decided that are not decided under their own id. It may be behind: a command that comes to the
// wrong place is sent on.
type routes struct {
	mu         sync.RWMutex
	young, old map[string]route
}

func (r *routes) get(customerID string) (route, bool) {
	r.mu.RLock()
	defer r.mu.RUnlock()
	if to, ok := r.young[customerID]; ok {
		return to, true
	}
	to, ok := r.old[customerID]
	return to, ok
}

func (r *routes) put(customerID string, to route) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.young == nil || len(r.young) >= generation {
		r.old, r.young = r.young, map[string]route{}
	}
	r.young[customerID] = to
}

// keyOf is where a customer's account was last seen: under its own id until it is known to be elsewhere.
func (g *Gate) keyOf(customerID string) postgres.Key {
	if to, ok := g.routes.get(customerID); ok {
		return postgres.Key{RootID: to.root, AccountID: customerID}
	}
	return rootOf(customerID)
}

// registry knows which budgets and ceilings exist; what they are for never changes. It asks the store at most every second.
type registry struct {
	store *postgres.Store
	now   func() time.Time

	busy     atomic.Bool // there is a budget or a ceiling
	mu       sync.Mutex
	asked    time.Time
	known    map[string]bool
	budgets  []account.Plan // by id
	ceilings map[string]bool
}

// refresh asks the store where the last answer is too old.
func (r *registry) refresh(ctx context.Context) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	now := r.now()
	if !r.asked.IsZero() && now.Sub(r.asked) < maxAge && !now.Before(r.asked) {
		return nil
	}
	roots, err := r.store.SharedRoots(ctx)
	if err != nil {
		return err
	}
	var news []postgres.Key
	for _, root := range roots {
		if !r.known[root] {
			news = append(news, postgres.Key{RootID: root, AccountID: root})
		}
	}
	r.asked = now
	if len(news) == 0 {
		return nil
	}
	heads, err := r.store.Heads(ctx, news)
	if err != nil {
		return err
	}
	for _, a := range heads {
		r.learn(a)
	}
	return nil
}

// learn needs the lock.
func (r *registry) learn(a account.Account) {
	if r.known == nil {
		r.known, r.ceilings = map[string]bool{}, map[string]bool{}
	}
	if a.Plan == nil || r.known[a.RootID] {
		return
	}
	r.known[a.RootID] = true
	r.busy.Store(true)
	switch a.Plan.Kind {
	case account.Budget:
		r.budgets = append(r.budgets, *a.Plan)
		slices.SortFunc(r.budgets, func(x, y account.Plan) int { return strings.Compare(x.ID, y.ID) })
	case account.Ceiling:
		r.ceilings[a.RootID] = true
	case account.Customer, account.Group:
	}
}

// made takes up an account that this replica has just made.
func (r *registry) made(a account.Account) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.learn(a)
}

// roots lists all budgets and ceilings.
func (r *registry) roots() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	roots := make([]string, 0, len(r.known))
	for root := range r.known {
		roots = append(roots, root)
	}
	return roots
}

// budgetsFor lists the roots of the budgets that an order counts in.
func (r *registry) budgetsFor(o order.Order) []string {
	if !r.busy.Load() || !gate.Budgeted(o) {
		return nil
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	var roots []string
	for _, b := range r.budgets {
		if b.Covers(o.UnitID, o.SalespersonID, o.Currency, o.SubmitDate) {
			roots = append(roots, account.BudgetRoot(b.ID))
		}
	}
	return roots
}

// ceilingsFor lists the roots of the ceilings that an account counts in: the company's and its unit's, in its currency.
func (r *registry) ceilingsFor(p account.Profile) []string {
	if !r.busy.Load() {
		return nil
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.ceilings) == 0 || p.Currency == "" {
		return nil
	}
	var roots []string
	for _, unit := range slices.Compact([]string{"", p.UnitID}) {
		if root := account.CeilingRoot(unit, p.Currency); r.ceilings[root] {
			roots = append(roots, root)
		}
	}
	return roots
}

// enroll brings the ceilings that an account counts in up to date before anything else is decided about it.
func (v *view) enroll(w *work, k postgres.Key) error {
	a := v.accounts[k]
	if !a.Known() || a.Gone() || account.KindOf(a.ID) != account.Customer {
		return nil
	}
	roots := v.gate.registry.ceilingsFor(a.Profile)
	if slices.Equal(roots, a.Ceilings) {
		return nil
	}
	_, err := v.record(w, gate.JoinCeilings(a, roots), Request{})
	return err
}

// crowd reports whether a command touches budgets or ceilings, which customers of many roots share.
func (v *view) crowd(w *work) bool {
	for _, k := range v.keysOf(w) {
		if kind := account.KindOf(k.AccountID); kind == account.Budget || kind == account.Ceiling {
			return true
		}
	}
	return false
}

// plain reports whether a command is about a customer that shares nothing with others: most are, and cost nothing more.
func (v *view) plain(w *work) bool {
	a, ok := v.accounts[w.key]
	return ok && !v.shared && w.profile == nil && a.Profile.GroupID == "" && len(a.Ceilings) == 0 && !a.Gone() && len(v.merging[w]) == 0
}

// keysOf lists the accounts that a command looks at, as far as they are known.
func (v *view) keysOf(w *work) []postgres.Key {
	keys := []postgres.Key{w.key}
	a, ok := v.accounts[w.key]
	if !ok || a.Gone() {
		return keys
	}
	var orders []order.Order
	for _, id := range w.orders {
		if o, ok := v.orders[postgres.OrderKey{Key: w.key, OrderID: id}]; ok {
			orders = append(orders, o)
		}
	}
	if w.draft != nil {
		orders = append(orders, v.drafted(w, a))
	}
	for _, r := range gate.SharedBy(a, orders...) {
		keys = append(keys, postgres.Key(r))
	}
	roots := v.gate.registry.ceilingsFor(a.Profile)
	if w.profile != nil {
		roots = append(roots, v.gate.registry.ceilingsFor(*w.profile)...)
		if g := w.profile.GroupID; g != "" {
			keys = append(keys, groupKey(g))
		}
	}
	for _, root := range roots {
		keys = append(keys, postgres.Key{RootID: root, AccountID: root})
	}
	return append(keys, v.mergedKeys(w)...)
}

func groupKey(groupID string) postgres.Key {
	return postgres.Key{RootID: groupID, AccountID: account.GroupAccount()}
}

// drafted is the order that a command submits, with who sold it and the budgets that it counts in.
func (v *view) drafted(w *work, a account.Account) order.Order {
	o := *w.draft
	o.SubmitDate, o.Currency = w.today, a.Profile.Currency // it counts in the account's currency, whatever its own
	o = gate.Attributed(a, o)
	o.Budgets = v.gate.registry.budgetsFor(o)
	return o
}

// share writes what an entry of a customer means for the accounts that it shares, in the same transaction.
func (v *view) share(w *work, s gate.Step) error {
	var missing *gate.Ref
	changes := gate.Share(s, func(r gate.Ref) account.Account {
		a, ok := v.accounts[postgres.Key(r)]
		if !ok {
			missing = &r
		}
		return a
	})
	if missing != nil {
		return fmt.Errorf("account %s/%s was not read", missing.RootID, missing.AccountID)
	}
	for _, c := range changes {
		before := v.accounts[postgres.Key{RootID: c.Account.RootID, AccountID: c.Account.ID}]
		if _, err := v.seal(w, &c, Request{}); err != nil {
			return err
		}
		if c.Account.Plan.Kind != account.Group && c.Account.Held > 0 && c.Account.Buckets.Exposure() < before.Buckets.Exposure() {
			v.freed = append(v.freed, c.Account.RootID)
		}
	}
	return nil
}

// move takes an account to the root that its profile names, by a pair of entries, with all its orders, and says where it is then.
func (v *view) move(w *work, from postgres.Key) (postgres.Key, error) {
	a := v.accounts[from]
	to := postgres.Key{RootID: a.Home(), AccountID: a.ID}
	if to == from {
		return from, nil
	}
	if _, err := v.record(w, gate.Leave(a, to.RootID), Request{}); err != nil {
		return from, err
	}
	var open []order.Order
	for k, o := range v.orders {
		if k.Key == from && (o.State == order.Held || o.State == order.Approved) {
			open = append(open, o)
		}
	}
	v.rekey(from, to)
	if _, err := v.record(w, gate.Arrive(a, v.accounts[from], open, w.today), Request{}); err != nil {
		return from, err
	}
	v.batch.Moves = append(v.batch.Moves, postgres.Move{AccountID: a.ID, From: from.RootID, To: to.RootID, Seq: v.accounts[to].Seq})
	return to, nil
}

// rekey takes what this batch has done to orders of an account along to its new root.
func (v *view) rekey(from, to postgres.Key) {
	for k, o := range v.orders {
		if k.Key == from {
			delete(v.orders, k)
			v.orders[postgres.OrderKey{Key: to, OrderID: k.OrderID}] = o
		}
	}
	for k, i := range v.slot {
		if k.Key == from {
			delete(v.slot, k)
			v.slot[postgres.OrderKey{Key: to, OrderID: k.OrderID}] = i
			v.batch.Orders[i].RootID = to.RootID
		}
	}
	for i, n := range v.batch.New {
		if n.Key == from {
			v.batch.New[i].Key = to
		}
	}
}
