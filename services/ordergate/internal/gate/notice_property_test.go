package gate_test

import (
	"fmt"
	"strconv"
	"testing"

	"pgregory.net/rapid"

	"github.com/avalcredit/aval/pkg/money"
	"github.com/avalcredit/aval/services/ordergate/internal/account"
	"github.com/avalcredit/aval/services/ordergate/internal/gate"
	"github.com/avalcredit/aval/services/ordergate/internal/order"
)

// noticeBooks is receivables as far as payment notices go: money that names one, money that names none, and what it is applied to.
type noticeBooks struct {
	notices  []bookedNotice
	invoices []bookedInvoice
	free     int64            // unapplied money that no notice is named for
	everFree int64            // all of it so far
	gone     map[string]int64 // goods that left against it, by order
	before   bool             // payment comes before delivery
}

type bookedNotice struct {
	account.Notice
	used      int64 // by goods that left
	withdrawn bool
}

type bookedInvoice struct {
	order string
	open  int64
}

func (b *noticeBooks) position(w *world, moves ...account.Movement) {
	p := account.Position{Seq: w.account.PositionSeq + 1, BusinessDate: w.today, Currency: "CNY", Unapplied: b.free, Movements: moves}
	for _, i := range b.invoices {
		p.Receivable += i.open
	}
	for _, n := range b.notices {
		if !n.withdrawn && (n.Open > 0 && !w.today.After(n.LastDay) || n.Unapplied > 0) {
			p.Standing.Notices = append(p.Standing.Notices, n.Notice)
		}
		if !n.withdrawn {
			p.Unapplied += n.Unapplied
		}
	}
	c, _, err := gate.ReceivePosition(w.account, p, w.orders)
	if _, err = w.take(c, err); err != nil {
		w.t.Fatal(err)
	}
	w.recheckHeld()
}

// apply pays invoices with money, those of one order or of all, and returns what is left.
func (b *noticeBooks) apply(minor int64, of func(i bookedInvoice) bool) int64 {
	for n := range b.invoices {
		if of(b.invoices[n]) {
			used := min(minor, b.invoices[n].open)
			b.invoices[n].open -= used
			minor -= used
		}
	}
	return minor
}

// pays takes goods that left out of what the books say is there for them: their order's notices first, as far as they stand and are not
// used up, then money that came for no notice. So a notice is worth its amount once and for its order only, and no money pays twice.
func (b *noticeBooks) pays(w *world, orderID string, minor int64) {
	w.t.Helper()
	left := minor
	for i := range b.notices {
		n := &b.notices[i]
		if n.OrderID != orderID || n.withdrawn {
			continue
		}
		worth := n.Received
		if !b.before && !w.today.After(n.LastDay) {
			worth += n.Open
		}
		used := min(left, max(0, worth-n.used))
		n.used += used
		left -= used
	}
	var gone int64
	for _, g := range b.gone {
		gone += g
	}
	if left > b.everFree-gone {
		w.t.Errorf("%d of order %s left, but %d is not covered: %+v, %d came for no notice, %v went", minor, orderID, left, b.notices, b.everFree, b.gone)
	}
	b.gone[orderID] += left
}

// settles takes money of a notice that was applied to invoices of its order: what it paid of goods that left against other money gives
// that money free again, and is used up itself.
func (b *noticeBooks) settles(n *bookedNotice) {
	freed := max(0, min(n.Received-n.Unapplied-n.used, b.gone[n.OrderID]))
	n.used += freed
	b.gone[n.OrderID] -= freed
}

// back undoes pays for goods that came back.
func (b *noticeBooks) back(orderID string, minor int64) {
	for i := len(b.notices) - 1; i >= 0; i-- {
		if n := &b.notices[i]; n.OrderID == orderID {
			used := min(minor, n.used)
			n.used -= used
			minor -= used
		}
	}
	b.gone[orderID] -= minor
}

