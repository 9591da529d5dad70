package money_test

import (
	"encoding/json"
	"math"
	"math/big"
	"testing"

	"pgregory.net/rapid"

	"github.com/avalcredit/aval/pkg/errs"
	"github.com/avalcredit/aval/pkg/money"
)

func TestParseRatio(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		text     string
		num, den int64
		written  string
	}{
		{"0.95", 19, 20, "0.95"},
		{"95%", 19, 20, "0.95"},
		{"95.00%", 19, 20, "0.95"},
		{"0.9%", 9, 1000, "0.009"},
		{"0%", 0, 1, "0"},
		{"-0", 0, 1, "0"},
		{"1", 1, 1, "1"},
		{"150%", 3, 2, "1.5"},
		{"-2.5", -5, 2, "-2.5"},
		{"1/3", 1, 3, "1/3"},
		{"-2/6", -1, 3, "-1/3"},
		{"3/4", 3, 4, "0.75"},
		{"0.000000000000000001", 1, 1_000_000_000_000_000_000, "0.000000000000000001"},
		{"9223372036854775807", math.MaxInt64, 1, "9223372036854775807"},
		{"-9223372036854775808", math.MinInt64, 1, "-9223372036854775808"},
	} {
		r, err := money.ParseRatio(c.text)
		if err != nil || r != (money.Ratio{Num: c.num, Den: c.den}) || r.String() != c.written {
			t.Errorf("%q = %d/%d, written %q, error %v; want %d/%d, %q",
				c.text, r.Num, r.Den, r, err, c.num, c.den, c.written)
		}
	}
	for _, bad := range []string{
		"", "%", "-", ".5", "5.", "05", "+1", "1e2", "1 %", "1%%", "1/0", "1/-2", "1/", "/2", "1/2/3", "0.5/2", "1/2%",
		"0.0000000000000000001", "0.00000000000000001%", "9223372036854775808", "NaN", "Inf",
	} {
		if r, err := money.ParseRatio(bad); errs.KindOf(err) != errs.Invalid || errs.ReasonOf(err) != money.ReasonRatioInvalid {
			t.Errorf("%q = %v, error %v; want RATIO_INVALID", bad, r, err)
		}
	}
}

// Ratios with small parts, where ties and equal values happen, and with any parts.
func anyRatio() *rapid.Generator[money.Ratio] {
	return rapid.Custom(func(t *rapid.T) money.Ratio {
		if rapid.Bool().Draw(t, "small") {
			return money.Ratio{
				Num: rapid.Int64Range(-20, 20).Draw(t, "num"), Den: rapid.Int64Range(1, 20).Draw(t, "den"),
			}
		}
		return money.Ratio{Num: rapid.Int64().Draw(t, "num"), Den: rapid.Int64Min(1).Draw(t, "den")}
	})
}

func rat(r money.Ratio) *big.Rat { return big.NewRat(r.Num, r.Den) }

func TestRatioCmpAgreesWithExactArithmetic(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		a, b := anyRatio().Draw(t, "a"), anyRatio().Draw(t, "b")
		if got, want := a.Cmp(b), rat(a).Cmp(rat(b)); got != want {
			t.Fatalf("%d/%d against %d/%d: %d, want %d", a.Num, a.Den, b.Num, b.Den, got, want)
		}
	})
}

func TestParseRatioReadsWhatStringWrites(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		a := anyRatio().Draw(t, "a")
		b, err := money.ParseRatio(a.String())
		if err != nil || a.Cmp(b) != 0 {
			t.Fatalf("%q came back as %v, error %v", a, b, err)
		}
		text, err := json.Marshal(a)
		if err != nil {
			t.Fatal(err)
		}
		var c money.Ratio
		if err := json.Unmarshal(text, &c); err != nil || c != b {
			t.Fatalf("%s came back as %v, error %v", text, c, err)
		}
		if exact, ok := new(big.Rat).SetString(a.String()); !ok || exact.Cmp(rat(a)) != 0 {
			t.Fatalf("%d/%d is written %q", a.Num, a.Den, a)
		}
	})
}

func TestNoRatioInJSON(t *testing.T) {
	t.Parallel()
	text, err := json.Marshal(money.Ratio{})
	if err != nil || string(text) != `""` {
		t.Fatalf("%s, error %v", text, err)
	}
	back := money.Ratio{Num: 1, Den: 2}
	if err := json.Unmarshal(text, &back); err != nil || back.IsValid() {
		t.Fatalf("%v, error %v", back, err)
	}
}

func TestMulRatio(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		minor int64
		ratio string
		want  int64
	}{
		{1000000, "90%", 900000},
		{1, "0.5", 1},
		{-1, "0.5", -1},
		{1, "-0.5", -1},
		{1, "0.499999", 0},
		{3, "0.5", 2},
		{-3, "0.5", -2},
		{10, "1/3", 3},
		{20, "1/3", 7},
		{math.MaxInt64, "1", math.MaxInt64},
		{math.MaxInt64, "-1", -math.MaxInt64},
		{1_000_000_000_000_000, "0.999999999999999999", 1_000_000_000_000_000},
	} {
		r, err := money.ParseRatio(c.ratio)
		if err != nil {
			t.Fatal(err)
		}
		if got := money.New(c.minor, "CNY").MulRatio(r); got != money.New(c.want, "CNY") {
			t.Errorf("%d x %s = %d, want %d", c.minor, c.ratio, got.Minor, c.want)
		}
	}
}

// The rounded product is the nearest whole number; halves go away from zero.
func TestMulRatioRoundsToNearest(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		minor := rapid.Int64Range(-money.MaxMinor, money.MaxMinor).Draw(t, "minor")
		r := money.Ratio{
			Num: rapid.Int64Range(-9_000, 9_000).Draw(t, "num"), Den: rapid.Int64Range(1, 1<<40).Draw(t, "den"),
		}
		exact := new(big.Rat).Mul(new(big.Rat).SetInt64(minor), rat(r))
		got := money.New(minor, "CNY").MulRatio(r).Minor
		off := new(big.Rat).Sub(new(big.Rat).SetInt64(got), exact)
		half := big.NewRat(1, 2)
		switch c := new(big.Rat).Abs(off).Cmp(half); {
		case c > 0:
			t.Fatalf("%d x %v = %d, exactly %v", minor, r, got, exact.FloatString(3))
		case c == 0 && off.Sign() != exact.Sign():
			t.Fatalf("%d x %v = %d: a half went towards zero", minor, r, got)
		}
	})
}

func TestRatioOf(t *testing.T) {
	t.Parallel()
	yuan := func(minor int64) money.Money { return money.New(minor, "CNY") }
	limit, err := money.ParseRatio("0%")
	if err != nil {
		t.Fatal(err)
	}
	// 900 of 100,000 is above "max 0 %": nothing is rounded before the comparison.
	if share := money.RatioOf(yuan(90_000), yuan(10_000_000)); share.String() != "0.009" || share.Cmp(limit) != 1 {
		t.Errorf("900 of 100000 is %v", share)
	}
	for _, whole := range []int64{0, -1} {
		if money.RatioOf(yuan(1), yuan(whole)).IsValid() {
			t.Errorf("a share of %d is a ratio", whole)
		}
	}
}
