package ordergate_test

import (
	"cmp"
	"os"
	"slices"
	"strings"
	"testing"

	optionsv1 "github.com/avalcredit/aval/proto/gen/aval/options/v1"
	pb "github.com/avalcredit/aval/proto/gen/aval/ordergate/v1"
	typev1 "github.com/avalcredit/aval/proto/gen/aval/type/v1"
	"github.com/avalcredit/aval/services/ordergate/internal/casefile"
)

// The cases of approvals, blocks, stops and the ends of orders through the API. What warehouses and evaluation are told reaches them
// later, which has tests of its own; here counts what people see.
func TestControlCasesThroughTheAPI(t *testing.T) {
	t.Parallel()
	cases, err := casefile.ReadControls(os.DirFS("testdata/controls"))
	must(t, err)
	for _, c := range cases {
		t.Run(c.ID, func(t *testing.T) {
			t.Parallel()
			p := &controlPlayer{player: &player{world: newWorld(t)}}
			p.sign(controlPolicy(c.Policy))
			for i, s := range c.Steps {
				p.step = i + 1
				p.playControl(s)
			}
			p.verified()
		})
	}
}

func controlPolicy(c casefile.ControlPolicy) *pb.OrderPolicy {
	memory := 5
	if c.NoMemory {
		memory = 0
	}
	p := policyOf(casefile.Policy{Authority: c.Authority, Tolerance: "0.1", MemoryDays: memory, HeldReserve: c.HeldReserve, OverShipment: c.OverShipment})
	p.Controls = &pb.OrderControls{ApprovalDueDays: int32(c.DueDays), RaisedLimitLiftsHold: !c.KeepHold, ShipmentAnswerMinutes: 15}
	if s := c.Stop; s != nil {
		p.Controls.CreditStop = &pb.CreditStopRule{OverLimitPercent: s.Percent, OverdueDays: int32(s.Days), ReleasesCount: s.Count}
	}
	if c.SevereRatio != "" || c.SevereDays > 0 {
		p.Controls.SeverelyOver = &pb.SevereExcess{
			ExcessRatio: c.SevereRatio, DaysOverdue: int32(c.SevereDays),
			Step: &typev1.ApprovalStep{Name: "top management", Roles: []optionsv1.Role{optionsv1.Role_ROLE_CHAIRMAN}},
		}
	}
	return p
}

// controlPlayer plays the steps of a control case.
type controlPlayer struct {
	*player
	why []string // of a shipment that was asked for
}

func (p *controlPlayer) playControl(s casefile.ControlStep) {
	p.t.Helper()
	if s.Date != "" {
		p.today = s.Date
	}
	p.why = nil
	base := casefile.Step{
		Do: s.Do, Order: s.Order, Limit: s.Limit, Treatment: s.Treatment, Term: 30, Receivable: s.Receivable, Unapplied: s.Unapplied,
		Due: s.Due, Bills: s.Bills, Amount: s.Amount, TermDays: s.TermDays, Terms: s.Terms, By: s.By, Want: s.Want, Error: s.Error, Buckets: s.Buckets,
	}
	if s.Do == "submit" {
		base.By = ""
	}
	got := p.control(s, base)
	p.failsAs(base, got.err)
	p.expect(base, got)
	p.stands(s)
	p.conserved()
}