// Goods sold cash on delivery never leave beyond money and notices, over random lives of orders, notices, receipts and invoices.
func TestRandomNotices(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		w, b := newWorld(t, policyCase{}), &noticeBooks{gone: map[string]int64{}}
		treatment := rapid.SampledFrom([]string{"CASH_ON_DELIVERY", "CASH_ON_DELIVERY", "PAYMENT_BEFORE_DELIVERY"}).Draw(t, "treatment")
		b.before = treatment == "PAYMENT_BEFORE_DELIVERY"
		w.run(0, step{Do: "grant", Limit: "undefined", Treatment: treatment})
		amount := func() int64 { return rapid.SampledFrom([]int64{50, 100, 100}).Draw(t, "amount") }
		pick := func() order.Order {
			return w.orders["O"+strconv.Itoa(rapid.IntRange(0, len(w.orders)-1).Draw(t, "order"))]
		}
		noticed := func() *bookedNotice {
			if len(b.notices) == 0 {
				t.Skip()
			}
			n := &b.notices[rapid.IntRange(0, len(b.notices)-1).Draw(t, "notice")]
			if n.withdrawn {
				t.Skip()
			}
			return n
		}
		for i := range 3 {
			o := order.Order{ID: "O" + strconv.Itoa(i), CustomerID: "C1", Currency: "CNY", Amount: 100, Terms: order.CashOnDelivery}
			if _, err := w.take(gate.Submit(w.env("SALESPERSON"), w.account, o)); err != nil {
				t.Fatal(err)
			}
		}
		steps := 0
		act := func(f func() error) func(*rapid.T) {
			return func(*rapid.T) {
				_ = f() // refusals are fine: they change nothing
				steps++
				w.invariants(steps)
			}
		}
		ship := act(func() error {
			var m *money.Money // all that is left
			if rapid.Bool().Draw(t, "a part") {
				v := money.New(50, "CNY")
				m = &v
			}
			o := pick()
			c, err := gate.Ship(w.env("WAREHOUSE"), w.account, o, "S"+strconv.Itoa(steps), m, false)
			if _, err = w.take(c, err); err == nil {
				b.pays(w, o.ID, w.orders[o.ID].Shipped-o.Shipped)
			}
			return err
		})
		t.Repeat(map[string]func(*rapid.T){
			"notice": act(func() error {
				v := amount()
				b.notices = append(b.notices, bookedNotice{Notice: account.Notice{
					ID: fmt.Sprintf("N%03d", len(b.notices)), OrderID: pick().ID, Open: v, Expected: w.today, LastDay: w.today.AddDays(rapid.IntRange(0, 3).Draw(t, "days")),
				}})
				b.position(w)
				return nil
			}),
			"withdraw": act(func() error {
				n := noticed()
				n.withdrawn = true
				b.free, b.everFree = b.free+n.Unapplied, b.everFree+n.Unapplied
				b.position(w)
				return nil
			}),
			"receive for a notice": act(func() error {
				n := noticed()
				v := min(amount(), n.Open)
				if v == 0 {
					t.Skip()
				}
				n.Open, n.Received, n.Unapplied = n.Open-v, n.Received+v, n.Unapplied+v
				b.position(w)
				return nil
			}),
			"receive for none": act(func() error {
				v := amount()
				b.free, b.everFree = b.free+v, b.everFree+v
				b.position(w)
				return nil
			}),
			"ship": ship, "ship again": ship, "ship once more": ship,
			"take back": act(func() error {
				o := pick()
				c, err := gate.TakeBack(w.env("WAREHOUSE"), w.account, o, "R"+strconv.Itoa(steps), money.New(amount(), "CNY"), rapid.Bool().Draw(t, "replace"))
				if _, err = w.take(c, err); err == nil {
					b.back(o.ID, o.Shipped-w.orders[o.ID].Shipped)
				}
				return err
			}),
			"invoice what was shipped": act(func() error {
				o := pick()
				if o.Delivered == 0 {
					t.Skip()
				}
				b.invoices = append(b.invoices, bookedInvoice{o.ID, o.Delivered})
				b.position(w, account.Movement{OrderID: o.ID, InvoiceID: "I" + strconv.Itoa(len(b.invoices)), Minor: o.Delivered})
				return nil
			}),
			"apply a notice's money": act(func() error {
				n := noticed()
				n.Unapplied = b.apply(n.Unapplied, func(i bookedInvoice) bool { return i.order == n.OrderID })
				b.settles(n)
				b.position(w)
				return nil
			}),
			"apply other money": act(func() error {
				b.free = b.apply(b.free, func(bookedInvoice) bool { return true })
				b.position(w)
				return nil
			}),
			"day": act(func() error { w.today = w.today.AddDays(1); return nil }),
		})
	})
}
