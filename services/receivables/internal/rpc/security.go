package rpc

import (
	"context"

	"github.com/avalcredit/aval/pkg/calendar"
	"github.com/avalcredit/aval/pkg/idem"
	"github.com/avalcredit/aval/pkg/money"
	"github.com/avalcredit/aval/pkg/page"
	receivablesv1 "github.com/avalcredit/aval/proto/gen/aval/receivables/v1"
	"github.com/avalcredit/aval/services/receivables/internal/app"
	"github.com/avalcredit/aval/services/receivables/internal/security"
)

// Securities serves SecurityService.
type Securities struct {
	receivablesv1.UnsafeSecurityServiceServer
	App   *app.Service
	Pages *page.Signer
}

var _ receivablesv1.SecurityServiceServer = (*Securities)(nil)

// RecordSecurity implements SecurityService.
func (s *Securities) RecordSecurity(ctx context.Context, req *receivablesv1.RecordSecurityRequest) (*receivablesv1.RecordSecurityResponse, error) {
	var f fields
	in := req.GetSecurity()
	from := f.date("security.valid_from_date", in.GetValidFromDate())
	d := security.Security{
		ID: in.GetSecurityId(), CustomerID: in.GetCustomerId(), Kind: security.Kind(named(in.GetKind(), "SECURITY_KIND_")),
		Provider: in.GetProvider(), Rank: int(in.GetRank()), ItemIDs: in.GetItemIds(), Reference: in.GetReference(),
		From: from, Until: f.date("security.valid_until_date", in.GetValidUntilDate()),
		NoticeDays: int(in.GetOverdueNoticeDays()), ClaimDays: int(in.GetClaimDays()),
		Valuations: []security.Valuation{f.valuation("security.", &receivablesv1.Valuation{
			Value: in.GetValue(), PriorClaims: in.GetPriorClaims(), ValuationDate: in.GetValidFromDate(), Basis: in.GetReference(),
		})},
	}
	if share := in.GetInsuredShare(); share != "" {
		var err error
		d.InsuredShare, err = money.ParseRatio(share)
		f.keep("security.insured_share", "ratio", err)
	}
	if f.err != nil {
		return nil, f.err
	}
	r := idem.FromProto(ctx, receivablesv1.SecurityService_RecordSecurity_FullMethodName, req.GetRequestId(), req)
	out, err := s.App.RecordSecurity(ctx, r, d)
	if err != nil {
		return nil, err
	}
	return &receivablesv1.RecordSecurityResponse{Security: s.message(ctx, out)}, nil
}

// valuation reads a valuation; what is not said of prior claims is nothing.
func (f *fields) valuation(prefix string, in *receivablesv1.Valuation) security.Valuation {
	v := security.Valuation{
		Value: f.money(prefix+"value", in.GetValue()), PriorClaims: f.money(prefix+"prior_claims", in.GetPriorClaims()),
		Date: f.date(prefix+"valuation_date", in.GetValuationDate()), Basis: in.GetBasis(),
	}
	if in.GetPriorClaims() == nil {
		v.PriorClaims = money.Zero(v.Value.Currency)
	}
	return v
}

// RevalueSecurity implements SecurityService.
func (s *Securities) RevalueSecurity(ctx context.Context, req *receivablesv1.RevalueSecurityRequest) (*receivablesv1.RevalueSecurityResponse, error) {
	var f fields
	v, until := f.valuation("valuation.", req.GetValuation()), f.date("valid_until_date", req.GetValidUntilDate())
	if f.err != nil {
		return nil, f.err
	}
	r := idem.FromProto(ctx, receivablesv1.SecurityService_RevalueSecurity_FullMethodName, req.GetRequestId(), req)
	out, err := s.App.RevalueSecurity(ctx, r, req.GetSecurityId(), v, until)
	if err != nil {
		return nil, err
	}
	return &receivablesv1.RevalueSecurityResponse{Security: s.message(ctx, out)}, nil
}

// ReleaseSecurity implements SecurityService.
func (s *Securities) ReleaseSecurity(ctx context.Context, req *receivablesv1.ReleaseSecurityRequest) (*receivablesv1.ReleaseSecurityResponse, error) {
	r := idem.FromProto(ctx, receivablesv1.SecurityService_ReleaseSecurity_FullMethodName, req.GetRequestId(), req)
	out, err := s.App.ReleaseSecurity(ctx, r, req.GetSecurityId(), req.GetReason())
	if err != nil {
		return nil, err
	}
	return &receivablesv1.ReleaseSecurityResponse{Security: s.message(ctx, out)}, nil
}

