// Package fact is credit information: each piece with its source, its date, who
// recorded it and who verified it (S1.2). Facts are never changed; a correction is a
// new fact that names the one it supersedes.
package fact

import (
	"github.com/avalcredit/aval/pkg/calendar"
	"github.com/avalcredit/aval/pkg/errs"
	"github.com/avalcredit/aval/pkg/money"
)

const (
	// ReasonSamePerson: who recorded a fact does not verify it.
	ReasonSamePerson = "SAME_PERSON"
	// ReasonVerified: the fact is verified already.
	ReasonVerified = "FACT_VERIFIED"
	// ReasonSuperseded: the fact was corrected already.
	ReasonSuperseded = "FACT_SUPERSEDED"
	// ReasonOtherKind: a correction is of another kind than what it corrects.
	ReasonOtherKind = "FACT_OF_ANOTHER_KIND"
)

// Statement is the balance sheet and income of a period. A nil amount is unknown,
// never zero.
type Statement struct {
	PeriodStart        calendar.Date `json:"period_start_date"`
	PeriodEnd          calendar.Date `json:"period_end_date"`
	Audited            bool          `json:"audited"`
	TotalAssets        *money.Money  `json:"total_assets,omitempty"`
	TotalLiabilities   *money.Money  `json:"total_liabilities,omitempty"`
	CurrentAssets      *money.Money  `json:"current_assets,omitempty"`
	CurrentLiabilities *money.Money  `json:"current_liabilities,omitempty"`
	Revenue            *money.Money  `json:"revenue,omitempty"`
	OperatingProfit    *money.Money  `json:"operating_profit,omitempty"`
	NetProfit          *money.Money  `json:"net_profit,omitempty"`
	OperatingCashFlow  *money.Money  `json:"operating_cash_flow,omitempty"`
	// The lines beside the totals.
	BalanceSheet     Lines        `json:"balance_sheet,omitempty"`
	Income           Lines        `json:"income_statement,omitempty"`
	CashFlow         Lines        `json:"cash_flow_statement,omitempty"`
	RetainedEarnings *money.Money `json:"retained_earnings,omitempty"`
	InterestExpense  *money.Money `json:"interest_expense,omitempty"`
}

// Litigation is a suit of another creditor against the customer.
type Litigation struct {
	Plaintiff  string        `json:"plaintiff,omitempty"`
	Amount     *money.Money  `json:"amount,omitempty"`
	FilingDate calendar.Date `json:"filing_date,omitzero"`
	Open       bool          `json:"open"`
	CaseNumber string        `json:"case_number,omitempty"`
}

// Venture is a long, capital-hungry or speculative project of the customer.
type Venture struct {
	Description      string       `json:"description,omitempty"`
	CommittedCapital *money.Money `json:"committed_capital,omitempty"`
	// ShareOfAssets is a decimal between 0 and 1; empty: unknown.
	ShareOfAssets string `json:"share_of_assets,omitempty"`
}

// Reference is what another supplier says of the customer.
type Reference struct {
	Referee         string       `json:"referee,omitempty"`
	PaysAsAgreed    bool         `json:"pays_as_agreed"`
	HighestCredit   *money.Money `json:"highest_credit,omitempty"`
	AverageDaysLate int          `json:"average_days_late"`
}

// ExternalRating is a rating by an agency or bureau.
type ExternalRating struct {
	Agency string `json:"agency,omitempty"`
	Rating string `json:"rating,omitempty"`
}

// Guarantee is what somebody gave for the customer's debt to us.
type Guarantee struct {
	Guarantor  string        `json:"guarantor,omitempty"`
	Amount     *money.Money  `json:"amount,omitempty"`
	ExpiryDate calendar.Date `json:"expiry_date,omitzero"`
}

