package bench

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/avalcredit/aval/pkg/pgdev"
)

// gateProcess is the gate in a process of its own.
type gateProcess struct {
	ready
	cmd   *exec.Cmd
	stdin io.WriteCloser
}

func startGate(ctx context.Context, dsn string) (*gateProcess, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	g := &gateProcess{cmd: exec.CommandContext(ctx, self, "--serve="+dsn)} //nolint:gosec // this program itself
	g.cmd.Stderr = os.Stderr
	out, err := g.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if g.stdin, err = g.cmd.StdinPipe(); err != nil {
		return nil, err
	}
	if err := g.cmd.Start(); err != nil {
		return nil, err
	}
	line, err := bufio.NewReader(out).ReadBytes('\n')
	if err != nil {
		return nil, errors.Join(fmt.Errorf("the gate did not start: %w", err), g.stop())
	}
	return g, json.Unmarshal(line, &g.ready)
}

func (g *gateProcess) stop() error {
	return errors.Join(g.stdin.Close(), g.cmd.Wait())
}

// measurement is one kind of figure, taken once a round.
type measurement struct {
	name string
	take func(ctx context.Context) (float64, error)
	got  []float64
}

// gateGroup measures the gate: decisions per second through real gRPC, every one with token, role, validation, idempotency, all default
// rules, decision record and hash chain, against the same work done one order a transaction.
func gateGroup(ctx context.Context, cfg Config, db *pgdev.Server, pgbench string, out io.Writer) (err error) {
	err = onDatabase(ctx, db, "postgres", func(c *pgx.Conn) error {
		_, err := c.Exec(ctx, `CREATE DATABASE gate`)
		return err
	})
	if err != nil {
		return err
	}
	g, err := startGate(ctx, db.DSN("gate"))
	if err != nil {
		return err
	}
	defer func() { _ = g.stop() }() // it is told to end; how it ends is of no interest to the figures
	dir, err := os.MkdirTemp("", "aval-bench-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	var next atomic.Int64
	feeds, err := dial(g.Gate, g.Feeds, &next)
	if err != nil {
		return err
	}
	t0 := time.Now()
	if err := feeds.fill(ctx, cfg.Customers); err != nil {
		return err
	}
	fmt.Fprintf(out, "%d customers told to the gate in %.1f s\n", cfg.Customers, time.Since(t0).Seconds())
	n, err := newNaive(ctx, db, pgbench, dir, cfg.Customers)
	if err != nil {
		return err
	}
	gate, err := dial(g.Gate, g.Token, &next)
	if err != nil {
		return err
	}
	echo, err := dial(g.Echo, g.Token, &next)
	if err != nil {
		return err
	}
	ms := measurements(cfg, gate, echo, n)
	for range cfg.Rounds {
		for i := range ms {
			v, err := ms[i].take(ctx)
			if err != nil {
				return fmt.Errorf("%s: %w", ms[i].name, err)
			}
			ms[i].got = append(ms[i].got, v)
		}
	}
	return printGate(out, ms)
}

func measurements(cfg Config, gate, echo *callers, n *naive) []measurement {
	rate := func(c *callers, workers, customers int) func(context.Context) (float64, error) {
		return func(ctx context.Context) (float64, error) { return c.rate(ctx, workers, customers, cfg.Duration) }
	}
	usual := func(customers int) func(context.Context) (float64, error) {
		return func(ctx context.Context) (float64, error) { return n.rate(ctx, 64, customers, cfg.Duration) }
	}
	return []measurement{
		{name: "naive, 64 clients, uniform", take: usual(cfg.Customers)},
		{name: "gate, 64 callers, uniform", take: rate(gate, 64, cfg.Customers)},
		{name: "gate, 256 callers, uniform", take: rate(gate, 256, cfg.Customers)},
		{name: "naive, 64 clients, one customer", take: usual(1)},
		{name: "gate, 64 callers, one customer", take: rate(gate, 64, 1)},
		{name: "gate, 256 callers, one customer", take: rate(gate, 256, 1)},
		{name: "echo, 256 callers", take: rate(echo, 256, cfg.Customers)},
		{name: "one commit, microseconds", take: func(ctx context.Context) (float64, error) {
			d, err := n.commit(ctx, 300)
			return float64(d.Microseconds()), err
		}},
		{name: "gate, one caller, microseconds", take: func(ctx context.Context) (float64, error) {
			d, err := gate.latency(ctx, cfg.Customers, 300)
			return float64(d.Microseconds()), err
		}},
	}
}

func printGate(out io.Writer, ms []measurement) error {
	v := map[string]float64{}
	for _, m := range ms {
		v[m.name] = median(m.got)
		fmt.Fprintf(out, "  %-34s %10.0f   (rounds: %.0f)\n", m.name, v[m.name], m.got)
	}
	naive, hot := v["naive, 64 clients, uniform"], v["naive, 64 clients, one customer"]
	uniform, best := v["gate, 256 callers, uniform"], v["gate, 256 callers, one customer"]
	report(out, "gate.uniform64_vs_naive", v["gate, 64 callers, uniform"]/naive, 2)
	report(out, "gate.uniform256_vs_naive", uniform/naive, 2)
	report(out, "gate.hot_vs_naive", best/hot, 2)
	report(out, "gate.hot_vs_uniform", best/uniform, 2)
	report(out, "gate.share_of_echo", uniform/v["echo, 256 callers"], 3)
	report(out, "gate.idle_vs_commit", v["gate, one caller, microseconds"]/v["one commit, microseconds"], 2)
	return nil
}
