package bench

import (
	"bytes"
	"context"
	"fmt"
	"maps"
	"os"
	"slices"
	"strconv"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/avalcredit/aval/pkg/pg"
	evaluationv1 "github.com/avalcredit/aval/proto/gen/aval/evaluation/v1"
	receivablesv1 "github.com/avalcredit/aval/proto/gen/aval/receivables/v1"
	typev1 "github.com/avalcredit/aval/proto/gen/aval/type/v1"
)

// Posting in bulk: batches of so many invoices of a tenth as many customers.
const (
	batchSize      = 10_000
	batchCustomers = 1_000
)

// postedRows are the rows that posting a batch adds, by the table they stand in; batch has the numbers of its invoices. What it
// changes (accounts, ladders, heads) and the audit trail are not compared with: a plain copy gets no more to write than what the
// figure names.
var postedRows = map[string]string{ // constant
	"invoices":       `SELECT t.* FROM invoices t JOIN batch b ON t.invoice_id = b.id`,
	"ledger_entries": `SELECT t.* FROM ledger_entries t JOIN batch b ON t.document_id = b.id`,
	"items":          `SELECT t.* FROM items t JOIN batch b ON t.item_id = b.id`,
	"item_balances":  `SELECT t.* FROM item_balances t JOIN batch b ON t.item_id = b.id`,
	"outbox":         `SELECT * FROM outbox WHERE created_at = (SELECT max(created_at) FROM outbox)`,
}

// posting is what the rounds measured.
type posting struct {
	post, one, all []float64 // invoices a second: posted, their own rows copied, all rows copied
	used, copied   usage     // while posting, and while all rows were copied
}

// measurePosting posts in bulk and copies as many rows into a plain table, in turn, and says how far the gate is behind at the end.
func measurePosting(ctx context.Context, b *receivablesBench) error {
	if err := b.tellCustomers(ctx); err != nil {
		return err
	}
	if _, err := b.pool.Exec(ctx, `CREATE SCHEMA plain; CREATE TABLE batch (id text PRIMARY KEY)`, pgx.QueryExecModeSimpleProtocol); err != nil {
		return err
	}
	for table := range postedRows {
		if _, err := b.pool.Exec(ctx, `CREATE TABLE plain.`+table+` (LIKE `+table+`)`); err != nil {
			return err
		}
	}
	if _, _, err := b.postBatch(ctx); err != nil { // the first opens the accounts
		return err
	}
	var p posting
	for range b.cfg.Rounds {
		if err := b.postingRound(ctx, &p); err != nil {
			return err
		}
	}
	p.report(b)
	for range 3 { // in a row
		if _, _, err := b.postBatch(ctx); err != nil {
			return err
		}
	}
	lag, err := b.lag(ctx)
	if err != nil {
		return err
	}
	report(b.out, "receivables.delivery_lag_s", lag.Seconds(), 2)
	return nil
}

// postingRound posts a batch, waits until the gate has it, so that delivery is not measured with either, and copies its rows.
func (b *receivablesBench) postingRound(ctx context.Context, p *posting) error {
	if _, err := b.lag(ctx); err != nil {
		return err
	}
	before, err := b.used()
	if err != nil {
		return err
	}
	ids, took, err := b.postBatch(ctx)
	if err != nil {
		return err
	}
	after, err := b.used()
	if err != nil {
		return err
	}
	p.used = p.used.plus(after.since(before))
	if _, err := b.lag(ctx); err != nil {
		return err
	}
	one, _, err := b.copyBatch(ctx, ids, "invoices")
	if err != nil {
		return err
	}
	all, used, err := b.copyBatch(ctx, ids, slices.Sorted(maps.Keys(postedRows))...)
	if err != nil {
		return err
	}
	p.copied = p.copied.plus(used)
	p.post, p.one, p.all = append(p.post, batchSize/took.Seconds()), append(p.one, batchSize/one.Seconds()), append(p.all, batchSize/all.Seconds())
	return nil
}

func (p posting) report(b *receivablesBench) {
	fmt.Fprintf(b.out, "posting %d invoices of %d customers a request, with ledger, hash chains, items, due ladders, audit and positions: %.0f a second (rounds: %.0f)\n",
		batchSize, batchCustomers, median(p.post), p.post)
	fmt.Fprintf(b.out, "COPY of the rows that this adds (invoices, entries, items, balances, positions) into tables without index or check: %.0f invoices a second (rounds: %.0f)\n",
		median(p.all), p.all)
	fmt.Fprintf(b.out, "COPY of the invoices' own rows alone: %.0f a second (rounds: %.0f)\n", median(p.one), p.one)
	report(b.out, "receivables.post_vs_copy", median(ratios(p.post, p.all)), 3)
	report(b.out, "receivables.post_vs_copy_of_invoices_alone", median(ratios(p.post, p.one)), 3)
	each := func(t time.Duration) float64 { return t.Seconds() * 1e6 / float64(len(p.post)*batchSize) }
	fmt.Fprintf(b.out, "processor time of an invoice that is copied with all its rows: %.1f us here, %.1f us in PostgreSQL\n", each(p.copied.Go), each(p.copied.Postgres))
	report(b.out, "receivables.post_cpu_us_go", each(p.used.Go), 1) // the caller's part included
	report(b.out, "receivables.post_cpu_us_postgres", each(p.used.Postgres), 1)
}

