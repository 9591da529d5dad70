package app_test

import (
	"fmt"
	"sync"
	"testing"

	"github.com/avalcredit/aval/pkg/calendar"
	"github.com/avalcredit/aval/pkg/errs"
	"github.com/avalcredit/aval/services/ordergate/internal/account"
	"github.com/avalcredit/aval/services/ordergate/internal/app"
	"github.com/avalcredit/aval/services/ordergate/internal/gate"
	"github.com/avalcredit/aval/services/ordergate/internal/order"
	"github.com/avalcredit/aval/services/ordergate/internal/postgres"
)

// profile is a customer's next profile; the directory answers with it too.
func (r *rig) profile(id, group string, seq, limit int64) account.Profile {
	r.customer(id, limit)
	r.customers.mu.Lock()
	defer r.customers.mu.Unlock()
	p := r.customers.known[id]
	p.Seq, p.GroupID = seq, group
	r.customers.known[id] = p
	return p
}

func (r *rig) limit(g replica, id, group string, minor int64) {
	r.t.Helper()
	if _, err := g.SetGroupLimit(r.t.Context(), person("chief", "FINANCE_DIRECTOR"), request(id),
		app.GroupLimit{GroupID: group, Currency: "CNY", Limit: account.Limit{Kind: account.LimitAmount, Minor: minor}, Reason: "agreed"}); err != nil {
		r.t.Fatal(err)
	}
}

func (r *rig) submit(g replica, id, customer string, minor int64) app.Answer {
	r.t.Helper()
	a, err := g.Submit(r.t.Context(), person("sales"), request(id), newOrder(id, customer, minor))
	if err != nil {
		r.t.Fatal(err)
	}
	return a
}

func (r *rig) state(g replica, id string) order.State {
	r.t.Helper()
	o, err := g.queries.Order(r.t.Context(), person("x"), id)
	if err != nil {
		r.t.Fatal(err)
	}
	return o.State
}

// sums holds that a group's pool is the sum of its members, and that every chain holds and every decision decides the same again.
func (r *rig) sums(g replica, group string) app.GroupSheet {
	r.t.Helper()
	s, err := g.queries.Group(r.t.Context(), group)
	if err != nil {
		r.t.Fatal(err)
	}
	var sum account.Buckets
	held := 0
	for _, m := range s.Members {
		sum = sum.Add(m.Buckets)
		held += m.Held
	}
	if sum != s.Pool.Buckets || held != s.Pool.Held {
		r.t.Errorf("group %s has %+v and %d on hold, its members %+v and %d", group, s.Pool.Buckets, s.Pool.Held, sum, held)
	}
	if rep, err := g.verifier.Verify(r.t.Context()); err != nil || len(rep.Breaks) > 0 {
		r.t.Errorf("verify: %+v %v", rep.Breaks, err)
	}
	return s
}

