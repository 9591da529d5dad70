// Package application is the formal procedure by which a customer gets credit: a
// form that sales proposes, finance confirms and authorised people approve
// (S1.8, S2.11, S2.12, S2.16).
package application

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/avalcredit/aval/pkg/approval"
	"github.com/avalcredit/aval/pkg/calendar"
	"github.com/avalcredit/aval/pkg/errs"
	"github.com/avalcredit/aval/pkg/money"
	"github.com/avalcredit/aval/services/evaluation/internal/checklist"
	"github.com/avalcredit/aval/services/evaluation/internal/criteria"
	"github.com/avalcredit/aval/services/evaluation/internal/customer"
	"github.com/avalcredit/aval/services/evaluation/internal/grade"
	"github.com/avalcredit/aval/services/evaluation/internal/grant"
	"github.com/avalcredit/aval/services/evaluation/internal/payment"
	"github.com/avalcredit/aval/services/evaluation/internal/rating"
	"github.com/avalcredit/aval/services/evaluation/internal/settlement"
)

const (
	// ReasonIncomplete: something is missing; the metadata names it.
	ReasonIncomplete = "APPLICATION_INCOMPLETE"
	// ReasonState: the application does not stand where the act needs it.
	ReasonState = "APPLICATION_STATE"
	// ReasonNotApplicant: only who wrote the application submits it.
	ReasonNotApplicant = "NOT_THE_APPLICANT"
	// ReasonRatingWorsened: the customer fell below the grade the form rests on.
	ReasonRatingWorsened = "RATING_WORSENED"
)

// State is where an application stands.
type State string

// The states.
const (
	// Draft is being written.
	Draft State = "DRAFT"
	// Pending is submitted, steps are open.
	Pending State = "PENDING"
	// Returned is back with the applicant.
	Returned State = "RETURNED"
	// Approved has all its steps; the grant is in force.
	Approved State = "APPROVED"
	// Rejected is refused for good.
	Rejected State = "REJECTED"
	// Conditional has all its steps; conditions have to be met before the grant.
	Conditional State = "CONDITIONAL"
	// Withdrawn was taken back by the applicant.
	Withdrawn State = "WITHDRAWN"
)

// Application is the approval form for credit.
type Application struct {
	ID         string      `json:"application_id"`
	CustomerID string      `json:"customer_id"`
	Limit      money.Money `json:"requested_limit"`
	TermDays   int         `json:"requested_term_days"`
	// ValidUntil is the last day asked for; zero: the policy's length.
	ValidUntil calendar.Date `json:"requested_valid_until_date,omitzero"`
	Purpose    string        `json:"purpose,omitempty"`
	// SerialNumber is gap-free and given at the first submission.
	SerialNumber string        `json:"serial_number,omitempty"`
	State        State         `json:"state"`
	Applicant    string        `json:"applicant"`
	Form         approval.Form `json:"form"`
	// Earlier are the acts of rounds that ended with a return.
	Earlier       []approval.Act  `json:"earlier_acts,omitempty"`
	RatingID      string          `json:"rating_id,omitempty"`
	Grade         grade.Grade     `json:"grade,omitempty"`
	GraceDays     int             `json:"grace_days,omitempty"`
	PolicyVersion int64           `json:"policy_version,omitempty"`
	OutsidePolicy []string        `json:"outside_policy,omitempty"`
	PaymentRecord json.RawMessage `json:"payment_record,omitempty"`
	SubmitReason  string          `json:"submit_reason,omitempty"`
	SubmitDate    calendar.Date   `json:"submit_date,omitzero"`
	DecisionDate  calendar.Date   `json:"decision_date,omitzero"`
	CreateTime    time.Time       `json:"create_time,omitzero"`
	GrantVersion  int64           `json:"grant_version,omitempty"`
	// Conditions are those that signers of this round set.
	Conditions []Condition `json:"conditions,omitempty"`
	// Offer waits for the applicant.
	Offer          *Offer       `json:"counter_offer,omitempty"`
	Comments       []Comment    `json:"comments,omitempty"`
	Attachments    []Attachment `json:"attachments,omitempty"`
	WithdrawReason string       `json:"withdraw_reason,omitempty"`
	// Kind is what is asked for; empty: TEMPORARY where Temporary is set, else STANDING.
	Kind Kind `json:"kind,omitempty"`
	// Temporary, Seasonal, BaseStock and Order go with their kinds.
	Temporary *Temporary      `json:"temporary,omitempty"`
	Seasonal  *Seasonal       `json:"seasonal,omitempty"`
	BaseStock *BaseStockTerms `json:"base_stock,omitempty"`
	Order     *OrderTerms     `json:"order_bound,omitempty"`
	// GroupID is the customer's topmost group at the submission.
	GroupID string `json:"group_id,omitempty"`
	// KeepAdditions lets what goes with the standing grant go on under the new one.
	KeepAdditions bool `json:"keep_additions,omitempty"`
	// Settlement and Instruments are what a standing grant shall be settled by.
	Settlement  *settlement.Terms `json:"settlement_terms,omitempty"`
	Instruments []string          `json:"instruments,omitempty"`
	// StandingVersion is the grant that a form was routed by which goes with it; 0: none.
	StandingVersion int64 `json:"standing_version,omitempty"`
	// Snapshot is the customer file at the submission.
	Snapshot json.RawMessage `json:"customer_snapshot,omitempty"`
}

