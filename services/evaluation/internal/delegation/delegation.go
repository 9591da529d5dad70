// Package delegation is who acts in whose seat, recorded (S2.12): given by the person
// whose seat it is, for named roles and days.
package delegation

import (
	"fmt"
	"slices"
	"time"

	"github.com/avalcredit/aval/pkg/approval"
	"github.com/avalcredit/aval/pkg/calendar"
	"github.com/avalcredit/aval/pkg/errs"
)

const (
	// ReasonNotYours: somebody else's seat.
	ReasonNotYours = "NOT_YOUR_DELEGATION"
	// ReasonOver: it holds no more.
	ReasonOver = "DELEGATION_OVER"
)

// Ender is the role that may end the delegations of others too.
const Ender = "GENERAL_MANAGER"

// Delegation is one, with what is kept of how it came about.
type Delegation struct {
	ID string `json:"delegation_id"`
	approval.Delegation
	Reason     string    `json:"reason"`
	EndedBy    string    `json:"ended_by,omitempty"`
	CreateTime time.Time `json:"create_time"`
}

// Number writes the n-th number of a delegation.
func Number(n int64) string { return fmt.Sprintf("DG-%06d", n) }

// Signing are the roles that sign forms, of those held.
func Signing(held []string) []string {
	sign := []string{
		"SALES_SUPERVISOR", "SALES_MANAGER", "SALES_DIRECTOR", "CREDIT_MANAGER", "FINANCE_CLERK", "FINANCE_MANAGER",
		"FINANCE_DIRECTOR", "GENERAL_MANAGER", "CHAIRMAN",
	}
	return slices.DeleteFunc(slices.Clone(held), func(r string) bool { return !slices.Contains(sign, r) })
}

// LastDate is the last day on which it holds.
func (d Delegation) LastDate() calendar.Date {
	if d.Ended.IsZero() {
		return d.Until
	}
	return d.Ended.AddDays(-1)
}

// End ends it from a day on. Errors: PermissionDenied NOT_YOUR_DELEGATION;
// FailedPrecondition DELEGATION_OVER.
func (d Delegation) End(by string, roles []string, day calendar.Date) (Delegation, error) {
	if by != d.Principal && !slices.Contains(roles, Ender) {
		return d, errs.New(errs.PermissionDenied, ReasonNotYours, "whoever gave a delegation ends it, or the general manager")
	}
	if !d.Ended.IsZero() || day.After(d.Until) {
		return d, errs.New(errs.FailedPrecondition, ReasonOver, "delegation %s holds no more since %s", d.ID, d.LastDate().AddDays(1))
	}
	d.Ended, d.EndedBy = day, by
	return d, nil
}

// Seats are the delegations as forms look at them.
func Seats(all []Delegation) []approval.Delegation {
	out := make([]approval.Delegation, len(all))
	for i, d := range all {
		out[i] = d.Delegation
	}
	return out
}
