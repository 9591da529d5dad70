package ordergate_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/avalcredit/aval/pkg/errs"
	"github.com/avalcredit/aval/pkg/grpcclient"
	evaluationv1 "github.com/avalcredit/aval/proto/gen/aval/evaluation/v1"
	pb "github.com/avalcredit/aval/proto/gen/aval/ordergate/v1"
	receivablesv1 "github.com/avalcredit/aval/proto/gen/aval/receivables/v1"
)

// withdrawals is an evaluation that takes withdrawals, after it was down for a while.
type withdrawals struct {
	absent
	mu    sync.Mutex
	down  int
	taken []*evaluationv1.Withdrawal
}

func (e *withdrawals) Invoke(ctx context.Context, method string, in, out any, opts ...grpc.CallOption) error {
	req, ok := in.(*evaluationv1.ApplyWithdrawalsRequest)
	if !ok {
		return e.absent.Invoke(ctx, method, in, out, opts...)
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.down > 0 {
		e.down--
		return status.Error(codes.Unavailable, "down")
	}
	e.taken = append(e.taken, req.GetWithdrawals()...)
	out.(*evaluationv1.ApplyWithdrawalsResponse).LastSequence = req.GetWithdrawals()[len(req.GetWithdrawals())-1].GetSequence() //nolint:forcetypeassert // as the method answers
	return nil
}

func (e *withdrawals) has() []*evaluationv1.Withdrawal {
	e.mu.Lock()
	defer e.mu.Unlock()
	return slices.Clone(e.taken)
}

func eventually(t *testing.T, what string, is func() bool) {
	t.Helper()
	for range 1000 {
		if is() {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Fatalf("not within 10 s: %s", what)
}

func (w *world) control(customer string) *pb.CustomerControl {
	w.t.Helper()
	r, err := pb.NewCustomerControlServiceClient(w.conn).GetCustomerControl(w.as("auditor", "AUDITOR"), &pb.GetCustomerControlRequest{CustomerId: customer})
	must(w.t, err)
	return r.GetControl()
}

func (w *world) block(customer string, kind pb.BlockKind, until string) error {
	_, err := pb.NewCustomerControlServiceClient(w.conn).BlockCustomer(w.as("admin", "CREDIT_MANAGER"), &pb.BlockCustomerRequest{
		RequestId: w.request(), CustomerId: customer, Kind: kind, Reason: "because", UntilDate: until,
	})
	return err
}

func (w *world) unblock(customer string) error {
	_, err := pb.NewCustomerControlServiceClient(w.conn).UnblockCustomer(w.as("admin", "CREDIT_MANAGER"), &pb.UnblockCustomerRequest{
		RequestId: w.request(), CustomerId: customer, Reason: "because",
	})
	return err
}

func (w *world) authorize(order string) *pb.AuthorizeShipmentResponse {
	w.t.Helper()
	r, err := pb.NewWarehouseServiceClient(w.conn).AuthorizeShipment(w.as("dock", "WAREHOUSE"), &pb.AuthorizeShipmentRequest{OrderId: order})
	must(w.t, err)
	return r
}

// credit makes a customer on credit.
func (w *world) credit(customer, limit string) {
	w.t.Helper()
	must(w.t, w.grant(customer, "sales", &evaluationv1.Grant{Treatment: evaluationv1.Treatment_TREATMENT_CREDIT, Limit: limitOf(limit), TermDays: 30}))
}

func (w *world) owes(customer, receivable, unapplied string) {
	w.t.Helper()
	must(w.t, w.position(&receivablesv1.Position{CustomerId: customer, Receivable: cny(receivable), Unapplied: cny(unapplied)}))
}

func (w *world) place(o *pb.Order) *pb.Order {
	w.t.Helper()
	r, err := w.orders.SubmitOrder(w.as("sales", "SALESPERSON", "SALES_MANAGER"), &pb.SubmitOrderRequest{RequestId: w.request(), Order: o})
	must(w.t, err)
	return r.GetOrder()
}

func (w *world) state(id string) pb.OrderState {
	w.t.Helper()
	r, err := w.orders.GetOrder(w.as("auditor", "AUDITOR"), &pb.GetOrderRequest{OrderId: id})
	must(w.t, err)
	return r.GetOrder().GetState()
}

// S2.18 through the API: shipping stops at once, evaluation is asked to withdraw the credit though it is down at first, the people
// responsible are told, the refusals are kept, and both directors lift the stop.
func TestCreditStopAsksForWithdrawal(t *testing.T) {
	t.Parallel()
	evaluation := &withdrawals{down: 2}
	w := newWorldWith(t, evaluation)
	w.credit("C1", "1000")
	w.place(&pb.Order{OrderId: "O1", CustomerId: "C1", Amount: cny("100")})
	if a := w.authorize("O1"); !a.GetAllowed() || a.GetValidUntil() == nil || len(a.GetReasonCodes()) > 0 {
		t.Errorf("before: %v", a)
	}
	w.owes("C1", "1200", "0")
	if w.control("C1").GetShippingStopped() {
		t.Error("stopped at 20 % over the limit")
	}
	w.owes("C1", "1200.01", "0")
	if c := w.control("C1"); !c.GetShippingStopped() || !slices.Equal(c.GetCreditStop().GetReasons(), []string{"OVER_LIMIT"}) || c.GetCreditStop().GetExcess().GetAmount() != "200.01" {
		t.Errorf("control %v", c)
	}
	eventually(t, "the withdrawal arrives", func() bool { return len(evaluation.has()) == 1 })
	if x := evaluation.has()[0]; x.GetCustomerId() != "C1" || x.GetSequence() != 1 || !strings.Contains(x.GetReason(), "S2.18") || x.GetBusinessDate() != w.today {
		t.Errorf("withdrawal %v", x)
	}
	if a := w.authorize("O1"); a.GetAllowed() || !slices.Equal(a.GetReasonCodes(), []string{"CREDIT_STOPPED"}) || a.GetValidUntil() != nil {
		t.Errorf("stopped: %v", a)
	}
	_, err := w.orders.ShipOrder(w.as("dock", "WAREHOUSE"), &pb.ShipOrderRequest{RequestId: w.request(), OrderId: "O1"})
	if errs.ReasonOf(err) != "CREDIT_STOPPED" {
		t.Errorf("shipped: %v", err)
	}
	var kept int
	must(t, w.pool.QueryRow(t.Context(), `SELECT count(*) FROM audit_events WHERE action = 'shipment.refuse' AND subject = 'order O1' AND actor = 'dock'`).Scan(&kept))
	if kept != 1 {
		t.Errorf("%d refusals in the audit trail", kept)
	}
	controls := pb.NewCustomerControlServiceClient(w.conn)
	_, err = controls.RequestStopException(w.as("seller", "SALES_MANAGER"), &pb.RequestStopExceptionRequest{
		RequestId: w.request(), CustomerId: "C1", Reason: "a state project", UntilDate: "2026-07-31", MaxExcess: cny("500"), MaxDaysOverdue: 10,
	})
	must(t, err)
	for _, director := range []string{"SALES_DIRECTOR", "FINANCE_DIRECTOR"} {
		if list, err := controls.ListCustomerControls(w.as("auditor", "AUDITOR"), &pb.ListCustomerControlsRequest{}); err != nil || len(list.GetControls()) != 1 {
			t.Errorf("list %v, %v", list, err)
		}
		_, err := controls.DecideStopException(w.as(director, director), &pb.DecideStopExceptionRequest{RequestId: w.request(), CustomerId: "C1", Approve: true, Reason: "agreed"})
		must(t, err)
	}
	if c := w.control("C1"); c.GetShippingStopped() || !c.GetException().GetInForce() || len(c.GetException().GetActs()) != 2 {
		t.Errorf("control %v", c)
	}
	if a := w.authorize("O1"); !a.GetAllowed() {
		t.Errorf("excepted: %v", a)
	}
	d, err := w.ops.GetDelivery(w.as("operator", "OPERATOR"), &pb.GetDeliveryRequest{})
	must(t, err)
	if len(d.GetStreams()) != 3 || d.GetStreams()[0].GetStream() != "withdrawal" || d.GetStreams()[0].GetPending() != 0 {
		t.Errorf("delivery %v", d)
	}
	w.verified()
}

// A breach that begins with the day is found at goods issue, refuses the goods and stops the customer.
func TestBreachIsFoundAtGoodsIssue(t *testing.T) {
	t.Parallel()
	evaluation := &withdrawals{}
	w := newWorldWith(t, evaluation)
	for _, customer := range []string{"C1", "C2"} {
		w.credit(customer, "1000")
		w.place(&pb.Order{OrderId: "O-" + customer, CustomerId: customer, Amount: cny("100")})
		must(t, w.position(&receivablesv1.Position{CustomerId: customer, Receivable: cny("10"), Unapplied: cny("0"), Ladder: []*receivablesv1.DueAmount{{DueDate: "2026-07-01", Amount: cny("10")}}}))
	}
	w.today = "2026-09-29"
	if a := w.authorize("O-C1"); !a.GetAllowed() {
		t.Errorf("on the 90th day: %v", a)
	}
	w.today = "2026-09-30"
	if a := w.authorize("O-C1"); a.GetAllowed() {
		t.Errorf("on the 91st day: %v", a)
	}
	_, err := w.orders.ShipOrder(w.as("dock", "WAREHOUSE"), &pb.ShipOrderRequest{RequestId: w.request(), OrderId: "O-C2"})
	if errs.ReasonOf(err) != "CREDIT_STOPPED" {
		t.Errorf("shipped: %v", err)
	}
	eventually(t, "both withdrawals arrive", func() bool { return len(evaluation.has()) == 2 })
	for _, customer := range []string{"C1", "C2"} {
		if c := w.control(customer); c.GetCreditStop().GetDaysOverdue() != 91 {
			t.Errorf("%s: %v", customer, c)
		}
	}
	w.verified()
}

// What ends by its date ends in the next decision, through any replica's store, and its account remembers it.
func TestExpiryThroughTheAPI(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.credit("C1", "300")
	w.place(&pb.Order{OrderId: "O1", CustomerId: "C1", Amount: cny("300"), ValidUntilDate: "2026-07-05"})
	if o := w.place(&pb.Order{OrderId: "O2", CustomerId: "C1", Amount: cny("250")}); o.GetState() != pb.OrderState_ORDER_STATE_HELD {
		t.Fatalf("O2 is %v", o.GetState())
	}
	w.today = "2026-07-06"
	r, err := w.orders.CheckOrder(w.as("sales", "SALESPERSON"), &pb.CheckOrderRequest{Order: &pb.Order{OrderId: "O3", CustomerId: "C1", Amount: cny("50")}})
	must(t, err)
	if r.GetDecision().GetVerdict() != pb.Verdict_VERDICT_APPROVE {
		t.Errorf("50 beside 250 of 300: %v", r.GetDecision())
	}
	if w.state("O1") != pb.OrderState_ORDER_STATE_APPROVED {
		t.Errorf("a question changed O1 to %v", w.state("O1"))
	}
	if a := w.authorize("O2"); !a.GetAllowed() {
		t.Errorf("O2, released by the expiry of O1: %v", a)
	}
	if w.state("O1") != pb.OrderState_ORDER_STATE_EXPIRED || w.state("O2") != pb.OrderState_ORDER_STATE_APPROVED {
		t.Errorf("O1 %v, O2 %v", w.state("O1"), w.state("O2"))
	}
	erp := w.as("erp", "ERP")
	_, err = w.orders.ShipOrder(erp, &pb.ShipOrderRequest{RequestId: w.request(), OrderId: "O2", Amount: cny("100")})
	must(t, err)
	back := &pb.ReturnGoodsRequest{RequestId: w.request(), OrderId: "O2", ReturnId: "R1", Amount: cny("40")}
	for range 2 { // sent twice, taken once
		ret, err := w.orders.ReturnGoods(erp, back)
		must(t, err)
		if o := ret.GetOrder(); o.GetReturnedAmount().GetAmount() != "40.00" || o.GetDeliveredAmount().GetAmount() != "60.00" || len(o.GetReturns()) != 1 {
			t.Errorf("returned: %v", o)
		}
	}
	closed, err := w.orders.CloseOrder(erp, &pb.CloseOrderRequest{RequestId: w.request(), OrderId: "O2"})
	must(t, err)
	if closed.GetOrder().GetState() != pb.OrderState_ORDER_STATE_CLOSED || w.account("C1").GetExposure().GetAmount() != "60.00" {
		t.Errorf("closed: %v, exposure %v", closed.GetOrder().GetState(), w.account("C1").GetExposure())
	}
	again, err := w.orders.ReopenOrder(erp, &pb.ReopenOrderRequest{RequestId: w.request(), OrderId: "O1"})
	must(t, err)
	if again.GetOrder().GetState() != pb.OrderState_ORDER_STATE_HELD || again.GetOrder().GetValidUntilDate() != "" {
		t.Errorf("reopened: %v", again.GetOrder())
	}
	w.verified()
}

// Approvals through the API: who is waited for, conditions, sent back, late, and a batch in which each order has its own result.
func TestApprovalsThroughTheAPI(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.credit("C1", "100000")
	for i, amount := range []string{"110000", "120000", "190000", "230000"} {
		w.place(&pb.Order{OrderId: fmt.Sprintf("O%d", i+1), CustomerId: "C1", Amount: cny(amount)})
	}
	waits := func(subject, role string) (ids []string) {
		t.Helper()
		r, err := w.orders.ListOrders(w.as(subject, role), &pb.ListOrdersRequest{WaitingForMe: true})
		must(t, err)
		for _, o := range r.GetOrders() {
			if o.GetApproval().GetExcess() == nil || o.GetApproval().GetDueDate() != "2026-07-04" || o.GetApproval().GetLate() != (w.today > "2026-07-04") {
				t.Errorf("%s: %v", o.GetOrderId(), o.GetApproval())
			}
			ids = append(ids, o.GetOrderId())
		}
		return ids
	}
	// O4 is over by more than the limit itself: top management first (S1.6).
	if got := waits("cm", "CREDIT_MANAGER"); !slices.Equal(got, []string{"O1", "O2", "O3"}) {
		t.Errorf("the credit manager is waited for by %v", got)
	}
	if got := waits("gm", "GENERAL_MANAGER"); !slices.Equal(got, []string{"O4"}) {
		t.Errorf("the general manager is waited for by %v", got)
	}
	batch, err := w.orders.DecideOrders(w.as("cm", "CREDIT_MANAGER"), &pb.DecideOrdersRequest{RequestId: w.request(), Items: []*pb.DecideItem{
		{OrderId: "O1", Decision: "APPROVE", Reason: "agreed", Conditions: &pb.ReleaseConditions{MaxAmount: cny("105000")}},
		{OrderId: "O2", Decision: "RETURN", Reason: "with a plan, please"},
		{OrderId: "O3", Decision: "APPROVE", Reason: "agreed"},
		{OrderId: "O9", Decision: "REJECT", Reason: "no"},
	}})
	must(t, err)
	var reasons []string
	for _, r := range batch.GetResults() {
		reasons = append(reasons, r.GetErrorReason())
	}
	if !slices.Equal(reasons, []string{"", "", "BATCH_CAP", "ORDER_UNKNOWN"}) {
		t.Errorf("results %v", reasons)
	}
	if a := batch.GetResults()[0].GetOrder(); a.GetState() != pb.OrderState_ORDER_STATE_HELD || a.GetApproval().GetState() != "APPROVED" || a.GetApproval().GetConditions().GetMaxAmount().GetAmount() != "105000.00" {
		t.Errorf("O1: %v", a)
	}
	if a := batch.GetResults()[1].GetOrder().GetApproval(); a.GetState() != "RETURNED" {
		t.Errorf("O2: %v", a)
	}
	am, err := w.orders.AmendOrder(w.as("sales", "SALESPERSON"), &pb.AmendOrderRequest{RequestId: w.request(), OrderId: "O1", Amount: cny("105000")})
	must(t, err)
	if am.GetOrder().GetState() != pb.OrderState_ORDER_STATE_APPROVED {
		t.Errorf("O1 cut to its condition is %v", am.GetOrder().GetState())
	}
	w.today = "2026-07-05" // O3's form, of the second row, is late: the third row's people may decide too
	if got := waits("gm", "GENERAL_MANAGER"); !slices.Equal(got, []string{"O3", "O4"}) {
		t.Errorf("late, the general manager is waited for by %v", got)
	}
	_, err = w.orders.ApproveOrder(w.as("cm", "CREDIT_MANAGER"), &pb.ApproveOrderRequest{RequestId: w.request(), OrderId: "O3", Reason: "x", Conditions: &pb.ReleaseConditions{}})
	if errs.KindOf(err) != errs.Invalid {
		t.Errorf("empty conditions: %v", err)
	}
	w.verified()
}

// A warehouse whose connection is cut again and again misses nothing and sees nothing out of order.
func TestWarehouseIsCutAndResumes(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	const customers, rounds = 5, 20
	for c := range customers {
		w.credit(fmt.Sprintf("C%d", c), "1000")
	}
	var writers sync.WaitGroup
	for c := range customers {
		ctx := w.as("admin", "CREDIT_MANAGER")
		writers.Go(func() {
			id, controls := fmt.Sprintf("C%d", c), pb.NewCustomerControlServiceClient(w.conn)
			for n := range rounds {
				_, err := controls.BlockCustomer(ctx, &pb.BlockCustomerRequest{RequestId: fmt.Sprint(id, "b", n), CustomerId: id, Kind: pb.BlockKind_BLOCK_KIND_STOP, Reason: "because"})
				_, err2 := controls.UnblockCustomer(ctx, &pb.UnblockCustomerRequest{RequestId: fmt.Sprint(id, "u", n), CustomerId: id, Reason: "because"})
				if err := errors.Join(err, err2); err != nil {
					t.Error(err)
				}
			}
		})
	}
	seen, last, token, cuts := map[string][]*pb.ShipmentEvent{}, map[string]int64{}, "", 0
	for total := 0; total < customers*rounds*2; {
		cuts++
		if cuts > 10_000 {
			t.Fatal("the stream does not come to its end")
		}
		for _, x := range w.listen(token, 1+rand.IntN(15)) {
			e := x.GetEvent()
			if e.GetSequence() != last[e.GetCustomerId()]+1 {
				t.Fatalf("%s: event %d after %d", e.GetCustomerId(), e.GetSequence(), last[e.GetCustomerId()])
			}
			last[e.GetCustomerId()] = e.GetSequence()
			seen[e.GetCustomerId()] = append(seen[e.GetCustomerId()], e)
			token = x.GetResumeToken()
			total++
		}
	}
	writers.Wait()
	if cuts < 10 {
		t.Errorf("cut only %d times", cuts)
	}
	for id, events := range seen {
		for i, e := range events {
			want := pb.ShipmentEventType_SHIPMENT_EVENT_TYPE_CUSTOMER_BLOCKED
			if i%2 == 1 {
				want = pb.ShipmentEventType_SHIPMENT_EVENT_TYPE_CUSTOMER_UNBLOCKED
			}
			if e.GetType() != want || e.GetEventId() != fmt.Sprintf("%s/%d", id, i+1) {
				t.Fatalf("%s: event %d is %v", id, i+1, e)
			}
		}
	}
	stream, err := pb.NewWarehouseServiceClient(w.conn).StreamShipmentEvents(w.as("dock", "WAREHOUSE"), &pb.StreamShipmentEventsRequest{ResumeToken: "forged"})
	if err == nil {
		_, err = stream.Recv()
	}
	if errs.ReasonOf(err) != "RESUME_TOKEN_INVALID" && !strings.Contains(fmt.Sprint(err), "resume token") {
		t.Errorf("a forged token: %v", err)
	}
}

// listen opens a connection of its own, takes at most n events, and is cut.
func (w *world) listen(token string, n int) (got []*pb.StreamShipmentEventsResponse) {
	w.t.Helper()
	conn, err := grpcclient.Dial(w.t.Context(), w.conn.Target(), grpcclient.Options{Timeout: time.Minute})
	must(w.t, err)
	defer conn.Close()
	ctx, cancel := context.WithTimeout(w.as("dock", "WAREHOUSE"), time.Second)
	defer cancel()
	stream, err := pb.NewWarehouseServiceClient(conn).StreamShipmentEvents(ctx, &pb.StreamShipmentEventsRequest{ResumeToken: token})
	if err != nil {
		return nil
	}
	for range n {
		x, err := stream.Recv()
		if err != nil {
			return got
		}
		got = append(got, x)
	}
	return got
}

// A decision of people is in writing, with a reason: blanks, and characters that nobody sees, are none.
func TestBlankReasonsAreNone(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.credit("C1", "100000")
	w.place(&pb.Order{OrderId: "O1", CustomerId: "C1", Amount: cny("110000")})
	for _, blank := range []string{"", "   ", "\u3000\u00a0", "\u200b"} {
		_, err := w.orders.ApproveOrder(w.as("cm", "CREDIT_MANAGER"), &pb.ApproveOrderRequest{RequestId: w.request(), OrderId: "O1", Reason: blank})
		if errs.ReasonOf(err) != errs.ReasonInvalidField {
			t.Errorf("approved because of %q: %v", blank, err)
		}
		_, err = w.orders.DecideOrders(w.as("cm", "CREDIT_MANAGER"), &pb.DecideOrdersRequest{RequestId: w.request(), Items: []*pb.DecideItem{
			{OrderId: "O1", Decision: "APPROVE", Reason: blank},
		}})
		if errs.ReasonOf(err) != errs.ReasonInvalidField {
			t.Errorf("decided because of %q: %v", blank, err)
		}
	}
	if s := w.get("O1").GetState(); s != pb.OrderState_ORDER_STATE_HELD {
		t.Errorf("O1 is %s", s)
	}
	_, err := w.orders.ApproveOrder(w.as("cm", "CREDIT_MANAGER"), &pb.ApproveOrderRequest{RequestId: w.request(), OrderId: "O1", Reason: "老客户"})
	must(t, err)
	if s := w.get("O1").GetState(); s != pb.OrderState_ORDER_STATE_APPROVED {
		t.Errorf("O1 is %s", s)
	}
}

// The form of an order that goes without the people, or ends, waits for nobody.
func TestFormsOfOrdersThatGoAreWithdrawn(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.credit("C1", "100")
	w.place(&pb.Order{OrderId: "USED", CustomerId: "C1", Amount: cny("100")})
	w.place(&pb.Order{OrderId: "GOES", CustomerId: "C1", Amount: cny("60")})
	w.place(&pb.Order{OrderId: "ENDS", CustomerId: "C1", Amount: cny("70")})
	form := func(id string) string { return w.get(id).GetApproval().GetState() }
	if form("GOES") != "PENDING" || form("ENDS") != "PENDING" {
		t.Errorf("before: %s, %s", form("GOES"), form("ENDS"))
	}
	for _, id := range []string{"ENDS", "USED"} {
		_, err := w.orders.CancelOrder(w.as("erp", "ERP"), &pb.CancelOrderRequest{RequestId: w.request(), OrderId: id})
		must(t, err)
	}
	if s := w.get("GOES").GetState(); s != pb.OrderState_ORDER_STATE_APPROVED || form("GOES") != "WITHDRAWN" || form("ENDS") != "WITHDRAWN" {
		t.Errorf("GOES is %s with form %s, ENDS has form %s", s, form("GOES"), form("ENDS"))
	}
}

// Whoever handles goods and nothing else is told no amounts; who also sells is.
func TestWarehouseSeesNoAmounts(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	must(t, w.grant("C1", "sales", credit("1000")))
	_, err := w.orders.SubmitOrder(w.as("erp", "ERP"), &pb.SubmitOrderRequest{RequestId: w.request(), Order: &pb.Order{OrderId: "O1", CustomerId: "C1", Amount: cny("100")}})
	must(t, err)
	ship, err := w.orders.ShipOrder(w.as("dock", "WAREHOUSE"), &pb.ShipOrderRequest{RequestId: w.request(), OrderId: "O1", Amount: cny("60")})
	must(t, err)
	back, err := w.orders.ReturnGoods(w.as("dock", "WAREHOUSE"), &pb.ReturnGoodsRequest{RequestId: w.request(), OrderId: "O1", Amount: cny("10")})
	must(t, err)
	for _, o := range []*pb.Order{ship.GetOrder(), back.GetOrder()} {
		if o.GetOrderId() != "O1" || o.GetState() != pb.OrderState_ORDER_STATE_APPROVED || o.GetAmount() != nil || o.GetShippedAmount() != nil || len(o.GetShipments()) > 0 {
			t.Errorf("the warehouse sees %v", o)
		}
	}
	more, err := w.orders.ShipOrder(w.as("erp", "ERP"), &pb.ShipOrderRequest{RequestId: w.request(), OrderId: "O1"})
	must(t, err)
	if more.GetOrder().GetShippedAmount().GetAmount() == "" {
		t.Errorf("the order module sees %v", more.GetOrder())
	}
}
