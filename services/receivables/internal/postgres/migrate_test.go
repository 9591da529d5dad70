package postgres_test

import (
	"context"
	"io/fs"
	"os"
	"testing"
	"testing/fstest"

	"github.com/jackc/pgx/v5"

	"github.com/avalcredit/aval/pkg/calendar"
	"github.com/avalcredit/aval/pkg/pg"
	"github.com/avalcredit/aval/pkg/pgtest"
	"github.com/avalcredit/aval/services/receivables/internal/postgres"
)

// Books filled by the program of the time before items and credits, two customers with receipts,
// reversals and a payment notice, migrate and verify: no hash changes, nothing is owed but what was.
func TestBooksOfBeforeMigrate(t *testing.T) {
	t.Parallel()
	before := fstest.MapFS{}
	for _, name := range []string{"0001_receivables.sql", "0050_payment_notices.sql"} {
		text, err := fs.ReadFile(postgres.Migrations(), name)
		must(t, err)
		before[name] = &fstest.MapFile{Data: text}
	}
	pool := pgtest.New(t, postgres.Schema, before)
	rows, err := os.ReadFile("testdata/books-before-0060.sql")
	must(t, err)
	must(t, pg.InTx(t.Context(), pool, func(ctx context.Context, tx pgx.Tx) error {
		_, err := tx.Exec(ctx, "SET LOCAL session_replication_role = replica; "+string(rows), pgx.QueryExecModeSimpleProtocol)
		return err
	}))
	must(t, pg.Migrate(t.Context(), pool, postgres.Schema, postgres.Migrations()))
	store := postgres.NewStore(pool)
	report, err := store.Verify(t.Context())
	must(t, err)
	if len(report.Breaks) != 0 || report.Chains != 4 || report.Entries != 17 {
		t.Errorf("migrated books: %+v", report)
	}
	for customer, want := range map[string]string{"C": "CNY 110.50", "D": "USD -0.01"} {
		balances, err := store.Balances(t.Context(), customer, calendar.Date{}, calendar.Date{})
		must(t, err)
		if len(balances) != 1 || balances[0].Currency+" "+balances[0].String() != want {
			t.Errorf("balance of %s: %v, want %s", customer, balances, want)
		}
	}
	inv, err := store.Invoice(t.Context(), "I-2")
	must(t, err)
	if inv.Open.String() != "125.50" || len(inv.Instalments) != 1 || inv.Instalments[0].ItemID != "I-2" {
		t.Errorf("I-2 after the migration: %+v", inv)
	}
}
