package pg_test

import (
	"context"
	"errors"
	"net/url"
	"sync"
	"sync/atomic"
	"testing"
	"testing/fstest"

	"github.com/jackc/pgx/v5"

	"github.com/avalcredit/aval/pkg/errs"
	"github.com/avalcredit/aval/pkg/pg"
	"github.com/avalcredit/aval/pkg/pgtest"
)

func TestMain(m *testing.M) { pgtest.Main(m) }

// phase is a phase's own migrations, with a table guarded by the blocks' trigger function.
func phase() fstest.MapFS {
	return fstest.MapFS{"0001_notes.sql": {Data: []byte(`-- +goose Up
CREATE TABLE notes (id int PRIMARY KEY, n int NOT NULL DEFAULT 0);
INSERT INTO notes (id) VALUES (1), (2);
CREATE TABLE marks (id int CONSTRAINT marks_id_key UNIQUE);
CREATE TRIGGER marks_append_only BEFORE UPDATE OR DELETE ON marks FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER marks_no_truncate BEFORE TRUNCATE ON marks FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
-- +goose Down
DROP TABLE marks; DROP TABLE notes;
`)}}
}

func TestOpenSettings(t *testing.T) {
	t.Parallel()
	pool := pgtest.New(t, "alpha", nil)
	for name, want := range map[string]string{
		"search_path":                         `"alpha", public`,
		"lock_timeout":                        "3s",
		"statement_timeout":                   "30s",
		"idle_in_transaction_session_timeout": "3s",
		"synchronous_commit":                  "on",
		"TimeZone":                            "UTC",
	} {
		var got string
		if err := pool.QueryRow(t.Context(), "SELECT current_setting($1)", name).Scan(&got); err != nil {
			t.Fatal(err)
		}
		if got != want {
			t.Errorf("%s = %q, want %q", name, got, want)
		}
	}
}