// M9: own and group limit must both hold; what one member frees, another that waits for it gets, without anybody asking.
func TestGroupPoolIsShared(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	g := r.start()
	r.limit(g, "l1", "G", 1_000)
	r.profile("A", "G", 1, 700)
	r.profile("B", "G", 1, 700)
	if a := r.submit(g, "A1", "A", 700); a.Order.State != order.Approved {
		t.Fatalf("A1 is %s", a.Order.State)
	}
	b := r.submit(g, "B1", "B", 400)
	if b.Order.State != order.Held || b.Record.Result.HoldReasons()[0] != "group_pool" || b.Record.Result.Excess != 100 {
		t.Fatalf("B1 is %s by %v, excess %d", b.Order.State, b.Record.Result.HoldReasons(), b.Record.Result.Excess)
	}
	if b := r.submit(g, "B2", "B", 300); b.Order.State != order.Approved {
		t.Fatalf("B2 is %s", b.Order.State)
	}
	if _, err := g.Cancel(t.Context(), person("sales"), request("c1"), "A1", ""); err != nil {
		t.Fatal(err)
	}
	if s := r.state(g, "B1"); s != order.Approved {
		t.Errorf("after A's order was cancelled B1 is %s", s)
	}
	if s := r.sums(g, "G"); s.Pool.Buckets.Order != 700 || len(s.Members) != 2 {
		t.Errorf("%+v", s)
	}
	// A lower limit frees nothing and stops the next; a higher one lets those go that wait.
	r.limit(g, "l2", "G", 700)
	if a := r.submit(g, "A2", "A", 1); a.Order.State != order.Held {
		t.Errorf("A2 is %s", a.Order.State)
	}
	r.limit(g, "l3", "G", 701)
	if s := r.state(g, "A2"); s != order.Approved {
		t.Errorf("after the limit was raised A2 is %s", s)
	}
	// A payment of one member frees credit for the other.
	if a := r.submit(g, "A3", "A", 100); a.Order.State != order.Held {
		t.Errorf("A3 is %s", a.Order.State)
	}
	if _, err := g.ReceivePosition(t.Context(), "B", account.Position{Seq: 1, BusinessDate: calendar.MustDate("2026-07-01"), Currency: "CNY", Unapplied: 100}); err != nil {
		t.Fatal(err)
	}
	if s := r.state(g, "A3"); s != order.Approved {
		t.Errorf("after B's payment A3 is %s", s)
	}
	r.sums(g, "G")
	if _, err := g.SetGroupLimit(t.Context(), person("chief"), request("l4"), app.GroupLimit{GroupID: "G", Currency: "USD", Limit: account.Limit{Kind: account.LimitAmount}}); errs.ReasonOf(err) != "CURRENCY_MISMATCH" {
		t.Errorf("a limit in another currency: %v", err)
	}
}

// Freed credit goes to the oldest order of the group, whoever's it is.
func TestGroupFreesOldestFirst(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	g := r.start()
	r.limit(g, "l1", "G", 1_000)
	for _, id := range []string{"A", "B", "C"} {
		r.profile(id, "G", 1, 1_000)
	}
	r.submit(g, "A1", "A", 1_000)
	// C's own journal is longer, so its numbers are higher; it still came first.
	for i := range 5 {
		r.submit(g, fmt.Sprintf("C-%d", i), "C", 2_000)
		if _, err := g.Cancel(t.Context(), person("sales"), request(fmt.Sprintf("x%d", i)), fmt.Sprintf("C-%d", i), ""); err != nil {
			t.Fatal(err)
		}
	}
	r.submit(g, "C1", "C", 600)
	r.submit(g, "B1", "B", 600)
	if _, err := g.Cancel(t.Context(), person("sales"), request("c1"), "A1", ""); err != nil {
		t.Fatal(err)
	}
	if c, b := r.state(g, "C1"), r.state(g, "B1"); c != order.Approved || b != order.Held {
		t.Errorf("C1 is %s and B1 %s, want the older approved", c, b)
	}
	r.sums(g, "G")
}

