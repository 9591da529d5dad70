package rpc

import (
	"context"

	evaluationv1 "github.com/avalcredit/aval/proto/gen/aval/evaluation/v1"
	"github.com/avalcredit/aval/services/evaluation/internal/app"
	"github.com/avalcredit/aval/services/evaluation/internal/grant"
)

// Grants serves what credit a customer has.
type Grants struct {
	evaluationv1.UnsafeCreditGrantServiceServer
	App *app.App
}

var _ evaluationv1.CreditGrantServiceServer = Grants{}

// GetGrant implements the contract.
func (s Grants) GetGrant(ctx context.Context, req *evaluationv1.GetGrantRequest) (*evaluationv1.GetGrantResponse, error) {
	var r reader
	day := r.date("as_of_date", req.GetAsOfDate())
	if err := r.err(); err != nil {
		return nil, err
	}
	g, err := s.App.GrantInForce(ctx, req.GetCustomerId(), day)
	if err != nil {
		return nil, err
	}
	return &evaluationv1.GetGrantResponse{Grant: grantOut(g)}, nil
}

// ListGrants implements the contract.
func (s Grants) ListGrants(ctx context.Context, req *evaluationv1.ListGrantsRequest) (*evaluationv1.ListGrantsResponse, error) {
	found, next, err := s.App.Grants(ctx, req.GetCustomerId(), req.GetPageSize(), req.GetPageToken())
	if err != nil {
		return nil, err
	}
	res := &evaluationv1.ListGrantsResponse{NextPageToken: next}
	for _, g := range found {
		res.Grants = append(res.Grants, grantOut(g))
	}
	return res, nil
}

// TakeOverGrant implements the contract.
func (s Grants) TakeOverGrant(ctx context.Context, req *evaluationv1.TakeOverGrantRequest) (*evaluationv1.TakeOverGrantResponse, error) {
	var r reader
	g := grant.Grant{
		CustomerID: req.GetCustomerId(), TermDays: int(req.GetTermDays()),
		Limit: &grant.Limit{
			Amount: r.money("limit.amount", req.GetLimit().GetAmount()), Unlimited: req.GetLimit().GetUnlimited(),
		},
		ValidFrom:          r.date("valid_from_date", req.GetValidFromDate()),
		ValidUntil:         r.date("valid_until_date", req.GetValidUntilDate()),
		PaperFormReference: req.GetPaperFormReference(),
	}
	if err := r.err(); err != nil {
		return nil, err
	}
	if req.GetValidateOnly() {
		ctx = app.OnTrial(ctx)
		req.ValidateOnly = false // not part of what the request id stands for
	}
	id := request(ctx, evaluationv1.CreditGrantService_TakeOverGrant_FullMethodName, req.GetRequestId(), req)
	taken, err := s.App.TakeOverGrant(ctx, id, g)
	if err != nil {
		return nil, err
	}
	return &evaluationv1.TakeOverGrantResponse{Grant: grantOut(taken)}, nil
}

// SuspendGrant implements the contract.
func (s Grants) SuspendGrant(ctx context.Context, req *evaluationv1.SuspendGrantRequest) (*evaluationv1.SuspendGrantResponse, error) {
	id := request(ctx, evaluationv1.CreditGrantService_SuspendGrant_FullMethodName, req.GetRequestId(), req)
	g, err := s.App.SuspendGrant(ctx, id, req.GetCustomerId(), req.GetReason())
	if err != nil {
		return nil, err
	}
	return &evaluationv1.SuspendGrantResponse{Grant: grantOut(g)}, nil
}

