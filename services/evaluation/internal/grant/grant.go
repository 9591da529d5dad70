// Package grant is credit as granted to a customer: versions that are only ever
// added, each with how it came about (S2.12, S2.16, S2.17).
package grant

import (
	"encoding/json"
	"time"

	"github.com/avalcredit/aval/pkg/calendar"
	"github.com/avalcredit/aval/pkg/errs"
	"github.com/avalcredit/aval/pkg/money"
	"github.com/avalcredit/aval/services/evaluation/internal/criteria"
	"github.com/avalcredit/aval/services/evaluation/internal/grade"
	"github.com/avalcredit/aval/services/evaluation/internal/settlement"
)

const (
	// ReasonExists: the customer has a grant of the suite's own.
	ReasonExists = "GRANT_EXISTS"
	// ReasonNoCredit: there is no credit to suspend.
	ReasonNoCredit = "NO_CREDIT"
)

// Origin is how a grant came about.
type Origin string

// The origins.
const (
	// None: no approved form.
	None Origin = "NONE"
	// Application: an approved credit application.
	Application Origin = "APPLICATION"
	// TakenOver: approved on paper before the suite was in use.
	TakenOver Origin = "TAKEN_OVER"
	// Rating: a rating tightened the grant before it.
	Rating Origin = "RATING"
	// Withdrawal: the credit was withdrawn (S2.18).
	Withdrawal Origin = "WITHDRAWAL"
	// Suspension: the credit waits for an approved form to resume it.
	Suspension Origin = "SUSPENSION"
)

// Limit is the highest exposure: an amount, or no upper bound. Zero is no credit.
type Limit struct {
	// Amount is nil where Unlimited is set.
	Amount *money.Money `json:"amount,omitempty"`
	// Unlimited has no upper bound.
	Unlimited bool `json:"unlimited,omitempty"`
}

// Grant is one version of a customer's credit.
type Grant struct {
	CustomerID string `json:"customer_id"`
	// Version counts from 1; 0 is a customer to whom nothing was ever granted.
	Version   int64           `json:"version"`
	Origin    Origin          `json:"origin"`
	Treatment grade.Treatment `json:"treatment"`
	// Limit is nil where it is undefined: a cash customer.
	Limit     *Limit `json:"limit,omitempty"`
	TermDays  int    `json:"term_days"`
	GraceDays int    `json:"grace_days"`
	// ValidFrom and ValidUntil are both included; no ValidUntil: until replaced.
	ValidFrom          calendar.Date `json:"valid_from_date,omitzero"`
	ValidUntil         calendar.Date `json:"valid_until_date,omitzero"`
	ApplicationID      string        `json:"application_id,omitempty"`
	SerialNumber       string        `json:"serial_number,omitempty"`
	PaperFormReference string        `json:"paper_form_reference,omitempty"`
	ApprovedBy         string        `json:"approved_by,omitempty"`
	Reason             string        `json:"reason,omitempty"`
	// RatingID and Grade are what the grant rests on; empty: nothing.
	RatingID   string      `json:"rating_id,omitempty"`
	Grade      grade.Grade `json:"grade,omitempty"`
	CreateTime time.Time   `json:"create_time,omitzero"`
	// Temporary are limits for a time, in the order granted.
	Temporary []TemporaryLimit `json:"temporary_limits,omitempty"`
	// Seasonal, BaseStock and Orders are what else goes with it, in the order granted.
	Seasonal  []SeasonalLimit `json:"seasonal_limits,omitempty"`
	BaseStock []BaseStock     `json:"base_stocks,omitempty"`
	Orders    []OrderLimit    `json:"order_limits,omitempty"`
	// Settlement is how due dates come about; nil: rolling by the term.
	Settlement *settlement.Terms `json:"settlement_terms,omitempty"`
	// Instruments are what the customer pays with, as agreed.
	Instruments []string `json:"instruments,omitempty"`
	// Pool is the group's, where a form of this customer set it last.
	Pool *GroupPool `json:"group_pool,omitempty"`
	// Suspended is the grant that this version suspends; nil: none.
	Suspended *Grant `json:"suspended,omitempty"`
}

// Bytes is the canonical form of the grant: JSON with the fields in a fixed order.
func (g Grant) Bytes() ([]byte, error) { return json.Marshal(g) }

// Parse reads what Bytes wrote.
func Parse(data []byte) (Grant, error) {
	var g Grant
	err := json.Unmarshal(data, &g)
	return g, err
}

// CashCustomer is what a customer without an approved form has (S2.17).
func CashCustomer(customerID string) Grant {
	return Grant{
		CustomerID: customerID, Origin: None, Treatment: grade.CashCustomer,
		Reason: "no approved form: cash customer",
	}
}

// InForce returns what holds on a day, of all versions in rising order: the last one
// that has begun, or that of a cash customer where there is none or where it is over.
func InForce(customerID string, versions []Grant, day calendar.Date) Grant {
	for i := len(versions) - 1; i >= 0; i-- {
		g := versions[i]
		if g.ValidFrom.After(day) {
			continue
		}
		if !g.ValidUntil.IsZero() && g.ValidUntil.Before(day) {
			cash := CashCustomer(customerID)
			cash.Reason = "the grant ended on " + g.ValidUntil.String() + ": cash customer"
			return cash
		}
		return g
	}
	return CashCustomer(customerID)
}

