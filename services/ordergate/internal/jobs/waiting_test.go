package jobs_test

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/avalcredit/aval/pkg/calendar"
	"github.com/avalcredit/aval/pkg/idem"
	"github.com/avalcredit/aval/pkg/policy"
	"github.com/avalcredit/aval/services/ordergate/internal/account"
	"github.com/avalcredit/aval/services/ordergate/internal/app"
	"github.com/avalcredit/aval/services/ordergate/internal/jobs"
	"github.com/avalcredit/aval/services/ordergate/internal/order"
	"github.com/avalcredit/aval/services/ordergate/internal/postgres"
	"github.com/avalcredit/aval/services/ordergate/internal/rpc"
	defaults "github.com/avalcredit/aval/services/ordergate/policy"
)

// replica is another process of the gate on the rig's database.
func (r *rig) replica(t *testing.T) *app.Gate {
	t.Helper()
	g := app.New(app.Deps{Store: postgres.NewStore(r.pool), Policies: policy.NewCache(r.versions, rpc.DecodePolicy), Clock: r.clock, Log: r.log})
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() { defer close(done); _ = g.Run(ctx) }()
	t.Cleanup(func() { cancel(); <-done })
	return g
}

func (r *rig) waiting(g *app.Gate, worker string) *jobs.Waiting {
	return &jobs.Waiting{
		Gate: g, Store: r.store, Policies: policy.NewCache(r.versions, rpc.DecodePolicy), Clock: r.clock, Log: r.log, Worker: worker, Lease: time.Hour, Page: 2,
	}
}

// noon moves the clock to noon of a day in the business time zone.
func (r *rig) noon(day string) {
	d := calendar.MustDate(day)
	at, _ := time.ParseInLocation(time.DateTime, d.String()+" 12:00:00", r.zone)
	r.clock.Set(at)
}

// customer makes a customer with a limit of 1,000; change may say more.
func (r *rig) customer(t *testing.T, id string, change func(*account.Profile)) {
	t.Helper()
	p := account.Profile{Seq: 1, BusinessDate: calendar.MustDate("2026-07-01"), Name: id, Currency: "CNY", Grade: "A",
		Grant: account.Grant{Version: 1, Treatment: account.Credit, TermDays: 30, Limit: account.Limit{Kind: account.LimitAmount, Minor: 1000}}}
	if change != nil {
		change(&p)
	}
	_, err := r.gate.ReceiveProfile(t.Context(), id, p, true)
	must(t, err)
}

func raised(from, until string) func(*account.Profile) {
	return func(p *account.Profile) {
		p.Grant.Temporary = []account.TemporaryLimit{{Mode: account.Add, Minor: 1000, From: calendar.MustDate(from), Until: calendar.MustDate(until)}}
	}
}

func (r *rig) submit(t *testing.T, o order.Order, want order.State) {
	t.Helper()
	if o.Currency == "" {
		o.Currency = "CNY"
	}
	o.Terms = order.OpenAccount
	a, err := r.gate.Submit(t.Context(), app.Caller{Subject: "sales", Sees: everybody}, app.Request{ID: o.ID, Hash: []byte(o.ID)}, o)
	must(t, err)
	if a.Order.State != want {
		t.Fatalf("%s is %s, want %s", o.ID, a.Order.State, want)
	}
}

func (r *rig) states(t *testing.T, want string) {
	t.Helper()
	rows, err := r.pool.Query(t.Context(), `SELECT order_id || ' ' || state FROM orders ORDER BY order_id`)
	must(t, err)
	var got []string
	for rows.Next() {
		var s string
		must(t, rows.Scan(&s))
		got = append(got, s)
	}
	must(t, rows.Err())
	if strings.Join(got, ", ") != want {
		t.Errorf("%s: orders are %v, want %s", r.clock.Today(t.Context()), got, want)
	}
}

func (r *rig) verified(t *testing.T) {
	t.Helper()
	v := app.Verifier{Pool: r.pool, Store: r.store, Policies: policy.NewCache(r.versions, rpc.DecodePolicy), Book: r.versions}
	if rep, err := v.Verify(t.Context()); err != nil || len(rep.Breaks) > 0 {
		t.Errorf("verify: %+v %v", rep.Breaks, err)
	}
}

