// Package meeting holds the monthly meeting that works through the overdue (S2.21): what lies on the table, what was said
// and what is to be done by the next one. The package is pure.
package meeting

import (
	"cmp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/avalcredit/aval/pkg/calendar"
	"github.com/avalcredit/aval/pkg/errs"
	"github.com/avalcredit/aval/pkg/money"
)

// Minutes are what was said; later ones are added, none are changed.
type Minutes struct {
	Month      string        `json:"month"`
	Text       string        `json:"text"`
	Present    []string      `json:"present,omitempty"`
	WrittenBy  string        `json:"written_by"`
	Date       calendar.Date `json:"date"`
	CreateTime time.Time     `json:"create_time"`
}

// Action is what somebody is to do.
type Action struct {
	ID         string        `json:"id"`
	Month      string        `json:"month"`
	Text       string        `json:"text"`
	Owner      string        `json:"owner"`
	DueDate    calendar.Date `json:"due_date"`
	CustomerID string        `json:"customer_id,omitempty"`
	ClosedBy   string        `json:"closed_by,omitempty"`
	CloseDate  calendar.Date `json:"close_date,omitzero"`
	Result     string        `json:"result,omitempty"`
}

// ActionID is the number of the n-th action item of a month.
func ActionID(month string, n int64) string {
	return "M" + strings.ReplaceAll(month, "-", "") + "-" + strconv.FormatInt(n, 10)
}

// Late tells whether it is open and its due date is over.
func (a Action) Late(today calendar.Date) bool { return a.ClosedBy == "" && today.After(a.DueDate) }

// Close says what came of it. Errors: FailedPrecondition ACTION_ITEM_CLOSED.
func (a Action) Close(actor, result string, today calendar.Date) (Action, error) {
	if a.ClosedBy != "" {
		return a, errs.New(errs.FailedPrecondition, "ACTION_ITEM_CLOSED", "action item %s was closed before", a.ID).With("action_item_id", a.ID)
	}
	a.ClosedBy, a.Result, a.CloseDate = actor, result, today
	return a, nil
}

// OnTable tells whether an action item lies on the table of a month's meeting: it is the month's own, or of an earlier one
// and open, or closed since the meeting before.
func (a Action) OnTable(month string) bool {
	if a.Month >= month {
		return a.Month == month
	}
	return a.ClosedBy == "" || a.CloseDate.String()[:len(month)] >= Before(month)
}

// Before is the month before one.
func Before(month string) string {
	first := calendar.MustDate(month + "-01")
	return first.AddDays(-1).String()[:len(month)]
}

// Day is the day that a month's pack shows: its last, or today where that is earlier.
func Day(month string, today calendar.Date) calendar.Date {
	last := calendar.MustDate(month + "-01").EndOfMonth()
	if today.Before(last) {
		return today
	}
	return last
}

// Line is one event in a customer's history.
type Line struct {
	Date calendar.Date
	Kind string // LETTER, PROMISE, DISPUTE, CONTACT, HOLD
	Text string
	By   string
}

// Customer is one debtor in the pack.
type Customer struct {
	ID, DisplayName, Salesperson string
	Overdue, Before              money.Money
	Items, OldestDays, Level     int
	History                      []Line
	NextStep                     string
	NextDate                     calendar.Date
}

// Person is what one salesperson answers for.
type Person struct {
	ID        string
	Overdue   []money.Money
	Customers []Customer
}

// Pack is what lies on the table.
type Pack struct {
	Month   string
	Day     calendar.Date
	People  []Person
	Minutes []Minutes
	Actions []Action
}

// maxHistory is how many events of a customer the pack shows.
const maxHistory = 12

// ByPerson orders customers by the person who answers for them, the most overdue first, and adds up what each answers for.
// Currencies are never added.
func ByPerson(customers []Customer) []Person {
	index := map[string]int{}
	var out []Person
	for _, c := range customers {
		slices.SortStableFunc(c.History, func(a, b Line) int { return b.Date.Compare(a.Date) })
		c.History = c.History[:min(len(c.History), maxHistory)]
		i, known := index[c.Salesperson]
		if !known {
			i = len(out)
			index[c.Salesperson] = i
			out = append(out, Person{ID: c.Salesperson})
		}
		out[i].Customers = append(out[i].Customers, c)
		n := slices.IndexFunc(out[i].Overdue, func(m money.Money) bool { return m.Currency == c.Overdue.Currency })
		if n < 0 {
			out[i].Overdue = append(out[i].Overdue, c.Overdue)
		} else {
			out[i].Overdue[n] = out[i].Overdue[n].Add(c.Overdue)
		}
	}
	for i := range out {
		slices.SortFunc(out[i].Customers, func(a, b Customer) int {
			return cmp.Or(cmp.Compare(a.Overdue.Currency, b.Overdue.Currency), cmp.Compare(b.Overdue.Minor, a.Overdue.Minor), cmp.Compare(a.ID, b.ID))
		})
	}
	slices.SortFunc(out, func(a, b Person) int { return cmp.Compare(a.ID, b.ID) })
	return out
}
