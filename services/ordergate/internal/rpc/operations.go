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
	Streams  []Stream
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

// GetDelivery implements the contract. What webhooks have not taken is theirs and shown with them.
func (s *Operations) GetDelivery(ctx context.Context, _ *pb.GetDeliveryRequest) (*pb.GetDeliveryResponse, error) {
	resp := &pb.GetDeliveryResponse{}
	for _, stream := range s.Streams {
		n, err := stream.Pending(ctx)
		if err != nil {
			return nil, err
		}
		resp.Streams = append(resp.Streams, &pb.StreamDelivery{Stream: stream.Name, Pending: n})
	}
	return resp, nil
}

// Stream is one that the service sends.
type Stream struct {
	Name    string
	Pending func(ctx context.Context) (int64, error)
}
