package bench

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"google.golang.org/grpc"

	"github.com/avalcredit/aval/pkg/authn"
	"github.com/avalcredit/aval/pkg/calendar"
	"github.com/avalcredit/aval/pkg/grpcclient"
	"github.com/avalcredit/aval/pkg/grpcserver"
	"github.com/avalcredit/aval/pkg/lifecycle"
	"github.com/avalcredit/aval/pkg/pg"
	"github.com/avalcredit/aval/pkg/pgdev"
	ordergatev1 "github.com/avalcredit/aval/proto/gen/aval/ordergate/v1"
	receivablesv1 "github.com/avalcredit/aval/proto/gen/aval/receivables/v1"
	"github.com/avalcredit/aval/services/receivables"
)

// itemsEach is how many open items a customer has where aging is measured.
const itemsEach = 10

// pastDays are how long ago the days are at which aging of the past is measured; the slowest counts.
var pastDays = []int{1, 30, 90, 180, 270, 330, 360} // constant

// receivablesBench is the phase after the sale behind real gRPC, with a gate that takes every position and does nothing.
type receivablesBench struct {
	cfg      Config
	out      io.Writer
	pool     *pgxpool.Pool
	invoices receivablesv1.InvoiceServiceClient
	aging    receivablesv1.AgingServiceClient
	feed     receivablesv1.FeedServiceClient
	ops      receivablesv1.OperationsServiceClient
	dunning  receivablesv1.DunningServiceClient
	approver receivablesv1.DunningServiceClient // another person
	issuer   *authn.Issuer
	next     int
	// postmaster is PostgreSQL's first process.
	postmaster int
	stop       context.CancelFunc
	done       chan error
}

// receivablesGroup measures posting in bulk and delivery, aging, and a dunning run, each on a database of its own.
func receivablesGroup(ctx context.Context, cfg Config, db *pgdev.Server, out io.Writer) error {
	fmt.Fprintf(out, "receivables in this process behind real gRPC, the gate's place taken by one that acknowledges every position\n")
	for _, part := range []struct {
		database string
		measure  func(context.Context, *receivablesBench) error
	}{{"posting", measurePosting}, {"aging", measureAging}, {"dunning", measureDunning}} {
		if cfg.Only != "" && cfg.Only != "receivables" && cfg.Only != part.database {
			continue
		}
		if err := onDatabase(ctx, db, "postgres", func(c *pgx.Conn) error {
			_, err := c.Exec(ctx, `CREATE DATABASE `+part.database)
			return err
		}); err != nil {
			return err
		}
		b, err := startReceivables(ctx, cfg, db.DSN(part.database), out)
		if err != nil {
			return err
		}
		if err := errors.Join(part.measure(ctx, b), b.close()); err != nil {
			return err
		}
	}
	return nil
}

// sink is a gate that acknowledges every position.
type sink struct {
	ordergatev1.UnimplementedFeedServiceServer
}

// ApplyPositions implements the contract.
func (sink) ApplyPositions(_ context.Context, req *ordergatev1.ApplyPositionsRequest) (*ordergatev1.ApplyPositionsResponse, error) {
	list := req.GetPositions()
	return &ordergatev1.ApplyPositionsResponse{LastSequence: list[len(list)-1].GetSequence()}, nil
}

