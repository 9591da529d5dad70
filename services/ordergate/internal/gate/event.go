package gate

import (
	"slices"

	"github.com/avalcredit/aval/pkg/calendar"
	"github.com/avalcredit/aval/services/ordergate/internal/order"
)

// EventType is what warehouses are told.
type EventType string

// The types of events.
const (
	OrderStopped      EventType = "ORDER_STOPPED"
	OrderFreed        EventType = "ORDER_RELEASED"
	OrderEnded        EventType = "ORDER_ENDED"
	CustomerBlocked   EventType = "CUSTOMER_BLOCKED"
	CustomerUnblocked EventType = "CUSTOMER_UNBLOCKED"
	ShippingStopped   EventType = "CREDIT_STOPPED"
	ShippingResumed   EventType = "CREDIT_RESUMED"
)

// Event is one stop or release.
type Event struct {
	Type    EventType
	OrderID string
	Reasons []string
	Until   calendar.Date
	Notify  []string // roles that must learn of it
}

// eventsOf are the stops and releases in an order's change. What was never allowed to ship needs no stop.
func eventsOf(before, after order.Order) []Event {
	was := before.State == order.Approved
	switch after.State {
	case order.Held:
		if was {
			return []Event{{Type: OrderStopped, OrderID: after.ID, Reasons: after.Hold.Reasons}}
		}
	case order.Approved:
		if slices.Contains([]order.State{order.Held, order.Closed, order.Cancelled, order.Expired}, before.State) {
			return []Event{{Type: OrderFreed, OrderID: after.ID, Until: after.Expiry()}}
		}
	case order.Rejected, order.Cancelled, order.Closed, order.Expired:
		if before.State != after.State {
			return []Event{{Type: OrderEnded, OrderID: after.ID, Reasons: []string{string(after.State)}}}
		}
	case order.Completed:
	}
	return nil
}
