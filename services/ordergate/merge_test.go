package ordergate_test

import (
	"testing"

	"github.com/avalcredit/aval/pkg/errs"
	"github.com/avalcredit/aval/pkg/rpcerr"
	evaluationv1 "github.com/avalcredit/aval/proto/gen/aval/evaluation/v1"
	pb "github.com/avalcredit/aval/proto/gen/aval/ordergate/v1"
	receivablesv1 "github.com/avalcredit/aval/proto/gen/aval/receivables/v1"
)

// Two customers that are the same one: what both use counts against the survivor's limit from one moment on, orders that name the old
// number are the survivor's, and nothing is told under the old number any more.
func TestMergedCustomersAreOne(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.credit("A", "1000")
	w.credit("B", "500")
	w.place(&pb.Order{OrderId: "A1", CustomerId: "A", Amount: cny("200")})
	w.place(&pb.Order{OrderId: "B1", CustomerId: "B", Amount: cny("300")})
	ship := func(order, id, amount string) {
		t.Helper()
		_, err := w.orders.ShipOrder(w.as("store", "WAREHOUSE"), &pb.ShipOrderRequest{RequestId: w.request(), OrderId: order, ShipmentId: id, Amount: cny(amount)})
		must(t, err)
	}
	ship("B1", "S1", "100")
	held := w.place(&pb.Order{OrderId: "B2", CustomerId: "B", Amount: cny("400")})
	if held.GetState() != pb.OrderState_ORDER_STATE_HELD {
		t.Fatalf("B2 is %s", held.GetState())
	}
	w.owes("A", "250", "0")
	w.owes("B", "100", "0")
	must(t, w.profile(&evaluationv1.CreditProfile{
		CustomerId: "B", CurrencyCode: "CNY", SalespersonId: "sales", LifeCycle: evaluationv1.LifeCycle_LIFE_CYCLE_CLOSED, MergedIntoId: "A",
		Grant: &evaluationv1.Grant{Treatment: evaluationv1.Treatment_TREATMENT_CREDIT, Limit: limitOf("500"), TermDays: 30},
	}))

	merged := []*receivablesv1.MergedPosition{{CustomerId: "B", LastSequence: 1}}
	tell := func(receivable string, moves ...*receivablesv1.Movement) {
		t.Helper()
		must(t, w.position(&receivablesv1.Position{CustomerId: "A", Receivable: cny(receivable), Unapplied: cny("0"), Merged: merged, Movements: moves}))
	}
	tell("350")
	a, b := w.account("A"), w.account("B")
	if a.GetExposure().GetAmount() != "850.00" || a.GetBuckets().GetDelivery().GetAmount() != "100.00" || a.GetBuckets().GetOrder().GetAmount() != "400.00" ||
		len(a.GetMergedCustomerIds()) != 1 || a.GetMergedIntoId() != "" {
		t.Errorf("the survivor: %v", a)
	}
	if b.GetExposure().GetAmount() != "0.00" || b.GetMergedIntoId() != "A" {
		t.Errorf("the other: %v", b)
	}
	was := w.get("B2")
	if was.GetState() != pb.OrderState_ORDER_STATE_HELD || was.GetCustomerId() != "A" || was.GetNamedCustomerId() != "B" ||
		was.GetDecisionId() != held.GetDecisionId() || was.GetApproval().GetFormNumber() != held.GetApproval().GetFormNumber() {
		t.Errorf("the order on hold: %v, before it was %v", was, held)
	}
	if d, err := pb.NewDecisionServiceClient(w.conn).GetDecision(w.as("auditor", "AUDITOR"), &pb.GetDecisionRequest{DecisionId: was.GetDecisionId()}); err != nil || d.GetDecision().GetDecisionId() != was.GetDecisionId() {
		t.Errorf("its decision: %v %v", d, err)
	}

	// An order that names the old number is judged against what both use together, and is the survivor's.
	check, err := w.orders.CheckOrder(w.as("erp", "ERP"), &pb.CheckOrderRequest{Order: &pb.Order{OrderId: "B3", CustomerId: "B", Amount: cny("150.01")}})
	must(t, err)
	if v := check.GetDecision().GetVerdict(); v != pb.Verdict_VERDICT_HOLD {
		t.Errorf("beyond the limit: %s", v)
	}
	named := &pb.SubmitOrderRequest{RequestId: w.request(), Order: &pb.Order{OrderId: "B3", CustomerId: "B", Amount: cny("150")}}
	for range 2 {
		res, err := w.orders.SubmitOrder(w.as("erp", "ERP"), named)
		must(t, err)
		if o := res.GetOrder(); o.GetState() != pb.OrderState_ORDER_STATE_APPROVED || o.GetCustomerId() != "A" || o.GetNamedCustomerId() != "B" {
			t.Errorf("%v", o)
		}
	}
	ship("B1", "S2", "200")
	tell("650", &receivablesv1.Movement{OrderId: "B1", InvoiceId: "I1", Amount: cny("300")})
	if a := w.account("A"); a.GetExposure().GetAmount() != "1000.00" || a.GetBuckets().GetDelivery().GetAmount() != "0.00" {
		t.Errorf("after the invoice: %v", a)
	}
	tell("250")
	if s := w.state("B2"); s != pb.OrderState_ORDER_STATE_APPROVED {
		t.Errorf("after the payment B2 is %s", s)
	}
	refusedByMerge(t, w.block("B", pb.BlockKind_BLOCK_KIND_STOP, ""))
	refusedByMerge(t, w.position(&receivablesv1.Position{CustomerId: "B", Receivable: cny("1"), Unapplied: cny("0")}))
	w.verified()
}

func refusedByMerge(t *testing.T, err error) {
	t.Helper()
	e, ok := errs.As(rpcerr.FromError(err))
	if !ok || e.Reason != "CUSTOMER_MERGED" || e.Meta["merged_into_id"] != "A" {
		t.Errorf("want CUSTOMER_MERGED into A, have %v", err)
	}
}
