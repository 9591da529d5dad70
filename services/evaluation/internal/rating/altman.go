package rating

import (
	"math/big"

	"github.com/avalcredit/aval/services/evaluation/internal/criteria"
)

// altmanParts are the ratios of Altman's models, exact; nil is unknown.
type altmanParts struct {
	workingCapital   *big.Rat // working capital / total assets
	retainedEarnings *big.Rat // retained earnings / total assets
	operatingProfit  *big.Rat // operating profit before interest and tax / total assets
	equity           *big.Rat // equity / total liabilities; in Z its market value
	sales            *big.Rat // sales / total assets; not in Z''
}

// altmanWeights of a model, in thousandths, in the order of the parts.
type altmanWeights [5]int64

// The models: Z of 1968 for listed manufacturers, Z' for private ones, Z” for private
// firms of any trade.
const thousandths = 1000

func altmanZ() altmanWeights            { return altmanWeights{1200, 1400, 3300, 600, 1000} }
func altmanZPrime() altmanWeights       { return altmanWeights{717, 847, 3107, 420, 998} }
func altmanZDoublePrime() altmanWeights { return altmanWeights{6560, 3260, 6720, 1050, 0} }

// altmanOf says whether the indicator is one of the models for private firms.
func altmanOf(i criteria.Indicator) (altmanWeights, bool) {
	switch i {
	case criteria.AltmanZDoublePrime:
		return altmanZDoublePrime(), true
	case criteria.AltmanZPrime:
		return altmanZPrime(), true
	default:
		return altmanWeights{}, false
	}
}

// score is the weighted sum; nil where a part that weighs is unknown.
func (w altmanWeights) score(p altmanParts) *big.Rat {
	z := new(big.Rat)
	for i, part := range []*big.Rat{p.workingCapital, p.retainedEarnings, p.operatingProfit, p.equity, p.sales} {
		if w[i] == 0 {
			continue
		}
		if part == nil {
			return nil
		}
		z.Add(z, new(big.Rat).Mul(big.NewRat(w[i], thousandths), part))
	}
	return z
}
