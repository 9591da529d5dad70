package gate_test

import (
	"fmt"
	"maps"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/avalcredit/aval/pkg/errs"
	"github.com/avalcredit/aval/services/ordergate/internal/account"
	"github.com/avalcredit/aval/services/ordergate/internal/casefile"
	"github.com/avalcredit/aval/services/ordergate/internal/check"
	"github.com/avalcredit/aval/services/ordergate/internal/gate"
	"github.com/avalcredit/aval/services/ordergate/internal/order"
	"github.com/avalcredit/aval/services/ordergate/internal/rpc"
)

func drawCriteria(t *rapid.T) []check.WaitingCriterion {
	all := []check.WaitingCriterion{check.ByPriority, check.ByAge, rapid.SampledFrom([]check.WaitingCriterion{check.BySmallest, check.ByLargest}).Draw(t, "amount")}
	return rapid.Permutation(all).Draw(t, "criteria")[:rapid.IntRange(0, 3).Draw(t, "how many")]
}

// Whatever the policy's criteria, and in whatever order the orders are read, the same ones get the credit that comes free, each names
// the same ones as passed over, and nobody is passed over by an order behind which it does not stand. Those that are named stood before
// the order, and wait on.
func TestCreditGoesTheSameWayEveryTime(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		w := newWorld(t, policyCase{})
		w.policy.WaitingOrder = drawCriteria(t)
		turn := gate.InTurn(w.policy)
		w.run(0, step{Do: "grant", Limit: "0", Term: 30})
		n := rapid.IntRange(1, 12).Draw(t, "orders")
		for i := range n {
			w.today = w.today.AddDays(rapid.IntRange(0, 1).Draw(t, "days"))
			o := order.Order{
				ID: fmt.Sprintf("O%d", i), CustomerID: "C1", Currency: "CNY", Amount: rapid.Int64Range(1, 5).Draw(t, "amount"),
				Terms: order.OpenAccount, Priority: rapid.IntRange(0, 2).Draw(t, "priority"),
			}
			if _, err := w.take(gate.Submit(w.env("ERP"), w.account, o)); err != nil {
				t.Fatal(err)
			}
		}
		held := slices.Collect(maps.Values(w.orders))
		a := w.account
		a.Profile.Grant.Limit = account.Limit{Kind: account.LimitAmount, Minor: rapid.Int64Range(0, 20).Draw(t, "limit")}
		judged := func(orders []order.Order) (got []string) {
			waits := map[string]order.Order{}
			for _, o := range orders {
				waits[o.ID] = o
			}
			err := recheckHeld(w.env("SYSTEM"), a, orders, func(c *gate.Change) error {
				_, err := c.Seal(gate.Stamp{Today: w.today})
				got = append(got, fmt.Sprint(c.Orders[0].ID, c.Detail.Passed))
				for _, id := range c.Detail.Passed {
					if turn(waits[id], waits[c.Orders[0].ID]) >= 0 {
						t.Errorf("%s is named by %s and stood behind it", id, c.Orders[0].ID)
					}
				}
				delete(waits, c.Orders[0].ID)
				for id, o := range waits {
					if before := turn(o, c.Orders[0]) < 0; before != slices.Contains(c.Detail.Passed, id) {
						t.Errorf("%s stands before %s: %v, named: %v", id, c.Orders[0].ID, before, c.Detail.Passed)
					}
				}
				return err
			})
			if err != nil {
				t.Fatal(err)
			}
			return got
		}
		first := judged(slices.Clone(held))
		if again := judged(rapid.Permutation(held).Draw(t, "read")); !slices.Equal(first, again) {
			t.Errorf("%v: once %v, then %v", w.policy.WaitingOrder, first, again)
		}
	})
}