// SerialPrefix is how serial numbers begin.
const SerialPrefix = "CA-"

// Serial writes the n-th serial number.
func Serial(n int64) string { return fmt.Sprintf("%s%06d", SerialPrefix, n) }

// Acts returns all acts, earlier rounds first.
func (a Application) Acts() []approval.Act {
	return append(append([]approval.Act{}, a.Earlier...), a.Form.Acts...)
}

// Validate checks a draft against the account's currency.
func (a Application) Validate(currency string, day calendar.Date) error {
	switch {
	case a.Limit.Currency != currency:
		return errs.Field("application.requested_limit.currency_code", "same_currency", "is not the currency of the account, %s", currency)
	case !a.Limit.IsPositive():
		return errs.Field("application.requested_limit.amount", "positive", "must be above zero: without credit no form is needed")
	}
	return a.validateKind(day)
}

// Submission is what the form is completed with when it is submitted.
type Submission struct {
	By       string
	Reason   string
	Date     calendar.Date
	Customer customer.Customer
	Rating   rating.Record
	// Payment is the payment record of the day, for finance to confirm.
	Payment payment.Record
	Policy  criteria.Policy
	// Standing is the newest grant; version 0: none.
	Standing grant.Grant
	// Checklist is how what is known stands to what the policy wants; read where the policy's form needs it.
	Checklist []checklist.Item
}

// Submit completes the form and routes it by the authority table; the serial number
// is given by the caller where there is none yet. Errors: FailedPrecondition
// APPLICATION_STATE, APPLICATION_INCOMPLETE with each missing item,
// PermissionDenied NOT_THE_APPLICANT.
func (a Application) Submit(s Submission) (Application, error) {
	if a.State != Draft && a.State != Returned {
		return a, stateError(a.State, "submitted")
	}
	if err := a.ownedBy(s.By, "submits"); err != nil {
		return a, err
	}
	if err := a.complete(s); err != nil {
		return a, err
	}
	record, err := json.Marshal(s.Payment)
	if err != nil {
		return a, err
	}
	snapshot, err := json.Marshal(s.Customer)
	if err != nil {
		return a, err
	}
	a.OutsidePolicy = a.outside(s)
	row, steps, err := a.route(s)
	if err != nil {
		return a, err
	}
	a.Earlier = a.Acts()
	a.Form = approval.New(a.Applicant, row, steps)
	a.Form.Opened = s.Date
	a.State, a.SubmitReason, a.Snapshot = Pending, s.Reason, snapshot
	// Earlier rounds are in the registers.
	a.Conditions, a.Offer = nil, nil
	a.RatingID, a.Grade = s.Rating.RatingID, s.Rating.Result.Grade
	a.PolicyVersion, a.PaymentRecord = s.Policy.Version, record
	if a.SubmitDate.IsZero() {
		a.SubmitDate = s.Date
	}
	a.GroupID = s.Customer.Root()
	a.StandingVersion = 0
	if a.goesWithStanding() || a.KeepAdditions {
		a.StandingVersion = s.Standing.Version
	}
	return a, nil
}

