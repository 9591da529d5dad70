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
	// ReasonSamePerson: the applicant, or someone who acted on the form before, or whose
	// seat was taken.
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
	// For is the person in whose seat they acted; empty: their own. See Delegation.
	For string `json:"for,omitempty"`
	// Roles are the roles of the seat at the time.
	Roles []string `json:"roles"`
	// Decision is what they decided.
	Decision Decision `json:"decision"`
	// Reason is why; required to reject or return, and where the step is in writing.
	Reason string `json:"reason,omitempty"`
	// Date is the business date of the act.
	Date calendar.Date `json:"date"`
	// Step is the index of the step that the act was on, from 0; Apply sets it.
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
	// Opened is the day of the application; zero: no step is ever late.
	Opened calendar.Date `json:"opened,omitzero"`
	// Escalations are the late steps that went to somebody else too, oldest first.
	Escalations []Escalation `json:"escalations,omitempty"`
}

// New returns a pending form. A form without steps never becomes approved.
func New(applicant string, row int, steps []Step) Form {
	return Form{Applicant: applicant, Row: row, Steps: cloneSteps(steps), State: Pending}
}

// Next returns the step that is to be taken, if the form is pending.
func (f Form) Next() (Step, bool) {
	if i, open := f.NextIndex(); open {
		return f.Steps[i], true
	}
	return Step{}, false
}

// NextIndex is the index of the step that is to be taken, if the form is pending.
func (f Form) NextIndex() (int, bool) {
	i := f.at()
	return i, f.State == Pending && i < len(f.Steps)
}

// at is the index of the step after those that all their people have signed.
func (f Form) at() int {
	if len(f.Acts) == 0 {
		return 0
	}
	i := f.Acts[len(f.Acts)-1].Step
	if i < 0 || i >= len(f.Steps) {
		return len(f.Steps)
	}
	if len(f.actsOn(i)) >= f.Steps[i].People() {
		return i + 1
	}
	return i
}

func (f Form) actsOn(step int) []Act {
	var on []Act
	for _, a := range f.Acts {
		if a.Step == step {
			on = append(on, a)
		}
	}
	return on
}

// NextRoles are the roles of which any one is enough to take the next step, or a part
// of it; none where the form is not pending.
func (f Form) NextRoles() []string {
	i, open := f.NextIndex()
	if !open {
		return nil
	}
	var roles []string
	for _, r := range slices.Concat(f.Steps[i].AnyOf, f.Steps[i].AllOf, f.escalatedTo(i)) {
		if !slices.Contains(roles, r) && f.takes(i, []string{r}) {
			roles = append(roles, r)
		}
	}
	return roles
}

// takes reports whether the holder of the roles can take a step, or a part of it that
// nobody has signed.
func (f Form) takes(step int, roles []string) bool {
	s, late := f.Steps[step], f.escalatedTo(step)
	if len(s.AllOf) == 0 {
		return holdsAny(roles, s.AnyOf) || holdsAny(roles, late)
	}
	seats := make([][]string, 0, len(s.AllOf))
	for _, a := range f.actsOn(step) {
		seats = append(seats, a.Roles)
	}
	return seated(append(seats, roles), s.AllOf, late)
}

// seated reports whether each of the people can stand for a role of their own. The
// holder of a role that a late step went to stands for any.
func seated(people [][]string, roles, late []string) bool {
	by := make([]int, len(roles)) // who stands for a role, from 1
	var place func(p int, tried []bool) bool
	place = func(p int, tried []bool) bool {
		for r, role := range roles {
			if tried[r] || !slices.Contains(people[p], role) && !holdsAny(people[p], late) {
				continue
			}
			tried[r] = true
			if by[r] == 0 || place(by[r]-1, tried) {
				by[r] = p + 1
				return true
			}
		}
		return false
	}
	for p := range people {
		if !place(p, make([]bool, len(roles))) {
			return false
		}
	}
	return true
}

// Apply returns the form after the act. It refuses with one of the reasons
// FORM_CLOSED and NOT_YOUR_STEP, SAME_PERSON (both kind PermissionDenied), or, with
// kind Invalid, REASON_REQUIRED and INVALID_FIELD.
func (f Form) Apply(a Act) (Form, error) {
	i, open := f.NextIndex()
	if !open {
		return f, errs.New(errs.FailedPrecondition, ReasonFormClosed, "the form takes no more acts").
			With("state", string(f.State))
	}
	step := f.Steps[i]
	if a.Subject == "" {
		return f, errs.Field("subject", "required", "an act needs a person")
	}
	if f.Took(a.Subject) || a.For != "" && f.Took(a.For) {
		return f, errs.New(errs.PermissionDenied, ReasonSamePerson,
			"applicant and approvers of one form are different people, and so are those in whose seats they act")
	}
	if !f.takes(i, a.Roles) {
		who := strings.Join(f.NextRoles(), " or ")
		return f, errs.New(errs.PermissionDenied, ReasonNotYourStep, "the next step %q is for %s", step.Name, who).
			With("step", step.Name).With("roles", strings.Join(f.NextRoles(), ","))
	}
	// Who may not act is told that first.
	if err := a.check(step); err != nil {
		return f, err
	}
	a.Step = i
	a.Roles = slices.Clone(a.Roles)
	f.Acts = append(slices.Clip(f.Acts), a)
	f.State = f.after(a.Decision)
	return f, nil
}

// Took reports whether the person had a part in the form: applied, acted, or had
// somebody act in their seat.
func (f Form) Took(subject string) bool {
	return subject == f.Applicant ||
		slices.ContainsFunc(f.Acts, func(a Act) bool { return a.Subject == subject || a.For == subject && a.For != "" })
}

// May reports whether Apply would take a decision of this person, in their own seat, now.
func (f Form) May(subject string, roles []string) bool {
	i, open := f.NextIndex()
	return open && subject != "" && !f.Took(subject) && f.takes(i, roles)
}

func (f Form) after(d Decision) State {
	switch {
	case d == Reject:
		return Rejected
	case d == Return:
		return Returned
	case f.at() == len(f.Steps):
		return Approved
	default:
		return Pending
	}
}

func (a Act) check(s Step) error {
	if a.Subject == a.For {
		return errs.Field("on_behalf_of", "another", "is the person who acts")
	}
	silent := strings.TrimSpace(a.Reason) == ""
	switch {
	case a.Decision != Approve && a.Decision != Reject && a.Decision != Return:
		return errs.Field("decision", "defined_only", "is none of APPROVE, REJECT, RETURN")
	case silent && a.Decision != Approve:
		return reasonRequired("to reject or return a form, say why")
	case silent && s.InWriting:
		return reasonRequired("the step is taken in writing: say why the form is approved")
	}
	return nil
}

func reasonRequired(text string) error {
	return errs.New(errs.Invalid, ReasonRequired, "%s", text).
		WithViolations(errs.Violation{Field: "reason", Rule: "required", Message: "say why"})
}

func holdsAny(roles, anyOf []string) bool {
	return slices.ContainsFunc(anyOf, func(r string) bool { return slices.Contains(roles, r) })
}
