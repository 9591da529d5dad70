// Package settlement is how due dates come about, as people agree on it (S2.15). It is pure.
package settlement

import (
	"github.com/avalcredit/aval/pkg/calendar"
	"github.com/avalcredit/aval/pkg/errs"
)

// Method is how due dates come about.
type Method string

// The methods.
const (
	// Rolling: each invoice by itself, so many days after its date.
	Rolling Method = "ROLLING"
	// Monthly: the invoices of a month together, after its closing day.
	Monthly Method = "MONTHLY"
	// Quarterly: those of a calendar quarter.
	Quarterly Method = "QUARTERLY"
	// Yearly: those of a calendar year.
	Yearly Method = "YEARLY"
	// BaseStock: at the end of the contract.
	BaseStock Method = "BASE_STOCK"
	// Consignment: so many days after the goods were sold on.
	Consignment Method = "CONSIGNMENT"
)

// Terms are a method with what it counts by.
type Terms struct {
	Method Method `json:"method"`
	// ClosingDay is 1 to 31, in a shorter month its last day; Months go from the closing
	// to the month that counts.
	ClosingDay int `json:"closing_day,omitempty"`
	Months     int `json:"closing_months,omitempty"`
	// Days from there.
	Days int `json:"days"`
	// ContractEnd is the last day of the contract of base stock.
	ContractEnd calendar.Date `json:"contract_end_date,omitzero"`
}

// period is how many months a closing covers; 0: there is none.
func (t Terms) period() int {
	switch t.Method {
	case Monthly:
		return 1
	case Quarterly:
		return 3
	case Yearly:
		return 12
	default:
		return 0
	}
}

// LongestDays is the longest time from an invoice to its due date that the terms allow:
// what people sign for. day is the day of the form.
func (t Terms) LongestDays(day calendar.Date) int {
	switch {
	case t.Method == BaseStock:
		return max(0, t.ContractEnd.DaysSince(day))
	case t.period() == 0:
		return t.Days
	}
	// The days of four years, of which one has a 29 February, are all that there are.
	const years, monthsPerYear = 4, 12
	first := calendar.New(day.Year(), monthsPerYear, 1).AddMonths(0, t.ClosingDay)
	longest := 0
	for m := t.period(); m <= years*monthsPerYear; m += t.period() {
		before, closing := first.AddMonths(m-t.period(), t.ClosingDay), first.AddMonths(m, t.ClosingDay)
		due := closing.AddMonths(t.Months, t.ClosingDay).AddDays(t.Days)
		longest = max(longest, due.DaysSince(before.AddDays(1)))
	}
	return longest
}

// Check returns what is wrong with terms asked for on a day.
func (t Terms) Check(field string, day calendar.Date) error {
	switch {
	case t.Method == "":
		return errs.Field(field+".method", "required", "say how due dates come about")
	case (t.period() > 0) != (t.ClosingDay > 0):
		return errs.Field(field+".closing_day", "method", "closing days go with MONTHLY, QUARTERLY and YEARLY")
	case (t.Method == BaseStock) == t.ContractEnd.IsZero():
		return errs.Field(field+".contract_end_date", "method", "the end of the contract goes with BASE_STOCK")
	case t.Method == BaseStock && t.ContractEnd.Before(day):
		return errs.Field(field+".contract_end_date", "not_past", "is over")
	}
	return nil
}
