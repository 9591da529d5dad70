package ordergate_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/avalcredit/aval/pkg/errs"
	evaluationv1 "github.com/avalcredit/aval/proto/gen/aval/evaluation/v1"
	pb "github.com/avalcredit/aval/proto/gen/aval/ordergate/v1"
	typev1 "github.com/avalcredit/aval/proto/gen/aval/type/v1"
)

const byPriority = `
name: By priority
base_currency: CNY
release_memory: {tolerance_percent: "0", days: 0}
release_authority:
  - steps: [{name: approval, roles: [ROLE_CREDIT_MANAGER]}]
rules:
  - {name: limit, limit: {}}
waiting_order: [WAITING_CRITERION_PRIORITY, WAITING_CRITERION_AMOUNT_SMALLEST]
conversion:
  kind: RATE_KIND_CURRENT
  rates:
    - {from_currency: USD, to_currency: CNY, rate: "7", from_date: "2026-01-01"}
`

// recheck judges again what waits, and gives the orders that were approved.
func (w *world) recheck(customer string) []string {
	w.t.Helper()
	r, err := w.orders.RecheckWaitingOrders(w.as("manager", "CREDIT_MANAGER"), &pb.RecheckWaitingOrdersRequest{CustomerId: customer})
	must(w.t, err)
	if r.GetNextPageToken() != "" {
		w.t.Errorf("more accounts after %d", r.GetAccounts())
	}
	return r.GetApprovedOrderIds()
}

func (w *world) get(id string) *pb.Order {
	w.t.Helper()
	r, err := w.orders.GetOrder(w.as("auditor", "AUDITOR"), &pb.GetOrderRequest{OrderId: id})
	must(w.t, err)
	return r.GetOrder()
}

// A day on which a temporary limit begins, through the API: orders go by priority, then the smaller first; who was passed over shows it.
func TestNewDayThroughTheAPI(t *testing.T) {
	t.Parallel()
	w := signed(t, byPriority)
	must(t, w.grant("C1", "sales", &evaluationv1.Grant{
		Treatment: evaluationv1.Treatment_TREATMENT_CREDIT, TermDays: 30, Limit: limitOf("0"),
		TemporaryLimits: []*evaluationv1.TemporaryLimit{{Mode: evaluationv1.TemporaryLimitMode_TEMPORARY_LIMIT_MODE_ADD, Amount: cny("500"), FromDate: "2026-07-10", UntilDate: "2026-07-20"}},
	}))
	for id, o := range map[string]*pb.Order{
		"BIG": {Amount: cny("600"), Priority: 9}, "OLD": {Amount: cny("300")}, "SMALL": {Amount: cny("200")}, "URGENT": {Amount: cny("250"), Priority: 1},
	} {
		o.OrderId, o.CustomerId = id, "C1"
		r, err := w.orders.SubmitOrder(w.as("erp", "ERP"), &pb.SubmitOrderRequest{RequestId: w.request(), Order: o})
		must(t, err)
		if got := r.GetOrder(); got.GetState() != pb.OrderState_ORDER_STATE_HELD || got.GetPriority() != o.GetPriority() {
			t.Fatalf("%s: %v", id, got)
		}
	}
	w.today = "2026-07-09"
	if got := w.recheck(""); len(got) > 0 {
		t.Errorf("the day before: %v", got)
	}
	w.today = "2026-07-10"
	if got := w.recheck(""); !slices.Equal(got, []string{"URGENT", "SMALL"}) {
		t.Errorf("approved %v, want URGENT and then SMALL", got)
	}
	if got := w.recheck("C1"); len(got) > 0 {
		t.Errorf("once more: %v", got)
	}
	p := w.get("BIG").GetPassedOver()
	if p.GetCount() != 2 || p.GetLastDate() != "2026-07-10" || p.GetLastOrderId() != "SMALL" || p.GetLastDecisionId() != w.get("SMALL").GetDecisionId() {
		t.Errorf("BIG was passed over: %v", p)
	}
	if p := w.get("OLD").GetPassedOver(); p != nil {
		t.Errorf("OLD stands behind all that went: %v", p)
	}
	list, err := w.orders.ListOrders(w.as("auditor", "AUDITOR"), &pb.ListOrdersRequest{PassedOver: true})
	must(t, err)
	if len(list.GetOrders()) != 1 || list.GetOrders()[0].GetOrderId() != "BIG" || list.GetOrders()[0].GetPassedOver().GetCount() != 2 {
		t.Errorf("passed over: %v", list)
	}
	w.verified()
}

