package ordergate_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"

	"github.com/avalcredit/aval/pkg/errs"
	evaluationv1 "github.com/avalcredit/aval/proto/gen/aval/evaluation/v1"
	pb "github.com/avalcredit/aval/proto/gen/aval/ordergate/v1"
	receivablesv1 "github.com/avalcredit/aval/proto/gen/aval/receivables/v1"
)

// message is one thing that another system tells the gate of a customer, sent until it is taken.
type message struct {
	name  string
	after string // the sender has seen the answer to this one first
	send  func() error
}

// life is what happens to a customer: limits that rise, three orders, one of them changed, one cancelled twice, one over the first limit
// and within the second, shipments, and invoices that may come before the shipment they bill.
func (w *world) life(service, erp context.Context, customer string) []message {
	order := func(n int) string { return fmt.Sprintf("%s-O%d", customer, n) }
	profile := func(seq int64, limit string) func() error {
		return func() error {
			g := credit(limit)
			g.CustomerId, g.Version, g.ValidFromDate = customer, seq, "2026-01-01"
			_, err := w.feed.ApplyCreditProfiles(service, &pb.ApplyCreditProfilesRequest{Profiles: []*evaluationv1.CreditProfile{{
				CustomerId: customer, Sequence: seq, BusinessDate: "2026-07-01", DisplayName: customer, CurrencyCode: "CNY", SalespersonId: "sales", Grant: g,
			}}})
			return err
		}
	}
	position := func(seq int64, open, bills string) func() error {
		return func() error {
			p := &receivablesv1.Position{CustomerId: customer, Sequence: seq, BusinessDate: "2026-07-01", Receivable: cny(open), Unapplied: cny("0")}
			if bills != "" {
				p.Movements = []*receivablesv1.Movement{{OrderId: order(1), InvoiceId: fmt.Sprintf("I%d", seq), Amount: cny(bills)}}
			}
			_, err := w.feed.ApplyPositions(service, &pb.ApplyPositionsRequest{Positions: []*receivablesv1.Position{p}})
			return err
		}
	}
	submit := func(n int, amount string) func() error {
		return func() error {
			_, err := w.orders.SubmitOrder(erp, &pb.SubmitOrderRequest{RequestId: order(n), Order: &pb.Order{OrderId: order(n), CustomerId: customer, Amount: cny(amount)}})
			return err
		}
	}
	ship := func(n int, id, amount string) func() error {
		return func() error {
			_, err := w.orders.ShipOrder(erp, &pb.ShipOrderRequest{RequestId: order(n) + id, OrderId: order(n), ShipmentId: id, Amount: cny(amount)})
			return err
		}
	}
	cancel := func(id string) func() error {
		return func() error {
			_, err := w.orders.CancelOrder(erp, &pb.CancelOrderRequest{RequestId: customer + id, OrderId: order(2)})
			return err
		}
	}
	amend := func() error {
		_, err := w.orders.AmendOrder(erp, &pb.AmendOrderRequest{RequestId: customer + "amend", OrderId: order(1), Amount: cny("120")})
		return err
	}
	return []message{
		{name: "profile 1", send: profile(1, "1000")}, {name: "profile 2", send: profile(2, "2000")}, {name: "profile 3", send: profile(3, "5000")},
		{name: "order 1", send: submit(1, "100")}, {name: "order 2", send: submit(2, "200")}, {name: "order 3", send: submit(3, "1500")},
		{name: "amend 1", send: amend}, {name: "ship 1a", send: ship(1, "a", "50")}, {name: "ship 1b", send: ship(1, "b", "30")},
		{name: "cancel 2", send: cancel("x")}, {name: "cancel 2 again", send: cancel("y")}, {name: "ship 3", send: ship(3, "c", "700")},
		{name: "invoice a", after: "order 1", send: position(1, "50", "50")}, {name: "invoice b", after: "order 1", send: position(2, "80", "30")},
		{name: "payment", send: position(3, "20", "")},
	}
}

// deliver sends all messages in the given order; what is refused because something is missing yet comes again later, and some come twice.
func deliver(messages []message, twice func() bool) error {
	done := map[string]bool{}
	for round := 0; len(messages) > 0; round++ {
		if round > 100 {
			return fmt.Errorf("%d messages are never taken, among them %s", len(messages), messages[0].name)
		}
		var again []message
		for _, m := range messages {
			if m.after != "" && !done[m.after] {
				again = append(again, m)
				continue
			}
			err := m.send()
			switch errs.ReasonOf(err) {
			case "":
			case "SEQUENCE_GAP", "ORDER_UNKNOWN", "CUSTOMER_UNKNOWN", "ORDER_NOT_APPROVED", "CONTENDED":
				again = append(again, m)
				continue
			default:
				return fmt.Errorf("%s: %w", m.name, err)
			}
			done[m.name] = true
			if twice() {
				again = append(again, m) // a duplicate, some time later
			}
		}
		messages = again
	}
	return nil
}

// R7: duplicated, reordered and delayed messages - an order's change before the order, cancelled twice, invoiced before it was shipped -
// end where the same messages in order do.
func TestMessagesInAnyOrderEndTheSame(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.today = "2026-07-01"
	service, erp := w.as("service", "SERVICE"), w.as("erp", "ERP")
	must(t, deliver(w.life(service, erp, "C-in-order"), func() bool { return false }))
	want := w.end("C-in-order")
	permutations := 1000
	if testing.Short() {
		permutations = 100
	}
	seeds := make(chan int)
	var wg sync.WaitGroup
	for range 16 {
		wg.Go(func() {
			for seed := range seeds {
				customer := fmt.Sprintf("C%04d", seed)
				random := rand.New(rand.NewPCG(uint64(seed), 0))
				messages := w.life(service, erp, customer)
				random.Shuffle(len(messages), func(i, j int) { messages[i], messages[j] = messages[j], messages[i] })
				if err := deliver(messages, func() bool { return random.IntN(10) == 0 }); err != nil {
					t.Errorf("seed %d: %v", seed, err)
				}
			}
		})
	}
	for seed := range permutations {
		seeds <- seed
	}
	close(seeds)
	wg.Wait()
	for seed := range permutations {
		if got := w.end(fmt.Sprintf("C%04d", seed)); got != want {
			t.Errorf("seed %d ends in\n%s\nwant\n%s", seed, got, want)
		}
	}
	w.verified()
}

// end is the state of a customer and its orders.
func (w *world) end(customer string) string {
	w.t.Helper()
	a := w.account(customer)
	text := fmt.Sprintf("limit %s, buckets %v, grant %d, position %d\n", a.GetLimit().GetAmount(), a.GetBuckets(), a.GetGrantVersion(), a.GetPositionSequence())
	r, err := w.orders.ListOrders(w.as("auditor", "AUDITOR"), &pb.ListOrdersRequest{CustomerId: customer})
	must(w.t, err)
	for n, o := range r.GetOrders() {
		text += fmt.Sprintf("order %d %s: %s, reserved %s, shipped %s, delivered %s, invoiced %s, cancelled %s\n", n+1, o.GetState(), o.GetAmount().GetAmount(),
			o.GetReservedAmount().GetAmount(), o.GetShippedAmount().GetAmount(), o.GetDeliveredAmount().GetAmount(), o.GetInvoicedAmount().GetAmount(), o.GetCancelledAmount().GetAmount())
	}
	return text
}