func startReceivables(ctx context.Context, cfg Config, dsn string, out io.Writer) (_ *receivablesBench, err error) {
	ctx, cancel := context.WithCancel(ctx)
	defer func() {
		if err != nil {
			cancel()
		}
	}()
	dir, err := os.MkdirTemp("", "aval-bench-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	b := &receivablesBench{cfg: cfg, out: out, stop: cancel, done: make(chan error, 1)}
	if b.issuer, err = authn.NewIssuer(dir); err != nil {
		return nil, err
	}
	if b.pool, err = pg.Open(ctx, pg.Config{URL: dsn, Schema: receivables.Schema, MaxConns: 8}); err != nil {
		return nil, err
	}
	err = b.pool.AcquireFunc(ctx, func(c *pgxpool.Conn) (err error) {
		_, b.postmaster, err = processorTime(int(c.Conn().PgConn().PID()))
		return err
	})
	if err != nil {
		return nil, err
	}
	clock := calendar.SystemClock(time.UTC)
	gate, err := b.server(clock)
	if err != nil {
		return nil, err
	}
	ordergatev1.RegisterFeedServiceServer(gate.Registrar(), sink{})
	addr, err := gate.Listen()
	if err != nil {
		return nil, err
	}
	peer, err := grpcclient.Dial(ctx, addr.String(), grpcclient.Options{Token: b.issuer.Source("receivables", authn.RoleService)})
	if err != nil {
		return nil, err
	}
	service, err := receivables.New(ctx, receivables.Deps{
		Pool: b.pool, Clock: clock, Log: slog.New(slog.DiscardHandler), PageKey: []byte("bench"), OrderGate: peer, Evaluation: absent{},
	})
	if err != nil {
		return nil, err
	}
	front, err := b.server(clock)
	if err != nil {
		return nil, err
	}
	service.Register(front.Registrar())
	if addr, err = front.Listen(); err != nil {
		return nil, err
	}
	go func() {
		b.done <- lifecycle.Run(ctx, slog.New(slog.DiscardHandler), lifecycle.Task{Name: "gate", Run: gate.Run},
			lifecycle.Task{Name: "receivables", Run: service.Run}, lifecycle.Task{Name: "front", Run: front.Run})
	}()
	return b, b.dial(ctx, addr.String())
}

func (b *receivablesBench) server(clock calendar.Clock) (*grpcserver.Server, error) {
	return grpcserver.New(grpcserver.Config{Addr: "127.0.0.1:0"}, grpcserver.Deps{Log: slog.New(slog.DiscardHandler), Verifier: b.issuer, Clock: clock})
}

// dial connects as all roles that the measurements need.
func (b *receivablesBench) dial(ctx context.Context, addr string) error {
	as := func(role string) (grpc.ClientConnInterface, error) {
		return grpcclient.Dial(ctx, addr, grpcclient.Options{Token: b.issuer.Source("bench "+role, role)})
	}
	erp, err := as("ERP")
	if err != nil {
		return err
	}
	service, err := as(authn.RoleService)
	if err != nil {
		return err
	}
	operator, err := as("OPERATOR")
	if err != nil {
		return err
	}
	collector, err := as("COLLECTOR")
	if err != nil {
		return err
	}
	manager, err := as("CREDIT_MANAGER")
	if err != nil {
		return err
	}
	b.dunning, b.approver = receivablesv1.NewDunningServiceClient(collector), receivablesv1.NewDunningServiceClient(manager)
	b.invoices, b.aging = receivablesv1.NewInvoiceServiceClient(erp), receivablesv1.NewAgingServiceClient(erp)
	b.feed, b.ops = receivablesv1.NewFeedServiceClient(service), receivablesv1.NewOperationsServiceClient(operator)
	return nil
}

func (b *receivablesBench) close() error {
	b.stop()
	err := <-b.done
	b.pool.Close()
	return err
}

// fillSQL makes customers with open items, due between 75 days ago and 45 days ahead of today and invoiced up to a year before; most are
// young, as in real books. The ledger's entries, which aging does not read, are left out.
const fillSQL = `
SET LOCAL session_replication_role = replica; SET LOCAL statement_timeout = 0;
INSERT INTO customers (customer_id, sequence, business_date, display_name, currency, salesperson, updated_at)
SELECT 'C' || 10000000 + n, 1, '2020-01-01', 'Customer ' || n, 'CNY', 'S' || n % 100, now() FROM generate_series(1, $CUSTOMERS) n;
INSERT INTO accounts (customer_id, currency, ledger_sequence, ledger_hash, balance, application_sequence, application_hash)
SELECT customer_id, 'CNY', 0, sha256(''), 0, 0, sha256('') FROM customers;
INSERT INTO items (item_id, customer_id, document_kind, document_id, instalment, order_id, document_date, due_date, currency, amount, salesperson, unit_id, post_date, ledger_sequence)
SELECT 'INV-' || 100000000 + n, 'C' || 10000000 + 1 + (n::bigint * 7919) % $CUSTOMERS, 'INVOICE', 'INV-' || 100000000 + n, 1, 'SO-' || n,
       current_date - age, current_date - age + 45 + (n % 3) * 15, 'CNY', 10000 + n % 90000, 'S' || n % 100, 'U' || n % 10, current_date - age, 1
FROM (SELECT n, (abs(hashint8(n)) % 366 * (abs(hashint8(n + 1)) % 366) / 366)::int AS age FROM generate_series(1, $ITEMS) n) items;
INSERT INTO item_balances (item_id, customer_id, due_date, open) SELECT item_id, customer_id, due_date, amount FROM items;
` + laddersSQL

// laddersSQL keeps of the items what posting them would have kept.
const laddersSQL = `
INSERT INTO open_moves (currency, on_date, due_date, amount, items, unapplied)
SELECT currency, document_date, due_date, sum(amount), count(*), 0 FROM items GROUP BY currency, document_date, due_date;
INSERT INTO due_ladders (customer_id, currency, newest, oldest, due_dates, opens, items, unapplied)
SELECT customer_id, 'CNY', max(newest), min(oldest), array_agg(due_date ORDER BY due_date), array_agg(opens ORDER BY due_date), array_agg(items ORDER BY due_date), 0
FROM (SELECT customer_id, due_date, max(document_date) AS newest, min(document_date) AS oldest, (sum(sum(amount)) OVER due)::bigint AS opens, (sum(count(*)) OVER due)::int AS items
      FROM items GROUP BY customer_id, due_date WINDOW due AS (PARTITION BY customer_id ORDER BY due_date)) steps
GROUP BY customer_id`

// obviousSQL is aging as everybody would write it.
const obviousSQL = `
SELECT count(*) FROM (
    SELECT customer_id, width_bucket(current_date - due_date, ARRAY[1, 31, 61, 91, 181, 361]), sum(amount), count(*) FROM items GROUP BY 1, 2) x`

// measureAging ages customers by their open items, today and on days of the past, and sums the same rows, in turn.
func measureAging(ctx context.Context, b *receivablesBench) error {
	if err := b.fill(ctx); err != nil {
		return err
	}
	today := calendar.SystemClock(time.UTC).Today(ctx)
	var sums, todays, obvious []float64
	pasts := make([][]float64, len(pastDays))
	for range b.cfg.Rounds {
		for _, m := range []struct {
			into *[]float64
			run  func() error
		}{
			{&sums, func() error { return b.query(ctx, `SELECT sum(amount) FROM items`) }},
			{&todays, func() error { return b.age(ctx, today) }},
			{&obvious, func() error { return b.query(ctx, obviousSQL) }},
		} {
			if err := timed(m.into, m.run); err != nil {
				return err
			}
		}
		for i, days := range pastDays {
			if err := timed(&pasts[i], func() error { return b.age(ctx, today.AddDays(-days)) }); err != nil {
				return err
			}
		}
	}
	sum := median(sums)
	fmt.Fprintf(b.out, "SELECT sum(amount) FROM items: %.2f s (rounds: %.2f); GROUP BY customer and bucket: %.2f s, %.1f times as long\n", sum, sums, median(obvious), median(obvious)/sum)
	fmt.Fprintf(b.out, "GetAging by customer, totals and first page of 1,000, today: %.2f s (rounds: %.2f)\n", median(todays), todays)
	var worst []float64
	for i, days := range pastDays {
		fmt.Fprintf(b.out, "the same %d days ago: %.2f s, %.1f times as long as the sum (rounds: %.2f)\n", days, median(pasts[i]), median(pasts[i])/sum, pasts[i])
		worst = append(worst, median(pasts[i]))
	}
	report(b.out, "receivables.aging10m_vs_sum", median(todays)/sum, 2)
	report(b.out, "receivables.aging10m_past_vs_sum", slices.Max(worst)/sum, 2)
	if err := b.wholeAging(ctx, today, sum); err != nil {
		return err
	}
	if err := b.groupAging(ctx, today, sum); err != nil {
		return err
	}
	return b.customerAging(ctx, today)
}

// wholeAging reads the rows of all customers, page by page.
func (b *receivablesBench) wholeAging(ctx context.Context, today calendar.Date, sum float64) error {
	var took []float64
	rows := 0
	err := timed(&took, func() error {
		for token := ""; ; {
			res, err := b.aging.GetAging(ctx, &receivablesv1.GetAgingRequest{AsOf: today.String(), GroupBy: "customer", PageSize: 1000, PageToken: token})
			if err != nil {
				return err
			}
			rows += len(res.GetRows())
			if token = res.GetNextPageToken(); token == "" {
				return nil
			}
		}
	})
	if err != nil {
		return err
	}
	fmt.Fprintf(b.out, "GetAging by customer, today, every page: %d rows in %.2f s, once\n", rows, took[0])
	report(b.out, "receivables.aging10m_every_row_vs_sum", took[0]/sum, 1)
	return nil
}

// groupAging ages customers by their grade, for which all of them are read.
func (b *receivablesBench) groupAging(ctx context.Context, today calendar.Date, sum float64) error {
	for _, days := range []int{0, 30, 90, 180} {
		var took []float64
		for range b.cfg.Rounds {
			if err := timed(&took, func() error {
				_, err := b.aging.GetAging(ctx, &receivablesv1.GetAgingRequest{AsOf: today.AddDays(-days).String(), GroupBy: "grade"})
				return err
			}); err != nil {
				return err
			}
		}
		fmt.Fprintf(b.out, "GetAging by grade, %d days ago: %.2f s, %.1f times as long as the sum (rounds: %.2f)\n", days, median(took), median(took)/sum, took)
	}
	return nil
}

func (b *receivablesBench) fill(ctx context.Context) error {
	t0 := time.Now()
	customers := b.cfg.Items / itemsEach
	sql := strings.NewReplacer("$CUSTOMERS", strconv.Itoa(customers), "$ITEMS", strconv.Itoa(b.cfg.Items)).Replace(fillSQL)
	err := pg.InTx(ctx, b.pool, func(ctx context.Context, tx pgx.Tx) error {
		_, err := tx.Exec(ctx, sql, pgx.QueryExecModeSimpleProtocol)
		return err
	})
	if err != nil {
		return err
	}
	for _, table := range []string{"customers", "accounts", "items", "item_balances", "due_ladders", "open_moves"} {
		if _, err := b.pool.Exec(ctx, `VACUUM (ANALYZE) `+table); err != nil {
			return err
		}
	}
	fmt.Fprintf(b.out, "%d open items of %d customers made by SQL, without their ledger entries, in %.0f s\n", b.cfg.Items, customers, time.Since(t0).Seconds())
	return nil
}

func (b *receivablesBench) query(ctx context.Context, sql string) error {
	var n int64
	return b.pool.QueryRow(ctx, sql).Scan(&n)
}

func (b *receivablesBench) age(ctx context.Context, at calendar.Date) error {
	_, err := b.aging.GetAging(ctx, &receivablesv1.GetAgingRequest{AsOf: at.String(), GroupBy: "customer", PageSize: 1000})
	return err
}

// customerAging ages one customer at a time, today and on days of the past; the slower of the two counts.
func (b *receivablesBench) customerAging(ctx context.Context, today calendar.Date) error {
	var now, past []float64
	for i := range 200 {
		id := "C" + strconv.Itoa(10_000_001+rand.IntN(b.cfg.Items/itemsEach)) //nolint:gosec // load, not secrets
		for _, m := range []struct {
			into *[]float64
			at   calendar.Date
		}{{&now, today}, {&past, today.AddDays(-pastDays[i%len(pastDays)])}} {
			if err := timed(m.into, func() error {
				_, err := b.aging.GetAging(ctx, &receivablesv1.GetAgingRequest{AsOf: m.at.String(), GroupBy: "customer", CustomerId: id})
				return err
			}); err != nil {
				return err
			}
		}
	}
	fmt.Fprintf(b.out, "GetAging of one customer, %d calls: today %.2f ms, on days of the past %.2f ms\n", len(now), median(now)*1000, median(past)*1000)
	report(b.out, "receivables.customer_aging_ms", max(median(now), median(past))*1000, 2)
	return nil
}

// timed notes how many seconds something takes.
func timed(into *[]float64, run func() error) error {
	t0 := time.Now()
	err := run()
	*into = append(*into, time.Since(t0).Seconds())
	return err
}
