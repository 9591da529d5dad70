package money_test

import (
	"encoding/json"
	"math/big"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/avalcredit/aval/pkg/errs"
	"github.com/avalcredit/aval/pkg/money"
)

func TestParse(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		currency, amount string
		minor            int64
		text             string
	}{
		{"CNY", "12345.67", 1234567, "12345.67"},
		{"CNY", "12345.6", 1234560, "12345.60"},
		{"CNY", "12345", 1234500, "12345.00"},
		{"CNY", "-5", -500, "-5.00"},
		{"CNY", "-0.05", -5, "-0.05"},
		{"CNY", "0", 0, "0.00"},
		{"CNY", "-0.00", 0, "0.00"},
		{"CNY", "10000000000000.00", money.MaxMinor, "10000000000000.00"},
		{"CNY", "-10000000000000", -money.MaxMinor, "-10000000000000.00"},
		{"JPY", "7", 7, "7"},
		{"JPY", "1000000000000000", money.MaxMinor, "1000000000000000"},
		{"KWD", "1.005", 1005, "1.005"},
		{"CLF", "0.0001", 1, "0.0001"},
	} {
		m, err := money.Parse(c.currency, c.amount)
		if err != nil {
			t.Errorf("%s %q: %v", c.currency, c.amount, err)
			continue
		}
		if m != money.New(c.minor, c.currency) || m.String() != c.text {
			t.Errorf("%s %q = %d minor units, %q; want %d, %q", c.currency, c.amount, m.Minor, m, c.minor, c.text)
		}
	}
}

func TestParseRefuses(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ currency, amount string }{
		{"CNY", ""}, {"CNY", "-"}, {"CNY", "."}, {"CNY", "1."}, {"CNY", ".5"}, {"CNY", "+1"},
		{"CNY", "--1"}, {"CNY", "01"}, {"CNY", "00"}, {"CNY", "1,000"}, {"CNY", "1e3"}, {"CNY", " 1"},
		{"CNY", "1 "}, {"CNY", "1.2.3"}, {"CNY", "1.-2"}, {"CNY", "0x10"}, {"CNY", "1_000"}, {"CNY", "１"},
		{"CNY", "1.001"}, {"CNY", "1.000"}, {"JPY", "1.0"}, {"KWD", "1.0000"}, {"CNY", "NaN"},
		{"CNY", "10000000000000.01"}, {"CNY", "-10000000000000.01"}, {"JPY", "1000000000000001"},
		{"CNY", "99999999999999999999999999"},
		{"", "1"}, {"RMB", "1"}, {"cny", "1"}, {"XXX", "1"}, {"BGN", "1"}, {strings.Repeat("A", 10_000), "1"},
	} {
		m, err := money.Parse(c.currency, c.amount)
		if errs.KindOf(err) != errs.Invalid || errs.ReasonOf(err) != money.ReasonInvalid {
			t.Errorf("%.9s %q = %v, error %v; want MONEY_INVALID", c.currency, c.amount, m, err)
		}
		if err != nil && len(err.Error()) > 200 {
			t.Errorf("%.9s %q: the error repeats the whole input", c.currency, c.amount)
		}
	}
}

func TestDigits(t *testing.T) {
	t.Parallel()
	for currency, want := range map[string]int{"JPY": 0, "KRW": 0, "CNY": 2, "HKD": 2, "USD": 2, "EUR": 2, "KWD": 3, "TND": 3} {
		if got, ok := money.Digits(currency); !ok || got != want {
			t.Errorf("%s has %d digits, %v; want %d", currency, got, ok, want)
		}
	}
}

// The currencies a test draws from: every number of digits there is.
func anyCurrency() *rapid.Generator[string] {
	return rapid.SampledFrom([]string{"JPY", "CNY", "USD", "KWD", "CLF"})
}

