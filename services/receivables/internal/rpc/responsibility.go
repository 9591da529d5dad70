package rpc

import (
	"context"
	"strconv"
	"strings"

	"github.com/avalcredit/aval/pkg/calendar"
	"github.com/avalcredit/aval/pkg/idem"
	"github.com/avalcredit/aval/pkg/page"
	receivablesv1 "github.com/avalcredit/aval/proto/gen/aval/receivables/v1"
	"github.com/avalcredit/aval/services/receivables/internal/app"
	"github.com/avalcredit/aval/services/receivables/internal/responsibility"
)

// Responsibilities serves ResponsibilityService.
type Responsibilities struct {
	receivablesv1.UnsafeResponsibilityServiceServer
	App   *app.Service
	Pages *page.Signer
}

var _ receivablesv1.ResponsibilityServiceServer = (*Responsibilities)(nil)

// ProposeHandOver implements ResponsibilityService.
func (s *Responsibilities) ProposeHandOver(ctx context.Context, req *receivablesv1.ProposeHandOverRequest) (*receivablesv1.ProposeHandOverResponse, error) {
	in := req.GetHandOver()
	r := idem.FromProto(ctx, receivablesv1.ResponsibilityService_ProposeHandOver_FullMethodName, req.GetRequestId(), req)
	out, err := s.App.ProposeHandOver(ctx, r, responsibility.HandOver{
		ID: in.GetHandOverId(), From: in.GetFromPerson(), To: in.GetToPerson(), CustomerIDs: in.GetCustomerIds(), ItemIDs: in.GetItemIds(),
		Everything: in.GetEverything(), Reason: in.GetReason(),
	})
	if err != nil {
		return nil, err
	}
	return &receivablesv1.ProposeHandOverResponse{HandOver: handOverMessage(out)}, nil
}

// ConfirmHandOver implements ResponsibilityService.
func (s *Responsibilities) ConfirmHandOver(ctx context.Context, req *receivablesv1.ConfirmHandOverRequest) (*receivablesv1.ConfirmHandOverResponse, error) {
	r := idem.FromProto(ctx, receivablesv1.ResponsibilityService_ConfirmHandOver_FullMethodName, req.GetRequestId(), req)
	out, err := s.App.ConfirmHandOver(ctx, r, req.GetHandOverId(), req.GetOnBehalfReason())
	if err != nil {
		return nil, err
	}
	return &receivablesv1.ConfirmHandOverResponse{HandOver: handOverMessage(out)}, nil
}

// DeclineHandOver implements ResponsibilityService.
func (s *Responsibilities) DeclineHandOver(ctx context.Context, req *receivablesv1.DeclineHandOverRequest) (*receivablesv1.DeclineHandOverResponse, error) {
	r := idem.FromProto(ctx, receivablesv1.ResponsibilityService_DeclineHandOver_FullMethodName, req.GetRequestId(), req)
	out, err := s.App.DeclineHandOver(ctx, r, req.GetHandOverId(), req.GetReason())
	if err != nil {
		return nil, err
	}
	return &receivablesv1.DeclineHandOverResponse{HandOver: handOverMessage(out)}, nil
}

// GetHandOver implements ResponsibilityService.
func (s *Responsibilities) GetHandOver(ctx context.Context, req *receivablesv1.GetHandOverRequest) (*receivablesv1.GetHandOverResponse, error) {
	out, err := s.App.HandOver(ctx, req.GetHandOverId())
	if err != nil {
		return nil, err
	}
	return &receivablesv1.GetHandOverResponse{HandOver: handOverMessage(out)}, nil
}

// ListHandOvers implements ResponsibilityService.
func (s *Responsibilities) ListHandOvers(ctx context.Context, req *receivablesv1.ListHandOversRequest) (*receivablesv1.ListHandOversResponse, error) {
	checksum := page.Checksum("handOvers", req.GetPerson(), req.GetState().String())
	before, err := numberToken(s.Pages, req.GetPageToken(), checksum)
	if err != nil {
		return nil, err
	}
	found, err := s.App.HandOvers(ctx, app.RecordQuery{
		Person: req.GetPerson(), State: named(req.GetState(), "HAND_OVER_STATE_"), Before: before, Limit: page.Size(req.GetPageSize(), defaultPage, maxPage),
	})
	if err != nil {
		return nil, err
	}
	resp := &receivablesv1.ListHandOversResponse{NextPageToken: nextToken(s.Pages, checksum, found.Next)}
	for _, h := range found.HandOvers {
		m := handOverMessage(h)
		m.Items = nil
		resp.HandOvers = append(resp.HandOvers, m)
	}
	return resp, nil
}

// ListResponsibilities implements ResponsibilityService.
func (s *Responsibilities) ListResponsibilities(ctx context.Context, req *receivablesv1.ListResponsibilitiesRequest) (*receivablesv1.ListResponsibilitiesResponse, error) {
	checksum := page.Checksum("responsibilities", req.GetPerson(), req.GetCustomerId(), strconv.FormatBool(req.GetNobody()))
	cursor, err := s.Pages.Decode(req.GetPageToken(), checksum, 2)
	if err != nil {
		return nil, err
	}
	size := page.Size(req.GetPageSize(), defaultPage, maxPage)
	q := responsibility.Query{Person: req.GetPerson(), CustomerID: req.GetCustomerId(), Nobody: req.GetNobody(), Limit: size + 1}
	if cursor != nil {
		if q.AfterDue, err = calendar.ParseDate(cursor[0]); err != nil {
			return nil, err
		}
		q.AfterID = cursor[1]
	}
	list, err := s.App.Responsibilities(ctx, q)
	if err != nil {
		return nil, err
	}
	resp := &receivablesv1.ListResponsibilitiesResponse{}
	if len(list) > size {
		list = list[:size]
		resp.NextPageToken = s.Pages.Encode(checksum, list[size-1].DueDate.String(), list[size-1].ItemID)
	}
	resp.Items = responsibleMessages(list)
	return resp, nil
}

