// Package account holds a customer's credit account as the gate knows it: what is granted, what is used, and what is due when.
package account

import (
	"math"
	"math/bits"

	"github.com/avalcredit/aval/pkg/calendar"
	"github.com/avalcredit/aval/pkg/money"
)

// LimitKind says what kind of limit an account has. Zero is never "unlimited".
type LimitKind string

// The kinds of limit.
const (
	LimitUndefined LimitKind = "UNDEFINED" // no approved form: cash customer
	LimitAmount    LimitKind = "AMOUNT"    // an amount; 0 is no credit
	LimitUnlimited LimitKind = "UNLIMITED" // no upper bound, as granted
)

// Limit is the highest exposure that an account may have, in minor units of its currency.
type Limit struct {
	Kind  LimitKind `json:"kind"`
	Minor int64     `json:"minor,omitempty"`
}

// Treatment is how a customer may buy (S2.4).
type Treatment string

// The treatments.
const (
	CashCustomer          Treatment = "CASH_CUSTOMER"
	Credit                Treatment = "CREDIT"
	CashOnDelivery        Treatment = "CASH_ON_DELIVERY"
	PaymentBeforeDelivery Treatment = "PAYMENT_BEFORE_DELIVERY"
	PhasedOut             Treatment = "PHASED_OUT"
)

// Closed is the life cycle of a customer that no longer trades.
const Closed = "CLOSED"

// Grant is the credit granted to a customer. Days are calendar days; both dates are included.
type Grant struct {
	Version    int64         `json:"version"`
	Treatment  Treatment     `json:"treatment"`
	Limit      Limit         `json:"limit"`
	TermDays   int           `json:"term_days"`
	GraceDays  int           `json:"grace_days"`
	ValidFrom  calendar.Date `json:"valid_from,omitzero"`
	ValidUntil calendar.Date `json:"valid_until,omitzero"`

	Temporary []TemporaryLimit `json:"temporary,omitempty"` // in the order granted
	Covers    []Cover          `json:"covers,omitempty"`

	Seasonal   []SeasonalLimit `json:"seasonal,omitempty"`    // in the order granted
	BaseStocks []BaseStock     `json:"base_stocks,omitempty"` // what may be owed as base stock
	Orders     []OrderLimit    `json:"orders,omitempty"`      // credit for single orders
}

// NoGrant is what a customer has before any form is approved (S2.17).
func NoGrant() Grant {
	return Grant{Treatment: CashCustomer, Limit: Limit{Kind: LimitUndefined}}
}

// On is what the grant is worth on a day: outside its dates the customer is a cash customer.
func (g Grant) On(day calendar.Date) Grant {
	if g.InForce(day) {
		return g
	}
	none := NoGrant()
	none.Version, none.ValidFrom, none.ValidUntil = g.Version, g.ValidFrom, g.ValidUntil
	return none
}

// InForce reports whether the grant holds on day.
func (g Grant) InForce(day calendar.Date) bool {
	return (g.ValidFrom.IsZero() || !day.Before(g.ValidFrom)) && (g.ValidUntil.IsZero() || !day.After(g.ValidUntil))
}

// Profile is what evaluation says of a customer, whole with every change.
type Profile struct {
	Seq           int64         `json:"seq"`
	BusinessDate  calendar.Date `json:"business_date"`
	Name          string        `json:"name"`
	Currency      string        `json:"currency"`
	SalespersonID string        `json:"salesperson_id,omitempty"`
	GroupID       string        `json:"group_id,omitempty"`
	UnitID        string        `json:"unit_id,omitempty"` // sales unit
	LifeCycle     string        `json:"life_cycle,omitempty"`
	Grade         string        `json:"grade,omitempty"`
	Grant         Grant         `json:"grant"`
}

// Movement is what a change in receivables billed of an order, in minor units; negative where an invoice was reversed.
type Movement struct {
	OrderID   string `json:"order_id"`
	InvoiceID string `json:"invoice_id"`
	Minor     int64  `json:"minor"`
}

// Position is what receivables says a customer owes, whole with every change. Amounts are minor units.
type Position struct {
	Seq          int64         `json:"seq"`
	BusinessDate calendar.Date `json:"business_date"`
	Currency     string        `json:"currency"`
	Receivable   int64         `json:"receivable"`
	Unapplied    int64         `json:"unapplied"`
	Ladder       Ladder        `json:"ladder,omitempty"`
	Movements    []Movement    `json:"movements,omitempty"`
	Cause        string        `json:"cause,omitempty"`
	Standing     Standing      `json:"standing,omitzero"`
	OtherBilled  int64         `json:"other_billed,omitempty"` // by invoices of no order
	Paid         int64         `json:"paid,omitempty"`         // all that came in or was credited so far, as the gate counts it
	Merged       []Merged      `json:"merged,omitempty"`       // accounts that it holds beside the customer's own
}

