package figures

import (
	"math/big"

	"github.com/avalcredit/aval/pkg/calendar"
)

// Pace is how fast a balance rises: Rise within Days.
type Pace struct {
	Rise int64
	Days int
}

// Reaches is the first day on which a total at asOf reaches a level, if it goes on at this
// pace; the day itself where it is there already. ok is false where it does not rise, or not
// within a hundred years.
func (p Pace) Reaches(asOf calendar.Date, total, level int64) (day calendar.Date, ok bool) {
	if total >= level {
		return asOf, true
	}
	if p.Rise <= 0 || p.Days <= 0 {
		return calendar.Date{}, false
	}
	// Days needed, rounded up.
	need := new(big.Int).Mul(big.NewInt(level-total), big.NewInt(int64(p.Days)))
	need.Add(need, big.NewInt(p.Rise-1)).Quo(need, big.NewInt(p.Rise))
	if !need.IsInt64() || need.Int64() > 36_525 {
		return calendar.Date{}, false
	}
	return asOf.AddDays(int(need.Int64())), true
}