// ReportToInsurer implements SecurityService.
func (s *Securities) ReportToInsurer(ctx context.Context, req *receivablesv1.ReportToInsurerRequest) (*receivablesv1.ReportToInsurerResponse, error) {
	var f fields
	in := req.GetReport()
	report := security.Report{
		Kind: security.ReportKind(named(in.GetKind(), "INSURER_REPORT_KIND_")), ItemID: in.GetItemId(),
		Date: f.date("report.report_date", in.GetReportDate()), Reference: in.GetReference(),
	}
	if f.err != nil {
		return nil, f.err
	}
	r := idem.FromProto(ctx, receivablesv1.SecurityService_ReportToInsurer_FullMethodName, req.GetRequestId(), req)
	out, err := s.App.ReportToInsurer(ctx, r, req.GetSecurityId(), report)
	if err != nil {
		return nil, err
	}
	return &receivablesv1.ReportToInsurerResponse{Security: s.message(ctx, out)}, nil
}

// GetSecurity implements SecurityService.
func (s *Securities) GetSecurity(ctx context.Context, req *receivablesv1.GetSecurityRequest) (*receivablesv1.GetSecurityResponse, error) {
	out, err := s.App.Security(ctx, req.GetSecurityId())
	if err != nil {
		return nil, err
	}
	return &receivablesv1.GetSecurityResponse{Security: s.message(ctx, out)}, nil
}

// ListSecurities implements SecurityService.
func (s *Securities) ListSecurities(ctx context.Context, req *receivablesv1.ListSecuritiesRequest) (*receivablesv1.ListSecuritiesResponse, error) {
	checksum := page.Checksum("securities", req.GetCustomerId(), req.GetItemId())
	before, err := numberToken(s.Pages, req.GetPageToken(), checksum)
	if err != nil {
		return nil, err
	}
	list, next, err := s.App.Securities(ctx, app.RecordQuery{
		CustomerID: req.GetCustomerId(), ItemID: req.GetItemId(), Before: before, Limit: page.Size(req.GetPageSize(), defaultPage, maxPage),
	})
	if err != nil {
		return nil, err
	}
	resp := &receivablesv1.ListSecuritiesResponse{NextPageToken: nextToken(s.Pages, checksum, next)}
	for _, d := range list {
		resp.Securities = append(resp.Securities, s.message(ctx, d))
	}
	return resp, nil
}

// GetSecurityCover implements SecurityService.
func (s *Securities) GetSecurityCover(ctx context.Context, req *receivablesv1.GetSecurityCoverRequest) (*receivablesv1.GetSecurityCoverResponse, error) {
	var f fields
	day := f.date("as_of_date", req.GetAsOfDate())
	if f.err != nil {
		return nil, f.err
	}
	c, err := s.App.SecurityCover(ctx, req.GetCustomerId(), day)
	if err != nil {
		return nil, err
	}
	resp := &receivablesv1.GetSecurityCoverResponse{AsOfDate: c.Date.String(), OpenAmount: moneyOf(c.Open)}
	for _, m := range c.Worths {
		resp.Worths = append(resp.Worths, moneyOf(m))
	}
	for _, d := range c.Securities {
		resp.Securities = append(resp.Securities, securityMessage(d, c.Date))
	}
	return resp, nil
}

func (s *Securities) message(ctx context.Context, d security.Security) *receivablesv1.Security {
	return securityMessage(d, s.App.Today(ctx))
}

func securityMessage(d security.Security, day calendar.Date) *receivablesv1.Security {
	last := d.Valuations[len(d.Valuations)-1]
	out := &receivablesv1.Security{
		SecurityId: d.ID, CustomerId: d.CustomerID, Kind: receivablesv1.SecurityKind(receivablesv1.SecurityKind_value["SECURITY_KIND_"+string(d.Kind)]),
		Provider: d.Provider, Value: moneyOf(last.Value), PriorClaims: moneyOf(last.PriorClaims), Rank: int32(d.Rank), //nolint:gosec // at most 99
		ValidFromDate: d.From.String(), ValidUntilDate: d.Until.String(), ItemIds: d.ItemIDs, Reference: d.Reference,
		InsuredShare: d.InsuredShare.String(), OverdueNoticeDays: int32(d.NoticeDays), ClaimDays: int32(d.ClaimDays), //nolint:gosec // days
		State: receivablesv1.SecurityState(receivablesv1.SecurityState_value["SECURITY_STATE_"+string(d.State(day))]), Worth: moneyOf(d.Worth(day)),
		RecordedBy: d.RecordedBy, RecordDate: d.RecordDate.String(), ReleasedBy: d.ReleasedBy, ReleaseReason: d.ReleaseReason, ReleaseDate: d.ReleaseDate.String(),
	}
	for _, v := range d.Valuations {
		out.Valuations = append(out.Valuations, &receivablesv1.Valuation{
			Value: moneyOf(v.Value), PriorClaims: moneyOf(v.PriorClaims), ValuationDate: v.Date.String(), Basis: v.Basis, RecordedBy: v.RecordedBy,
		})
	}
	for _, r := range d.Reports {
		out.Reports = append(out.Reports, &receivablesv1.InsurerReport{
			Kind:   receivablesv1.InsurerReportKind(receivablesv1.InsurerReportKind_value["INSURER_REPORT_KIND_"+string(r.Kind)]),
			ItemId: r.ItemID, ReportDate: r.Date.String(), Reference: r.Reference, RecordedBy: r.RecordedBy,
		})
	}
	return out
}
