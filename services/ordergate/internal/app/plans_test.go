package app_test

import (
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/avalcredit/aval/pkg/calendar"
	"github.com/avalcredit/aval/pkg/errs"
	"github.com/avalcredit/aval/pkg/money"
	"github.com/avalcredit/aval/services/ordergate/internal/account"
	"github.com/avalcredit/aval/services/ordergate/internal/app"
	"github.com/avalcredit/aval/services/ordergate/internal/order"
	defaults "github.com/avalcredit/aval/services/ordergate/policy"
)

// strict holds what the default policy only warns of, and knows shares.
func strict() string {
	text := strings.Replace(defaults.Default, "  - name: budget\n    enforcement: RULE_ENFORCEMENT_WARN", "  - name: budget\n    enforcement: RULE_ENFORCEMENT_HOLD", 1)
	return strings.Replace(text, "  - name: term\n", "  - name: concentration\n    enforcement: RULE_ENFORCEMENT_HOLD\n    concentration: {max_share: \"0.6\", min_total: \"20\"}\n  - name: term\n", 1)
}

func (r *rig) eventually(what string, ok func() bool) {
	r.t.Helper()
	for end := time.Now().Add(15 * time.Second); time.Now().Before(end); time.Sleep(10 * time.Millisecond) { //nolint:forbidigo // waits for another goroutine
		if ok() {
			return
		}
	}
	r.t.Fatalf("not in time: %s", what)
}

func (r *rig) budget(g replica, p account.Plan, minor int64) {
	r.t.Helper()
	ctx := r.t.Context()
	if _, err := g.PlanBudget(ctx, person("planner"), request("plan-"+p.ID), p, minor); err != nil {
		r.t.Fatal(err)
	}
	if _, err := g.DecideBudget(ctx, person("director"), request("approve-"+p.ID), p.ID, true, "agreed"); err != nil {
		r.t.Fatal(err)
	}
}

func month(id, unit, salesperson string) account.Plan {
	return account.Plan{ID: id, Currency: "CNY", UnitID: unit, Salesperson: salesperson, From: calendar.MustDate("2026-07-01"), Until: calendar.MustDate("2026-07-31")}
}

func (r *rig) figures(g replica, id string) (committed, actual int64, held int) {
	r.t.Helper()
	a, err := g.queries.Budget(r.t.Context(), id)
	if err != nil {
		r.t.Fatal(err)
	}
	return a.Buckets.Order + a.Buckets.Delivery, a.Buckets.Receivable, a.Held
}

