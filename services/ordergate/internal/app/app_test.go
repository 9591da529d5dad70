package app_test

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/avalcredit/aval/pkg/approval"
	"github.com/avalcredit/aval/pkg/calendar"
	"github.com/avalcredit/aval/pkg/errs"
	"github.com/avalcredit/aval/pkg/page"
	"github.com/avalcredit/aval/pkg/pgtest"
	"github.com/avalcredit/aval/pkg/policy"
	"github.com/avalcredit/aval/services/ordergate/internal/account"
	"github.com/avalcredit/aval/services/ordergate/internal/app"
	"github.com/avalcredit/aval/services/ordergate/internal/order"
	"github.com/avalcredit/aval/services/ordergate/internal/postgres"
	"github.com/avalcredit/aval/services/ordergate/internal/rpc"
	defaults "github.com/avalcredit/aval/services/ordergate/policy"
)

func TestMain(m *testing.M) { pgtest.Main(m) }

// directory answers for evaluation: it knows the customers that it was given.
type directory struct {
	mu    sync.Mutex
	known map[string]account.Profile
}

func (d *directory) CreditProfile(_ context.Context, id string) (account.Profile, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	p, ok := d.known[id]
	if !ok {
		return p, errs.New(errs.NotFound, "CUSTOMER_UNKNOWN", "no such customer")
	}
	return p, nil
}

// replica is one process of the gate on a shared database.
type replica struct {
	*app.Gate
	queries  *app.Queries
	verifier *app.Verifier
	store    *postgres.Store
}

type rig struct {
	t         *testing.T
	pool      *pgxpool.Pool
	clock     *calendar.Fixed
	customers *directory
}

func newRig(t *testing.T) *rig {
	t.Helper()
	return newRigUnder(t, defaults.Default)
}

// newRigUnder is a rig with a policy of its own.
func newRigUnder(t *testing.T, text string) *rig {
	t.Helper()
	loc, err := calendar.Zone("Asia/Shanghai")
	if err != nil {
		t.Fatal(err)
	}
	r := &rig{
		t: t, pool: pgtest.New(t, "ordergate", postgres.Migrations()), customers: &directory{known: map[string]account.Profile{}},
		clock: calendar.FixedClock(time.Date(2026, 7, 1, 4, 0, 0, 0, time.UTC), loc),
	}
	store := policy.NewStore(r.pool)
	spec, err := rpc.ParsePolicy("default.yaml", text)
	if err != nil {
		t.Fatal(err)
	}
	if err := store.EnsureBuiltIn(t.Context(), spec, text); err != nil {
		t.Fatal(err)
	}
	return r
}

// start runs one replica until the test ends.
func (r *rig) start() replica {
	r.t.Helper()
	replica, run := r.idle()
	run()
	return replica
}

// idle is a replica that works once it is told to, until the test ends.
func (r *rig) idle() (_ replica, run func()) {
	r.t.Helper()
	versions := policy.NewStore(r.pool)
	cache := policy.NewCache(versions, rpc.DecodePolicy)
	store := postgres.NewStore(r.pool)
	g := app.New(app.Deps{Store: store, Policies: cache, Clock: r.clock, Log: slog.New(slog.NewTextHandler(os.Stderr, nil)), Profiles: r.customers})
	run = func() {
		ctx, cancel := context.WithCancel(context.Background())
		done := make(chan struct{})
		go func() { defer close(done); _ = g.Run(ctx) }()
		r.t.Cleanup(func() { cancel(); <-done })
	}
	return replica{
		Gate: g, store: store,
		queries:  &app.Queries{Store: store, Policies: cache, Clock: r.clock, Pages: page.NewSigner([]byte("test"))},
		verifier: &app.Verifier{Pool: r.pool, Store: store, Policies: cache, Book: versions, Log: slog.New(slog.DiscardHandler)},
	}, run
}