// outside lists what the policy would not give by itself.
func (a Application) outside(s Submission) []string {
	if a.kind() == GroupPool {
		return nil // the policy recommends nothing for groups, and each member's own limit holds beside
	}
	res := s.Rating.Result
	limit, days := a.asked(s)
	var out []string
	if res.Treatment != grade.Credit {
		g := "not graded"
		if res.Grade.Known() {
			g = "grade " + string(res.Grade)
		}
		out = append(out, g+" gets no credit under the policy")
	}
	switch {
	case res.Treatment == grade.Credit && res.Limit == nil:
		out = append(out, "no limit can be recommended: "+res.LimitExplanation)
	case limit == nil:
		out = append(out, "the limit would have no bound")
	case res.Limit != nil && limit.Cmp(*res.Limit) > 0:
		out = append(out, fmt.Sprintf("limit %s %s is above the recommended %s %s", limit, limit.Currency, res.Limit, res.Limit.Currency))
	}
	if res.Treatment == grade.Credit && days > res.TermDays {
		out = append(out, fmt.Sprintf("term of %d days is above the maximum of %d", days, res.TermDays))
	}
	return out
}

// route finds the row. What is outside the policy goes to the first row that says how far
// beyond the recommended it covers, else to the highest one; so does what cannot be
// measured in the policy's currency, and a customer that gets no credit by its grade.
func (a Application) route(s Submission) (row int, steps []approval.Step, err error) {
	limit, days := a.asked(s)
	if limit == nil || limit.Currency != s.Policy.BaseCurrency {
		return exceptional(len(a.OutsidePolicy) > 0)(s.Policy.Authority.Highest())
	}
	res := s.Rating.Result
	c := approval.Case{Amount: limit.Minor, Days: days, Grade: string(res.Grade), Group: s.Customer.Root()}
	if a.kind() == BaseStock { // it is owed for the life of the contract
		c.Days = max(c.Days, a.BaseStock.Until.DaysSince(a.BaseStock.From)+1)
	}
	if len(a.OutsidePolicy) == 0 {
		return s.Policy.Authority.RouteCase(c)
	}
	if res.Treatment == grade.Credit && res.Limit != nil {
		c.Recommended, c.RecommendedDays = &res.Limit.Minor, &res.TermDays
		if row, steps, err := s.Policy.Authority.RouteCase(c); err == nil && row < len(s.Policy.Authority)-1 {
			return exceptional(true)(row, steps, nil)
		}
	}
	return exceptional(true)(s.Policy.Authority.Highest())
}

// exceptional has one of those who may allow what is outside the policy sign in writing
// (S2.5): in a step that nobody else takes, which is added before the last where the row
// has none.
func exceptional(outside bool) func(int, []approval.Step, error) (int, []approval.Step, error) {
	return func(row int, steps []approval.Step, err error) (int, []approval.Step, error) {
		if !outside || err != nil {
			return row, steps, err
		}
		roles, found := criteria.ExceptionRoles(), false
		for i := range steps {
			if allows(steps[i], roles) {
				steps[i].InWriting, found = true, true
			}
		}
		if !found {
			steps = slices.Insert(steps, len(steps)-1, approval.Step{Name: "exception", AnyOf: roles, InWriting: true})
		}
		return row, steps, nil
	}
}

