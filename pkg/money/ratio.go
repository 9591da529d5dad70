package money

import (
	"fmt"
	"math"
	"math/bits"
	"strconv"
	"strings"

	"github.com/avalcredit/aval/pkg/errs"
)

// ReasonRatioInvalid is the reason of the errors of ParseRatio.
const ReasonRatioInvalid = "RATIO_INVALID"

// Ratio is an exact fraction Num / Den with Den > 0. The zero value is no ratio.
type Ratio struct {
	Num, Den int64
}

// ParseRatio reads "0.95", "95%" or "1/3" exactly, in lowest terms. Its errors have
// kind Invalid and reason RATIO_INVALID.
func ParseRatio(s string) (Ratio, error) {
	if num, den, ok := strings.Cut(s, "/"); ok {
		return parseFraction(s, num, den)
	}
	text, percent := strings.CutSuffix(s, "%")
	d, ok := splitDecimal(text)
	if !ok {
		return Ratio{}, ratioError(s)
	}
	scale := len(d.fraction)
	if percent {
		scale += 2
	}
	num, err := strconv.ParseInt(d.signed(), 10, 64)
	if err != nil || scale > maxScale {
		return Ratio{}, errs.New(errs.Invalid, ReasonRatioInvalid, "%q has more digits than can be kept exactly", clip(s))
	}
	return Ratio{Num: num, Den: pow10(scale)}.reduced(), nil
}

func parseFraction(s, num, den string) (Ratio, error) {
	n, okNum := splitDecimal(num)
	d, okDen := splitDecimal(den)
	if !okNum || !okDen || n.fraction != "" || d.fraction != "" || d.negative {
		return Ratio{}, ratioError(s)
	}
	a, errNum := strconv.ParseInt(num, 10, 64)
	b, errDen := strconv.ParseInt(den, 10, 64)
	if errNum != nil || errDen != nil || b == 0 {
		return Ratio{}, ratioError(s)
	}
	return Ratio{Num: a, Den: b}.reduced(), nil
}

func ratioError(s string) error {
	return errs.New(errs.Invalid, ReasonRatioInvalid, "%q is not a ratio; write it like 0.95, 95%% or 1/3", clip(s))
}

// RatioOf returns part / whole. Both must have the same currency; the result is not
// valid when the whole is not above zero, and the caller decides what that means.
func RatioOf(part, whole Money) Ratio {
	part.assertSame(whole)
	if whole.Minor <= 0 {
		return Ratio{}
	}
	return Ratio{Num: part.Minor, Den: whole.Minor}.reduced()
}

// IsValid reports whether the denominator is above zero.
func (r Ratio) IsValid() bool { return r.Den > 0 }

// Cmp returns -1, 0 or +1 as r is less than, equal to or greater than o, exactly:
// the cross products have 128 bits. Both ratios must be valid.
func (r Ratio) Cmp(o Ratio) int {
	r.mustValid()
	o.mustValid()
	if s, t := sign(r.Num), sign(o.Num); s != t || s == 0 {
		return compare(s, t)
	}
	rHi, rLo := bits.Mul64(magnitude(r.Num), magnitude(o.Den))
	oHi, oLo := bits.Mul64(magnitude(o.Num), magnitude(r.Den))
	c := compare(rHi, oHi)
	if c == 0 {
		c = compare(rLo, oLo)
	}
	if r.Num < 0 {
		return -c
	}
	return c
}

// String returns the exact decimal ("0.95") where there is one with at most 18
// digits after the point, else the fraction in lowest terms ("1/3"). ParseRatio
// reads it back. A ratio that is not valid is "".
func (r Ratio) String() string {
	if !r.IsValid() {
		return ""
	}
	r = r.reduced()
	scaled, scale := r, 0
	for scaled.Den > 1 && scale < maxScale {
		if scaled.Num > math.MaxInt64/10 || scaled.Num < math.MinInt64/10 {
			break
		}
		scaled = Ratio{Num: scaled.Num * 10, Den: scaled.Den}.reduced()
		scale++
	}
	if scaled.Den == 1 {
		return formatScaled(scaled.Num, scale)
	}
	return strconv.FormatInt(r.Num, 10) + "/" + strconv.FormatInt(r.Den, 10)
}

// MarshalText writes String; in JSON a ratio is a string.
func (r Ratio) MarshalText() ([]byte, error) { return []byte(r.String()), nil }

// UnmarshalText reads what ParseRatio accepts; empty text is the zero value.
func (r *Ratio) UnmarshalText(text []byte) error {
	if len(text) == 0 {
		*r = Ratio{}
		return nil
	}
	parsed, err := ParseRatio(string(text))
	if err != nil {
		return err
	}
	*r = parsed
	return nil
}

// reduced returns the same ratio in lowest terms.
func (r Ratio) reduced() Ratio {
	a, b := magnitude(r.Num), magnitude(r.Den)
	for b != 0 {
		a, b = b, a%b
	}
	// a divides Den, so it fits an int64.
	return Ratio{Num: r.Num / int64(a), Den: r.Den / int64(a)}
}

func (r Ratio) mustValid() Ratio {
	if !r.IsValid() {
		panic(fmt.Sprintf("money: ratio %d/%d used", r.Num, r.Den))
	}
	return r
}

func sign(n int64) int { return compare(n, 0) }

func compare[T int | int64 | uint64](a, b T) int {
	switch {
	case a < b:
		return -1
	case a > b:
		return 1
	default:
		return 0
	}
}