// Content is what is known: exactly one of its fields is set.
type Content struct {
	Statement      *Statement      `json:"financial_statement,omitempty"`
	Litigation     *Litigation     `json:"litigation,omitempty"`
	Venture        *Venture        `json:"risky_venture,omitempty"`
	Reference      *Reference      `json:"trade_reference,omitempty"`
	ExternalRating *ExternalRating `json:"external_rating,omitempty"`
	Guarantee      *Guarantee      `json:"guarantee,omitempty"`
	Enforcement    *Enforcement    `json:"enforcement_record,omitempty"`
	Report         *Report         `json:"credit_report,omitempty"`
	Bank           *Bank           `json:"bank_reference,omitempty"`
	Visit          *Visit          `json:"site_visit,omitempty"`
	Ratios         *Ratios         `json:"reported_ratios,omitempty"`
}

// Fact is one piece of credit information.
type Fact struct {
	ID         string `json:"fact_id"`
	CustomerID string `json:"customer_id"`
	// Sequence counts the facts of a customer in the order of recording, from 1.
	Sequence int64   `json:"sequence"`
	Content  Content `json:"content"`
	// Source says where it comes from.
	Source string `json:"source"`
	// AsOf is the day it speaks of.
	AsOf calendar.Date `json:"as_of_date"`
	// ValidUntil is the last day on which it may be used; zero: no bound of its own.
	ValidUntil calendar.Date `json:"valid_until_date,omitzero"`
	// Supersedes is the fact that this one corrects.
	Supersedes       string        `json:"supersedes_fact_id,omitempty"`
	AttachmentSHA256 string        `json:"attachment_sha256,omitempty"`
	RecordedBy       string        `json:"recorded_by"`
	RecordDate       calendar.Date `json:"record_date"`
	VerifiedBy       string        `json:"verified_by,omitempty"`
	VerifyDate       calendar.Date `json:"verify_date,omitzero"`
	// SupersededBy is the fact that corrects this one.
	SupersededBy string `json:"superseded_by_fact_id,omitempty"`
	// OriginCustomerID and OriginFactID say where it was recorded, where that file was
	// merged into this one.
	OriginCustomerID string `json:"origin_customer_id,omitempty"`
	OriginFactID     string `json:"origin_fact_id,omitempty"`
}

// Verified reports whether another person confirmed the fact.
func (f Fact) Verified() bool { return f.VerifiedBy != "" }

// UsableOn reports whether the fact may be used on a day: not corrected, not of a
// later day, within its own validity.
func (f Fact) UsableOn(day calendar.Date) bool {
	return f.SupersededBy == "" && !f.AsOf.After(day) && (f.ValidUntil.IsZero() || !f.ValidUntil.Before(day))
}

// Verify returns the fact as verified by a person. Errors: FailedPrecondition
// FACT_VERIFIED, FACT_SUPERSEDED; PermissionDenied SAME_PERSON.
func (f Fact) Verify(by string, day calendar.Date) (Fact, error) {
	switch {
	case f.Verified():
		return f, errs.New(errs.FailedPrecondition, ReasonVerified, "the fact was verified by %s", f.VerifiedBy)
	case f.SupersededBy != "":
		return f, errs.New(errs.FailedPrecondition, ReasonSuperseded, "the fact was corrected by %s", f.SupersededBy).
			With("fact_id", f.SupersededBy)
	case by == f.RecordedBy:
		return f, errs.New(errs.PermissionDenied, ReasonSamePerson, "who recorded a fact does not verify it")
	}
	f.VerifiedBy, f.VerifyDate = by, day
	return f, nil
}

// Corrects checks whether the fact may correct another one: it is of the same kind, and
// nothing corrected that one before. Errors: FailedPrecondition FACT_SUPERSEDED,
// FACT_OF_ANOTHER_KIND.
func (f Fact) Corrects(old Fact) error {
	if old.SupersededBy != "" {
		return errs.New(errs.FailedPrecondition, ReasonSuperseded, "fact %s was corrected by %s", old.ID, old.SupersededBy).
			With("fact_id", old.SupersededBy)
	}
	if f.Content.Kind() != old.Content.Kind() {
		return errs.New(errs.FailedPrecondition, ReasonOtherKind,
			"fact.supersedes_fact_id: fact %s is a %s, not a %s", old.ID, old.Content.Kind(), f.Content.Kind()).
			With("field", "fact.supersedes_fact_id")
	}
	return nil
}