func anyMoney() *rapid.Generator[money.Money] {
	return rapid.Custom(func(t *rapid.T) money.Money {
		minor := rapid.Int64Range(-money.MaxMinor, money.MaxMinor).Draw(t, "minor")
		return money.New(minor, anyCurrency().Draw(t, "currency"))
	})
}

func TestParseReadsWhatStringWrites(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		m := anyMoney().Draw(t, "m")
		back, err := money.Parse(m.Currency, m.String())
		if err != nil || back != m {
			t.Fatalf("%v came back as %v, error %v", m, back, err)
		}
	})
}

// Whatever Parse accepts has the value that exact arithmetic gives the same text.
func TestParseAgreesWithExactArithmetic(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.StringMatching(`-?[0-9]{1,18}(\.[0-9]{0,4})?`).Draw(t, "text")
		currency := anyCurrency().Draw(t, "currency")
		m, err := money.Parse(currency, text)
		if err != nil {
			return
		}
		want, ok := new(big.Rat).SetString(text)
		got, _ := new(big.Rat).SetString(m.String())
		if !ok || want.Cmp(got) != 0 {
			t.Fatalf("%q was read as %v", text, m)
		}
	})
}

func TestMoneyJSON(t *testing.T) {
	t.Parallel()
	text, err := json.Marshal(money.New(1234567, "CNY"))
	if want := `{"currency_code":"CNY","amount":"12345.67"}`; err != nil || string(text) != want {
		t.Errorf("JSON is %s, error %v; want %s", text, err, want)
	}
	if _, err := json.Marshal(money.New(1, "RMB")); err == nil {
		t.Error("an unknown currency was written")
	}
	for _, bad := range []string{
		`7`, `"7"`, `{"currency_code":"CNY"}`, `{"amount":"1"}`, `{"currency_code":"CNY","amount":1}`,
		`{"currency_code":"CNY","amount":"1.001"}`, `{"currency_code":"CNY","amount":"99999999999999999999"}`,
	} {
		var m money.Money
		if err := json.Unmarshal([]byte(bad), &m); errs.ReasonOf(err) != money.ReasonInvalid {
			t.Errorf("%s was read as %v, error %v", bad, m, err)
		}
	}
}

func TestMoneyJSONRoundTrip(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		// All of int64: a computed sum may be larger than what callers may send.
		m := money.New(rapid.Int64().Draw(t, "minor"), anyCurrency().Draw(t, "currency"))
		if rapid.IntRange(0, 9).Draw(t, "unset") == 0 {
			m = money.Money{}
		}
		text, err := json.Marshal(m)
		if err != nil {
			t.Fatal(err)
		}
		back := money.New(1, "USD")
		if err := json.Unmarshal(text, &back); err != nil || back != m {
			t.Fatalf("%s came back as %v, error %v", text, back, err)
		}
	})
}

func TestArithmetic(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		a := anyMoney().Draw(t, "a")
		b := money.New(rapid.Int64Range(-money.MaxMinor, money.MaxMinor).Draw(t, "b"), a.Currency)
		if got := a.Add(b).Sub(b); got != a {
			t.Fatalf("(a+b)-b = %v", got)
		}
		if a.Add(b) != b.Add(a) || a.Sub(b) != b.Sub(a).Neg() {
			t.Fatal("sum or difference depends on the order")
		}
		if a.Cmp(b) != -b.Cmp(a) || a.Cmp(b) != big.NewInt(a.Minor).Cmp(big.NewInt(b.Minor)) {
			t.Fatalf("Cmp = %d", a.Cmp(b))
		}
		if money.Min(a, b).Add(money.Max(a, b)) != a.Add(b) || money.Min(a, b).Cmp(money.Max(a, b)) > 0 {
			t.Fatal("Min and Max are not the two")
		}
		if a.Abs().IsNegative() || a.IsZero() != a.Abs().IsZero() || a.IsNegative() != a.Neg().IsPositive() {
			t.Fatalf("signs of %v", a)
		}
		if a.Sub(a) != money.Zero(a.Currency) {
			t.Fatalf("a - a = %v", a.Sub(a))
		}
	})
}