func (p *controlPlayer) control(s casefile.ControlStep, base casefile.Step) shown {
	role := cmp.Or(s.By, "CREDIT_MANAGER")
	subject := "person-" + role
	ctx := p.as(subject, role)
	sales := p.as("person-SALESPERSON", "SALESPERSON", "SALES_MANAGER")
	controls := pb.NewCustomerControlServiceClient(p.conn)
	switch s.Do {
	case "day": // whatever asks about the customer ends first what the date has ended
		_, err := pb.NewWarehouseServiceClient(p.conn).AuthorizeShipment(p.as("dock", "WAREHOUSE"), &pb.AuthorizeShipmentRequest{OrderId: s.Order})
		return shown{err: err}
	case "submit":
		o := orderOf(base)
		o.ValidUntilDate = s.Until
		r, err := p.orders.SubmitOrder(sales, &pb.SubmitOrderRequest{RequestId: p.request(), Order: o})
		return shown{r.GetDecision(), err}
	case "amend":
		_, err := p.orders.AmendOrder(sales, &pb.AmendOrderRequest{RequestId: p.request(), OrderId: s.Order, Amount: cny(s.Amount), RequestedTermDays: days(s.TermDays), HoldIfNeeded: s.Kind == "hold"})
		return shown{err: err}
	case "approve":
		req := &pb.ApproveOrderRequest{RequestId: p.request(), OrderId: s.Order, Reason: "because"}
		if s.MaxAmount+s.Payment+s.Until != "" {
			req.Conditions = &pb.ReleaseConditions{UntilDate: s.Until, MaxAmount: some(s.MaxAmount), Payment: some(s.Payment)}
		}
		_, err := p.orders.ApproveOrder(ctx, req)
		return shown{err: err}
	case "send back":
		_, err := p.orders.SendBackOrder(ctx, &pb.SendBackOrderRequest{RequestId: p.request(), OrderId: s.Order, Reason: "because"})
		return shown{err: err}
	case "authorize":
		r, err := pb.NewWarehouseServiceClient(p.conn).AuthorizeShipment(p.as("dock", "WAREHOUSE"), &pb.AuthorizeShipmentRequest{OrderId: s.Order, Amount: some(s.Amount)})
		p.why = r.GetReasonCodes()
		return shown{err: err}
	case "take back":
		_, err := p.orders.ReturnGoods(p.as("warehouse", "WAREHOUSE"), &pb.ReturnGoodsRequest{RequestId: p.request(), OrderId: s.Order, ReturnId: p.request(), Amount: cny(s.Amount), Replace: s.Replace})
		return shown{err: err}
	case "close":
		_, err := p.orders.CloseOrder(sales, &pb.CloseOrderRequest{RequestId: p.request(), OrderId: s.Order})
		return shown{err: err}
	case "reopen":
		_, err := p.orders.ReopenOrder(sales, &pb.ReopenOrderRequest{RequestId: p.request(), OrderId: s.Order, ValidUntilDate: s.Until})
		return shown{err: err}
	case "block":
		return shown{err: p.block("C1", pb.BlockKind(pb.BlockKind_value["BLOCK_KIND_"+s.Kind]), s.Until)}
	case "unblock":
		return shown{err: p.unblock("C1")}
	case "ask exception":
		_, err := controls.RequestStopException(p.as("person-SALES_MANAGER", "SALES_MANAGER"), &pb.RequestStopExceptionRequest{
			RequestId: p.request(), CustomerId: "C1", Reason: "because", UntilDate: s.Until, MaxExcess: cny(s.MaxExcess), MaxDaysOverdue: int32(s.MaxDays),
		})
		return shown{err: err}
	case "sign exception", "reject exception":
		roles := []string{role}
		if role == "SALES_MANAGER" {
			roles = append(roles, "SALES_DIRECTOR") // the same person in two roles
		}
		_, err := controls.DecideStopException(p.as(subject, roles...), &pb.DecideStopExceptionRequest{
			RequestId: p.request(), CustomerId: "C1", Approve: s.Do == "sign exception", Reason: "because",
		})
		return shown{err: err}
	}
	return p.do(base)
}

// some is an amount where there is one.
func some(amount string) *typev1.Money {
	if amount == "" {
		return nil
	}
	return cny(amount)
}

func (p *controlPlayer) stands(s casefile.ControlStep) {
	p.t.Helper()
	if s.Form != "" {
		if got := p.order(s.Order).GetApproval().GetState(); got != s.Form {
			p.t.Errorf("step %d: form of %s is %s, want %s", p.step, s.Order, got, s.Form)
		}
	}
	switch {
	case s.Do == "authorize":
		if s.Allowed != (len(p.why) == 0) || !slices.Equal(p.why, s.Reasons) {
			p.t.Errorf("step %d: %s may not ship for %v, want %v", p.step, s.Order, p.why, s.Reasons)
		}
		return // where it finds a breach, it stops the customer: what the gate itself does with the next command
	case s.Reasons != nil:
		if got := p.order(s.Order).GetHoldReasons(); !slices.Equal(got, s.Reasons) {
			p.t.Errorf("step %d: held by %v, want %v", p.step, got, s.Reasons)
		}
	}
	c := p.world.control("C1")
	if s.Stopped != nil && *s.Stopped != (c.GetCreditStop() != nil) {
		p.t.Errorf("step %d: stop is %v", p.step, c.GetCreditStop())
	}
	if s.Blocked != nil && *s.Blocked != c.GetBlock().GetInForce() {
		p.t.Errorf("step %d: block is %v", p.step, c.GetBlock())
	}
	if len(s.Next) > 0 && !p.waitsFor(s.Order, s.Next[0]) {
		p.t.Errorf("step %d: %s does not wait for %s", p.step, s.Order, s.Next[0])
	}
}

// waitsFor says whether the next step of the order's form may be taken by the role today.
func (p *controlPlayer) waitsFor(order, role string) bool {
	p.t.Helper()
	r, err := p.orders.ListOrders(p.as("anybody-"+strings.ToLower(role), role), &pb.ListOrdersRequest{WaitingForMe: true})
	must(p.t, err)
	return slices.ContainsFunc(r.GetOrders(), func(o *pb.Order) bool { return o.GetOrderId() == order })
}
