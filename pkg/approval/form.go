package approval

import (
	"slices"
	"strings"

	"github.com/avalcredit/aval/pkg/calendar"
	"github.com/avalcredit/aval/pkg/errs"
)

// The reasons for which an act is refused.
const (
	// ReasonNotYourStep: the person holds no role of the next step.
	ReasonNotYourStep = "NOT_YOUR_STEP"
	// ReasonSamePerson: the applicant, or someone who acted on the form before.
	ReasonSamePerson = "SAME_PERSON"
	// ReasonFormClosed: the form is decided, rejected or returned.
	ReasonFormClosed = "FORM_CLOSED"
	// ReasonRequired: a rejection or a return says why.
	ReasonRequired = "REASON_REQUIRED"
)

// Decision is what a person does with a form.
type Decision string

// The decisions.
const (
	// Approve takes the step; the last one approves the form.
	Approve Decision = "APPROVE"
	// Reject ends the form for good.
	Reject Decision = "REJECT"
	// Return ends this round: the applicant improves the form and applies anew.
	Return Decision = "RETURN"
)

// State is where a form stands.
type State string

// The states; only a pending form takes acts.
const (
	// Pending waits for its next step.
	Pending State = "PENDING"
	// Approved has all its steps.
	Approved State = "APPROVED"
	// Rejected was refused.
	Rejected State = "REJECTED"
	// Returned went back to the applicant.
	Returned State = "RETURNED"
)

// Act is one decision of one person on a form.
type Act struct {
	// Subject is the person, as their token names them.
	Subject string `json:"subject"`
	// Roles are the roles the person held at the time.
	Roles []string `json:"roles"`
	// Decision is what they decided.
	Decision Decision `json:"decision"`
	// Reason is why; required to reject or return.
	Reason string `json:"reason,omitempty"`
	// Date is the business date of the act.
	Date calendar.Date `json:"date"`
	// Step is the index of the step taken, from 0; Apply sets it.
	Step int `json:"step"`
}

// Form is an application on its way through its steps. It is a value: Apply returns
// a new one and leaves the old one as it was.
type Form struct {
	// Applicant is the person who applied; they take no step themselves.
	Applicant string `json:"applicant"`
	// Row is the index in the authority table, kept for the record.
	Row int `json:"row"`
	// Steps are those of the row at the time of the application: a later version of
	// the table does not change a form under way.
	Steps []Step `json:"steps"`
	// Acts are the acts so far, oldest first.
	Acts []Act `json:"acts"`
	// State is where the form stands.
	State State `json:"state"`
}

// New returns a pending form. A form without steps never becomes approved.
func New(applicant string, row int, steps []Step) Form {
	return Form{Applicant: applicant, Row: row, Steps: cloneSteps(steps), State: Pending}
}

// Next returns the step that is to be taken, if the form is pending.
func (f Form) Next() (Step, bool) {
	// While a form is pending every act took one step.
	if f.State != Pending || len(f.Acts) >= len(f.Steps) {
		return Step{}, false
	}
	return f.Steps[len(f.Acts)], true
}

// Apply returns the form after the act. It refuses with one of the reasons
// FORM_CLOSED and NOT_YOUR_STEP, SAME_PERSON (both kind PermissionDenied), or, with
// kind Invalid, REASON_REQUIRED and INVALID_FIELD.
func (f Form) Apply(a Act) (Form, error) {
	step, open := f.Next()
	if !open {
		return f, errs.New(errs.FailedPrecondition, ReasonFormClosed, "the form takes no more acts").
			With("state", string(f.State))
	}
	if err := a.check(); err != nil {
		return f, err
	}
	if f.Took(a.Subject) {
		return f, errs.New(errs.PermissionDenied, ReasonSamePerson,
			"applicant and approvers of one form are different people")
	}
	if !holdsAny(a.Roles, step.AnyOf) {
		return f, errs.New(errs.PermissionDenied, ReasonNotYourStep,
			"the next step %q is for %s", step.Name, strings.Join(step.AnyOf, " or ")).
			With("step", step.Name).With("roles", strings.Join(step.AnyOf, ","))
	}
	a.Step = len(f.Acts)
	a.Roles = slices.Clone(a.Roles)
	f.Acts = append(slices.Clip(f.Acts), a)
	f.State = f.after(a.Decision)
	return f, nil
}

// Took reports whether the person had a part in the form: applied or acted.
func (f Form) Took(subject string) bool {
	return subject == f.Applicant || slices.ContainsFunc(f.Acts, func(a Act) bool { return a.Subject == subject })
}

// May reports whether Apply would take a decision of this person now.
func (f Form) May(subject string, roles []string) bool {
	step, open := f.Next()
	return open && subject != "" && !f.Took(subject) && holdsAny(roles, step.AnyOf)
}

func (f Form) after(d Decision) State {
	switch {
	case d == Reject:
		return Rejected
	case d == Return:
		return Returned
	case len(f.Acts) == len(f.Steps):
		return Approved
	default:
		return Pending
	}
}

func (a Act) check() error {
	if a.Subject == "" {
		return errs.Field("subject", "required", "an act needs a person")
	}
	switch a.Decision {
	case Approve:
		return nil
	case Reject, Return:
		if strings.TrimSpace(a.Reason) == "" {
			return errs.New(errs.Invalid, ReasonRequired, "to reject or return a form, say why").
				WithViolations(errs.Violation{Field: "reason", Rule: "required", Message: "say why"})
		}
		return nil
	default:
		return errs.Field("decision", "defined_only", "is none of APPROVE, REJECT, RETURN")
	}
}

func holdsAny(roles, anyOf []string) bool {
	return slices.ContainsFunc(anyOf, func(r string) bool { return slices.Contains(roles, r) })
}
