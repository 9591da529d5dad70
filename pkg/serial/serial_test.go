package serial_test

import (
	"context"
	"errors"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/avalcredit/aval/pkg/errs"
	"github.com/avalcredit/aval/pkg/pg"
	"github.com/avalcredit/aval/pkg/pgtest"
	"github.com/avalcredit/aval/pkg/serial"
)

func TestMain(m *testing.M) { pgtest.Main(m) }

func TestGapFreeUnderRollbacks(t *testing.T) {
	t.Parallel()
	pool := pgtest.New(t, "alpha", nil)
	changedMind := errors.New("changed my mind")
	var mu sync.Mutex
	got := map[string][]int64{}
	var wg sync.WaitGroup
	for g := range 16 {
		rnd := rand.New(rand.NewPCG(1, uint64(g)))
		wg.Go(func() {
			for range 25 {
				series := []string{"voucher", "certificate"}[rnd.IntN(2)]
				rollback := rnd.IntN(3) == 0
				var n int64
				err := pg.InTx(t.Context(), pool, func(ctx context.Context, tx pgx.Tx) (err error) {
					if n, err = serial.Next(ctx, tx, series); err == nil && rollback {
						err = changedMind
					}
					return err
				})
				switch {
				case err == nil:
					mu.Lock()
					got[series] = append(got[series], n)
					mu.Unlock()
				case !errors.Is(err, changedMind):
					t.Errorf("%v", err)
				}
			}
		})
	}
	wg.Wait()
	for series, numbers := range got {
		slices.Sort(numbers)
		for i, n := range numbers {
			if n != int64(i+1) {
				t.Fatalf("%s: number %d in place %d of %v", series, n, i+1, numbers)
			}
		}
	}
}

func TestNextRefusesNoName(t *testing.T) {
	t.Parallel()
	pool := pgtest.New(t, "alpha", nil)
	err := pg.InTx(t.Context(), pool, func(ctx context.Context, tx pgx.Tx) error {
		_, err := serial.Next(ctx, tx, "")
		return err
	})
	if errs.KindOf(err) != errs.Invalid {
		t.Errorf("err = %v", err)
	}
}
