package app_test

import (
	"fmt"
	"slices"
	"sync/atomic"
	"testing"

	"pgregory.net/rapid"

	"github.com/avalcredit/aval/pkg/errs"
	"github.com/avalcredit/aval/pkg/money"
	"github.com/avalcredit/aval/services/ordergate/internal/account"
	"github.com/avalcredit/aval/services/ordergate/internal/app"
	"github.com/avalcredit/aval/services/ordergate/internal/gate"
	"github.com/avalcredit/aval/services/ordergate/internal/order"
)

// merge has receivables tell of B under A's number from now on, while orders that name B, and goods of its orders, are on their way
// through the other replica.
func (s *society) merge() {
	if s.merged {
		s.Skip("once")
	}
	ctx, a, b := s.r.t.Context(), s.id("A"), s.id("B")
	mine, other := s.books[a], s.books[b]
	before := s.held(a).Add(s.held(b))
	done := make(chan func(), 2)
	quiet := rapid.Bool().Draw(s.T, "quiet")
	if quiet {
		done <- func() {}
		done <- func() {}
	} else {
		id, minor, g := s.next("O"), s.amount(), s.gate()
		goods, ship := s.next("S"), ""
		if len(s.orders) > 0 {
			ship = rapid.SampledFrom(s.orders).Draw(s.T, "ship")
		}
		go func() {
			_, err := g.Submit(ctx, person("sales"), request(id), newOrder(id, b, minor))
			done <- func() { s.took(err); s.orders = append(s.orders, id) }
		}()
		go func() {
			var err error
			if ship != "" {
				m := money.New(minor, "CNY")
				_, err = g.Ship(ctx, person("store"), request(goods), ship, app.Shipment{ID: goods, Amount: &m})
			}
			done <- func() { s.took(err) }
		}()
	}
	mine.Receivable, mine.Unapplied = mine.Receivable+other.Receivable, mine.Unapplied+other.Unapplied
	mine.Merged = []account.Merged{{ID: b, Seq: other.Seq}}
	s.position(a)
	s.books[b], s.merged = &account.Position{}, true
	for range 2 {
		(<-done)()
	}
	if after := s.held(a).Add(s.held(b)); quiet && (after.Order < before.Order || after.Exposure()-after.Order != before.Exposure()-before.Order) {
		s.Errorf("both had %+v before, have %+v after", before, after) // orders that waited may have got what the survivor's limit leaves
	}
}

func (s *society) held(id string) account.Buckets {
	sheet, err := s.gates[0].queries.Account(s.r.t.Context(), person("x"), id)
	if err != nil {
		s.Fatal(err)
	}
	return sheet.Account.Buckets
}

// Two customers through random lives of orders, one of which is merged into the other at some time, while both are written to through
// two replicas: the account of the survivor is what receivables and its orders say, the other's is empty, what is shared is the sum of
// those who share it, and every chain holds.
func TestRandomLivesOfMergedCustomers(t *testing.T) {
	if testing.Short() {
		t.Skip("takes its time")
	}
	t.Parallel()
	r := newRigUnder(t, strict())
	gates := []replica{r.start(), r.start()}
	var marks, merged atomic.Int64
	rapid.Check(t, func(t *rapid.T) {
		s := &society{T: t, r: r, gates: gates, mark: fmt.Sprintf("m%d-", marks.Add(1)), books: map[string]*account.Position{}, seen: map[string]account.Profile{}, merges: true}
		r.budget(gates[0], func() account.Plan { p := month(s.id("X"), s.id("U"), ""); return p }(), 800)
		c := account.Plan{ID: s.id("U"), UnitID: s.id("U"), Currency: "CNY", Limit: account.Limit{Kind: account.LimitAmount, Minor: 900}}
		if _, err := gates[0].SetCeiling(r.t.Context(), person("chief"), request(s.id("c")), c); err != nil {
			t.Fatal(err)
		}
		r.limit(gates[0], s.id("l"), s.id("G"), 1_000)
		for _, name := range []string{"A", "B"} {
			p := r.profile(s.id(name), "", 0, 700)
			s.books[s.id(name)] = &account.Position{BusinessDate: p.BusinessDate, Currency: "CNY"}
			s.seen[s.id(name)] = p
			s.profile(s.id(name), func(p *account.Profile) { p.GroupID, p.UnitID = s.id("G"), s.id("U") })
		}
		t.Repeat(s.actions())
		if s.merged {
			merged.Add(1)
		}
	})
	if rep, err := gates[0].verifier.Verify(t.Context()); err != nil || len(rep.Breaks) > 0 || merged.Load() == 0 {
		t.Errorf("verify after %d merges: %+v %v", merged.Load(), rep, err)
	}
}

