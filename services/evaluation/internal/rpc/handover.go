package rpc

import (
	"context"

	evaluationv1 "github.com/avalcredit/aval/proto/gen/aval/evaluation/v1"
	"github.com/avalcredit/aval/services/evaluation/internal/app"
	"github.com/avalcredit/aval/services/evaluation/internal/handover"
)

const handOverPrefix = "CUSTOMER_HAND_OVER_STATE_"

// HandOvers serves customers on their way from one person to another.
type HandOvers struct {
	evaluationv1.UnsafeCustomerHandOverServiceServer
	App *app.App
}

var _ evaluationv1.CustomerHandOverServiceServer = HandOvers{}

// ProposeCustomerHandOver implements the contract.
func (s HandOvers) ProposeCustomerHandOver(ctx context.Context, req *evaluationv1.ProposeCustomerHandOverRequest) (*evaluationv1.ProposeCustomerHandOverResponse, error) {
	m := req.GetHandOver()
	id := request(ctx, evaluationv1.CustomerHandOverService_ProposeCustomerHandOver_FullMethodName, req.GetRequestId(), req)
	h, err := s.App.ProposeHandOver(ctx, id, handover.HandOver{CustomerID: m.GetCustomerId(), To: m.GetToId(), Reason: m.GetReason(), Notes: m.GetNotes()})
	if err != nil {
		return nil, err
	}
	return &evaluationv1.ProposeCustomerHandOverResponse{HandOver: handOverOut(h)}, nil
}

// ConfirmCustomerHandOver implements the contract.
func (s HandOvers) ConfirmCustomerHandOver(ctx context.Context, req *evaluationv1.ConfirmCustomerHandOverRequest) (*evaluationv1.ConfirmCustomerHandOverResponse, error) {
	id := request(ctx, evaluationv1.CustomerHandOverService_ConfirmCustomerHandOver_FullMethodName, req.GetRequestId(), req)
	h, err := s.App.ConfirmHandOver(ctx, id, req.GetHandOverId())
	if err != nil {
		return nil, err
	}
	return &evaluationv1.ConfirmCustomerHandOverResponse{HandOver: handOverOut(h)}, nil
}

// DeclineCustomerHandOver implements the contract.
func (s HandOvers) DeclineCustomerHandOver(ctx context.Context, req *evaluationv1.DeclineCustomerHandOverRequest) (*evaluationv1.DeclineCustomerHandOverResponse, error) {
	id := request(ctx, evaluationv1.CustomerHandOverService_DeclineCustomerHandOver_FullMethodName, req.GetRequestId(), req)
	h, err := s.App.DeclineHandOver(ctx, id, req.GetHandOverId(), req.GetReason())
	if err != nil {
		return nil, err
	}
	return &evaluationv1.DeclineCustomerHandOverResponse{HandOver: handOverOut(h)}, nil
}

// ListCustomerHandOvers implements the contract.
func (s HandOvers) ListCustomerHandOvers(ctx context.Context, req *evaluationv1.ListCustomerHandOversRequest) (*evaluationv1.ListCustomerHandOversResponse, error) {
	found, next, err := s.App.HandOvers(ctx, app.HandOverList{
		Size: req.GetPageSize(), Token: req.GetPageToken(), CustomerID: req.GetCustomerId(),
		State: handover.State(name(req.GetState(), evaluationv1.CustomerHandOverState_name, handOverPrefix)),
	})
	if err != nil {
		return nil, err
	}
	res := &evaluationv1.ListCustomerHandOversResponse{NextPageToken: next}
	for _, h := range found {
		res.HandOvers = append(res.HandOvers, handOverOut(h))
	}
	return res, nil
}

func handOverOut(h handover.HandOver) *evaluationv1.CustomerHandOver {
	return &evaluationv1.CustomerHandOver{
		HandOverId: h.ID, CustomerId: h.CustomerID, FromId: h.From, ToId: h.To, Reason: h.Reason, Notes: h.Notes,
		State:      number[evaluationv1.CustomerHandOverState](string(h.State), evaluationv1.CustomerHandOverState_value, handOverPrefix),
		ProposedBy: h.ProposedBy, ProposeDate: h.Date.String(), GivenBy: h.GivenBy, GivenDate: h.GivenDate.String(),
		TakenBy: h.TakenBy, TakenDate: h.TakenDate.String(), DeclinedBy: h.DeclinedBy, DeclineReason: h.DeclineReason, CreateTime: timeOf(h.CreateTime),
	}
}
