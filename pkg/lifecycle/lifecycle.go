// Package lifecycle starts what a program consists of, ends it together, and closes what it opened in reverse order.
package lifecycle

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime/debug"
	"sync"
)

// Task is one thing that runs for as long as the program does, or until its work is done.
type Task struct {
	// Name says in logs and errors which task it was.
	Name string
	// Run works until ctx ends. Returning nil means the task is done, which does not end the others.
	Run func(ctx context.Context) error
}

// Run runs all tasks side by side and returns when every one of them has returned.
// The first failure, a panic included, cancels the others with that failure as the cause, and is returned first.
// When ctx ends that is a requested shutdown: the answer is nil unless a task fails to end in order.
func Run(ctx context.Context, log *slog.Logger, tasks ...Task) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var (
		mu       sync.Mutex
		failures []error
		running  sync.WaitGroup
	)
	for _, task := range tasks {
		running.Go(func() {
			err := guard(ctx, log, task)
			if err == nil || endedBecauseAsked(ctx, err) {
				log.DebugContext(ctx, "task ended", "task", task.Name)
				return
			}
			log.ErrorContext(ctx, "task failed", "task", task.Name, "error", err)
			mu.Lock()
			failures = append(failures, err)
			mu.Unlock()
			cancel(err)
		})
	}
	running.Wait()
	return errors.Join(failures...)
}

// endedBecauseAsked tells a task that gave up because of the shutdown from one that failed in it.
func endedBecauseAsked(ctx context.Context, err error) bool {
	return ctx.Err() != nil && (errors.Is(err, context.Canceled) || errors.Is(err, context.Cause(ctx)))
}

// guard runs one task and names it in its error.
func guard(ctx context.Context, log *slog.Logger, task Task) (err error) {
	defer func() {
		if r := recover(); r != nil {
			log.ErrorContext(ctx, "task panicked", "task", task.Name, "panic", fmt.Sprint(r), "stack", string(debug.Stack()))
			err = fmt.Errorf("%s: panic: %v", task.Name, r)
		}
	}()
	if err := task.Run(ctx); err != nil {
		return fmt.Errorf("%s: %w", task.Name, err)
	}
	return nil
}
