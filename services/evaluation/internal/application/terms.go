package application

import (
	"strings"

	"github.com/avalcredit/aval/pkg/approval"
	"github.com/avalcredit/aval/pkg/calendar"
	"github.com/avalcredit/aval/pkg/errs"
	"github.com/avalcredit/aval/pkg/money"
	"github.com/avalcredit/aval/services/evaluation/internal/settlement"
)

const (
	// ReasonNoOffer: there is no offer to accept.
	ReasonNoOffer = "NO_COUNTER_OFFER"
	// ReasonConditionMet: the condition was confirmed before.
	ReasonConditionMet = "CONDITION_MET"
	// ReasonConditionNotFound: the form has no such condition.
	ReasonConditionNotFound = "CONDITION_NOT_FOUND"
)

// Bounds of what people add to a form.
const (
	maxComments    = 500
	maxAttachments = 100
	maxConditions  = 20
)

// Edit is a change of what is asked for; nil leaves it as it is.
type Edit struct {
	Limit      *money.Money
	TermDays   *int
	ValidUntil *calendar.Date
	Purpose    *string
	// Settlement, with the term that it comes to, and Instruments, where they are not empty.
	Settlement  *settlement.Terms
	Instruments []string
}

// Edit changes a form that nobody is signing. Errors: FailedPrecondition
// APPLICATION_STATE, PermissionDenied NOT_THE_APPLICANT.
func (a Application) Edit(by string, e Edit) (Application, error) {
	if a.State != Draft && a.State != Returned {
		return a, stateError(a.State, "changed")
	}
	if err := a.ownedBy(by, "changes"); err != nil {
		return a, err
	}
	if e.Limit != nil {
		a.Limit = *e.Limit
	}
	if e.Settlement != nil {
		a.Settlement, a.TermDays = e.Settlement, 0
	}
	if len(e.Instruments) > 0 {
		a.Instruments = e.Instruments
	}
	if e.TermDays != nil {
		a.TermDays = *e.TermDays
	}
	if e.ValidUntil != nil {
		a.ValidUntil = *e.ValidUntil
	}
	if e.Purpose != nil {
		a.Purpose = *e.Purpose
	}
	return a, nil
}

// Withdraw takes the form back for good. Errors: as Edit.
func (a Application) Withdraw(by, reason string, day calendar.Date) (Application, error) {
	switch a.State {
	case Draft, Pending, Returned, Conditional:
	default:
		return a, stateError(a.State, "withdrawn")
	}
	if err := a.ownedBy(by, "withdraws"); err != nil {
		return a, err
	}
	a.State, a.DecisionDate, a.WithdrawReason = Withdrawn, day, reason
	return a, nil
}

func (a Application) ownedBy(by, what string) error {
	if by != a.Applicant {
		return errs.New(errs.PermissionDenied, ReasonNotApplicant, "only %s, who wrote the application, %s it", a.Applicant, what)
	}
	return nil
}

// Offer is what a signer would approve instead of what was asked.
type Offer struct {
	Limit    money.Money   `json:"limit"`
	TermDays int           `json:"term_days"`
	By       string        `json:"offered_by"`
	Date     calendar.Date `json:"offer_date"`
	Reason   string        `json:"reason"`
}

// CounterOffer takes the next step with an offer: the form goes back to the applicant.
// limit nil and days 0 are as requested. Errors: those of Act; Invalid INVALID_FIELD
// where nothing is lower, or something is higher.
func (a Application) CounterOffer(act approval.Act, limit *money.Money, days int) (Application, error) {
	o := Offer{Limit: a.Limit, TermDays: a.TermDays, By: act.Subject, Date: act.Date, Reason: act.Reason}
	if limit != nil {
		o.Limit = *limit
	}
	if days > 0 {
		o.TermDays = days
	}
	act.Decision = approval.Return
	// Who may not take the step is told that first.
	next, err := a.Act(act, nil)
	if err != nil {
		return a, err
	}
	switch {
	case o.Limit.Currency != a.Limit.Currency:
		return a, errs.Field("offer.limit.currency_code", "same_currency", "is not the currency of the account, %s", a.Limit.Currency)
	case !o.Limit.IsPositive():
		return a, errs.Field("offer.limit.amount", "positive", "must be above zero: to give nothing, reject the form")
	case o.Limit.Cmp(a.Limit) > 0:
		return a, errs.Field("offer.limit.amount", "lower", "is above what was requested")
	case o.TermDays > a.TermDays:
		return a, errs.Field("offer.term_days", "lower", "is above what was requested")
	case o.Limit.Cmp(a.Limit) == 0 && o.TermDays == a.TermDays:
		return a, errs.Field("offer", "lower", "offers what was requested: approve the form")
	}
	next.Offer = &o
	return next, nil
}

