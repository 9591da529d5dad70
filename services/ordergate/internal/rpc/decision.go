package rpc

import (
	"context"

	"google.golang.org/protobuf/types/known/timestamppb"

	pb "github.com/avalcredit/aval/proto/gen/aval/ordergate/v1"
	"github.com/avalcredit/aval/services/ordergate/internal/account"
	"github.com/avalcredit/aval/services/ordergate/internal/app"
	"github.com/avalcredit/aval/services/ordergate/internal/check"
	"github.com/avalcredit/aval/services/ordergate/internal/order"
)

// Decisions implements DecisionService.
type Decisions struct {
	pb.UnsafeDecisionServiceServer
	Queries *app.Queries
}

var _ pb.DecisionServiceServer = (*Decisions)(nil)

// GetDecision implements the contract.
func (s *Decisions) GetDecision(ctx context.Context, r *pb.GetDecisionRequest) (*pb.GetDecisionResponse, error) {
	a, err := s.Queries.Decision(ctx, caller(ctx), r.GetDecisionId())
	if err != nil {
		return nil, err
	}
	d := decisionOfEntry(a)
	d.Record = string(a.Entry.Decision)
	return &pb.GetDecisionResponse{Decision: d}, nil
}

// ReplayDecision implements the contract.
func (s *Decisions) ReplayDecision(ctx context.Context, r *pb.ReplayDecisionRequest) (*pb.ReplayDecisionResponse, error) {
	recorded, recomputed, err := s.Queries.Replay(ctx, caller(ctx), r.GetDecisionId())
	if err != nil {
		return nil, err
	}
	return &pb.ReplayDecisionResponse{Identical: recorded == recomputed, Recorded: recorded, Recomputed: recomputed}, nil
}

// ListDecisions implements the contract.
func (s *Decisions) ListDecisions(ctx context.Context, r *pb.ListDecisionsRequest) (*pb.ListDecisionsResponse, error) {
	page, err := s.Queries.Decisions(ctx, caller(ctx), r.GetCustomerId(), r.GetPageSize(), r.GetPageToken())
	if err != nil {
		return nil, err
	}
	resp := &pb.ListDecisionsResponse{NextPageToken: page.Next}
	for _, a := range page.Items {
		resp.Decisions = append(resp.Decisions, decisionOfEntry(a))
	}
	return resp, nil
}

// decisionOfEntry is a kept decision: it has a place in the journal.
func decisionOfEntry(a app.Answer) *pb.Decision {
	if a.Record == nil {
		return nil
	}
	d := decisionOf(*a.Record)
	d.DecisionId, d.Sequence = app.DecisionID(a.Entry.AccountID, a.Entry.Seq), a.Entry.Seq
	d.Hash, d.CreateTime = hexOf(a.Entry.Hash), timestamppb.New(a.Entry.RecordedAt)
	return d
}

func decisionOf(r check.Record) *pb.Decision {
	in, res, cur := &r.Input, &r.Result, r.Input.Account.Currency
	m := amounts{currency: cur}
	d := &pb.Decision{
		CustomerId: in.Account.CustomerID, OrderId: in.Order.OrderID, CheckPoint: string(in.Point),
		BusinessDate: in.BusinessDate.String(), PolicyVersion: in.PolicyVersion,
		Verdict:        enum[pb.Verdict](pb.Verdict_value, "VERDICT_", string(res.Verdict)),
		ExposureBefore: m.of(res.ExposureBefore), ExposureAfter: m.of(res.ExposureAfter),
	}
	if l := in.Account.Grant.Limit; l.Kind == account.LimitAmount {
		d.Limit, d.AvailableBefore = m.of(l.Minor), m.of(l.Minor-res.ExposureBefore)
	}
	if res.Limit != nil {
		d.Limit, d.AvailableBefore = m.of(*res.Limit), m.of(*res.Limit-res.ExposureBefore)
	}
	if c := in.Order.Conversion; c != nil {
		d.Conversion = conversionOf(c, in.Order.Amount, cur)
	}
	for _, x := range in.Pools {
		d.Shared = append(d.Shared, &pb.SharedPlace{Kind: string(x.Kind), Id: x.ID, Sequence: x.Seq})
	}
	d.Results = resultsOf(res.Results, cur)
	return d
}

// resultsOf makes what the rules say in few pieces of memory: there are many small parts.
func resultsOf(results []check.RuleResult, currency string) []*pb.RuleResult {
	count := 0
	for i := range results {
		count += len(results[i].Figures)
	}
	out, made := make([]*pb.RuleResult, len(results)), make([]pb.RuleResult, len(results))
	figures, named := make([]*pb.Figure, count), make([]pb.Figure, count)
	for i := range results {
		x, r := &results[i], &made[i]
		out[i] = r
		r.Rule, r.Outcome = x.Rule, enum[pb.Outcome](pb.Outcome_value, "OUTCOME_", string(x.Outcome))
		r.Message, r.Scope, r.Exemption = x.Message, x.Scope, x.Exemption
		n := len(x.Figures)
		for k := range x.Figures {
			named[k].Name, named[k].Value = x.Figures[k].Name, x.Figures[k].Value
			figures[k] = &named[k]
		}
		r.Figures, figures, named = figures[:n:n], figures[n:], named[n:]
		for _, c := range x.Cures {
			r.Cures = append(r.Cures, cureOf(c, currency))
		}
	}
	return out
}

func cureOf(c check.Cure, currency string) *pb.Cure {
	out := &pb.Cure{
		Kind: enum[pb.CureKind](pb.CureKind_value, "CURE_KIND_", string(c.Kind)), Date: c.Date.String(),
		Days: int32(c.Days), AuthorityRow: int32(c.Row), Roles: c.Roles, //nolint:gosec // days and rows are small
	}
	if c.Kind == check.CurePayment || c.Kind == check.CureNotice || c.Kind == check.CureSmallerOrder {
		out.Amount = minorOf(c.Minor, currency)
	}
	return out
}

func conversionOf(c *order.Conversion, minor int64, currency string) *pb.Conversion {
	return &pb.Conversion{
		OriginalAmount: minorOf(c.Minor, c.Currency), ConvertedAmount: minorOf(minor, currency),
		Rate: c.Rate.String(), RateDate: c.RateDate.String(), RateKind: c.Kind,
	}
}
