package delivery

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"os"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/avalcredit/aval/pkg/calendar"
)

// Send hands a customer's events, in order and without holes, to the receiver
// and returns the last sequence the receiver has. It must end with ctx. An error
// with reason SEQUENCE_GAP and metadata "expected" has the relay begin there.
type Send func(ctx context.Context, customerID string, events []Event) (acked int64, err error)

// Config of a relay. Zero durations and numbers take the defaults.
type Config struct {
	Pool   *pgxpool.Pool
	Stream string
	Send   Send
	Log    *slog.Logger
	Clock  calendar.Clock
	// Poll is the pause between looks for work when there is none (250 ms).
	Poll time.Duration
	// FlushWait bounds how long Flush holds its caller (2 s).
	FlushWait time.Duration
	// SendTimeout bounds one Send (10 s). A claim outlives it by 10 s, after which
	// another process takes the customer over.
	SendTimeout time.Duration
	// MaxBackoff bounds the pause after failures (30 s); it begins at 100 ms.
	MaxBackoff time.Duration
	// Workers is how many customers are served at once (8).
	Workers int
	// Batch is how many events go into one Send (100); 1 MiB of payload ends it earlier.
	Batch int
}

const (
	claimSlack    = 10 * time.Second
	firstBackoff  = 100 * time.Millisecond
	contendedWait = 20 * time.Millisecond
	busyPause     = 5 * time.Millisecond
	storeTimeout  = 3 * time.Second
	batchBytes    = 1 << 20
	// degradedAfter is how many failures in a row mean that the receiver is down,
	// or that it refuses this customer: Flush then no longer makes callers wait.
	degradedAfter = 3
)

// Relay sends the events of one stream. Any number of processes may run one on
// the same database.
type Relay struct {
	cfg      Config
	log      *slog.Logger
	owner    string
	claims   atomic.Int64
	failures atomic.Int32 // in a row
	nudge    chan struct{}

	mu       sync.Mutex
	inFlight map[string]chan struct{} // customer -> closed when its delivery ends
}

// NewRelay returns a relay with the default limits. Nothing is sent in the
// background before Run; Flush works at once.
func NewRelay(pool *pgxpool.Pool, stream string, send Send, log *slog.Logger, clock calendar.Clock) *Relay {
	return NewRelayWith(Config{Pool: pool, Stream: stream, Send: send, Log: log, Clock: clock})
}

// NewRelayWith is NewRelay with limits of one's own.
func NewRelayWith(cfg Config) *Relay {
	setDefault(&cfg.Poll, 250*time.Millisecond)
	setDefault(&cfg.FlushWait, 2*time.Second)
	setDefault(&cfg.SendTimeout, 10*time.Second)
	setDefault(&cfg.MaxBackoff, 30*time.Second)
	setDefault(&cfg.Workers, 8)
	setDefault(&cfg.Batch, 100)
	host, err := os.Hostname()
	if err != nil {
		host = "unknown"
	}
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	return &Relay{
		cfg:      cfg,
		log:      cfg.Log.With("stream", cfg.Stream),
		owner:    fmt.Sprintf("%s/%d/%x", host, os.Getpid(), rand.Uint64()), //nolint:gosec // a name, no secret
		nudge:    make(chan struct{}, 1),
		inFlight: map[string]chan struct{}{},
	}
}

func setDefault[T ~int | ~int64](v *T, def T) {
	if *v <= 0 {
		*v = def
	}
}

// Run delivers in the background until ctx ends; it then waits for the
// deliveries under way and returns nil.
func (r *Relay) Run(ctx context.Context) error {
	var workers sync.WaitGroup
	defer workers.Wait()
	slots := make(chan struct{}, r.cfg.Workers)
	for {
		pause := r.cfg.Poll
		if r.dispatch(ctx, slots, &workers) > 0 {
			pause = busyPause // and not none: a customer that is locked is found again and again
		}
		select {
		case <-ctx.Done():
			return nil
		case <-r.nudge:
		case <-time.After(pause):
		}
	}
}