func (r *rig) customer(id string, limit int64) {
	r.customers.mu.Lock()
	defer r.customers.mu.Unlock()
	r.customers.known[id] = account.Profile{
		Seq: 1, BusinessDate: calendar.MustDate("2026-07-01"), Name: id, Currency: "CNY", SalespersonID: "sales-" + id,
		Grant: account.Grant{Version: 1, Treatment: account.Credit, TermDays: 30, Limit: account.Limit{Kind: account.LimitAmount, Minor: limit}},
	}
}

func person(subject string, roles ...string) app.Caller {
	return app.Caller{Subject: subject, Roles: roles, Sees: func(string) bool { return true }}
}

func request(id string) app.Request { return app.Request{ID: id, Hash: []byte(id)} }

func newOrder(id, customer string, minor int64) order.Order {
	return order.Order{ID: id, CustomerID: customer, Currency: "CNY", Amount: minor, Terms: order.OpenAccount}
}

// Invariant 1: of two orders that do not fit together, submitted at once through two replicas, exactly one is approved.
func TestTwoReplicasApproveOne(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	a, b := r.start(), r.start()
	rounds := 1000
	if testing.Short() {
		rounds = 100
	}
	for i := range rounds {
		id := fmt.Sprintf("C%04d", i)
		r.customer(id, 10_000)
		states := make([]order.State, 2)
		var wg sync.WaitGroup
		for n, g := range []replica{a, b} {
			wg.Go(func() {
				o := fmt.Sprintf("%s-%d", id, n)
				ans, err := g.Submit(t.Context(), person("sales"), request(o), newOrder(o, id, 6_000))
				if err != nil {
					t.Errorf("round %d replica %d: %v", i, n, err)
				}
				states[n] = ans.Order.State
			})
		}
		wg.Wait()
		if t.Failed() {
			return
		}
		if (states[0] == order.Approved) == (states[1] == order.Approved) {
			t.Fatalf("round %d: %v, want exactly one approved", i, states)
		}
	}
	if rep, err := a.verifier.Verify(t.Context()); err != nil || len(rep.Breaks) > 0 {
		t.Errorf("verify: %v %v", rep.Breaks, err)
	}
}

// Invariant 2: a request has one effect and one answer, however often and through whichever replica it comes (R17).
func TestManyCallersReplaysAndReplicas(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	gates := []replica{r.start(), r.start()}
	r.customer("C1", 50_000)
	type answer struct {
		state order.State
		seq   int64
	}
	answers := make([][3]answer, 100)
	var wg sync.WaitGroup
	for i := range answers {
		for n := range 3 {
			wg.Go(func() {
				id := fmt.Sprintf("O%03d", i)
				ans, err := gates[(i+n)%2].Submit(t.Context(), person("sales"), request(id), newOrder(id, "C1", 1_000))
				if err != nil {
					t.Errorf("%s/%d: %v", id, n, err)
				}
				answers[i][n] = answer{ans.Order.State, ans.Entry.Seq}
			})
		}
	}
	wg.Wait()
	approved := 0
	for i, a := range answers {
		if a[0] != a[1] || a[1] != a[2] {
			t.Errorf("order %d: answers differ: %v", i, a)
		}
		if a[0].state == order.Approved {
			approved++
		}
	}
	sheet, err := gates[0].queries.Account(t.Context(), person("x"), "C1")
	if err != nil {
		t.Fatal(err)
	}
	if approved != 50 || sheet.Account.Buckets.Order != 50_000 || sheet.Account.Held != 50 {
		t.Errorf("approved %d, reserved %d, held %d; want 50, 50000, 50", approved, sheet.Account.Buckets.Order, sheet.Account.Held)
	}
}

