package idem_test

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"google.golang.org/protobuf/types/known/structpb"

	"github.com/avalcredit/aval/pkg/authn"
	"github.com/avalcredit/aval/pkg/errs"
	"github.com/avalcredit/aval/pkg/idem"
	"github.com/avalcredit/aval/pkg/pg"
	"github.com/avalcredit/aval/pkg/pgtest"
)

func TestMain(m *testing.M) { pgtest.Main(m) }

const method = "/aval.test.v1.TestService/Create"

type answer struct {
	N    int64     `json:"n"`
	At   time.Time `json:"at"`
	List []string  `json:"list"`
}

func request(id string, body any) idem.Request { return requestOf("clerk", id, body) }

func requestOf(subject, id string, body any) idem.Request {
	v, err := structpb.NewValue(body)
	if err != nil {
		panic(err)
	}
	return idem.FromProto(authn.WithPrincipal(context.Background(), authn.Principal{Subject: subject}), method, id, v)
}

// do runs one write as a handler would.
func do(ctx context.Context, pool *pgxpool.Pool, r idem.Request, fn func() (answer, error)) (got answer, replayed bool, err error) {
	err = pg.InTx(ctx, pool, func(ctx context.Context, tx pgx.Tx) error {
		var err error
		got, replayed, err = idem.Do(ctx, tx, r, fn)
		return err
	})
	return got, replayed, err
}

func TestReplayGivesTheFirstAnswer(t *testing.T) {
	t.Parallel()
	pool := pgtest.New(t, "alpha", nil)
	at := time.Date(2026, 3, 1, 8, 0, 0, 123456789, time.FixedZone("x", 8*3600))
	first, replayed, err := do(t.Context(), pool, request("r1", "a"), func() (answer, error) {
		return answer{N: 9007199254740993, At: at, List: []string{"一"}}, nil
	})
	if err != nil || replayed || first.N != 9007199254740993 {
		t.Fatalf("first: %+v, %v, %v", first, replayed, err)
	}
	again, replayed, err := do(t.Context(), pool, request("r1", "a"), func() (answer, error) {
		t.Error("called again")
		return answer{}, nil
	})
	if err != nil || !replayed || again.N != first.N || !again.At.Equal(at) || again.List[0] != "一" {
		t.Errorf("again: %+v, %v, %v; want %+v", again, replayed, err, first)
	}
}