// Assessment is what a rating says of a grant: the grade, its treatment, and why.
type Assessment struct {
	RatingID  string
	Grade     grade.Grade
	Treatment criteria.Treatment
	Reason    string
	Date      calendar.Date
}

// Tighten returns the next version where the rating leaves the customer less room
// than the newest version does; it takes effect at once. It never loosens: a better
// grade changes nothing without an approved form. A grant approved in the knowledge
// of a low grade stands until the grade falls below that one; a grant taken over from
// paper rests on no rating, so any tighter treatment applies to it.
func Tighten(newest Grant, a Assessment) (Grant, bool) {
	if newest.Version == 0 || !a.Grade.Known() {
		return newest, false
	}
	if newest.Grade.Known() && !a.Grade.WorseThan(newest.Grade) {
		return newest, false
	}
	next := newest
	next.Version++
	next.Origin, next.Reason, next.RatingID, next.Grade = Rating, a.Reason, a.RatingID, a.Grade
	next.ApprovedBy = ""
	// A version never begins before the one it replaces.
	if a.Date.After(next.ValidFrom) {
		next.ValidFrom = a.Date
	}
	switch {
	case a.Treatment.Treatment.TighterThan(newest.Treatment):
		next = next.stripped()
		next.Treatment = a.Treatment.Treatment
		return next, true
	case newest.Treatment == grade.Credit && a.Treatment.Treatment == grade.Credit && a.Treatment.MaxTermDays < newest.TermDays:
		next.TermDays, next.GraceDays = a.Treatment.MaxTermDays, min(newest.GraceDays, a.Treatment.GraceDays)
		next.Settlement = nil // rolling: no closing day gives more time than the term
		return next, true
	default:
		return newest, false
	}
}

// Withdraw returns the version that makes the customer a cash customer (S2.18); false
// where it is none the better for it: a customer already treated as strictly or more.
func Withdraw(newest Grant, reason string, day calendar.Date) (Grant, bool) {
	if newest.Version == 0 || !grade.CashCustomer.TighterThan(newest.Treatment) {
		return newest, false
	}
	next := newest.stripped()
	next.Version++
	next.Origin, next.Treatment, next.Reason, next.ApprovedBy = Withdrawal, grade.CashCustomer, reason, ""
	if day.After(next.ValidFrom) {
		next.ValidFrom = day
	}
	return next, true
}

// stripped is the grant without credit: its limits, its term and what goes with them.
func (g Grant) stripped() Grant {
	g.Limit, g.TermDays, g.GraceDays, g.ValidUntil = nil, 0, 0, calendar.Date{}
	g.Temporary, g.Seasonal, g.BaseStock, g.Orders = nil, nil, nil, nil
	g.Settlement, g.Instruments, g.Suspended = nil, nil, nil
	return g
}

// Suspend returns the version that makes the customer a cash customer until an approved
// form resumes the credit, which it keeps. Errors: FailedPrecondition NO_CREDIT.
func Suspend(newest Grant, by, reason string, day calendar.Date) (Grant, error) {
	if newest.Version == 0 || newest.Treatment != grade.Credit || newest.Over(day) {
		return newest, errs.New(errs.FailedPrecondition, ReasonNoCredit, "the customer has no credit to suspend")
	}
	kept := newest
	next := newest.stripped()
	next.Version++
	next.Origin, next.Treatment, next.Suspended = Suspension, grade.CashCustomer, &kept
	next.Reason, next.ApprovedBy = "suspended by "+by+": "+reason, ""
	if day.After(next.ValidFrom) {
		next.ValidFrom = day
	}
	return next, nil
}

// Over reports whether the last day of the grant is before a day.
func (g Grant) Over(day calendar.Date) bool {
	return !g.ValidUntil.IsZero() && g.ValidUntil.Before(day)
}

// CheckTakeOver checks a grant to be taken over from paper against the ones before,
// the currency of the account and the policy. Errors: FailedPrecondition GRANT_EXISTS
// where the suite itself granted, tightened or withdrew before; Invalid INVALID_FIELD.
func CheckTakeOver(g Grant, newest Grant, currency string, p criteria.Policy) error {
	if newest.Version > 0 && newest.Origin != TakenOver {
		return errs.New(errs.FailedPrecondition, ReasonExists, "the customer has grant %d of the suite's own", newest.Version)
	}
	var found []errs.Violation
	bad := func(field, rule, message string) {
		found = append(found, errs.Violation{Field: field, Rule: rule, Message: message})
	}
	switch a := g.Limit.Amount; {
	case g.Limit.Unlimited && !p.UnlimitedAllowed:
		bad("limit.unlimited", "policy", "the policy knows no unlimited limit")
	case a != nil && a.Currency != currency:
		bad("limit.amount.currency_code", "same_currency", "is not the currency of the account, "+currency)
	case a != nil && a.IsNegative():
		bad("limit.amount.amount", "not_negative", "is below zero")
	}
	if !g.ValidUntil.IsZero() && g.ValidUntil.Before(g.ValidFrom) {
		bad("valid_until_date", "order", "is before valid_from_date")
	}
	return errs.Fields(found...)
}
