package simulate_test

import (
	"encoding/json"
	"fmt"
	"reflect"
	"testing"

	"github.com/avalcredit/aval/pkg/calendar"
	"github.com/avalcredit/aval/pkg/money"
	"github.com/avalcredit/aval/services/ordergate/internal/account"
	"github.com/avalcredit/aval/services/ordergate/internal/check"
	"github.com/avalcredit/aval/services/ordergate/internal/gate"
	"github.com/avalcredit/aval/services/ordergate/internal/order"
	"github.com/avalcredit/aval/services/ordergate/internal/simulate"
)

func date(s string) calendar.Date { return calendar.MustDate(s) }

// policyOf has one rule: the share of the limit that may be used.
func policyOf(version int64, threshold string) check.Policy {
	ratio, err := money.ParseRatio(threshold)
	if err != nil {
		panic(err)
	}
	return check.Policy{Version: version, BaseCurrency: "CNY", Rules: []check.Rule{{Name: "limit", Kind: check.KindLimit, Enforcement: check.HoldOnBreak, Threshold: ratio}}}
}

// journal builds the entries of one account.
type journal struct {
	entries []gate.Entry
	old     check.Policy
}

func (j *journal) add(day string, kind gate.Kind, orderID string, detail gate.Detail, rec *check.Record) {
	text, err := json.Marshal(detail)
	if err != nil {
		panic(err)
	}
	e := gate.Entry{AccountID: "C1", Seq: int64(len(j.entries) + 1), Kind: kind, OrderID: orderID, BusinessDate: date(day), Detail: text}
	if rec != nil {
		if e.Decision, err = rec.Encode(); err != nil {
			panic(err)
		}
	}
	j.entries = append(j.entries, e)
}

// submit puts an order of minor units in, on an account with a limit of 1000 of which used is used.
func (j *journal) submit(day, id string, used, minor int64) {
	in := check.Input{Point: check.AtSubmit, BusinessDate: date(day), PolicyVersion: 1,
		Account: check.AccountFacts{CustomerID: "C1", Currency: "CNY", Grade: "A", Buckets: account.Buckets{Order: used},
			Grant: account.Grant{Treatment: account.Credit, Limit: account.Limit{Kind: account.LimitAmount, Minor: 1000}}},
		Order: check.OrderFacts{OrderID: id, Amount: minor, Open: minor, Terms: order.OpenAccount}}
	rec := check.Record{Input: in, Result: check.Decide(in, j.old)}
	j.add(day, gate.OrderSubmitted, id, gate.Detail{Orders: []order.Order{{ID: id, State: order.Approved}}}, &rec)
}

func (j *journal) position(day string, ladder account.Ladder, billed ...string) {
	p := account.Position{Ladder: ladder, BusinessDate: date(day)}
	for _, id := range billed {
		p.Movements = append(p.Movements, account.Movement{OrderID: id, InvoiceID: "I-" + id, Minor: 1})
	}
	j.add(day, gate.PositionReceived, "", gate.Detail{Position: &p}, nil)
}

func (j *journal) run(spec simulate.Spec, p check.Policy, today string) simulate.Result {
	r := simulate.New(spec, p, simulate.Result{})
	r.Begin(nil)
	for _, e := range j.entries {
		if err := r.Entry(e); err != nil {
			panic(err)
		}
	}
	r.End(date(today))
	r.Result.Trim()
	return r.Result
}

func due(day string, minor int64) account.Due { return account.Due{Date: date(day), Minor: minor} }

var july = simulate.Spec{Version: 2, From: date("2026-07-01"), To: date("2026-07-31")}

