package app_test

import (
	"strconv"
	"sync"
	"testing"

	"github.com/avalcredit/aval/pkg/errs"
	"github.com/avalcredit/aval/pkg/money"
	"github.com/avalcredit/aval/services/receivables/internal/invoice"
	"github.com/avalcredit/aval/services/receivables/internal/receipt"
)

const racers = 16

// all runs fn at once in many goroutines.
func all(fn func(i int)) {
	var wg sync.WaitGroup
	start := make(chan struct{})
	for i := range racers {
		wg.Go(func() {
			<-start
			fn(i)
		})
	}
	close(start)
	wg.Wait()
}

// Invariant 5 under a race: receipts that name one invoice never pay more than it is.
func TestReceiptsRacingForOneInvoice(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	for round := range 5 {
		id := "C-" + strconv.Itoa(round)
		h.customer(t, id, "CNY")
		ctx := on(t, "2024-01-01")
		_, err := h.PostInvoice(ctx, h.request(), invoice.Draft{ID: id + "/I", CustomerID: id, Amount: money.New(100, "CNY")})
		must(t, err)
		var mu sync.Mutex
		paid, refused := 0, 0
		all(func(i int) {
			want := money.New(30, "CNY")
			_, err := h.PostReceipt(ctx, h.request(), receipt.Draft{ID: id + "/R" + strconv.Itoa(i), CustomerID: id, Amount: want},
				receipt.Order{Named: []receipt.Named{{InvoiceID: id + "/I", Amount: &want}}})
			mu.Lock()
			defer mu.Unlock()
			switch {
			case err == nil:
				paid++
			case errs.ReasonOf(err) == "OVERAPPLIED":
				refused++
			default:
				t.Errorf("receipt: %v", err)
			}
		})
		if paid != 3 || refused != racers-3 {
			t.Errorf("%d paid, %d refused of 30 each against 100", paid, refused)
		}
		inv, err := h.Invoice(ctx, id+"/I")
		must(t, err)
		if inv.Open.Minor != 10 {
			t.Errorf("open %s, want 0.10", inv.Open)
		}
	}
	sound(t, h)
}

// Invariant 2 under a race: the numbers of a customer's ledger have no gap, and the
// first two postings of a new account do not collide.
func TestPostingsAtOnceAreNumberedWithoutGap(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.customer(t, "C", "CNY")
	ctx := on(t, "2024-01-01")
	all(func(i int) {
		_, err := h.PostInvoice(ctx, h.request(), invoice.Draft{ID: "I" + strconv.Itoa(i), CustomerID: "C", Amount: money.New(int64(i+1), "CNY")})
		if err != nil {
			t.Errorf("invoice: %v", err)
		}
	})
	var entries, newest int64
	must(t, h.pool.QueryRow(ctx, `SELECT count(*), max(sequence) FROM ledger_entries`).Scan(&entries, &newest))
	if entries != racers || newest != racers {
		t.Errorf("%d entries, newest %d", entries, newest)
	}
	sound(t, h)
}

// Invariant 9 under a race: one request sent many times at once has one effect.
func TestOneRequestManyTimes(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.customer(t, "C", "CNY")
	ctx, req := on(t, "2024-01-01"), h.request()
	all(func(int) {
		inv, err := h.PostInvoice(ctx, req, invoice.Draft{ID: "I", CustomerID: "C", Amount: money.New(5, "CNY")})
		if err != nil || inv.ID != "I" || inv.Open.Minor != 5 {
			t.Errorf("answer %+v, %v", inv, err)
		}
	})
	var positions int64
	must(t, h.pool.QueryRow(ctx, `SELECT count(*) FROM outbox WHERE stream = 'position'`).Scan(&positions))
	if positions != 1 {
		t.Errorf("%d positions of one posting", positions)
	}
	sound(t, h)
}

func sound(t *testing.T, h *house) {
	t.Helper()
	report, err := h.Verify(clerk(t))
	must(t, err)
	if len(report.Breaks) > 0 || report.Entries == 0 {
		t.Errorf("verification: %+v", report)
	}
}