// allows reports whether no step is taken without one who holds one of the roles.
func allows(s approval.Step, roles []string) bool {
	authorised := func(r string) bool { return slices.Contains(roles, r) }
	if s.EscalateTo != "" && !authorised(s.EscalateTo) {
		return false
	}
	if len(s.AllOf) > 0 {
		return slices.ContainsFunc(s.AllOf, authorised)
	}
	return !slices.ContainsFunc(s.AnyOf, func(r string) bool { return !authorised(r) })
}

// DueDate is the last day on which the open step is in time; zero: it has no bound.
func (a Application) DueDate() calendar.Date {
	if a.State != Pending {
		return calendar.Date{}
	}
	return a.Form.Due()
}

// LateAfter is DueDate, zero too where nobody is left to whom a late step goes.
func (a Application) LateAfter() calendar.Date {
	due := a.DueDate()
	if due.IsZero() {
		return due
	}
	if _, goes := a.Form.Escalate(due.AddDays(1)); !goes {
		return calendar.Date{}
	}
	return due
}

// Escalate gives a late step to the role that it goes to, once; false: there is nothing to do.
func (a Application) Escalate(day calendar.Date) (Application, bool) {
	if a.State != Pending {
		return a, false
	}
	form, did := a.Form.Escalate(day)
	a.Form = form
	return a, did
}

// Act takes the next step of the form; conditions go with an approval. The last
// approval approves the form, or leaves it conditional while conditions are open.
// Errors: those of approval.Form.Apply; Invalid INVALID_FIELD.
func (a Application) Act(act approval.Act, conditions []Condition) (Application, error) {
	if a.State != Pending {
		return a, errs.New(errs.FailedPrecondition, approval.ReasonFormClosed, "the application takes no acts: it is %s",
			strings.ToLower(string(a.State))).With("state", string(a.State))
	}
	form, err := a.Form.Apply(act)
	if err != nil {
		return a, err
	}
	next, err := a.conditioned(act, conditions)
	if err != nil {
		return a, err
	}
	next.Form, next.State, next.DecisionDate = form, State(form.State), act.Date
	if next.State == Approved && next.OpenConditions() {
		next.State = Conditional
	}
	return next, nil
}

// CheckGrantable refuses to complete a form whose last day is over, and one that rests
// on a better grade than the customer has now: the people who signed it did not know.
// Errors: FailedPrecondition APPLICATION_STATE, RATING_WORSENED.
func (a Application) CheckGrantable(now grade.Grade, p criteria.Policy, day calendar.Date) error {
	if !a.ValidUntil.IsZero() && a.ValidUntil.Before(day) {
		return errs.New(errs.FailedPrecondition, ReasonState, "the last day asked for, %s, is over: reject or withdraw the form", a.ValidUntil)
	}
	if !now.Known() || !now.WorseThan(a.Grade) && !p.For(now).Treatment.TighterThan(p.For(a.Grade).Treatment) {
		return nil
	}
	return errs.New(errs.FailedPrecondition, ReasonRatingWorsened,
		"the customer was rated %s since the submission: return or withdraw the form, so that it is routed anew", now).
		With("grade", string(now))
}

// Grant returns the grant that the approved form gives, the next after the newest.
func (a Application) Grant(newest grant.Grant, p criteria.Policy, day calendar.Date) grant.Grant {
	next := a.granted(newest, p, day)
	next.CustomerID, next.Version, next.Origin = a.CustomerID, newest.Version+1, grant.Application
	// A version never begins before the one it replaces.
	next.ValidFrom = day
	if newest.ValidFrom.After(day) {
		next.ValidFrom = newest.ValidFrom
	}
	next.ApplicationID, next.SerialNumber, next.ApprovedBy = a.ID, a.SerialNumber, a.Form.Acts[len(a.Form.Acts)-1].Subject
	next.PaperFormReference = ""
	next.Reason = a.kind().words() + "approved form " + a.SerialNumber
	return next
}

func stateError(s State, what string) error {
	return errs.New(errs.FailedPrecondition, ReasonState, "an application that is %s cannot be %s", strings.ToLower(string(s)), what).
		With("state", string(s))
}
