// Package settlement says when an invoice falls due and what is given for paying early: settlement methods, the days on
// which the company works, early-payment discounts. The package is pure.
package settlement

import (
	"strconv"

	"github.com/avalcredit/aval/pkg/calendar"
	"github.com/avalcredit/aval/pkg/errs"
)

// Method is how deliveries to a customer are settled.
type Method string

// The methods. The empty method is ROLLING.
const (
	Rolling     Method = "ROLLING"     // each invoice by itself: its date and so many days
	Monthly     Method = "MONTHLY"     // all invoices up to a closing day of the month together
	Quarterly   Method = "QUARTERLY"   // all up to the closing day of a quarter's last month
	Yearly      Method = "YEARLY"      // all up to the closing day of a year's last month
	BaseStock   Method = "BASE_STOCK"  // a standing amount, due when the contract ends
	Consignment Method = "CONSIGNMENT" // due by when the customer sold the goods on
)

// Limits of what terms may say, in months and days.
const (
	lastDay      = 31
	maxMonths    = 12
	maxTermDays  = 3650
	monthsOfYear = 12
)

// Terms are a method with its figures.
type Terms struct {
	Method Method `json:"method"`
	// ClosingDay is the day of the month on which a period closes, 1 to 31; a short month closes on its last day. 0: 31.
	ClosingDay int `json:"closing_day,omitempty"`
	// Months after the closing; then Days after that. Of a rolling term, a contract's end or a sale only Days count.
	Months int `json:"months,omitempty"`
	Days   int `json:"days,omitempty"`
	// ContractEnd is the last day of a base-stock contract.
	ContractEnd calendar.Date `json:"contract_end"`
	// SoldOn is the day on which consigned goods were sold on.
	SoldOn calendar.Date `json:"sold_on"`
}

// Check holds the figures to what each method can mean; at is the path of the terms in a request or policy. Its errors
// have kind Invalid and name the field.
func (t Terms) Check(at string) error {
	switch {
	case !t.known():
		return errs.Field(at+".method", "in", "%.40q is no settlement method", string(t.Method))
	case t.ClosingDay < 0 || t.ClosingDay > lastDay:
		return outside(at+".closing_day", t.ClosingDay, lastDay)
	case t.Months < 0 || t.Months > maxMonths:
		return outside(at+".months", t.Months, maxMonths)
	case t.Days < 0 || t.Days > maxTermDays:
		return outside(at+".days", t.Days, maxTermDays)
	case t.closes() == 0 && (t.ClosingDay != 0 || t.Months != 0):
		return errs.Field(at+".closing_day", "method", "closing day and months belong to monthly, quarterly and yearly settlement")
	case t.Method == BaseStock && t.ContractEnd.IsZero():
		return errs.Field(at+".contract_end_date", "required", "base stock falls due when its contract ends")
	}
	return nil
}

func outside(field string, n, most int) error {
	return errs.Field(field, "range", "%d is outside 0 to %d", n, most)
}

func (t Terms) known() bool {
	switch t.Method {
	case "", Rolling, Monthly, Quarterly, Yearly, BaseStock, Consignment:
		return true
	default:
		return false
	}
}

// closes is how many months a period has; 0: the method has no periods.
func (t Terms) closes() int {
	switch t.Method {
	case Monthly:
		return 1
	case Quarterly:
		return 3
	case Yearly:
		return monthsOfYear
	default:
		return 0
	}
}

// DueDate is when an invoice of a date falls due, days off not looked at. What belongs to a contract that has ended is due
// at once; consigned goods of which no other day is known were sold on when they were invoiced.
func (t Terms) DueDate(invoiced calendar.Date) calendar.Date {
	switch t.Method {
	case BaseStock:
		if t.ContractEnd.Before(invoiced) {
			return invoiced
		}
		return t.ContractEnd
	case Consignment:
		if !t.SoldOn.IsZero() {
			return t.SoldOn.AddDays(t.Days)
		}
		return invoiced.AddDays(t.Days)
	case Monthly, Quarterly, Yearly:
		return t.Closing(invoiced).AddMonths(t.Months, t.closingDay()).AddDays(t.Days)
	default:
		return invoiced.AddDays(t.Days)
	}
}

func (t Terms) closingDay() int {
	if t.ClosingDay == 0 {
		return lastDay
	}
	return t.ClosingDay
}

// Closing is the day on which the period of a date closes: the first closing day on or after it. A method without periods
// closes on the date itself.
func (t Terms) Closing(on calendar.Date) calendar.Date {
	period := t.closes()
	if period == 0 {
		return on
	}
	// Months from the date's own to the last of its period.
	ahead := (monthsOfYear - int(on.Month())) % period
	closing := on.AddMonths(ahead, t.closingDay())
	if closing.Before(on) {
		closing = on.AddMonths(ahead+period, t.closingDay())
	}
	return closing
}

// String says the terms in short, for example "MONTHLY closing 25 +1 months +30 days".
func (t Terms) String() string {
	method := t.Method
	if method == "" {
		method = Rolling
	}
	s := string(method)
	if t.closes() > 0 {
		s += " closing " + strconv.Itoa(t.closingDay()) + " +" + strconv.Itoa(t.Months) + " months"
	}
	return s + " +" + strconv.Itoa(t.Days) + " days"
}
