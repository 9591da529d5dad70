package rpc

import (
	"context"

	"github.com/avalcredit/aval/pkg/idem"
	pb "github.com/avalcredit/aval/proto/gen/aval/ordergate/v1"
	"github.com/avalcredit/aval/services/ordergate/internal/app"
)

// Webhooks implements WebhookService.
type Webhooks struct {
	pb.UnsafeWebhookServiceServer
	Webhooks *app.Webhooks
}

var _ pb.WebhookServiceServer = (*Webhooks)(nil)

// CreateWebhook implements the contract.
func (s *Webhooks) CreateWebhook(ctx context.Context, r *pb.CreateWebhookRequest) (*pb.CreateWebhookResponse, error) {
	types := make([]string, 0, len(r.GetTypes()))
	for _, t := range r.GetTypes() {
		types = append(types, word(t.String(), "SHIPMENT_EVENT_TYPE_", ""))
	}
	w, secret, err := s.Webhooks.Create(ctx, caller(ctx), idem.FromProto(ctx, "CreateWebhook", r.GetRequestId(), r), r.GetUrl(), types)
	if err != nil {
		return nil, err
	}
	return &pb.CreateWebhookResponse{Webhook: webhookOf(w), Secret: secret}, nil
}

// ListWebhooks implements the contract.
func (s *Webhooks) ListWebhooks(ctx context.Context, _ *pb.ListWebhooksRequest) (*pb.ListWebhooksResponse, error) {
	hooks, err := s.Webhooks.List(ctx)
	if err != nil {
		return nil, err
	}
	resp := &pb.ListWebhooksResponse{}
	for _, w := range hooks {
		resp.Webhooks = append(resp.Webhooks, webhookOf(w))
	}
	return resp, nil
}

// DeleteWebhook implements the contract.
func (s *Webhooks) DeleteWebhook(ctx context.Context, r *pb.DeleteWebhookRequest) (*pb.DeleteWebhookResponse, error) {
	if err := s.Webhooks.Delete(ctx, r.GetWebhookId()); err != nil {
		return nil, err
	}
	return &pb.DeleteWebhookResponse{}, nil
}

func webhookOf(w app.Webhook) *pb.Webhook {
	out := &pb.Webhook{
		WebhookId: w.ID, Url: w.URL, CreateTime: timeOf(w.CreatedAt), CreatedBy: w.CreatedBy, Pending: w.Pending, LastError: w.LastError,
	}
	for _, t := range w.Types {
		out.Types = append(out.Types, enum[pb.ShipmentEventType](pb.ShipmentEventType_value, "SHIPMENT_EVENT_TYPE_", t))
	}
	return out
}