func TestReplayWritesBeforeItAnswers(t *testing.T) {
	t.Parallel()
	pool := pgtest.New(t, "alpha", nil)
	one := func() (answer, error) { return answer{N: 1}, nil }
	if _, _, err := do(t.Context(), pool, request("r1", "a"), one); err != nil {
		t.Fatal(err)
	}
	err := pg.InTx(t.Context(), pool, func(ctx context.Context, tx pgx.Tx) error {
		if _, _, err := idem.Do(ctx, tx, request("r1", "a"), one); err != nil {
			return err
		}
		var wrote bool
		if err := tx.QueryRow(ctx, "SELECT pg_current_xact_id_if_assigned() IS NOT NULL").Scan(&wrote); err != nil {
			return err
		}
		if !wrote {
			t.Error("a replay's transaction wrote nothing: its commit would not wait for the log")
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestReuseIsRefused(t *testing.T) {
	t.Parallel()
	pool := pgtest.New(t, "alpha", nil)
	one := func() (answer, error) { return answer{N: 1}, nil }
	if _, _, err := do(t.Context(), pool, request("r1", "a"), one); err != nil {
		t.Fatal(err)
	}
	other := request("r1", "a")
	other.Method = "/aval.test.v1.TestService/Delete"
	for name, c := range map[string]struct {
		r    idem.Request
		kind errs.Kind
	}{
		"another body":   {request("r1", "b"), errs.AlreadyExists},
		"another method": {other, errs.AlreadyExists},
		"another caller": {requestOf("supervisor", "r1", "a"), errs.AlreadyExists},
		"no caller":      {requestOf("", "r1", "a"), errs.AlreadyExists},
		"no id":          {request("", "a"), errs.Invalid},
		"no hash":        {idem.Request{ID: "r2", Method: method}, errs.Internal},
	} {
		_, _, err := do(t.Context(), pool, c.r, one)
		if errs.KindOf(err) != c.kind {
			t.Errorf("%s: %v, want kind %v", name, err, c.kind)
		}
		if c.kind == errs.AlreadyExists && errs.ReasonOf(err) != idem.ReasonReused {
			t.Errorf("%s: reason %s", name, errs.ReasonOf(err))
		}
	}
}

func TestErrorsAreNotStored(t *testing.T) {
	t.Parallel()
	pool := pgtest.New(t, "alpha", nil)
	refused := errs.New(errs.FailedPrecondition, "REFUSED", "refused")
	_, _, err := do(t.Context(), pool, request("r1", "a"), func() (answer, error) { return answer{}, refused })
	if !errors.Is(err, refused) {
		t.Fatalf("err = %v", err)
	}
	got, replayed, err := do(t.Context(), pool, request("r1", "b"), func() (answer, error) { return answer{N: 2}, nil })
	if err != nil || replayed || got.N != 2 {
		t.Errorf("after an error: %+v, %v, %v", got, replayed, err)
	}
}

func TestConcurrentCallsHaveOneEffect(t *testing.T) {
	t.Parallel()
	pool := pgtest.New(t, "alpha", nil)
	var calls, fresh atomic.Int64
	var wg sync.WaitGroup
	for range 16 {
		wg.Go(func() {
			got, replayed, err := do(t.Context(), pool, request("r1", "a"), func() (answer, error) {
				n := calls.Add(1)
				time.Sleep(20 * time.Millisecond) // the others arrive meanwhile
				if n == 1 {
					return answer{}, errs.New(errs.FailedPrecondition, "REFUSED", "the first to come fails")
				}
				return answer{N: n}, nil
			})
			switch {
			case errs.ReasonOf(err) == "REFUSED":
			case err != nil:
				t.Errorf("%v", err)
			case got.N != 2:
				t.Errorf("answer %d, want 2", got.N)
			case !replayed:
				fresh.Add(1)
			}
		})
	}
	wg.Wait()
	if calls.Load() != 2 || fresh.Load() != 1 {
		t.Errorf("%d calls, %d first answers; want 2 and 1", calls.Load(), fresh.Load())
	}
}

func TestPrune(t *testing.T) {
	t.Parallel()
	pool := pgtest.New(t, "alpha", nil)
	_, err := pool.Exec(t.Context(), `INSERT INTO idempotency (request_id, method, body_hash, result, created_at)
		SELECT 'r' || n, 'm', 'h', '{}', now() - make_interval(days => n) FROM generate_series(1, 2500) n`)
	if err != nil {
		t.Fatal(err)
	}
	n, err := idem.Prune(t.Context(), pool, 30)
	if err != nil || n != 2471 {
		t.Errorf("pruned %d, %v; want 2471 (those of 30 days are older by the time since the insert)", n, err)
	}
	if _, err := idem.Prune(t.Context(), pool, 0); errs.KindOf(err) != errs.Invalid {
		t.Errorf("0 days: %v", err)
	}
}

func TestKeeperPrunesAtItsStart(t *testing.T) {
	t.Parallel()
	for days, want := range map[int]int{0: 90, 30: 30} {
		pool := pgtest.New(t, "alpha", nil)
		_, err := pool.Exec(t.Context(), `INSERT INTO idempotency (request_id, method, body_hash, result, created_at)
			SELECT 'r' || n, 'm', 'h', '{}', now() - make_interval(days => n) + interval '1 hour' FROM generate_series(1, 100) n`)
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { done <- idem.Keeper{DB: pool, Log: slog.New(slog.DiscardHandler), Days: days}.Run(ctx) }()
		left := 0
		for end := time.Now().Add(10 * time.Second); left != want && time.Now().Before(end); time.Sleep(5 * time.Millisecond) {
			if err := pool.QueryRow(t.Context(), "SELECT count(*) FROM idempotency").Scan(&left); err != nil {
				t.Fatal(err)
			}
		}
		cancel()
		if err := <-done; err != nil || left != want {
			t.Errorf("%d days: %d left, want %d; %v", days, left, want, err)
		}
	}
}
