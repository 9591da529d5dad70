package rpc

import (
	"context"

	receivablesv1 "github.com/avalcredit/aval/proto/gen/aval/receivables/v1"
	"github.com/avalcredit/aval/services/receivables/internal/app"
)

// Operations serves OperationsService.
type Operations struct {
	receivablesv1.UnsafeOperationsServiceServer
	App *app.Service
}

var _ receivablesv1.OperationsServiceServer = (*Operations)(nil)

// VerifyChains implements OperationsService.
func (s *Operations) VerifyChains(ctx context.Context, _ *receivablesv1.VerifyChainsRequest) (*receivablesv1.VerifyChainsResponse, error) {
	report, err := s.App.Verify(ctx)
	if err != nil {
		return nil, err
	}
	resp := &receivablesv1.VerifyChainsResponse{Chains: report.Chains, Entries: report.Entries}
	for _, b := range report.Breaks {
		resp.Breaks = append(resp.Breaks, &receivablesv1.ChainBreak{Chain: b.Chain, Sequence: b.Sequence, Problem: b.Problem})
	}
	return resp, nil
}

// GetDelivery implements OperationsService.
func (s *Operations) GetDelivery(ctx context.Context, _ *receivablesv1.GetDeliveryRequest) (*receivablesv1.GetDeliveryResponse, error) {
	backlogs, err := s.App.Backlogs(ctx)
	if err != nil {
		return nil, err
	}
	resp := &receivablesv1.GetDeliveryResponse{}
	for _, b := range backlogs {
		resp.Streams = append(resp.Streams, &receivablesv1.StreamDelivery{Stream: b.Stream, Pending: b.Pending})
	}
	return resp, nil
}
