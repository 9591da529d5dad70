// Package prove puts the order gate under load and faults and proves from what its callers saw, and from what is stored, that no
// acknowledged decision was lost, none was made twice and none passed the limit. It is test code in the form of a library: the package's
// tests run it for a short time, cmd/prove for as long as one likes. README.md says what it does and what it found.
package prove

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
)

// Config of a run.
type Config struct {
	Duration   time.Duration // of the load; 0: 20 s
	Callers    int           // at once; 0: 64
	Replicas   int           // gate processes; 0: 2
	Accounts   int           // 0: 4
	Groups     int           // of two accounts each, that share a limit beside their own; 0: half of the accounts are in groups; below 0: none
	Stops      int           // customers that go over their limit and back, for what is told to others; 0: 2; below 0: none
	Strangers  int           // callers that ask about customers nobody has heard of; 0: 2; below 0: none
	Limit      int64         // of an account, minor units; 0: 1,000,000
	FaultEvery time.Duration // pause between faults; below 0: no faults; 0: 2 s
	Faults     []string      // kinds of faults, in turn; nil: all of Wheel
	Twice      float64       // share of requests sent twice at once; 0: 0.05
	Mix        Mix           // zero: everything
	Window     int           // operations a window of porcupine; 0: 20,000
	Gate       string        // gate to run, of those ServeIfAsked was given; empty: the product
	Passive    bool          // the gate does not judge held orders again by itself
	Settings   []string      // of the database, as "name = value"
	Log        io.Writer     // of the gates; nil: discarded
}

func (c *Config) complete() {
	set := func(v *int, d int) {
		if *v == 0 {
			*v = d
		}
	}
	set(&c.Callers, 64)
	set(&c.Replicas, 2)
	set(&c.Accounts, 4)
	set(&c.Window, 20_000)
	set(&c.Groups, c.Accounts/4)
	set(&c.Stops, 2)
	set(&c.Strangers, 2)
	if c.Gate != "" { // these know customers and orders alone
		c.Groups, c.Stops, c.Strangers = 0, 0, 0
	}
	c.Groups, c.Stops, c.Strangers = max(0, c.Groups), max(0, c.Stops), max(0, c.Strangers)
	if c.Duration == 0 {
		c.Duration = 20 * time.Second
	}
	if c.Limit == 0 {
		c.Limit = 1_000_000
	}
	if c.FaultEvery == 0 {
		c.FaultEvery = 2 * time.Second
	}
	if c.Twice == 0 {
		c.Twice = 0.05
	}
	if c.Faults == nil {
		c.Faults = Wheel()
	}
	if c.Mix == (Mix{}) {
		c.Mix = everything()
	}
	if c.Log == nil {
		c.Log = io.Discard
	}
}

const databaseName = "gate"

// rig is the system of one run: a durable database and gate processes on it.
type rig struct {
	cfg       Config
	db        *database
	processes []*process // the gates
	lines     []*proxy   // of each gate to the database
	peer      *process   // evaluation
	replicas  []*replica
	stop      context.CancelFunc
	kept      sync.WaitGroup
	dir       string
}

// Run makes one run: start, load, faults, checks.
func Run(ctx context.Context, cfg Config) (_ Report, err error) {
	cfg.complete()
	r, err := start(ctx, cfg)
	defer func() { err = errors.Join(err, r.close()) }()
	if err != nil {
		return Report{}, err
	}
	l := newLoad(cfg, r.replicas, time.Now())
	if err := l.open(ctx); err != nil {
		return Report{}, err
	}
	l.end = time.Now().Add(cfg.Duration)
	l.hard = l.end.Add(settleTime)
	return r.judge(ctx, l, r.weather(ctx, l))
}

// weather lets the load run while faults happen, to the gates and their database, and beside those to the other phases.
func (r *rig) weather(ctx context.Context, l *load) []Fault {
	storms := []*storm{{rig: r, load: l, kinds: r.cfg.Faults}}
	if r.peer != nil {
		storms = append(storms, &storm{rig: r, load: l, kinds: peerWheel()})
	}
	var storming sync.WaitGroup
	if r.cfg.FaultEvery > 0 {
		for _, s := range storms {
			storming.Go(func() { s.run(ctx) })
		}
	}
	l.run(ctx)
	storming.Wait()
	var faults []Fault
	for _, s := range storms {
		faults = append(faults, s.faults...)
	}
	return faults
}