// Buckets is exposure by kind, in minor units: one piece of business is in exactly one of Order, Delivery and Receivable.
type Buckets struct {
	Order      int64 `json:"order"`      // approved, not shipped
	Delivery   int64 `json:"delivery"`   // shipped, not invoiced
	Receivable int64 `json:"receivable"` // invoiced, unpaid
	Unapplied  int64 `json:"unapplied"`  // money received and not applied; lowers exposure
	Prepaid    int64 `json:"prepaid"`    // part of Order and Delivery that unapplied money is set aside for
	Billed     int64 `json:"billed"`     // part of Receivable that unapplied money is set aside for: prepaid, invoiced, not applied yet
}

// Exposure is what is used of the credit.
func (b Buckets) Exposure() int64 { return b.Order + b.Delivery + b.Receivable - b.Unapplied }

// FreeMoney is unapplied money that no prepaid order has a claim on, never below zero. A claim lasts until the money is applied.
func (b Buckets) FreeMoney() int64 { return max(0, b.Unapplied-b.Prepaid-b.Billed) }

// Account is the state of a credit account after its newest journal entry.
type Account struct {
	RootID      string // root of the limit hierarchy: the group of a customer that has one, else the customer's own id
	ID          string // the customer
	Seq         int64  // newest entry; 0: none yet
	Hash        []byte // hash of the newest entry
	ProfileAt   int64  // entry that holds the profile; 0: none
	PositionAt  int64  // entry that holds the due ladder; 0: none
	PositionSeq int64  // last position of receivables
	Held        int    // orders on hold
	Forms       int64  // approval forms opened so far: their numbers have no gaps
	Buckets     Buckets
	ControlAt   int64         // entry that holds the control; 0: none
	NextExpiry  calendar.Date // no order on hold or approved expires before it; zero: none expires
	Paid        int64         // all that came in or was credited so far: conditions of releases count from it
	Profile     Profile
	Ladder      Ladder
	Standing    Standing
	Control     Control
	Plan        *Plan    // what a GROUP, BUDGET or CEILING account may hold; nil: a customer's
	Ceilings    []string // roots of the ceilings that a customer's buckets count in
	Former      []string // roots that a customer's account lived under before
	MovedTo     string   // root that the account went to; empty: it lives here
	Merged      []string // accounts of customers that were merged into this one
	MergedInto  *Place   // entry that took up all that the account held; nil: it stands for itself
}

// New is an account that has no entry yet.
func New(rootID, id string) Account {
	return Account{RootID: rootID, ID: id, Profile: Profile{Grant: NoGrant()}}
}

// Known reports whether evaluation has told the gate of the customer.
func (a Account) Known() bool { return a.ProfileAt > 0 }

// Money is an amount in the account's currency.
func (a Account) Money(minor int64) money.Money { return money.New(minor, a.Profile.Currency) }

// Status of an account against its limit.
type Status string

// The statuses, from good to bad.
const (
	StatusOK        Status = "OK"
	StatusWatch     Status = "WATCH"
	StatusOverLimit Status = "OVER_LIMIT"
)

// BasisPoints is the share of the limit that an exposure is, in ten-thousandths, rounded down: 0 without an exposure, and where no amount
// above zero limits; the largest number there is where it is more than can be said.
func (l Limit) BasisPoints(exposure int64) int64 {
	if l.Kind != LimitAmount || exposure <= 0 || l.Minor <= 0 {
		return 0
	}
	hi, lo := bits.Mul64(uint64(exposure), 10_000)
	if hi >= uint64(l.Minor) {
		return math.MaxInt64
	}
	bp, _ := bits.Div64(hi, lo, uint64(l.Minor))
	return int64(min(bp, math.MaxInt64))
}

// StatusAt is the status of an exposure. The watch ratio is the share of the limit above which an account is on watch;
// a zero ratio never puts it there.
func (l Limit) StatusAt(exposure int64, watch money.Ratio) Status {
	switch {
	case l.Kind == LimitUnlimited:
		return StatusOK
	case l.Kind == LimitUndefined:
		if exposure > 0 {
			return StatusOverLimit
		}
		return StatusOK
	case exposure > l.Minor:
		return StatusOverLimit
	case watch.IsValid() && l.Minor > 0 && exposure > 0 && (money.Ratio{Num: exposure, Den: l.Minor}).Cmp(watch) > 0:
		return StatusWatch
	default:
		return StatusOK
	}
}
