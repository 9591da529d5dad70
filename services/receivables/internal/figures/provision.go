package figures

import "math/big"

// ProvisionRow is a row of the provision matrix: what is open in a bucket, and what of it
// is expected to be lost over its life.
type ProvisionRow struct {
	Gross int64
	// Rate of loss, a share.
	Rate *big.Rat
	Loss int64
}

// Provision is a provision matrix (IFRS 9 5.5.15 and B5.5.35, CAS 22 article 63: lifetime
// expected credit loss of trade receivables by days past due).
type Provision struct {
	Rows        []ProvisionRow
	Gross, Loss int64
}

// NewProvision computes the matrix; each row is rounded half up to minor units, the total is
// the sum of the rows. Rates are as many as amounts.
func NewProvision(gross []int64, rates []*big.Rat) Provision {
	var p Provision
	for i, g := range gross {
		r := ProvisionRow{Gross: g, Rate: rates[i], Loss: Round(big.NewInt(g), rates[i].Num(), rates[i].Denom()).Int64()}
		p.Rows = append(p.Rows, r)
		p.Gross += r.Gross
		p.Loss += r.Loss
	}
	return p
}

// Expense is what a period is charged with so that the allowance ends where it must: it
// began at begin, and writeOffs were taken out of it.
func Expense(begin, writeOffs, end int64) int64 { return end - begin + writeOffs }
