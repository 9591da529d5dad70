package paymentrecord

import "github.com/avalcredit/aval/pkg/calendar"

// Period is days from one to another, both included.
type Period struct{ From, To calendar.Date }

// Volumes is what a customer bought in each of several periods, in minor units of its account's currency: invoices and debit notes less what was
// credited of them, as LastYear and YearBefore count it.
type Volumes struct {
	CustomerID, Currency string
	Minor                []int64
}
