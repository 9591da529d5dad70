package figures

import (
	"math/big"

	"github.com/avalcredit/aval/pkg/calendar"
)

// GroupBy is what a row stands for.
type GroupBy string

// The groups.
const (
	ByTotal       GroupBy = "total"
	ByUnit        GroupBy = "unit"
	BySalesperson GroupBy = "salesperson"
	ByCustomer    GroupBy = "customer"
	ByGroup       GroupBy = "group"
	ByGrade       GroupBy = "grade"
	ByMonth       GroupBy = "month"
)

// Scope is whose items count; what is empty restricts nothing.
type Scope struct {
	CustomerID  string
	UnitID      string
	Salesperson string // responsible for the items
	GroupID     string
	Grade       string
	// Owner is the salesperson whose customers the caller may see.
	Owner string
}

// Query is a question for the figures of a period.
type Query struct {
	From, To calendar.Date
	GroupBy  GroupBy
	Scope    Scope
	// AfterKey and AfterCurrency are the last row of the page before.
	AfterKey, AfterCurrency string
	Limit                   int
}

// Row is a period of one group in one currency.
type Row struct {
	Key, DisplayName, Currency string
	Period
	// OpenDays is the sum of each day's open amount.
	OpenDays *big.Int
}

// Page is one page of rows.
type Page struct {
	Rows []Row
	More bool
}

// RollQuery is a question for roll rates.
type RollQuery struct {
	From, To calendar.Date
	Scope    Scope
	// Floors are the first days of the overdue buckets.
	Floors []int32
}

// DebtQuery is a question for what is open on a day.
type DebtQuery struct {
	AsOf  calendar.Date
	Scope Scope
}

// Debts are what is open on a day in one currency, and the customers' habits.
type Debts struct {
	Currency string
	Debts    []Debt
	Habits   Habits
}

// ConcentrationQuery is a question for a concentration.
type ConcentrationQuery struct {
	AsOf  calendar.Date
	Scope Scope
	Top   int
	// ByOverdue puts those first that are most overdue, and leaves out the others.
	ByOverdue bool
}
