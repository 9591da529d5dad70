package gate_test

import (
	"maps"
	"slices"
	"strconv"
	"testing"

	"pgregory.net/rapid"

	"github.com/avalcredit/aval/pkg/calendar"
	"github.com/avalcredit/aval/pkg/errs"
	"github.com/avalcredit/aval/pkg/money"
	"github.com/avalcredit/aval/services/ordergate/internal/account"
	"github.com/avalcredit/aval/services/ordergate/internal/check"
	"github.com/avalcredit/aval/services/ordergate/internal/gate"
	"github.com/avalcredit/aval/services/ordergate/internal/order"
)

// books is receivables as the test keeps it: invoices with what is open of them, and money not applied.
type books struct {
	open      map[string]int64
	of        map[string]string // invoice -> order
	billed    map[string]int64
	unapplied int64
	next      int
}

func (b *books) position(w *world, moves ...account.Movement) {
	p := account.Position{Seq: w.account.PositionSeq + 1, BusinessDate: w.today, Currency: "CNY", Unapplied: b.unapplied, Movements: moves}
	for _, v := range b.open {
		p.Receivable += v
	}
	if p.Receivable > 0 {
		p.Ladder = account.Ladder{{Date: w.today.AddDays(30), Minor: p.Receivable}}
	}
	c, _, err := gate.ReceivePosition(w.account, p, w.orders)
	if _, err = w.take(c, err); err != nil {
		w.t.Fatal(err)
	}
	w.recheckHeld()
}

