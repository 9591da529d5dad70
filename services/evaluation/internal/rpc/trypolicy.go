package rpc

import (
	"context"
	"slices"

	"github.com/avalcredit/aval/pkg/policy"
	evaluationv1 "github.com/avalcredit/aval/proto/gen/aval/evaluation/v1"
	"github.com/avalcredit/aval/services/evaluation/internal/app"
	"github.com/avalcredit/aval/services/evaluation/internal/rating"
)

// PolicyTrials says what a policy would make of customers.
type PolicyTrials struct {
	evaluationv1.UnsafePolicyTrialServiceServer
	App *app.App
}

var _ evaluationv1.PolicyTrialServiceServer = PolicyTrials{}

// TryEvaluationPolicy implements the contract.
func (s PolicyTrials) TryEvaluationPolicy(ctx context.Context, req *evaluationv1.TryEvaluationPolicyRequest) (*evaluationv1.TryEvaluationPolicyResponse, error) {
	spec := req.GetPolicy()
	if text := req.GetYaml(); text != "" {
		spec = &evaluationv1.EvaluationPolicy{}
		if err := policy.ParseYAML("yaml", []byte(text), spec); err != nil {
			return nil, err
		}
	}
	p, err := policyIn(spec)
	if err != nil {
		return nil, policyInvalid(err)
	}
	results, err := s.App.TryPolicy(ctx, p, req.GetCustomerIds())
	if err != nil {
		return nil, err
	}
	res := &evaluationv1.TryEvaluationPolicyResponse{}
	for i, r := range results {
		m := &evaluationv1.TriedRating{
			CustomerId: req.GetCustomerIds()[i], Grade: gradeOut(r.Grade), Deciding: r.Deciding, Missing: missingOf(r),
		}
		if r.Scorecard != nil {
			m.Score = r.Scorecard.Score
		}
		res.Ratings = append(res.Ratings, m)
	}
	return res, nil
}

// missingOf names the indicators without a value, each once, in order.
func missingOf(r rating.Result) []string {
	var names []string
	for _, d := range r.Dimensions {
		for _, i := range d.Indicators {
			if i.Missing {
				names = append(names, i.Name)
			}
		}
	}
	if r.Scorecard != nil {
		for _, i := range r.Scorecard.Items {
			if i.Figure.Missing {
				names = append(names, i.Figure.Name)
			}
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}
