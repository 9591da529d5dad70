package prove

import (
	"context"
	"fmt"
	"syscall"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/avalcredit/aval/pkg/pg"
	"github.com/avalcredit/aval/services/ordergate"
)

// Fault is something that happened to the system under the load. Times are nanoseconds since the run began.
type Fault struct {
	Kind    string
	At      int64
	Failure string // the fault itself could not be made
}

// The kinds of faults.
const (
	FaultGate     = "kill -9 of a gate"
	FaultFreeze   = "a gate frozen"
	FaultSession  = "busy sessions ended"
	FaultBackend  = "kill -9 of a busy backend"
	FaultDatabase = "kill -9 of PostgreSQL"
	FaultLock     = "a silent session holds rows"
)

// storm makes faults one after the other.
type storm struct {
	load      *load
	processes []*process
	db        *database
	faults    []Fault
	next      int // gate to be hit
}

// Wheel is all kinds of faults in turn; a short run sees each of them once.
func Wheel() []string {
	return []string{FaultSession, FaultGate, FaultLock, FaultDatabase, FaultGate, FaultBackend, FaultFreeze, FaultSession, FaultDatabase}
}

// run makes a fault, lets the system work for a while, and makes the next.
func (s *storm) run(ctx context.Context) {
	kinds := s.load.cfg.Faults
	for i := 0; ; i++ {
		pause(ctx, s.load.cfg.FaultEvery)
		if !s.load.working(ctx) {
			return
		}
		kind := kinds[i%len(kinds)]
		f := Fault{Kind: kind, At: s.load.now()}
		if err := s.strike(ctx, kind); err != nil {
			f.Failure = err.Error()
		}
		s.faults = append(s.faults, f)
	}
}

// frozenFor is how long a frozen gate stands still: longer than its transactions may.
const frozenFor = 7 * time.Second

func (s *storm) strike(ctx context.Context, kind string) error {
	switch kind {
	case FaultGate:
		s.gate().signal(syscall.SIGKILL)
	case FaultFreeze:
		p := s.gate()
		p.signal(syscall.SIGSTOP)
		pause(ctx, frozenFor)
		p.signal(syscall.SIGCONT)
	case FaultDatabase:
		return s.db.kill(ctx)
	case FaultSession:
		return s.admin(ctx, `SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE application_name = $1 AND state <> 'idle'`, new(int64))
	case FaultBackend:
		var pid int
		if err := s.admin(ctx, `SELECT coalesce(max(pid), 0) FROM pg_stat_activity WHERE application_name = $1 AND state <> 'idle'`, &pid); err != nil || pid == 0 {
			return err
		}
		return syscall.Kill(pid, syscall.SIGKILL)
	case FaultLock:
		return s.lock(ctx)
	}
	return nil
}

func (s *storm) gate() *process {
	s.next++
	return s.processes[s.next%len(s.processes)]
}

func (s *storm) admin(ctx context.Context, query string, into any) error {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	c, err := pgx.Connect(ctx, s.db.dsn(databaseName))
	if err != nil {
		return err
	}
	defer func() { _ = c.Close(context.WithoutCancel(ctx)) }()
	return c.QueryRow(ctx, query, "aval/"+ordergate.Schema).Scan(into)
}

const (
	// The next entry of an account that somebody else has begun to write: nobody can write that entry before he is gone.
	holdEntry = `INSERT INTO journal SELECT (jsonb_populate_record(j, jsonb_build_object('seq', j.seq + 1, 'request_id', null))).*
		FROM journal j WHERE j.account_id = $1 ORDER BY j.seq DESC LIMIT 1`
	holdOrders = `SELECT count(*) FROM (SELECT 1 FROM orders WHERE account_id = $1 FOR UPDATE) x`
)

// lock is a replica that has taken locks on the busiest account and whose network is a black hole since: nothing comes from it any more,
// not even the end of its connection. The gate's own settings have to free the rows.
func (s *storm) lock(ctx context.Context) error {
	pool, err := pg.Open(ctx, pg.Config{URL: s.db.dsn(databaseName), Schema: ordergate.Schema, MaxConns: 1})
	if err != nil {
		return err
	}
	name := s.load.accounts[0].name
	tx, err := pool.Begin(ctx)
	if err != nil {
		pool.Close()
		return err
	}
	_, orders := tx.Exec(ctx, holdOrders, name)
	_, entry := tx.Exec(ctx, holdEntry, name)
	go func() {
		pause(ctx, 8*time.Second) // silent; the server ends the session long before
		_ = tx.Rollback(context.WithoutCancel(ctx))
		pool.Close()
	}()
	if orders != nil && entry != nil {
		return fmt.Errorf("took neither rows nor the next entry: %w", orders)
	}
	return nil
}
