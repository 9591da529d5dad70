// Package money holds exact amounts and exact ratios. Binary floating point never
// appears; rounding happens only where an amount is computed from a ratio.
package money

import (
	"encoding/json"
	"fmt"
	"math"
	"math/big"
	"strconv"
	"strings"

	"github.com/avalcredit/aval/pkg/errs"
)

const (
	// ReasonInvalid is the reason of the errors of Parse and Convert.
	ReasonInvalid = "MONEY_INVALID"
	// MaxMinor bounds what Parse and Convert accept, either way, in minor units. It
	// leaves room to add more than nine thousand such amounts in an int64.
	MaxMinor int64 = 1_000_000_000_000_000
)

// Money is an exact amount in minor units of one currency. The zero value has no
// currency and is distinct from an amount of zero.
type Money struct {
	// Minor is the amount in minor units: fen for CNY, whole yen for JPY.
	Minor int64
	// Currency is the ISO 4217 code.
	Currency string
}

// New returns an amount of minor units; it trusts its arguments (see Parse).
func New(minor int64, currency string) Money { return Money{Minor: minor, Currency: currency} }

// Zero returns nothing of a currency.
func Zero(currency string) Money { return Money{Currency: currency} }

// Parse reads a decimal string such as "12345.67" or "-5". It is strict: an active
// ISO 4217 currency, no plus sign, no leading zeros, no exponent, no spaces, at most
// the currency's digits after the point, at most MaxMinor minor units either way.
// Its errors have kind Invalid and reason MONEY_INVALID.
func Parse(currency, amount string) (Money, error) {
	digits, ok := Digits(currency)
	if !ok {
		return Money{}, errs.New(errs.Invalid, ReasonInvalid, "%q is not an active ISO 4217 currency code", clip(currency))
	}
	d, ok := splitDecimal(amount)
	if !ok {
		return Money{}, errs.New(errs.Invalid, ReasonInvalid, "%q is not an amount; write it like 12345.67", clip(amount))
	}
	if len(d.fraction) > digits {
		return Money{}, errs.New(errs.Invalid, ReasonInvalid,
			"%q has more than %d digits after the point, which is what %s has", clip(amount), digits, currency)
	}
	minor, err := strconv.ParseInt(d.whole+d.fraction+strings.Repeat("0", digits-len(d.fraction)), 10, 64)
	if err != nil || minor > MaxMinor {
		return Money{}, errs.New(errs.Invalid, ReasonInvalid,
			"%q is beyond the largest amount, %s %s", clip(amount), New(MaxMinor, currency), currency)
	}
	if d.negative {
		minor = -minor
	}
	return Money{Minor: minor, Currency: currency}, nil
}

// String returns the amount without its currency, with all digits of the minor unit:
// "12345.60". An amount in an unknown currency is given in minor units.
func (m Money) String() string {
	digits, _ := Digits(m.Currency)
	return formatScaled(m.Minor, digits)
}

// Add returns m + o. Both must have the same currency.
func (m Money) Add(o Money) Money {
	m.assertSame(o)
	sum := m.Minor + o.Minor
	if (sum > m.Minor) != (o.Minor > 0) {
		panic(fmt.Sprintf("money: %d + %d minor units overflow", m.Minor, o.Minor))
	}
	m.Minor = sum
	return m
}

// Sub returns m - o. Both must have the same currency.
func (m Money) Sub(o Money) Money {
	m.assertSame(o)
	diff := m.Minor - o.Minor
	if (diff < m.Minor) != (o.Minor > 0) {
		panic(fmt.Sprintf("money: %d - %d minor units overflow", m.Minor, o.Minor))
	}
	m.Minor = diff
	return m
}

// Neg returns -m.
func (m Money) Neg() Money {
	if m.Minor == math.MinInt64 {
		panic("money: negation overflows")
	}
	m.Minor = -m.Minor
	return m
}

// Abs returns m without its sign.
func (m Money) Abs() Money {
	if m.Minor < 0 {
		return m.Neg()
	}
	return m
}

// Cmp returns -1, 0 or +1 as m is less than, equal to or greater than o. Both must
// have the same currency.
func (m Money) Cmp(o Money) int {
	m.assertSame(o)
	switch {
	case m.Minor < o.Minor:
		return -1
	case m.Minor > o.Minor:
		return 1
	default:
		return 0
	}
}

// Min returns the smaller of two amounts of the same currency.
func Min(a, b Money) Money {
	if b.Cmp(a) < 0 {
		return b
	}
	return a
}

// Max returns the greater of two amounts of the same currency.
func Max(a, b Money) Money {
	if b.Cmp(a) > 0 {
		return b
	}
	return a
}

