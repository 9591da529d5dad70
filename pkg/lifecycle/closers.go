package lifecycle

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"
)

// DefaultGrace is how long one closing step may take where Closers.Grace is zero.
const DefaultGrace = 10 * time.Second

// Closers is a stack of closing steps: what was opened last is closed first. The zero value is ready to use.
type Closers struct {
	// Grace bounds each single step; zero means DefaultGrace.
	Grace time.Duration

	mu    sync.Mutex
	steps []step
}

type step struct {
	name string
	run  func(context.Context) error
}

// Add puts a step on the stack. The step should end when its context does; one that does not is left behind.
func (c *Closers) Add(name string, closing func(context.Context) error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.steps = append(c.steps, step{name, closing})
}

// Close runs every step, last added first, also after one has failed, and joins their errors, each with its step's name.
// The end of ctx does not shorten it: closing usually happens because that context has ended. A second Close does nothing.
func (c *Closers) Close(ctx context.Context) error {
	c.mu.Lock()
	steps := c.steps
	c.steps = nil
	c.mu.Unlock()

	grace := c.Grace
	if grace <= 0 {
		grace = DefaultGrace
	}
	var failures []error
	for i := len(steps) - 1; i >= 0; i-- {
		if err := steps[i].bounded(context.WithoutCancel(ctx), grace); err != nil {
			failures = append(failures, fmt.Errorf("closing %s: %w", steps[i].name, err))
		}
	}
	return errors.Join(failures...)
}

// bounded gives the step its time and goes on without it when the time is over.
func (s step) bounded(ctx context.Context, grace time.Duration) error {
	ctx, cancel := context.WithTimeout(ctx, grace)
	defer cancel()
	done := make(chan error, 1)
	go func() {
		defer func() {
			if r := recover(); r != nil {
				done <- fmt.Errorf("panic: %v", r)
			}
		}()
		done <- s.run(ctx)
	}()
	select {
	case err := <-done:
		return err
	case <-ctx.Done():
		return fmt.Errorf("not done after %s: %w", grace, ctx.Err())
	}
}
