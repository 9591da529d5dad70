package lifecycle_test

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/avalcredit/aval/pkg/lifecycle"
)

var errBroken = errors.New("broken")

func untilEnd(ctx context.Context) error {
	<-ctx.Done()
	return ctx.Err()
}

func TestRun(t *testing.T) {
	t.Parallel()
	fail := func(context.Context) error { return errBroken }
	for _, c := range []struct {
		name     string
		tasks    []lifecycle.Task
		shutdown bool
		want     []string // parts of the error, none for no error
	}{
		{name: "nothing to run"},
		{name: "done by themselves", tasks: []lifecycle.Task{{Name: "a", Run: func(context.Context) error { return nil }}}},
		{
			name: "requested shutdown", shutdown: true,
			tasks: []lifecycle.Task{
				{Name: "a", Run: untilEnd},
				{Name: "b", Run: func(ctx context.Context) error { <-ctx.Done(); return nil }},
				{Name: "c", Run: func(ctx context.Context) error { <-ctx.Done(); return context.Cause(ctx) }},
			},
		},
		{
			name: "failure ends the others", tasks: []lifecycle.Task{{Name: "good", Run: untilEnd}, {Name: "bad", Run: fail}},
			want: []string{"bad: broken"},
		},
		{
			name: "panic is a failure",
			tasks: []lifecycle.Task{{Name: "good", Run: untilEnd}, {Name: "bad", Run: func(context.Context) error {
				panic("ouch")
			}}},
			want: []string{"bad: panic: ouch"},
		},
		{
			name: "shutdown that fails", shutdown: true,
			tasks: []lifecycle.Task{{Name: "store", Run: func(ctx context.Context) error { <-ctx.Done(); return errBroken }}},
			want:  []string{"store: broken"},
		},
		{
			name: "deadline of its own is a failure",
			tasks: []lifecycle.Task{{Name: "slow", Run: func(context.Context) error {
				return context.DeadlineExceeded
			}}},
			want: []string{"slow: context deadline exceeded"},
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
			defer cancel()
			if c.shutdown {
				time.AfterFunc(20*time.Millisecond, cancel)
			}
			err := lifecycle.Run(ctx, slog.New(slog.DiscardHandler), c.tasks...)
			if len(c.want) == 0 && err != nil {
				t.Fatal(err)
			}
			for _, part := range c.want {
				if err == nil || !strings.Contains(err.Error(), part) {
					t.Errorf("%v lacks %q", err, part)
				}
			}
		})
	}
}

func TestRunTellsTheCauseToTheOthers(t *testing.T) {
	t.Parallel()
	var cause error
	err := lifecycle.Run(context.Background(), slog.New(slog.DiscardHandler),
		lifecycle.Task{Name: "a", Run: func(ctx context.Context) error {
			<-ctx.Done()
			cause = context.Cause(ctx)
			return ctx.Err()
		}},
		lifecycle.Task{Name: "b", Run: func(context.Context) error { return errBroken }},
	)
	if !errors.Is(err, errBroken) || !errors.Is(cause, errBroken) {
		t.Errorf("error %v, cause %v", err, cause)
	}
	if strings.Contains(err.Error(), "canceled") {
		t.Errorf("%v blames the one that was ended", err)
	}
}

func TestClosersCloseInReverseWhateverFails(t *testing.T) {
	t.Parallel()
	closers := lifecycle.Closers{Grace: 50 * time.Millisecond}
	var (
		mu    sync.Mutex // the stuck step is left behind, not waited for
		order []string
	)
	add := func(name string, closing func(context.Context) error) {
		closers.Add(name, func(ctx context.Context) error {
			mu.Lock()
			order = append(order, name)
			mu.Unlock()
			return closing(ctx)
		})
	}
	add("first", func(ctx context.Context) error { return ctx.Err() })
	add("broken", func(context.Context) error { return errBroken })
	add("panicking", func(context.Context) error { panic("ouch") })
	add("stuck", func(context.Context) error { select {} })
	add("last", func(ctx context.Context) error { return ctx.Err() })

	ended, cancel := context.WithCancel(context.Background())
	cancel() // closing happens because of it and must still be possible
	err := closers.Close(ended)
	mu.Lock()
	defer mu.Unlock()
	if want := []string{"last", "stuck", "panicking", "broken", "first"}; !slices.Equal(order, want) {
		t.Errorf("order is %v", order)
	}
	for _, part := range []string{"closing broken: broken", "closing panicking: panic: ouch", "closing stuck: not done after 50ms"} {
		if err == nil || !strings.Contains(err.Error(), part) {
			t.Errorf("%v lacks %q", err, part)
		}
	}
	if err == nil || strings.Contains(err.Error(), "first") || strings.Contains(err.Error(), "last") {
		t.Errorf("%v blames the good", err)
	}
	if err := closers.Close(ended); err != nil || len(order) != 5 {
		t.Errorf("a second Close: %v", err)
	}
}
