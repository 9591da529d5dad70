package rpc

import (
	"cmp"
	"context"
	"slices"
	"strconv"

	"github.com/avalcredit/aval/pkg/approval"
	"github.com/avalcredit/aval/pkg/authn"
	"github.com/avalcredit/aval/pkg/errs"
	"github.com/avalcredit/aval/pkg/money"
	pb "github.com/avalcredit/aval/proto/gen/aval/ordergate/v1"
	"github.com/avalcredit/aval/services/ordergate/internal/account"
	"github.com/avalcredit/aval/services/ordergate/internal/app"
	"github.com/avalcredit/aval/services/ordergate/internal/gate"
	"github.com/avalcredit/aval/services/ordergate/internal/order"
)

// Orders implements OrderService.
type Orders struct {
	pb.UnsafeOrderServiceServer
	Gate    *app.Gate
	Queries *app.Queries
}

var _ pb.OrderServiceServer = (*Orders)(nil)

func parseOrder(m *pb.Order) (order.Order, error) {
	amount, err := parseMoney("order.amount", m.GetAmount())
	if err != nil {
		return order.Order{}, err
	}
	date, err := parseDate("order.order_date", m.GetOrderDate())
	if err != nil {
		return order.Order{}, err
	}
	delivery, err := parseDate("order.requested_delivery_date", m.GetRequestedDeliveryDate())
	if err != nil {
		return order.Order{}, err
	}
	until, err := parseDate("order.valid_until_date", m.GetValidUntilDate())
	if err != nil {
		return order.Order{}, err
	}
	return order.Order{
		ID: m.GetOrderId(), CustomerID: m.GetCustomerId(), BuyerID: m.GetBuyerId(), Reference: m.GetReference(),
		UnitID: m.GetUnitId(), SalespersonID: m.GetSalespersonId(),
		Currency: amount.Currency, Amount: amount.Minor, TermDays: dayCount(m.RequestedTermDays), //nolint:protogetter // absent is not zero
		Terms:     order.Terms(word(m.GetPaymentTerms().String(), "PAYMENT_TERMS_", string(order.OpenAccount))),
		OrderDate: date, RequestedDelivery: delivery, ValidUntil: until, Priority: int(m.GetPriority()),
	}, nil
}

// CheckOrder implements the contract.
func (s *Orders) CheckOrder(ctx context.Context, r *pb.CheckOrderRequest) (*pb.CheckOrderResponse, error) {
	o, err := parseOrder(r.GetOrder())
	if err != nil {
		return nil, err
	}
	a, err := s.Gate.Check(ctx, caller(ctx), o)
	if err != nil {
		return nil, err
	}
	return &pb.CheckOrderResponse{Decision: decisionOf(*a.Record)}, nil
}

// SubmitOrder implements the contract.
func (s *Orders) SubmitOrder(ctx context.Context, r *pb.SubmitOrderRequest) (*pb.SubmitOrderResponse, error) {
	sub, err := s.begin(ctx, r)
	if err != nil {
		return nil, err
	}
	a, err := sub.Answer()
	if err != nil {
		return nil, err
	}
	return &pb.SubmitOrderResponse{Order: orderOf(a.Order), Decision: decisionOfEntry(a)}, nil
}

func (s *Orders) begin(ctx context.Context, r *pb.SubmitOrderRequest) (app.Submission, error) {
	o, err := parseOrder(r.GetOrder())
	if err != nil {
		return app.Submission{}, err
	}
	if o.Amount < 0 && o.Terms != order.OpenAccount {
		return app.Submission{}, errs.Field("order.payment_terms", "RETURN_TERMS", "a return (amount below zero) has no payment terms")
	}
	return s.Gate.BeginSubmit(ctx, caller(ctx), request(ctx, "SubmitOrder", r.GetRequestId(), r), o), nil
}

