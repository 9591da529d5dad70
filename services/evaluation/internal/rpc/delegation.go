package rpc

import (
	"context"

	"github.com/avalcredit/aval/pkg/approval"
	evaluationv1 "github.com/avalcredit/aval/proto/gen/aval/evaluation/v1"
	optionsv1 "github.com/avalcredit/aval/proto/gen/aval/options/v1"
	"github.com/avalcredit/aval/services/evaluation/internal/app"
	"github.com/avalcredit/aval/services/evaluation/internal/delegation"
)

// Delegations serves who acts in whose seat.
type Delegations struct {
	evaluationv1.UnsafeDelegationServiceServer
	App *app.App
}

var _ evaluationv1.DelegationServiceServer = Delegations{}

// CreateDelegation implements the contract.
func (s Delegations) CreateDelegation(ctx context.Context, req *evaluationv1.CreateDelegationRequest) (*evaluationv1.CreateDelegationResponse, error) {
	var r reader
	m := req.GetDelegation()
	d := delegation.Delegation{Reason: m.GetReason(), Delegation: approval.Delegation{
		Deputy: m.GetDeputy(), From: r.date("delegation.from_date", m.GetFromDate()), Until: r.date("delegation.until_date", m.GetUntilDate()),
	}}
	for _, role := range m.GetRoles() {
		d.Roles = append(d.Roles, name(role, optionsv1.Role_name, "ROLE_"))
	}
	if err := r.err(); err != nil {
		return nil, err
	}
	id := request(ctx, evaluationv1.DelegationService_CreateDelegation_FullMethodName, req.GetRequestId(), req)
	d, err := s.App.CreateDelegation(ctx, id, d)
	if err != nil {
		return nil, err
	}
	return &evaluationv1.CreateDelegationResponse{Delegation: delegationOut(d)}, nil
}

// EndDelegation implements the contract.
func (s Delegations) EndDelegation(ctx context.Context, req *evaluationv1.EndDelegationRequest) (*evaluationv1.EndDelegationResponse, error) {
	id := request(ctx, evaluationv1.DelegationService_EndDelegation_FullMethodName, req.GetRequestId(), req)
	d, err := s.App.EndDelegation(ctx, id, req.GetDelegationId())
	if err != nil {
		return nil, err
	}
	return &evaluationv1.EndDelegationResponse{Delegation: delegationOut(d)}, nil
}

// ListDelegations implements the contract.
func (s Delegations) ListDelegations(ctx context.Context, req *evaluationv1.ListDelegationsRequest) (*evaluationv1.ListDelegationsResponse, error) {
	var r reader
	on := r.date("on_date", req.GetOnDate())
	if err := r.err(); err != nil {
		return nil, err
	}
	found, next, err := s.App.Delegations(ctx, app.DelegationList{Size: req.GetPageSize(), Token: req.GetPageToken(), Person: req.GetPerson(), On: on})
	if err != nil {
		return nil, err
	}
	res := &evaluationv1.ListDelegationsResponse{NextPageToken: next}
	for _, d := range found {
		res.Delegations = append(res.Delegations, delegationOut(d))
	}
	return res, nil
}

func delegationOut(d delegation.Delegation) *evaluationv1.Delegation {
	return &evaluationv1.Delegation{
		DelegationId: d.ID, Principal: d.Principal, Deputy: d.Deputy, Roles: rolesOf(d.Roles), FromDate: d.From.String(), UntilDate: d.Until.String(),
		Reason: d.Reason, EndedDate: d.Ended.String(), EndedBy: d.EndedBy, CreateTime: timeOf(d.CreateTime),
	}
}
