package rpc

import (
	"context"
	"slices"
	"strconv"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/avalcredit/aval/pkg/errs"
	"github.com/avalcredit/aval/pkg/money"
	"github.com/avalcredit/aval/pkg/page"
	pb "github.com/avalcredit/aval/proto/gen/aval/ordergate/v1"
	"github.com/avalcredit/aval/services/ordergate/internal/app"
	"github.com/avalcredit/aval/services/ordergate/internal/event"
)

// Warehouse implements WarehouseService.
type Warehouse struct {
	pb.UnsafeWarehouseServiceServer
	Gate   *app.Gate
	Events *app.Events
	Pages  *page.Signer
}

var _ pb.WarehouseServiceServer = (*Warehouse)(nil)

// AuthorizeShipment implements the contract.
func (s *Warehouse) AuthorizeShipment(ctx context.Context, r *pb.AuthorizeShipmentRequest) (*pb.AuthorizeShipmentResponse, error) {
	var amount *money.Money
	if r.GetAmount() != nil {
		var err error
		if amount, err = aboveZero("amount", r.GetAmount()); err != nil {
			return nil, err
		}
	}
	a, err := s.Gate.Authorize(ctx, caller(ctx), r.GetOrderId(), amount)
	if err != nil {
		return nil, err
	}
	out := &pb.AuthorizeShipmentResponse{Allowed: len(a.Reasons) == 0, ReasonCodes: a.Reasons}
	if out.GetAllowed() {
		out.ValidUntil = timestamppb.New(a.Until)
	}
	return out, nil
}

// tokenSum binds resume tokens to the stream.
func tokenSum() string { return page.Checksum("shipmentEvents") }

// StreamShipmentEvents implements the contract.
func (s *Warehouse) StreamShipmentEvents(r *pb.StreamShipmentEventsRequest, stream grpc.ServerStreamingServer[pb.StreamShipmentEventsResponse]) error {
	ctx := stream.Context()
	var pos int64
	if r.GetResumeToken() != "" {
		cur, err := s.Pages.Decode(r.GetResumeToken(), tokenSum(), 1)
		if err == nil {
			pos, err = strconv.ParseInt(cur[0], 10, 64)
		}
		if err != nil {
			return errs.New(errs.Invalid, "RESUME_TOKEN_INVALID", "the resume token is not one of this service")
		}
	}
	err := s.Events.Follow(ctx, pos, r.GetCustomerId(), func(at int64, e event.Shipment) error {
		return stream.Send(&pb.StreamShipmentEventsResponse{
			Event: shipmentEventOf(e), ResumeToken: s.Pages.Encode(tokenSum(), strconv.FormatInt(at, 10)),
		})
	})
	if err == nil || ctx.Err() != nil {
		return errs.New(errs.Unavailable, "SHUTTING_DOWN", "the stream ends here; go on with the last resume token").WithRetryAfter(time.Second)
	}
	return err
}

func shipmentEventOf(e event.Shipment) *pb.ShipmentEvent {
	return &pb.ShipmentEvent{
		EventId: e.ID(), Type: enum[pb.ShipmentEventType](pb.ShipmentEventType_value, "SHIPMENT_EVENT_TYPE_", e.Type),
		CustomerId: e.CustomerID, Sequence: e.Seq, OrderId: e.OrderID, ReasonCodes: e.Reasons, BusinessDate: e.BusinessDate.String(),
		UntilDate: e.Until.String(), EventTime: timestamppb.New(e.Time), SalespersonId: e.SalespersonID, NotifyRoles: slices.Clone(e.Notify),
	}
}
