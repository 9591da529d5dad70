package rating

import (
	"math/big"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/avalcredit/aval/pkg/calendar"
	"github.com/avalcredit/aval/pkg/money"
)

func TestUsualPurchaseMeasures(t *testing.T) {
	t.Parallel()
	cases := []struct {
		rising       []int64
		median, mean int64
	}{
		{[]int64{7}, 7, 7},
		{[]int64{1, 2}, 2, 2}, // half a unit is rounded up
		{[]int64{1, 2, 100}, 2, 34},
		{[]int64{1, 2, 3, 100}, 3, 27},
	}
	for _, c := range cases {
		if got := median(c.rising); got != c.median {
			t.Errorf("median of %v is %d", c.rising, got)
		}
		if got := mean(c.rising); got != c.mean {
			t.Errorf("mean of %v is %d", c.rising, got)
		}
	}
}

func TestTimesStopsAtTheLargestAmount(t *testing.T) {
	t.Parallel()
	if got := times(money.New(money.MaxMinor, "CNY"), money.Ratio{Num: 999_999, Den: 1}); got.Minor != money.MaxMinor {
		t.Errorf("%d", got.Minor)
	}
	if got := times(money.New(5, "CNY"), money.Ratio{Num: 1, Den: 2}); got.Minor != 3 {
		t.Errorf("half of 5 is %d", got.Minor)
	}
}

func TestMonthsBetween(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		from, to string
		want     int
	}{
		{"2025-01-31", "2025-02-27", 0}, {"2025-01-31", "2025-02-28", 1}, {"2025-01-15", "2026-01-14", 11}, {"2025-01-15", "2026-01-15", 12},
		{"2025-02-01", "2025-01-01", 0},
	} {
		if got := monthsBetween(calendar.MustDate(c.from), calendar.MustDate(c.to)); got != c.want {
			t.Errorf("%s to %s: %d months", c.from, c.to, got)
		}
	}
}

// A value is written exactly: reading it back gives the same fraction.
func TestValuesAreWrittenExactly(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		v := big.NewRat(rapid.Int64().Draw(t, "num"), rapid.Int64Range(1, 1<<40).Draw(t, "den"))
		back, ok := new(big.Rat).SetString(text(v))
		if !ok || back.Cmp(v) != 0 {
			t.Fatalf("%s is written %s", v, text(v))
		}
	})
}

func TestMedianLiesBetween(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		amounts := rapid.SliceOfN(rapid.Int64Range(1, money.MaxMinor), 1, 50).Draw(t, "amounts")
		slices.Sort(amounts)
		m := median(amounts)
		below, above := 0, 0
		for _, a := range amounts {
			if a <= m {
				below++
			}
			if a >= m {
				above++
			}
		}
		if m < amounts[0] || m > amounts[len(amounts)-1] || 2*below < len(amounts) {
			t.Fatalf("median of %v is %d (%d below, %d above)", amounts, m, below, above)
		}
	})
}
