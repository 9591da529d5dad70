package rpc

import (
	"context"
	"fmt"

	"google.golang.org/genproto/googleapis/api/httpbody"

	"github.com/avalcredit/aval/pkg/errs"
	evaluationv1 "github.com/avalcredit/aval/proto/gen/aval/evaluation/v1"
	"github.com/avalcredit/aval/services/evaluation/internal/app"
	"github.com/avalcredit/aval/services/evaluation/internal/app/portfoliofile"
	"github.com/avalcredit/aval/services/evaluation/internal/growth"
)

// GrowthReviews serves reviews of customers with credit.
type GrowthReviews struct {
	evaluationv1.UnsafeGrowthReviewServiceServer
	Portfolio *app.Portfolio
}

var _ evaluationv1.GrowthReviewServiceServer = GrowthReviews{}

// StartGrowthReview implements the contract.
func (s GrowthReviews) StartGrowthReview(ctx context.Context, req *evaluationv1.StartGrowthReviewRequest) (*evaluationv1.StartGrowthReviewResponse, error) {
	r := request(ctx, evaluationv1.GrowthReviewService_StartGrowthReview_FullMethodName, req.GetRequestId(), req)
	review, err := s.Portfolio.ReviewGrowth(ctx, r)
	if err != nil {
		return nil, err
	}
	return &evaluationv1.StartGrowthReviewResponse{GrowthReview: growthReviewOut(review)}, nil
}

// GetGrowthReview implements the contract.
func (s GrowthReviews) GetGrowthReview(ctx context.Context, req *evaluationv1.GetGrowthReviewRequest) (*evaluationv1.GetGrowthReviewResponse, error) {
	review, err := s.Portfolio.GrowthReview(ctx, req.GetGrowthReviewId())
	if err != nil {
		return nil, err
	}
	return &evaluationv1.GetGrowthReviewResponse{GrowthReview: growthReviewOut(review)}, nil
}

// CancelGrowthReview implements the contract.
func (s GrowthReviews) CancelGrowthReview(ctx context.Context, req *evaluationv1.CancelGrowthReviewRequest) (*evaluationv1.CancelGrowthReviewResponse, error) {
	review, err := s.Portfolio.CancelGrowth(ctx, req.GetGrowthReviewId())
	if err != nil {
		return nil, err
	}
	return &evaluationv1.CancelGrowthReviewResponse{GrowthReview: growthReviewOut(review)}, nil
}

// ListGrowthReviews implements the contract.
func (s GrowthReviews) ListGrowthReviews(ctx context.Context, req *evaluationv1.ListGrowthReviewsRequest) (*evaluationv1.ListGrowthReviewsResponse, error) {
	reviews, next, err := s.Portfolio.GrowthReviews(ctx, req.GetPageSize(), req.GetPageToken())
	if err != nil {
		return nil, err
	}
	res := &evaluationv1.ListGrowthReviewsResponse{NextPageToken: next}
	for _, r := range reviews {
		res.GrowthReviews = append(res.GrowthReviews, growthReviewOut(r))
	}
	return res, nil
}

// ListGrowthReviewCustomers implements the contract.
func (s GrowthReviews) ListGrowthReviewCustomers(ctx context.Context, req *evaluationv1.ListGrowthReviewCustomersRequest) (*evaluationv1.ListGrowthReviewCustomersResponse, error) {
	rows, next, err := s.Portfolio.GrowthRows(ctx, app.GrowthList{
		ReviewID: req.GetGrowthReviewId(), Salesperson: req.GetSalespersonId(), Size: req.GetPageSize(), Token: req.GetPageToken(),
		Verdict: growth.Verdict(name(req.GetVerdict(), evaluationv1.GrowthVerdict_name, "GROWTH_VERDICT_")),
	})
	if err != nil {
		return nil, err
	}
	return &evaluationv1.ListGrowthReviewCustomersResponse{Customers: growthCustomersOut(rows), NextPageToken: next}, nil
}