func TestRequestIDs(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	g := r.start()
	r.customer("C1", 10_000)
	r.customer("C2", 10_000)
	ctx := t.Context()
	submit := func(req app.Request, id, customer string, minor int64) (app.Answer, error) {
		return g.Submit(ctx, person("sales"), req, newOrder(id, customer, minor))
	}
	first, err := submit(request("r1"), "O1", "C1", 6_000)
	if err != nil || first.Order.State != order.Approved {
		t.Fatalf("%v %v", first.Order.State, err)
	}
	if _, err := g.Cancel(ctx, person("sales"), request("r2"), "O1", ""); err != nil {
		t.Fatal(err)
	}
	again, err := submit(request("r1"), "O1", "C1", 6_000)
	if err != nil || again.Order.State != order.Approved || again.Entry.Seq != first.Entry.Seq {
		t.Errorf("replay: %s at %d, %v; want the first answer at %d", again.Order.State, again.Entry.Seq, err, first.Entry.Seq)
	}
	for name, tt := range map[string]struct {
		req             app.Request
		order, customer string
		minor           int64
		reason          string
	}{
		"same id, other body":            {app.Request{ID: "r1", Hash: []byte("other")}, "O1", "C1", 7_000, "REQUEST_ID_REUSED"},
		"same order, other request":      {request("r3"), "O1", "C1", 1, "ORDER_EXISTS"},
		"same order of another customer": {request("r4"), "O1", "C2", 1, "ORDER_EXISTS"},
		"unknown customer":               {request("r5"), "O5", "nobody", 1, "CUSTOMER_UNKNOWN"},
	} {
		if _, err := submit(tt.req, tt.order, tt.customer, tt.minor); errs.ReasonOf(err) != tt.reason {
			t.Errorf("%s: %v, want %s", name, err, tt.reason)
		}
	}
	sheet, err := g.queries.Account(ctx, person("x"), "C1")
	if err != nil || sheet.Account.Buckets.Order != 0 || sheet.Account.Seq != 3 {
		t.Errorf("after refusals: %+v at %d, %v; want nothing reserved at entry 3", sheet.Account.Buckets, sheet.Account.Seq, err)
	}
}

// A held order that is sent again gets its first answer, also from a replica that has not met the account yet and beside a command that
// has the account's held orders read.
func TestHeldOrderIsSentAgain(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.customer("C1", 100)
	ctx := t.Context()
	g := r.start()
	if _, err := g.Submit(ctx, person("sales"), request("fits"), newOrder("O1", "C1", 100)); err != nil {
		t.Fatal(err)
	}
	first, err := g.Submit(ctx, person("sales"), request("held"), newOrder("O2", "C1", 1_000))
	if err != nil || first.Order.State != order.Held {
		t.Fatalf("%s %v", first.Order.State, err)
	}
	other, run := r.idle()
	var wg sync.WaitGroup
	wg.Go(func() {
		if _, err := other.Cancel(ctx, person("sales"), request("cancel"), "O1", ""); err != nil {
			t.Error(err)
		}
	})
	wg.Go(func() {
		again, err := other.Submit(ctx, person("sales"), request("held"), newOrder("O2", "C1", 1_000))
		if err != nil || again.Entry.Seq != first.Entry.Seq {
			t.Errorf("again: entry %d, %v; want %d", again.Entry.Seq, err, first.Entry.Seq)
		}
	})
	time.Sleep(100 * time.Millisecond) // both are queued, so that they are one batch
	run()
	wg.Wait()
}

