package bench

import (
	"context"
	"fmt"
	"runtime"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/avalcredit/aval/pkg/pg"
	receivablesv1 "github.com/avalcredit/aval/proto/gen/aval/receivables/v1"
)

const (
	// bytesAMegabyte makes megabytes of bytes.
	bytesAMegabyte = 1 << 20
	// sendFor is how long letters go out while their rate is measured; the whole run would take as long as it takes.
	sendFor = 10 * time.Second
)

// overdueSQL makes customers with items that are all overdue, up to half a year, some disputed before.
const overdueSQL = `
SET LOCAL session_replication_role = replica; SET LOCAL statement_timeout = 0;
INSERT INTO customers (customer_id, sequence, business_date, display_name, currency, salesperson, updated_at)
SELECT 'C' || 10000000 + n, 1, '2020-01-01', 'Customer ' || n, 'CNY', 'S' || n % 100, now() FROM generate_series(1, $CUSTOMERS) n;
INSERT INTO accounts (customer_id, currency, ledger_sequence, ledger_hash, balance, application_sequence, application_hash)
SELECT customer_id, 'CNY', 0, sha256(''), 0, 0, sha256('') FROM customers;
INSERT INTO items (item_id, customer_id, document_kind, document_id, instalment, order_id, document_date, due_date, currency, amount, salesperson, unit_id, post_date, ledger_sequence)
SELECT 'INV-' || 100000000 + n, 'C' || 10000000 + 1 + n % $CUSTOMERS, 'INVOICE', 'INV-' || 100000000 + n, 1, 'SO-' || n,
       current_date - 220, current_date - 1 - n % 180, 'CNY', 10000 + n % 90000, 'S' || n % 100, 'U' || n % 10, current_date - 220, 1
FROM generate_series(1, $ITEMS) n;
INSERT INTO item_balances (item_id, customer_id, due_date, open) SELECT item_id, customer_id, due_date, amount FROM items;` + laddersSQL

// measureDunning proposes a run over overdue items through the API, by the policy as shipped, and lets its letters go out for a while.
func measureDunning(ctx context.Context, b *receivablesBench) error {
	if err := b.fillOverdue(ctx); err != nil {
		return err
	}
	var peak atomic.Uint64
	stop := watchMemory(&peak)
	t0 := time.Now()
	proposed, err := b.dunning.ProposeDunningRun(ctx, &receivablesv1.ProposeDunningRunRequest{RequestId: "dunning"})
	if err != nil {
		return err
	}
	run, err := b.untilRun(ctx, proposed.GetRun().GetDunningRunId(), func(r *receivablesv1.DunningRun) bool {
		return r.GetState() != receivablesv1.DunningRunState_DUNNING_RUN_STATE_PROPOSING
	})
	took := time.Since(t0)
	stop()
	if err != nil {
		return err
	}
	if run.GetState() != receivablesv1.DunningRunState_DUNNING_RUN_STATE_PROPOSED || run.GetLines() == 0 {
		return fmt.Errorf("the dunning run is %s with %d lines", run.GetState(), run.GetLines())
	}
	fmt.Fprintf(b.out, "a dunning run judged %d overdue items of %d customers and proposed %d lines for %d of them in %.1f s\n",
		b.cfg.Overdue, b.cfg.Overdue/itemsEach, run.GetLines(), run.GetCustomers(), took.Seconds())
	report(b.out, "receivables.dunning_items_per_s", float64(b.cfg.Overdue)/took.Seconds(), 0)
	report(b.out, "receivables.dunning_peak_mb", float64(peak.Load())/bytesAMegabyte, 0)
	return b.sendLetters(ctx, run)
}

// sendLetters says how fast letters go out; the run is left in its midst, as a process that ends leaves it.
func (b *receivablesBench) sendLetters(ctx context.Context, run *receivablesv1.DunningRun) error {
	if _, err := b.approver.ApproveDunningRun(ctx, &receivablesv1.ApproveDunningRunRequest{RequestId: "approve", DunningRunId: run.GetDunningRunId()}); err != nil {
		return err
	}
	t0 := time.Now()
	sent, err := b.untilRun(ctx, run.GetDunningRunId(), func(r *receivablesv1.DunningRun) bool {
		return time.Since(t0) > sendFor || r.GetState() == receivablesv1.DunningRunState_DUNNING_RUN_STATE_SENT
	})
	if err != nil {
		return err
	}
	fmt.Fprintf(b.out, "letters went out at %.0f a second, each with its levels, demands, audit and position in a transaction of its own\n",
		float64(sent.GetLetters())/time.Since(t0).Seconds())
	return nil
}

// untilRun waits for a run, and shows how far it is.
func (b *receivablesBench) untilRun(ctx context.Context, id string, done func(*receivablesv1.DunningRun) bool) (*receivablesv1.DunningRun, error) {
	const width, every = 40, 100 * time.Millisecond
	shown := -1
	for ; ; time.Sleep(every) {
		got, err := b.dunning.GetDunningRun(ctx, &receivablesv1.GetDunningRunRequest{DunningRunId: id})
		if err != nil {
			return nil, err
		}
		r := got.GetRun()
		if tenth := int(10 * r.GetDone() / max(1, r.GetTotal())); tenth != shown {
			shown = tenth
			full := int(width * r.GetDone() / max(1, r.GetTotal()))
			fmt.Fprintf(b.out, "[%s%s] %d of %d customers, %s\n", strings.Repeat("#", full), strings.Repeat(".", width-full), r.GetDone(), r.GetTotal(),
				strings.ToLower(strings.TrimPrefix(r.GetState().String(), "DUNNING_RUN_STATE_")))
		}
		if done(r) {
			return r, nil
		}
	}
}

// watchMemory notes the most memory that this process held from the operating system, what waited to be given back left out.
func watchMemory(peak *atomic.Uint64) (stop func()) {
	runtime.GC()
	quit, ended := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		for t := time.NewTicker(20 * time.Millisecond); ; {
			var m runtime.MemStats
			runtime.ReadMemStats(&m)
			peak.Store(max(peak.Load(), m.Sys-m.HeapReleased))
			select {
			case <-quit:
				t.Stop()
				return
			case <-t.C:
			}
		}
	}()
	return func() {
		close(quit)
		<-ended
	}
}

func (b *receivablesBench) fillOverdue(ctx context.Context) error {
	sql := strings.NewReplacer("$CUSTOMERS", strconv.Itoa(b.cfg.Overdue/itemsEach), "$ITEMS", strconv.Itoa(b.cfg.Overdue)).Replace(overdueSQL)
	err := pg.InTx(ctx, b.pool, func(ctx context.Context, tx pgx.Tx) error {
		_, err := tx.Exec(ctx, sql, pgx.QueryExecModeSimpleProtocol)
		return err
	})
	if err != nil {
		return err
	}
	for _, table := range []string{"customers", "accounts", "items", "item_balances", "due_ladders"} {
		if _, err := b.pool.Exec(ctx, `VACUUM (ANALYZE) `+table); err != nil {
			return err
		}
	}
	return nil
}
