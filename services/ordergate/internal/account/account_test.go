package account_test

import (
	"math"
	"testing"

	"github.com/avalcredit/aval/services/ordergate/internal/account"
)

func TestBasisPoints(t *testing.T) {
	t.Parallel()
	amount := func(minor int64) account.Limit { return account.Limit{Kind: account.LimitAmount, Minor: minor} }
	for _, c := range []struct {
		name     string
		limit    account.Limit
		exposure int64
		want     int64
	}{
		{"rounded down", amount(3), 2, 6666},
		{"over the limit", amount(100), 150, 15_000},
		{"products beyond 64 bits", amount(math.MaxInt64), math.MaxInt64, 10_000},
		{"more than can be said", amount(1), math.MaxInt64, math.MaxInt64},
		{"no exposure", amount(100), -5, 0},
		{"a limit of nothing", amount(0), 5, 0},
		{"unlimited", account.Limit{Kind: account.LimitUnlimited}, 5, 0},
	} {
		if got := c.limit.BasisPoints(c.exposure); got != c.want {
			t.Errorf("%s: %d, want %d", c.name, got, c.want)
		}
	}
}
