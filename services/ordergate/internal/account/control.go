package account

import (
	"github.com/avalcredit/aval/pkg/approval"
	"github.com/avalcredit/aval/pkg/calendar"
)

// BlockKind is what a block by hand does.
type BlockKind string

// The kinds of block.
const (
	BlockStop BlockKind = "STOP" // nothing ships, orders are held
	BlockHold BlockKind = "HOLD" // orders are held; what people release under it ships
)

// Block is set on a customer by hand. Both dates are included; no last date: until lifted.
type Block struct {
	Number int64         `json:"number"` // journal entry that set it
	Kind   BlockKind     `json:"kind"`
	Reason string        `json:"reason"`
	SetBy  string        `json:"set_by"`
	From   calendar.Date `json:"from"`
	Until  calendar.Date `json:"until,omitzero"`
}

// CreditStop is a stop by the rule S2.18. Amounts are minor units of the account's currency.
type CreditStop struct {
	Number      int64         `json:"number"` // journal entry that set it
	Since       calendar.Date `json:"since"`
	Reasons     []string      `json:"reasons"`
	Limit       Limit         `json:"limit"` // that was passed: the yardstick once the credit is withdrawn
	Excess      int64         `json:"excess"`
	DaysOverdue int           `json:"days_overdue"`
}

// Exception is the written approval of both directors to be over the limit or over term (S2.18).
type Exception struct {
	Number    int64         `json:"number"` // journal entry that asked for it
	Reason    string        `json:"reason"`
	Until     calendar.Date `json:"until"`
	MaxExcess int64         `json:"max_excess"`
	MaxDays   int           `json:"max_days"`
	Form      approval.Form `json:"form"`
}

// Covers reports whether the exception approves of an excess (minor units) and of days overdue on day.
func (e *Exception) Covers(day calendar.Date, excess int64, days int) bool {
	return e != nil && e.Form.State == approval.Approved && !day.After(e.Until) && excess <= e.MaxExcess && days <= e.MaxDays
}

// Control is what controls a customer beside its credit: kept whole in the journal with every change. The values behind its pointers
// are never changed in place.
type Control struct {
	Block     *Block      `json:"block,omitempty"`
	Stop      *CreditStop `json:"stop,omitempty"`
	Exception *Exception  `json:"exception,omitempty"`
	Released  int64       `json:"released,omitempty"` // greatest excess that people released since the account, with its open orders, was last within its limit
}

// BlockOn is the block in force on day, nil where there is none. It is computed from the dates, so that it ends without a job.
func (c Control) BlockOn(day calendar.Date) *Block {
	if c.Block == nil || day.Before(c.Block.From) || (!c.Block.Until.IsZero() && day.After(c.Block.Until)) {
		return nil
	}
	return c.Block
}

// Owed is what is owed for goods that left the house, less money not applied.
func (b Buckets) Owed() int64 { return b.Delivery + b.Receivable - b.Unapplied }
