package bench

import (
	"context"
	_ "embed" // the naive transaction is compiled in
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/avalcredit/aval/pkg/pgdev"
)

// The naive transaction: one order each, the account's row locked, the same facts kept (order, order number, request id, decision
// record, hash).
//
//go:embed naive_schema.sql
var naiveSchema string //nolint:gochecknoglobals // embedded text needs a variable

//go:embed naive.sql
var naiveScript string //nolint:gochecknoglobals // embedded text needs a variable

// naive runs the usual transaction with pgbench.
type naive struct {
	pgbench, dsn, dir string
	size              naiveSize
}

// naiveSize is how many customers there are, and how many bytes a decision record and an order's document have.
type naiveSize struct{ customers, record, doc int }

func newNaive(ctx context.Context, db *pgdev.Server, pgbench, dir string, size naiveSize) (*naive, error) {
	err := onDatabase(ctx, db, "postgres", func(c *pgx.Conn) error {
		_, err := c.Exec(ctx, `CREATE DATABASE naive`)
		return err
	})
	if err != nil {
		return nil, err
	}
	err = onDatabase(ctx, db, "naive", func(c *pgx.Conn) error {
		_, err := c.Exec(ctx, naiveSchema+`
			INSERT INTO account SELECT g, 100000000000, 0, 0, 0, '2020-01-01', decode(repeat('00', 32), 'hex') FROM generate_series(1, `+strconv.Itoa(size.customers)+`) g;`)
		if err == nil {
			_, err = c.Exec(ctx, `VACUUM ANALYZE account`)
		}
		return err
	})
	return &naive{pgbench: pgbench, dsn: db.DSN("naive"), dir: dir, size: size}, err
}

// rate is transactions per second with so many clients over customers.
func (n *naive) rate(ctx context.Context, clients, customers int, d time.Duration) (float64, error) {
	script := filepath.Join(n.dir, "naive.sql")
	if err := os.WriteFile(script, []byte(naiveScript), 0o600); err != nil {
		return 0, err
	}
	secs := max(1, int(d.Seconds()))
	c := exec.CommandContext(ctx, n.pgbench, "-n", "-M", "prepared", "-c", strconv.Itoa(clients), "-j", "2", "-T", strconv.Itoa(secs), //nolint:gosec // our own arguments
		"-D", "customers="+strconv.Itoa(customers), "-D", "record="+strconv.Itoa(n.size.record), "-D", "doc="+strconv.Itoa(n.size.doc), "-f", script, n.dsn)
	text, err := c.CombinedOutput()
	if err != nil {
		return 0, fmt.Errorf("pgbench: %w\n%s", err, text[:min(len(text), 2000)])
	}
	m := regexp.MustCompile(`tps = ([0-9.]+) \(without`).FindSubmatch(text)
	if m == nil {
		return 0, fmt.Errorf("pgbench printed no rate:\n%s", text)
	}
	return strconv.ParseFloat(string(m[1]), 64)
}

// commit is the median time of one durable commit of one row.
func (n *naive) commit(ctx context.Context, count int) (time.Duration, error) {
	c, err := pgx.Connect(ctx, n.dsn)
	if err != nil {
		return 0, err
	}
	defer c.Close(ctx)
	times := make([]time.Duration, count)
	for i := range times {
		t0 := time.Now()
		if _, err := c.Exec(ctx, `INSERT INTO single (n) VALUES ($1)`, i); err != nil {
			return 0, err
		}
		times[i] = time.Since(t0)
	}
	return median(times), nil
}
