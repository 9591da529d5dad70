package rpc

import (
	"context"

	evaluationv1 "github.com/avalcredit/aval/proto/gen/aval/evaluation/v1"
	"github.com/avalcredit/aval/services/evaluation/internal/app"
)

// Operations serves the people who run the suite.
type Operations struct {
	evaluationv1.UnsafeOperationsServiceServer
	App *app.App
}

var _ evaluationv1.OperationsServiceServer = Operations{}

// VerifyChains implements the contract.
func (s Operations) VerifyChains(ctx context.Context, _ *evaluationv1.VerifyChainsRequest) (*evaluationv1.VerifyChainsResponse, error) {
	report, err := s.App.VerifyChains(ctx)
	if err != nil {
		return nil, err
	}
	res := &evaluationv1.VerifyChainsResponse{Chains: report.Streams, Entries: report.Entries}
	for _, b := range report.Broken {
		res.Breaks = append(res.Breaks, &evaluationv1.ChainBreak{Chain: b.Stream, Sequence: b.Seq, Problem: b.Why})
	}
	return res, nil
}

// GetDelivery implements the contract.
func (s Operations) GetDelivery(ctx context.Context, _ *evaluationv1.GetDeliveryRequest) (*evaluationv1.GetDeliveryResponse, error) {
	all, err := s.App.Delivery(ctx)
	if err != nil {
		return nil, err
	}
	res := &evaluationv1.GetDeliveryResponse{}
	for _, d := range all {
		res.Streams = append(res.Streams, &evaluationv1.StreamDelivery{Stream: d.Stream, Pending: d.Pending})
	}
	return res, nil
}
