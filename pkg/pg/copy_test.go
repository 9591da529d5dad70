package pg_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/avalcredit/aval/pkg/calendar"
	"github.com/avalcredit/aval/pkg/pg"
	"github.com/avalcredit/aval/pkg/pgtest"
)

// What is copied is what an insert of the same values gives, of every type and at its bounds, in rows larger than a buffer too.
func TestCopyRows(t *testing.T) {
	t.Parallel()
	pool := pgtest.New(t, "alpha", nil)
	at := time.Date(1999, 12, 31, 23, 59, 59, 999_999_000, time.UTC)
	long := strings.Repeat("长", 100_000)
	err := pg.InTx(t.Context(), pool, func(ctx context.Context, tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, `CREATE TABLE copied (t text, b bytea, j json, n bigint, s smallint, d date, z timestamptz, ts text[], ns bigint[], "odd name" text)`); err != nil {
			return err
		}
		columns := []string{"t", "b", "j", "n", "s", "d", "z", "ts", "ns", "odd name"}
		return pg.CopyRows(ctx, tx, "copied", columns, 2000, func(i int, r *pg.Row) error {
			if i%2 == 0 {
				r.Text("")
				r.Bytes([]byte{})
				r.Bytes([]byte(`{"a": 1}`))
				r.Int8(-1 << 63)
				r.Int2(-1 << 15)
				r.Date(calendar.MustDate("0001-01-01"))
				r.Time(at)
				r.Texts([]string{"a", "", "长"})
				r.Int8s([]int64{-5, 5})
				r.Text("x")
				return nil
			}
			if i == 1 {
				r.Text(long)
			} else {
				r.Text("长")
			}
			r.Bytes(nil)
			r.Null()
			r.Int8(1<<63 - 1)
			r.Int2(1<<15 - 1)
			r.Date(calendar.Date{})
			r.Null()
			r.Texts(nil)
			r.Int8s(nil)
			r.Null()
			return nil
		})
	})
	if err != nil {
		t.Fatal(err)
	}
	var even, odd, longs int
	err = pool.QueryRow(t.Context(), `SELECT
		count(*) FILTER (WHERE t = '' AND b = '' AND j::text = '{"a": 1}' AND n = $1 AND s = -32768 AND d = '0001-01-01' AND z = $2
		                   AND ts = ARRAY['a', '', '长'] AND ns = '{-5,5}' AND "odd name" = 'x'),
		count(*) FILTER (WHERE (t = '长' OR t = $3) AND b IS NULL AND j IS NULL AND n = $4 AND s = 32767 AND d IS NULL AND z IS NULL
		                   AND ts = '{}' AND ns = '{}' AND "odd name" IS NULL),
		count(*) FILTER (WHERE t = $3) FROM copied`, int64(-1<<63), at, long, int64(1<<63-1)).Scan(&even, &odd, &longs)
	if err != nil || even != 1000 || odd != 1000 || longs != 1 {
		t.Errorf("%d and %d rows as written, %d long; %v", even, odd, longs, err)
	}
}

// What the table refuses fails the copy with the table's reason, and the connection lives on.
func TestCopyRowsRefused(t *testing.T) {
	t.Parallel()
	pool := pgtest.New(t, "alpha", nil)
	err := pg.InTx(t.Context(), pool, func(ctx context.Context, tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, `CREATE TABLE once (t text CONSTRAINT once_key UNIQUE)`); err != nil {
			return err
		}
		same := func(_ int, r *pg.Row) error {
			r.Text("same")
			return nil
		}
		nested, err := tx.Begin(ctx)
		if err != nil {
			return err
		}
		err = pg.CopyRows(ctx, nested, "once", []string{"t"}, 100_000, same)
		if !pg.IsUnique(err, "once_key") {
			return errors.New("no unique violation: " + err.Error())
		}
		if err := nested.Rollback(ctx); err != nil {
			return err
		}
		if err := pg.CopyRows(ctx, tx, "once", []string{"t"}, 0, nil); err != nil {
			return err
		}
		return pg.CopyRows(ctx, tx, "once", []string{"t"}, 1, same)
	})
	if err != nil {
		t.Fatal(err)
	}
	var n int
	if err := pool.QueryRow(t.Context(), `SELECT count(*) FROM once`).Scan(&n); err != nil || n != 1 {
		t.Errorf("%d rows, %v", n, err)
	}
}

// An error of a row ends the copy with nothing copied, and a panic comes out where the copy was asked for.
func TestCopyRowsThatFail(t *testing.T) {
	t.Parallel()
	pool := pgtest.New(t, "alpha", nil)
	copied := func(row func(i int, r *pg.Row) error) error {
		return pg.InTx(t.Context(), pool, func(ctx context.Context, tx pgx.Tx) error {
			if _, err := tx.Exec(ctx, `CREATE TABLE failed (t text)`); err != nil {
				return err
			}
			return pg.CopyRows(ctx, tx, "failed", []string{"t"}, 100_000, row)
		})
	}
	refused := errors.New("refused")
	err := copied(func(i int, r *pg.Row) error {
		if i == 70_000 {
			return refused
		}
		r.Text("row")
		return nil
	})
	if !errors.Is(err, refused) {
		t.Errorf("error %v", err)
	}
	defer func() {
		if got := recover(); got != "broken" {
			t.Errorf("recovered %v", got)
		}
		var n int
		if err := pool.QueryRow(t.Context(), `SELECT count(*) FROM pg_tables WHERE tablename = 'failed'`).Scan(&n); err != nil || n != 0 {
			t.Errorf("%d tables, %v", n, err)
		}
	}()
	_ = copied(func(int, *pg.Row) error { panic("broken") })
}