// AcceptOffer makes the form ask for what was offered; it is to be submitted then.
// Errors: PermissionDenied NOT_THE_APPLICANT, FailedPrecondition NO_COUNTER_OFFER.
func (a Application) AcceptOffer(by string) (Application, error) {
	if err := a.ownedBy(by, "accepts an offer for"); err != nil {
		return a, err
	}
	if a.State != Returned || a.Offer == nil {
		return a, errs.New(errs.FailedPrecondition, ReasonNoOffer, "no offer waits for an answer").With("state", string(a.State))
	}
	if a.Offer.TermDays != a.TermDays {
		a.Settlement = nil // no closing day gives more time than was offered
	}
	a.Limit, a.TermDays = a.Offer.Limit, a.Offer.TermDays
	return a, nil
}

// Condition has to be met before the grant takes effect.
type Condition struct {
	// Kind is GUARANTEE, DEPOSIT or OTHER.
	Kind     string        `json:"kind"`
	Text     string        `json:"text"`
	Amount   *money.Money  `json:"amount,omitempty"`
	SetBy    string        `json:"set_by"`
	SetDate  calendar.Date `json:"set_date"`
	MetBy    string        `json:"met_by,omitempty"`
	MetDate  calendar.Date `json:"met_date,omitzero"`
	Evidence string        `json:"evidence,omitempty"`
}

// ConditionConfirmers are the roles that confirm that a condition is met.
func ConditionConfirmers() []string {
	return []string{"CREDIT_MANAGER", "FINANCE_CLERK", "FINANCE_MANAGER"}
}

// OpenConditions reports whether a condition is not met.
func (a Application) OpenConditions() bool {
	for _, c := range a.Conditions {
		if c.MetBy == "" {
			return true
		}
	}
	return false
}

// SoleSetter returns the person who set all conditions that are open; they confirm none.
func (a Application) SoleSetter() (subject string, one bool) {
	for _, c := range a.Conditions {
		switch {
		case c.MetBy != "":
		case !one:
			subject, one = c.SetBy, true
		case c.SetBy != subject:
			return "", false
		}
	}
	return subject, one
}

// conditioned adds the conditions of an approval.
func (a Application) conditioned(act approval.Act, set []Condition) (Application, error) {
	if len(set) == 0 {
		return a, nil
	}
	if act.Decision != approval.Approve {
		return a, errs.Field("conditions", "approval", "go with an approval")
	}
	if len(a.Conditions)+len(set) > maxConditions {
		return a, errs.Field("conditions", "max_items", "a form has at most %d", maxConditions)
	}
	all := append([]Condition{}, a.Conditions...)
	for _, c := range set {
		switch {
		case strings.TrimSpace(c.Text) == "":
			return a, errs.Field("conditions.text", "required", "say what exactly is asked")
		case c.Kind != "GUARANTEE" && c.Kind != "DEPOSIT" && c.Kind != "OTHER":
			return a, errs.Field("conditions.kind", "defined_only", "is none of GUARANTEE, DEPOSIT, OTHER")
		case c.Amount == nil && c.Kind != "OTHER":
			return a, errs.Field("conditions.amount", "required", "say how much at least")
		case c.Amount != nil && c.Amount.Currency != a.Limit.Currency:
			return a, errs.Field("conditions.amount.currency_code", "same_currency", "is not the currency of the account, %s", a.Limit.Currency)
		case c.Amount != nil && !c.Amount.IsPositive():
			return a, errs.Field("conditions.amount.amount", "positive", "must be above zero")
		}
		all = append(all, Condition{Kind: c.Kind, Text: c.Text, Amount: c.Amount, SetBy: act.Subject, SetDate: act.Date})
	}
	a.Conditions = all
	return a, nil
}

