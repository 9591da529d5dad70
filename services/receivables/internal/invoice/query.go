package invoice

import "time"

// Place is a place in a list of documents that shows the newest first.
type Place struct {
	CreateTime time.Time
	ID         string
}

// Query asks for invoices; empty fields do not restrict.
type Query struct {
	CustomerID, OrderID string
	State               State
	// Salesperson restricts it to the customers of one.
	Salesperson string
	After       *Place
	Limit       int
}
