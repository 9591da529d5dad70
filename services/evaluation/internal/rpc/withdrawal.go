package rpc

import (
	"context"

	evaluationv1 "github.com/avalcredit/aval/proto/gen/aval/evaluation/v1"
	"github.com/avalcredit/aval/services/evaluation/internal/app"
	"github.com/avalcredit/aval/services/evaluation/internal/withdrawal"
)

// Withdrawals serves requests to withdraw credit.
type Withdrawals struct {
	evaluationv1.UnsafeWithdrawalServiceServer
	App *app.App
}

var _ evaluationv1.WithdrawalServiceServer = Withdrawals{}

// GetWithdrawalRequest implements the contract.
func (s Withdrawals) GetWithdrawalRequest(ctx context.Context, req *evaluationv1.GetWithdrawalRequestRequest) (*evaluationv1.GetWithdrawalRequestResponse, error) {
	w, err := s.App.WithdrawalRequest(ctx, req.GetWithdrawalRequestId())
	if err != nil {
		return nil, err
	}
	return &evaluationv1.GetWithdrawalRequestResponse{WithdrawalRequest: withdrawalOut(w)}, nil
}

// ListWithdrawalRequests implements the contract.
func (s Withdrawals) ListWithdrawalRequests(ctx context.Context, req *evaluationv1.ListWithdrawalRequestsRequest) (*evaluationv1.ListWithdrawalRequestsResponse, error) {
	found, next, err := s.App.WithdrawalRequests(ctx, app.WithdrawalList{
		Size: req.GetPageSize(), Token: req.GetPageToken(), CustomerID: req.GetCustomerId(),
		State:        withdrawal.State(name(req.GetState(), evaluationv1.WithdrawalState_name, "WITHDRAWAL_STATE_")),
		WaitingForMe: req.GetWaitingForMe(), Escalated: req.GetEscalated(),
	})
	if err != nil {
		return nil, err
	}
	res := &evaluationv1.ListWithdrawalRequestsResponse{NextPageToken: next}
	for _, w := range found {
		res.WithdrawalRequests = append(res.WithdrawalRequests, withdrawalOut(w))
	}
	return res, nil
}

// DecideWithdrawalRequest implements the contract.
func (s Withdrawals) DecideWithdrawalRequest(ctx context.Context, req *evaluationv1.DecideWithdrawalRequestRequest) (*evaluationv1.DecideWithdrawalRequestResponse, error) {
	id := request(ctx, evaluationv1.WithdrawalService_DecideWithdrawalRequest_FullMethodName, req.GetRequestId(), req)
	d, err := s.App.DecideWithdrawal(ctx, id, app.WithdrawalAct{
		ID: req.GetWithdrawalRequestId(), Reason: req.GetReason(),
		Decision: withdrawal.Decision(name(req.GetDecision(), evaluationv1.WithdrawalDecision_name, "WITHDRAWAL_DECISION_")),
	})
	if err != nil {
		return nil, err
	}
	return &evaluationv1.DecideWithdrawalRequestResponse{
		WithdrawalRequest: withdrawalOut(app.Withdrawal{Request: d.Request}), Grant: grantOut(d.Grant),
	}, nil
}

func withdrawalOut(w app.Withdrawal) *evaluationv1.WithdrawalRequest {
	r := w.Request
	m := &evaluationv1.WithdrawalRequest{
		WithdrawalRequestId: r.ID, CustomerId: r.CustomerID,
		State:        number[evaluationv1.WithdrawalState](string(r.State), evaluationv1.WithdrawalState_value, "WITHDRAWAL_STATE_"),
		GrantVersion: r.GrantVersion, DueDate: r.DueDate.String(), Escalated: w.Escalated, DecidedBy: r.DecidedBy,
		DecisionDate: r.DecisionDate.String(), DecisionReason: r.Reason, WithdrawnVersion: r.WithdrawnVersion, CreateTime: timeOf(r.CreateTime),
	}
	for _, a := range r.Asks {
		m.Asks = append(m.Asks, &evaluationv1.WithdrawalAsk{BusinessDate: a.Date.String(), Reason: a.Reason, OrderId: a.OrderID})
	}
	return m
}