// AmendOrder implements the contract.
func (s *Orders) AmendOrder(ctx context.Context, r *pb.AmendOrderRequest) (*pb.AmendOrderResponse, error) {
	if r.GetAmount() == nil && r.RequestedTermDays == nil && r.Priority == nil && r.GetRequestedDeliveryDate() == "" && r.GetValidUntilDate() == "" { //nolint:protogetter // absent is not zero
		return nil, errs.Field("amount", "NOTHING_TO_CHANGE", "an amendment changes the amount, requested_term_days, requested_delivery_date, valid_until_date or the priority; to have an order judged again, recheck it")
	}
	m := gate.Amendment{TermDays: dayCount(r.RequestedTermDays), HoldIfNeeded: r.GetHoldIfNeeded(), Priority: dayCount(r.Priority)} //nolint:protogetter // absent is not zero
	if r.GetAmount() != nil {
		amount, err := parseMoney("amount", r.GetAmount())
		if err != nil {
			return nil, err
		}
		m.Amount = &amount
	}
	delivery, err := parseDate("requested_delivery_date", r.GetRequestedDeliveryDate())
	if err != nil {
		return nil, err
	}
	until, err := parseDate("valid_until_date", r.GetValidUntilDate())
	if err != nil {
		return nil, err
	}
	m.RequestedDelivery = func(o *order.Order) {
		if !delivery.IsZero() {
			o.RequestedDelivery = delivery
		}
		if !until.IsZero() {
			o.ValidUntil = until
		}
	}
	a, err := s.Gate.Amend(ctx, caller(ctx), request(ctx, "AmendOrder", r.GetRequestId(), r), r.GetOrderId(), m)
	if err != nil {
		return nil, err
	}
	return &pb.AmendOrderResponse{Order: orderOf(a.Order), Decision: decisionOfEntry(a)}, nil
}

// CancelOrder implements the contract.
func (s *Orders) CancelOrder(ctx context.Context, r *pb.CancelOrderRequest) (*pb.CancelOrderResponse, error) {
	a, err := s.Gate.Cancel(ctx, caller(ctx), request(ctx, "CancelOrder", r.GetRequestId(), r), r.GetOrderId(), r.GetReason())
	if err != nil {
		return nil, err
	}
	return &pb.CancelOrderResponse{Order: orderOf(a.Order)}, nil
}

// ApproveOrder implements the contract.
func (s *Orders) ApproveOrder(ctx context.Context, r *pb.ApproveOrderRequest) (*pb.ApproveOrderResponse, error) {
	conds, err := conditionsOf(r.GetConditions())
	if err != nil {
		return nil, err
	}
	o, err := s.act(ctx, request(ctx, "ApproveOrder", r.GetRequestId(), r), r.GetOrderId(), app.Act{Decision: approval.Approve, Reason: r.GetReason(), Conditions: conds})
	return &pb.ApproveOrderResponse{Order: o}, err
}

// RejectOrder implements the contract.
func (s *Orders) RejectOrder(ctx context.Context, r *pb.RejectOrderRequest) (*pb.RejectOrderResponse, error) {
	o, err := s.act(ctx, request(ctx, "RejectOrder", r.GetRequestId(), r), r.GetOrderId(), app.Act{Decision: approval.Reject, Reason: r.GetReason()})
	return &pb.RejectOrderResponse{Order: o}, err
}

// RecheckOrder implements the contract.
func (s *Orders) RecheckOrder(ctx context.Context, r *pb.RecheckOrderRequest) (*pb.RecheckOrderResponse, error) {
	a, err := s.Gate.Recheck(ctx, caller(ctx), request(ctx, "RecheckOrder", r.GetRequestId(), r), r.GetOrderId())
	if err != nil {
		return nil, err
	}
	return &pb.RecheckOrderResponse{Order: orderOf(a.Order), Decision: decisionOfEntry(a)}, nil
}

// ShipOrder implements the contract.
func (s *Orders) ShipOrder(ctx context.Context, r *pb.ShipOrderRequest) (*pb.ShipOrderResponse, error) {
	ship := app.Shipment{ID: r.GetShipmentId(), Final: r.GetFinal()}
	if ship.ID == "" {
		ship.ID = r.GetRequestId()
	}
	if r.GetAmount() != nil {
		amount, err := parseMoney("amount", r.GetAmount())
		if err != nil {
			return nil, err
		}
		if amount.Minor <= 0 {
			return nil, errs.Field("amount", "ABOVE_ZERO", "the amount shipped must be above zero")
		}
		ship.Amount = &amount
	}
	a, err := s.Gate.Ship(ctx, caller(ctx), request(ctx, "ShipOrder", r.GetRequestId(), r), r.GetOrderId(), ship)
	if err != nil {
		return nil, told(ctx, r.GetOrderId(), err)
	}
	return &pb.ShipOrderResponse{Order: handled(ctx, a.Order)}, nil
}

