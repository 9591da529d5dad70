package gate_test

import (
	"maps"
	"slices"
	"strconv"
	"testing"

	"pgregory.net/rapid"

	"github.com/avalcredit/aval/pkg/approval"
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
	reversed  map[string]int64 // by order
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

// Invariants 1, 3, 4 and 14 over random lives of orders: in two currencies, shipments in parts and beyond, goods that come back, invoices
// before and after shipment, reversals, payments, amendments, cancellations, orders closed, reopened and expired with their day, releases
// with and without an end, rejections, blocks, limits cut and raised. After every step nothing is counted twice or lost, every decision
// replays to the same bytes, and the gate has gone beyond the limit only where an approval covers it.
func TestRandomLives(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		w := newWorld(t, policyCase{Tolerance: "0.1", MemoryDays: 5, OverShipment: "5", HeldReserve: rapid.Bool().Draw(t, "held orders reserve"), Authority: "100"})
		w.policy.Conversion = check.Conversion{
			Kind: rapid.SampledFrom([]check.RateKind{check.RateFrozen, check.RateCurrent}).Draw(t, "rate kind"),
			Rates: map[check.Pair][]check.Rate{{From: "USD", To: "CNY"}: {
				{From: w.today.AddDays(-1), Ratio: ratio(t, "7.1")}, {From: w.today.AddDays(2), Ratio: ratio(t, "7.3333")}, {From: w.today.AddDays(5), Ratio: ratio(t, "0.7")},
			}},
		}
		b := &books{open: map[string]int64{}, of: map[string]string{}, billed: map[string]int64{}, reversed: map[string]int64{}}
		w.run(0, step{Do: "grant", Limit: "500", Term: 30})
		pick := func() (string, bool) {
			if len(w.orders) == 0 {
				return "", false
			}
			return "O" + strconv.Itoa(rapid.IntRange(0, len(w.orders)-1).Draw(t, "order")), true
		}
		amount := func() int64 { return rapid.Int64Range(1, 30_000).Draw(t, "amount") }
		n, seen := 0, len(w.journal)
		check := func(_ any, err error) {
			if errs.KindOf(err) == errs.Internal {
				t.Fatal(err)
			}
			n++
			w.invariants(n)
			accounted(w, b)
			seen = covered(w, seen)
		}
		until := func() (last calendar.Date) {
			if d := rapid.IntRange(0, 6).Draw(t, "days it lasts"); d > 0 {
				last = w.today.AddDays(d - 1)
			}
			return last
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
				o := order.Order{ID: "O" + strconv.Itoa(len(w.orders)), CustomerID: "C1", Currency: "CNY", Amount: amount(), Terms: rapid.SampledFrom([]order.Terms{order.OpenAccount, order.Prepayment}).Draw(t, "terms")}
				o.ValidUntil = until()
				if rapid.IntRange(0, 3).Draw(t, "dollars") == 0 {
					o.Currency, o.Amount = "USD", 1+o.Amount/7
				}
				check(w.take(gate.Submit(w.env("SALESPERSON"), w.account, o)))
			},
			"amend": onOrder(func(o order.Order) error {
				m := money.New(amount(), own(o))
				c, err := gate.Amend(w.env("SALESPERSON"), w.account, o, gate.Amendment{Amount: &m, HoldIfNeeded: rapid.Bool().Draw(t, "hold")})
				_, err = w.take(c, err)
				return err
			}),
			"ship": onOrder(func(o order.Order) error {
				m := money.New(amount(), own(o))
				c, err := gate.Ship(w.env("WAREHOUSE"), w.account, o, "S"+strconv.Itoa(n), &m, rapid.Bool().Draw(t, "final"))
				_, err = w.take(c, err)
				return err
			}),
			"cancel": onOrder(func(o order.Order) error { _, err := w.do(step{Do: "cancel", Order: o.ID}); return err }),
			"take back": onOrder(func(o order.Order) error {
				c, err := gate.TakeBack(w.env("WAREHOUSE"), w.account, o, "R"+strconv.Itoa(n), money.New(amount(), own(o)), rapid.Bool().Draw(t, "replace"))
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
				c, err := gate.Reopen(w.env("SALESPERSON"), w.account, o, until(), "")
				_, err = w.take(c, err)
				return err
			}),
			"day": func(t *rapid.T) {
				w.today = w.today.AddDays(rapid.IntRange(1, 3).Draw(t, "days"))
				check(nil, w.endsByDate())
			},
			"block": func(t *rapid.T) {
				kind := rapid.SampledFrom([]account.BlockKind{account.BlockStop, account.BlockHold}).Draw(t, "kind")
				c, err := gate.Block(w.env("CREDIT_MANAGER"), w.account, account.Block{Kind: kind, Reason: "because", Until: until()})
				_, err = w.take(c, err)
				w.recheckHeld()
				check(nil, err)
			},
			"unblock": func(*rapid.T) {
				c, did, err := gate.Unblock(w.env("CREDIT_MANAGER"), w.account, "because")
				if did {
					_, err = w.take(c, err)
					w.recheckHeld()
				}
				check(nil, err)
			},
			"release until a day": onOrder(func(o order.Order) error {
				conds := order.Conditions{Until: w.today.AddDays(rapid.IntRange(0, 3).Draw(t, "days")), Payment: rapid.Int64Range(0, 1000).Draw(t, "payment")}
				c, err := gate.Act(w.env("GENERAL_MANAGER"), w.account, o, approval.Approve, "because", &conds)
				_, err = w.take(c, err)
				w.recheckHeld()
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
					b.reversed[o] += v
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
	// Money pays once: what is set aside is there. (Goods beyond the order, within the tolerance, are on credit. So are those invoiced
	// ahead of their money: where such an invoice is reversed, its order asks for more than is there, and nothing ships before it is.)
	var beyond int64
	for id, o := range w.orders {
		beyond += o.Over
		if o.Prepaid {
			beyond += b.reversed[id]
		}
	}
	if got := w.account.Buckets; got.Prepaid+got.Billed > got.Unapplied+beyond {
		w.t.Errorf("%d and %d are set aside, %d is there", got.Prepaid, got.Billed, got.Unapplied)
	}
}

// own is the currency that an order was placed in.
func own(o order.Order) string {
	if o.Conversion != nil {
		return o.Conversion.Currency
	}
	return o.Currency
}

// endsByDate ends what the date has ended, as every command does first.
func (w *world) endsByDate() error {
	for _, id := range slices.Sorted(maps.Keys(w.orders)) {
		c, did, err := gate.Expire(w.env("SYSTEM"), w.account, w.orders[id])
		if did {
			_, err = w.take(c, err)
			w.recheckHeld()
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// covered looks at the entries since the last one seen: each that brought what is ordered and delivered beyond the limit was a decision
// that found it within, or paid for, or an act of people, or follows one that covers the order as it is. What is shipped beyond the order
// within the tolerance, and invoices that are reversed, bring back or add what no decision is asked for.
func covered(w *world, seen int) int {
	w.t.Helper()
	var before account.Buckets
	if seen > 0 {
		before = w.journal[seen-1].Buckets
	}
	for i := seen; i < len(w.journal); i++ {
		e := w.journal[i]
		raised := e.Buckets.Order + e.Buckets.Delivery - before.Order - before.Delivery
		before = e.Buckets
		limit := w.account.Profile.Grant.Limit.Minor
		undecided := e.Kind == gate.OrderReleased || e.Kind == gate.OrderShipped || e.Kind == gate.PositionReceived
		if raised <= 0 || e.Buckets.Exposure() <= limit || undecided {
			continue
		}
		rec, err := check.DecodeRecord(e.Decision)
		if err != nil {
			w.t.Fatal(err)
		}
		res, in := rec.Result, rec.Input
		switch {
		case res.Verdict == check.Hold && w.policy.HeldOrdersReserve, res.Prepaid:
		case in.Order.Release != nil && 10*in.Order.Amount <= 11*in.Order.Release.Minor && w.today.DaysSince(in.Order.Release.Date) < 5:
		default:
			w.t.Errorf("entry %d (%s) goes to %d over a limit of %d without an approval: %s", e.Seq, e.Kind, e.Buckets.Exposure(), limit, e.Decision)
		}
	}
	return len(w.journal)
}
