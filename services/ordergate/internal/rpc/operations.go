package rpc

import (
	"context"

	pb "github.com/avalcredit/aval/proto/gen/aval/ordergate/v1"
	"github.com/avalcredit/aval/services/ordergate/internal/app"
)

// Operations implements OperationsService.
type Operations struct {
	pb.UnsafeOperationsServiceServer
	Verifier *app.Verifier
}

var _ pb.OperationsServiceServer = (*Operations)(nil)

// VerifyChains implements the contract.
func (s *Operations) VerifyChains(ctx context.Context, _ *pb.VerifyChainsRequest) (*pb.VerifyChainsResponse, error) {
	r, err := s.Verifier.Verify(ctx)
	if err != nil {
		return nil, err
	}
	resp := &pb.VerifyChainsResponse{Chains: r.Chains, Entries: r.Entries}
	for _, b := range r.Breaks {
		resp.Breaks = append(resp.Breaks, &pb.ChainBreak{Chain: b.Chain, Sequence: b.Seq, Problem: b.Problem})
	}
	return resp, nil
}

// GetDelivery implements the contract: the gate sends no stream of its own in this form of the circle.
func (s *Operations) GetDelivery(context.Context, *pb.GetDeliveryRequest) (*pb.GetDeliveryResponse, error) {
	return &pb.GetDeliveryResponse{}, nil
}
