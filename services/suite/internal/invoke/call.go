package invoke

import (
	"context"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/protobuf/proto"

	"github.com/avalcredit/aval/pkg/errs"
)

const (
	attempts  = 8
	firstWait = 50 * time.Millisecond
	longest   = 2 * time.Second
)

// Call sends the request and returns the answer; conn must give *errs.Error, as grpcclient's do. What may succeed when
// sent again (Unavailable, Aborted, ResourceExhausted, and a deadline that the suite ran into) is sent again, with the
// same request and so the same request id, up to 8 times in all with growing waits; a wait that the answer asks for is
// kept.
func Call(ctx context.Context, conn grpc.ClientConnInterface, m Method, request proto.Message) (proto.Message, error) {
	wait := firstWait
	for attempt := 1; ; attempt++ {
		response := m.NewResponse()
		err := conn.Invoke(ctx, "/"+m.Name, request, response)
		if err == nil {
			return response, nil
		}
		if attempt == attempts || !mayPass(err) || ctx.Err() != nil {
			return nil, err
		}
		pause := wait
		if e, ok := errs.As(err); ok && e.RetryAfter > 0 {
			pause = min(e.RetryAfter, longest)
		}
		if !sleep(ctx, pause) {
			return nil, err
		}
		wait = min(2*wait, longest)
	}
}

func mayPass(err error) bool {
	switch errs.KindOf(err) {
	case errs.Unavailable, errs.Aborted, errs.ResourceExhausted, errs.DeadlineExceeded:
		return true
	default:
		return false
	}
}

// sleep waits and reports whether the time passed before the context ended.
func sleep(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}
