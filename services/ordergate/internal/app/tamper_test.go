package app_test

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"regexp"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/avalcredit/aval/pkg/pgtest"
	"github.com/avalcredit/aval/services/ordergate/internal/postgres"
)

// Invariant 4: the journal is append-only, and whoever gets around that is found.
func TestTamperIsFound(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct{ sql, finds string }{
		"one byte of a decision":       {`UPDATE journal SET decision = replace(decision, '"amount":300', '"amount":301') WHERE seq = 3`, `journal/C1 3 .*hash`},
		"a bucket":                     {`UPDATE journal SET order_minor = order_minor - 1 WHERE seq = 4`, `journal/C1 4 .*hash`},
		"an entry removed":             {`DELETE FROM journal WHERE seq = 3`, `journal/C1 4 entry 4 follows`},
		"the tail cut off":             {`DELETE FROM journal WHERE seq = 5`, `journal/C1 5 .*tail`},
		"two entries exchanged":        {`UPDATE journal SET seq = CASE seq WHEN 3 THEN 1000 ELSE 3 END WHERE seq IN (3, 4); UPDATE journal SET seq = 4 WHERE seq = 1000`, `journal/C1 3 .*hash`},
		"an order that went by itself": {`UPDATE orders SET state = 'APPROVED' WHERE order_id = 'O2'`, `orders/C1 5 order O2`},
		"an order in other words":      {`UPDATE orders SET doc = '{"id":"O2","customer_id":"C1","state":"HELD","amount":1}' WHERE order_id = 'O2'`, `orders/C1 5 order O2`},
		"an order as it was before":    {`UPDATE orders SET updated_seq = 2 WHERE order_id = 'O2'`, `orders/C1 5 order O2`},
		"an order from nowhere":        {`INSERT INTO orders SELECT root_id, 'X', account_id, state, updated_seq, doc FROM orders WHERE order_id = 'O1'`, `orders/C1 5 order X`},
		"who was passed over":          {`DELETE FROM passed_over`, `journal/C1 5 order O2 was passed over`},
		"passed over by nobody":        {`INSERT INTO passed_over VALUES ('C1', 'C1', 4, 'O2', 'O2', '2026-07-01')`, `journal/C1 4 order O2 is said`},
		"who did it":                   {`UPDATE journal SET actor = 'somebody' WHERE seq = 2`, `journal/C1 2 .*hash`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t)
			g := r.start()
			r.customer("C1", 1_000)
			for i, minor := range []int64{300, 300, 900, 300} {
				id := fmt.Sprintf("O%d", i)
				if _, err := g.Submit(t.Context(), person("sales"), request(id), newOrder(id, "C1", minor)); err != nil {
					t.Fatal(err)
				}
			}
			if rep, err := g.verifier.Verify(t.Context()); err != nil || len(rep.Breaks) > 0 || rep.Entries < 5 {
				t.Fatalf("before: %+v %v", rep, err)
			}
			first, _, _ := strings.Cut(tt.sql, ";")
			if _, err := r.pool.Exec(t.Context(), first); err == nil && strings.Contains(first, "journal") {
				t.Fatalf("the database took %s", first)
			}
			err := pgx.BeginFunc(t.Context(), r.pool, func(tx pgx.Tx) error {
				if _, err := tx.Exec(t.Context(), `SET LOCAL session_replication_role = replica`); err != nil {
					return err
				}
				if strings.HasPrefix(first, "INSERT") {
					return nil // taken above
				}
				_, err := tx.Exec(t.Context(), tt.sql, pgx.QueryExecModeSimpleProtocol)
				return err
			})
			if err != nil {
				t.Fatal(err)
			}
			var alerts bytes.Buffer
			g.verifier.Log = slog.New(slog.NewJSONHandler(&alerts, &slog.HandlerOptions{Level: slog.LevelError}))
			rep, err := g.verifier.Verify(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			if got := strings.Count(alerts.String(), "\n"); got != len(rep.Breaks) {
				t.Errorf("%d errors logged of %d breaks", got, len(rep.Breaks))
			}
			for _, b := range rep.Breaks {
				if regexp.MustCompile(tt.finds).MatchString(fmt.Sprintf("%s %d %s", b.Chain, b.Seq, b.Problem)) {
					return
				}
			}
			t.Errorf("found %+v, want %s", rep.Breaks, tt.finds)
		})
	}
}

// Every table on the decision path begins its keys with root_id, so that every rule that must hold lives in one shard.
// order_directory is the exception: it says in which root an order number lives. Tables of the building blocks are not on the path.
func TestKeysBeginWithTheRoot(t *testing.T) {
	t.Parallel()
	pool := pgtest.New(t, "ordergate", postgres.Migrations())
	rows, err := pool.Query(context.Background(), `
		SELECT c.relname, i.relname, a.attname FROM pg_index x
		JOIN pg_class c ON c.oid = x.indrelid JOIN pg_class i ON i.oid = x.indexrelid
		JOIN pg_namespace n ON n.oid = c.relnamespace AND n.nspname = 'ordergate'
		JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = x.indkey[0]
		WHERE x.indisunique AND c.relname IN ('journal', 'orders', 'order_directory', 'passed_over')`)
	if err != nil {
		t.Fatal(err)
	}
	keys := 0
	var table, index, first string
	_, err = pgx.ForEachRow(rows, []any{&table, &index, &first}, func() error {
		keys++
		if first != "root_id" && table != "order_directory" {
			t.Errorf("key %s of table %s begins with %s", index, table, first)
		}
		return nil
	})
	if err != nil || keys < 5 {
		t.Errorf("%d keys, %v", keys, err)
	}
	known := map[string]bool{"journal": true, "orders": true, "order_directory": true, "passed_over": true,
		"shipment_log": true, "webhooks": true /* written by the relay of events, not by decisions */}
	for _, off := range []string{"report_runs", "daily_reports", "operations", "waiting_runs", "verification_runs"} { // read the journals, never while an order waits
		known[off] = true
	}
	names, err := pool.Query(context.Background(), `SELECT tablename::text FROM pg_tables WHERE schemaname = 'ordergate'`)
	if err != nil {
		t.Fatal(err)
	}
	blocks := regexp.MustCompile(`^(idempotency|serials|audit_.*|outbox.*|inbox.*|policies|mail_.*|violation_.*|blocks_version|phase_version)$`)
	_, err = pgx.ForEachRow(names, []any{&table}, func() error {
		if !known[table] && !blocks.MatchString(table) {
			t.Errorf("table %s is new: say whether it is on the decision path", table)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}
