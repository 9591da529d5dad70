// Package check decides whether an order may go: a pure function of what is known of the account, the order, the policy and the
// business date. Every rule is evaluated and explained, and a stored record decides the same again, byte for byte.
package check

import (
	"github.com/avalcredit/aval/pkg/approval"
	"github.com/avalcredit/aval/pkg/calendar"
	"github.com/avalcredit/aval/pkg/money"
	"github.com/avalcredit/aval/services/ordergate/internal/account"
)

// Enforcement is how strictly a rule is held.
type Enforcement string

// The enforcement levels.
const (
	Inform      Enforcement = "INFORM" // listed, never holds
	Warn        Enforcement = "WARN"   // a failure warns
	HoldOnBreak Enforcement = "HOLD"   // a failure holds the order
	Forbid      Enforcement = "FORBID" // a failure refuses the order: no approval releases it
)

// Kind is what a rule checks.
type Kind string

// The kinds of rules of this policy form.
const (
	KindLimit         Kind = "LIMIT"
	KindDaysOverdue   Kind = "DAYS_OVERDUE"
	KindOverdueAmount Kind = "OVERDUE_AMOUNT"
	KindTerm          Kind = "TERM"
	KindTreatment     Kind = "TREATMENT"
	KindGrantValidity Kind = "GRANT_VALIDITY"
	KindOrderSize     Kind = "ORDER_SIZE"
	KindUtilization   Kind = "UTILIZATION"
	KindOverdueRatio  Kind = "OVERDUE_RATIO"
	KindOldestItem    Kind = "OLDEST_OPEN_ITEM"
	KindUnpaidBatches Kind = "UNPAID_BATCHES"
	KindBrokenPromise Kind = "BROKEN_PROMISE"
	KindOpenDispute   Kind = "OPEN_DISPUTE"
	KindDunningLevel  Kind = "DUNNING_LEVEL"
	KindExpression    Kind = "EXPRESSION"
	KindCategoryCap   Kind = "CATEGORY_CAP"
	KindSupplyStop    Kind = "SUPPLY_STOP"
)

// SecurityMode is how security in force counts; never both ways.
type SecurityMode string

// The modes; the empty one is "not at all".
const (
	RaisesLimit          SecurityMode = "RAISES_LIMIT"
	DeductedFromExposure SecurityMode = "DEDUCTED_FROM_EXPOSURE"
)

// Predicate is a compiled expression over facts.
type Predicate interface {
	// Facts are the names that it uses, sorted.
	Facts() []string
	// Holds works it out; value gives the facts that it uses. An error says that it could not be worked out within its cost.
	Holds(value func(name string) any) (bool, error)
}

// Rule is one rule with its parameters; those of other kinds are zero.
type Rule struct {
	Name        string
	Kind        Kind
	Enforcement Enforcement
	Threshold   money.Ratio // LIMIT: share of the limit that may be used
	Watch       money.Ratio // LIMIT: share above which the account is on watch; not valid: never
	MaxDays     int         // DAYS_OVERDUE, OLDEST_OPEN_ITEM: most days, after grace
	MinDays     int         // OVERDUE_AMOUNT, OVERDUE_RATIO: only items overdue by more days count, after grace; CATEGORY_CAP: the margin
	MaxAmount   string      // OVERDUE_AMOUNT, ORDER_SIZE, OPEN_DISPUTE, CATEGORY_CAP: decimal amount in the account's currency

	Horizon         *int         // LIMIT: orders to be delivered more days from now do not count; nil: all count
	Security        SecurityMode // LIMIT: how security counts
	SecurityShare   money.Ratio  // LIMIT: how much of it; not valid: all
	HeldSecurity    bool         // LIMIT: securities that receivables holds count too
	MaxRatio        money.Ratio  // UTILIZATION, OVERDUE_RATIO
	ExcludeDisputed bool         // OLDEST_OPEN_ITEM
	MaxCount        int          // UNPAID_BATCHES, BROKEN_PROMISE, DUNNING_LEVEL
	WithinDays      int          // BROKEN_PROMISE: only for so long after the newest; 0: no end
	Expression      Predicate    // EXPRESSION
	Message         string       // EXPRESSION: what people read where it is not true
	MembersDraw     bool         // GROUP_POOL: members without a limit of their own draw on the group's
	MaxShare        money.Ratio  // CONCENTRATION: largest share of one customer
	Category        Category     // CATEGORY_CAP
	Floor           string       // LIMIT: open invoices less money not applied count as at least this, decimal amount; empty: no floor
	MinTotal        string       // CONCENTRATION: whole below which no share is looked at, decimal amount; empty: none
	Overrides       Overrides

	SecurityWeights map[string]money.Ratio // LIMIT: how much counts of securities held, by kind; of others SecurityShare
}

// Override is a rule as it is for one customer, group or grade.
type Override struct {
	Scope     string        // in words, for example "customer C-1001"
	Rule      Rule          // whole: what the override leaves open is as for all
	Exempt    bool          // listed, and neither holds nor warns
	Exemption string        // why
	Until     calendar.Date // last day; zero: no end
}

// Overrides are the overrides of a rule by what they are for.
type Overrides struct {
	Customer, Group, Grade map[string]*Override
}

// Empty reports whether there are none.
func (o *Overrides) Empty() bool { return len(o.Customer)+len(o.Group)+len(o.Grade) == 0 }

// Find is the most specific override in force for an account: customer over group over grade; nil where there is none.
func (o *Overrides) Find(a *AccountFacts, day calendar.Date) *Override {
	for _, x := range [...]*Override{o.Customer[a.CustomerID], o.Group[a.GroupID], o.Grade[a.Grade]} {
		if x != nil && (x.Until.IsZero() || !day.After(x.Until)) {
			return x
		}
	}
	return nil
}