func ratios(a, b []float64) []float64 {
	out := slices.Clone(a)
	for i := range out {
		out[i] /= b[i]
	}
	return out
}

// used is what this process, the caller in it, and PostgreSQL have used.
func (b *receivablesBench) used() (u usage, err error) {
	if u.Go, _, err = processorTime(os.Getpid()); err != nil {
		return u, err
	}
	u.Postgres, err = postgresTime(b.postmaster)
	return u, err
}

func (b *receivablesBench) tellCustomers(ctx context.Context) error {
	for n := range batchCustomers {
		_, err := b.feed.ApplyCustomers(ctx, &receivablesv1.ApplyCustomersRequest{Profiles: []*evaluationv1.CreditProfile{{
			CustomerId: customerName(n), Sequence: 1, BusinessDate: "2020-01-01", DisplayName: "Customer " + strconv.Itoa(n), CurrencyCode: "CNY", SalespersonId: "S",
		}}})
		if err != nil {
			return err
		}
	}
	return nil
}

// postBatch posts one request and returns the numbers of its invoices and how long it took.
func (b *receivablesBench) postBatch(ctx context.Context) (ids []string, took time.Duration, err error) {
	req := &receivablesv1.PostInvoicesRequest{RequestId: "batch " + strconv.Itoa(b.next)}
	for i := range batchSize {
		b.next++
		inv := &receivablesv1.Invoice{
			InvoiceId: "INV-" + strconv.Itoa(10_000_000+b.next), CustomerId: customerName(i % batchCustomers), OrderId: "SO-" + strconv.Itoa(b.next),
			Amount: &typev1.Money{CurrencyCode: "CNY", Amount: strconv.Itoa(100+b.next%9000) + ".50"}, Reference: "bench",
		}
		req.Invoices, ids = append(req.Invoices, inv), append(ids, inv.GetInvoiceId())
	}
	t0 := time.Now()
	_, err = b.invoices.PostInvoices(ctx, req)
	return ids, time.Since(t0), err
}

// copyBatch copies rows of a batch into plain tables, in one transaction. They are there as PostgreSQL takes them: only the
// copying counts, not the making of what is copied.
func (b *receivablesBench) copyBatch(ctx context.Context, ids []string, tables ...string) (took time.Duration, used usage, err error) {
	if _, err := b.pool.Exec(ctx, `TRUNCATE batch`); err != nil {
		return 0, used, err
	}
	if _, err := b.pool.Exec(ctx, `INSERT INTO batch SELECT unnest($1::text[])`, ids); err != nil {
		return 0, used, err
	}
	rows := make([]bytes.Buffer, len(tables))
	err = b.pool.AcquireFunc(ctx, func(c *pgxpool.Conn) error {
		for i, table := range tables {
			if _, err := c.Conn().PgConn().CopyTo(ctx, &rows[i], `COPY (`+postedRows[table]+`) TO STDOUT (FORMAT binary)`); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return 0, used, err
	}
	before, err := b.used()
	if err != nil {
		return 0, used, err
	}
	t0 := time.Now()
	err = pg.InTx(ctx, b.pool, func(ctx context.Context, tx pgx.Tx) error {
		for i, table := range tables {
			if _, err := tx.Conn().PgConn().CopyFrom(ctx, &rows[i], `COPY plain.`+table+` FROM STDIN (FORMAT binary)`); err != nil {
				return err
			}
		}
		return nil
	})
	took = time.Since(t0)
	if err != nil {
		return 0, used, err
	}
	after, err := b.used()
	return took, after.since(before), err
}

// lag is how long it takes from now until the gate has every position.
func (b *receivablesBench) lag(ctx context.Context) (time.Duration, error) {
	for t0 := time.Now(); ; time.Sleep(20 * time.Millisecond) {
		resp, err := b.ops.GetDelivery(ctx, &receivablesv1.GetDeliveryRequest{})
		if err != nil {
			return 0, err
		}
		pending := int64(0)
		for _, s := range resp.GetStreams() {
			pending += s.GetPending()
		}
		if pending == 0 {
			return time.Since(t0), nil
		}
		if time.Since(t0) > 10*time.Minute {
			return 0, fmt.Errorf("%d positions are not delivered after ten minutes", pending)
		}
	}
}
