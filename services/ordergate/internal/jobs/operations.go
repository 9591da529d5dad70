package jobs

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/avalcredit/aval/pkg/errs"
	"github.com/avalcredit/aval/services/ordergate/internal/app"
	"github.com/avalcredit/aval/services/ordergate/internal/postgres"
)

// maxAttempts is how often an operation is taken up before it fails as interrupted.
const maxAttempts = 5

// Operations works off long-running operations, one at a time in a process. Any number of replicas may run it: an operation belongs to
// the process that claimed it while it keeps saying that it works on it.
type Operations struct {
	Store     *postgres.Store
	Simulator *app.Simulator
	Log       *slog.Logger
	Worker    string        // tells the processes apart
	Lease     time.Duration // how long a process may be silent; 0: 30 seconds
	Every     time.Duration // how often it looks; 0: every two seconds
	wake      chan struct{}
}

// NewOperations returns a worker with its bounds set.
func NewOperations(o Operations) *Operations {
	if o.Lease == 0 {
		o.Lease = 30 * time.Second
	}
	if o.Every == 0 {
		o.Every = 2 * time.Second
	}
	o.wake = make(chan struct{}, 1)
	return &o
}

// Wake has the worker look at once.
func (o *Operations) Wake() {
	select {
	case o.wake <- struct{}{}:
	default:
	}
}

// Run works until ctx ends. An operation that is being worked on then is given back, for another process to go on.
func (o *Operations) Run(ctx context.Context) error {
	for {
		worked, err := o.Next(ctx)
		if err != nil && ctx.Err() == nil {
			o.Log.ErrorContext(ctx, "operations could not be worked on", "error", err)
		}
		if worked && err == nil {
			continue
		}
		if !wait(ctx, o.Every, o.wake) {
			return nil
		}
	}
}

// Next claims one operation and works on it until it ends. It reports false where none waits.
func (o *Operations) Next(ctx context.Context) (bool, error) {
	if ctx.Err() != nil {
		return false, nil //nolint:nilerr // asked to end
	}
	op, found, err := o.Store.ClaimOperation(ctx, o.Worker, o.Lease)
	if err != nil || !found {
		return false, err
	}
	if op.Attempts > maxAttempts {
		op.State, op.ErrorReason = postgres.OperationFailed, "INTERRUPTED"
		op.ErrorMessage = fmt.Sprintf("the processes that worked on it ended %d times", maxAttempts)
		op.Outcome = nil
		return true, o.Store.EndOperation(ctx, op)
	}
	o.Log.InfoContext(ctx, "operation taken up", "operation", op.ID, "kind", op.Kind, "attempt", op.Attempts)
	return true, o.end(ctx, op, func(ctx context.Context) (postgres.Operation, error) { return o.work(ctx, op) })
}

func (o *Operations) work(ctx context.Context, op postgres.Operation) (done postgres.Operation, err error) {
	defer func() {
		if p := recover(); p != nil {
			done, err = op, fmt.Errorf("panic in operation %s: %v", op.ID, p)
		}
	}()
	if op.Kind != app.KindSimulation {
		return op, errs.New(errs.Unimplemented, "KIND_UNKNOWN", "this version does not know operations of kind %s", op.Kind)
	}
	return o.Simulator.Run(ctx, op, func(ctx context.Context, p postgres.Operation) (bool, error) {
		return o.Store.SaveOperation(ctx, p, o.Lease)
	})
}

// end works and writes how it ended. Faults of the moment (the database is away) leave the operation to be taken up again.
func (o *Operations) end(ctx context.Context, op postgres.Operation, work func(context.Context) (postgres.Operation, error)) error {
	done, err := work(ctx)
	final, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
	defer cancel()
	done.ID, done.Worker, done.Attempts = op.ID, op.Worker, op.Attempts
	switch kind := errs.KindOf(err); {
	case err == nil:
		done.State, done.Done = postgres.OperationSucceeded, done.Total
	case errors.Is(err, postgres.ErrLost):
		o.Log.WarnContext(ctx, "operation was taken over by another process", "operation", op.ID)
		return nil
	case errors.Is(err, app.ErrCancelled):
		done.State, done.Outcome = postgres.OperationCancelled, nil
	case ctx.Err() != nil:
		return o.Store.ReleaseOperation(final, op)
	case kind == errs.Unavailable || kind == errs.Aborted || kind == errs.DeadlineExceeded || kind == errs.ResourceExhausted:
		return err // its lease will be over
	default:
		o.Log.ErrorContext(ctx, "operation failed", "operation", op.ID, "error", err)
		done.State, done.ErrorReason, done.ErrorMessage, done.Outcome = postgres.OperationFailed, "INTERNAL", "internal error", nil
		if e, ok := errs.As(err); ok && kind != errs.Internal {
			done.ErrorReason, done.ErrorMessage = e.Reason, e.Message
		}
	}
	if err := o.Store.EndOperation(final, done); err != nil && !errors.Is(err, postgres.ErrLost) {
		return err
	}
	return nil
}