// Combination lets rules hold only together. Rules are places in Policy.Rules.
type Combination struct {
	Name  string
	Rules []int
}

// Weights is how much of the other buckets counts; a ratio that is not valid is the default.
type Weights struct {
	BankBill       money.Ratio // default 0
	CommercialBill money.Ratio // default 1, as for all below
	BaseStock      money.Ratio
	Consignment    money.Ratio
	Deposit        money.Ratio
}

// WaitingCriterion is what puts one order on hold before another.
type WaitingCriterion string

// The criteria.
const (
	ByPriority WaitingCriterion = "PRIORITY" // the higher first
	ByAge      WaitingCriterion = "AGE"      // the day of submission, the earlier first
	BySmallest WaitingCriterion = "AMOUNT_SMALLEST"
	ByLargest  WaitingCriterion = "AMOUNT_LARGEST"
)

// Memory is how far and how long a release of an order holds for later checks of the same order.
type Memory struct {
	Tolerance money.Ratio // share above the value released
	Days      int         // days since the release, its own day counted as the first
}

// Policy is the order policy in the form that decisions are made with.
type Policy struct {
	Version             int64
	Hash                string
	Author              string        // who wrote this version
	EffectiveFrom       calendar.Date // its first day
	BaseCurrency        string
	Rules               []Rule
	HeldOrdersReserve   bool
	Memory              Memory
	Authority           approval.Table // amounts in minor units of BaseCurrency
	OverShipmentPercent money.Ratio    // share of the order that may be shipped beyond it
	Combinations        []Combination
	Weights             Weights
	Conversion          Conversion         // of orders in other currencies than the account's
	HeldSecurity        bool               // some rule counts securities that receivables holds
	NeedsOrders         bool               // some rule looks at the account's other orders, see NeedsOthers
	Controls            Controls           // approvals, blocks and stops
	WaitingOrder        []WaitingCriterion // who gets credit first that comes free; each decides where those before it tie
}

// WatchRatio is the share of the limit above which an account is on watch; not valid where no rule sets one.
func (p Policy) WatchRatio() money.Ratio {
	for _, r := range p.Rules {
		if r.Kind == KindLimit && r.Watch.IsValid() {
			return r.Watch
		}
	}
	return money.Ratio{}
}

// Route finds who may release a hold: by the excess over the limit (minor units of currency) and the days past due.
// An excess in another currency than the table's goes to the highest row, on the safe side. Rows count from 1.
func (p Policy) Route(currency string, excess int64, days int) (row int, steps []approval.Step, err error) {
	if currency != p.BaseCurrency && excess > 0 {
		row, steps, err = p.Authority.Highest()
	} else {
		row, steps, err = p.Authority.Route(excess, days)
	}
	if err != nil {
		return 0, nil, err
	}
	return row + 1, steps, nil
}

// NeedsOthers reports whether some rule looks at the account's other orders: a horizon or unpaid batches.
func NeedsOthers(rules []Rule) bool {
	return some(rules, func(r *Rule) bool { return r.Horizon != nil || r.Kind == KindUnpaidBatches })
}

// CountsHeld reports whether some rule counts securities that receivables holds.
func CountsHeld(rules []Rule) bool {
	return some(rules, func(r *Rule) bool { return r.Security != "" && r.HeldSecurity })
}

// some reports whether a rule, or an override of one, is such a one.
func some(rules []Rule, needs func(r *Rule) bool) bool {
	for i := range rules {
		if needs(&rules[i]) {
			return true
		}
		for _, by := range [...]map[string]*Override{rules[i].Overrides.Customer, rules[i].Overrides.Group, rules[i].Overrides.Grade} {
			for _, o := range by {
				if needs(&o.Rule) {
					return true
				}
			}
		}
	}
	return false
}

// Exposure is what is used of the credit: the buckets, and of what receivables reports beside them the share that the policy counts.
// Minor units.
func (p *Policy) Exposure(b account.Buckets, s *account.Standing) int64 {
	w := &p.Weights
	sum := b.Exposure()
	if s.BankBill != 0 && w.BankBill.IsValid() {
		sum += ceil(s.BankBill, w.BankBill)
	}
	if s.CommercialBill != 0 {
		sum += ceil(s.CommercialBill, w.CommercialBill)
	}
	if s.BaseStock != 0 {
		sum += ceil(s.BaseStock, w.BaseStock)
	}
	if s.Consignment != 0 {
		sum += ceil(s.Consignment, w.Consignment)
	}
	if s.Deposit != 0 {
		sum -= share(s.Deposit, w.Deposit)
	}
	return sum
}

// StockWithin is what of the base stock owed is within what was granted as such on a day, counted as Exposure counts it. Minor units.
func (p *Policy) StockWithin(g *account.Grant, s *account.Standing, day calendar.Date) int64 {
	granted := g.BaseStockOn(day)
	if granted <= 0 || s.BaseStock <= 0 {
		return 0
	}
	return min(granted, ceil(s.BaseStock, p.Weights.BaseStock))
}

// share is amount x ratio, rounded down to a minor unit; a ratio that is not valid is 1.
func share(amount int64, r money.Ratio) int64 {
	if !r.IsValid() || r.Num == r.Den || amount <= 0 {
		return amount
	}
	s := money.New(amount, "").MulRatio(r).Minor
	if (money.Ratio{Num: s, Den: amount}).Cmp(r) > 0 {
		s-- // MulRatio rounds half up
	}
	return s
}

// ceil is amount x ratio, rounded up to a minor unit.
func ceil(amount int64, r money.Ratio) int64 {
	s := share(amount, r)
	if amount > 0 && r.IsValid() && (money.Ratio{Num: s, Den: amount}).Cmp(r) < 0 {
		s++
	}
	return s
}
