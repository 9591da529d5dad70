package lifecycle_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/avalcredit/aval/pkg/lifecycle"
)

// The first round is at once, the pause counts from the end of a round, and the end of the context ends it without another.
func TestEvery(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), 150*time.Second)
		defer cancel()
		begin, at := time.Now(), []time.Duration(nil)
		err := lifecycle.Every(ctx, time.Minute, func(context.Context) {
			at = append(at, time.Since(begin))
			time.Sleep(10 * time.Second)
		})
		if want := []time.Duration{0, 70 * time.Second, 140 * time.Second}; err != nil || len(at) != len(want) || at[1] != want[1] || at[2] != want[2] {
			t.Errorf("rounds at %v, %v", at, err)
		}
		if over := time.Since(begin); over != 150*time.Second {
			t.Errorf("it ended after %s", over)
		}
	})
}
