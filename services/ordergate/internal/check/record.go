package check

import (
	"encoding/json"
	"fmt"

	"github.com/avalcredit/aval/pkg/calendar"
	"github.com/avalcredit/aval/services/ordergate/internal/account"
	"github.com/avalcredit/aval/services/ordergate/internal/order"
)

// Point is when in an order's life it is checked.
type Point string

// The check points.
const (
	AtCheck   Point = "CHECK" // a question, without effect
	AtSubmit  Point = "SUBMIT"
	AtAmend   Point = "AMEND"
	AtRecheck Point = "RECHECK"
	AtReopen  Point = "REOPEN"
)

// AccountFacts is what a decision knows of the account. Amounts are minor units of its currency.
type AccountFacts struct {
	CustomerID  string          `json:"customer_id"`
	Seq         int64           `json:"seq"` // entry that the decision stands on
	Hash        string          `json:"hash,omitempty"`
	Currency    string          `json:"currency"`
	Grade       string          `json:"grade,omitempty"`
	GroupID     string          `json:"group_id,omitempty"`
	Grant       account.Grant   `json:"grant"`
	Buckets     account.Buckets `json:"buckets"`
	PositionSeq int64           `json:"position_seq"`
	Overdue     account.Ladder  `json:"overdue,omitempty"` // the part of the due ladder that is past due

	Standing  account.Standing `json:"standing,omitzero"`
	Scheduled account.Ladder   `json:"scheduled,omitempty"` // what other orders reserve, by a requested delivery date after today
	Unpaid    *Unpaid          `json:"unpaid,omitempty"`    // nil where no rule asks for it
	Control   *ControlFacts    `json:"control,omitempty"`   // blocks and stops in force
	Kept      int64            `json:"kept,omitempty"`      // part of what is unapplied that came under payment notices, of this and of other orders
}

// Unpaid is how many batches of the customer are unpaid.
type Unpaid struct {
	Invoices   int `json:"invoices"`   // open; where receivables does not count them, due dates with something open, which are not more
	Deliveries int `json:"deliveries"` // other orders with goods shipped and not invoiced
}

// OrderFacts is what a decision knows of the order. Amounts are minor units.
type OrderFacts struct {
	OrderID  string         `json:"order_id"`
	Amount   int64          `json:"amount"`
	Open     int64          `json:"open"`     // what an approval would reserve
	Reserved int64          `json:"reserved"` // what it has reserved already: a document never competes with itself
	TermDays *int           `json:"term_days,omitempty"`
	Terms    order.Terms    `json:"terms"`
	Prepaid  bool           `json:"prepaid,omitempty"` // unapplied money is set aside for Reserved already
	Prior    *PriorFacts    `json:"prior,omitempty"`   // the order before an amendment
	Release  *order.Release `json:"release,omitempty"`

	Delivery    calendar.Date     `json:"delivery,omitzero"`     // requested delivery date
	ReservedFor calendar.Date     `json:"reserved_for,omitzero"` // the one that Reserved was for
	Conversion  *order.Conversion `json:"conversion,omitempty"`  // nil: in the account's currency
	Notices     []NoticeFacts     `json:"notices,omitempty"`     // payment notices that name it
}

// PriorFacts is what an amendment starts from; no term is the term granted.
type PriorFacts struct {
	TermDays *int        `json:"term_days,omitempty"`
	Terms    order.Terms `json:"terms"`
}

// Input is everything that a decision rests on, beside the policy, which it names.
type Input struct {
	Point         Point         `json:"point"`
	BusinessDate  calendar.Date `json:"business_date"`
	PolicyVersion int64         `json:"policy_version"`
	PolicyHash    string        `json:"policy_hash"`
	Account       AccountFacts  `json:"account"`
	Order         OrderFacts    `json:"order"`
	Edition       int           `json:"edition,omitempty"` // of the way to decide; see Edition
	Pools         []PoolFacts   `json:"pools,omitempty"`   // accounts shared with others that the order must fit too
}

// Edition is the newest way to decide. A record names the one that it was decided by, so that it decides the same again:
// 0 the first; 2 what is paid for is never held; 3 a payment notice is named as a cure; 4 a release covers no longer term;
// 5 a failure that is only listed says so, no limit is named as none, and ratios are decimals; 6 securities that receivables holds count
// where the policy says so, which programs before did not read.
const Edition = 6

// heldEdition is the first edition that counts securities held.
const heldEdition = 6

