package figures

import "math/big"

// Concentration is how much of what is open is owed by how few.
type Concentration struct {
	Currency string
	// Customers that owe something, and those of them that are overdue.
	Customers, OverdueCustomers int64
	Open                        int64
	// Squares is the sum of the squares of what each customer owes.
	Squares *big.Int
	// Top are the greatest debtors, largest first.
	Top []Debtor
}

// Debtor is a customer and what it owes.
type Debtor struct {
	CustomerID, DisplayName string
	Open, Overdue           int64
	OverdueItems            int64
}

// Share of one amount in all.
func (c Concentration) Share(open int64) Value { return of(open, c.Open, 1, NothingOpen) }

// TopShare is the share of the debtors listed.
func (c Concentration) TopShare() Value {
	var sum int64
	for _, d := range c.Top {
		sum += d.Open
	}
	return c.Share(sum)
}

// HHI is the Herfindahl-Hirschman index: the sum of the squared shares, of 10,000; one
// debtor alone gives 10,000, n equal ones 10,000 / n.
func (c Concentration) HHI() Value {
	return Of(c.Squares, new(big.Int).Mul(big.NewInt(c.Open), big.NewInt(c.Open)), 10_000, NothingOpen)
}

// Figures of the concentration.
func (c Concentration) Figures() []Figure {
	return []Figure{{definition("top_share"), c.TopShare()}, {definition("hhi"), c.HHI()}}
}
