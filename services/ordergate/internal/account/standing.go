package account

import "github.com/avalcredit/aval/pkg/calendar"

// Standing is what receivables says of a customer beside open invoices and unapplied money. Amounts are minor units; zero values are
// "none".
type Standing struct {
	BankBill       int64         `json:"bank_bill,omitempty"`       // acceptance bills of banks, not yet honoured
	CommercialBill int64         `json:"commercial_bill,omitempty"` // acceptance bills of companies, not yet honoured
	BaseStock      int64         `json:"base_stock,omitempty"`      // what may be owed for the life of a contract; never overdue
	Consignment    int64         `json:"consignment,omitempty"`     // goods at the customer, still ours
	Deposit        int64         `json:"deposit,omitempty"`         // lowers exposure
	Disputed       Ladder        `json:"disputed,omitempty"`        // the part of the due ladder that is in dispute
	BrokenPromises int           `json:"broken_promises,omitempty"` // broken and still unpaid
	BrokenAmount   int64         `json:"broken_amount,omitempty"`   // what is unpaid of them
	BrokenDate     calendar.Date `json:"broken_date,omitzero"`      // of the newest
	DunningLevel   int           `json:"dunning_level,omitempty"`   // highest of the open items
	SupplyStopped  bool          `json:"supply_stopped,omitempty"`  // a dunning letter about an open item stopped supply on credit
	OpenInvoices   int           `json:"open_invoices,omitempty"`   // 0: none, or not counted
	Securities     []Security    `json:"securities,omitempty"`      // that hold or begin later, in the order in which they were recorded
	Notices        []Notice      `json:"notices,omitempty"`         // payment notices with money to come or to apply, by number
}
