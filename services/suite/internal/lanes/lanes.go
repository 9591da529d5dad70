// Package lanes does work side by side without losing the order within a lane: the lines of one customer one after
// the other, customers beside each other.
package lanes

import (
	"context"
	"slices"
	"sync"
)

// Run calls do for each index of keys. Items with the same key are done one at a time in their order; items of
// different keys run beside each other on at most the given number of workers. An empty key is a barrier: it starts
// when everything before it is done and runs alone. The first error, or the end of ctx, stops what has not started;
// Run returns it when everything that had started is done.
func Run(ctx context.Context, workers int, keys []string, do func(ctx context.Context, i int) error) error {
	for from := 0; from < len(keys); {
		if keys[from] == "" {
			if err := ctx.Err(); err != nil {
				return err
			}
			if err := do(ctx, from); err != nil {
				return err
			}
			from++
			continue
		}
		to := from
		for to < len(keys) && keys[to] != "" {
			to++
		}
		if err := stretch(ctx, workers, split(keys, from, to), do); err != nil {
			return err
		}
		from = to
	}
	return nil
}

// split groups the indices from..to-1 by key, longest lane first: a long lane that starts last would run alone.
func split(keys []string, from, to int) [][]int {
	place := make(map[string]int, to-from)
	var all [][]int
	for i := from; i < to; i++ {
		lane, ok := place[keys[i]]
		if !ok {
			lane = len(all)
			place[keys[i]] = lane
			all = append(all, nil)
		}
		all[lane] = append(all[lane], i)
	}
	slices.SortStableFunc(all, func(a, b []int) int { return len(b) - len(a) })
	return all
}

// stretch runs lanes that have no barrier among them.
func stretch(ctx context.Context, workers int, all [][]int, do func(ctx context.Context, i int) error) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	queue := make(chan []int, len(all))
	for _, lane := range all {
		queue <- lane
	}
	close(queue)
	var running sync.WaitGroup
	for range min(max(workers, 1), len(all)) {
		running.Go(func() {
			for lane := range queue {
				for _, i := range lane {
					if ctx.Err() != nil {
						return
					}
					if err := do(ctx, i); err != nil {
						cancel(err)
						return
					}
				}
			}
		})
	}
	running.Wait()
	return context.Cause(ctx)
}