// The order of those that wait is a total one under any criteria: no two tie, and it has no circle.
func TestTurnIsATotalOrder(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		turn := gate.InTurn(check.Policy{WaitingOrder: drawCriteria(t)})
		some := func(i int) order.Order {
			o := order.Order{
				ID: fmt.Sprintf("O%d", i), CustomerID: rapid.SampledFrom([]string{"A", "B"}).Draw(t, "customer"), State: order.Held,
				Currency: rapid.SampledFrom([]string{"CNY", "USD"}).Draw(t, "currency"), Amount: rapid.Int64Range(1, 3).Draw(t, "amount"), Priority: rapid.IntRange(0, 1).Draw(t, "priority"),
			}
			if rapid.Bool().Draw(t, "was held") {
				o.Hold = &order.Hold{Number: rapid.Int64Range(1, 3).Draw(t, "number"), Place: rapid.Int64Range(0, 2).Draw(t, "place")}
			}
			return o
		}
		x, y, z := some(1), some(2), some(3)
		if turn(x, y) == 0 || turn(x, y) != -turn(y, x) || turn(x, x) != 0 {
			t.Errorf("%+v and %+v: %d, %d", x, y, turn(x, y), turn(y, x))
		}
		if turn(gate.Turn(x), gate.Turn(y)) != turn(x, y) {
			t.Errorf("%+v and %+v: another turn", x, y)
		}
		if turn(x, y) < 0 && turn(y, z) < 0 && turn(x, z) >= 0 {
			t.Errorf("a circle: %+v, %+v, %+v", x, y, z)
		}
	})
}

// More wait than are named: the first in turn are.
func TestPassedOverAreNamedUpToABound(t *testing.T) {
	t.Parallel()
	w := newWorld(t, policyCase{})
	w.run(0, step{Do: "grant", Limit: "1", Term: 30})
	for i := range gate.MaxPassed + 5 {
		w.run(i, step{Do: "submit", Order: fmt.Sprintf("O%02d", i), Amount: "2", Want: "HELD"})
	}
	w.run(99, step{Do: "submit", Order: "LAST", Amount: "1", Want: "APPROVED"})
	var waiting []order.Order
	for _, o := range w.orders {
		if o.State == order.Held {
			waiting = append(waiting, o)
		}
	}
	got := gate.Overtaken(w.policy, w.orders["LAST"], waiting)
	if len(got) != gate.MaxPassed || got[0] != "O00" || got[gate.MaxPassed-1] != fmt.Sprintf("O%02d", gate.MaxPassed-1) {
		t.Errorf("named %v", got)
	}
}

func TestWaitingOrderIsValidated(t *testing.T) {
	t.Parallel()
	for text, rule := range map[string]string{
		"[WAITING_CRITERION_PRIORITY, WAITING_CRITERION_AGE, WAITING_CRITERION_AMOUNT_LARGEST]": "",
		"[WAITING_CRITERION_AGE, WAITING_CRITERION_AGE]":                                        "UNIQUE",
		"[WAITING_CRITERION_AMOUNT_SMALLEST, WAITING_CRITERION_AMOUNT_LARGEST]":                 "ONE_AMOUNT",
		"[WAITING_CRITERION_UNSPECIFIED]":                                                       "enum.not_in",
	} {
		_, err := rpc.ParsePolicy("case", casefile.PolicyAround+"rules:\n  - {name: limit, limit: {}}\nwaiting_order: "+text+"\n")
		e, _ := errs.As(err)
		if rule == "" {
			if err != nil {
				t.Errorf("%s: %v", text, err)
			}
			continue
		}
		if e == nil || len(e.Violations) == 0 {
			t.Errorf("%s: %v, want %s", text, err, rule)
			continue
		}
		if v := e.Violations[len(e.Violations)-1]; v.Rule != rule {
			t.Errorf("%s: %+v, want %s", text, v, rule)
		}
	}
	if _, err := rpc.ParsePolicy("case", casefile.PolicyAround+"rules:\n  - {name: limit, limit: {}}\nwaiting_order: [WAITING_CRITERION_FAME]\n"); errs.KindOf(err) != errs.Invalid {
		t.Errorf("an unknown criterion: %v", err)
	}
}

// recheckHeld judges the orders on hold of one account again.
func recheckHeld(env gate.Env, a account.Account, orders []order.Order, seal func(*gate.Change) error) error {
	return gate.RecheckAll(func(string) (gate.Env, account.Account) { return env, a }, orders, func(c *gate.Change) error {
		err := seal(c)
		a = c.Account
		return err
	})
}
