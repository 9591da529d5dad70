package rpc

import (
	"context"

	"google.golang.org/grpc"

	evaluationv1 "github.com/avalcredit/aval/proto/gen/aval/evaluation/v1"
	"github.com/avalcredit/aval/services/ordergate/internal/account"
)

// Profiles asks evaluation for credit profiles; it implements app.Profiles.
type Profiles struct {
	client evaluationv1.FeedServiceClient
}

// NewProfiles returns profiles read over a connection to evaluation.
func NewProfiles(conn grpc.ClientConnInterface) *Profiles {
	return &Profiles{client: evaluationv1.NewFeedServiceClient(conn)}
}

// CreditProfile reads the newest profile of a customer.
func (p *Profiles) CreditProfile(ctx context.Context, customerID string) (account.Profile, error) {
	resp, err := p.client.GetCreditProfile(ctx, &evaluationv1.GetCreditProfileRequest{CustomerId: customerID})
	if err != nil {
		return account.Profile{}, err
	}
	return ParseProfile(resp.GetProfile())
}
