package rpc

import (
	"context"

	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/avalcredit/aval/pkg/page"
	pb "github.com/avalcredit/aval/proto/gen/aval/ordergate/v1"
	"github.com/avalcredit/aval/services/ordergate/internal/app"
)

// Operations implements OperationsService.
type Operations struct {
	pb.UnsafeOperationsServiceServer
	Verifier *app.Verifier
	Pages    *page.Signer
	Streams  []Stream
}

var _ pb.OperationsServiceServer = (*Operations)(nil)

// VerifyChains implements the contract.
func (s *Operations) VerifyChains(ctx context.Context, _ *pb.VerifyChainsRequest) (*pb.VerifyChainsResponse, error) {
	r, err := s.Verifier.Verify(ctx)
	if err != nil {
		return nil, err
	}
	return &pb.VerifyChainsResponse{Chains: r.Chains, Entries: r.Entries, Breaks: breaksOf(r.Breaks)}, nil
}

func breaksOf(breaks []app.Break) []*pb.ChainBreak {
	var out []*pb.ChainBreak
	for _, b := range breaks {
		out = append(out, &pb.ChainBreak{Chain: b.Chain, Sequence: b.Seq, Problem: b.Problem})
	}
	return out
}

// ListVerifications implements the contract.
func (s *Operations) ListVerifications(ctx context.Context, r *pb.ListVerificationsRequest) (*pb.ListVerificationsResponse, error) {
	found, next, err := s.Verifier.Kept(ctx, s.Pages, r.GetPageSize(), r.GetPageToken())
	if err != nil {
		return nil, err
	}
	resp := &pb.ListVerificationsResponse{NextPageToken: next}
	for _, v := range found {
		out := &pb.Verification{
			BusinessDate: v.Date.String(), StartTime: timestamppb.New(v.Started), Chains: v.Chains, Entries: v.Entries, Breaks: breaksOf(v.Breaks),
		}
		if !v.Ended.IsZero() {
			out.EndTime = timestamppb.New(v.Ended)
		}
		resp.Verifications = append(resp.Verifications, out)
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
