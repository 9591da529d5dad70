package gate

import (
	"cmp"
	"math"
	"slices"

	"github.com/avalcredit/aval/pkg/errs"
	"github.com/avalcredit/aval/services/ordergate/internal/account"
	"github.com/avalcredit/aval/services/ordergate/internal/check"
	"github.com/avalcredit/aval/services/ordergate/internal/order"
)

// MaxPassed is how many of the orders that wait are named when one behind them goes ahead: the first in turn, who are nearest to credit.
const MaxPassed = 50

// rankers are the roles that give an order a priority above 0. A salesperson alone does not put its customers before those of others.
var rankers = []string{"SALES_SUPERVISOR", "SALES_MANAGER", "SALES_DIRECTOR", "ERP", "OPERATOR"}

// ranks reports whether the caller stands above single salespeople.
func ranks(env Env) bool {
	return slices.ContainsFunc(env.Roles, func(r string) bool { return slices.Contains(rankers, r) })
}

// mayRank refuses a priority that the caller may not give. Lowering one is anybody's who may change the order. Errors: PRIORITY_NOT_ALLOWED.
func mayRank(env Env, field string, from, to int) error {
	if to <= from || ranks(env) {
		return nil
	}
	return errs.New(errs.PermissionDenied, "PRIORITY_NOT_ALLOWED", "a priority above %d is given by sales supervisors, managers, directors, the ERP and operators", from).
		WithViolations(errs.Violation{Field: field, Rule: "PRIORITY_NOT_ALLOWED", Message: "is not the caller's to raise"})
}

// InTurn is the policy's order of those that wait: who gets credit that comes free before whom, the same every time. It ends with who
// has waited longest, which no two orders share.
func InTurn(p check.Policy) func(x, y order.Order) int {
	return func(x, y order.Order) int {
		for _, c := range p.WaitingOrder {
			if by := byCriterion(c, x, y); by != 0 {
				return by
			}
		}
		return oldestFirst(x, y)
	}
}

func byCriterion(c check.WaitingCriterion, x, y order.Order) int {
	switch c {
	case check.ByPriority:
		return cmp.Compare(y.Priority, x.Priority)
	case check.ByAge:
		return x.SubmitDate.Compare(y.SubmitDate)
	case check.BySmallest:
		return cmp.Or(cmp.Compare(x.Currency, y.Currency), cmp.Compare(x.Open(), y.Open()))
	case check.ByLargest:
		return cmp.Or(cmp.Compare(x.Currency, y.Currency), cmp.Compare(y.Open(), x.Open()))
	}
	return 0
}

// oldestFirst puts who has waited longest first; an order that was never on hold comes after all that are.
func oldestFirst(x, y order.Order) int {
	place := func(o order.Order) (int64, int64) {
		if o.Hold == nil {
			return math.MaxInt64, math.MaxInt64
		}
		return o.Hold.Place, o.Hold.Number
	}
	xp, xn := place(x)
	yp, yn := place(y)
	return cmp.Or(x.SubmitDate.Compare(y.SubmitDate), cmp.Compare(xp, yp), cmp.Compare(xn, yn),
		cmp.Compare(x.CustomerID, y.CustomerID), cmp.Compare(x.ID, y.ID))
}

// Overtakes reports whether the order of a change gets credit by it, so that it goes ahead of those before it that wait: more is reserved
// for it than before, not against money that is here, and not because people released it, who decide beyond the order of those that wait.
func (c *Change) Overtakes(before order.Order) bool {
	if c.Record == nil || len(c.Orders) != 1 || c.Kind == OrderReleased {
		return false
	}
	after := c.Orders[0]
	return after.State == order.Approved && after.Reserved-setAside(after) > before.Reserved-setAside(before)
}

// Overtaken names those of the waiting orders that stand before an order that got credit, first in turn first.
func Overtaken(p check.Policy, o order.Order, waiting []order.Order) []string {
	turn := InTurn(p)
	waiting = slices.DeleteFunc(slices.Clone(waiting), func(w order.Order) bool { return w.ID == o.ID || turn(w, o) >= 0 })
	slices.SortFunc(waiting, turn)
	var ids []string
	for _, w := range waiting[:min(len(waiting), MaxPassed)] {
		ids = append(ids, w.ID)
	}
	return ids
}

// RecheckAll judges orders on hold of several accounts again in the policy's order, after something freed credit. of gives an account as it is
// now, and what its orders are judged under; the policy is the same for all. Only orders that pass are changed; each that passes takes its
// credit before the next is judged, so the result is the same every time. It names those before it that wait on.
func RecheckAll(of func(customerID string) (Env, account.Account), orders []order.Order, seal func(*Change) error) error {
	if len(orders) == 0 {
		return nil
	}
	env, _ := of(orders[0].CustomerID)
	slices.SortFunc(orders, InTurn(env.Policy))
	var waits []string
	for _, o := range orders {
		env, a := of(o.CustomerID)
		if a.Profile.LifeCycle == account.Closed {
			continue // no further trade
		}
		c, err := judge(env, a, o, o.Clone(), check.AtRecheck, OrderRechecked)
		if err != nil {
			return err
		}
		if s := c.Orders[0].State; s == order.Held || s == order.Rejected { // what a rule forbids today waits; a person rechecks or rejects it
			if len(waits) < MaxPassed {
				waits = append(waits, o.ID)
			}
			continue
		}
		if c.Overtakes(o) {
			c.Detail.Passed = slices.Clone(waits)
		}
		if err := seal(&c); err != nil {
			return err
		}
	}
	return nil
}

// RecheckOne judges one order on hold again, as RecheckAll does. It reports false where the order waits on.
func RecheckOne(env Env, a account.Account, o order.Order) (c Change, passed bool, err error) {
	err = RecheckAll(func(string) (Env, account.Account) { return env, a }, []order.Order{o}, func(x *Change) error {
		c, passed = *x, true
		return nil
	})
	return c, passed, err
}

// Turn is of an order what its turn is decided by, and no more: for long queues.
func Turn(o order.Order) order.Order {
	t := order.Order{
		ID: o.ID, CustomerID: o.CustomerID, Currency: o.Currency, SubmitDate: o.SubmitDate, Priority: o.Priority,
		Amount: o.Amount, Over: o.Over, Cancelled: o.Cancelled, Shipped: o.Shipped, Ahead: o.Ahead,
	}
	if o.Hold != nil {
		t.Hold = &order.Hold{Place: o.Hold.Place, Number: o.Hold.Number}
	}
	return t
}