func TestAssertions(t *testing.T) {
	t.Parallel()
	const most, least = 1<<63 - 1, -1 << 63
	yuan := func(minor int64) money.Money { return money.New(minor, "CNY") }
	for name, f := range map[string]func(){
		"sum of two currencies":        func() { yuan(1).Add(money.New(1, "USD")) },
		"difference of two currencies": func() { yuan(1).Sub(money.New(1, "USD")) },
		"comparison of two currencies": func() { yuan(1).Cmp(money.New(1, "USD")) },
		"sum overflows":                func() { yuan(most).Add(yuan(1)) },
		"negative sum overflows":       func() { yuan(least).Add(yuan(-1)) },
		"difference overflows":         func() { yuan(least).Sub(yuan(1)) },
		"zero minus the least":         func() { yuan(0).Sub(yuan(least)) },
		"negation overflows":           func() { yuan(least).Neg() },
		"product overflows":            func() { yuan(most).MulRatio(money.Ratio{Num: 2, Den: 1}) },
		"product rounds past the end":  func() { yuan(most).MulRatio(money.Ratio{Num: most, Den: most - 1}) },
		"product with no ratio":        func() { yuan(1).MulRatio(money.Ratio{}) },
		"comparison with no ratio":     func() { money.Ratio{}.Cmp(money.Ratio{Num: 1, Den: 1}) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			defer func() {
				if recover() == nil {
					t.Error("no panic")
				}
			}()
			f()
		})
	}
}

func TestConvert(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ from, amount, rate, to, want string }{
		{"USD", "100.00", "7.1", "CNY", "710.00"},
		{"CNY", "710.00", "1/7.1", "", ""},
		{"JPY", "10000", "0.0481", "CNY", "481.00"},
		{"CNY", "481.00", "20.79", "JPY", "10000"},
		{"CNY", "0.05", "0.1", "USD", "0.01"},
		{"CNY", "-0.05", "0.1", "USD", "-0.01"},
		{"CNY", "0.04", "0.1", "USD", "0.00"},
		{"CNY", "10000000000000", "0.0425", "KWD", "425000000000.000"},
		{"CNY", "10000000000000", "1.01", "USD", ""},
		{"CNY", "1", "0", "USD", ""},
		{"CNY", "1", "-1", "USD", ""},
		{"CNY", "1", "1", "RMB", ""},
	} {
		m, err := money.Parse(c.from, c.amount)
		if err != nil {
			t.Fatal(err)
		}
		rate, err := money.ParseRatio(c.rate)
		if err != nil && c.want != "" {
			t.Fatal(err)
		}
		got, err := m.Convert(rate, c.to)
		if c.want == "" {
			if errs.ReasonOf(err) != money.ReasonInvalid {
				t.Errorf("%s %s at %s = %v, error %v; want MONEY_INVALID", c.amount, c.from, c.rate, got, err)
			}
			continue
		}
		if err != nil || got.String() != c.want || got.Currency != c.to {
			t.Errorf("%s %s at %s = %s %s, error %v; want %s", c.amount, c.from, c.rate, got, got.Currency, err, c.want)
		}
	}
}

// A conversion within one currency is MulRatio.
func TestConvertAgreesWithMulRatio(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		m := anyMoney().Draw(t, "m")
		rate := money.Ratio{Num: rapid.Int64Range(1, 1_000).Draw(t, "num"), Den: rapid.Int64Min(1).Draw(t, "den")}
		want := m.MulRatio(rate)
		got, err := m.Convert(rate, m.Currency)
		if beyond := want.Abs().Minor > money.MaxMinor; beyond != (err != nil) {
			t.Fatalf("%v, error %v", want, err)
		}
		if err == nil && got != want {
			t.Fatalf("Convert gives %v, MulRatio %v", got, want)
		}
	})
}
