// Package report says which credit situations of a business date are special (S2.21): holds, releases outside the rules, stops,
// limits nearly or more than used, grants that end, and acts that were refused. Pure: journals go in, rows come out.
package report

import (
	"cmp"
	"slices"
	"time"

	"github.com/avalcredit/aval/pkg/calendar"
	"github.com/avalcredit/aval/pkg/money"
	"github.com/avalcredit/aval/services/ordergate/internal/account"
	"github.com/avalcredit/aval/services/ordergate/internal/order"
)

// MaxRows is how many rows a part of the report has at most; the gravest are kept.
const MaxRows = 2000

// Settings are the policy's: when the report is made and what it lists.
type Settings struct {
	Hour         int         `json:"hour"`          // of the day after, at which it is made
	Utilization  money.Ratio `json:"utilization"`   // accounts that use more than this share are listed
	ExpiringDays int         `json:"expiring_days"` // grants that end within this many days are listed
	Version      int64       `json:"version"`       // of the policy

	RuleNames map[string]string `json:"rule_names,omitempty"` // Chinese names that the policy gives its rules
}

// DefaultSettings hold where a policy has none.
func DefaultSettings(version int64) Settings {
	return Settings{Hour: 6, Utilization: money.Ratio{Num: 9, Den: 10}, ExpiringDays: 30, Version: version}
}

// Counts say how many there are of each kind, rows left out included.
type Counts struct {
	OnHold     int64 `json:"on_hold"`
	Held       int64 `json:"held"`
	Releases   int64 `json:"releases"`
	Stops      int64 `json:"stops"`
	OverLimit  int64 `json:"over_limit"`
	NearLimit  int64 `json:"near_limit"`
	Expiring   int64 `json:"expiring"`
	Violations int64 `json:"violations"`
	Accounts   int64 `json:"accounts"`
}

// Customer is whose account a row is about.
type Customer struct {
	ID          string `json:"id"`
	Name        string `json:"name,omitempty"`
	Salesperson string `json:"salesperson,omitempty"`
	Currency    string `json:"currency,omitempty"`
}

// Held is an order that is, or was, on hold. Amounts are minor units of the customer's currency.
type Held struct {
	Customer
	OrderID     string        `json:"order_id"`
	Amount      int64         `json:"amount"`
	Excess      int64         `json:"excess"`
	DaysOverdue int           `json:"days_overdue"`
	Reasons     []string      `json:"reasons"`
	SubmitDate  calendar.Date `json:"submit_date"`
	State       order.State   `json:"state"` // at the end of the date
}

// Release is an order that people released.
type Release struct {
	Customer
	OrderID     string   `json:"order_id"`
	Amount      int64    `json:"amount"`
	Excess      int64    `json:"excess"`
	DaysOverdue int      `json:"days_overdue"`
	Reasons     []string `json:"reasons"`
	Row         int      `json:"row"`
	Approvers   []string `json:"approvers"`
	Reason      string   `json:"reason"`
}

// Stop is a stop or a block that was set or lifted.
type Stop struct {
	Customer
	Kind    string    `json:"kind"`
	OrderID string    `json:"order_id,omitempty"`
	Actor   string    `json:"actor"`
	Reason  string    `json:"reason,omitempty"`
	At      time.Time `json:"at"`
}

// Use is an account and the use of its limit.
type Use struct {
	Customer
	Grade       string            `json:"grade,omitempty"`
	LimitKind   account.LimitKind `json:"limit_kind"`
	Limit       int64             `json:"limit"`
	Exposure    int64             `json:"exposure"`
	Excess      int64             `json:"excess"`
	BasisPoints int64             `json:"basis_points"` // exposure of the limit, rounded down; 0 where no amount limits
	Overdue     int64             `json:"overdue"`
	DaysOverdue int               `json:"days_overdue"`
}

// Expiring is a grant that ends soon.
type Expiring struct {
	Customer
	Until     calendar.Date     `json:"until"`
	DaysLeft  int               `json:"days_left"`
	LimitKind account.LimitKind `json:"limit_kind"`
	Limit     int64             `json:"limit"`
	Exposure  int64             `json:"exposure"`
}

// Violation is an act that was refused because the person may not take it (S2.9).
type Violation struct {
	At         time.Time `json:"at"`
	Actor      string    `json:"actor"`
	Roles      []string  `json:"roles"`
	Action     string    `json:"action"`
	Subject    string    `json:"subject"`
	CustomerID string    `json:"customer_id,omitempty"`
	Reason     string    `json:"reason"`
}

// Daily is the report of a business date.
type Daily struct {
	Date       calendar.Date `json:"date"`
	MadeAt     time.Time     `json:"made_at"`
	Settings   Settings      `json:"settings"`
	Counts     Counts        `json:"counts"`
	Holds      []Held        `json:"holds"`
	Releases   []Release     `json:"releases"`
	Stops      []Stop        `json:"stops"`
	OverLimit  []Use         `json:"over_limit"`
	NearLimit  []Use         `json:"near_limit"`
	Expiring   []Expiring    `json:"expiring"`
	Violations []Violation   `json:"violations"`
}

// gravest keeps the rows that come first in an order; it never holds more than twice as many as it keeps.
type gravest[T any] struct {
	rows  []T
	less  func(a, b T) int
	count int64
}

func (g *gravest[T]) add(row T) {
	g.count++
	g.rows = append(g.rows, row)
	if len(g.rows) >= 2*MaxRows {
		g.cut()
	}
}

func (g *gravest[T]) cut() []T {
	slices.SortStableFunc(g.rows, g.less)
	if len(g.rows) > MaxRows {
		g.rows = g.rows[:MaxRows:MaxRows]
	}
	return g.rows
}

// byGravity puts larger excesses first, whatever the currency, and makes the order the same every time.
func byGravity[T any](weight func(T) int64, id func(T) string) func(a, b T) int {
	return func(a, b T) int { return cmp.Or(cmp.Compare(weight(b), weight(a)), cmp.Compare(id(a), id(b))) }
}
