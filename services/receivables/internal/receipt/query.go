package receipt

import "github.com/avalcredit/aval/services/receivables/internal/invoice"

// Query asks for receipts; empty fields do not restrict.
type Query struct {
	CustomerID    string
	UnappliedOnly bool
	// Salesperson restricts it to the customers of one.
	Salesperson string
	After       *invoice.Place
	Limit       int
}
