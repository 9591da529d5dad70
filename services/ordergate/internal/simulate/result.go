// Package simulate says what a policy would have done with past decisions: each is made again from the inputs that were kept, and what
// became of the orders it would have treated otherwise is read from what the journal says of them later. Pure, and of bounded memory.
package simulate

import (
	"cmp"
	"maps"
	"math"
	"slices"

	"github.com/avalcredit/aval/pkg/calendar"
)

// Bounds.
const (
	// MaxRows is how many changed orders are listed.
	MaxRows = 1000
	// MaxFollowed is how many changed orders of one account are followed into their later life.
	MaxFollowed = 100_000
	// maxDues is how many due dates of one order are followed.
	maxDues = 16
)

// Spec is what to run: a version of the order policy over the decisions of a period, both days included. AsOf is the day on which it
// was asked for: what is open past its due date then is overdue.
type Spec struct {
	Version int64         `json:"version"`
	From    calendar.Date `json:"from"`
	To      calendar.Date `json:"to"`
	AsOf    calendar.Date `json:"as_of"`
}

// Amounts are sums of minor units by currency. A sum stops at the largest number there is.
type Amounts map[string]int64

func (a *Amounts) add(currency string, minor int64) {
	if *a == nil {
		*a = Amounts{}
	}
	sum := (*a)[currency]
	if minor > 0 && sum > math.MaxInt64-minor {
		sum = math.MaxInt64 - minor
	}
	if minor < 0 && sum < math.MinInt64-minor {
		sum = math.MinInt64 - minor
	}
	(*a)[currency] = sum + minor
}

// Currencies of the amounts, in order.
func (a Amounts) Currencies() []string { return slices.Sorted(maps.Keys(a)) }

// Tally counts orders by what two policies say.
type Tally struct {
	PassBoth           int64   `json:"pass_both"`
	HeldBoth           int64   `json:"held_both"`
	NewlyHeld          int64   `json:"newly_held"`
	NewlyPassed        int64   `json:"newly_passed"`
	NewlyHeldAmounts   Amounts `json:"newly_held_amounts,omitempty"`
	NewlyPassedAmounts Amounts `json:"newly_passed_amounts,omitempty"`
	All                Amounts `json:"all,omitempty"`
}

func (t *Tally) add(held, wouldHold bool, currency string, minor int64) {
	t.All.add(currency, minor)
	switch {
	case held && wouldHold:
		t.HeldBoth++
	case wouldHold:
		t.NewlyHeld++
		t.NewlyHeldAmounts.add(currency, minor)
	case held:
		t.NewlyPassed++
		t.NewlyPassedAmounts.add(currency, minor)
	default:
		t.PassBoth++
	}
}

// RuleTally counts orders under one rule.
type RuleTally struct {
	Held               int64   `json:"held"`
	WouldHold          int64   `json:"would_hold"`
	NewlyHeldAmounts   Amounts `json:"newly_held_amounts,omitempty"`
	NewlyPassedAmounts Amounts `json:"newly_passed_amounts,omitempty"`
}

// Outcome is what became of a group of orders.
type Outcome struct {
	Orders         int64   `json:"orders"`
	BecameOverdue  int64   `json:"became_overdue"`
	OverdueAmounts Amounts `json:"overdue_amounts,omitempty"`
	MaxDays        int     `json:"max_days"`
	Lost           int64   `json:"lost"`
	LostAmounts    Amounts `json:"lost_amounts,omitempty"`
}

func (x *Outcome) add(o Changed) {
	x.Orders++
	if o.BecameOverdue {
		x.BecameOverdue++
		x.OverdueAmounts.add(o.Currency, o.Minor)
		x.MaxDays = max(x.MaxDays, o.DaysOverdue)
	}
	if o.Lost {
		x.Lost++
		x.LostAmounts.add(o.Currency, o.Minor)
	}
}

// Changed is an order with another verdict at its submission.
type Changed struct {
	OrderID       string        `json:"order_id"`
	CustomerID    string        `json:"customer_id"`
	Seq           int64         `json:"seq"` // of the decision in the customer's journal
	BusinessDate  calendar.Date `json:"business_date"`
	Currency      string        `json:"currency"`
	Minor         int64         `json:"minor"`
	Grade         string        `json:"grade,omitempty"`
	WouldHold     bool          `json:"would_hold"`
	Rules         []string      `json:"rules"`
	BecameOverdue bool          `json:"became_overdue,omitempty"`
	DaysOverdue   int           `json:"days_overdue,omitempty"`
	Lost          bool          `json:"lost,omitempty"`
}

// Result is what came out so far. It is whole JSON, so that a run can be put aside and taken up again between two accounts.
type Result struct {
	Accounts         int64                 `json:"accounts"`
	Decisions        int64                 `json:"decisions"`
	DecisionsChanged int64                 `json:"decisions_changed"`
	Orders           Tally                 `json:"orders"`
	Rules            map[string]*RuleTally `json:"rules"`
	Grades           map[string]*Tally     `json:"grades"`
	NewlyHeld        Outcome               `json:"newly_held"`
	NewlyPassed      Outcome               `json:"newly_passed"`
	Changed          []Changed             `json:"changed"`
	NotFollowed      int64                 `json:"not_followed"`
}

func (r *Result) rule(name string) *RuleTally {
	if r.Rules == nil {
		r.Rules = map[string]*RuleTally{}
	}
	if r.Rules[name] == nil {
		r.Rules[name] = &RuleTally{}
	}
	return r.Rules[name]
}

func (r *Result) grade(name string) *Tally {
	if r.Grades == nil {
		r.Grades = map[string]*Tally{}
	}
	if r.Grades[name] == nil {
		r.Grades[name] = &Tally{}
	}
	return r.Grades[name]
}

// list keeps the orders of the largest amounts.
func (r *Result) list(c Changed) {
	r.Changed = append(r.Changed, c)
	if len(r.Changed) >= 2*MaxRows {
		r.Trim()
	}
}

// Trim puts the list in order and cuts it to its length.
func (r *Result) Trim() {
	slices.SortFunc(r.Changed, func(a, b Changed) int {
		return cmp.Or(cmp.Compare(b.Minor, a.Minor), cmp.Compare(a.CustomerID, b.CustomerID), cmp.Compare(a.Seq, b.Seq))
	})
	r.Changed = r.Changed[:min(len(r.Changed), MaxRows)]
}
