package rpc

import (
	"context"

	"github.com/avalcredit/aval/pkg/errs"
	pb "github.com/avalcredit/aval/proto/gen/aval/ordergate/v1"
	"github.com/avalcredit/aval/services/ordergate/internal/account"
	"github.com/avalcredit/aval/services/ordergate/internal/app"
	"github.com/avalcredit/aval/services/ordergate/internal/gate"
)

// Groups implements GroupService.
type Groups struct {
	pb.UnsafeGroupServiceServer
	Gate    *app.Gate
	Queries *app.Queries
}

var _ pb.GroupServiceServer = (*Groups)(nil)

// SetGroupLimit implements the contract.
func (s *Groups) SetGroupLimit(ctx context.Context, r *pb.SetGroupLimitRequest) (*pb.SetGroupLimitResponse, error) {
	limit, currency := account.Limit{Kind: account.LimitUndefined}, ""
	if r.GetLimit() != nil {
		m, err := parseMoney("limit", r.GetLimit())
		if err != nil {
			return nil, err
		}
		if m.Minor < 0 {
			return nil, errs.Field("limit", "NOT_NEGATIVE", "a limit is not below zero")
		}
		limit, currency = account.Limit{Kind: account.LimitAmount, Minor: m.Minor}, m.Currency
	}
	a, err := s.Gate.SetGroupLimit(ctx, caller(ctx), request("SetGroupLimit", r.GetRequestId(), r),
		app.GroupLimit{GroupID: r.GetGroupId(), Currency: currency, Limit: limit, Reason: r.GetReason()})
	if err != nil {
		return nil, err
	}
	return &pb.SetGroupLimitResponse{Group: groupOf(poolOf(a))}, nil
}

// poolOf is a shared account as it was after the entry that an answer is about.
func poolOf(a app.Answer) account.Account {
	pool := account.NewPool(a.Entry.RootID, a.Entry.AccountID, *a.Plan)
	pool.Seq, pool.Buckets, pool.Held = a.Entry.Seq, a.Entry.Buckets, a.Entry.Held
	return pool
}

// GetGroup implements the contract.
func (s *Groups) GetGroup(ctx context.Context, r *pb.GetGroupRequest) (*pb.GetGroupResponse, error) {
	sheet, err := s.Queries.Group(ctx, r.GetGroupId())
	if err != nil {
		return nil, err
	}
	out := groupOf(sheet.Pool)
	for _, m := range sheet.Members {
		cur, limit, exposure := m.Profile.Currency, m.Profile.Grant.Limit, m.Buckets.Exposure()
		member := &pb.GroupMember{
			CustomerId: m.ID, DisplayName: m.Profile.Name, Exposure: minorOf(exposure, cur),
			LimitKind: enum[pb.LimitKind](pb.LimitKind_value, "LIMIT_KIND_", string(limit.Kind)),
		}
		if limit.Kind == account.LimitAmount {
			member.Limit, member.Available = minorOf(limit.Minor, cur), minorOf(limit.Minor-exposure, cur)
		}
		if p := sheet.Pool.Plan; p.Limit.Kind == account.LimitAmount && p.Currency == cur {
			left := p.Limit.Minor - sheet.Pool.Buckets.Exposure()
			if limit.Kind == account.LimitAmount {
				left = min(left, limit.Minor-exposure)
			}
			member.Available = minorOf(left, cur)
		}
		out.Members = append(out.Members, member)
	}
	return &pb.GetGroupResponse{Group: out}, nil
}

// ListGroups implements the contract.
func (s *Groups) ListGroups(ctx context.Context, r *pb.ListGroupsRequest) (*pb.ListGroupsResponse, error) {
	page, err := s.Queries.Groups(ctx, r.GetPageSize(), r.GetPageToken())
	if err != nil {
		return nil, err
	}
	resp := &pb.ListGroupsResponse{NextPageToken: page.Next}
	for _, a := range page.Items {
		resp.Groups = append(resp.Groups, groupOf(a))
	}
	return resp, nil
}

// ListGroupJournal implements the contract.
func (s *Groups) ListGroupJournal(ctx context.Context, r *pb.ListGroupJournalRequest) (*pb.ListGroupJournalResponse, error) {
	page, err := s.Queries.GroupJournal(ctx, r.GetGroupId(), r.GetPageSize(), r.GetPageToken())
	if err != nil {
		return nil, err
	}
	return &pb.ListGroupJournalResponse{Entries: journalOf(page), NextPageToken: page.Next}, nil
}

func journalOf(page app.Page[gate.Entry]) []*pb.JournalEntry {
	var out []*pb.JournalEntry
	for _, e := range page.Items {
		out = append(out, &pb.JournalEntry{
			Sequence: e.Seq, Kind: string(e.Kind), OrderId: e.OrderID, BusinessDate: e.BusinessDate.String(), Actor: e.Actor,
			Buckets: bucketsOf(e.Buckets, page.Currency), Detail: string(e.Detail), Hash: hexOf(e.Hash),
		})
	}
	return out
}

func groupOf(a account.Account) *pb.Group {
	p := a.Plan
	out := &pb.Group{
		GroupId: p.ID, CurrencyCode: p.Currency, LimitKind: enum[pb.LimitKind](pb.LimitKind_value, "LIMIT_KIND_", string(p.Limit.Kind)),
		Buckets: bucketsOf(a.Buckets, p.Currency), Exposure: minorOf(a.Buckets.Exposure(), p.Currency),
		HeldOrders: int32(a.Held), LimitVersion: p.Version, SetBy: p.SetBy, Reason: p.Reason, Sequence: a.Seq, //nolint:gosec // orders on hold of one group
	}
	if p.Limit.Kind == account.LimitAmount {
		out.Limit, out.Available = minorOf(p.Limit.Minor, p.Currency), minorOf(p.Limit.Minor-a.Buckets.Exposure(), p.Currency)
	}
	return out
}