func TestStricterPolicy(t *testing.T) {
	t.Parallel()
	j := &journal{old: policyOf(1, "1")}
	j.position("2026-06-01", account.Ladder{due("2026-06-30", 5)})
	j.submit("2026-06-30", "early", 0, 900) // before the period
	j.submit("2026-07-01", "small", 0, 400)
	j.submit("2026-07-02", "late", 400, 400)   // 800: passes at 100 %, held at 50 %; paid late
	j.submit("2026-07-02", "prompt", 800, 100) // the same; paid in time
	j.submit("2026-07-03", "lost", 900, 50)    // the same; cancelled
	j.submit("2026-07-03", "large", 950, 100)  // held under both
	j.position("2026-07-05", account.Ladder{due("2026-06-30", 5), due("2026-08-04", 400)}, "late")
	j.position("2026-07-06", account.Ladder{due("2026-06-30", 5), due("2026-08-04", 400), due("2026-08-05", 100)}, "prompt")
	j.add("2026-07-07", gate.OrderCancelled, "lost", gate.Detail{Orders: []order.Order{{ID: "lost", State: order.Cancelled}}}, nil)
	j.position("2026-08-05", account.Ladder{due("2026-08-04", 400)}) // prompt is paid on its day
	j.position("2026-08-14", account.Ladder{})                       // late is paid ten days late
	got := j.run(july, policyOf(2, "0.5"), "2026-09-01")
	want := simulate.Tally{PassBoth: 1, HeldBoth: 1, NewlyHeld: 3, NewlyHeldAmounts: simulate.Amounts{"CNY": 550}, All: simulate.Amounts{"CNY": 1050}}
	if !reflect.DeepEqual(got.Orders, want) || !reflect.DeepEqual(*got.Grades["A"], want) || got.Decisions != 5 || got.DecisionsChanged != 3 {
		t.Errorf("orders %+v, want %+v; %d decisions, %d changed", got.Orders, want, got.Decisions, got.DecisionsChanged)
	}
	outcome := simulate.Outcome{Orders: 3, BecameOverdue: 1, OverdueAmounts: simulate.Amounts{"CNY": 400}, MaxDays: 10, Lost: 1, LostAmounts: simulate.Amounts{"CNY": 50}}
	if !reflect.DeepEqual(got.NewlyHeld, outcome) || got.NewlyPassed.Orders != 0 {
		t.Errorf("newly held %+v, want %+v", got.NewlyHeld, outcome)
	}
	rule := simulate.RuleTally{Held: 1, WouldHold: 4, NewlyHeldAmounts: simulate.Amounts{"CNY": 550}}
	if !reflect.DeepEqual(*got.Rules["limit"], rule) {
		t.Errorf("rule %+v, want %+v", got.Rules["limit"], rule)
	}
	if len(got.Changed) != 3 || got.Changed[0].OrderID != "late" || got.Changed[0].DaysOverdue != 10 || got.Changed[1].BecameOverdue {
		t.Errorf("changed %+v", got.Changed)
	}
}

// An order that the policy would refuse counts as held, and under the rule that refuses it.
func TestForbiddingPolicy(t *testing.T) {
	t.Parallel()
	j := &journal{old: policyOf(1, "1")}
	j.submit("2026-07-01", "small", 0, 400)
	j.submit("2026-07-02", "passed", 0, 500)
	j.submit("2026-07-03", "held", 900, 500)
	strict := policyOf(2, "1")
	strict.Rules = append(strict.Rules, check.Rule{Name: "size", Kind: check.KindOrderSize, Enforcement: check.Forbid, MaxAmount: "4.00"})
	got := j.run(july, strict, "2026-08-01")
	if got.DecisionsChanged != 2 || got.Orders.NewlyHeld != 1 || got.Orders.HeldBoth != 1 || got.Orders.PassBoth != 1 {
		t.Errorf("%d decisions changed, orders %+v", got.DecisionsChanged, got.Orders)
	}
	if size := got.Rules["size"]; size == nil || size.WouldHold != 2 || size.Held != 0 || size.NewlyHeldAmounts["CNY"] != 1000 {
		t.Errorf("rule size %+v", size)
	}
	if len(got.Changed) != 1 || got.Changed[0].OrderID != "passed" || !reflect.DeepEqual(got.Changed[0].Rules, []string{"size"}) {
		t.Errorf("changed %+v", got.Changed)
	}
}