// IsZero reports whether the amount is zero, whatever the currency.
func (m Money) IsZero() bool { return m.Minor == 0 }

// IsNegative reports whether the amount is below zero.
func (m Money) IsNegative() bool { return m.Minor < 0 }

// IsPositive reports whether the amount is above zero.
func (m Money) IsPositive() bool { return m.Minor > 0 }

// MulRatio returns m x r rounded half away from zero to whole minor units. It is for
// amounts that are computed (a share, a percentage); thresholds are compared with
// Ratio.Cmp, which does not round. The ratio must be valid and the result must fit.
func (m Money) MulRatio(r Ratio) Money {
	m.Minor = mulDivRound(m.Minor, r.mustValid())
	return m
}

// Convert returns m in another currency. The rate is the number of whole units of
// the target currency for one whole unit of m's; the result is rounded half away
// from zero to the target's minor unit. Its errors (unknown currency, rate that is
// not above zero, result beyond MaxMinor) have kind Invalid and reason MONEY_INVALID.
func (m Money) Convert(rate Ratio, to string) (Money, error) {
	from, okFrom := Digits(m.Currency)
	target, okTo := Digits(to)
	if !okFrom || !okTo {
		return Money{}, errs.New(errs.Invalid, ReasonInvalid, "no conversion from %q to %q", clip(m.Currency), clip(to))
	}
	if !rate.IsValid() || rate.Num <= 0 {
		return Money{}, errs.New(errs.Invalid, ReasonInvalid, "the rate from %s to %s must be above zero", m.Currency, to)
	}
	// Three factors can pass 128 bits, so this one goes through big.Int.
	num := new(big.Int).Mul(big.NewInt(m.Minor), big.NewInt(rate.Num))
	num.Mul(num, big.NewInt(pow10(target)))
	den := new(big.Int).Mul(big.NewInt(rate.Den), big.NewInt(pow10(from)))
	negative := num.Sign() < 0
	num.Abs(num)
	// Half away from zero: floor((2n + d) / 2d) on the magnitude.
	num.Lsh(num, 1).Add(num, den).Quo(num, den.Lsh(den, 1))
	if !num.IsInt64() || num.Int64() > MaxMinor {
		return Money{}, errs.New(errs.Invalid, ReasonInvalid, "%s %s is beyond the largest amount in %s", m, m.Currency, to)
	}
	minor := num.Int64()
	if negative {
		minor = -minor
	}
	return Money{Minor: minor, Currency: to}, nil
}

// wire is the JSON form, the same as of the message aval.type.v1.Money.
type wire struct {
	CurrencyCode string `json:"currency_code"`
	Amount       string `json:"amount"`
}

// MarshalJSON writes {"currency_code":"CNY","amount":"12345.67"}; the zero value
// has an empty code and an empty amount.
func (m Money) MarshalJSON() ([]byte, error) {
	if m == (Money{}) {
		return json.Marshal(wire{})
	}
	if _, ok := Digits(m.Currency); !ok {
		return nil, errs.New(errs.Internal, ReasonInvalid, "amount in unknown currency %q", clip(m.Currency))
	}
	return json.Marshal(wire{CurrencyCode: m.Currency, Amount: m.String()})
}

// UnmarshalJSON reads what MarshalJSON writes. Unlike Parse it has no upper bound
// but int64: sums that were computed must be readable again.
func (m *Money) UnmarshalJSON(data []byte) error {
	var w wire
	if err := json.Unmarshal(data, &w); err != nil {
		return errs.New(errs.Invalid, ReasonInvalid, "money is not an object of currency_code and amount").WithCause(err)
	}
	if w == (wire{}) {
		*m = Money{}
		return nil
	}
	digits, ok := Digits(w.CurrencyCode)
	d, okAmount := splitDecimal(w.Amount)
	if !ok || !okAmount || len(d.fraction) > digits {
		return errs.New(errs.Invalid, ReasonInvalid, "%q %q is not an amount", clip(w.CurrencyCode), clip(w.Amount))
	}
	minor, err := strconv.ParseInt(d.signed()+strings.Repeat("0", digits-len(d.fraction)), 10, 64)
	if err != nil {
		return errs.New(errs.Invalid, ReasonInvalid, "%q is too large", clip(w.Amount)).WithCause(err)
	}
	*m = Money{Minor: minor, Currency: w.CurrencyCode}
	return nil
}

func (m Money) assertSame(o Money) {
	if m.Currency != o.Currency {
		panic(fmt.Sprintf("money: %q and %q in one sum or comparison", m.Currency, o.Currency))
	}
}