// A customer moves between groups by a pair of entries: its state, orders and numbers go along, the totals stay.
func TestMovesBetweenGroups(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	gates := []replica{r.start(), r.start()}
	g := gates[0]
	ctx := t.Context()
	r.limit(g, "lg", "G", 1_000)
	r.limit(g, "lh", "H", 500)
	r.profile("A", "", 1, 10_000)
	r.profile("B", "G", 1, 10_000)
	r.submit(g, "A1", "A", 400)
	r.submit(g, "A2", "A", 100)
	r.submit(g, "B1", "B", 700)
	if _, err := g.Ship(ctx, person("store"), request("s1"), "A1", app.Shipment{ID: "S1"}); err != nil {
		t.Fatal(err)
	}
	if _, err := g.ReceivePosition(ctx, "A", account.Position{Seq: 1, BusinessDate: calendar.MustDate("2026-07-01"), Currency: "CNY", Receivable: 400,
		Ladder:    account.Ladder{{Date: calendar.MustDate("2026-07-31"), Minor: 400}},
		Movements: []account.Movement{{OrderID: "A1", InvoiceID: "I1", Minor: 400}}}); err != nil {
		t.Fatal(err)
	}
	held := r.submit(g, "B2", "B", 400)
	if held.Order.State != order.Held {
		t.Fatalf("B2 is %s", held.Order.State)
	}
	decision := app.DecisionID("A", 2)
	total := func() (sum int64) {
		for _, id := range []string{"A", "B"} {
			s, err := gates[1].queries.Account(ctx, person("x"), id)
			if err != nil {
				t.Fatal(err)
			}
			sum += s.Account.Buckets.Exposure()
		}
		return sum
	}
	before := total()
	seq := int64(1)
	for i, group := range []string{"G", "H", "", "G", "H", "H", ""} {
		seq++
		n := i % 2
		if _, err := gates[n].ReceiveProfile(ctx, "A", r.profile("A", group, seq, 10_000), false); err != nil {
			t.Fatal(err)
		}
		if got := total(); got != before {
			t.Fatalf("in group %q the total is %d, was %d", group, got, before)
		}
		// Through the replica that has not moved it: an order of A, its cancellation, an old request again, a decision of long ago.
		other := gates[1-n]
		id := fmt.Sprintf("A9%d", i)
		a := r.submit(other, id, "A", 10)
		want := order.Approved
		if group != "" {
			want = order.Held // 700 + 500 > 1,000 in G; 500 + 10 > 500 in H
		}
		if a.Order.State != want {
			t.Errorf("in group %q an order is %s, want %s", group, a.Order.State, want)
		}
		if _, err := gates[n].Cancel(ctx, person("sales"), request("c"+id), id, ""); err != nil {
			t.Fatal(err)
		}
		if again := r.submit(other, "A2", "A", 100); again.Order.State != order.Approved {
			t.Errorf("the first answer is lost: %s", again.Order.State)
		}
		if d, err := other.queries.Decision(ctx, person("x"), decision); err != nil || d.Order.ID != "A1" {
			t.Errorf("decision %s: %+v %v", decision, d.Order.ID, err)
		}
		orders, err := gates[n].queries.Orders(ctx, person("x"), app.OrderFilter{CustomerID: "A"})
		if err != nil || len(orders.Items) != 3+i {
			t.Errorf("%d orders are listed, %v", len(orders.Items), err)
		}
		r.sums(g, "G")
		r.sums(g, "H")
	}
	// The journal is one, whatever the root.
	entries, err := g.queries.Journal(ctx, person("x"), "A", 1000, "")
	if err != nil {
		t.Fatal(err)
	}
	moves := 0
	for i, e := range entries.Items {
		if want := entries.Items[0].Seq - int64(i); e.Seq != want {
			t.Fatalf("entry %d is at %d", want, e.Seq)
		}
		if e.Kind == gate.MovedIn {
			moves++
		}
	}
	if moves != 6 || entries.Items[len(entries.Items)-1].Seq != 1 {
		t.Errorf("%d moves in %d entries", moves, len(entries.Items))
	}
	// Whoever reads journal by journal sees the account once, and what is left behind is nothing.
	keys, err := g.store.Journals(ctx, postgres.Key{}, 100)
	if err != nil {
		t.Fatal(err)
	}
	extents, err := g.store.Extents(ctx, keys, calendar.Date{})
	if err != nil {
		t.Fatal(err)
	}
	states, err := g.store.States(ctx, extents)
	if err != nil || len(states) != 5 {
		t.Fatalf("%d journals, %v", len(states), err)
	}
	for k, a := range states {
		gone := k.AccountID == "A" && k.RootID != "A" || k.AccountID == "B" && k.RootID == "B"
		if (a.MovedTo != "") != gone || a.Profile.Currency != "CNY" || gone && a.Buckets != (account.Buckets{}) {
			t.Errorf("%v: gone to %q, %+v", k, a.MovedTo, a.Buckets)
		}
	}
	// An invoice of an order that came along is reversed.
	if _, err := g.ReceivePosition(ctx, "A", account.Position{Seq: 2, BusinessDate: calendar.MustDate("2026-07-01"), Currency: "CNY",
		Movements: []account.Movement{{OrderID: "A1", InvoiceID: "I1", Minor: -400}}}); err != nil {
		t.Fatal(err)
	}
	if s, err := g.queries.Account(ctx, person("x"), "A"); err != nil || s.Account.Buckets.Delivery != 400 || s.Account.Buckets.Receivable != 0 {
		t.Errorf("%+v %v", s.Account.Buckets, err)
	}
}

