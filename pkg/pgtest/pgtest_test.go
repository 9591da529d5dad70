package pgtest_test

import (
	"testing"
	"testing/fstest"

	"github.com/avalcredit/aval/pkg/pgtest"
)

func TestMain(m *testing.M) { pgtest.Main(m) }

func phase(table string) fstest.MapFS {
	return fstest.MapFS{"0001_t.sql": {Data: []byte("-- +goose Up\nCREATE TABLE " + table + " (n int);\n-- +goose Down\nDROP TABLE " + table + ";\n")}}
}

func TestDatabasesAreTheTestsOwn(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ schema, table string }{
		{"alpha", "a"}, {"alpha", "a"}, {"beta", "a"}, {"alpha", "b"},
	} {
		t.Run(c.schema+" "+c.table, func(t *testing.T) {
			t.Parallel()
			pool := pgtest.New(t, c.schema, phase(c.table))
			for want := range int64(3) { // rows of another test would be counted
				var got int64
				if err := pool.QueryRow(t.Context(), "SELECT count(*) FROM "+c.schema+"."+c.table).Scan(&got); err != nil || got != want {
					t.Fatalf("%d rows, %v; want %d", got, err, want)
				}
				if _, err := pool.Exec(t.Context(), "INSERT INTO "+c.table+" VALUES (1)"); err != nil {
					t.Fatal(err)
				}
			}
		})
	}
}

func TestURLOpensTwice(t *testing.T) {
	t.Parallel()
	dsn := pgtest.URL(t, "alpha", phase("a"))
	one, two := pgtest.Open(t, dsn, "alpha"), pgtest.Open(t, dsn, "alpha")
	if _, err := one.Exec(t.Context(), "INSERT INTO a VALUES (7)"); err != nil {
		t.Fatal(err)
	}
	var n int
	if err := two.QueryRow(t.Context(), "SELECT n FROM a").Scan(&n); err != nil || n != 7 {
		t.Errorf("%d, %v", n, err)
	}
}

func TestDatabaseIsEmpty(t *testing.T) {
	t.Parallel()
	pool := pgtest.Open(t, pgtest.Database(t), "alpha")
	var n int
	if err := pool.QueryRow(t.Context(), "SELECT count(*) FROM pg_tables WHERE schemaname NOT IN ('pg_catalog', 'information_schema')").Scan(&n); err != nil || n != 0 {
		t.Errorf("%d tables, %v", n, err)
	}
}
