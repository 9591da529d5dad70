package rpc

import (
	"bytes"
	"context"
	"strings"

	evaluationv1 "github.com/avalcredit/aval/proto/gen/aval/evaluation/v1"
	"github.com/avalcredit/aval/services/evaluation/internal/app"
	"github.com/avalcredit/aval/services/evaluation/internal/rating"
)

// Ratings serves ratings.
type Ratings struct {
	evaluationv1.UnsafeRatingServiceServer
	App *app.App
	// FontFile of documents; empty: the usual places are looked through.
	FontFile string
}

var _ evaluationv1.RatingServiceServer = Ratings{}

// RateCustomer implements the contract.
func (s Ratings) RateCustomer(ctx context.Context, req *evaluationv1.RateCustomerRequest) (*evaluationv1.RateCustomerResponse, error) {
	r := request(ctx, evaluationv1.RatingService_RateCustomer_FullMethodName, req.GetRequestId(), req)
	rated, err := s.App.RateCustomer(ctx, r, req.GetCustomerId())
	if err != nil {
		return nil, err
	}
	return &evaluationv1.RateCustomerResponse{Rating: ratingOut(rated.Rating), Unchanged: rated.Unchanged}, nil
}

// ListRatings implements the contract.
func (s Ratings) ListRatings(ctx context.Context, req *evaluationv1.ListRatingsRequest) (*evaluationv1.ListRatingsResponse, error) {
	found, next, err := s.App.Ratings(ctx, req.GetCustomerId(), req.GetPageSize(), req.GetPageToken())
	if err != nil {
		return nil, err
	}
	res := &evaluationv1.ListRatingsResponse{NextPageToken: next}
	for _, r := range found {
		res.Ratings = append(res.Ratings, ratingOut(r))
	}
	return res, nil
}

// ReplayRating implements the contract.
func (s Ratings) ReplayRating(ctx context.Context, req *evaluationv1.ReplayRatingRequest) (*evaluationv1.ReplayRatingResponse, error) {
	r, err := s.App.ReplayRating(ctx, req.GetRatingId())
	if err != nil {
		return nil, err
	}
	return &evaluationv1.ReplayRatingResponse{
		Identical: bytes.Equal(r.Recorded, r.Recomputed), Recorded: string(r.Recorded), Recomputed: string(r.Recomputed),
	}, nil
}

func ratingOut(r app.Rating) *evaluationv1.Rating {
	in, res := r.Record.Inputs, r.Record.Result
	m := &evaluationv1.Rating{
		RatingId: r.Record.RatingID, CustomerId: in.CustomerID, Sequence: in.Sequence, BusinessDate: in.Date.String(),
		PolicyVersion: r.Record.PolicyVersion,
		Trigger:       number[evaluationv1.RatingTrigger](string(in.Trigger), evaluationv1.RatingTrigger_value, "RATING_TRIGGER_"),
		Grade:         gradeOut(res.Grade), Deciding: res.Deciding, Reason: res.Reason,
		Treatment: treatmentOut(res.Treatment), RecommendedLimit: moneyOf(res.Limit),
		RecommendedTermDays: int32(res.TermDays), //nolint:gosec // bounded by the policy
		LimitExplanation:    res.LimitExplanation, Improvements: res.Improvements, Hash: r.Hash,
		Raise:     raiseOut(res.Raise),
		Scorecard: scorecardOut(res.Scorecard), LimitFormula: workedOut(res.LimitFormula), TermFormula: workedOut(res.TermFormula),
	}
	if in.Previous != nil {
		m.PreviousGrade = gradeOut(in.Previous.Grade)
	}
	for _, d := range res.Dimensions {
		m.Dimensions = append(m.Dimensions, dimensionOut(d))
	}
	for _, c := range res.Caps {
		m.Caps = append(m.Caps, &evaluationv1.CapResult{Name: c.Name, Grade: gradeOut(c.Grade), Holds: c.Holds, FactIds: c.FactIDs})
	}
	return m
}

func dimensionOut(d rating.DimensionResult) *evaluationv1.DimensionResult {
	m := &evaluationv1.DimensionResult{Name: d.Name, Grade: gradeOut(d.Grade)}
	for _, i := range d.Indicators {
		m.Indicators = append(m.Indicators, indicatorOut(i))
	}
	return m
}

func indicatorOut(i rating.IndicatorResult) *evaluationv1.IndicatorResult {
	missing := i.MissingRule
	if i.MissingWhy != "" {
		missing = strings.Join([]string{i.MissingRule, i.MissingWhy}, "; ")
	}
	return &evaluationv1.IndicatorResult{
		Name: i.Name, Value: i.Value, Unit: i.Unit, Missing: i.Missing, MissingRule: missing,
		Grade: gradeOut(i.Grade), Threshold: i.Threshold, FactIds: i.FactIDs, AsOfDate: i.AsOf.String(),
	}
}
