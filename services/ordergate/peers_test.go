package ordergate_test

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	pb "github.com/avalcredit/aval/proto/gen/aval/ordergate/v1"
)

// blackHole is an evaluation that takes every call and never answers.
type blackHole struct {
	absent
	asked atomic.Int64
}

func (b *blackHole) Invoke(ctx context.Context, _ string, _, _ any, _ ...grpc.CallOption) error {
	b.asked.Add(1)
	<-ctx.Done()
	return status.FromContextError(ctx.Err()).Err()
}

// While evaluation answers nothing and receivables says nothing, the gate decides about everybody it knows: callers who ask about
// strangers wait and are told so, a customer is stopped whose withdrawal evaluation does not take, and nobody else notices.
func TestSilentPeersStopNobody(t *testing.T) {
	t.Parallel()
	evaluation := &blackHole{}
	w := newWorldWith(t, evaluation)
	w.credit("C1", "100000")
	w.credit("C2", "100")
	w.owes("C2", "500", "0") // its withdrawal is on its way for as long as evaluation is silent
	if !w.control("C2").GetShippingStopped() {
		t.Fatal("C2 is not stopped")
	}
	const strangers, known = 100, 200
	asking, leave := context.WithCancel(w.as("erp", "ERP"))
	var waiting atomic.Int64
	var crowd sync.WaitGroup
	for i := range strangers {
		waiting.Add(1)
		crowd.Go(func() {
			defer waiting.Add(-1)
			id := fmt.Sprintf("X%d", i)
			_, err := w.orders.SubmitOrder(asking, &pb.SubmitOrderRequest{RequestId: id, Order: &pb.Order{OrderId: id, CustomerId: id, Amount: cny("1")}})
			if code := status.Code(err); err == nil || code == codes.Internal || code == codes.Unknown {
				t.Errorf("%s: %v", id, err)
			}
		})
	}
	eventually(t, "evaluation is asked about strangers", func() bool { return evaluation.asked.Load() > strangers/2 })
	for i := range known {
		o := w.place(&pb.Order{OrderId: fmt.Sprintf("O%d", i), CustomerId: "C1", Amount: cny("1")})
		if o.GetState() != pb.OrderState_ORDER_STATE_APPROVED {
			t.Fatalf("order %d is %v", i, o.GetState())
		}
	}
	if waiting.Load() == 0 {
		t.Error("nobody waited for evaluation: this proves nothing")
	}
	leave()
	crowd.Wait()
	if a := w.account("C1"); a.GetExposure().GetAmount() != fmt.Sprintf("%d.00", known) {
		t.Errorf("exposure %v", a.GetExposure())
	}
	w.verified()
}
