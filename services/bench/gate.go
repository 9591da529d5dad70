package bench

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/avalcredit/aval/pkg/pgdev"
)

// measurement is one kind of figure, taken once a round.
type measurement struct {
	name string
	take func(ctx context.Context) (float64, error)
	got  []float64
}

// Names of measurements that others are compared with.
const (
	naiveUniform = "naive, 64 clients, uniform"
	naiveHot     = "naive, 64 clients, one customer"
	gateUniform  = "gate, 256 callers, uniform"
	gateUniform6 = "gate, 64 callers, uniform"
	gateHot      = "gate, 256 callers, one customer"
	gateStream   = "gate, 8 streams, uniform"
	echoCalls    = "echo, 256 callers"
	oneCommit    = "one commit, microseconds"
	oneCaller    = "gate, one caller, microseconds"
	halfRate     = "gate at half of its rate, p99 in ms"
	oneReplica   = "one replica of three, 256 callers, uniform"
	twoReplicas  = "two replicas, 256 callers, uniform"
	allReplicas  = "three replicas, 256 callers, uniform"
	fewCustomers = "gate, 256 callers, 1,000 customers"
	allCustomers = "gate, 256 callers, all customers"
)

// gateBench holds what the measurements of the gate share.
type gateBench struct {
	cfg      Config
	db       *pgdev.Server
	out      io.Writer
	gate     *gateProcess
	replicas []*gateProcess // three on one database
	large    *gateProcess   // with many more customers
	naive    *naive
	next     atomic.Int64
	one      *callers
	several  []*callers // of one, two and three replicas
	many     *callers
	echo     *callers

	postmaster int
	spent      []usage // per round of gateUniform
	orders     []float64
}

// gateGroup measures the gate: decisions per second through real gRPC, every one with token, role, validation, idempotency, all default
// rules, decision record and hash chain, against the same work done one order a transaction.
func gateGroup(ctx context.Context, cfg Config, db *pgdev.Server, pgbench string, out io.Writer) (err error) {
	b := &gateBench{cfg: cfg, db: db, out: out}
	defer b.stop()
	dir, err := os.MkdirTemp("", "aval-bench-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	if err := b.prepare(ctx, pgbench, dir); err != nil {
		return err
	}
	ms := b.measurements()
	for range cfg.Rounds {
		for i := range ms {
			v, err := ms[i].take(ctx)
			if err != nil {
				return fmt.Errorf("%s: %w", ms[i].name, err)
			}
			ms[i].got = append(ms[i].got, v)
		}
	}
	b.print(ms)
	return nil
}

func (b *gateBench) stop() {
	for _, g := range append(b.replicas, b.gate, b.large) {
		if g != nil {
			_ = g.stop() // it is told to end; how it ends is of no interest to the figures
		}
	}
}

// prepare starts the gates and fills their databases and the naive one.
func (b *gateBench) prepare(ctx context.Context, pgbench, dir string) error {
	for _, name := range []string{"gate", "replicas", "large"} {
		if err := onDatabase(ctx, b.db, "postgres", func(c *pgx.Conn) error {
			_, err := c.Exec(ctx, `CREATE DATABASE `+name)
			return err
		}); err != nil {
			return err
		}
	}
	if err := b.start(ctx); err != nil {
		return err
	}
	for _, f := range []struct {
		gate      *gateProcess
		customers int
	}{{b.gate, b.cfg.Customers}, {b.replicas[0], b.cfg.Customers}, {b.large, b.cfg.Large}} {
		if err := b.fill(ctx, f.gate, f.customers); err != nil {
			return err
		}
	}
	return b.prepareNaive(ctx, pgbench, dir)
}

// start starts the gates, and dials what the measurements call.
func (b *gateBench) start(ctx context.Context) (err error) {
	if b.gate, err = startGate(ctx, b.db.DSN("gate")); err != nil {
		return err
	}
	if b.one, err = dial(&b.next, target{b.gate.Gate, b.gate.Token}); err != nil {
		return err
	}
	if b.echo, err = dial(&b.next, target{b.gate.Echo, b.gate.Token}); err != nil {
		return err
	}
	var targets []target
	for range 3 {
		g, err := startGate(ctx, b.db.DSN("replicas"))
		if err != nil {
			return err
		}
		b.replicas, targets = append(b.replicas, g), append(targets, target{g.Gate, g.Token})
		c, err := dial(&b.next, targets...)
		if err != nil {
			return err
		}
		b.several = append(b.several, c)
	}
	if b.large, err = startGate(ctx, b.db.DSN("large")); err != nil {
		return err
	}
	b.many, err = dial(&b.next, target{b.large.Gate, b.large.Token})
	return err
}

func (b *gateBench) fill(ctx context.Context, g *gateProcess, customers int) error {
	feeds, err := dial(&b.next, target{g.Gate, g.Feeds})
	if err != nil {
		return err
	}
	t0 := time.Now()
	if err := feeds.fill(ctx, customers); err != nil {
		return err
	}
	fmt.Fprintf(b.out, "%d customers told to a gate in %.0f s\n", customers, time.Since(t0).Seconds())
	return nil
}