// A finished history is taken along too, in as many entries as it takes, and an order that was done is opened again by its invoice's
// reversal under the survivor. An entry that does not hold what both held is found.
func TestMergeTakesFinishedOrdersAlong(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	g := r.start()
	r.profile("A", "", 1, 1_000_000)
	r.profile("B", "", 1, 1_000_000)
	r.submit(g, "A1", "A", 10)
	n := gate.MaxTaken + 20
	for i := range n {
		id := fmt.Sprintf("B%03d", i)
		r.submit(g, id, "B", 10)
		if i < n-1 {
			if _, err := g.Cancel(t.Context(), person("sales"), request("c"+id), id, "not wanted"); err != nil {
				t.Fatal(err)
			}
		}
	}
	day := r.customers.known["A"].BusinessDate
	if _, err := g.ReceivePosition(t.Context(), "A", account.Position{Seq: 1, BusinessDate: day, Currency: "CNY", Merged: []account.Merged{{ID: "B"}}}); err != nil {
		t.Fatal(err)
	}
	all, err := g.queries.Orders(t.Context(), person("x"), app.OrderFilter{CustomerID: "A", Size: 1000})
	if err != nil || len(all.Items) != n+1 {
		t.Fatalf("%d orders, %v", len(all.Items), err)
	}
	o, err := g.Reopen(t.Context(), person("sales"), request("again"), "B000", day.AddDays(9), "wanted after all")
	if err != nil || o.Order.CustomerID != "A" || o.Order.NamedID != "B" || o.Order.State != order.Approved {
		t.Fatalf("%+v %v", o.Order, err)
	}
	// A request that was answered before the merge is answered the same.
	same, err := g.Cancel(t.Context(), person("sales"), request("cB001"), "B001", "not wanted")
	if err != nil || same.Entry.AccountID != "B" {
		t.Fatalf("%+v %v", same.Entry, err)
	}
	if _, err := g.Submit(t.Context(), person("sales"), request("B002"), newOrder("B002", "B", 10)); err != nil {
		t.Errorf("an order sent again: %v", err)
	}
	rep, err := g.verifier.Verify(t.Context())
	if err != nil || len(rep.Breaks) > 0 {
		t.Fatalf("verify: %+v %v", rep.Breaks, err)
	}
	if _, err := r.pool.Exec(t.Context(), `ALTER TABLE journal DISABLE TRIGGER USER; UPDATE journal SET order_minor = order_minor + 1 WHERE kind = 'MERGED_IN'`); err != nil {
		t.Fatal(err)
	}
	rep, err = g.verifier.Verify(t.Context())
	if err != nil || !slices.ContainsFunc(rep.Breaks, func(b app.Break) bool { return b.Chain == "journal/B" }) {
		t.Errorf("an entry that holds more than both held is not found: %+v %v", rep.Breaks, err)
	}
}

// What cannot be merged yet, or never, is refused and changes nothing: a position of the other that has not arrived, another currency, a
// survivor that is not known.
func TestMergeIsRefusedUntilAllHasArrived(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	g := r.start()
	r.profile("A", "", 1, 1_000)
	r.profile("B", "", 1, 1_000)
	r.profile("D", "", 1, 1_000)
	r.customers.mu.Lock()
	dollars := r.customers.known["D"]
	dollars.Currency = "USD"
	r.customers.known["D"] = dollars
	r.customers.mu.Unlock()
	r.submit(g, "A1", "A", 10)
	r.submit(g, "B1", "B", 20)
	day := r.customers.known["A"].BusinessDate
	if _, err := g.ReceiveProfile(t.Context(), "D", dollars, true); err != nil {
		t.Fatal(err)
	}
	tell := func(id string, p account.Position) error {
		p.BusinessDate, p.Currency = day, "CNY"
		_, err := g.ReceivePosition(t.Context(), id, p)
		return err
	}
	for reason, p := range map[string]account.Position{
		"SEQUENCE_GAP":      {Seq: 1, Merged: []account.Merged{{ID: "B", Seq: 1}}},
		"CURRENCY_MISMATCH": {Seq: 1, Merged: []account.Merged{{ID: "B"}, {ID: "D"}}},
	} {
		if err := tell("A", p); errs.ReasonOf(err) != reason {
			t.Errorf("want %s, have %v", reason, err)
		}
	}
	if err := tell("Z", account.Position{Seq: 1, Merged: []account.Merged{{ID: "B"}}}); errs.ReasonOf(err) != "CUSTOMER_UNKNOWN" {
		t.Errorf("a survivor that is not known: %v", err)
	}
	for id, want := range map[string]int64{"A": 10, "B": 20} {
		if s, err := g.queries.Account(t.Context(), person("x"), id); err != nil || s.Account.Buckets.Exposure() != want {
			t.Errorf("%s has %+v, %v", id, s.Account.Buckets, err)
		}
	}
	if err := tell("B", account.Position{Seq: 1, Receivable: 30}); err != nil {
		t.Fatal(err)
	}
	if err := tell("A", account.Position{Seq: 1, Receivable: 30, Merged: []account.Merged{{ID: "B", Seq: 1}, {ID: "never heard of"}}}); err != nil {
		t.Fatal(err)
	}
	if err := tell("B", account.Position{Seq: 2, Receivable: 31}); errs.ReasonOf(err) != "CUSTOMER_MERGED" {
		t.Errorf("a position of a merged account: %v", err)
	}
	if a := r.submit(g, "N1", "never heard of", 5); a.Order.CustomerID != "A" {
		t.Errorf("an order that names a merged number is %s's", a.Order.CustomerID)
	}
	s, err := g.queries.Account(t.Context(), person("x"), "A")
	if err != nil || s.Account.Buckets.Exposure() != 65 {
		t.Errorf("%+v %v", s.Account.Buckets, err)
	}
	if rep, err := g.verifier.Verify(t.Context()); err != nil || len(rep.Breaks) > 0 {
		t.Errorf("verify: %+v %v", rep.Breaks, err)
	}
}
