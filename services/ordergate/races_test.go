package ordergate_test

import (
	"fmt"
	"sync"
	"testing"

	evaluationv1 "github.com/avalcredit/aval/proto/gen/aval/evaluation/v1"
	pb "github.com/avalcredit/aval/proto/gen/aval/ordergate/v1"
	receivablesv1 "github.com/avalcredit/aval/proto/gen/aval/receivables/v1"
)

func credit(limit string) *evaluationv1.Grant {
	return &evaluationv1.Grant{Treatment: evaluationv1.Treatment_TREATMENT_CREDIT, TermDays: 30, Limit: limitOf(limit)}
}

// R17: 100 orders of 10 at once, each sent three times, against a limit of 500: 50 approved, 50 held, and all answers to one request equal.
func TestManyOrdersAtOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	must(t, w.grant("C1", "sales", credit("500")))
	ctx := w.as("erp", "ERP")
	var mu sync.Mutex
	answers := map[string]map[string]int{}
	var wg sync.WaitGroup
	for i := range 100 {
		for range 3 {
			wg.Go(func() {
				id := fmt.Sprintf("O%03d", i)
				r, err := w.orders.SubmitOrder(ctx, &pb.SubmitOrderRequest{RequestId: id, Order: &pb.Order{OrderId: id, CustomerId: "C1", Amount: cny("10")}})
				mu.Lock()
				defer mu.Unlock()
				if err != nil {
					t.Errorf("%s: %v", id, err)
				}
				if answers[id] == nil {
					answers[id] = map[string]int{}
				}
				answers[id][fmt.Sprintf("%s at %d", r.GetOrder().GetState(), r.GetOrder().GetJournalSequence())]++
			})
		}
	}
	wg.Wait()
	for id, a := range answers {
		if len(a) != 1 {
			t.Errorf("%s: %v", id, a)
		}
	}
	list, err := w.orders.ListOrders(w.as("auditor", "AUDITOR"), &pb.ListOrdersRequest{CustomerId: "C1", State: pb.OrderState_ORDER_STATE_APPROVED, PageSize: 1000})
	must(t, err)
	if a := w.account("C1"); len(list.GetOrders()) != 50 || a.GetExposure().GetAmount() != "500.00" || a.GetSequence() != 101 {
		t.Errorf("%d approved, exposure %s at %d; want 50, 500.00, 101", len(list.GetOrders()), a.GetExposure().GetAmount(), a.GetSequence())
	}
	w.verified()
}

// R16 and R18: two orders that do not fit together and a payment, at once: whatever the order, no more than what fits, and the end is
// what the documents give.
func TestOrdersAndAPaymentAtOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for i := range 50 {
		customer := fmt.Sprintf("C%02d", i)
		must(t, w.grant(customer, "sales", credit("1000")))
		must(t, w.position(&receivablesv1.Position{CustomerId: customer, Receivable: cny("400"), Unapplied: cny("0")}))
		ctx := w.as("erp", "ERP")
		var wg sync.WaitGroup
		for n := range 2 {
			wg.Go(func() {
				id := fmt.Sprintf("%s-%d", customer, n)
				_, err := w.orders.SubmitOrder(ctx, &pb.SubmitOrderRequest{RequestId: id, Order: &pb.Order{OrderId: id, CustomerId: customer, Amount: cny("600")}})
				if err != nil {
					t.Error(err)
				}
			})
		}
		wg.Go(func() {
			must(t, w.position(&receivablesv1.Position{CustomerId: customer, Receivable: cny("300"), Unapplied: cny("0")}))
		})
		wg.Wait()
		a := w.account(customer)
		if a.GetBuckets().GetOrder().GetAmount() != "600.00" || a.GetExposure().GetAmount() != "900.00" {
			t.Fatalf("%s: %v; want one order of 600.00 beside 300.00", customer, a.GetBuckets())
		}
	}
	w.verified()
}