// Delta is what the order would add to the exposure, less what it has reserved itself.
func (in Input) Delta() int64 { return max(0, in.Order.Open) - in.Order.Reserved }

// Verdict is the answer of the gate.
type Verdict string

// The verdicts.
const (
	Approve Verdict = "APPROVE"
	Hold    Verdict = "HOLD"
	Refuse  Verdict = "REFUSE" // no approval releases it
)

// Outcome is what one rule says.
type Outcome string

// The outcomes.
const (
	Pass          Outcome = "PASS"
	Warned        Outcome = "WARN"
	Held          Outcome = "HOLD"
	NotApplicable Outcome = "NOT_APPLICABLE"
	Released      Outcome = "RELEASED"
	Forbidden     Outcome = "FORBID"
	Exempt        Outcome = "EXEMPT" // would not pass, but is exempt
	Informed      Outcome = "INFORM" // does not pass, which is only listed
)

// Figure is one value that a rule compared: a decimal amount in the account's currency, days, a date or a word.
type Figure struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

// CureKind is a way to make a failed rule pass.
type CureKind string

// The kinds of cures.
const (
	CurePayment      CureKind = "PAYMENT"
	CureDate         CureKind = "DATE"
	CureApproval     CureKind = "APPROVAL"
	CureApplication  CureKind = "APPLICATION"
	CureSmallerOrder CureKind = "SMALLER_ORDER"
	CureShorterTerm  CureKind = "SHORTER_TERM"
	CureNotice       CureKind = "PAYMENT_NOTICE"
)

// Cure is one way to make a failed rule pass. Minor is in minor units of the account's currency.
type Cure struct {
	Kind  CureKind      `json:"kind"`
	Minor int64         `json:"minor,omitempty"`
	Date  calendar.Date `json:"date,omitzero"`
	Days  int           `json:"days,omitempty"`
	Row   int           `json:"row,omitempty"`
	Roles []string      `json:"roles,omitempty"`
}

// RuleResult is what one rule says, with the figures it compared.
type RuleResult struct {
	Rule    string   `json:"rule"`
	Outcome Outcome  `json:"outcome"`
	Figures []Figure `json:"figures,omitempty"`
	Message string   `json:"message,omitempty"`
	Cures   []Cure   `json:"cures,omitempty"`

	Scope     string `json:"scope,omitempty"`     // override that counted; empty: the rule as it is for all
	Exemption string `json:"exemption,omitempty"` // reason of the exemption that counted
}

// Result is a decision: all rules, passed and failed. Amounts are minor units.
type Result struct {
	Verdict        Verdict      `json:"verdict"`
	Results        []RuleResult `json:"results"`
	ExposureBefore int64        `json:"exposure_before"`
	ExposureAfter  int64        `json:"exposure_after"`
	Excess         int64        `json:"excess"`       // exposure after less limit; 0 where within
	DaysOverdue    int          `json:"days_overdue"` // of the oldest open item
	Prepaid        bool         `json:"prepaid,omitempty"`

	Limit *int64 `json:"limit,omitempty"` // the limit that counted, where it is not the standing one
}

// RefusalReasons are the names of the rules that refuse.
func (r Result) RefusalReasons() []string {
	var names []string
	for _, x := range r.Results {
		if x.Outcome == Forbidden {
			names = append(names, x.Rule)
		}
	}
	return names
}

// HoldReasons are the names of the rules that hold.
func (r Result) HoldReasons() []string {
	var names []string
	for _, x := range r.Results {
		if x.Outcome == Held {
			names = append(names, x.Rule)
		}
	}
	return names
}

// Record is what is kept of a decision.
type Record struct {
	Input  Input  `json:"input"`
	Result Result `json:"result"`
}

// Encode is the canonical form of the record: JSON with fields in the order of the types.
func (r Record) Encode() ([]byte, error) {
	b, err := json.Marshal(r)
	if err != nil {
		return nil, fmt.Errorf("encode decision record: %w", err)
	}
	return b, nil
}

// DecodeRecord reads a stored record.
func DecodeRecord(b []byte) (Record, error) {
	var r Record
	if err := json.Unmarshal(b, &r); err != nil {
		return Record{}, fmt.Errorf("decode decision record: %w", err)
	}
	return r, nil
}

// Replay decides again from a stored record and encodes what comes out.
func Replay(stored []byte, p Policy) ([]byte, error) {
	r, err := DecodeRecord(stored)
	if err != nil {
		return nil, err
	}
	return Record{Input: r.Input, Result: Decide(r.Input, p)}.Encode()
}
