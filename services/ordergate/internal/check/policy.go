// Package check decides whether an order may go: a pure function of what is known of the account, the order, the policy and the
// business date. Every rule is evaluated and explained, and a stored record decides the same again, byte for byte.
package check

import (
	"github.com/avalcredit/aval/pkg/approval"
	"github.com/avalcredit/aval/pkg/calendar"
	"github.com/avalcredit/aval/pkg/money"
)

// Enforcement is how strictly a rule is held.
type Enforcement string

// The enforcement levels.
const (
	Inform      Enforcement = "INFORM" // listed, never holds
	Warn        Enforcement = "WARN"   // a failure warns
	HoldOnBreak Enforcement = "HOLD"   // a failure holds the order
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
)

// Rule is one rule with its parameters; those of other kinds are zero.
type Rule struct {
	Name        string
	Kind        Kind
	Enforcement Enforcement
	Threshold   money.Ratio // LIMIT: share of the limit that may be used
	Watch       money.Ratio // LIMIT: share above which the account is on watch; not valid: never
	MaxDays     int         // DAYS_OVERDUE: most days, after grace
	MinDays     int         // OVERDUE_AMOUNT: only items overdue by more days count, after grace
	MaxAmount   string      // OVERDUE_AMOUNT, ORDER_SIZE: decimal amount in the account's currency
}

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