// CheckClearance implements ResponsibilityService.
func (s *Responsibilities) CheckClearance(ctx context.Context, req *receivablesv1.CheckClearanceRequest) (*receivablesv1.CheckClearanceResponse, error) {
	out, err := s.App.Clearance(ctx, req.GetPerson())
	if err != nil {
		return nil, err
	}
	return &receivablesv1.CheckClearanceResponse{Clearance: clearanceMessage(out)}, nil
}

// ClearPerson implements ResponsibilityService.
func (s *Responsibilities) ClearPerson(ctx context.Context, req *receivablesv1.ClearPersonRequest) (*receivablesv1.ClearPersonResponse, error) {
	r := idem.FromProto(ctx, receivablesv1.ResponsibilityService_ClearPerson_FullMethodName, req.GetRequestId(), req)
	out, err := s.App.ClearPerson(ctx, r, req.GetPerson(), req.GetNote())
	if err != nil {
		return nil, err
	}
	return &receivablesv1.ClearPersonResponse{Clearance: clearanceMessage(out)}, nil
}

// ListClearances implements ResponsibilityService.
func (s *Responsibilities) ListClearances(ctx context.Context, req *receivablesv1.ListClearancesRequest) (*receivablesv1.ListClearancesResponse, error) {
	checksum := page.Checksum("clearances")
	before, err := numberToken(s.Pages, req.GetPageToken(), checksum)
	if err != nil {
		return nil, err
	}
	list, next, err := s.App.Clearances(ctx, before, page.Size(req.GetPageSize(), defaultPage, maxPage))
	if err != nil {
		return nil, err
	}
	resp := &receivablesv1.ListClearancesResponse{NextPageToken: nextToken(s.Pages, checksum, next)}
	for _, c := range list {
		resp.Clearances = append(resp.Clearances, clearanceMessage(c))
	}
	return resp, nil
}

// nextToken is the token of the page after a number; 0: the end.
func nextToken(s *page.Signer, checksum string, next int64) string {
	if next == 0 {
		return ""
	}
	return s.Encode(checksum, strconv.FormatInt(next, 10))
}

// enum is a value of an enumeration of the contract.
type enum interface {
	~int32
	String() string
}

// named is what the domain calls a value: its name without the prefix; empty where it is not set.
func named[E enum](e E, prefix string) string {
	if e == 0 {
		return ""
	}
	return strings.TrimPrefix(e.String(), prefix)
}

func handOverMessage(h responsibility.HandOver) *receivablesv1.HandOver {
	return &receivablesv1.HandOver{
		HandOverId: h.ID, FromPerson: h.From, ToPerson: h.To, CustomerIds: h.CustomerIDs, ItemIds: h.ItemIDs, Everything: h.Everything,
		Reason: h.Reason, State: receivablesv1.HandOverState(receivablesv1.HandOverState_value["HAND_OVER_STATE_"+string(h.State())]),
		ProposedBy: h.ProposedBy, ProposeDate: h.ProposeDate.String(), GivenBy: h.GivenBy, GivenReason: h.GivenReason,
		GiveDate: h.GiveDate.String(), TakeDate: h.TakeDate.String(), DeclinedBy: h.DeclinedBy, DeclineReason: h.DeclineReason,
		DeclineDate: h.DeclineDate.String(), Items: responsibleMessages(h.Items), ItemCount: int32(len(h.Items)), //nolint:gosec // items
		CreateTime: timeOf(h.CreateTime),
	}
}

func responsibleMessages(list []responsibility.Item) []*receivablesv1.ResponsibleItem {
	out := make([]*receivablesv1.ResponsibleItem, len(list))
	for i, r := range list {
		out[i] = &receivablesv1.ResponsibleItem{
			ItemId: r.ItemID, CustomerId: r.CustomerID, DueDate: r.DueDate.String(), OpenAmount: moneyOf(r.Open),
			Responsible: r.Responsible, HandOverId: r.HandOverID, UnitId: r.UnitID,
		}
	}
	return out
}

func clearanceMessage(c responsibility.Clearance) *receivablesv1.Clearance {
	out := &receivablesv1.Clearance{
		Person: c.Person, ClearanceId: c.ID(), Clear: c.Clear(), OpenItems: c.OpenItems, Items: responsibleMessages(c.Items),
		CustomerIds: c.CustomerIDs, HandOverIds: c.HandOverIDs, ClearedBy: c.ClearedBy, ClearanceDate: c.Date.String(), Note: c.Note,
		CreateTime: timeOf(c.CreateTime),
	}
	for _, m := range c.OpenAmounts {
		out.OpenAmounts = append(out.OpenAmounts, moneyOf(m))
	}
	return out
}
