package approval

import (
	"slices"
	"strings"

	"github.com/avalcredit/aval/pkg/calendar"
	"github.com/avalcredit/aval/pkg/errs"
)

// ReasonNoDelegation: the person acts for somebody who did not ask them to, or not on
// this day.
const ReasonNoDelegation = "NO_DELEGATION"

// Delegation lets one person act in the seat of another from one day to another. It is
// not passed on: a deputy acts for whoever asked them, and with the roles that this
// person held by themselves.
type Delegation struct {
	// Principal is whose seat it is.
	Principal string `json:"principal"`
	// Deputy acts in it.
	Deputy string `json:"deputy"`
	// Roles are those of the principal that it covers.
	Roles []string `json:"roles"`
	// From and Until are both included.
	From  calendar.Date `json:"from_date"`
	Until calendar.Date `json:"until_date"`
	// Ended is the first day on which it holds no more, where it ended early.
	Ended calendar.Date `json:"ended_date,omitzero"`
}

// Check returns what is wrong with a delegation that the principal, who holds the roles,
// wants to give.
func (d Delegation) Check(held []string, today calendar.Date) error {
	var found []errs.Violation
	bad := func(field, rule, message string) {
		found = append(found, errs.Violation{Field: "delegation." + field, Rule: rule, Message: message})
	}
	if strings.TrimSpace(d.Deputy) == "" {
		bad("deputy", "required", "say who acts")
	}
	if d.Deputy == d.Principal {
		bad("deputy", "another", "is the person whose seat it is")
	}
	if len(d.Roles) == 0 {
		bad("roles", "required", "say which roles it covers")
	}
	if i := slices.IndexFunc(d.Roles, func(r string) bool { return !slices.Contains(held, r) }); i >= 0 {
		bad("roles", "held", d.Roles[i]+" is no role of the person whose seat it is")
	}
	if d.From.IsZero() || d.From.Before(today) {
		bad("from_date", "not_past", "is over, or not given")
	}
	if d.Until.Before(d.From) {
		bad("until_date", "order", "is before from_date")
	}
	return errs.Fields(found...)
}

// On reports whether it holds on a day.
func (d Delegation) On(day calendar.Date) bool {
	return !day.Before(d.From) && !day.After(d.Until) && (d.Ended.IsZero() || day.Before(d.Ended))
}

// Seat is the act of a deputy, taken in the seat that one of the delegations gives on
// the day of the act: For names whose seat it is to be, and the roles become those of
// the seat. An act without For is one's own and comes back as it is. Errors:
// PermissionDenied NO_DELEGATION.
func Seat(a Act, given []Delegation) (Act, error) {
	if a.For == "" {
		return a, nil
	}
	var roles []string
	for _, d := range given {
		if d.Principal != a.For || d.Deputy != a.Subject || !d.On(a.Date) {
			continue
		}
		for _, r := range d.Roles {
			if !slices.Contains(roles, r) {
				roles = append(roles, r)
			}
		}
	}
	if len(roles) == 0 {
		return a, errs.New(errs.PermissionDenied, ReasonNoDelegation, "%s did not ask %s to act on %s", a.For, a.Subject, a.Date).
			With("on_behalf_of", a.For)
	}
	a.Roles = roles
	return a, nil
}