func TestOpenRefuses(t *testing.T) {
	t.Parallel()
	for name, cfg := range map[string]pg.Config{
		"schema":  {URL: "postgres://localhost/x", Schema: `a"; DROP`},
		"no name": {URL: "postgres://localhost/x"},
		"url":     {URL: "postgres://%zz", Schema: "alpha"},
	} {
		if _, err := pg.Open(t.Context(), cfg); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
	_, err := pg.Open(t.Context(), pg.Config{URL: "postgres://u:p@127.0.0.1:1/x?sslmode=disable", Schema: "alpha"})
	if errs.KindOf(err) != errs.Unavailable {
		t.Errorf("nobody listens: %v, want Unavailable", err)
	}
}

func TestMigrateIsIdempotentAndConcurrent(t *testing.T) {
	t.Parallel()
	dsn := pgtest.Database(t)
	var wg sync.WaitGroup
	for i := range 6 {
		schema := []string{"alpha", "beta"}[i%2]
		pool := pgtest.Open(t, dsn, schema)
		wg.Go(func() {
			if err := pg.Migrate(t.Context(), pool, schema, phase()); err != nil {
				t.Errorf("%s: %v", schema, err)
			}
		})
	}
	wg.Wait()
	pool := pgtest.Open(t, dsn, "alpha")
	var tables int
	err := pool.QueryRow(t.Context(), `SELECT count(*) FROM pg_tables WHERE schemaname IN ('alpha', 'beta')
		AND tablename IN ('notes', 'outbox', 'policies', 'audit_events')`).Scan(&tables)
	if err != nil || tables != 8 {
		t.Errorf("tables = %d, %v; want 8", tables, err)
	}
}

func TestAppendOnly(t *testing.T) {
	t.Parallel()
	pool := pgtest.New(t, "alpha", phase())
	if _, err := pool.Exec(t.Context(), "INSERT INTO marks VALUES (1)"); err != nil {
		t.Fatal(err)
	}
	for _, q := range []string{"UPDATE marks SET id = 2", "DELETE FROM marks", "TRUNCATE marks"} {
		if _, err := pool.Exec(t.Context(), q); err == nil {
			t.Errorf("%s: allowed", q)
		}
	}
}

func TestErrKinds(t *testing.T) {
	t.Parallel()
	pool := pgtest.New(t, "alpha", phase())
	state := func(code string) error {
		_, err := pool.Exec(t.Context(), "DO $$BEGIN RAISE EXCEPTION 'x' USING ERRCODE = '"+code+"'; END$$")
		return err
	}
	ours := errs.New(errs.FailedPrecondition, "OURS", "ours")
	canceled, cancel := context.WithCancel(t.Context())
	cancel()
	_, gone := pool.Exec(canceled, "SELECT 1")
	for _, c := range []struct {
		name string
		err  error
		want errs.Kind
	}{
		{"no rows", pool.QueryRow(t.Context(), "SELECT id FROM notes WHERE id = 99").Scan(new(int)), errs.NotFound},
		{"unique", state("23505"), errs.AlreadyExists},
		{"serialization", state("40001"), errs.Aborted},
		{"deadlock", state("40P01"), errs.Aborted},
		{"lock", state("55P03"), errs.DeadlineExceeded},
		{"statement timeout", state("57014"), errs.DeadlineExceeded},
		{"shutdown", state("57P01"), errs.Unavailable},
		{"too many", state("53300"), errs.Unavailable},
		{"read only", state("25006"), errs.Unavailable},
		{"connection", state("08006"), errs.Unavailable},
		{"other", state("22012"), errs.Internal},
		{"caller gone", gone, errs.Canceled},
		{"ours", ours, errs.FailedPrecondition},
	} {
		got := pg.Err(c.err)
		if errs.KindOf(got) != c.want {
			t.Errorf("%s: %v is kind %v, want %v", c.name, got, errs.KindOf(got), c.want)
		}
		if !errors.Is(got, c.err) {
			t.Errorf("%s: the cause is lost", c.name)
		}
	}
	if pg.Err(nil) != nil {
		t.Error("Err(nil) is an error")
	}
}

func TestIsUnique(t *testing.T) {
	t.Parallel()
	pool := pgtest.New(t, "alpha", phase())
	_, err := pool.Exec(t.Context(), "INSERT INTO marks VALUES (1), (1)")
	if !pg.IsUnique(err, "marks_id_key") || pg.IsUnique(err, "notes_pkey") || !pg.IsUnique(pg.Err(err), "marks_id_key") {
		t.Errorf("IsUnique misjudges %v", err)
	}
}

func TestInTxRetriesConflicts(t *testing.T) {
	t.Parallel()
	pool := pgtest.New(t, "alpha", phase())
	const writers, rounds = 4, 4
	var wg sync.WaitGroup
	for w := range writers {
		wg.Go(func() {
			for range rounds {
				// Rows in opposite orders: deadlocks are certain.
				ids := []int{1 + w%2, 2 - w%2}
				for {
					err := pg.InTx(t.Context(), pool, func(ctx context.Context, tx pgx.Tx) error {
						for _, id := range ids {
							if _, err := tx.Exec(ctx, "UPDATE notes SET n = n + 1 WHERE id = $1", id); err != nil {
								return err
							}
						}
						return nil
					})
					if err == nil {
						break
					}
					if k := errs.KindOf(err); k != errs.Aborted && k != errs.DeadlineExceeded {
						t.Errorf("unexpected: %v", err)
						return
					}
				}
			}
		})
	}
	wg.Wait()
	var a, b int
	err := pool.QueryRow(t.Context(), "SELECT (SELECT n FROM notes WHERE id = 1), (SELECT n FROM notes WHERE id = 2)").Scan(&a, &b)
	if err != nil || a != writers*rounds || b != writers*rounds {
		t.Errorf("counted %d and %d (%v), want %d each", a, b, err, writers*rounds)
	}
}

func TestInTxRetriesAreBounded(t *testing.T) {
	t.Parallel()
	pool := pgtest.New(t, "alpha", phase())
	var calls atomic.Int32
	err := pg.InTx(t.Context(), pool, func(ctx context.Context, tx pgx.Tx) error {
		calls.Add(1)
		_, err := tx.Exec(ctx, "DO $$BEGIN RAISE EXCEPTION 'x' USING ERRCODE = '40001'; END$$")
		// A store maps the error before InTx sees it: it must still be told.
		return pg.Err(err)
	})
	if errs.KindOf(err) != errs.Aborted || calls.Load() != 5 {
		t.Errorf("%d calls, %v; want 5 and Aborted", calls.Load(), err)
	}
}

func TestInTxRollsBack(t *testing.T) {
	t.Parallel()
	pool := pgtest.New(t, "alpha", phase())
	refused := errs.New(errs.FailedPrecondition, "REFUSED", "refused")
	insert := func(ctx context.Context, tx pgx.Tx) error {
		_, err := tx.Exec(ctx, "INSERT INTO marks VALUES (1)")
		return err
	}
	err := pg.InTx(t.Context(), pool, func(ctx context.Context, tx pgx.Tx) error {
		return errors.Join(insert(ctx, tx), refused)
	})
	if !errors.Is(err, refused) {
		t.Errorf("err = %v, want the closure's", err)
	}
	func() {
		defer func() { _ = recover() }()
		_ = pg.InTx(t.Context(), pool, func(ctx context.Context, tx pgx.Tx) error {
			if err := insert(ctx, tx); err != nil {
				return err
			}
			panic("a bug")
		})
	}()
	err = pg.InTx(t.Context(), pool, func(ctx context.Context, tx pgx.Tx) error {
		if err := insert(ctx, tx); err != nil {
			return err
		}
		_, _ = tx.Exec(ctx, "SELECT 1/0")
		return nil
	})
	if err == nil {
		t.Error("a transaction with a failed statement was reported as committed")
	}
	var n int
	if err := pool.QueryRow(t.Context(), "SELECT count(*) FROM marks").Scan(&n); err != nil || n != 0 {
		t.Errorf("%d rows left, %v; want 0", n, err)
	}
	if got := pool.Stat().AcquiredConns(); got != 0 {
		t.Errorf("%d connections leaked", got)
	}
}

func TestOpenFindsTheHostThatAcceptsWrites(t *testing.T) {
	t.Parallel()
	u, err := url.Parse(pgtest.Database(t))
	if err != nil {
		t.Fatal(err)
	}
	u.Host = "127.0.0.1:1," + u.Host
	pool := pgtest.Open(t, u.String(), "alpha")
	var readOnly string
	if err := pool.QueryRow(t.Context(), "SHOW transaction_read_only").Scan(&readOnly); err != nil || readOnly != "off" {
		t.Errorf("read only %q, %v", readOnly, err)
	}
}
