package rpc

import (
	"context"

	evaluationv1 "github.com/avalcredit/aval/proto/gen/aval/evaluation/v1"
	"github.com/avalcredit/aval/services/evaluation/internal/app"
	"github.com/avalcredit/aval/services/evaluation/internal/customer"
)

// Groups serves corporate groups.
type Groups struct {
	evaluationv1.UnsafeCustomerGroupServiceServer
	App *app.App
}

var _ evaluationv1.CustomerGroupServiceServer = Groups{}

// SetCustomerGroup implements the contract.
func (s Groups) SetCustomerGroup(ctx context.Context, req *evaluationv1.SetCustomerGroupRequest) (*evaluationv1.SetCustomerGroupResponse, error) {
	if req.GetValidateOnly() {
		ctx = app.OnTrial(ctx)
		req.ValidateOnly = false // not part of what the request id stands for
	}
	m := req.GetGroup()
	r := request(ctx, evaluationv1.CustomerGroupService_SetCustomerGroup_FullMethodName, req.GetRequestId(), req)
	set, err := s.App.SetCustomerGroup(ctx, r, customer.Group{
		ID: m.GetGroupId(), ParentID: m.GetParentGroupId(), DisplayName: m.GetDisplayName(), Revision: m.GetRevision(),
	})
	if err != nil {
		return nil, err
	}
	return &evaluationv1.SetCustomerGroupResponse{Group: groupOut(set.Group), MovedCustomers: int32(len(set.Moved))}, nil //nolint:gosec // bounded
}

// GetCustomerGroup implements the contract.
func (s Groups) GetCustomerGroup(ctx context.Context, req *evaluationv1.GetCustomerGroupRequest) (*evaluationv1.GetCustomerGroupResponse, error) {
	g, err := s.App.CustomerGroup(ctx, req.GetGroupId())
	if err != nil {
		return nil, err
	}
	return &evaluationv1.GetCustomerGroupResponse{Group: groupOut(g)}, nil
}

// ListCustomerGroups implements the contract.
func (s Groups) ListCustomerGroups(ctx context.Context, req *evaluationv1.ListCustomerGroupsRequest) (*evaluationv1.ListCustomerGroupsResponse, error) {
	found, next, err := s.App.CustomerGroups(ctx, req.GetPageSize(), req.GetPageToken())
	if err != nil {
		return nil, err
	}
	res := &evaluationv1.ListCustomerGroupsResponse{NextPageToken: next}
	for _, g := range found {
		res.Groups = append(res.Groups, groupOut(g))
	}
	return res, nil
}

func groupOut(g customer.Group) *evaluationv1.CustomerGroup {
	return &evaluationv1.CustomerGroup{
		GroupId: g.ID, ParentGroupId: g.ParentID, DisplayName: g.DisplayName, RootGroupId: g.RootID, Revision: g.Revision,
	}
}
