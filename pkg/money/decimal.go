package money

import (
	"fmt"
	"math"
	"math/bits"
	"strconv"
	"strings"
)

// maxScale is the greatest power of ten in an int64.
const maxScale = 18

// decimal is the parts of a decimal string, digits only.
type decimal struct {
	negative        bool
	whole, fraction string
}

// splitDecimal takes -?(0|[1-9][0-9]*)(.[0-9]+)? apart and refuses everything else.
func splitDecimal(s string) (decimal, bool) {
	rest, negative := strings.CutPrefix(s, "-")
	whole, fraction, point := strings.Cut(rest, ".")
	if !allDigits(whole) || point && !allDigits(fraction) {
		return decimal{}, false
	}
	if len(whole) > 1 && whole[0] == '0' {
		return decimal{}, false
	}
	return decimal{negative: negative, whole: whole, fraction: fraction}, true
}

// signed returns the sign and all digits without the point.
func (d decimal) signed() string {
	if d.negative {
		return "-" + d.whole + d.fraction
	}
	return d.whole + d.fraction
}

func allDigits(s string) bool {
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return false
		}
	}
	return s != ""
}

// formatScaled writes n / 10^scale with exactly scale digits after the point.
func formatScaled(n int64, scale int) string {
	var room [32]byte // 19 digits, a sign, a point and zeros before it; append makes more where a scale needs it
	digits := strconv.AppendUint(room[:0], magnitude(n), 10)
	var out [48]byte
	b := out[:0]
	if n < 0 {
		b = append(b, '-')
	}
	whole := max(0, len(digits)-scale)
	if whole == 0 {
		b = append(b, '0')
	}
	b = append(b, digits[:whole]...)
	if scale > 0 {
		b = append(b, '.')
		for range scale - len(digits) {
			b = append(b, '0')
		}
		b = append(b, digits[whole:]...)
	}
	return string(b)
}

// mulDivRound returns n x r rounded half away from zero, with a 128-bit product.
func mulDivRound(n int64, r Ratio) int64 {
	den := magnitude(r.Den)
	hi, lo := bits.Mul64(magnitude(n), magnitude(r.Num))
	if hi >= den {
		panic(fmt.Sprintf("money: %d x %d/%d overflows", n, r.Num, r.Den))
	}
	quo, rem := bits.Div64(hi, lo, den)
	// rem >= den - rem is 2 x rem >= den without the overflow.
	up := rem >= den-rem
	if quo > math.MaxInt64 || up && quo == math.MaxInt64 {
		panic(fmt.Sprintf("money: %d x %d/%d overflows", n, r.Num, r.Den))
	}
	if up {
		quo++
	}
	if (n < 0) != (r.Num < 0) {
		return -int64(quo) //nolint:gosec // bounded by the caller's check
	}
	return int64(quo) //nolint:gosec // bounded by the caller's check
}

// magnitude is the absolute value, right for the least int64 too.
func magnitude(n int64) uint64 {
	if n < 0 {
		return -uint64(n) //nolint:gosec // two's complement: right for the smallest int64 too
	}
	return uint64(n)
}

func pow10(n int) int64 {
	p := int64(1)
	for range n {
		p *= 10
	}
	return p
}

// clip keeps foreign text in messages short.
func clip(s string) string {
	const most = 40
	if len(s) > most {
		return strings.ToValidUTF8(s[:most], "") + "..."
	}
	return s
}