// dispatch starts a delivery for each customer that is due, waiting for a free
// worker, and returns how many it started.
func (r *Relay) dispatch(ctx context.Context, slots chan struct{}, workers *sync.WaitGroup) int {
	due, err := r.due(ctx)
	if err != nil {
		if ctx.Err() == nil {
			r.log.WarnContext(ctx, "delivery cannot look for work", "error", err)
		}
		return 0
	}
	started := 0
	for _, customer := range due {
		select {
		case slots <- struct{}{}:
		case <-ctx.Done():
			return started
		}
		end, mine := r.begin(customer)
		if !mine {
			<-slots
			continue
		}
		started++
		workers.Go(func() {
			defer func() { <-slots }()
			defer end()
			err := r.deliver(ctx, customer, claimOrSkipSQL)
			if err != nil && !errors.Is(err, errBusy) && ctx.Err() == nil {
				r.log.WarnContext(ctx, "delivery failed, will be repeated", "customer", customer, "error", err)
			}
		})
	}
	return started
}

// begin registers this process's one delivery of a customer; if one is under
// way already, mine is false.
func (r *Relay) begin(customer string) (end func(), mine bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.inFlight[customer] != nil {
		return nil, false
	}
	done := make(chan struct{})
	r.inFlight[customer] = done
	return func() {
		r.mu.Lock()
		delete(r.inFlight, customer)
		r.mu.Unlock()
		close(done)
	}, true
}

func (r *Relay) current(customer string) <-chan struct{} {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.inFlight[customer]
}

// Flush delivers the customer's pending events now and returns when the receiver
// has those that were committed before the call, or after a bounded wait (2 s by
// default), or when ctx ends. Delivery goes on without it. It never fails its
// caller: what went wrong is logged, and the relay repeats it. Call it after the
// commit, also when a request was replayed.
func (r *Relay) Flush(ctx context.Context, customerID string) {
	if err := r.flush(ctx, customerID); err != nil {
		r.log.WarnContext(ctx, "delivery not confirmed in time, goes on in the background", "customer", customerID, "error", err)
	}
}

// Nudge makes Run look for pending events now instead of at its next turn, and waits for nothing: for those whose caller is itself
// a delivery that the receiver waits for.
func (r *Relay) Nudge() { r.wake() }

var errDegraded = errors.New("the receiver is failing")

func (r *Relay) flush(ctx context.Context, customer string) error {
	ctx, cancel := context.WithTimeout(ctx, r.cfg.FlushWait)
	defer cancel()
	head, attempts, err := r.progress(ctx, customer)
	if err != nil {
		return err
	}
	var last error
	for target := head.Last; head.Acked < target; {
		if attempts >= degradedAfter || r.failures.Load() >= degradedAfter {
			r.wake()
			return errors.Join(errDegraded, last)
		}
		if err := r.step(ctx, customer); err != nil {
			if last = errors.Join(err, ctx.Err()); ctx.Err() != nil || !receiverDown(err) {
				return last
			}
		}
		if head, attempts, err = r.progress(ctx, customer); err != nil {
			return errors.Join(err, last)
		}
	}
	return nil
}

// step waits for the delivery of the customer that is under way, or runs one.
// The delivery itself does not end with the caller's patience.
func (r *Relay) step(ctx context.Context, customer string) error {
	end, mine := r.begin(customer)
	if !mine {
		select {
		case <-r.current(customer): // nil if it ended just now: the timer goes on
		case <-time.After(contendedWait):
		case <-ctx.Done():
		}
		return nil
	}
	result := make(chan error, 1)
	go func() {
		defer end()
		result <- r.deliver(context.WithoutCancel(ctx), customer, claimOrWaitSQL)
	}()
	select {
	case err := <-result:
		if !errors.Is(err, errBusy) {
			return err
		}
	case <-ctx.Done():
		return ctx.Err()
	}
	select { // another process, or a back-off, has the customer
	case <-time.After(contendedWait):
	case <-ctx.Done():
	}
	return nil
}

func (r *Relay) wake() {
	select {
	case r.nudge <- struct{}{}:
	default:
	}
}

// Pending returns how many events the receiver has not acknowledged.
func (r *Relay) Pending(ctx context.Context) (int64, error) {
	n, _, err := r.backlog(ctx)
	return n, err
}

// Lag returns the age of the oldest event that is not acknowledged; 0 if there is none.
func (r *Relay) Lag(ctx context.Context) (time.Duration, error) {
	_, oldest, err := r.backlog(ctx)
	if err != nil || oldest == nil {
		return 0, err
	}
	return max(0, r.cfg.Clock.Now().Sub(*oldest)), nil
}

// nextClaim names a claim: never the same twice, so that a process that lost a
// customer cannot end the claim of the one that took over.
func (r *Relay) nextClaim() string {
	return r.owner + "#" + strconv.FormatInt(r.claims.Add(1), 10)
}
