package rpc

import (
	"context"
	"errors"
	"fmt"
	"io"
	"runtime/debug"
	"time"

	"google.golang.org/grpc"

	"github.com/avalcredit/aval/pkg/errs"
	pb "github.com/avalcredit/aval/proto/gen/aval/ordergate/v1"
	"github.com/avalcredit/aval/services/ordergate/internal/app"
)

// Bounds of a stream of submissions.
const (
	streamWindow  = 1024             // submissions under way
	streamResults = 128              // results in one message
	streamTimeout = 30 * time.Second // of one submission
)

// submitted is one submission of a stream, and why it was refused before it reached the gate.
type submitted struct {
	requestID string
	sub       app.Submission
	err       error
	cancel    context.CancelFunc
}

// SubmitOrders implements the contract: one goroutine reads and queues, this one answers in the same order.
func (s *Orders) SubmitOrders(stream grpc.BidiStreamingServer[pb.SubmitOrdersRequest, pb.SubmitOrdersResponse]) error {
	under := make(chan submitted, streamWindow)
	read := make(chan error, 1)
	go func() {
		defer close(under)
		read <- safely(func() error { return s.readSubmissions(stream, under) })
	}()
	w := window{under: under}
	var failed error
	for x, ok := w.take(); ok; x, ok = w.take() {
		resp := &pb.SubmitOrdersResponse{Results: []*pb.SubmittedOrder{x.answer()}}
		for len(resp.GetResults()) < streamResults {
			if x, ok = w.decided(); !ok {
				break
			}
			resp.Results = append(resp.Results, x.answer())
		}
		if failed == nil {
			failed = stream.Send(resp) // after an error the rest is only waited for
		}
	}
	if failed != nil {
		return failed
	}
	return <-read
}

// window are the submissions under way, in order.
type window struct {
	under <-chan submitted
	held  *submitted // the next one, looked at and not decided yet
}

// take is the next submission; false at the end of the stream.
func (w *window) take() (submitted, bool) {
	if w.held != nil {
		x := *w.held
		w.held = nil
		return x, true
	}
	x, ok := <-w.under
	return x, ok
}

// decided is the next submission if it has its answer.
func (w *window) decided() (submitted, bool) {
	select {
	case x, ok := <-w.under:
		if !ok || x.err != nil || x.sub.Ready() {
			return x, ok
		}
		w.held = &x
	default:
	}
	return submitted{}, false
}

// readSubmissions queues what the caller sends until it has sent all, or the server is stopping.
func (s *Orders) readSubmissions(stream grpc.BidiStreamingServer[pb.SubmitOrdersRequest, pb.SubmitOrdersResponse], under chan<- submitted) error {
	type message struct {
		request *pb.SubmitOrdersRequest
		err     error
	}
	ctx, messages := stream.Context(), make(chan message)
	go func() {
		for {
			var r *pb.SubmitOrdersRequest
			err := safely(func() (err error) { r, err = stream.Recv(); return err })
			select {
			case messages <- message{r, err}:
				if err != nil {
					return
				}
			case <-ctx.Done():
				return
			}
		}
	}()
	for {
		select {
		case <-ctx.Done():
			return errs.New(errs.Unavailable, "SHUTTING_DOWN", "the stream ends here; send what has no result again, with its request id").WithRetryAfter(time.Second)
		case m := <-messages:
			if m.err != nil {
				if errors.Is(m.err, io.EOF) {
					return nil
				}
				return m.err
			}
			for _, r := range m.request.GetSubmissions() {
				// What was queued is decided, whatever becomes of the stream.
				each, cancel := context.WithTimeout(context.WithoutCancel(ctx), streamTimeout)
				x := submitted{requestID: r.GetRequestId(), cancel: cancel}
				x.sub, x.err = s.begin(each, r)
				under <- x
			}
		}
	}
}

// safely makes an error of a panic: goroutines of a handler's own are not those that the server watches over.
func safely(fn func() error) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("panic: %v\n%s", p, debug.Stack())
		}
	}()
	return fn()
}

// answer waits for what the submission leads to.
func (x submitted) answer() *pb.SubmittedOrder {
	defer x.cancel()
	out := &pb.SubmittedOrder{RequestId: x.requestID}
	err := x.err
	if err == nil {
		var a app.Answer
		if a, err = x.sub.Answer(); err == nil {
			out.Order, out.Decision = orderOf(a.Order), decisionOfEntry(a)
			return out
		}
	}
	out.ErrorReason, out.ErrorMessage = failureOf(err)
	return out
}
