package ordergate_test

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"testing"

	"github.com/avalcredit/aval/pkg/errs"
	"github.com/avalcredit/aval/pkg/rpcerr"
	pb "github.com/avalcredit/aval/proto/gen/aval/ordergate/v1"
)

// streamed sends messages of a stream and returns what comes back until its end.
func (w *world) streamed(messages ...*pb.SubmitOrdersRequest) ([]*pb.SubmittedOrder, error) {
	w.t.Helper()
	stream, err := w.orders.SubmitOrders(w.as("erp", "ERP"))
	must(w.t, err)
	for _, m := range messages {
		if err := stream.Send(m); err != nil {
			break // how it ended is read below
		}
	}
	must(w.t, stream.CloseSend())
	var results []*pb.SubmittedOrder
	for {
		resp, err := stream.Recv()
		if errors.Is(err, io.EOF) {
			return results, nil
		}
		if err != nil {
			return results, rpcerr.FromError(err)
		}
		results = append(results, resp.GetResults()...)
	}
}

func submission(request, id, customer, amount string) *pb.SubmitOrderRequest {
	return &pb.SubmitOrderRequest{RequestId: request, Order: &pb.Order{OrderId: id, CustomerId: customer, Amount: cny(amount)}}
}

// Orders over one stream get what they would get one by one: in order for each customer, refusals touch no neighbour, and what is sent
// again gets its first answer.
func TestOrdersOverAStream(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	must(t, w.grant("C1", "sales", credit("100")))
	must(t, w.grant("C2", "sales", credit("1000")))
	back := submission("r6", "O6", "C1", "-5")
	back.Order.PaymentTerms = pb.PaymentTerms_PAYMENT_TERMS_PREPAYMENT
	mixed := []*pb.SubmitOrderRequest{
		submission("r1", "O1", "C1", "60"), submission("r2", "O2", "C1", "60"), submission("r3", "O3", "C1", "40"),
		submission("r4", "O4", "nobody", "1"), submission("r5", "O1", "C1", "1"), back, submission("r1", "O1", "C1", "60"), submission("r1", "O1", "C1", "61"),
	}
	var many []*pb.SubmitOrderRequest
	for i := range 400 {
		many = append(many, submission(fmt.Sprintf("m%d", i), fmt.Sprintf("M%d", i), "C2", "2"))
	}
	messages := []*pb.SubmitOrdersRequest{{Submissions: mixed}}
	for part := range slices.Chunk(many, 100) {
		messages = append(messages, &pb.SubmitOrdersRequest{Submissions: part})
	}
	results, err := w.streamed(messages...)
	must(t, err)
	if len(results) != 408 {
		t.Fatalf("%d results of 408 submissions", len(results))
	}
	want := []string{"r1 APPROVED", "r2 HELD", "r3 APPROVED", "r4 CUSTOMER_UNKNOWN", "r5 ORDER_EXISTS", "r6 RETURN_TERMS", "r1 APPROVED", "r1 REQUEST_ID_REUSED"}
	for i, x := range results[:8] {
		got := x.GetRequestId() + " " + x.GetErrorReason()
		if x.GetErrorReason() == "" {
			got += x.GetOrder().GetState().String()[len("ORDER_STATE_"):]
		}
		if got != want[i] {
			t.Errorf("result %d is %s, want %s (%s)", i, got, want[i], x.GetErrorMessage())
		}
	}
	approved := 0
	for i, x := range results[8:] {
		if x.GetRequestId() != fmt.Sprintf("m%d", i) {
			t.Fatalf("result %d is of %s", i+8, x.GetRequestId())
		}
		if x.GetOrder().GetJournalSequence() != int64(i)+2 {
			t.Errorf("M%d has entry %d", i, x.GetOrder().GetJournalSequence())
		}
		if x.GetOrder().GetState() == pb.OrderState_ORDER_STATE_APPROVED {
			approved++
		}
	}
	if approved != 400 {
		t.Errorf("%d of 400 approved", approved)
	}
	again, err := w.streamed(messages[1])
	must(t, err)
	if len(again) != 100 || again[7].GetDecision().GetHash() != results[15].GetDecision().GetHash() {
		t.Errorf("sent again: %d results, %v", len(again), again[7])
	}
	w.verified()
}

// A message against the contract ends the stream, after the answers to what came before it.
func TestStreamEndsWithABadMessage(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	must(t, w.grant("C1", "sales", credit("100")))
	results, err := w.streamed(
		&pb.SubmitOrdersRequest{Submissions: []*pb.SubmitOrderRequest{submission("r1", "O1", "C1", "60")}},
		&pb.SubmitOrdersRequest{Submissions: []*pb.SubmitOrderRequest{submission("", "O2", "C1", "60")}})
	if errs.KindOf(err) != errs.Invalid || len(results) != 1 || results[0].GetOrder().GetState() != pb.OrderState_ORDER_STATE_APPROVED {
		t.Errorf("%v, %v", results, err)
	}
}