// DownloadGrowthReview implements the contract.
func (s GrowthReviews) DownloadGrowthReview(ctx context.Context, req *evaluationv1.DownloadGrowthReviewRequest) (*httpbody.HttpBody, error) {
	review, err := s.Portfolio.GrowthReview(ctx, req.GetGrowthReviewId())
	if err != nil {
		return nil, err
	}
	if review.Result == nil {
		return nil, app.GrowthNotDone(review)
	}
	rows, err := s.Portfolio.NotGrown(ctx, review.ID)
	if err != nil {
		return nil, err
	}
	data, err := portfoliofile.GrowthXLSX(review.Spec, *review.Result, rows, req.GetLanguage() == evaluationv1.PortfolioLanguage_PORTFOLIO_LANGUAGE_EN)
	if err != nil {
		return nil, errs.New(errs.Internal, "INTERNAL", "the file could not be made").WithCause(err)
	}
	return download(ctx, fmt.Sprintf("aval-growth-%s.xlsx", review.Spec.Date), data)
}

func growthReviewOut(r app.GrowthReview) *evaluationv1.GrowthReview {
	now, compared := r.Spec.Period(), r.Spec.Compared()
	rule := &evaluationv1.GrowthRule{
		PeriodMonths: int32(r.Spec.Months), LeastGrowth: r.Spec.Least, CreditMonths: int32(r.Spec.CreditMonths), //nolint:gosec // months
		CompareWith: evaluationv1.GrowthComparison_GROWTH_COMPARISON_PERIOD_BEFORE,
	}
	if r.Spec.YearBefore {
		rule.CompareWith = evaluationv1.GrowthComparison_GROWTH_COMPARISON_YEAR_BEFORE
	}
	m := &evaluationv1.GrowthReview{
		GrowthReviewId: r.ID, BusinessDate: r.Spec.Date.String(), PolicyVersion: r.Spec.Version, Rule: rule,
		FromDate: now.From.String(), ToDate: now.To.String(), ComparedFromDate: compared.From.String(), ComparedToDate: compared.To.String(),
		State: number[evaluationv1.PortfolioRunState](r.State, evaluationv1.PortfolioRunState_value, "PORTFOLIO_RUN_STATE_"),
		Done:  r.Done, Total: r.Total, CreatedBy: r.CreatedBy, CreateTime: timeOf(r.CreatedAt), EndTime: instantOf(r.EndedAt),
		ErrorReason: r.ErrorReason, ErrorMessage: r.ErrorMessage, CancelRequested: r.CancelRequested,
	}
	if res := r.Result; res != nil {
		m.Result = &evaluationv1.GrowthResult{
			Customers: res.Customers, Grew: res.Grew, NotGrown: res.NotGrown, TooEarly: res.TooEarly, Unknown: res.Unknown,
			Volumes: sumsOut(res.Volume), ComparedVolumes: sumsOut(res.Compared), NotGrownCustomers: growthCustomersOut(res.NotGrownCustomers),
		}
		for _, t := range res.Salespeople {
			m.Result.Salespeople = append(m.Result.Salespeople, &evaluationv1.GrowthTally{
				SalespersonId: t.Salesperson, Grew: t.Grew, NotGrown: t.NotGrown, Volumes: sumsOut(t.Volume), ComparedVolumes: sumsOut(t.Compared),
			})
		}
	}
	return m
}

func growthCustomersOut(rows []growth.Row) []*evaluationv1.GrowthCustomer {
	out := make([]*evaluationv1.GrowthCustomer, len(rows))
	for i, r := range rows {
		out[i] = &evaluationv1.GrowthCustomer{
			CustomerId: r.CustomerID, DisplayName: r.DisplayName, SalespersonId: r.Salesperson, UnitId: r.Unit, Grade: gradeOut(r.Grade),
			Limit: minorOut(r.Limit, r.Currency), CreditSinceDate: r.CreditSince.String(), Volume: minorOut(r.Volume, r.Currency),
			ComparedVolume: minorOut(r.Compared, r.Currency), Growth: r.Growth(),
			Verdict: number[evaluationv1.GrowthVerdict](string(r.Verdict), evaluationv1.GrowthVerdict_value, "GROWTH_VERDICT_"),
		}
	}
	return out
}