// Confirmation says that a condition is met.
type Confirmation struct {
	// Number of the condition, from 1.
	Number   int
	By       string
	Evidence string
	Date     calendar.Date
}

// Confirm notes that a condition is met; with the last one the form is approved.
// Errors: FailedPrecondition APPLICATION_STATE, CONDITION_MET; NotFound
// CONDITION_NOT_FOUND; PermissionDenied SAME_PERSON.
func (a Application) Confirm(c Confirmation) (Application, error) {
	if a.State != Conditional {
		return a, stateError(a.State, "completed by conditions")
	}
	if c.Number < 1 || c.Number > len(a.Conditions) {
		return a, errs.New(errs.NotFound, ReasonConditionNotFound, "the form has no condition %d", c.Number)
	}
	met := a.Conditions[c.Number-1]
	if met.MetBy != "" {
		return a, errs.New(errs.FailedPrecondition, ReasonConditionMet, "condition %d was confirmed by %s on %s", c.Number, met.MetBy, met.MetDate)
	}
	if c.By == "" || c.By == a.Applicant || c.By == met.SetBy || c.By == a.seatOf(met.SetBy) {
		return a, errs.New(errs.PermissionDenied, approval.ReasonSamePerson, "neither the applicant nor who set a condition confirms it")
	}
	if strings.TrimSpace(c.Evidence) == "" {
		return a, errs.Field("evidence", "required", "say what the confirmation rests on")
	}
	met.MetBy, met.MetDate, met.Evidence = c.By, c.Date, c.Evidence
	a.Conditions = append([]Condition{}, a.Conditions...)
	a.Conditions[c.Number-1] = met
	if !a.OpenConditions() {
		a.State, a.DecisionDate = Approved, c.Date
	}
	return a, nil
}

// seatOf is whose seat a person acted in on the form; empty: their own, or none.
func (a Application) seatOf(subject string) string {
	for _, act := range a.Form.Acts {
		if act.Subject == subject {
			return act.For
		}
	}
	return ""
}

// Comment is what somebody wrote beside the form.
type Comment struct {
	Subject string        `json:"subject"`
	Date    calendar.Date `json:"business_date"`
	Text    string        `json:"text"`
}

// Commented adds a comment; it decides nothing.
func (a Application) Commented(c Comment) (Application, error) {
	switch {
	case strings.TrimSpace(c.Text) == "":
		return a, errs.Field("text", "required", "say something")
	case len(a.Comments) >= maxComments:
		return a, errs.Field("text", "max_items", "a form has at most %d comments", maxComments)
	}
	a.Comments = append(append([]Comment{}, a.Comments...), c)
	return a, nil
}

// Attachment is a document by its hash.
type Attachment struct {
	Title  string        `json:"title"`
	SHA256 string        `json:"sha256"`
	By     string        `json:"attached_by"`
	Date   calendar.Date `json:"business_date"`
}

// Attached adds a document to a form that is not decided; one that is there changes nothing.
func (a Application) Attached(t Attachment) (Application, error) {
	switch a.State {
	case Draft, Pending, Returned, Conditional:
	default:
		return a, stateError(a.State, "added to")
	}
	for _, there := range a.Attachments {
		if there.SHA256 == t.SHA256 {
			return a, nil
		}
	}
	if len(a.Attachments) >= maxAttachments {
		return a, errs.Field("attachment", "max_items", "a form has at most %d documents", maxAttachments)
	}
	a.Attachments = append(append([]Attachment{}, a.Attachments...), t)
	return a, nil
}
