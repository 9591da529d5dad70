package account

import (
	"net/url"
	"slices"
	"strings"

	"github.com/avalcredit/aval/pkg/calendar"
)

// Kind is what an account keeps.
type Kind string

// The kinds of accounts. A customer's order must fit all that it touches, in one transaction.
const (
	Customer Kind = "CUSTOMER"
	Group    Kind = "GROUP"   // pool of a corporate group: the sum of its members
	Budget   Kind = "BUDGET"  // credit sales of a period, by unit and salesperson
	Ceiling  Kind = "CEILING" // receivables and open exposure of the company or of a unit
)

// No id of the ERP begins with white space, so accounts that are not customers' cannot be mistaken for one.
const (
	groupAccount  = " group"
	budgetPrefix  = " budget/"
	ceilingPrefix = " ceiling/"
)

// GroupAccount is the account of a group's pool, within the group's own root.
func GroupAccount() string { return groupAccount }

// BudgetRoot is root and account of a budget.
func BudgetRoot(id string) string { return budgetPrefix + id }

// BudgetID is the id of the budget that has a root.
func BudgetID(root string) string { return strings.TrimPrefix(root, budgetPrefix) }

// CeilingRoot is root and account of the ceiling of a sales unit, or of the company where unit is empty, in one currency.
func CeilingRoot(unit, currency string) string {
	return ceilingPrefix + currency + "/" + url.PathEscape(unit)
}

// KindOf says what an account id stands for.
func KindOf(id string) Kind {
	switch {
	case id == groupAccount:
		return Group
	case strings.HasPrefix(id, budgetPrefix):
		return Budget
	case strings.HasPrefix(id, ceilingPrefix):
		return Ceiling
	default:
		return Customer
	}
}

// Proposal is a change of a budget that waits for another person's approval. Minor is in minor units of the budget's currency.
type Proposal struct {
	Minor  int64         `json:"minor"`
	By     string        `json:"by"`
	Reason string        `json:"reason,omitempty"`
	Date   calendar.Date `json:"date"`
}

// Plan is what a GROUP, BUDGET or CEILING account may hold, and for whom. Amounts are minor units of Currency.
type Plan struct {
	Kind        Kind          `json:"kind"`
	ID          string        `json:"id"` // group, budget or unit; an empty unit is the company
	Currency    string        `json:"currency"`
	Limit       Limit         `json:"limit"`             // group limit, planned sales, or the level at which nothing more goes; undefined: none yet
	Warning     int64         `json:"warning,omitempty"` // CEILING: level above which it warns; 0: none
	UnitID      string        `json:"unit_id,omitempty"`
	Salesperson string        `json:"salesperson_id,omitempty"`
	From        calendar.Date `json:"from,omitzero"`  // BUDGET: first day
	Until       calendar.Date `json:"until,omitzero"` // BUDGET: last day
	Version     int64         `json:"version,omitempty"`
	SetBy       string        `json:"set_by,omitempty"`
	Reason      string        `json:"reason,omitempty"`
	Proposal    *Proposal     `json:"proposal,omitempty"` // BUDGET
	Counted     bool          `json:"counted,omitempty"`  // CEILING: all accounts that belong to it are in its sum
	Form        int64         `json:"form,omitempty"`     // GROUP: number of the approved form that set it last
}

// Covers reports whether a budget is for sales of that unit and person on that day in that currency. An empty unit or person of the
// budget is any.
func (p Plan) Covers(unit, salesperson, currency string, day calendar.Date) bool {
	return p.Currency == currency && (p.UnitID == "" || p.UnitID == unit) && (p.Salesperson == "" || p.Salesperson == salesperson) &&
		!day.Before(p.From) && !day.After(p.Until)
}

// NewPool is the state of a GROUP, BUDGET or CEILING account that has no entry yet.
func NewPool(rootID, id string, p Plan) Account {
	a := New(rootID, id)
	a.Plan = &p
	return a
}

// InGroup reports whether the account draws on the pool of the root that it lives under.
func (a Account) InGroup() bool {
	return a.Profile.GroupID != "" && a.Profile.GroupID == a.RootID && !a.Gone()
}

// Home is the root under which an account belongs by its profile: its group, or itself.
func (a Account) Home() string {
	if a.Profile.GroupID != "" {
		return a.Profile.GroupID
	}
	return a.ID
}

// Roots lists every root under which the account has lived, the present one last.
func (a Account) Roots() []string {
	roots := slices.DeleteFunc(slices.Clone(a.Former), func(r string) bool { return r == a.RootID })
	return append(roots, a.RootID)
}

// Add is the sum of two sets of buckets.
func (b Buckets) Add(o Buckets) Buckets {
	return Buckets{
		Order: b.Order + o.Order, Delivery: b.Delivery + o.Delivery, Receivable: b.Receivable + o.Receivable,
		Unapplied: b.Unapplied + o.Unapplied, Prepaid: b.Prepaid + o.Prepaid,
	}
}

// Neg is the buckets with their signs turned.
func (b Buckets) Neg() Buckets {
	return Buckets{Order: -b.Order, Delivery: -b.Delivery, Receivable: -b.Receivable, Unapplied: -b.Unapplied, Prepaid: -b.Prepaid}
}

// Sums is the amounts of a standing that can be added up over customers.
type Sums struct {
	BankBill, CommercialBill, BaseStock, Consignment, Deposit int64
}

// Sums are the amounts of a standing.
func (s Standing) Sums() Sums {
	return Sums{s.BankBill, s.CommercialBill, s.BaseStock, s.Consignment, s.Deposit}
}

// Add is the sum of both.
func (x Sums) Add(y Sums) Sums {
	return Sums{x.BankBill + y.BankBill, x.CommercialBill + y.CommercialBill, x.BaseStock + y.BaseStock, x.Consignment + y.Consignment, x.Deposit + y.Deposit}
}

// Neg is the amounts with their signs turned.
func (x Sums) Neg() Sums {
	return Sums{-x.BankBill, -x.CommercialBill, -x.BaseStock, -x.Consignment, -x.Deposit}
}

// Add is the standing of a shared account with more amounts.
func (s Standing) Add(x Sums) Standing {
	s.BankBill += x.BankBill
	s.CommercialBill += x.CommercialBill
	s.BaseStock += x.BaseStock
	s.Consignment += x.Consignment
	s.Deposit += x.Deposit
	return s
}
