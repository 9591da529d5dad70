// Package terms is the receivables policy as the domain reads it. The package is pure.
package terms

import (
	"errors"

	"github.com/avalcredit/aval/pkg/errs"
)

// Policy decides due dates, aging and what counts as a default.
type Policy struct {
	Version int64
	// AgingBounds are the upper bounds of the overdue buckets in days, rising.
	AgingBounds []int32
	// DefaultTermDays is the term of an invoice that names neither due date nor term.
	DefaultTermDays int
	// DefaultAfterDays overdue an item counts as a default in the payment record.
	DefaultAfterDays int
	// BaseCurrency of the amounts in the policy.
	BaseCurrency string
	// Ledger is what it says of the ledger.
	Ledger Ledger
	// NoticeDays is how long a payment notice holds after its expected date.
	NoticeDays int
	// Cash is how due dates come about, and how money and letters are dealt with.
	Cash Cash
	// Collection decides who is asked to pay.
	Collection Collection
	// Claims says how claims are kept.
	Claims Claims
	// Figures is what figures and reports are made with.
	Figures Figures
}

// Check holds the policy to what single fields cannot say: bounds rise, days ahead fall, there is one rate of loss for each bucket. Its error has
// kind Invalid and reason POLICY_INVALID.
func (p Policy) Check() error {
	for i := 1; i < len(p.AgingBounds); i++ {
		if p.AgingBounds[i] <= p.AgingBounds[i-1] {
			return errs.New(errs.Invalid, "POLICY_INVALID", "aging_bounds must rise: %d follows %d", p.AgingBounds[i], p.AgingBounds[i-1]).
				WithViolations(errs.Violation{Field: "policy.aging_bounds", Rule: "rising", Message: "bounds must rise"})
		}
	}
	return errors.Join(p.Ledger.check(), p.Cash.check(), p.Claims.check(), p.checkRates())
}