// S1.7: planned, committed, actual; the budget holds what goes beyond it and lets go what waits as soon as there is room.
func TestBudgetOfCreditSales(t *testing.T) {
	t.Parallel()
	r := newRigUnder(t, strict())
	g, other := r.start(), r.start()
	ctx := t.Context()
	r.customer("C1", 100_000)
	r.customer("C2", 100_000)
	if _, err := g.PlanBudget(ctx, person("planner"), request("p1"), month("B1", "north", ""), 1_000); err != nil {
		t.Fatal(err)
	}
	sell := func(g replica, id, customer, unit, by string, minor int64) app.Answer {
		t.Helper()
		o := newOrder(id, customer, minor)
		o.UnitID, o.SalespersonID = unit, by
		a, err := g.Submit(ctx, person("sales"), request(id), o)
		if err != nil {
			t.Fatal(err)
		}
		return a
	}
	// Before the approval it counts and limits nothing.
	if a := sell(g, "O1", "C1", "north", "ann", 400); a.Order.State != order.Approved || len(a.Order.Budgets) != 1 {
		t.Fatalf("%s %v", a.Order.State, a.Order.Budgets)
	}
	for name, tt := range map[string]struct {
		by, reason string
		approve    bool
		id         string
	}{
		"by the planner": {"planner", "SAME_PERSON", true, "B1"}, "of nothing": {"director", "BUDGET_UNKNOWN", true, "B9"},
	} {
		if _, err := g.DecideBudget(ctx, person(tt.by), request(name), tt.id, tt.approve, "x"); errs.ReasonOf(err) != tt.reason {
			t.Errorf("approval %s: %v", name, err)
		}
	}
	if _, err := g.ReviseBudget(ctx, person("planner"), request("r0"), "B1", money.New(5, "CNY"), "x"); errs.ReasonOf(err) != "PROPOSAL_PENDING" {
		t.Errorf("a second proposal: %v", err)
	}
	if _, err := g.DecideBudget(ctx, person("director"), request("a1"), "B1", true, "agreed"); err != nil {
		t.Fatal(err)
	}
	r.budget(g, month("B2", "north", "ann"), 500)
	r.eventually("the other replica knows both budgets", func() bool {
		a, err := other.Check(ctx, person("x"), func() order.Order { o := newOrder("Q", "C1", 1); o.UnitID, o.SalespersonID = "north", "ann"; return o }())
		return err == nil && len(a.Record.Input.Pools) == 2
	})
	if a := sell(other, "O2", "C2", "north", "ann", 500); a.Order.State != order.Approved || len(a.Order.Budgets) != 2 {
		t.Errorf("O2 is %s in %v", a.Order.State, a.Order.Budgets)
	}
	if a := sell(g, "O3", "C1", "north", "ann", 1); a.Order.State != order.Held || a.Record.Result.HoldReasons()[0] != "budget" {
		t.Errorf("O3 is %s: B2 is used up", a.Order.State)
	}
	if a := sell(g, "O4", "C1", "north", "bob", 101); a.Order.State != order.Held {
		t.Errorf("O4 is %s: 900 of 1,000 are used", a.Order.State)
	}
	if a := sell(g, "O5", "C1", "south", "ann", 5_000); a.Order.State != order.Approved || len(a.Order.Budgets) != 0 {
		t.Errorf("O5 is %s in %v: another unit", a.Order.State, a.Order.Budgets)
	}
	paid := newOrder("O6", "C1", 5_000)
	paid.UnitID, paid.Terms = "north", order.Prepayment
	if a, err := g.Submit(ctx, person("sales"), request("O6"), paid); err != nil || len(a.Order.Budgets) != 0 {
		t.Errorf("O6 is in %v, %v: not a credit sale", a.Order.Budgets, err)
	}
	// Shipped and invoiced: actual.
	if _, err := g.Ship(ctx, person("store"), request("s2"), "O2", app.Shipment{ID: "S2"}); err != nil {
		t.Fatal(err)
	}
	if _, err := g.ReceivePosition(ctx, "C2", account.Position{Seq: 1, BusinessDate: calendar.MustDate("2026-07-01"), Currency: "CNY", Receivable: 500,
		Movements: []account.Movement{{OrderID: "O2", InvoiceID: "I2", Minor: 500}}}); err != nil {
		t.Fatal(err)
	}
	if c, a, h := r.figures(g, "B1"); c != 400 || a != 500 || h != 2 {
		t.Errorf("B1: committed %d, actual %d, held %d; want 400, 500, 2", c, a, h)
	}
	// A cancellation of another customer's order makes room; who waits gets it, without anybody asking.
	if _, err := other.Cancel(ctx, person("sales"), request("c1"), "O1", ""); err != nil {
		t.Fatal(err)
	}
	r.eventually("O4 goes", func() bool { return r.state(g, "O4") == order.Approved })
	if s := r.state(g, "O3"); s != order.Held {
		t.Errorf("O3 is %s: B2 has no room", s)
	}
	if _, err := g.ReviseBudget(ctx, person("planner"), request("r1"), "B2", money.New(501, "CNY"), "more"); err != nil {
		t.Fatal(err)
	}
	if _, err := g.DecideBudget(ctx, person("director"), request("a2"), "B2", true, "agreed"); err != nil {
		t.Fatal(err)
	}
	r.eventually("O3 goes", func() bool { return r.state(g, "O3") == order.Approved })
	rep, err := g.queries.BudgetReport(ctx, app.BudgetFilter{UnitID: "north"})
	if err != nil || len(rep.Rows) != 2 || len(rep.Totals) != 2 || rep.Totals[0].Planned+rep.Totals[1].Planned != 1_501 {
		t.Errorf("%+v %v", rep, err)
	}
	if rep, err := g.verifier.Verify(ctx); err != nil || len(rep.Breaks) > 0 {
		t.Errorf("verify: %+v %v", rep.Breaks, err)
	}
}

