package rpc

import (
	"context"

	"github.com/avalcredit/aval/pkg/errs"
	pb "github.com/avalcredit/aval/proto/gen/aval/ordergate/v1"
	"github.com/avalcredit/aval/services/ordergate/internal/account"
	"github.com/avalcredit/aval/services/ordergate/internal/app"
)

// Ceilings implements CeilingService.
type Ceilings struct {
	pb.UnsafeCeilingServiceServer
	Gate    *app.Gate
	Queries *app.Queries
}

var _ pb.CeilingServiceServer = (*Ceilings)(nil)

// SetCeiling implements the contract.
func (s *Ceilings) SetCeiling(ctx context.Context, r *pb.SetCeilingRequest) (*pb.SetCeilingResponse, error) {
	stop, err := planned("stop", r.GetStop())
	if err != nil {
		return nil, err
	}
	p := account.Plan{
		ID: r.GetUnitId(), UnitID: r.GetUnitId(), Currency: stop.Currency, Limit: account.Limit{Kind: account.LimitAmount, Minor: stop.Minor}, Reason: r.GetReason(),
	}
	if r.GetWarning() != nil {
		warning, err := planned("warning", r.GetWarning())
		if err != nil {
			return nil, err
		}
		if warning.Currency != stop.Currency || warning.Minor > stop.Minor {
			return nil, errs.Field("warning", "LEVELS_INVALID", "the warning level is in the currency of the stop level, and not above it")
		}
		p.Warning = warning.Minor
	}
	a, err := s.Gate.SetCeiling(ctx, caller(ctx), request(ctx, "SetCeiling", r.GetRequestId(), r), p)
	if err != nil {
		return nil, err
	}
	return &pb.SetCeilingResponse{Ceiling: ceilingOf(poolOf(a))}, nil
}

// ListCeilings implements the contract.
func (s *Ceilings) ListCeilings(ctx context.Context, _ *pb.ListCeilingsRequest) (*pb.ListCeilingsResponse, error) {
	found, err := s.Queries.Ceilings(ctx)
	if err != nil {
		return nil, err
	}
	resp := &pb.ListCeilingsResponse{}
	for _, a := range found {
		resp.Ceilings = append(resp.Ceilings, ceilingOf(a))
	}
	return resp, nil
}

func ceilingOf(a account.Account) *pb.Ceiling {
	p, b, total := a.Plan, bucketsOf(a.Buckets, a.Plan.Currency), a.Buckets.Exposure()
	out := &pb.Ceiling{
		UnitId: p.UnitID, CurrencyCode: p.Currency, Stop: minorOf(p.Limit.Minor, p.Currency), Order: b.GetOrder(), Delivery: b.GetDelivery(),
		Receivable: b.GetReceivable(), Unapplied: b.GetUnapplied(), Total: minorOf(total, p.Currency), Available: minorOf(p.Limit.Minor-total, p.Currency),
		Status: pb.CeilingStatus_CEILING_STATUS_OK, Counted: p.Counted, HeldOrders: int32(a.Held), Version: p.Version, SetBy: p.SetBy, Reason: p.Reason, //nolint:gosec // orders on hold
	}
	if p.Warning > 0 {
		out.Warning = minorOf(p.Warning, p.Currency)
	}
	switch {
	case total >= p.Limit.Minor:
		out.Status = pb.CeilingStatus_CEILING_STATUS_REACHED
	case !p.Counted:
		out.Status = pb.CeilingStatus_CEILING_STATUS_COUNTING
	case p.Warning > 0 && total > p.Warning:
		out.Status = pb.CeilingStatus_CEILING_STATUS_WARNING
	}
	return out
}