// A new day lets orders go that wait for it, though nothing else happens; however many replicas look, it is done once. A day that is over
// is not made up for: what it would have allowed has passed.
func TestNewDayLetsOrdersGo(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	ctx := t.Context()
	other := r.replica(t)
	r.customer(t, "C1", raised("2026-07-10", "2026-07-20"))
	r.customer(t, "C2", raised("2026-07-03", "2026-07-05"))
	r.customer(t, "C3", func(p *account.Profile) { p.Grant.ValidFrom = calendar.MustDate("2026-07-10") })
	r.customer(t, "C4", func(p *account.Profile) { p.Grant.ValidFrom = calendar.MustDate("2026-07-11") })
	for i := range 4 {
		r.submit(t, order.Order{ID: fmt.Sprintf("O%d", i+1), CustomerID: fmt.Sprintf("C%d", i+1), Amount: []int64{1500, 1500, 100, 100}[i]}, order.Held)
	}
	held := "O1 HELD, O2 HELD, O3 HELD, O4 HELD"
	must(t, r.waiting(r.gate, "a").Make(ctx))
	r.states(t, held)
	r.noon("2026-07-10")
	must(t, r.waiting(r.gate, "a").Make(ctx))
	r.states(t, "O1 APPROVED, O2 HELD, O3 APPROVED, O4 HELD")
	r.clock.Set(time.Date(2026, 7, 10, 15, 59, 0, 0, time.UTC)) // 23:59 in Shanghai
	must(t, r.waiting(r.gate, "a").Make(ctx))
	r.states(t, "O1 APPROVED, O2 HELD, O3 APPROVED, O4 HELD")
	r.clock.Set(time.Date(2026, 7, 10, 16, 0, 0, 0, time.UTC))
	var wg sync.WaitGroup
	for n := range 6 {
		wg.Go(func() {
			g := []*app.Gate{r.gate, other}[n%2]
			if err := r.waiting(g, fmt.Sprint("worker", n)).Make(ctx); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	r.states(t, "O1 APPROVED, O2 HELD, O3 APPROVED, O4 APPROVED")
	var runs, attempts, accounts, approved int
	must(t, r.pool.QueryRow(ctx, `SELECT count(*), sum(attempts), sum(accounts), sum(approved) FROM waiting_runs WHERE ended_at IS NOT NULL`).Scan(&runs, &attempts, &accounts, &approved))
	if runs != 3 || attempts != 3 || accounts != 4+4+2 || approved != 3 {
		t.Errorf("%d runs in %d attempts over %d accounts approved %d", runs, attempts, accounts, approved)
	}
	r.verified(t)
}

// What the date ends frees credit for those that wait, though its customer does nothing: of another member of the group, of another customer
// under the ceiling.
func TestNewDayEndsOrders(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	ctx := t.Context()
	group := func(p *account.Profile) { p.GroupID = "G" }
	chief := app.Caller{Subject: "chief", Sees: everybody}
	_, err := r.gate.SetGroupLimit(ctx, chief, app.Request{ID: "l", Hash: []byte("l")}, app.GroupLimit{GroupID: "G", Currency: "CNY", Limit: account.Limit{Kind: account.LimitAmount, Minor: 1000}})
	must(t, err)
	r.customer(t, "A", group)
	r.customer(t, "B", group)
	r.submit(t, order.Order{ID: "B1", CustomerID: "B", Amount: 900, ValidUntil: calendar.MustDate("2026-07-05")}, order.Approved)
	r.submit(t, order.Order{ID: "A1", CustomerID: "A", Amount: 500}, order.Held)
	r.noon("2026-07-05")
	must(t, r.waiting(r.gate, "a").Make(ctx))
	r.states(t, "A1 HELD, B1 APPROVED")
	r.noon("2026-07-06")
	must(t, r.waiting(r.gate, "a").Make(ctx))
	r.states(t, "A1 APPROVED, B1 EXPIRED")
	r.verified(t)
}

const converting = `
conversion:
  kind: RATE_KIND_CURRENT
  rates:
    - {from_currency: USD, to_currency: CNY, rate: "%s", from_date: "2026-01-01"}
`

// Another policy that comes into force, today or on a day to come, lets orders go that it would not have held: here at another rate.
func TestNewPolicyLetsOrdersGo(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	ctx := t.Context()
	book := &policy.Book{Store: r.versions, Clock: r.clock, Signed: func() {}}
	sign := func(rate, from string) {
		t.Helper()
		text := defaults.Default + fmt.Sprintf(converting, rate)
		spec, err := rpc.ParsePolicy("yaml", text)
		must(t, err)
		id := idem.Request{ID: rate, Method: "create", Hash: []byte(rate)}
		v, err := book.Create(ctx, id, policy.Draft{Spec: spec, YAML: text, CreatedBy: "writer"})
		must(t, err)
		id.ID, id.Method = rate+"-sign", "sign"
		_, err = book.Sign(ctx, id, v.Version, "signer", calendar.MustDate(from))
		must(t, err)
	}
	sign("7", "2026-07-01")
	r.gate = r.replica(t) // knows the policy from the beginning
	r.customer(t, "C1", nil)
	r.submit(t, order.Order{ID: "O1", CustomerID: "C1", Currency: "USD", Amount: 160}, order.Held)
	must(t, r.waiting(r.gate, "a").Make(ctx))
	r.submit(t, order.Order{ID: "O2", CustomerID: "C1", Currency: "USD", Amount: 150}, order.Held)
	sign("6.5", "2026-07-01")
	sign("6", "2026-07-03")
	time.Sleep(1100 * time.Millisecond) //nolint:forbidigo // a replica may take a second to notice a signature
	must(t, r.waiting(r.gate, "a").Make(ctx))
	r.states(t, "O1 HELD, O2 APPROVED")
	if _, err := r.gate.Cancel(ctx, app.Caller{Subject: "sales", Sees: everybody}, app.Request{ID: "c", Hash: []byte("c")}, "O2", ""); err != nil {
		t.Fatal(err)
	}
	r.noon("2026-07-02")
	must(t, r.waiting(r.gate, "a").Make(ctx))
	r.states(t, "O1 HELD, O2 CANCELLED")
	r.noon("2026-07-03")
	must(t, r.waiting(r.gate, "a").Make(ctx))
	r.states(t, "O1 APPROVED, O2 CANCELLED")
	r.verified(t)
}

// mortal is the clock of a process that dies when it looks at it once too often, as it does before every page.
type mortal struct {
	calendar.Clock
	looks int
	die   func()
}

func (m *mortal) Today(ctx context.Context) calendar.Date {
	if m.looks--; m.looks == 0 {
		m.die()
	}
	return m.Clock.Today(ctx)
}

// A replica that dies on the way leaves the rest to another, which goes on where it was: every order is judged, each gets its credit once.
func TestRecheckSurvivesItsProcess(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	other := r.replica(t)
	const customers = 40
	var want []string
	for i := range customers {
		id := fmt.Sprintf("%02d", i)
		r.customer(t, "C"+id, raised("2026-07-10", "2026-07-20"))
		r.submit(t, order.Order{ID: "O" + id, CustomerID: "C" + id, Amount: 1500}, order.Held)
		want = append(want, "O"+id+" APPROVED")
	}
	r.noon("2026-07-10")
	dying, die := context.WithCancel(t.Context())
	a := r.waiting(r.gate, "a")
	a.Clock = &mortal{Clock: a.Clock, looks: 6, die: die}
	far := func() (accounts int) {
		_ = r.pool.QueryRow(t.Context(), `SELECT coalesce(max(accounts), 0) FROM waiting_runs`).Scan(&accounts)
		return accounts
	}
	if err := a.Make(dying); err == nil {
		t.Fatal("it ended before it died")
	}
	left := far()
	b := r.waiting(other, "b")
	must(t, b.Make(t.Context()))
	if got := far(); got != left {
		t.Errorf("another replica went on under the lease: %d accounts, %d when the first died", got, left)
	}
	_, err := r.pool.Exec(t.Context(), `UPDATE waiting_runs SET lease_until = now() - interval '1 second'`)
	must(t, err)
	must(t, b.Make(t.Context()))
	r.states(t, strings.Join(want, ", "))
	var attempts, judged, passes int
	must(t, r.pool.QueryRow(t.Context(), `SELECT attempts, accounts FROM waiting_runs WHERE ended_at IS NOT NULL`).Scan(&attempts, &judged))
	must(t, r.pool.QueryRow(t.Context(), `SELECT count(*) FROM journal WHERE kind = 'ORDER_RECHECKED'`).Scan(&passes))
	if attempts != 2 || judged > customers || judged < customers-2 || passes != customers {
		t.Errorf("%d attempts, %d accounts (%d by the first), %d approvals of %d orders", attempts, judged, left, passes, customers)
	}
	must(t, b.Make(t.Context()))
	r.verified(t)
}

// Whoever has lost its claim notices, and stops.
func TestRecheckIsTakenOver(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	ctx := t.Context()
	day := calendar.MustDate("2026-07-01")
	run, claimed, err := r.store.ClaimWaiting(ctx, day, 1, "slow", 0)
	must(t, err)
	if _, again, err := r.store.ClaimWaiting(ctx, day, 1, "other", time.Hour); !claimed || !again || err != nil {
		t.Fatalf("claims: %v %v %v", claimed, again, err)
	}
	if err := r.store.SaveWaiting(ctx, run, time.Hour, true); err == nil {
		t.Error("who had lost the claim could end the run")
	}
	if _, again, err := r.store.ClaimWaiting(ctx, day, 1, "slow", time.Hour); again || err != nil {
		t.Errorf("claimed back under the lease: %v", err)
	}
}

// A stop by S2.18 that the date lifts goes with the new day, and then what waits for it.
func TestNewDayLiftsAStop(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	ctx := t.Context()
	r.customer(t, "C1", raised("2026-07-10", "2026-07-20"))
	_, err := r.gate.ReceivePosition(ctx, "C1", account.Position{Seq: 1, BusinessDate: calendar.MustDate("2026-07-01"), Currency: "CNY", Receivable: 1500,
		Ladder: account.Ladder{{Date: calendar.MustDate("2026-07-31"), Minor: 1500}}})
	must(t, err)
	r.submit(t, order.Order{ID: "O1", CustomerID: "C1", Amount: 100}, order.Held)
	stopped := func() (n int) {
		must(t, r.pool.QueryRow(ctx, `SELECT count(*) FILTER (WHERE kind = 'CREDIT_STOPPED') - count(*) FILTER (WHERE kind = 'CREDIT_STOP_LIFTED') FROM journal`).Scan(&n))
		return n
	}
	must(t, r.waiting(r.gate, "a").Make(ctx))
	if stopped() != 1 {
		t.Fatal("the customer is not stopped")
	}
	r.noon("2026-07-10")
	must(t, r.waiting(r.gate, "a").Make(ctx))
	if stopped() != 0 {
		t.Error("the stop is not lifted")
	}
	r.states(t, "O1 APPROVED")
	r.verified(t)
}