// prepareNaive makes the usual tables, with rows as long as those that the gate writes: some orders show how long they are.
func (b *gateBench) prepareNaive(ctx context.Context, pgbench, dir string) error {
	if _, err := b.one.latency(ctx, b.cfg.Customers, 200); err != nil {
		return err
	}
	var record, doc int
	if err := onDatabase(ctx, b.db, "gate", func(c *pgx.Conn) error {
		if _, parent, err := processorTime(int(c.PgConn().PID())); err == nil {
			b.postmaster = parent
		}
		return c.QueryRow(ctx, `SELECT avg(length(decision))::int, avg(length(detail))::int FROM ordergate.journal WHERE decision IS NOT NULL`).Scan(&record, &doc)
	}); err != nil {
		return err
	}
	if b.postmaster == 0 {
		return errors.New("the server's processes cannot be seen in /proc")
	}
	fmt.Fprintf(b.out, "decision records of %d bytes, orders of %d; the naive transaction writes as many\n", record, doc)
	var err error
	b.naive, err = newNaive(ctx, b.db, pgbench, dir, naiveSize{customers: b.cfg.Customers, record: record, doc: doc})
	return err
}

func (b *gateBench) measurements() []measurement {
	of := func(c *callers, workers, customers int) func(context.Context) (float64, error) {
		return func(ctx context.Context) (float64, error) { return c.rate(ctx, workers, customers, b.cfg.Duration) }
	}
	usual := func(customers int) func(context.Context) (float64, error) {
		return func(ctx context.Context) (float64, error) { return b.naive.rate(ctx, 64, customers, b.cfg.Duration) }
	}
	n, one := b.cfg.Customers, b.one
	return []measurement{
		{name: naiveUniform, take: usual(n)},
		{name: gateUniform6, take: of(one, 64, n)},
		{name: gateUniform, take: b.observed(of(one, 256, n))},
		{name: naiveHot, take: usual(1)},
		{name: gateHot, take: of(one, 256, 1)},
		{name: echoCalls, take: of(b.echo, 256, n)},
		{name: gateStream, take: func(ctx context.Context) (float64, error) { return one.streamRate(ctx, 8, 128, n, b.cfg.Duration) }},
		{name: oneCommit, take: func(ctx context.Context) (float64, error) {
			d, err := b.naive.commit(ctx, 300)
			return float64(d.Microseconds()), err
		}},
		{name: oneCaller, take: func(ctx context.Context) (float64, error) {
			d, err := one.latency(ctx, n, 300)
			return float64(d.Microseconds()), err
		}},
		{name: halfRate, take: func(ctx context.Context) (float64, error) {
			d, err := one.paced(ctx, b.orders[len(b.orders)-1]/2, n, b.cfg.Duration)
			return float64(d.Microseconds()) / 1000, err
		}},
		{name: oneReplica, take: of(b.several[0], 256, n)},
		{name: twoReplicas, take: of(b.several[1], 256, n)},
		{name: allReplicas, take: of(b.several[2], 256, n)},
		{name: fewCustomers, take: of(one, 256, 1000)},
		{name: allCustomers, take: of(b.many, 256, b.cfg.Large)},
	}
}

// observed also notes what a decision cost the gate and the server.
func (b *gateBench) observed(take func(context.Context) (float64, error)) func(context.Context) (float64, error) {
	return func(ctx context.Context) (float64, error) {
		before, err := b.gate.used(b.postmaster)
		if err != nil {
			return 0, err
		}
		rate, err := take(ctx)
		if err != nil {
			return 0, err
		}
		after, err := b.gate.used(b.postmaster)
		if err != nil {
			return 0, err
		}
		b.spent, b.orders = append(b.spent, after.since(before)), append(b.orders, rate)
		return rate, nil
	}
}

func (b *gateBench) print(ms []measurement) {
	v := map[string]float64{}
	for _, m := range ms {
		v[m.name] = median(m.got)
		fmt.Fprintf(b.out, "  %-42s %10.1f   (rounds: %.1f)\n", m.name, v[m.name], m.got)
	}
	var inGo, inPostgres, mallocs []float64
	for i, u := range b.spent {
		n := b.orders[i] * b.cfg.Duration.Seconds()
		inGo, inPostgres = append(inGo, float64(u.Go.Microseconds())/n), append(inPostgres, float64(u.Postgres.Microseconds())/n)
		mallocs = append(mallocs, float64(u.Mallocs)/n)
	}
	for _, f := range []struct {
		name   string
		value  float64
		digits int
	}{
		{"gate.uniform64_vs_naive", v[gateUniform6] / v[naiveUniform], 2},
		{"gate.uniform256_vs_naive", v[gateUniform] / v[naiveUniform], 2},
		{"gate.hot_vs_naive", v[gateHot] / v[naiveHot], 1},
		{"gate.hot_vs_uniform", v[gateHot] / v[gateUniform], 2},
		{"gate.share_of_echo", v[gateUniform] / v[echoCalls], 3},
		{"gate.idle_vs_commit", v[oneCaller] / v[oneCommit], 2},
		{"gate.p99_ms_at_half", v[halfRate], 1},
		{"gate.cpu_us_go", median(inGo), 1},
		{"gate.cpu_us_postgres", median(inPostgres), 1},
		{"gate.allocations", median(mallocs), 0},
		{"gate.stream_vs_unary", v[gateStream] / v[gateUniform], 2},
		{"gate.growth_100k", v[gateUniform] / v[fewCustomers], 2},
		{"gate.growth_3m", v[allCustomers] / v[fewCustomers], 2},
		{"gate.replicas2", v[twoReplicas] / v[oneReplica], 2},
		{"gate.replicas3", v[allReplicas] / v[oneReplica], 2},
	} {
		report(b.out, f.name, f.value, f.digits)
	}
}
