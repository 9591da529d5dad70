package voucher

import (
	"github.com/avalcredit/aval/pkg/calendar"
	"github.com/avalcredit/aval/services/receivables/internal/invoice"
	"github.com/avalcredit/aval/services/receivables/internal/ledger"
)

// Query asks for vouchers; empty fields do not restrict.
type Query struct {
	CustomerID string
	Kind       ledger.Kind
	About      string
	// Salesperson restricts it to the customers of one.
	Salesperson string
	After       *invoice.Place
	Limit       int
}

// BillQuery asks for bills by the day on which they fall due; empty fields do not restrict.
type BillQuery struct {
	CustomerID string
	// AtRiskOnly leaves out those that are honoured, came back, are gone or were reversed.
	AtRiskOnly bool
	// DueBy is the last day on which they fall due.
	DueBy calendar.Date
	// Salesperson restricts it to the customers of one.
	Salesperson string
	AfterDate   calendar.Date
	AfterID     string // empty: the first page
	Limit       int
}
