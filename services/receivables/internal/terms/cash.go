package terms

import (
	"github.com/avalcredit/aval/pkg/errs"
	"github.com/avalcredit/aval/services/receivables/internal/settlement"
	"github.com/avalcredit/aval/services/receivables/internal/statement"
)

// Cash is the part of the policy on due dates, money and letters. The zero value is what held before there was one.
type Cash struct {
	// Terms of customers with none agreed; nil: the default term.
	Terms *settlement.Terms
	// Days that the company works; nil: computed due dates stand.
	Days *settlement.Days
	// Discount for paying early.
	Discount settlement.Discount
	// AutoConfirmScore confirms proposals for bank lines; 0: never.
	AutoConfirmScore int
	// AnswerDays after which a letter counts as not answered.
	AnswerDays int
	Letterhead Letterhead
	// Schedule of statements and confirmations.
	Schedule statement.Schedule
}

// Letterhead is how the company presents itself in letters.
type Letterhead struct {
	Company, CompanyEN, Address, Phone, Email string
	PaymentDetails                            []string
}

// usualAnswerDays is how long an answer is waited for where the policy does not say.
const usualAnswerDays = 30

// Wait is after how many days a letter counts as not answered.
func (c Cash) Wait() int {
	if c.AnswerDays == 0 {
		return usualAnswerDays
	}
	return c.AnswerDays
}

// check holds it to what single fields cannot say. Its error has kind Invalid and reason POLICY_INVALID.
func (c Cash) check() error {
	const at = "policy.cash."
	if c.Terms != nil {
		if err := c.Terms.Check(at + "settlement_terms"); err != nil {
			return invalid(err)
		}
	}
	if err := c.Days.Check(at + "business_days"); err != nil {
		return invalid(err)
	}
	if err := c.Schedule.Check(at + "statement_schedule"); err != nil {
		return invalid(err)
	}
	return invalid(c.Discount.Check(at + "early_payment_discount"))
}

// invalid gives an error of a field the reason of policies.
func invalid(err error) error {
	e, ok := errs.As(err)
	if !ok {
		return err
	}
	return errs.New(errs.Invalid, "POLICY_INVALID", "%s", e.Message).WithViolations(e.Violations...)
}
