package terms

import (
	"fmt"
	"math/big"

	"github.com/avalcredit/aval/pkg/errs"
)

// Figures is what figures and reports are made with.
type Figures struct {
	// DSODays is the period where none is asked for.
	DSODays int
	// CostOfCapital a year, a share; nil: not computed.
	CostOfCapital *big.Rat
	// LossRates by grade, "" for those without their own, by bucket; empty: no provision is computed.
	LossRates map[string][]*big.Rat
	// AcceptedOverdue and AcceptedBadDebt are the ratios that the company accepts; nil: none is set.
	AcceptedOverdue, AcceptedBadDebt *big.Rat
	// ReportDay of the month, and ReportHour, from which the report of the month before is made.
	ReportDay, ReportHour int
	// PaceDays are those over which a pace is measured.
	PaceDays int
}

func (p Policy) checkRates() error {
	if rates := p.Figures.LossRates; len(rates) > 0 && rates[""] == nil {
		return errs.New(errs.Invalid, "POLICY_INVALID", "figures.loss_rates must have rates without a grade, for customers whose grade has none of its own").
			WithViolations(errs.Violation{Field: "policy.figures.loss_rates", Rule: "rates_for_all_others", Message: "rates without a grade are needed"})
	}
	for grade, rates := range p.Figures.LossRates {
		if want := len(p.AgingBounds) + 2; len(rates) != want {
			return errs.New(errs.Invalid, "POLICY_INVALID", "figures.loss_rates of grade %q must have %d rates, one a bucket; there are %d", grade, want, len(rates)).
				WithViolations(errs.Violation{Field: "policy.figures.loss_rates", Rule: "one_a_bucket", Message: fmt.Sprintf("there must be %d rates, one a bucket", want)})
		}
	}
	return nil
}
