package terms

import (
	"errors"

	"github.com/avalcredit/aval/pkg/errs"
	"github.com/avalcredit/aval/services/receivables/internal/charge"
	"github.com/avalcredit/aval/services/receivables/internal/legal"
	"github.com/avalcredit/aval/services/receivables/internal/limitation"
	"github.com/avalcredit/aval/services/receivables/internal/restructuring"
)

// Claims says how limitation periods and deadlines are counted and warned of.
type Claims struct {
	Limitation limitation.Rules
	Legal      legal.Rules
	// SecurityDays and InsuranceDays ahead of the end of a security and of an insurer's deadlines are warned of, falling.
	SecurityDays, InsuranceDays []int
	// Charges say what sales answers for.
	Charges charge.Rules
	// Restructuring says who approves plans and how long an instalment may take.
	Restructuring restructuring.Rules
}

func (c Claims) check() error {
	return errors.Join(
		falling("claims.limitation_warning_days", c.Limitation.WarningDays), falling("claims.legal_warning_days", c.Legal.WarningDays),
		falling("claims.security_warning_days", c.SecurityDays), falling("claims.insurance_warning_days", c.InsuranceDays),
		falling("claims.restructuring_warning_days", c.Restructuring.WarningDays), c.checkTable(),
	)
}

func falling(field string, days []int) error {
	for i := 1; i < len(days); i++ {
		if days[i] >= days[i-1] {
			return errs.New(errs.Invalid, "POLICY_INVALID", "%s must fall: %d follows %d", field, days[i], days[i-1]).
				WithViolations(errs.Violation{Field: "policy." + field, Rule: "falling", Message: "days must fall"})
		}
	}
	return nil
}

// checkTable finds rows of the authority table that nothing reaches.
func (c Claims) checkTable() error {
	if found := c.Restructuring.Authority.Check("policy.claims.restructuring_authority"); len(found) > 0 {
		return errs.New(errs.Invalid, "POLICY_INVALID", "restructuring_authority: %s", found[0].Message).WithViolations(found...)
	}
	return nil
}
