package prove

import (
	"math"
	"sync"
)

// Kind is what a call asks for.
type Kind string

// The kinds of calls that callers make.
const (
	Submit   Kind = "submit"
	Amend    Kind = "amend"
	Cancel   Kind = "cancel"
	Ship     Kind = "ship"
	Approve  Kind = "approve"
	Limit    Kind = "limit"    // a profile of evaluation with another limit
	Position Kind = "position" // a position of receivables that bills what was shipped
	Read     Kind = "read"     // the account as it stands
	// GroupLimit sets what the members of a group may use together.
	GroupLimit Kind = "group limit"
)

// Call is what a caller asks for. Amounts are minor units.
type Call struct {
	Kind      Kind
	Root      string // group of the account; the account itself where it has none
	Account   string // empty: the call is about the group
	Order     string
	RequestID string
	Amount    int64 // of the order, the amended order or the shipment
	Final     bool  // nothing more will be shipped
	Limit     int64
	Sequence  int64 // of a profile or position
	Open      int64 // receivable after a position
	Bills     []Bill
}

// Bill is one invoice of a position.
type Bill struct {
	Order, Invoice string
	Amount         int64
}

// Answer is what a caller was told. Amounts are minor units.
type Answer struct {
	Refused  string // reason of a definite refusal; empty where the call had its effect
	Seq      int64  // entry of the account's journal; 0 where the answer does not say
	State    string // of the order
	Reserved int64
	// Decided says that the answer carries a decision, and with it the exposure before and after.
	Decided       bool
	Before, After int64
	// Shared is the entry of the group's journal that the decision stands on; 0 without a group.
	Shared int64
	// Of a read.
	Exposure, Limit int64
}

// Operation is one call in the history, from its first sending to its last answer. Times are nanoseconds since the run began.
type Operation struct {
	Call
	Client     int
	Began      int64
	Ended      int64 // never where no definite answer came
	Tries      int
	Known      bool   // a definite answer came
	Doubtful   bool   // refused in the end, after a sending whose outcome nobody knows
	Answer     Answer // zero where not Known
	Divergence string // two answers to the same request id
	At         int64  // entry of the account's journal that it took effect at, or that a read saw; 0: none
	Place      int64  // the same in the one order of all that happens in the root
}

const never = math.MaxInt64

// History collects operations of many callers.
type History struct {
	mu  sync.Mutex
	ops []*Operation
}

// Add records a finished operation.
func (h *History) Add(op *Operation) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.ops = append(h.ops, op)
}

// Operations are those recorded so far, in the order they ended.
func (h *History) Operations() []*Operation {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.ops[:len(h.ops):len(h.ops)]
}
