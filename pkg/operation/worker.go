package operation

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/avalcredit/aval/pkg/errs"
	"github.com/avalcredit/aval/pkg/pg"
)

// maxAttempts is how often an operation is taken up before it fails as interrupted.
const maxAttempts = 5

// Progress keeps how far work is, and holds it on for another lease; it reports whether its end was asked for. q is the transaction of what
// was done, so that nothing is done twice however the process ends, or nil where nothing was written. Errors: ErrLost.
type Progress func(ctx context.Context, q pg.Querier, o Operation) (cancel bool, err error)

// Work works on a claimed operation from where it was left until it ends, and returns it with its outcome. Errors: ErrCancelled, those of
// progress.
type Work func(ctx context.Context, o Operation, progress Progress) (Operation, error)

// Worker works off long-running operations, one at a time in a process. Any number of replicas may run it: an operation belongs to
// the process that claimed it while it keeps saying that it works on it.
type Worker struct {
	Store *Store
	Kinds map[string]Work // by kind of operation
	Log   *slog.Logger
	Name  string        // tells the processes apart
	Lease time.Duration // how long a process may be silent; 0: 30 seconds
	Every time.Duration // how often it looks; 0: every two seconds
	wake  chan struct{}
}

// NewWorker returns a worker with its bounds set.
func NewWorker(o Worker) *Worker {
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
func (o *Worker) Wake() {
	select {
	case o.wake <- struct{}{}:
	default:
	}
}

// Run works until ctx ends. An operation that is being worked on then is given back, for another process to go on.
func (o *Worker) Run(ctx context.Context) error {
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
func (o *Worker) Next(ctx context.Context) (bool, error) {
	if ctx.Err() != nil {
		return false, nil //nolint:nilerr // asked to end
	}
	op, found, err := o.Store.Claim(ctx, o.Name, o.Lease)
	if err != nil || !found {
		return false, err
	}
	if op.Attempts > maxAttempts {
		op.State, op.ErrorReason = Failed, "INTERRUPTED"
		op.ErrorMessage = fmt.Sprintf("the processes that worked on it ended %d times", maxAttempts)
		op.Outcome = nil
		return true, o.Store.End(ctx, op)
	}
	o.Log.InfoContext(ctx, "operation taken up", "operation", op.ID, "kind", op.Kind, "attempt", op.Attempts)
	return true, o.end(ctx, op, func(ctx context.Context) (Operation, error) { return o.work(ctx, op) })
}

func (o *Worker) work(ctx context.Context, op Operation) (done Operation, err error) {
	defer func() {
		if p := recover(); p != nil {
			done, err = op, fmt.Errorf("panic in operation %s: %v", op.ID, p)
		}
	}()
	kind, ok := o.Kinds[op.Kind]
	if !ok {
		return op, errs.New(errs.Unimplemented, "KIND_UNKNOWN", "this version does not know operations of kind %s", op.Kind)
	}
	return kind(ctx, op, func(ctx context.Context, q pg.Querier, p Operation) (bool, error) {
		return o.Store.Save(ctx, q, p, o.Lease)
	})
}

// end works and writes how it ended. Faults of the moment (the database is away) leave the operation to be taken up again.
func (o *Worker) end(ctx context.Context, op Operation, work func(context.Context) (Operation, error)) error {
	done, err := work(ctx)
	final, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
	defer cancel()
	done.ID, done.Worker, done.Attempts = op.ID, op.Worker, op.Attempts
	switch kind := errs.KindOf(err); {
	case err == nil:
		done.State, done.Done = Succeeded, done.Total
	case errors.Is(err, ErrLost):
		o.Log.WarnContext(ctx, "operation was taken over by another process", "operation", op.ID)
		return nil
	case errors.Is(err, ErrCancelled):
		done.State, done.Outcome = Cancelled, nil
	case ctx.Err() != nil:
		return o.Store.Release(final, op)
	case kind == errs.Unavailable || kind == errs.Aborted || kind == errs.DeadlineExceeded || kind == errs.ResourceExhausted:
		return err // its lease will be over
	default:
		o.Log.ErrorContext(ctx, "operation failed", "operation", op.ID, "error", err)
		done.State, done.ErrorReason, done.ErrorMessage, done.Outcome = Failed, "INTERNAL", "internal error", nil
		if e, ok := errs.As(err); ok && kind != errs.Internal {
			done.ErrorReason, done.ErrorMessage = e.Reason, e.Message
		}
	}
	if err := o.Store.End(final, done); err != nil && !errors.Is(err, ErrLost) {
		return err
	}
	return nil
}

// wait reports false where ctx ended; it returns early where it is woken.
func wait(ctx context.Context, d time.Duration, woken <-chan struct{}) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-t.C:
	case <-woken:
	}
	return true
}