// Another policy with another rate lets an order in another currency go, from its first day on.
func TestNewRateThroughTheAPI(t *testing.T) {
	t.Parallel()
	w := signed(t, byPriority)
	must(t, w.grant("C1", "sales", credit("1000")))
	o := w.order("O1", "C1", &typev1.Money{CurrencyCode: "USD", Amount: "150"}, "").GetOrder()
	if o.GetState() != pb.OrderState_ORDER_STATE_HELD {
		t.Fatalf("O1: %v", o)
	}
	v, err := w.policies.CreateOrderPolicy(w.as("writer", "CREDIT_MANAGER"), &pb.CreateOrderPolicyRequest{
		RequestId: w.request(), Source: &pb.CreateOrderPolicyRequest_Yaml{Yaml: strings.Replace(byPriority, `"7"`, `"6.5"`, 1)}})
	must(t, err)
	_, err = w.policies.SignOrderPolicy(w.as("signer", "GENERAL_MANAGER"), &pb.SignOrderPolicyRequest{RequestId: w.request(), Version: v.GetVersion().GetVersion(), EffectiveFromDate: "2026-07-05"})
	must(t, err)
	w.today = "2026-07-04"
	if got := w.recheck(""); len(got) > 0 {
		t.Errorf("the day before: %v", got)
	}
	w.today = "2026-07-05"
	if got := w.recheck(""); !slices.Equal(got, []string{"O1"}) {
		t.Errorf("approved %v, want O1", got)
	}
	if o := w.get("O1"); o.GetReservedAmount().GetAmount() != "975.00" || o.GetConversion().GetRate() != "6.5" {
		t.Errorf("O1: %v", o)
	}
	w.verified()
}

// A priority is changed by those whom the order of all customers concerns; the form goes on, and credit goes by the new order.
func TestPriorityThroughTheAPI(t *testing.T) {
	t.Parallel()
	w := signed(t, byPriority)
	must(t, w.grant("C1", "sales", credit("500")))
	w.order("USED", "C1", cny("500"), "")
	w.order("O1", "C1", cny("300"), "")
	w.order("O2", "C1", cny("400"), "")
	rank := func(role string, to int32) (*pb.AmendOrderResponse, error) {
		return w.orders.AmendOrder(w.as("sales", role), &pb.AmendOrderRequest{RequestId: w.request(), OrderId: "O2", Priority: &to})
	}
	if _, err := rank("SALESPERSON", 1); errs.ReasonOf(err) != "PRIORITY_NOT_ALLOWED" || errs.KindOf(err) != errs.PermissionDenied {
		t.Errorf("a salesperson: %v", err)
	}
	if _, err := rank("SALES_MANAGER", 10); errs.KindOf(err) != errs.Invalid {
		t.Errorf("priority 10: %v", err)
	}
	form := w.get("O2").GetApproval().GetFormNumber()
	r, err := rank("SALES_MANAGER", 3)
	must(t, err)
	if o := r.GetOrder(); o.GetPriority() != 3 || o.GetApproval().GetFormNumber() != form || r.GetDecision() != nil || o.GetState() != pb.OrderState_ORDER_STATE_HELD {
		t.Errorf("after: %v", r)
	}
	_, err = w.orders.CancelOrder(w.as("erp", "ERP"), &pb.CancelOrderRequest{RequestId: w.request(), OrderId: "USED"})
	must(t, err)
	if one, two := w.state("O1"), w.state("O2"); one != pb.OrderState_ORDER_STATE_HELD || two != pb.OrderState_ORDER_STATE_APPROVED {
		t.Errorf("O1 is %s, O2 %s", one, two)
	}
	if _, err := w.orders.RecheckWaitingOrders(w.as("sales", "SALESPERSON"), &pb.RecheckWaitingOrdersRequest{}); errs.KindOf(err) != errs.PermissionDenied {
		t.Errorf("a salesperson judges all again: %v", err)
	}
	w.verified()
}