// Invariants 1, 3 and 4 over random lives of orders: shipments in parts and beyond, invoices before and after shipment, reversals,
// payments, amendments, cancellations, releases, limits cut and raised. After every step nothing is counted twice or lost, every
// decision replays to the same bytes, and credit beyond the limit exists only where people released it or the limit was cut.
func TestRandomLives(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		w := newWorld(t, policyCase{Tolerance: "0.1", MemoryDays: 5, OverShipment: "5", HeldReserve: rapid.Bool().Draw(t, "held orders reserve"), Authority: "100"})
		b := &books{open: map[string]int64{}, of: map[string]string{}, billed: map[string]int64{}}
		w.run(0, step{Do: "grant", Limit: "500", Term: 30})
		pick := func() (string, bool) {
			if len(w.orders) == 0 {
				return "", false
			}
			return "O" + strconv.Itoa(rapid.IntRange(0, len(w.orders)-1).Draw(t, "order")), true
		}
		amount := func() int64 { return rapid.Int64Range(1, 30_000).Draw(t, "amount") }
		n := 0
		check := func(_ any, err error) {
			if errs.KindOf(err) == errs.Internal {
				t.Fatal(err)
			}
			n++
			w.invariants(n)
			accounted(w, b)
		}
		onOrder := func(act func(o order.Order) error) func(*rapid.T) {
			return func(t *rapid.T) {
				if id, ok := pick(); ok {
					check(nil, act(w.orders[id]))
				} else {
					t.Skip()
				}
			}
		}
		t.Repeat(map[string]func(*rapid.T){
			"submit": func(t *rapid.T) {
				o := order.Order{ID: "O" + strconv.Itoa(len(w.orders)), CustomerID: "C1", Currency: "CNY", Amount: amount(), Terms: order.OpenAccount}
				within(w, func() { check(w.take(gate.Submit(w.env("SALESPERSON"), w.account, o))) })
			},
			"amend": onOrder(func(o order.Order) error {
				m := money.New(amount(), "CNY")
				c, err := gate.Amend(w.env("SALESPERSON"), w.account, o, gate.Amendment{Amount: &m, HoldIfNeeded: rapid.Bool().Draw(t, "hold")})
				_, err = w.take(c, err)
				return err
			}),
			"ship": onOrder(func(o order.Order) error {
				m := money.New(amount(), "CNY")
				c, err := gate.Ship(w.env("WAREHOUSE"), w.account, o, "S"+strconv.Itoa(n), &m, rapid.Bool().Draw(t, "final"))
				_, err = w.take(c, err)
				return err
			}),
			"cancel": onOrder(func(o order.Order) error { _, err := w.do(step{Do: "cancel", Order: o.ID}); return err }),
			"take back": onOrder(func(o order.Order) error {
				c, err := gate.TakeBack(w.env("WAREHOUSE"), w.account, o, "R"+strconv.Itoa(n), money.New(amount(), "CNY"), rapid.Bool().Draw(t, "replace"))
				_, err = w.take(c, err)
				return err
			}),
			"close": onOrder(func(o order.Order) error {
				c, did, err := gate.Close(w.env("SALESPERSON"), w.account, o, "")
				if did {
					_, err = w.take(c, err)
					w.recheckHeld()
				}
				return err
			}),
			"reopen": onOrder(func(o order.Order) error {
				var err error
				within(w, func() {
					var c gate.Change
					c, err = gate.Reopen(w.env("SALESPERSON"), w.account, o, calendar.Date{}, "")
					_, err = w.take(c, err)
				})
				return err
			}),
			"release": onOrder(func(o order.Order) error {
				_, err := w.do(step{Do: "approve", Order: o.ID, By: rapid.SampledFrom([]string{"CREDIT_MANAGER", "GENERAL_MANAGER"}).Draw(t, "role")})
				return err
			}),
			"reject": onOrder(func(o order.Order) error {
				_, err := w.do(step{Do: "reject", Order: o.ID, By: "GENERAL_MANAGER"})
				return err
			}),
			"recheck": onOrder(func(o order.Order) error { _, err := w.do(step{Do: "recheck", Order: o.ID}); return err }),
			"invoice": onOrder(func(o order.Order) error {
				id, v := "I"+strconv.Itoa(b.next), amount()
				b.next++
				b.open[id], b.of[id], b.billed[id] = v, o.ID, v
				b.position(w, account.Movement{OrderID: o.ID, InvoiceID: id, Minor: v})
				return nil
			}),
			"reverse": func(t *rapid.T) {
				for _, id := range slices.Sorted(maps.Keys(b.of)) {
					b.unapplied += b.billed[id] - b.open[id]
					o, v := b.of[id], b.billed[id]
					delete(b.open, id)
					delete(b.of, id)
					b.position(w, account.Movement{OrderID: o, InvoiceID: id, Minor: -v})
					check(nil, nil)
					return
				}
				t.Skip()
			},
			"pay": func(t *rapid.T) {
				left := amount()
				for _, id := range slices.Sorted(maps.Keys(b.open)) {
					used := min(b.open[id], left)
					b.open[id] -= used
					left -= used
				}
				b.unapplied += left
				b.position(w)
				check(nil, nil)
			},
			"limit": func(*rapid.T) {
				_, err := w.do(step{Do: "grant", Limit: money.New(amount()*2, "CNY").String(), Term: 30})
				check(nil, err)
			},
		})
	})
}

// accounted compares the gate's buckets with the books.
func accounted(w *world, b *books) {
	w.t.Helper()
	var open int64
	for _, v := range b.open {
		open += v
	}
	if got := w.account.Buckets; got.Receivable != open || got.Unapplied != b.unapplied {
		w.t.Errorf("gate has %d/%d, the books %d/%d", got.Receivable, got.Unapplied, open, b.unapplied)
	}
}

// within holds that the gate itself never approves beyond the limit: an order that it approves without people fits.
func within(w *world, act func()) {
	w.t.Helper()
	before := len(w.journal)
	act()
	for _, e := range w.journal[before:] {
		rec, err := check.DecodeRecord(e.Decision)
		if err != nil {
			w.t.Fatal(err)
		}
		if rec.Result.Verdict == check.Approve && e.Buckets.Exposure() > w.account.Profile.Grant.Limit.Minor {
			w.t.Errorf("approved to %d over a limit of %d", e.Buckets.Exposure(), w.account.Profile.Grant.Limit.Minor)
		}
	}
}