// Two replicas race members of one group: never over the pool, and nothing that fits is refused for good.
func TestTwoReplicasShareAPool(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	a, b := r.start(), r.start()
	rounds := 300
	if testing.Short() {
		rounds = 40
	}
	for i := range rounds {
		group := fmt.Sprintf("G%03d", i)
		r.limit(a, "l"+group, group, 10_000)
		members := []string{group + "A", group + "B"}
		for _, m := range members {
			r.profile(m, group, 1, 10_000)
		}
		states := make([]order.State, 4)
		var wg sync.WaitGroup
		for n := range states {
			wg.Go(func() {
				g := []replica{a, b}[n%2]
				id := fmt.Sprintf("%s-%d", group, n)
				ans, err := g.Submit(t.Context(), person("sales"), request(id), newOrder(id, members[n/2], 6_000))
				if err != nil {
					t.Errorf("round %d order %d: %v", i, n, err)
				}
				states[n] = ans.Order.State
			})
		}
		wg.Wait()
		if t.Failed() {
			return
		}
		approved := 0
		for _, s := range states {
			if s == order.Approved {
				approved++
			}
		}
		if approved != 1 {
			t.Fatalf("round %d: %v, want exactly one approved", i, states)
		}
	}
	r.sums(a, "G000")
}

// An approved form about a group's pool sets it once: a profile that tells of it again sets nothing again, whatever was set since, and no
// earlier form undoes a later one. What waits for the room gets it.
func TestGroupPoolByForm(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	g := r.start()
	form := func(number, minor int64) {
		t.Helper()
		if err := g.ReceiveGroupPool(t.Context(), calendar.MustDate("2026-07-01"), gate.GroupForm{GroupID: "G", Number: number, Currency: "CNY", Minor: minor, Reason: "approved form"}); err != nil {
			t.Fatal(err)
		}
	}
	limit := func() int64 {
		t.Helper()
		s, err := g.queries.Group(t.Context(), "G")
		if err != nil {
			t.Fatal(err)
		}
		return s.Pool.Plan.Limit.Minor
	}
	form(7, 1000)
	form(7, 1000)
	form(6, 5)
	if got := limit(); got != 1000 {
		t.Fatalf("the pool is %d", got)
	}
	if _, err := g.SetGroupLimit(t.Context(), person("chief", "FINANCE_DIRECTOR"), request("by hand"), app.GroupLimit{GroupID: "G", Currency: "CNY", Limit: account.Limit{Kind: account.LimitAmount, Minor: 300}}); err != nil {
		t.Fatal(err)
	}
	form(7, 1000)
	if got := limit(); got != 300 {
		t.Fatalf("a profile that was sent again set the pool to %d", got)
	}
	form(8, 2000)
	if got := limit(); got != 2000 {
		t.Fatalf("the pool is %d", got)
	}
	if err := g.ReceiveGroupPool(t.Context(), calendar.MustDate("2026-07-01"), gate.GroupForm{GroupID: "G", Number: 9, Currency: "USD", Minor: 1}); errs.ReasonOf(err) != "CURRENCY_MISMATCH" {
		t.Fatalf("%v", err)
	}
}