// ListExpiringGrants implements the contract.
func (s Grants) ListExpiringGrants(ctx context.Context, req *evaluationv1.ListExpiringGrantsRequest) (*evaluationv1.ListExpiringGrantsResponse, error) {
	within := -1
	if req.WithinDays != nil {
		within = int(req.GetWithinDays())
	}
	found, next, err := s.App.ExpiringGrants(ctx, within, req.GetPageSize(), req.GetPageToken())
	if err != nil {
		return nil, err
	}
	res := &evaluationv1.ListExpiringGrantsResponse{NextPageToken: next}
	for _, e := range found {
		res.ExpiringGrants = append(res.ExpiringGrants, &evaluationv1.ExpiringGrant{
			CustomerId: e.CustomerID, DisplayName: e.Name, Grant: grantOut(e.Grant), DaysLeft: int32(e.DaysLeft), SalespersonId: e.Salesperson, //nolint:gosec // days
		})
	}
	return res, nil
}

func grantOut(g app.Grant) *evaluationv1.Grant {
	v := g.Grant
	m := &evaluationv1.Grant{
		CustomerId: v.CustomerID, Version: v.Version,
		Origin:    number[evaluationv1.GrantOrigin](string(v.Origin), evaluationv1.GrantOrigin_value, "GRANT_ORIGIN_"),
		Treatment: treatmentOut(v.Treatment), Limit: limitOut(v.Limit),
		TermDays: int32(v.TermDays), GraceDays: int32(v.GraceDays), //nolint:gosec // bounded by the contract
		ValidFromDate: v.ValidFrom.String(), ValidUntilDate: v.ValidUntil.String(),
		ApplicationId: v.ApplicationID, SerialNumber: v.SerialNumber, PaperFormReference: v.PaperFormReference,
		ApprovedBy: v.ApprovedBy, Reason: v.Reason, RatingId: v.RatingID, Grade: gradeOut(v.Grade),
		CreateTime: timeOf(v.CreateTime), Hash: g.Hash,
	}
	for _, t := range v.Temporary {
		m.TemporaryLimits = append(m.TemporaryLimits, &evaluationv1.TemporaryLimit{
			Mode:   number[evaluationv1.TemporaryLimitMode](t.Mode, evaluationv1.TemporaryLimitMode_value, temporaryPrefix),
			Amount: moneyOf(&t.Amount), FromDate: t.From.String(), UntilDate: t.Until.String(),
		})
	}
	additionsOut(m, v)
	return m
}

// additionsOut adds what goes with the standing limit.
func additionsOut(m *evaluationv1.Grant, v grant.Grant) {
	m.SettlementTerms, m.Instruments = settlementOut(v.Settlement), instrumentsOut(v.Instruments)
	for _, s := range v.Seasonal {
		m.SeasonalLimits = append(m.SeasonalLimits, &evaluationv1.SeasonalLimit{
			Mode:   number[evaluationv1.TemporaryLimitMode](s.Mode, evaluationv1.TemporaryLimitMode_value, temporaryPrefix),
			Amount: moneyOf(&s.Amount), FromMonthDay: string(s.From), UntilMonthDay: string(s.Until),
		})
	}
	for _, b := range v.BaseStock {
		m.BaseStocks = append(m.BaseStocks, &evaluationv1.BaseStock{Amount: moneyOf(&b.Amount), FromDate: b.From.String(), UntilDate: b.Until.String()})
	}
	for _, o := range v.Orders {
		m.OrderLimits = append(m.OrderLimits, &evaluationv1.OrderLimit{OrderId: o.OrderID, Amount: moneyOf(&o.Amount), UntilDate: o.Until.String()})
	}
	if p := v.Pool; p != nil {
		m.GroupPool = &evaluationv1.GroupPool{GroupId: p.GroupID, Limit: moneyOf(&p.Limit), FormNumber: p.Form}
	}
	if v.Suspended != nil {
		m.SuspendedVersion = v.Suspended.Version
	}
}

func limitOut(l *grant.Limit) *evaluationv1.CreditLimit {
	switch {
	case l == nil:
		return nil
	case l.Unlimited:
		return &evaluationv1.CreditLimit{Kind: &evaluationv1.CreditLimit_Unlimited{Unlimited: true}}
	default:
		return &evaluationv1.CreditLimit{Kind: &evaluationv1.CreditLimit_Amount{Amount: moneyOf(l.Amount)}}
	}
}
