package rpc

import (
	"context"

	"github.com/avalcredit/aval/pkg/errs"
	pb "github.com/avalcredit/aval/proto/gen/aval/ordergate/v1"
	"github.com/avalcredit/aval/services/ordergate/internal/app"
	"github.com/avalcredit/aval/services/ordergate/internal/check"
	"github.com/avalcredit/aval/services/ordergate/internal/order"
)

// CheckOrders implements the contract.
func (s *Orders) CheckOrders(ctx context.Context, r *pb.CheckOrdersRequest) (*pb.CheckOrdersResponse, error) {
	list := make([]app.Checked, len(r.GetOrders()))
	for i, m := range r.GetOrders() {
		list[i].Order, list[i].Err = parseOrder(m)
		list[i].Order.ID = m.GetOrderId()
		if o := list[i].Order; list[i].Err == nil && o.Amount < 0 && o.Terms != order.OpenAccount {
			list[i].Err = errs.Field("order.payment_terms", "RETURN_TERMS", "a return (amount below zero) has no payment terms")
		}
	}
	if err := s.Gate.CheckList(ctx, caller(ctx), list); err != nil {
		return nil, err
	}
	resp := &pb.CheckOrdersResponse{}
	for _, x := range list {
		out := &pb.CheckedOrder{OrderId: x.Order.ID}
		switch {
		case x.Err != nil:
			resp.Refused++
			out.ErrorReason, out.ErrorMessage = failureOf(x.Err)
		case x.Record.Result.Verdict == check.Approve:
			resp.Approved++
			out.Decision = decisionOf(*x.Record)
		default:
			resp.Held++
			out.Decision = decisionOf(*x.Record)
		}
		resp.Results = append(resp.Results, out)
	}
	return resp, nil
}
