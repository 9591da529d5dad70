package suite_test

import (
	"context"
	"errors"
	"io"
	"reflect"
	"sync/atomic"
	"testing"

	"github.com/avalcredit/aval/pkg/pgtest"
	"github.com/avalcredit/aval/services/suite"
	"github.com/avalcredit/aval/services/suite/access"
	"github.com/avalcredit/aval/services/suite/demo"
)

// operated runs a suite on a database of its own and connects to it with development tokens.
func operated(t *testing.T, database string) (*system, *access.Suite) {
	t.Helper()
	dir := t.TempDir()
	system := serve(t, suite.Config{Database: hostDatabase(database), DataDir: dir})
	target, err := access.TargetOf(system.grpc["ordergate"], "", dir)
	if err != nil {
		t.Fatal(err)
	}
	s, err := access.Dial(t.Context(), target)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return system, s
}

// stopper ends a context after so many drawings of the progress.
type stopper struct {
	left atomic.Int64
	stop context.CancelFunc
}

// Write implements io.Writer.
func (s *stopper) Write(p []byte) (int, error) {
	if s.left.Add(-1) == 0 {
		s.stop()
	}
	return len(p), nil
}

func loadDemo(ctx context.Context, s *access.Suite, screen io.Writer) (demo.Figures, error) {
	return demo.Load(ctx, demo.Options{Suite: s, Seed: 7, Months: 4, Screen: screen})
}

// TestDemo loads the demo company twice, and once with an interruption: it is there once, and the same.
func TestDemo(t *testing.T) {
	t.Parallel()
	_, s := operated(t, pgtest.Database(t))
	first, err := loadDemo(t.Context(), s, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%+v", first)
	if first.Customers != 40 || first.Approved == 0 || first.Released == 0 || first.Rejected == 0 ||
		first.Open == "0.00" || first.Overdue == "0.00" || first.MovedCustomers == 0 {
		t.Errorf("nothing to see: %+v", first)
	}
	again, err := loadDemo(t.Context(), s, nil)
	if err != nil || !reflect.DeepEqual(first, again) {
		t.Errorf("loaded again: %+v, %v", again, err)
	}

	_, other := operated(t, pgtest.Database(t))
	ctx, cancel := context.WithCancel(t.Context())
	half := &stopper{stop: cancel}
	half.left.Store(12)
	if _, err := loadDemo(ctx, other, half); !errors.Is(err, context.Canceled) {
		t.Fatalf("the load was not interrupted: %v", err)
	}
	finished, err := loadDemo(t.Context(), other, nil)
	if err != nil || !reflect.DeepEqual(first, finished) {
		t.Errorf("finished after an interruption: %+v, %v", finished, err)
	}
}
