// Package gate turns what happens to orders and accounts into journal entries. Everything here is pure: a command, the account and
// the orders it concerns go in; what changes comes out, or an error and nothing changed.
package gate

import (
	"encoding/json"
	"fmt"
	"time"

	"github.com/avalcredit/aval/pkg/calendar"
	"github.com/avalcredit/aval/services/ordergate/internal/account"
	"github.com/avalcredit/aval/services/ordergate/internal/check"
	"github.com/avalcredit/aval/services/ordergate/internal/order"
)

// Kind is what a journal entry stands for.
type Kind string

// The kinds of entries.
const (
	ProfileReceived  Kind = "PROFILE_RECEIVED"
	PositionReceived Kind = "POSITION_RECEIVED"
	OrderSubmitted   Kind = "ORDER_SUBMITTED"
	OrderAmended     Kind = "ORDER_AMENDED"
	OrderRechecked   Kind = "ORDER_RECHECKED"
	OrderActed       Kind = "ORDER_ACTED" // a step of an approval
	OrderReleased    Kind = "ORDER_RELEASED"
	OrderRejected    Kind = "ORDER_REJECTED"
	OrderShipped     Kind = "ORDER_SHIPPED"
	OrderCancelled   Kind = "ORDER_CANCELLED"
	OrderReturned    Kind = "ORDER_RETURNED" // its form went back to the submitter
	OrderClosed      Kind = "ORDER_CLOSED"
	OrderReopened    Kind = "ORDER_REOPENED"
	OrderExpired     Kind = "ORDER_EXPIRED"
	ReleaseExpired   Kind = "RELEASE_EXPIRED"
	GoodsReturned    Kind = "GOODS_RETURNED"
	BlockSet         Kind = "BLOCK_SET"
	BlockLifted      Kind = "BLOCK_LIFTED"
	CreditStopped    Kind = "CREDIT_STOPPED" // S2.18
	CreditStopLifted Kind = "CREDIT_STOP_LIFTED"

	ExceptionRequested Kind = "EXCEPTION_REQUESTED"
	ExceptionDecided   Kind = "EXCEPTION_DECIDED"
)

// Env is what a command is judged under. Sees says whether the caller may know of a customer with that salesperson.
type Env struct {
	Policy check.Policy
	Today  calendar.Date
	Actor  string
	Roles  []string
	Sees   func(salespersonID string) bool
	Others func() []order.Order                           // the account's orders that reserve or are delivered; asked only where the policy needs them
	Shared func(rootID, accountID string) account.Account // accounts that an order must fit beside its customer's, as they are now; nil: none
}

// Detail is what happened in full: kept in the entry as canonical JSON.
type Detail struct {
	Orders   []order.Order     `json:"orders,omitempty"` // as they are after the entry
	Profile  *account.Profile  `json:"profile,omitempty"`
	Position *account.Position `json:"position,omitempty"`
	Control  *account.Control  `json:"control,omitempty"`
	Reason   string            `json:"reason,omitempty"`
	Notes    []string          `json:"notes,omitempty"`
	Plan     *account.Plan     `json:"plan,omitempty"`      // of a shared account, whole with every change
	Member   *Member           `json:"member,omitempty"`    // shared account: the entry of the member that moved it
	Ceilings []string          `json:"ceilings,omitempty"`  // beside a profile: roots of the ceilings that the account counts in
	Former   []string          `json:"former,omitempty"`    // beside a profile: roots that the account lived under before
	MovedTo  string            `json:"moved_to,omitempty"`  // root that the account went to
	MovedOut string            `json:"moved_out,omitempty"` // root that it came from: the entry before is there
	Passed   []string          `json:"passed,omitempty"`    // orders that stood before this one, which got credit, and wait on

	Merged     []string       `json:"merged,omitempty"`      // beside a profile: customers that were merged into this one
	MergedInto *account.Place `json:"merged_into,omitempty"` // entry of the survivor's journal that took up all that the account held
	MergedFrom *account.Place `json:"merged_from,omitempty"` // last entry of the account that this one took up
}

// Change is what a command does: one entry, the account after it and the orders that it changed.
type Change struct {
	Kind     Kind
	Account  account.Account
	Orders   []order.Order
	Record   *check.Record // the decision, where one was made
	Detail   Detail
	Events   []Event     // stops and releases that warehouses are told of
	Withdraw *Withdrawal // evaluation is asked to withdraw the credit
}

// Entry is one row of an account's journal. Its hash is chained to the entry before it.
type Entry struct {
	RootID, AccountID string
	Seq               int64
	Kind              Kind
	OrderID           string
	RequestID         string
	RequestHash       []byte
	BusinessDate      calendar.Date
	Actor             string
	RecordedAt        time.Time // UTC, microseconds
	Buckets           account.Buckets
	ProfileAt         int64
	PositionAt        int64
	PositionSeq       int64
	Held              int
	Forms             int64
	ControlAt         int64
	NextExpiry        calendar.Date
	Decision          []byte // canonical decision record; nil where none was made
	Detail            []byte
	Hash              []byte
}

// Stamp is who asked for a change and when.
type Stamp struct {
	RequestID   string
	RequestHash []byte
	RecordedAt  time.Time
	Today       calendar.Date
	Actor       string
}

// Seal gives the change its place in the journal: number, canonical bytes, hash. The account of the change is brought up to the entry.
func (c *Change) Seal(s Stamp) (Entry, error) {
	a := &c.Account
	a.Seq++
	if c.Detail.Profile != nil {
		c.Detail.Ceilings, c.Detail.Former, c.Detail.Merged = a.Ceilings, a.Former, a.Merged
	}
	if c.Detail.Profile != nil || c.Detail.Plan != nil || c.Detail.MovedTo != "" {
		a.ProfileAt = a.Seq
	}
	if c.Detail.Position != nil {
		a.PositionAt = a.Seq
	}
	if c.Detail.Control != nil {
		a.ControlAt = a.Seq
	}
	for i := range c.Orders {
		if c.Record != nil {
			c.Orders[i].DecisionSeq, c.Orders[i].DecidedAs = a.Seq, ""
		}
		c.Orders[i].Seq = a.Seq
		c.Orders[i].Revision++
	}
	c.Detail.Orders = c.Orders
	e := Entry{
		RootID: a.RootID, AccountID: a.ID, Seq: a.Seq, Kind: c.Kind,
		RequestID: s.RequestID, RequestHash: s.RequestHash, BusinessDate: s.Today, Actor: s.Actor,
		RecordedAt: s.RecordedAt.UTC().Truncate(time.Microsecond),
		Buckets:    a.Buckets, ProfileAt: a.ProfileAt, PositionAt: a.PositionAt, PositionSeq: a.PositionSeq, Held: a.Held, Forms: a.Forms,
		ControlAt: a.ControlAt, NextExpiry: a.NextExpiry,
	}
	if b := a.Buckets; min(b.Order, b.Delivery, b.Receivable, b.Unapplied, b.Prepaid, b.Billed) < 0 || a.Held < 0 {
		return Entry{}, fmt.Errorf("account %s: a bucket would be below zero: %+v", a.ID, b)
	}
	if len(c.Orders) == 1 {
		e.OrderID = c.Orders[0].ID
	}
	var err error
	if e.Detail, err = json.Marshal(c.Detail); err != nil {
		return Entry{}, fmt.Errorf("encode journal entry: %w", err)
	}
	if c.Record != nil {
		if e.Decision, err = c.Record.Encode(); err != nil {
			return Entry{}, err
		}
	}
	e.Hash = e.Link(a.Hash)
	a.Hash = e.Hash
	return e, nil
}
