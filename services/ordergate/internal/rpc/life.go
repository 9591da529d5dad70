package rpc

import (
	"context"

	"github.com/avalcredit/aval/pkg/approval"
	"github.com/avalcredit/aval/pkg/errs"
	"github.com/avalcredit/aval/pkg/money"
	pb "github.com/avalcredit/aval/proto/gen/aval/ordergate/v1"
	typev1 "github.com/avalcredit/aval/proto/gen/aval/type/v1"
	"github.com/avalcredit/aval/services/ordergate/internal/app"
)

// act takes a step of a held order's form and answers with the order as it is after it.
func (s *Orders) act(ctx context.Context, req app.Request, orderID string, a app.Act) (*pb.Order, error) {
	answer, err := s.Gate.Act(ctx, caller(ctx), req, orderID, a)
	if err != nil {
		return nil, err
	}
	return s.orderNow(ctx, answer)
}

// orderNow is an order with what the date says of its form.
func (s *Orders) orderNow(ctx context.Context, a app.Answer) (*pb.Order, error) {
	out := orderOf(a.Order)
	due, late, err := s.Queries.Due(ctx, a.Order)
	if err != nil {
		return nil, err
	}
	if out.GetApproval() != nil {
		out.Approval.DueDate, out.Approval.Late = due.String(), late
	}
	return out, nil
}

// conditionsOf reads the conditions of an approval; nil where there are none.
func conditionsOf(m *pb.ReleaseConditions) (*app.Conditions, error) {
	if m == nil {
		return nil, nil //nolint:nilnil // no conditions
	}
	until, err := parseDate("conditions.until_date", m.GetUntilDate())
	if err != nil {
		return nil, err
	}
	out := &app.Conditions{Until: until}
	if m.GetMaxAmount() != nil {
		if out.MaxAmount, err = aboveZero("conditions.max_amount", m.GetMaxAmount()); err != nil {
			return nil, err
		}
	}
	if m.GetPayment() != nil {
		if out.Payment, err = aboveZero("conditions.payment", m.GetPayment()); err != nil {
			return nil, err
		}
	}
	if out.MaxAmount == nil && out.Payment == nil && until.IsZero() {
		return nil, errs.Field("conditions", "EMPTY", "conditions name an amount, a date or a payment")
	}
	return out, nil
}

func aboveZero(field string, m *typev1.Money) (*money.Money, error) {
	v, err := parseMoney(field, m)
	if err != nil {
		return nil, err
	}
	if v.Minor <= 0 {
		return nil, errs.Field(field, "ABOVE_ZERO", "the amount must be above zero")
	}
	return &v, nil
}

// SendBackOrder implements the contract.
func (s *Orders) SendBackOrder(ctx context.Context, r *pb.SendBackOrderRequest) (*pb.SendBackOrderResponse, error) {
	o, err := s.act(ctx, request(ctx, "SendBackOrder", r.GetRequestId(), r), r.GetOrderId(), app.Act{Decision: approval.Return, Reason: r.GetReason()})
	return &pb.SendBackOrderResponse{Order: o}, err
}

// DecideOrders implements the contract: each order has a request id of its own, made of the batch's.
func (s *Orders) DecideOrders(ctx context.Context, r *pb.DecideOrdersRequest) (*pb.DecideOrdersResponse, error) {
	seen := map[string]bool{}
	for _, item := range r.GetItems() {
		if seen[item.GetOrderId()] {
			return nil, errs.Field("items", "UNIQUE", "order %s is named twice", item.GetOrderId())
		}
		seen[item.GetOrderId()] = true
	}
	resp := &pb.DecideOrdersResponse{}
	for _, item := range r.GetItems() {
		out := &pb.DecideResult{OrderId: item.GetOrderId()}
		o, err := s.decideOne(ctx, r.GetRequestId(), item)
		if err != nil && (errs.KindOf(err) == errs.Internal || ctx.Err() != nil) {
			return nil, err
		}
		if out.Order = o; err != nil {
			out.ErrorReason, out.ErrorMessage = failureOf(err)
		}
		resp.Results = append(resp.Results, out)
	}
	return resp, nil
}

func (s *Orders) decideOne(ctx context.Context, batch string, item *pb.DecideItem) (*pb.Order, error) {
	conds, err := conditionsOf(item.GetConditions())
	if err != nil {
		return nil, err
	}
	return s.act(ctx, request(ctx, "DecideOrders", batch+"/"+item.GetOrderId(), item), item.GetOrderId(),
		app.Act{Decision: approval.Decision(item.GetDecision()), Reason: item.GetReason(), Conditions: conds, Batch: true})
}

// ReturnGoods implements the contract.
func (s *Orders) ReturnGoods(ctx context.Context, r *pb.ReturnGoodsRequest) (*pb.ReturnGoodsResponse, error) {
	amount, err := aboveZero("amount", r.GetAmount())
	if err != nil {
		return nil, err
	}
	id := r.GetReturnId()
	if id == "" {
		id = r.GetRequestId()
	}
	a, err := s.Gate.TakeBack(ctx, caller(ctx), request(ctx, "ReturnGoods", r.GetRequestId(), r), r.GetOrderId(), app.Goods{ID: id, Amount: *amount, Replace: r.GetReplace()})
	if err != nil {
		return nil, told(ctx, r.GetOrderId(), err)
	}
	return &pb.ReturnGoodsResponse{Order: handled(ctx, a.Order)}, nil
}

// CloseOrder implements the contract.
func (s *Orders) CloseOrder(ctx context.Context, r *pb.CloseOrderRequest) (*pb.CloseOrderResponse, error) {
	a, err := s.Gate.Close(ctx, caller(ctx), request(ctx, "CloseOrder", r.GetRequestId(), r), r.GetOrderId(), r.GetReason())
	if err != nil {
		return nil, err
	}
	return &pb.CloseOrderResponse{Order: orderOf(a.Order)}, nil
}

// ReopenOrder implements the contract.
func (s *Orders) ReopenOrder(ctx context.Context, r *pb.ReopenOrderRequest) (*pb.ReopenOrderResponse, error) {
	until, err := parseDate("valid_until_date", r.GetValidUntilDate())
	if err != nil {
		return nil, err
	}
	a, err := s.Gate.Reopen(ctx, caller(ctx), request(ctx, "ReopenOrder", r.GetRequestId(), r), r.GetOrderId(), until, r.GetReason())
	if err != nil {
		return nil, err
	}
	return &pb.ReopenOrderResponse{Order: orderOf(a.Order), Decision: decisionOfEntry(a)}, nil
}

// failureOf is an error as a result of a batch says it: of a field's error the rule that it breaks.
func failureOf(err error) (reason, message string) {
	e, ok := errs.As(err)
	if !ok {
		return "INTERNAL", "internal error"
	}
	if e.Reason == errs.ReasonInvalidField && len(e.Violations) > 0 {
		return e.Violations[0].Rule, e.Message
	}
	return e.Reason, e.Message
}