func TestLooserPolicy(t *testing.T) {
	t.Parallel()
	j := &journal{old: policyOf(1, "0.5")}
	j.submit("2026-07-01", "kept", 0, 400)
	j.submit("2026-07-01", "gone", 400, 200)
	j.submit("2026-07-01", "open", 400, 300)
	j.add("2026-07-02", gate.OrderRejected, "gone", gate.Detail{Orders: []order.Order{{ID: "gone", State: order.Rejected}}}, nil)
	j.position("2026-07-03", account.Ladder{due("2026-07-31", 300)}, "open")
	got := j.run(july, policyOf(2, "1"), "2026-08-03") // open is open today, three days late
	if got.Orders.NewlyPassed != 2 || got.Orders.NewlyHeld != 0 || got.Orders.PassBoth != 1 || got.Orders.NewlyPassedAmounts["CNY"] != 500 {
		t.Errorf("orders %+v", got.Orders)
	}
	if x := got.NewlyPassed; x.Lost != 1 || x.LostAmounts["CNY"] != 200 || x.BecameOverdue != 1 || x.MaxDays != 3 {
		t.Errorf("newly passed %+v", x)
	}
	if today := j.run(july, policyOf(2, "1"), "2026-07-31"); today.NewlyPassed.BecameOverdue != 0 {
		t.Error("due today is not overdue")
	}
}

// The policy of the time changes nothing.
func TestSamePolicyChangesNothing(t *testing.T) {
	t.Parallel()
	j := &journal{old: policyOf(1, "1")}
	for i := range 50 {
		j.submit("2026-07-01", fmt.Sprint(i), int64(i*40), 100)
	}
	got := j.run(july, policyOf(2, "1"), "2026-08-01")
	if got.DecisionsChanged != 0 || len(got.Changed) != 0 || got.Orders.PassBoth+got.Orders.HeldBoth != 50 || got.Orders.HeldBoth == 0 {
		t.Errorf("%+v", got.Orders)
	}
}

// A run that is put aside as JSON between two accounts and taken up again gives the same.
func TestTakenUpAgain(t *testing.T) {
	t.Parallel()
	j := &journal{old: policyOf(1, "1")}
	for i := range 40 {
		j.submit("2026-07-01", fmt.Sprint(i), int64(i*30), 100)
	}
	whole := simulate.New(july, policyOf(2, "0.5"), simulate.Result{})
	parted := simulate.New(july, policyOf(2, "0.5"), simulate.Result{})
	for range 3 {
		for _, r := range []**simulate.Run{&whole, &parted} {
			(*r).Begin(nil)
			for _, e := range j.entries {
				if err := (*r).Entry(e); err != nil {
					t.Fatal(err)
				}
			}
			(*r).End(date("2026-08-01"))
		}
		text, err := json.Marshal(parted.Result)
		if err != nil {
			t.Fatal(err)
		}
		var back simulate.Result
		if err := json.Unmarshal(text, &back); err != nil {
			t.Fatal(err)
		}
		parted = simulate.New(july, policyOf(2, "0.5"), back)
	}
	whole.Result.Trim()
	parted.Result.Trim()
	if !reflect.DeepEqual(whole.Result, parted.Result) || whole.Result.Accounts != 3 || len(whole.Result.Changed) == 0 {
		t.Errorf("%+v\n%+v", whole.Result, parted.Result)
	}
}

func TestListIsBounded(t *testing.T) {
	t.Parallel()
	j := &journal{old: policyOf(1, "1")}
	for i := range 3 * simulate.MaxRows {
		j.submit("2026-07-01", fmt.Sprint(i), 600, int64(1+(i*5)%399))
	}
	got := j.run(july, policyOf(2, "0.5"), "2026-08-01")
	if got.Orders.NewlyHeld != 3*simulate.MaxRows || len(got.Changed) != simulate.MaxRows || got.Changed[0].Minor != 399 {
		t.Errorf("%d held, %d listed, largest %d", got.Orders.NewlyHeld, len(got.Changed), got.Changed[0].Minor)
	}
}

func TestUnreadableEntry(t *testing.T) {
	t.Parallel()
	r := simulate.New(july, policyOf(2, "1"), simulate.Result{})
	r.Begin(nil)
	if err := r.Entry(gate.Entry{AccountID: "C1", BusinessDate: date("2026-07-01"), Decision: []byte("{")}); err == nil {
		t.Error("a record that cannot be read passed")
	}
}
