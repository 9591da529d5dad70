package customer

import (
	"slices"
	"strings"

	"github.com/avalcredit/aval/pkg/errs"
)

// ReasonLifeCycle: the relation does not go from the one stage to the other.
const ReasonLifeCycle = "LIFE_CYCLE_NOT_ALLOWED"

// Next returns the stages that may follow a stage. A customer that was phased out
// comes back under watch, one that was closed begins anew as a prospect.
func (l LifeCycle) Next() []LifeCycle {
	switch l {
	case Prospect:
		return []LifeCycle{Active, Closed}
	case Active:
		return []LifeCycle{Watch, PhasedOut, Closed}
	case Watch:
		return []LifeCycle{Active, PhasedOut, Closed}
	case PhasedOut:
		return []LifeCycle{Watch, Closed}
	case Closed:
		return []LifeCycle{Prospect}
	default:
		return nil
	}
}

// move checks a change of stage; staying is always allowed, and what is no stage at
// all is left to Validate.
func (l LifeCycle) move(to LifeCycle) error {
	if l == to || !to.known() || slices.Contains(l.Next(), to) {
		return nil
	}
	var next []string
	for _, n := range l.Next() {
		next = append(next, string(n))
	}
	const path = "customer.life_cycle"
	message := "after " + string(l) + " comes " + strings.Join(next, " or ") + ", not " + string(to)
	return errs.New(errs.FailedPrecondition, ReasonLifeCycle, "%s: %s", path, message).
		With("field", path).With("life_cycle", string(l)).
		WithViolations(errs.Violation{Field: path, Rule: "transition", Message: message})
}
