package serial_test

import (
	"context"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/avalcredit/aval/pkg/pg"
	"github.com/avalcredit/aval/pkg/pgtest"
	"github.com/avalcredit/aval/pkg/serial"
)

const (
	writers = 32
	// perWriter is how many numbers each writer brings through, whatever it takes.
	perWriter = 8
)

// Numbers stay gap-free and single under 32 concurrent writers whose connections are
// cut by the server at any moment of the transaction, the commit included; and what a
// caller was told stands.
func TestGapFreeUnderCrashes(t *testing.T) {
	t.Parallel()
	dsn := pgtest.URL(t, "alpha", nil)
	admin := pgtest.Open(t, dsn, "alpha")
	if _, err := admin.Exec(t.Context(), "CREATE TABLE forms (n bigint NOT NULL, writer int NOT NULL, attempt int NOT NULL)"); err != nil {
		t.Fatal(err)
	}
	var (
		wg       sync.WaitGroup
		mu       sync.Mutex
		told     = map[int64]bool{}
		cut      atomic.Int64
		stop     = make(chan struct{})
		reaper   sync.WaitGroup
		attempts atomic.Int64
		given    atomic.Int64
	)
	reaper.Go(func() { cut.Add(cutConnections(t, admin, &given, stop)) })
	for w := range writers {
		pool := writerPool(t, dsn)
		rnd := rand.New(rand.NewPCG(7, uint64(w)))
		wg.Go(func() {
			for done := 0; done < perWriter; {
				n, err := numbered(t.Context(), pool, w, int(attempts.Add(1)), rnd)
				if err != nil {
					if t.Context().Err() != nil {
						return
					}
					continue // its connection was cut, or it changed its mind: it is not told of any number
				}
				mu.Lock()
				if told[n] {
					t.Errorf("number %d was given out twice", n)
				}
				told[n] = true
				mu.Unlock()
				given.Add(1)
				done++
			}
		})
	}
	wg.Wait()
	close(stop)
	reaper.Wait()
	t.Logf("%d numbers told in %d attempts, %d connections cut", len(told), attempts.Load(), cut.Load())
	checkNumbers(t, admin, told)
	if cut.Load() < writers {
		t.Fatalf("only %d connections were cut: the test tests too little", cut.Load())
	}
	if attempts.Load() <= writers*perWriter {
		t.Fatal("no attempt failed: the test tests nothing")
	}
}

// writerPool is one connection, as a process of its own has it; the server names it.
func writerPool(t *testing.T, dsn string) *pgxpool.Pool {
	t.Helper()
	cfg, err := pgxpool.ParseConfig(dsn)
	if err != nil {
		t.Fatal(err)
	}
	cfg.MaxConns = 1
	cfg.ConnConfig.RuntimeParams["search_path"] = "alpha"
	cfg.ConnConfig.RuntimeParams["application_name"] = "serial-writer"
	pool, err := pgxpool.NewWithConfig(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(pool.Close)
	return pool
}

// numbered gives one form its number; now and then the writer lingers with the number
// in its hand, or changes its mind.
func numbered(ctx context.Context, pool *pgxpool.Pool, writer, attempt int, rnd *rand.Rand) (n int64, err error) {
	linger, changes := rnd.IntN(3) == 0, rnd.IntN(8) == 0
	err = pg.InTx(ctx, pool, func(ctx context.Context, tx pgx.Tx) error {
		if n, err = serial.Next(ctx, tx, "form"); err != nil {
			return err
		}
		if linger {
			time.Sleep(2 * time.Millisecond)
		}
		if _, err := tx.Exec(ctx, "INSERT INTO forms (n, writer, attempt) VALUES ($1, $2, $3)", n, writer, attempt); err != nil {
			return err
		}
		if changes {
			return context.Canceled
		}
		return nil
	})
	return n, err
}

// cutConnections ends server processes of the writers, those in a transaction first,
// until it is told to stop; it returns how many. It keeps pace with the numbers given, so
// that a slow machine gets anywhere.
func cutConnections(t *testing.T, admin *pgxpool.Pool, given *atomic.Int64, stop <-chan struct{}) (cut int64) {
	const query = `SELECT count(*) FILTER (WHERE pg_terminate_backend(pid)) FROM (
		SELECT pid FROM pg_stat_activity
		WHERE datname = current_database() AND application_name = 'serial-writer' AND (xact_start IS NOT NULL OR random() < 0.1)
		ORDER BY random() LIMIT 3) AS picked`
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		select {
		case <-stop:
			return cut
		case <-tick.C:
		}
		if cut > 2*given.Load()+writers {
			continue
		}
		var n int64
		if err := admin.QueryRow(t.Context(), query).Scan(&n); err != nil {
			t.Errorf("cutting connections: %v", err)
			return cut
		}
		cut += n
	}
}

// checkNumbers looks for holes, doubles, and numbers that a caller was told of and that are not there.
func checkNumbers(t *testing.T, admin *pgxpool.Pool, told map[int64]bool) {
	t.Helper()
	rows, err := admin.Query(t.Context(), "SELECT n FROM forms ORDER BY n")
	if err != nil {
		t.Fatal(err)
	}
	numbers, err := pgx.CollectRows(rows, pgx.RowTo[int64])
	if err != nil {
		t.Fatal(err)
	}
	for i, n := range numbers {
		if n != int64(i+1) {
			t.Fatalf("number %d stands in place %d of %d", n, i+1, len(numbers))
		}
		delete(told, n)
	}
	if len(told) > 0 {
		t.Fatalf("%d numbers were told and are not there: %v", len(told), told)
	}
	var last int64
	if err := admin.QueryRow(t.Context(), "SELECT last_value FROM serials WHERE series = 'form'").Scan(&last); err != nil {
		t.Fatal(err)
	}
	if last != int64(len(numbers)) {
		t.Fatalf("the series stands at %d, there are %d forms", last, len(numbers))
	}
}
