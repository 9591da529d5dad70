package delivery_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/avalcredit/aval/pkg/calendar"
	"github.com/avalcredit/aval/pkg/delivery"
	"github.com/avalcredit/aval/pkg/errs"
	"github.com/avalcredit/aval/pkg/pg"
	"github.com/avalcredit/aval/pkg/pgtest"
)

func TestMain(m *testing.M) { pgtest.Main(m) }

const stream = "position"

// receiver is the other phase: it applies events through Accept in a database of
// its own, and keeps what it applied to be compared.
type receiver struct {
	pool *pgxpool.Pool
	fail func(customer string, attempt int64) error // before anything is applied
	lose func(attempt int64) bool                   // the answer is lost after the commit

	attempts atomic.Int64
	mu       sync.Mutex
	applied  map[string][]string
}

func newReceiver(t *testing.T) *receiver {
	t.Helper()
	return &receiver{pool: pgtest.New(t, "beta", nil), applied: map[string][]string{}}
}

var errUnreachable = errs.New(errs.Unavailable, "UNREACHABLE", "nobody answers")

func (r *receiver) send(ctx context.Context, customer string, events []delivery.Event) (acked int64, err error) {
	n := r.attempts.Add(1)
	if r.fail != nil {
		if err := r.fail(customer, n); err != nil {
			return 0, err
		}
	}
	err = pg.InTx(ctx, r.pool, func(ctx context.Context, tx pgx.Tx) error {
		for _, e := range events {
			apply, last, err := delivery.Accept(ctx, tx, stream, e.CustomerID, e.Seq)
			if err != nil {
				return err
			}
			if acked = last; !apply {
				continue
			}
			// Under the row lock: the order of these is the order of effects.
			r.mu.Lock()
			r.applied[customer] = append(r.applied[customer], string(e.Payload))
			r.mu.Unlock()
		}
		return nil
	})
	if err == nil && r.lose != nil && r.lose(n) {
		return 0, errUnreachable
	}
	return acked, err
}

// check holds the promise: everything, once, in order.
func (r *receiver) check(t *testing.T, want map[string]int) {
	t.Helper()
	r.mu.Lock()
	defer r.mu.Unlock()
	for customer, n := range want {
		got := r.applied[customer]
		if len(got) != n {
			t.Errorf("%s: %d events applied, want %d", customer, len(got), n)
		}
		for i, p := range got {
			if p != customer+"/"+strconv.Itoa(i+1) {
				t.Fatalf("%s: event %d is %s", customer, i+1, p)
			}
		}
	}
}

func write(t *testing.T, pool *pgxpool.Pool, customer string) int64 {
	t.Helper()
	var seq int64
	err := pg.InTx(t.Context(), pool, func(ctx context.Context, tx pgx.Tx) (err error) {
		seq, err = delivery.Append(ctx, tx, stream, customer, func(seq int64) ([]byte, error) {
			return []byte(customer + "/" + strconv.FormatInt(seq, 10)), nil
		})
		return err
	})
	if err != nil {
		t.Errorf("write: %v", err)
	}
	return seq
}

func config(pool *pgxpool.Pool, send delivery.Send) delivery.Config {
	return delivery.Config{
		Pool: pool, Stream: stream, Send: send, Clock: calendar.SystemClock(time.UTC),
		Poll: 20 * time.Millisecond, MaxBackoff: 200 * time.Millisecond, Batch: 7,
	}
}

// run starts relays that end with the test.
func run(t *testing.T, relays ...*delivery.Relay) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	for _, r := range relays {
		wg.Go(func() {
			if err := r.Run(ctx); err != nil {
				t.Errorf("run: %v", err)
			}
		})
	}
	t.Cleanup(func() { cancel(); wg.Wait() })
}