func TestScopeHidesOtherSalespeoplesCustomers(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	g := r.start()
	r.customer("C1", 10_000)
	ctx := t.Context()
	if _, err := g.Submit(ctx, person("erp"), request("r1"), newOrder("O1", "C1", 100)); err != nil {
		t.Fatal(err)
	}
	stranger := app.Caller{Subject: "other", Sees: func(s string) bool { return s == "other" }}
	_, submitErr := g.Submit(ctx, stranger, request("r2"), newOrder("O2", "C1", 100))
	_, cancelErr := g.Cancel(ctx, stranger, request("r3"), "O1", "")
	_, amendErr := g.Recheck(ctx, stranger, request("r4"), "O1")
	_, orderErr := g.queries.Order(ctx, stranger, "O1")
	_, accountErr := g.queries.Account(ctx, stranger, "C1")
	_, decisionErr := g.queries.Decision(ctx, stranger, "C1.2")
	orders, listErr := g.queries.Orders(ctx, stranger, app.OrderFilter{})
	for name, err := range map[string]error{"submit": submitErr, "cancel": cancelErr, "recheck": amendErr, "order": orderErr, "account": accountErr, "decision": decisionErr} {
		if errs.KindOf(err) != errs.NotFound {
			t.Errorf("%s: %v, want NOT_FOUND", name, err)
		}
	}
	if listErr != nil || len(orders.Items) != 0 {
		t.Errorf("list: %v %v, want nothing", orders.Items, listErr)
	}
}

// Invariant 5: positions and profiles have their effect once and in order.
func TestFeedIsAppliedOnceAndInOrder(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	gates := []replica{r.start(), r.start()}
	r.customer("C1", 10_000)
	ctx := t.Context()
	if _, err := gates[0].Submit(ctx, person("sales"), request("r1"), newOrder("O1", "C1", 100)); err != nil {
		t.Fatal(err)
	}
	pos := func(seq, open int64) account.Position {
		return account.Position{Seq: seq, BusinessDate: calendar.MustDate("2026-07-01"), Currency: "CNY", Receivable: open}
	}
	for i, tt := range []struct {
		replica   int
		seq, open int64
		last      int64
		reason    string
	}{
		{0, 1, 10, 1, ""}, {1, 2, 20, 2, ""}, {0, 2, 20, 2, ""}, {0, 1, 10, 2, ""}, {1, 4, 40, 0, "SEQUENCE_GAP"}, {0, 3, 30, 3, ""},
	} {
		last, err := gates[tt.replica].ReceivePosition(ctx, "C1", pos(tt.seq, tt.open))
		if errs.ReasonOf(err) != tt.reason || (err == nil && last != tt.last) {
			t.Errorf("%d: last %d %v; want %d %q", i, last, err, tt.last, tt.reason)
		}
	}
	sheet, err := gates[1].queries.Account(ctx, person("x"), "C1")
	if err != nil || sheet.Account.Buckets.Receivable != 30 {
		t.Errorf("receivable %d, %v; want 30", sheet.Account.Buckets.Receivable, err)
	}
}

func TestReleaseBySeveralPeople(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	g := r.start()
	r.customer("C1", 10_000_000)
	ctx := t.Context()
	if a, err := g.Submit(ctx, person("sales", "SALESPERSON"), request("r1"), newOrder("O1", "C1", 16_000_000)); err != nil || a.Order.State != order.Held {
		t.Fatalf("%v %v", a.Order.State, err)
	}
	// Over 50,000.00: credit manager, then finance. Each step is taken 8 times at once; each has one effect.
	for i, role := range []string{"CREDIT_MANAGER", "FINANCE_MANAGER"} {
		var wg sync.WaitGroup
		var mu sync.Mutex
		taken := 0
		for n := range 8 {
			wg.Go(func() {
				_, err := g.Act(ctx, person(fmt.Sprintf("%s-%d", role, n), role), request(fmt.Sprintf("act-%d-%d", i, n)), "O1", app.Act{Decision: approval.Approve, Reason: "agreed"})
				if err == nil {
					mu.Lock()
					taken++
					mu.Unlock()
				}
			})
		}
		wg.Wait()
		if taken != 1 {
			t.Fatalf("step %d was taken %d times", i, taken)
		}
	}
	o, err := g.queries.Order(ctx, person("x"), "O1")
	if err != nil || o.State != order.Approved || o.Release == nil || len(o.Hold.Form.Acts) != 2 {
		t.Errorf("%+v %v", o, err)
	}
}
