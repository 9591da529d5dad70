// Package figures is what the receivables of a company say about its credit: how long its
// sales are outstanding, how well it collects, what it may lose, and when money will come.
// Each figure has one definition, in Definitions; numbers are exact (integers and
// fractions) and rounded only where they are shown. The package is pure.
package figures

import "math/big"

// Missing says why a figure has no value.
type Missing string

// Why a figure has no value.
const (
	NoSales     Missing = "NO_CREDIT_SALES"     // nothing was sold on credit in the period
	SalesRunOut Missing = "CREDIT_SALES_SHORT"  // the sales that were read do not cover the receivables
	NothingDue  Missing = "NOTHING_FELL_DUE"    // nothing fell due in the period
	NothingOpen Missing = "NOTHING_OPEN"        // nothing is open
	NothingToDo Missing = "NOTHING_TO_COLLECT"  // nothing could have been collected
	NoLossRates Missing = "NO_LOSS_RATES"       // the policy has none
	NoCapital   Missing = "NO_COST_OF_CAPITAL"  // the policy has none
	NoPace      Missing = "NOT_RISING"          // the balance does not rise at the present pace
	NoPeer      Missing = "PEER_NOT_AVAILABLE"  // the phase that knows it cannot be asked now
	NoBuckets   Missing = "LOSS_RATES_MISMATCH" // the policy's rates are not as many as its buckets
)

// Value is an exact number, or the reason why there is none.
type Value struct {
	rat     *big.Rat
	Missing Missing
}

// None is a figure without a value.
func None(why Missing) Value { return Value{Missing: why} }

// Of is the fraction num/den times by; why is said where den is not above zero.
func Of(num, den *big.Int, by int64, why Missing) Value {
	if den.Sign() <= 0 {
		return None(why)
	}
	r := new(big.Rat).SetFrac(num, den)
	return Value{rat: r.Mul(r, new(big.Rat).SetInt64(by))}
}

func of(num, den, by int64, why Missing) Value {
	return Of(big.NewInt(num), big.NewInt(den), by, why)
}

// IsSet reports whether there is a value.
func (v Value) IsSet() bool { return v.rat != nil }

// Decimal is the value with so many digits after the point, rounded half away from zero;
// empty where there is none.
func (v Value) Decimal(digits int) string {
	if v.rat == nil {
		return ""
	}
	return v.rat.FloatString(digits)
}

// Exact is the value as a fraction in lowest terms, or as a whole number; empty where there is none.
func (v Value) Exact() string {
	if v.rat == nil {
		return ""
	}
	return v.rat.RatString()
}

// Above reports whether the value is set and above a bound, exactly; nothing is above no bound.
func (v Value) Above(bound *big.Rat) bool {
	return v.rat != nil && bound != nil && v.rat.Cmp(bound) > 0
}

func (v Value) minus(o Value) Value {
	switch {
	case v.rat == nil:
		return v
	case o.rat == nil:
		return o
	}
	return Value{rat: new(big.Rat).Sub(v.rat, o.rat)}
}

// Round is num x mul / den in whole units, half away from zero; den is above zero.
func Round(num, mul, den *big.Int) *big.Int {
	n := new(big.Int).Mul(num, mul)
	negative := n.Sign() < 0
	n.Abs(n).Lsh(n, 1).Add(n, den).Quo(n, new(big.Int).Lsh(den, 1))
	if negative {
		n.Neg(n)
	}
	return n
}
