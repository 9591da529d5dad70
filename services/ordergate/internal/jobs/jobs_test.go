package jobs_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"reflect"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/avalcredit/aval/pkg/audit"
	"github.com/avalcredit/aval/pkg/calendar"
	"github.com/avalcredit/aval/pkg/errs"
	"github.com/avalcredit/aval/pkg/idem"
	"github.com/avalcredit/aval/pkg/operation"
	"github.com/avalcredit/aval/pkg/page"
	"github.com/avalcredit/aval/pkg/pg"
	"github.com/avalcredit/aval/pkg/pgtest"
	"github.com/avalcredit/aval/pkg/policy"
	"github.com/avalcredit/aval/services/ordergate/internal/account"
	"github.com/avalcredit/aval/services/ordergate/internal/app"
	"github.com/avalcredit/aval/services/ordergate/internal/jobs"
	"github.com/avalcredit/aval/services/ordergate/internal/order"
	"github.com/avalcredit/aval/services/ordergate/internal/postgres"
	"github.com/avalcredit/aval/services/ordergate/internal/rpc"
	"github.com/avalcredit/aval/services/ordergate/internal/simulate"
	defaults "github.com/avalcredit/aval/services/ordergate/policy"
)

func TestMain(m *testing.M) { pgtest.Main(m) }

