package prove

import (
	"context"
	"errors"
	"fmt"
	"syscall"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

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
	// Between one gate and the database.
	FaultBlackHole = "a black hole before the database"
	FaultLatency   = "0.5 s to the database"
	FaultNarrow    = "10 kB/s to the database"
	FaultReset     = "connections reset"
	// The other phases; these come beside those above.
	FaultPeer     = "kill -9 of evaluation"
	FaultSlowPeer = "evaluation frozen"
	FaultSilence  = "receivables and evaluation silent"
)

// storm makes faults one after the other.
type storm struct {
	*rig
	load   *load
	kinds  []string
	faults []Fault
	next   int // gate to be hit
}

// Wheel is all kinds of faults of gates and database in turn; a short run sees each of them once.
func Wheel() []string {
	return []string{
		FaultSession, FaultGate, FaultLock, FaultDatabase, FaultBlackHole, FaultBackend, FaultReset, FaultFreeze, FaultLatency, FaultGate,
		FaultNarrow, FaultDatabase,
	}
}

func peerWheel() []string { return []string{FaultPeer, FaultSlowPeer, FaultSilence} }

// run makes a fault, lets the system work for a while, and makes the next.
func (s *storm) run(ctx context.Context) {
	kinds := s.kinds
	for i := 0; ; i++ {
		pause(ctx, s.cfg.FaultEvery)
		if !s.load.working(ctx) {
			return
		}
		kind := kinds[i%len(kinds)]
		f := Fault{Kind: kind}
		landed := func() { f.At = s.load.now() }
		if err := s.strike(ctx, kind, landed); err != nil {
			f.Failure = err.Error()
		}
		s.faults = append(s.faults, f)
	}
}

// frozenFor is how long a frozen gate stands still: longer than its transactions may.
const frozenFor = 7 * time.Second

// troubleFor is how long a line is slow or narrow, or the other phases say nothing.
const troubleFor = 3 * time.Second

// strike makes one fault and calls landed at the moment it has hit: finding what to hit takes a while, in which answers still come.
func (s *storm) strike(ctx context.Context, kind string, landed func()) error {
	switch kind {
	case FaultGate:
		s.gate().signal(syscall.SIGKILL)
		landed()
	case FaultFreeze:
		p := s.gate()
		p.signal(syscall.SIGSTOP)
		landed()
		pause(ctx, frozenFor)
		p.signal(syscall.SIGCONT)
	case FaultDatabase:
		return s.db.kill(ctx, landed)
	case FaultSession:
		defer landed()
		return s.admin(ctx, `SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE application_name = $1 AND state <> 'idle'`, new(int64))
	case FaultBackend:
		var pid int
		err := s.admin(ctx, `SELECT coalesce(max(pid), 0) FROM pg_stat_activity WHERE application_name = $1 AND state <> 'idle'`, &pid)
		if err != nil {
			return err
		}
		if pid == 0 {
			return errors.New("no backend was busy")
		}
		defer landed()
		return syscall.Kill(pid, syscall.SIGKILL)
	case FaultLock:
		return s.lock(ctx, landed)
	case FaultBlackHole:
		s.trouble(ctx, trouble{silent: true}, frozenFor, landed)
	case FaultLatency:
		s.trouble(ctx, trouble{delay: 500 * time.Millisecond}, troubleFor, landed)
	case FaultNarrow:
		s.trouble(ctx, trouble{rate: 10_000}, troubleFor, landed)
	case FaultReset:
		s.line().reset()
		landed()
	default:
		s.strikePeer(ctx, kind, landed)
	}
	return nil
}

func (s *storm) strikePeer(ctx context.Context, kind string, landed func()) {
	switch kind {
	case FaultPeer:
		s.peer.signal(syscall.SIGKILL)
		landed()
	case FaultSlowPeer:
		s.peer.signal(syscall.SIGSTOP)
		landed()
		pause(ctx, frozenFor)
		s.peer.signal(syscall.SIGCONT)
	case FaultSilence:
		s.load.silent.Store(true)
		landed()
		pause(ctx, troubleFor)
		s.load.silent.Store(false)
	}
}

func (s *storm) gate() *process {
	s.next++
	return s.processes[s.next%len(s.processes)]
}

func (s *storm) line() *proxy {
	s.next++
	return s.lines[s.next%len(s.lines)]
}

// trouble lets one gate's line to the database suffer for a while.
func (s *storm) trouble(ctx context.Context, t trouble, d time.Duration, landed func()) {
	line := s.line()
	line.set(t)
	landed()
	pause(ctx, d)
	line.set(trouble{})
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
func (s *storm) lock(ctx context.Context, landed func()) error {
	pool, err := pg.Open(ctx, pg.Config{URL: s.db.dsn(databaseName), Schema: ordergate.Schema, MaxConns: 1})
	if err != nil {
		return err
	}
	tx, err := s.hold(ctx, pool)
	if err != nil {
		pool.Close()
		return err
	}
	landed()
	go func() {
		pause(ctx, 8*time.Second) // silent; the server ends the session long before
		_ = tx.Rollback(context.WithoutCancel(ctx))
		pool.Close()
	}()
	return nil
}

// hold takes the orders and the next entry of the busiest account. A gate that writes the entry first ends the transaction and with it
// all locks, so it is tried again until both are held: a fault that holds nothing would prove nothing.
func (s *storm) hold(ctx context.Context, pool *pgxpool.Pool) (tx pgx.Tx, err error) {
	name := s.load.accounts[0].name
	for range 100 {
		if tx, err = pool.Begin(ctx); err != nil {
			return nil, err
		}
		var tag pgconn.CommandTag
		if tag, err = tx.Exec(ctx, holdEntry, name); err == nil && tag.RowsAffected() != 1 {
			err = errors.New("the account has no journal")
		}
		if err == nil {
			_, err = tx.Exec(ctx, holdOrders, name)
		}
		if err == nil {
			return tx, nil
		}
		_ = tx.Rollback(context.WithoutCancel(ctx)) // it failed anyhow
	}
	return nil, fmt.Errorf("took neither rows nor the next entry: %w", err)
}