// withdrawals is the file of what evaluation has taken.
func (r *rig) withdrawals() string { return filepath.Join(r.dir, "withdrawals") }

func start(ctx context.Context, cfg Config) (*rig, error) {
	r := &rig{cfg: cfg, stop: func() {}}
	var err error
	if r.dir, err = os.MkdirTemp("/var/tmp", "aval-prove-"); err != nil { // on the disk: durability is what is proved
		return r, err
	}
	if err := os.Chmod(r.dir, 0o711); err != nil { //nolint:gosec // PostgreSQL runs under another account and must enter it
		return r, err
	}
	if r.db, err = startDatabase(ctx, filepath.Join(r.dir, "postgres")); err != nil {
		return r, err
	}
	if err := r.prepare(ctx); err != nil {
		return r, err
	}
	keys := filepath.Join(r.dir, "keys")
	if err := os.Mkdir(keys, 0o700); err != nil {
		return r, err
	}
	p, err := newPeople(keys)
	if err != nil {
		return r, err
	}
	keep, stop := context.WithCancel(ctx)
	r.stop = stop
	order := serveOrder{Keys: keys, Gate: cfg.Gate}
	if cfg.Stops+cfg.Strangers > 0 {
		if r.peer, err = r.launch(ctx, keep, serveOrder{Keys: keys, Gate: evaluationGate, File: r.withdrawals()}); err != nil {
			return r, err
		}
		order.Evaluation = r.peer.addr
	}
	for range cfg.Replicas {
		if err := r.add(ctx, keep, order, p); err != nil {
			return r, err
		}
	}
	return r, nil
}

// prepare makes the database; its settings are in force before any gate connects.
func (r *rig) prepare(ctx context.Context) error {
	c, err := pgx.Connect(ctx, r.db.dsn("postgres"))
	if err != nil {
		return err
	}
	defer func() { _ = c.Close(context.WithoutCancel(ctx)) }()
	statements := []string{"CREATE DATABASE " + databaseName}
	for _, s := range r.cfg.Settings {
		statements = append(statements, "ALTER SYSTEM SET "+s)
	}
	for _, q := range append(statements, "SELECT pg_reload_conf()") {
		if _, err := c.Exec(ctx, q); err != nil {
			return fmt.Errorf("%s: %w", q, err)
		}
	}
	return nil
}

// add starts a gate with a line of its own to the database.
func (r *rig) add(ctx, keep context.Context, o serveOrder, p people) error {
	line, err := newProxy(ctx, r.db.addr())
	if err != nil {
		return err
	}
	r.lines = append(r.lines, line)
	if o.DSN, err = r.db.dsnAt(databaseName, line.addr()); err != nil {
		return err
	}
	proc, err := r.launch(ctx, keep, o)
	if err != nil {
		return err
	}
	r.processes = append(r.processes, proc)
	rep, err := dialReplica(ctx, proc.addr, p)
	if err == nil {
		r.replicas = append(r.replicas, rep)
	}
	return err
}

// launch starts a process and waits until it listens.
func (r *rig) launch(ctx, keep context.Context, o serveOrder) (*process, error) {
	var err error
	if o.Addr, err = freeAddr(ctx); err != nil {
		return nil, err
	}
	proc, err := newProcess(o, r.cfg.Log)
	if err != nil {
		return nil, err
	}
	r.kept.Go(func() { _ = proc.keep(keep) }) // one that cannot be started answers nobody, which the callers see
	waiting, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	if err := listening(waiting, o.Addr); err != nil {
		return nil, fmt.Errorf("%s did not start: %w", o.Gate, err)
	}
	return proc, nil
}

func (r *rig) close() error {
	for _, rep := range r.replicas {
		rep.close()
	}
	r.stop()
	r.kept.Wait()
	var err error
	for _, line := range r.lines {
		err = errors.Join(err, line.close())
	}
	if r.db != nil {
		err = errors.Join(err, r.db.stop())
	}
	if r.dir != "" {
		err = errors.Join(err, os.RemoveAll(r.dir))
	}
	return err
}