// GetOrder implements the contract.
func (s *Orders) GetOrder(ctx context.Context, r *pb.GetOrderRequest) (*pb.GetOrderResponse, error) {
	o, err := s.Queries.Order(ctx, caller(ctx), r.GetOrderId())
	if err != nil {
		return nil, err
	}
	out, err := s.orderNow(ctx, app.Answer{Order: o})
	if err != nil {
		return nil, err
	}
	passed, err := s.Queries.PassedOver(ctx, caller(ctx), o)
	out.PassedOver = passedOf(passed, o.ID)
	return &pb.GetOrderResponse{Order: out}, err
}

// ListOrders implements the contract.
func (s *Orders) ListOrders(ctx context.Context, r *pb.ListOrdersRequest) (*pb.ListOrdersResponse, error) {
	page, err := s.Queries.Orders(ctx, caller(ctx), app.OrderFilter{
		CustomerID: r.GetCustomerId(), State: stateName(r.GetState()), Waiting: r.GetWaitingForMe(), Passed: r.GetPassedOver(), Size: r.GetPageSize(), Token: r.GetPageToken(),
	})
	if err != nil {
		return nil, err
	}
	resp := &pb.ListOrdersResponse{NextPageToken: page.Next}
	passed, err := s.Queries.PassedOver(ctx, caller(ctx), page.Items...)
	if err != nil {
		return nil, err
	}
	for _, o := range page.Items {
		out, err := s.orderNow(ctx, app.Answer{Order: o})
		if err != nil {
			return nil, err
		}
		out.PassedOver = passedOf(passed, o.ID)
		resp.Orders = append(resp.Orders, out)
	}
	return resp, nil
}

// handled is an order as those see it who handle its goods: who is of the warehouse and nothing else is told no amounts.
func handled(ctx context.Context, o order.Order) *pb.Order {
	out := orderOf(o)
	if !onlyWarehouse(ctx) {
		return out
	}
	return &pb.Order{
		OrderId: out.GetOrderId(), CustomerId: out.GetCustomerId(), State: out.GetState(), Revision: out.GetRevision(), JournalSequence: out.GetJournalSequence(),
	}
}

// told is an error about goods as those see it who handle them: no amounts for the warehouse either.
func told(ctx context.Context, orderID string, err error) error {
	if !onlyWarehouse(ctx) {
		return err
	}
	switch reason := errs.ReasonOf(err); reason {
	case gate.OverShipment:
		return errs.New(errs.FailedPrecondition, reason, "less than that is left to ship of order %s; it has to be amended first", orderID)
	case "RETURN_EXCEEDS_DELIVERED":
		return errs.New(errs.FailedPrecondition, reason, "less than that of order %s is shipped and not invoiced; invoiced goods come back by a credit note", orderID)
	}
	return err
}

func onlyWarehouse(ctx context.Context) bool {
	p, _ := authn.FromContext(ctx)
	return slices.Equal(p.Roles, []string{"WAREHOUSE"})
}