func eventually(t *testing.T, r *delivery.Relay) {
	t.Helper()
	for range 3000 {
		n, err := r.Pending(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if n == 0 {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Fatal("events are still pending after 30 s")
}

func TestFlushDeliversBeforeItReturns(t *testing.T) {
	t.Parallel()
	pool, rec := pgtest.New(t, "alpha", nil), newReceiver(t)
	relay := delivery.NewRelay(pool, stream, rec.send, nil, calendar.SystemClock(time.UTC))
	for range 30 {
		write(t, pool, "C-1")
	}
	if n, err := relay.Pending(t.Context()); err != nil || n != 30 {
		t.Errorf("pending %d, %v; want 30", n, err)
	}
	if lag, err := relay.Lag(t.Context()); err != nil || lag <= 0 {
		t.Errorf("lag %v, %v; want some", lag, err)
	}
	relay.Flush(t.Context(), "C-1")
	rec.check(t, map[string]int{"C-1": 30})
	relay.Flush(t.Context(), "C-1")
	relay.Flush(t.Context(), "unknown")
	if got := rec.attempts.Load(); got != 1 {
		t.Errorf("sent %d times, want 1", got)
	}
	if lag, err := relay.Lag(t.Context()); err != nil || lag != 0 {
		t.Errorf("lag %v, %v; want none", lag, err)
	}
	h, err := delivery.HeadOf(t.Context(), pool, stream, "C-1")
	if err != nil || h != (delivery.Head{Last: 30, Acked: 30}) {
		t.Errorf("head %+v, %v", h, err)
	}
	if last, err := delivery.Received(t.Context(), rec.pool, stream, "C-1"); err != nil || last != 30 {
		t.Errorf("received %d, %v", last, err)
	}
}

func TestFlushesOfOneCustomerShareDeliveries(t *testing.T) {
	t.Parallel()
	pool, rec := pgtest.New(t, "alpha", nil), newReceiver(t)
	var inside atomic.Int64
	relay := delivery.NewRelay(pool, stream, func(ctx context.Context, c string, es []delivery.Event) (int64, error) {
		if inside.Add(1) > 1 {
			t.Error("two deliveries of one customer at once")
		}
		defer inside.Add(-1)
		time.Sleep(5 * time.Millisecond)
		return rec.send(ctx, c, es)
	}, nil, calendar.SystemClock(time.UTC))
	var wg sync.WaitGroup
	for range 20 {
		wg.Go(func() {
			seq := write(t, pool, "C-1")
			relay.Flush(t.Context(), "C-1")
			if last, err := delivery.Received(t.Context(), rec.pool, stream, "C-1"); err != nil || last < seq {
				t.Errorf("after the flush of %d the receiver has %d, %v", seq, last, err)
			}
		})
	}
	wg.Wait()
	rec.check(t, map[string]int{"C-1": 20})
}

func TestFlushDoesNotHoldItsCaller(t *testing.T) {
	t.Parallel()
	pool, rec := pgtest.New(t, "alpha", nil), newReceiver(t)
	hang := make(chan struct{})
	relay := delivery.NewRelayWith(delivery.Config{
		Pool: pool, Stream: stream, Clock: calendar.SystemClock(time.UTC), FlushWait: 100 * time.Millisecond,
		Send: func(ctx context.Context, c string, es []delivery.Event) (int64, error) {
			<-hang
			return rec.send(ctx, c, es)
		},
	})
	write(t, pool, "C-1")
	start := time.Now()
	relay.Flush(t.Context(), "C-1")
	if took := time.Since(start); took > 5*time.Second {
		t.Errorf("held for %v", took)
	}
	rec.check(t, map[string]int{"C-1": 0})
	close(hang) // the delivery itself goes on
	eventually(t, relay)
	rec.check(t, map[string]int{"C-1": 1})
}

func TestFlushGivesUpOnAReceiverThatIsDown(t *testing.T) {
	t.Parallel()
	pool, rec := pgtest.New(t, "alpha", nil), newReceiver(t)
	var up atomic.Bool
	rec.fail = func(string, int64) error {
		if up.Load() {
			return nil
		}
		return errUnreachable
	}
	relay := delivery.NewRelayWith(config(pool, rec.send))
	write(t, pool, "C-1")
	relay.Flush(t.Context(), "C-1") // tries a few times
	tried := rec.attempts.Load()
	if tried < 2 {
		t.Errorf("tried %d times within the wait, want some", tried)
	}
	write(t, pool, "C-2")
	relay.Flush(t.Context(), "C-2") // the receiver is known to be down
	if got := rec.attempts.Load(); got != tried {
		t.Errorf("tried %d times more", got-tried)
	}
	up.Store(true)
	run(t, relay)
	eventually(t, relay)
	rec.check(t, map[string]int{"C-1": 1, "C-2": 1})
	write(t, pool, "C-2")
	relay.Flush(t.Context(), "C-2")
	rec.check(t, map[string]int{"C-2": 2})
}

func TestRefusedEventDoesNotDelayOthers(t *testing.T) {
	t.Parallel()
	pool, rec := pgtest.New(t, "alpha", nil), newReceiver(t)
	rec.fail = func(customer string, _ int64) error {
		if customer == "poison" {
			return errors.New("refused\x00\xff") // any text must be storable
		}
		return nil
	}
	relay := delivery.NewRelayWith(config(pool, rec.send))
	write(t, pool, "poison")
	for range 5 {
		relay.Flush(t.Context(), "poison")
		seq := write(t, pool, "C-1")
		relay.Flush(t.Context(), "C-1")
		rec.check(t, map[string]int{"C-1": int(seq), "poison": 0})
	}
	var attempts int
	var text string
	err := pool.QueryRow(t.Context(), "SELECT attempts, last_error FROM outbox_heads WHERE customer_id = 'poison'").Scan(&attempts, &text)
	if err != nil || attempts == 0 || text == "" {
		t.Errorf("attempts %d, last error %q, %v", attempts, text, err)
	}
}

// TestChaos: two relays, failing sends, lost answers, many writers.
func TestChaos(t *testing.T) {
	t.Parallel()
	pool, rec := pgtest.New(t, "alpha", nil), newReceiver(t)
	rec.fail = func(string, int64) error {
		if rand.IntN(5) == 0 {
			return errUnreachable
		}
		return nil
	}
	rec.lose = func(int64) bool { return rand.IntN(5) == 0 }
	a, b := delivery.NewRelayWith(config(pool, rec.send)), delivery.NewRelayWith(config(pool, rec.send))
	run(t, a, b)
	want := map[string]int{}
	var wg sync.WaitGroup
	for w := range 8 {
		for c := range 3 {
			want["C-"+strconv.Itoa(c)] += 20
			wg.Go(func() {
				for range 20 {
					write(t, pool, "C-"+strconv.Itoa(c))
					if w == 0 {
						a.Flush(t.Context(), "C-"+strconv.Itoa(c))
					}
				}
			})
		}
	}
	wg.Wait()
	eventually(t, a)
	rec.check(t, want)
}

func TestRelayRewindsAndSkipsAsTheReceiverAsks(t *testing.T) {
	t.Parallel()
	pool, rec := pgtest.New(t, "alpha", nil), newReceiver(t)
	relay := delivery.NewRelayWith(config(pool, rec.send))
	for range 10 {
		write(t, pool, "C-1")
	}
	// The sender believes more than the receiver has (it was set back): a gap.
	if _, err := pool.Exec(t.Context(), "UPDATE outbox_heads SET acked_seq = 8"); err != nil {
		t.Fatal(err)
	}
	relay.Flush(t.Context(), "C-1")
	rec.check(t, map[string]int{"C-1": 10})
	// The receiver has more than the sender knows: duplicates.
	if _, err := pool.Exec(t.Context(), "UPDATE outbox_heads SET acked_seq = 3"); err != nil {
		t.Fatal(err)
	}
	relay.Flush(t.Context(), "C-1")
	rec.check(t, map[string]int{"C-1": 10})
	if n, err := relay.Pending(t.Context()); err != nil || n != 0 {
		t.Errorf("pending %d, %v", n, err)
	}
}

func TestReceiverAheadOfSenderIsNoDelivery(t *testing.T) {
	t.Parallel()
	pool, rec := pgtest.New(t, "alpha", nil), newReceiver(t)
	relay := delivery.NewRelayWith(config(pool, rec.send))
	if _, err := rec.pool.Exec(t.Context(), "INSERT INTO inbox_heads VALUES ($1, 'C-1', 5)", stream); err != nil {
		t.Fatal(err)
	}
	write(t, pool, "C-1")
	relay.Flush(t.Context(), "C-1")
	h, err := delivery.HeadOf(t.Context(), pool, stream, "C-1")
	if err != nil || h.Acked != 0 {
		t.Errorf("head %+v, %v; want nothing acknowledged", h, err)
	}
}

func TestClaimOfADeadProcessIsTakenOver(t *testing.T) {
	t.Parallel()
	pool, rec := pgtest.New(t, "alpha", nil), newReceiver(t)
	relay := delivery.NewRelayWith(config(pool, rec.send))
	write(t, pool, "C-1")
	claim := func(until string) {
		_, err := pool.Exec(t.Context(), "UPDATE outbox_heads SET claimed_by = 'dead#1', claimed_until = now() + $1::interval", until)
		if err != nil {
			t.Fatal(err)
		}
	}
	claim("1 hour")
	run(t, relay)
	time.Sleep(200 * time.Millisecond)
	rec.check(t, map[string]int{"C-1": 0})
	claim("-1 second")
	eventually(t, relay)
	rec.check(t, map[string]int{"C-1": 1})
}

// TestLateRelayCannotEndTheOthersClaim: the first relay's send outlives its claim.
func TestLateRelayCannotEndTheOthersClaim(t *testing.T) {
	t.Parallel()
	pool, rec := pgtest.New(t, "alpha", nil), newReceiver(t)
	sending, resume := make(chan struct{}), make(chan struct{})
	slow := delivery.NewRelayWith(config(pool, func(ctx context.Context, c string, es []delivery.Event) (int64, error) {
		close(sending)
		<-resume
		return rec.send(ctx, c, es)
	}))
	quick := delivery.NewRelayWith(config(pool, rec.send))
	write(t, pool, "C-1")
	done := make(chan struct{})
	go func() { defer close(done); slow.Flush(t.Context(), "C-1") }()
	<-sending
	if _, err := pool.Exec(t.Context(), "UPDATE outbox_heads SET claimed_until = now() - interval '1 second'"); err != nil {
		t.Fatal(err)
	}
	quick.Flush(t.Context(), "C-1")
	write(t, pool, "C-1")
	quick.Flush(t.Context(), "C-1")
	close(resume)
	<-done
	eventually(t, quick)
	rec.check(t, map[string]int{"C-1": 2})
}

func TestPanicInSendIsAFailure(t *testing.T) {
	t.Parallel()
	pool, rec := pgtest.New(t, "alpha", nil), newReceiver(t)
	rec.fail = func(_ string, attempt int64) error {
		if attempt == 1 {
			panic("a bug")
		}
		return nil
	}
	relay := delivery.NewRelayWith(config(pool, rec.send))
	write(t, pool, "C-1")
	run(t, relay)
	eventually(t, relay)
	rec.check(t, map[string]int{"C-1": 1})
}

func TestAppendRollsBackWithItsChange(t *testing.T) {
	t.Parallel()
	pool := pgtest.New(t, "alpha", nil)
	broken := errors.New("cannot build")
	err := pg.InTx(t.Context(), pool, func(ctx context.Context, tx pgx.Tx) error {
		_, err := delivery.Append(ctx, tx, stream, "C-1", func(int64) ([]byte, error) { return nil, broken })
		return err
	})
	if !errors.Is(err, broken) {
		t.Errorf("err = %v", err)
	}
	if seq := write(t, pool, "C-1"); seq != 1 {
		t.Errorf("first sequence is %d", seq)
	}
	for _, q := range []string{"UPDATE outbox SET payload = ''", "DELETE FROM outbox", "TRUNCATE outbox"} {
		if _, err := pool.Exec(t.Context(), q); err == nil {
			t.Errorf("%s: allowed", q)
		}
	}
}

func TestAcceptAndAdopt(t *testing.T) {
	t.Parallel()
	pool := pgtest.New(t, "beta", nil)
	type call struct {
		adopt bool
		seq   int64
		apply bool
		last  int64
		want  string // reason
	}
	for i, c := range []call{
		{seq: 0, want: errs.ReasonInvalidField},
		{seq: 2, want: delivery.ReasonGap},
		{seq: 1, apply: true, last: 1},
		{seq: 1, last: 1},
		{seq: 3, last: 1, want: delivery.ReasonGap},
		{seq: 2, apply: true, last: 2},
		{adopt: true, seq: 7, apply: true, last: 7},
		{adopt: true, seq: 7, last: 7},
		{adopt: true, seq: 3, last: 7},
		{adopt: true, seq: 0, want: errs.ReasonInvalidField},
		{seq: 7, last: 7},
		{seq: 8, apply: true, last: 8},
	} {
		t.Run(fmt.Sprint(i), func(t *testing.T) { // in order
			err := pg.InTx(t.Context(), pool, func(ctx context.Context, tx pgx.Tx) error {
				do := delivery.Accept
				if c.adopt {
					do = delivery.Adopt
				}
				apply, last, err := do(ctx, tx, stream, "C-1", c.seq)
				if apply != c.apply || last != c.last {
					t.Errorf("%+v: apply %v, last %d", c, apply, last)
				}
				return err
			})
			if errs.ReasonOf(err) != c.want {
				t.Errorf("%+v: %v", c, err)
			}
			if e, ok := errs.As(err); ok && c.want == delivery.ReasonGap && e.Meta[delivery.MetaExpected] != strconv.FormatInt(c.last+1, 10) {
				t.Errorf("%+v: metadata %v", c, e.Meta)
			}
		})
	}
}
