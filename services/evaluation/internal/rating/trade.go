package rating

import (
	"fmt"
	"math/big"

	"github.com/avalcredit/aval/pkg/money"
	"github.com/avalcredit/aval/services/evaluation/internal/criteria"
)

// fromInvoices computes an indicator from the firm's invoices with third parties.
func fromInvoices(in *Inputs, rule criteria.Rule) figure {
	s := in.Invoices
	if s == nil {
		return missing("no invoices of the firm are recorded")
	}
	if tooOld(s.AsOf, in.Date, rule) {
		return missing("the firm's invoices are known up to " + s.AsOf.String() + ", longer ago than the policy allows")
	}
	var v *big.Rat
	why := "the firm's invoices have no sales to divide by"
	switch rule.Indicator {
	case criteria.YearlySales:
		if v = s.YearlySales(); v != nil {
			v.Mul(v, unitOf(s.Currency))
		}
		why = "the firm's sales are known for less than 12 whole months"
	case criteria.SalesGrowth:
		v, why = s.Growth(), "the firm's sales are known for less than 24 whole months, or were nothing in the earlier 12"
	case criteria.SalesVolatility:
		v, why = s.Volatility(), "the firm's sales are known for less than 12 whole months, or were nothing in them"
	case criteria.VoidShare:
		v, why = s.VoidShare(), "no sales invoice of the firm is recorded"
	case criteria.ReturnsShare:
		v = s.ReturnsShare()
	case criteria.TopBuyerShare:
		v = s.TopBuyerShare()
	case criteria.NumberOfBuyers:
		v, why = s.NumberOfBuyers(), "no valid sale with a known buyer is recorded"
	case criteria.ActivityGap:
		v, why = s.ActivityGap(), "no valid sale of the firm is recorded"
	case criteria.SalesMonths:
		v, why = s.SalesMonths(), "no sales invoice of the firm is recorded"
	default:
		v, why = s.PurchasesToSales(), "no purchase invoice of the firm is recorded, or it has no sales"
	}
	if v == nil {
		return missing(why)
	}
	return figure{value: v, facts: []string{fmt.Sprintf("invoices.%d", s.LastBatch)}, asOf: s.AsOf}
}

// unitOf is one minor unit of a currency in its units: 1/100 for CNY.
func unitOf(currency string) *big.Rat {
	digits, _ := money.Digits(currency)
	scale := new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(digits)), nil)
	return new(big.Rat).SetFrac(big.NewInt(1), scale)
}
