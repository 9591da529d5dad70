package lifecycle

import (
	"context"
	"time"
)

// Every does rounds of a job until ctx ends, and returns nil then: the first at once, each next a pause after the end of the one before.
// A round says itself what went wrong; the next makes up for it.
func Every(ctx context.Context, pause time.Duration, round func(ctx context.Context)) error {
	for {
		round(ctx)
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(pause):
		}
	}
}