// S1.11: a ceiling counts everybody in who belongs to it, warns near it, and stops when it is reached.
func TestCeilingOnReceivables(t *testing.T) {
	t.Parallel()
	r := newRigUnder(t, strict())
	g, other := r.start(), r.start()
	ctx := t.Context()
	for i := range 4 {
		id := fmt.Sprintf("C%d", i)
		r.customer(id, 100_000)
		r.customers.mu.Lock()
		p := r.customers.known[id]
		if i < 3 {
			p.UnitID = "north"
		}
		r.customers.known[id] = p
		r.customers.mu.Unlock()
		r.submit(g, "O-"+id, id, 700) // before there is a ceiling
	}
	set := func(id, unit string, warning, stop int64) {
		t.Helper()
		p := account.Plan{ID: unit, UnitID: unit, Currency: "CNY", Warning: warning, Limit: account.Limit{Kind: account.LimitAmount, Minor: stop}}
		if _, err := g.SetCeiling(ctx, person("director"), request(id), p); err != nil {
			t.Fatal(err)
		}
	}
	set("c1", "", 2_900, 4_000)
	set("c2", "north", 2_900, 3_000)
	ceilings := func() map[string]account.Account {
		all, err := g.queries.Ceilings(ctx)
		if err != nil {
			t.Fatal(err)
		}
		out := map[string]account.Account{}
		for _, a := range all {
			out[a.Plan.UnitID] = a
		}
		return out
	}
	r.eventually("both ceilings are counted", func() bool { c := ceilings(); return c[""].Plan.Counted && c["north"].Plan.Counted })
	if c := ceilings(); c[""].Buckets.Order != 2_800 || c["north"].Buckets.Order != 2_100 {
		t.Errorf("company %d, north %d", c[""].Buckets.Order, c["north"].Buckets.Order)
	}
	outcome := func(a app.Answer, rule string) string {
		for _, x := range a.Record.Result.Results {
			if x.Rule == rule {
				return string(x.Outcome)
			}
		}
		return ""
	}
	if a := r.submit(other, "O5", "C0", 200); a.Order.State != order.Approved || outcome(a, "ceiling") != "WARN" {
		t.Errorf("O5 is %s, %s: 3,000 of the company are above its warning level", a.Order.State, outcome(a, "ceiling"))
	}
	if a := r.submit(g, "O6", "C1", 701); a.Order.State != order.Held || outcome(a, "ceiling") != "HOLD" {
		t.Errorf("O6 is %s: 3,001 > 3,000 of north", a.Order.State)
	}
	if a := r.submit(g, "O7", "C3", 900); a.Order.State != order.Approved {
		t.Errorf("O7 is %s: 3,900 of 4,000 of the company", a.Order.State)
	}
	if _, err := other.Cancel(ctx, person("sales"), request("x7"), "O7", ""); err != nil {
		t.Fatal(err)
	}
	if _, err := other.Cancel(ctx, person("sales"), request("x5"), "O5", ""); err != nil {
		t.Fatal(err)
	}
	r.eventually("O6 goes", func() bool { return r.state(g, "O6") == order.Approved })
	// 2,601 of 4,001 in north is more than 0.6 of it.
	if a := r.submit(g, "O8", "C1", 1_200); outcome(a, "concentration") != "HOLD" {
		t.Errorf("concentration: %s", outcome(a, "concentration"))
	}
	// A customer goes to another unit and takes along what it owes.
	r.customers.mu.Lock()
	p := r.customers.known["C0"]
	r.customers.mu.Unlock()
	p.Seq, p.UnitID = 2, "south"
	if _, err := g.ReceiveProfile(ctx, "C0", p, false); err != nil {
		t.Fatal(err)
	}
	if c := ceilings(); c[""].Buckets.Order != 3_501 || c["north"].Buckets.Order != 2_101 {
		t.Errorf("company %d, north %d", c[""].Buckets.Order, c["north"].Buckets.Order)
	}
	if rep, err := g.verifier.Verify(ctx); err != nil || len(rep.Breaks) > 0 {
		t.Errorf("verify: %+v %v", rep.Breaks, err)
	}
}

// Many customers race for one ceiling through two replicas: what is approved fits, and what fits is approved.
func TestReplicasShareACeiling(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	a, b := r.start(), r.start()
	ctx := t.Context()
	p := account.Plan{Currency: "CNY", Limit: account.Limit{Kind: account.LimitAmount, Minor: 5_000}}
	if _, err := a.SetCeiling(ctx, person("director"), request("c"), p); err != nil {
		t.Fatal(err)
	}
	r.customer("C", 1_000)
	time.Sleep(1100 * time.Millisecond) //nolint:forbidigo // as long as a ceiling may go unnoticed
	r.eventually("the other replica knows it", func() bool {
		x, err := b.Check(ctx, person("x"), newOrder("Q", "C", 1))
		return err == nil && len(x.Record.Input.Pools) <= 1
	})
	n := 120
	states := make([]order.State, n)
	var wg sync.WaitGroup
	for i := range n {
		id := fmt.Sprintf("C%03d", i)
		r.customer(id, 1_000)
		wg.Go(func() {
			ans, err := []replica{a, b}[i%2].Submit(ctx, person("sales"), request(id), newOrder("O"+id, id, 100))
			if err != nil {
				t.Errorf("%s: %v", id, err)
			}
			states[i] = ans.Order.State
		})
	}
	wg.Wait()
	approved := 0
	for _, s := range states {
		if s == order.Approved {
			approved++
		}
	}
	c, err := a.queries.Ceilings(ctx)
	if err != nil || approved != 50 || c[0].Buckets.Order != 5_000 || c[0].Held != n-50 {
		t.Errorf("approved %d, counted %+v, %v", approved, c, err)
	}
	if rep, err := a.verifier.Verify(ctx); err != nil || len(rep.Breaks) > 0 {
		t.Errorf("verify: %+v %v", rep.Breaks, err)
	}
}
