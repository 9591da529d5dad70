package app_test

import (
	"fmt"
	"testing"

	"github.com/avalcredit/aval/pkg/calendar"
	"github.com/avalcredit/aval/pkg/errs"
	"github.com/avalcredit/aval/pkg/page"
	"github.com/avalcredit/aval/services/ordergate/internal/account"
	"github.com/avalcredit/aval/services/ordergate/internal/app"
	"github.com/avalcredit/aval/services/ordergate/internal/order"
)

// passed is who went ahead of an order last, and how often somebody did.
func (r *rig) passed(g replica, id string, c app.Caller) string {
	r.t.Helper()
	o, err := g.queries.Order(r.t.Context(), person("x"), id)
	if err != nil {
		r.t.Fatal(err)
	}
	p, err := g.queries.PassedOver(r.t.Context(), c, o)
	if err != nil {
		r.t.Fatal(err)
	}
	x, ok := p[id]
	if !ok {
		return ""
	}
	return fmt.Sprintf("%d %s %s %s", x.Count, x.LastDate, x.OrderID, x.DecisionID)
}

// A new order that fits passes those that wait for more; one judged out of turn too. What takes no credit, and what people release, passes nobody.
func TestWhoGoesAheadIsSeen(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	g := r.start()
	ctx, all := t.Context(), person("x")
	r.customer("C1", 1_000)
	r.submit(g, "O1", "C1", 700)
	r.submit(g, "O2", "C1", 400)
	if got := r.passed(g, "O2", all); got != "" {
		t.Errorf("O2 was passed by %s, and nobody came", got)
	}
	r.submit(g, "O3", "C1", 100)
	if got := r.passed(g, "O2", all); got != "1 2026-07-01 O3 C1.4" {
		t.Errorf("O2 was passed by %q", got)
	}
	r.submit(g, "O4", "C1", 5_000)
	r.submit(g, "O5", "C1", 200)
	if two, four := r.passed(g, "O2", all), r.passed(g, "O4", all); two != "2 2026-07-01 O5 C1.6" || four != "1 2026-07-01 O5 C1.6" {
		t.Errorf("O2 was passed by %q, O4 by %q", two, four)
	}
	r.submit(g, "O6", "C1", 1)
	if _, err := g.Act(ctx, person("chief", "CREDIT_MANAGER"), request("a"), "O6", app.Act{Decision: "APPROVE", Reason: "so"}); err != nil {
		t.Fatal(err)
	}
	if got := r.passed(g, "O4", all); got != "1 2026-07-01 O5 C1.6" {
		t.Errorf("after people released O6, O4 was passed by %q", got)
	}
	for _, id := range []string{"O3", "O5"} { // 300 come free, beyond 701: O2 does not fit
		if _, err := g.Cancel(ctx, person("sales"), request("c"+id), id, ""); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := g.Reopen(ctx, person("sales"), request("o"), "O5", calendar.Date{}, ""); err != nil {
		t.Fatal(err)
	}
	if got := r.passed(g, "O2", all); got != "3 2026-07-01 O5 "+decisionOf(t, g, "O5") {
		t.Errorf("after O5 was opened again, O2 was passed by %q", got)
	}
	if rep, err := g.verifier.Verify(ctx); err != nil || len(rep.Breaks) > 0 {
		t.Errorf("verify: %+v %v", rep.Breaks, err)
	}
	only, err := g.queries.Orders(ctx, all, app.OrderFilter{Passed: true})
	if err != nil || len(only.Items) != 2 || only.Items[0].ID != "O2" || only.Items[1].ID != "O4" {
		t.Errorf("passed over are %v, %v", only.Items, err)
	}
	if none, err := g.queries.Orders(ctx, all, app.OrderFilter{Passed: true, State: string(order.Approved)}); err != nil || len(none.Items) > 0 {
		t.Errorf("approved and passed over: %v, %v", none.Items, err)
	}
}

// In a group one member's order passes another's. Who may not see the other member sees that, not by which order.
func TestPassedOverInAGroup(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	g := r.start()
	r.limit(g, "l1", "G", 1_000)
	r.profile("A", "G", 1, 1_000)
	r.profile("B", "G", 1, 1_000)
	r.submit(g, "A0", "A", 1_000)
	r.submit(g, "A1", "A", 700)
	r.submit(g, "B1", "B", 300)
	r.limit(g, "l2", "G", 1_300)
	if s := r.state(g, "B1"); s != order.Approved {
		t.Fatalf("B1 is %s", s)
	}
	if got := r.passed(g, "A1", person("x")); got != "1 2026-07-01 B1 "+decisionOf(t, g, "B1") {
		t.Errorf("A1 was passed by %q", got)
	}
	own := app.Caller{Subject: "sales-A", Sees: func(s string) bool { return s == "sales-A" }}
	if got := r.passed(g, "A1", own); got != "1 2026-07-01  " {
		t.Errorf("the salesperson of A sees %q", got)
	}
	r.limit(g, "l3", "G", 1_500)
	r.submit(g, "B2", "B", 100)
	if got := r.passed(g, "A1", person("x")); got != "2 2026-07-01 B2 "+decisionOf(t, g, "B2") {
		t.Errorf("A1 was passed by %q", got)
	}
	r.sums(g, "G")
}

// Under a ceiling of many customers credit goes by the policy too, and those passed over are named across customers.
func TestPassedOverUnderACeiling(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	g := r.start()
	ctx := t.Context()
	for _, id := range []string{"A", "B", "C"} {
		r.profile(id, "", 1, 10_000)
	}
	ceiling := func(id string, minor int64) {
		t.Helper()
		if _, err := g.SetCeiling(ctx, person("chief"), request(id), account.Plan{Currency: "CNY", Limit: account.Limit{Kind: account.LimitAmount, Minor: minor}}); err != nil {
			t.Fatal(err)
		}
	}
	ceiling("c1", 1_000)
	r.submit(g, "A1", "A", 1_000)
	r.submit(g, "B1", "B", 800)
	r.submit(g, "C1", "C", 300)
	ceiling("c2", 1_300)
	r.eventually("C1 goes", func() bool { return r.state(g, "C1") == order.Approved })
	if s := r.state(g, "B1"); s != order.Held {
		t.Errorf("B1 is %s", s)
	}
	if got := r.passed(g, "B1", person("x")); got != "1 2026-07-01 C1 "+decisionOf(t, g, "C1") {
		t.Errorf("B1 was passed by %q", got)
	}
	// A day on which more is allowed, for all customers under the ceiling: in one order for all of them.
	for i, id := range []string{"A", "B", "C"} {
		p := r.profile(id, "", 2, 10_000)
		p.Grant.ValidFrom = p.BusinessDate.AddDays(9)
		if _, err := g.ReceiveProfile(ctx, id, p, false); err != nil {
			t.Fatal(err)
		}
		r.submit(g, id+"2", id, []int64{600, 300, 10}[i])
	}
	ceiling("c3", 2_000)
	day := calendar.WithBusinessDate(ctx, calendar.MustDate("2026-07-10"))
	done, next, err := g.RecheckWaiting(day, page.NewSigner([]byte("test")), "", 0, "")
	if err != nil || next != "" || fmt.Sprint(done.Approved) != "[A2 C2]" {
		t.Errorf("approved %v, want A2 and C2 of 700: %v", done.Approved, err)
	}
	for id, n := range map[string]int{"B1": 2, "B2": 1} { // A2, the first form of its customer, stands before both
		if got := r.passed(g, id, person("x")); got != fmt.Sprint(n, " 2026-07-10 C2 ", decisionOf(t, g, "C2")) {
			t.Errorf("%s was passed by %q", id, got)
		}
	}
	if rep, err := g.verifier.Verify(ctx); err != nil || len(rep.Breaks) > 0 {
		t.Errorf("verify: %+v %v", rep.Breaks, err)
	}
}

func decisionOf(t *testing.T, g replica, id string) string {
	t.Helper()
	o, err := g.queries.Order(t.Context(), person("x"), id)
	if err != nil {
		t.Fatal(err)
	}
	return app.DecisionID(o.CustomerID, o.DecisionSeq)
}

// Judging again what waits goes through all accounts in pieces, and changes nothing where nothing has changed.
func TestRecheckWaitingInPieces(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	g := r.start()
	ctx, pages := t.Context(), page.NewSigner([]byte("test"))
	r.limit(g, "l1", "G", 100)
	for i, group := range []string{"", "G", "G", "", "G"} {
		id := fmt.Sprintf("C%d", i)
		r.profile(id, group, 1, 1_000)
		r.submit(g, id+"-1", id, 2_000)
	}
	token, accounts := "", 0
	for calls := 0; ; calls++ {
		done, next, err := g.RecheckWaiting(ctx, pages, "", 2, token)
		if err != nil {
			t.Fatal(err)
		}
		accounts += done.Accounts
		if len(done.Approved) > 0 || done.Failed > 0 || done.Accounts > 2 {
			t.Errorf("call %d: %+v", calls, done)
		}
		if token = next; token == "" {
			break
		}
	}
	if accounts != 5 {
		t.Errorf("%d accounts, want 5", accounts)
	}
	if _, _, err := g.RecheckWaiting(ctx, pages, "", 0, "x"); errs.ReasonOf(err) != page.ReasonTokenInvalid {
		t.Errorf("a token of somebody else: %v", err)
	}
	if _, _, err := g.RecheckWaiting(ctx, pages, "C9", 0, ""); errs.ReasonOf(err) != "CUSTOMER_UNKNOWN" {
		t.Errorf("a customer that is not known: %v", err)
	}
	entries := 0
	if err := r.pool.QueryRow(ctx, `SELECT count(*) FROM journal WHERE kind = 'ORDER_RECHECKED'`).Scan(&entries); err != nil || entries != 0 {
		t.Errorf("%d entries, %v", entries, err)
	}
}
