package lanes_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"

	"pgregory.net/rapid"

	"github.com/avalcredit/aval/services/suite/internal/lanes"
)

// span is when one item ran, in ticks of a counter that both ends of every item move.
type span struct{ from, to int }

func record(ctx context.Context, workers int, keys []string) ([]span, int, error) {
	var (
		mu                 sync.Mutex
		tick, active, most int
		spans              = make([]span, len(keys))
	)
	err := lanes.Run(ctx, workers, keys, func(_ context.Context, i int) error {
		mu.Lock()
		tick++
		active++
		most = max(most, active)
		spans[i].from = tick
		mu.Unlock()
		mu.Lock()
		tick++
		active--
		spans[i].to = tick
		mu.Unlock()
		return nil
	})
	return spans, most, err
}

func TestRunKeepsTheOrderOfEveryLaneAndHoldsBarriers(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		keys := rapid.SliceOfN(rapid.SampledFrom([]string{"", "a", "b", "c", "d"}), 0, 60).Draw(t, "keys")
		workers := rapid.IntRange(1, 5).Draw(t, "workers")
		spans, most, err := record(context.Background(), workers, keys)
		if err != nil {
			t.Fatal(err)
		}
		if most > workers {
			t.Fatalf("%d at once on %d workers", most, workers)
		}
		for i := range keys {
			for j := i + 1; j < len(keys); j++ {
				ordered := keys[i] == keys[j] || keys[i] == "" || keys[j] == ""
				if ordered && spans[i].to > spans[j].from {
					t.Fatalf("item %d (%q) began before item %d (%q) ended", j, keys[j], i, keys[i])
				}
			}
		}
	})
}

func TestRunStopsAtTheFirstError(t *testing.T) {
	t.Parallel()
	broken := errors.New("broken")
	done := 0
	err := lanes.Run(context.Background(), 1, []string{"a", "a", "a", "", "b"}, func(_ context.Context, i int) error {
		done++
		if i == 1 {
			return broken
		}
		return nil
	})
	if !errors.Is(err, broken) || done != 2 {
		t.Fatalf("error %v after %d items, want broken after 2", err, done)
	}
}

func TestRunStopsWhenTheContextEnds(t *testing.T) {
	t.Parallel()
	for _, keys := range [][]string{{"a", "b"}, {"", ""}} {
		t.Run(fmt.Sprint(keys), func(t *testing.T) {
			t.Parallel()
			ctx, cancel := context.WithCancel(context.Background())
			cancel()
			if _, most, err := record(ctx, 2, keys); !errors.Is(err, context.Canceled) || most != 0 {
				t.Fatalf("error %v, %d ran", err, most)
			}
		})
	}
}