func orderOf(o order.Order) *pb.Order {
	in := amounts{currency: o.Currency}
	m := in.of
	out := &pb.Order{
		OrderId: o.ID, CustomerId: o.CustomerID, BuyerId: o.BuyerID, Reference: o.Reference, Amount: m(o.Amount),
		RequestedTermDays: int32Of(o.TermDays), PaymentTerms: enum[pb.PaymentTerms](pb.PaymentTerms_value, "PAYMENT_TERMS_", string(o.Terms)),
		OrderDate: o.OrderDate.String(), RequestedDeliveryDate: o.RequestedDelivery.String(),
		State:          enum[pb.OrderState](pb.OrderState_value, "ORDER_STATE_", string(o.State)),
		ReservedAmount: m(o.Reserved), ShippedAmount: m(o.Shipped), DeliveredAmount: m(o.Delivered), InvoicedAmount: m(o.Invoiced), CancelledAmount: m(o.Cancelled),
		Revision: o.Revision, JournalSequence: o.Seq, SubmittedBy: o.SubmittedBy, SubmitDate: o.SubmitDate.String(),
	}
	out.Priority = int32(o.Priority) //nolint:gosec // at most 9 by the contract
	out.UnitId, out.SalespersonId = o.UnitID, o.SalespersonID
	for _, root := range o.Budgets {
		out.BudgetIds = append(out.BudgetIds, account.BudgetID(root))
	}
	out.RefusalReasons, out.NamedCustomerId = o.Refusal, o.NamedID
	if c := o.Conversion; c != nil {
		out.Amount, out.Conversion = minorOf(c.Minor, c.Currency), conversionOf(c, o.Amount, o.Currency)
	}
	out.ValidUntilDate, out.ReturnedAmount = o.ValidUntil.String(), m(o.Returned)
	for _, x := range o.Returns {
		out.Returns = append(out.Returns, &pb.RecordedReturn{ReturnId: x.ID, Amount: m(x.Minor), BusinessDate: x.BusinessDate.String()})
	}
	if o.DecisionSeq > 0 {
		out.DecisionId = app.DecisionID(cmp.Or(o.DecidedAs, o.CustomerID), o.DecisionSeq)
	}
	for _, s := range o.Shipments {
		out.Shipments = append(out.Shipments, &pb.Shipment{ShipmentId: s.ID, Amount: m(s.Minor), BusinessDate: s.BusinessDate.String()})
	}
	if o.Hold != nil {
		if o.State == order.Held {
			out.HoldReasons = o.Hold.Reasons
		}
		out.Approval = approvalOf(o)
	}
	return out
}

// formState is what people are told of the form: that of an order which is no longer held waits for nobody.
func formState(o order.Order) string {
	if s := o.Hold.Form.State; o.State == order.Held || s != approval.Pending {
		return string(s)
	}
	return "WITHDRAWN"
}

func approvalOf(o order.Order) *pb.OrderApproval {
	h := o.Hold
	out := &pb.OrderApproval{
		FormNumber: cmp.Or(h.As, o.CustomerID) + "/" + strconv.FormatInt(h.Number, 10), State: formState(o),
		Excess: minorOf(h.Excess, o.Currency), DaysOverdue: int32(h.DaysOverdue), AuthorityRow: int32(h.Form.Row), //nolint:gosec // days and rows are small
	}
	out.Steps, out.Acts, out.OpenDate = stepsOf(h.Form), actsOf(h.Form), h.Opened.String()
	if c := h.Conditions; c != nil {
		out.Conditions = &pb.ReleaseConditions{UntilDate: c.Until.String()}
		if c.MaxAmount > 0 {
			out.Conditions.MaxAmount = minorOf(c.MaxAmount, o.Currency)
		}
		if c.Payment > 0 {
			out.Conditions.Payment = minorOf(c.Payment, o.Currency)
		}
	}
	if o.Release != nil {
		out.ReleasedAmount, out.ReleaseDate = moneyOf(money.New(o.Release.Minor, o.Currency)), o.Release.Date.String()
	}
	return out
}

// passedOf is what an order shows of those that went ahead of it; nil where none did.
func passedOf(passed map[string]app.PassedOver, id string) *pb.PassedOver {
	p, ok := passed[id]
	if !ok {
		return nil
	}
	return &pb.PassedOver{Count: p.Count, LastDate: p.LastDate.String(), LastOrderId: p.OrderID, LastDecisionId: p.DecisionID}
}

// RecheckWaitingOrders implements the contract.
func (s *Orders) RecheckWaitingOrders(ctx context.Context, r *pb.RecheckWaitingOrdersRequest) (*pb.RecheckWaitingOrdersResponse, error) {
	done, next, err := s.Gate.RecheckWaiting(ctx, s.Queries.Pages, r.GetCustomerId(), r.GetPageSize(), r.GetPageToken())
	if err != nil {
		return nil, err
	}
	return &pb.RecheckWaitingOrdersResponse{
		Accounts: int32(done.Accounts), ApprovedOrderIds: done.Approved, NextPageToken: next, //nolint:gosec // at most a page
	}, nil
}
