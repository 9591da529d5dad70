// Package app runs the gate: requests queue by account, a batch of what queued while the last one was committing is decided in memory
// in order and written in one transaction (group commit). No lock is held while deciding, and no request waits for a timer.
package app

import (
	"context"
	"errors"
	"hash/maphash"
	"log/slog"
	"time"

	"github.com/avalcredit/aval/pkg/calendar"
	"github.com/avalcredit/aval/pkg/errs"
	"github.com/avalcredit/aval/pkg/policy"
	"github.com/avalcredit/aval/services/ordergate/internal/account"
	"github.com/avalcredit/aval/services/ordergate/internal/check"
	"github.com/avalcredit/aval/services/ordergate/internal/gate"
	"github.com/avalcredit/aval/services/ordergate/internal/order"
	"github.com/avalcredit/aval/services/ordergate/internal/postgres"
)

// Bounds of a replica. A full queue answers OVERLOADED at once instead of letting callers wait.
const (
	shards      = 2
	queueLength = 2048
	batchSize   = 256
	maxTries    = 8
	retryAfter  = 100 * time.Millisecond
)

// Profiles asks evaluation who a customer is. Errors: NOT_FOUND for a customer that does not exist.
type Profiles interface {
	CreditProfile(ctx context.Context, customerID string) (account.Profile, error)
}

// Caller is on whose behalf a command runs.
type Caller struct {
	Subject string
	Roles   []string
	Sees    func(salespersonID string) bool // whether it may know of a customer with that salesperson
}

// Request identifies a write of a caller.
type Request struct {
	ID   string
	Hash []byte
}

// Answer is what a command led to. The entry is zero where nothing had to be written.
type Answer struct {
	Entry  gate.Entry
	Order  order.Order
	Record *check.Record
	Last   int64         // last sequence of the stream that the account has, for what another service reported
	Plan   *account.Plan // of a shared account

	Approved []string // numbers of orders on hold that were approved, where that was asked for
}

// Deps of a gate.
type Deps struct {
	Store    *postgres.Store
	Policies *policy.Cache[check.Policy]
	Clock    calendar.Clock
	Log      *slog.Logger
	Profiles Profiles
	// Historic says that callers may set the business date: what another service reports is then judged as of its own date.
	// Otherwise never as of an earlier day than today, however late it comes.
	Historic bool
	// Tell is called after a change of which others are told, before its caller gets the answer; it waits a bounded time for what can
	// be delivered at once, and never fails. Where evaluation itself waits for the answer nobody may wait for evaluation: wait is false
	// then. nil: nobody is told before its turn.
	Tell func(ctx context.Context, customerID string, wait bool)
	// Violations keeps acts that were refused because the person may not take them; nil keeps none.
	Violations *Violations
}

// Gate decides about orders.
type Gate struct {
	Deps
	queues   []chan *work
	seed     maphash.Seed
	routes   routes
	registry registry
	keeper   *keeper
	stopped  chan struct{} // closed when Run has ended
}

// New returns a gate; it works while Run does.
func New(d Deps) *Gate {
	g := &Gate{Deps: d, seed: maphash.MakeSeed(), stopped: make(chan struct{})}
	g.keeper = newKeeper(g)
	g.registry.store, g.registry.now = d.Store, calendar.SystemClock(time.UTC).Now
	for range shards {
		g.queues = append(g.queues, make(chan *work, queueLength))
	}
	return g
}

// Run works until ctx ends, once; commands still queued then, and later ones, are answered as unavailable.
func (g *Gate) Run(ctx context.Context) error {
	defer close(g.stopped)
	done := make(chan struct{}, len(g.queues)+1)
	go func() { g.keeper.run(ctx); done <- struct{}{} }()
	for i, q := range g.queues {
		s := &shard{gate: g, queue: q, heads: newHeads(), crowd: i == 0}
		go func() { s.run(ctx); done <- struct{}{} }()
	}
	for range cap(done) {
		<-done
	}
	return nil
}

// work is one command on its way through the gate.
type work struct {
	ctx     context.Context
	key     postgres.Key
	req     Request
	caller  Caller
	today   calendar.Date
	orders  []string          // orders to read before deciding
	submit  string            // number of the order that it creates
	draft   *order.Order      // the order that it creates
	profile *account.Profile  // the profile that it brings
	arrived *account.Position // the position that it brings
	frees   bool              // may free credit, so held orders are judged again
	direct  bool              // may let one of the orders on hold go ahead of others
	crowd   bool              // touches budgets or ceilings: one queue decides all such commands
	apply   func(env gate.Env, v *view) (Answer, error)

	answer Answer
	err    error
	tells  bool // others are to be told something of the account
	done   chan struct{}
}

// rootOf is where a customer's account begins: under its own id. It says where it went since.
func rootOf(customerID string) postgres.Key {
	return postgres.Key{RootID: customerID, AccountID: customerID}
}

// do queues the command where it belongs and waits for its answer.
func (g *Gate) do(w *work) (Answer, error) { return g.finish(w, g.begin(w)) }

// begin queues the command where it was last seen to belong.
func (g *Gate) begin(w *work) error {
	if w.today.IsZero() {
		w.today = g.Clock.Today(w.ctx)
	}
	if to, ok := g.routes.get(w.key.AccountID); ok {
		w.crowd = w.crowd || to.shared
	}
	return g.queue(w)
}

// finish waits for the answer of a command that begin has queued, or not for the given reason; it follows the command to where it belongs.
func (g *Gate) finish(w *work, err error) (Answer, error) {
	for range maxTries {
		var a Answer
		if err == nil {
			a, err = g.wait(w)
		}
		var there *elsewhere
		if !errors.As(err, &there) {
			return a, err
		}
		if there.account == "" {
			g.routes.put(w.key.AccountID, there.route)
		} else {
			w.key.AccountID = there.account // not remembered: what other services report of the one that was named is not reported of this one
		}
		w.key.RootID, w.crowd = there.root, w.crowd || there.shared
		err = g.queue(w)
	}
	return Answer{}, errs.New(errs.Aborted, "CONTENDED", "customer %s moved %d times meanwhile; try again", w.key.AccountID, maxTries).WithRetryAfter(retryAfter)
}

// queue puts the command into the queue of its root.
func (g *Gate) queue(w *work) error {
	w.done = make(chan struct{})
	q := g.queues[0]
	if !w.crowd {
		q = g.queues[maphash.String(g.seed, w.key.RootID)%uint64(len(g.queues))]
	}
	select {
	case q <- w:
		return nil
	default:
		return errs.New(errs.ResourceExhausted, "OVERLOADED", "the gate has more requests than it can take; try again").WithRetryAfter(retryAfter)
	}
}

// wait returns the answer of a command that is queued.
func (g *Gate) wait(w *work) (Answer, error) {
	select {
	case <-w.done:
		if w.tells && g.Tell != nil {
			g.Tell(w.ctx, w.key.AccountID, w.profile == nil)
		}
		if w.err == nil {
			return w.answer, nil
		}
		return w.answer, g.Violations.Note(w.ctx, w.caller, w.attempt(), w.err)
	case <-g.stopped:
		return Answer{}, stopping()
	case <-w.ctx.Done():
		return Answer{}, errs.New(errs.DeadlineExceeded, "DEADLINE_EXCEEDED", "no answer in time; ask again with the same request id").WithCause(w.ctx.Err())
	}
}

func stopping() error {
	return errs.New(errs.Unavailable, "SHUTTING_DOWN", "the service is stopping; try again").WithRetryAfter(retryAfter)
}

func (w *work) finish(a Answer, err error) {
	w.answer, w.err = a, err
	close(w.done)
}