type rig struct {
	pool     *pgxpool.Pool
	store    *postgres.Store
	clock    *calendar.Fixed
	zone     *time.Location
	versions *policy.Store
	gate     *app.Gate
	log      *slog.Logger
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func newRig(t *testing.T) *rig {
	t.Helper()
	zone, err := calendar.Zone("Asia/Shanghai")
	must(t, err)
	pool := pgtest.New(t, "ordergate", postgres.Migrations())
	r := &rig{
		pool: pool, store: postgres.NewStore(pool), zone: zone, versions: policy.NewStore(pool), log: slog.New(slog.DiscardHandler),
		clock: calendar.FixedClock(time.Date(2026, 7, 1, 4, 0, 0, 0, time.UTC), zone),
	}
	spec, err := rpc.ParsePolicy("default.yaml", defaults.Default)
	must(t, err)
	must(t, r.versions.EnsureBuiltIn(t.Context(), spec, defaults.Default))
	r.gate = app.New(app.Deps{Store: r.store, Policies: policy.NewCache(r.versions, rpc.DecodePolicy), Clock: r.clock, Log: r.log})
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() { defer close(done); _ = r.gate.Run(ctx) }()
	t.Cleanup(func() { cancel(); <-done })
	return r
}

func (r *rig) reports() *app.Reports {
	return app.NewReports(r.store, policy.NewCache(r.versions, rpc.DecodeReportSettings), r.clock, page.NewSigner([]byte("k")))
}

func (r *rig) job(worker string) *jobs.Reports {
	return &jobs.Reports{App: r.reports(), Clock: r.clock, Zone: r.zone, Log: r.log, Worker: worker}
}

func everybody(string) bool { return true }

// fill makes customers with orders each, the last of which are held.
func (r *rig) fill(t *testing.T, customers, orders int) {
	t.Helper()
	sales := app.Caller{Subject: "sales", Sees: everybody}
	var wg sync.WaitGroup
	for c := range customers {
		wg.Go(func() {
			id := fmt.Sprintf("C%03d", c)
			_, err := r.gate.ReceiveProfile(t.Context(), id, account.Profile{Seq: 1, BusinessDate: calendar.MustDate("2026-07-01"), Name: id, Currency: "CNY", Grade: "A",
				Grant: account.Grant{Version: 1, Treatment: account.Credit, TermDays: 30, Limit: account.Limit{Kind: account.LimitAmount, Minor: 1000}}}, true)
			if err != nil {
				t.Error(err)
				return
			}
			for i := range orders {
				o := fmt.Sprintf("%s-%d", id, i)
				if _, err := r.gate.Submit(t.Context(), sales, app.Request{ID: o, Hash: []byte(o)}, order.Order{ID: o, CustomerID: id, Currency: "CNY", Amount: 300, Terms: order.OpenAccount}); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
}

// However many replicas look, and however often, the report of a date is made once and is the same for everybody.
func TestReportIsMadeOnce(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.fill(t, 20, 4) // 900 of 1,000 approved, one held each
	ctx := t.Context()
	must(t, r.job("early").Make(ctx)) // noon of July 1: the report of June 30 is due
	r.clock.Set(time.Date(2026, 7, 1, 21, 59, 0, 0, time.UTC))
	must(t, r.job("early").Make(ctx)) // 05:59 in Shanghai
	if _, found, err := r.store.Report(ctx, calendar.MustDate("2026-07-01")); found || err != nil {
		t.Fatalf("made before the hour: %v", err)
	}
	r.clock.Set(time.Date(2026, 7, 1, 22, 0, 0, 0, time.UTC))
	var wg sync.WaitGroup
	for n := range 8 {
		wg.Go(func() {
			for range 3 {
				if err := r.job(fmt.Sprint("worker", n)).Make(ctx); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	kept, found, err := r.store.Report(ctx, calendar.MustDate("2026-07-01"))
	must(t, err)
	got, err := r.reports().Get(ctx, calendar.MustDate("2026-07-01"))
	must(t, err)
	if !found || got.Counts.Held != 20 || got.Counts.OnHold != 20 || got.Counts.Accounts != 20 || string(got.Hash) != string(kept.Hash) || len(got.Holds) != 20 {
		t.Errorf("%v %+v", found, got.Counts)
	}
	events, _, err := audit.List(ctx, r.pool, audit.Filter{Action: "report.keep", Subject: "2026-07-01"}, audit.Page{Size: 10})
	must(t, err)
	if len(events) != 1 {
		t.Errorf("%d events in the audit trail", len(events))
	}
	if _, err := r.pool.Exec(ctx, `UPDATE daily_reports SET content = '{}'`); err == nil {
		t.Error("the database took a change of a report")
	}
	must(t, pgx.BeginFunc(ctx, r.pool, func(tx pgx.Tx) error {
		_, err := tx.Exec(ctx, `SET LOCAL session_replication_role = replica; UPDATE daily_reports SET content = replace(content, 'C001', 'C999')`, pgx.QueryExecModeSimpleProtocol)
		return err
	}))
	if _, err := r.reports().Get(ctx, calendar.MustDate("2026-07-01")); errs.ReasonOf(err) != "REPORT_ALTERED" {
		t.Errorf("an altered report: %v", err)
	}
}

// A claim whose holder has died is taken over, and days on which nobody was there are made up for, as they were.
func TestReportsAreMadeUpFor(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	ctx := t.Context()
	must(t, r.job("a").Make(ctx)) // June 30
	r.fill(t, 2, 4)
	r.clock.Set(time.Date(2026, 7, 5, 1, 0, 0, 0, time.UTC))
	claimed, err := r.store.ClaimReport(ctx, calendar.MustDate("2026-07-02"), "dead", time.Hour)
	must(t, err)
	if again, err := r.store.ClaimReport(ctx, calendar.MustDate("2026-07-02"), "other", time.Hour); !claimed || again || err != nil {
		t.Fatalf("claims: %v %v %v", claimed, again, err)
	}
	must(t, r.job("b").Make(ctx))
	page1, err := r.reports().Kept(ctx, 2, "")
	must(t, err)
	page2, err := r.reports().Kept(ctx, 2, page1.Next)
	must(t, err)
	var dates []string
	for _, d := range append(page1.Items, page2.Items...) {
		dates = append(dates, fmt.Sprint(d.Date, " ", d.Counts.Held, " ", d.Counts.OnHold))
	}
	if want := []string{"2026-07-04 0 2", "2026-07-03 0 2", "2026-07-01 2 2", "2026-06-30 0 0"}; !reflect.DeepEqual(dates, want) || page2.Next != "" {
		t.Errorf("kept %q, want %q", dates, want)
	}
	if _, err := r.pool.Exec(ctx, `UPDATE report_runs SET lease_until = now() - interval '1 second' WHERE worker = 'dead'`); err != nil {
		t.Fatal(err)
	}
	must(t, r.job("c").Make(ctx))
	if _, found, err := r.store.Report(ctx, calendar.MustDate("2026-07-02")); !found || err != nil {
		t.Errorf("the dead worker's report was not made: %v", err)
	}
}

// simulation queues a run over all decisions and returns its id.
func (r *rig) simulation(t *testing.T) (*app.Operations, string) {
	t.Helper()
	ops := &app.Operations{Store: operation.NewStore(r.pool), Policies: policy.NewCache(r.versions, rpc.DecodePolicy), Clock: r.clock, Pages: page.NewSigner([]byte("k"))}
	op, err := ops.Simulate(t.Context(), app.Caller{Subject: "cm"}, idem.Request{ID: t.Name(), Method: "x", Hash: []byte("x")}, simulate.Spec{Version: 1, From: calendar.MustDate("2026-07-01")})
	must(t, err)
	return ops, op.ID
}

func (r *rig) worker(name string) *operation.Worker {
	s := &app.Simulator{Store: r.store, Policies: policy.NewCache(r.versions, rpc.DecodePolicy), Clock: r.clock, Every: -1}
	return operation.NewWorker(operation.Worker{Store: operation.NewStore(r.pool), Log: r.log, Name: name, Lease: time.Hour,
		Kinds: map[string]operation.Work{app.KindSimulation: s.Run}})
}

// An operation whose process dies in the middle goes on where it was, in another, and gives what one in one piece gives.
func TestOperationSurvivesItsProcess(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.fill(t, 450, 2) // three pages of accounts
	ctx := t.Context()
	ops, id := r.simulation(t)
	claimed, found, err := operation.NewStore(r.pool).Claim(ctx, "dying", time.Hour)
	must(t, err)
	if !found || claimed.ID != id {
		t.Fatalf("claimed %+v", claimed)
	}
	saves := 0
	s := &app.Simulator{Store: r.store, Policies: policy.NewCache(r.versions, rpc.DecodePolicy), Clock: r.clock, Every: -1}
	died := errors.New("died")
	_, err = s.Run(ctx, claimed, func(ctx context.Context, q pg.Querier, o operation.Operation) (bool, error) {
		if saves++; saves > 2 {
			return false, died
		}
		return operation.NewStore(r.pool).Save(ctx, q, o, time.Hour)
	})
	if !errors.Is(err, died) {
		t.Fatalf("%v", err)
	}
	if worked, err := r.worker("second").Next(ctx); worked || err != nil {
		t.Fatalf("it was taken from a worker that holds it: %v %v", worked, err)
	}
	half, err := ops.Get(ctx, id)
	must(t, err)
	if half.State != "RUNNING" || half.Done != 200 || half.Total != 450 || half.Attempts != 1 {
		t.Errorf("after the death: %s %d of %d, attempt %d", half.State, half.Done, half.Total, half.Attempts)
	}
	_, err = r.pool.Exec(ctx, `UPDATE operations SET lease_until = now() - interval '1 second'`)
	must(t, err)
	if worked, err := r.worker("second").Next(ctx); !worked || err != nil {
		t.Fatalf("%v %v", worked, err)
	}
	done, err := ops.Get(ctx, id)
	must(t, err)
	if done.State != "SUCCEEDED" || done.Attempts != 2 || done.Result.Accounts != 450 || done.Result.Decisions != 900 || done.Result.Orders.PassBoth != 900 || done.Result.DecisionsChanged != 0 {
		t.Errorf("%+v %+v", done.Operation, done.Result)
	}
	if _, err := operation.NewStore(r.pool).Save(ctx, nil, claimed, time.Hour); !errors.Is(err, operation.ErrLost) {
		t.Errorf("the dead worker still saves: %v", err)
	}
	if err := operation.NewStore(r.pool).End(ctx, claimed); !errors.Is(err, operation.ErrLost) {
		t.Errorf("the dead worker still ends it: %v", err)
	}
}

func TestOperationIsCancelled(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.fill(t, 3, 1)
	ctx := t.Context()
	ops, id := r.simulation(t)
	claimed, _, err := operation.NewStore(r.pool).Claim(ctx, "w", time.Hour)
	must(t, err)
	running, err := ops.Cancel(ctx, id)
	must(t, err)
	if running.State != "RUNNING" || !running.CancelRequested {
		t.Errorf("%+v", running.Operation)
	}
	must(t, operation.NewStore(r.pool).Release(ctx, claimed)) // an orderly end of the process
	if worked, err := r.worker("w2").Next(ctx); !worked || err != nil {
		t.Fatal(worked, err)
	}
	ended, err := ops.Get(ctx, id)
	must(t, err)
	if ended.State != "CANCELLED" || ended.EndedAt == nil || ended.Result != nil || ended.Attempts != 1 {
		t.Errorf("%+v", ended.Operation)
	}
}

func TestWaitingOperationIsCancelledAtOnce(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	ops, id := r.simulation(t)
	ended, err := ops.Cancel(t.Context(), id)
	must(t, err)
	if worked, err := r.worker("w").Next(t.Context()); worked || err != nil || ended.State != "CANCELLED" {
		t.Errorf("%s, worked %v %v", ended.State, worked, err)
	}
}

func TestOperationIsInterruptedTooOften(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	ops, id := r.simulation(t)
	for range 5 {
		if _, found, err := operation.NewStore(r.pool).Claim(t.Context(), "dies", -time.Second); !found || err != nil {
			t.Fatal(found, err)
		}
	}
	if worked, err := r.worker("w").Next(t.Context()); !worked || err != nil {
		t.Fatal(worked, err)
	}
	ended, err := ops.Get(t.Context(), id)
	must(t, err)
	if ended.State != "FAILED" || ended.ErrorReason != "INTERRUPTED" {
		t.Errorf("%+v", ended.Operation)
	}
}

// A worker that runs takes up what is queued as soon as it is woken, and gives back what it has when it is asked to end.
func TestWorkerRuns(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.fill(t, 2, 1)
	w := r.worker("w")
	w.Every = time.Hour
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- w.Run(ctx) }()
	ops, id := r.simulation(t)
	w.Wake()
	for range 200 {
		op, err := ops.Get(t.Context(), id)
		must(t, err)
		if op.State == "SUCCEEDED" {
			cancel()
			must(t, <-done)
			return
		}
		time.Sleep(20 * time.Millisecond) //nolint:forbidigo // waits for a worker
	}
	cancel()
	t.Fatal("the operation was not worked on")
}

// Long journals are read a piece at a time from shortly before the period, and say the same as read whole.
func TestLongJournal(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.fill(t, 1, 1)
	ctx := t.Context()
	// The journal is continued without the gate: 5,000 entries on ten days, copies of its decision.
	_, err := r.pool.Exec(ctx, `
		INSERT INTO journal SELECT (jsonb_populate_record(j, jsonb_build_object('seq', n, 'request_id', NULL, 'business_date', date '2026-07-01' + (n / 500)))).*
		FROM journal j, generate_series(3, 5000) n WHERE j.account_id = 'C000' AND j.seq = 2`)
	must(t, err)
	key := postgres.Key{RootID: "C000", AccountID: "C000"}
	for day, want := range map[string]int64{"2026-07-01": 0, "2026-07-04": 1500, "2026-07-09": 4000, "2026-08-01": 5000} {
		from, err := r.store.Since(ctx, key, 5000, calendar.MustDate(day))
		must(t, err)
		if from > want || want-from > 512 {
			t.Errorf("entries of %s begin behind %d, found %d", day, want, from)
		}
	}
	r.clock.Set(time.Date(2026, 8, 1, 4, 0, 0, 0, time.UTC))
	ops := &app.Operations{Store: operation.NewStore(r.pool), Policies: policy.NewCache(r.versions, rpc.DecodePolicy), Clock: r.clock, Pages: page.NewSigner([]byte("k"))}
	op, err := ops.Simulate(ctx, app.Caller{Subject: "cm"}, idem.Request{ID: "long", Method: "x", Hash: []byte("x")},
		simulate.Spec{Version: 1, From: calendar.MustDate("2026-07-04"), To: calendar.MustDate("2026-07-05")})
	must(t, err)
	if worked, err := r.worker("w").Next(ctx); !worked || err != nil {
		t.Fatal(worked, err)
	}
	op, err = ops.Get(ctx, op.ID)
	must(t, err)
	if op.State != "SUCCEEDED" || op.Result.Decisions != 1000 || op.Result.Accounts != 1 {
		text, _ := json.Marshal(op.Result)
		t.Errorf("%s %s: %s", op.State, op.ErrorMessage, text)
	}
}
