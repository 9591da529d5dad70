package access

import (
	"context"
	"fmt"
	"strings"
	"time"

	"google.golang.org/grpc"

	"github.com/avalcredit/aval/pkg/errs"
	evaluationv1 "github.com/avalcredit/aval/proto/gen/aval/evaluation/v1"
	ordergatev1 "github.com/avalcredit/aval/proto/gen/aval/ordergate/v1"
	receivablesv1 "github.com/avalcredit/aval/proto/gen/aval/receivables/v1"
)

// ReasonDeliveryPending: the phases did not finish telling each other in time.
const ReasonDeliveryPending = "DELIVERY_PENDING"

const (
	firstPoll = 5 * time.Millisecond
	lastPoll  = 250 * time.Millisecond

	// maxFailures in a row, each with the connection's own retries, are some seconds.
	maxFailures = 10
)

// Delivered waits until no event waits to be delivered between the phases, at most for the given time. One event may
// bring about another, so all phases must be seen empty twice in a row. The error has kind DeadlineExceeded and reason
// DELIVERY_PENDING and names the streams that were not empty; a suite that cannot be reached for some seconds is
// Unavailable.
func Delivered(ctx context.Context, suite *Suite, wait time.Duration) error {
	ctx, err := suite.As(ctx, "operator", "OPERATOR")
	if err != nil {
		return err
	}
	limited, cancel := context.WithTimeout(ctx, wait)
	defer cancel()
	var last []string
	empty, failures, pause := 0, 0, firstPoll
	for empty < 2 {
		found, err := pending(limited, suite.Conn())
		switch {
		case ctx.Err() != nil:
			return context.Cause(ctx)
		case err == nil && len(found) == 0:
			empty++
			continue
		case err == nil:
			last, failures = found, 0
		case limited.Err() == nil:
			if failures++; failures == maxFailures || errs.KindOf(err) != errs.Unavailable {
				return err
			}
		}
		empty = 0
		if !sleep(limited, pause) {
			return errs.New(errs.DeadlineExceeded, ReasonDeliveryPending,
				"after %v the phases have not told each other everything; still waiting: %s", wait, strings.Join(last, ", "))
		}
		pause = min(2*pause, lastPoll)
	}
	return nil
}

// sleep waits and reports whether the time passed before the context ended.
func sleep(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return ctx.Err() == nil
	case <-ctx.Done():
		return false
	}
}

// pending lists the streams that are not empty, with the number of events, as "ordergate/withdrawal (3)". The
// phase in which most chains of events begin is asked first.
func pending(ctx context.Context, conn grpc.ClientConnInterface) ([]string, error) {
	var found []string
	add := func(service, stream string, n int64) {
		if n > 0 {
			found = append(found, fmt.Sprintf("%s/%s (%d)", service, stream, n))
		}
	}
	r, err := receivablesv1.NewOperationsServiceClient(conn).GetDelivery(ctx, &receivablesv1.GetDeliveryRequest{})
	if err != nil {
		return nil, err
	}
	for _, s := range r.GetStreams() {
		add("receivables", s.GetStream(), s.GetPending())
	}
	g, err := ordergatev1.NewOperationsServiceClient(conn).GetDelivery(ctx, &ordergatev1.GetDeliveryRequest{})
	if err != nil {
		return nil, err
	}
	for _, s := range g.GetStreams() {
		add("ordergate", s.GetStream(), s.GetPending())
	}
	e, err := evaluationv1.NewOperationsServiceClient(conn).GetDelivery(ctx, &evaluationv1.GetDeliveryRequest{})
	if err != nil {
		return nil, err
	}
	for _, s := range e.GetStreams() {
		add("evaluation", s.GetStream(), s.GetPending())
	}
	return found, nil
}
