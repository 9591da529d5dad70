package gate_test

import (
	"os"
	"slices"
	"strconv"
	"testing"

	"github.com/avalcredit/aval/pkg/approval"
	"github.com/avalcredit/aval/pkg/calendar"
	"github.com/avalcredit/aval/pkg/errs"
	"github.com/avalcredit/aval/pkg/money"
	"github.com/avalcredit/aval/services/ordergate/internal/account"
	"github.com/avalcredit/aval/services/ordergate/internal/casefile"
	"github.com/avalcredit/aval/services/ordergate/internal/check"
	"github.com/avalcredit/aval/services/ordergate/internal/gate"
	"github.com/avalcredit/aval/services/ordergate/internal/order"
)

type (
	controlCase = casefile.ControlCase
	controlStep = casefile.ControlStep
)

// stage is a world with what it told others.
type stage struct {
	*world
	events      []gate.Event
	withdrawals int
	ids         int
}

func TestControlCases(t *testing.T) {
	t.Parallel()
	cases, err := casefile.ReadControls(os.DirFS("../../testdata/controls"))
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range cases {
		t.Run(c.ID, func(t *testing.T) {
			t.Parallel()
			st := newStage(t, c)
			for i, s := range c.Steps {
				st.step(i+1, s)
			}
		})
	}
}

func newStage(t reporter, c controlCase) *stage {
	p := policyCase{Authority: c.Policy.Authority, Tolerance: "0.1", MemoryDays: 5, HeldReserve: c.Policy.HeldReserve, OverShipment: c.Policy.OverShipment}
	if c.Policy.NoMemory {
		p.MemoryDays = 0
	}
	st := &stage{world: newWorld(t, p)}
	ctl := &st.policy.Controls
	ctl.DueDays, ctl.RaiseLiftsHold, ctl.AnswerForMinutes = c.Policy.DueDays, !c.Policy.KeepHold, 15
	if s := c.Policy.Stop; s != nil {
		ctl.CreditStop = &check.CreditStopRule{OverPercent: ratio(t, s.Percent), OverdueDays: s.Days, ReleasesCount: s.Count}
	}
	if c.Policy.SevereRatio != "" || c.Policy.SevereDays > 0 {
		ctl.Severe = &check.Severe{
			Ratio: ratio(t, c.Policy.SevereRatio), Days: c.Policy.SevereDays, Step: approval.Step{Name: "top management", AnyOf: []string{"CHAIRMAN"}},
		}
	}
	return st
}

func (st *stage) step(n int, s controlStep) {
	st.t.Helper()
	if s.Date != "" {
		st.today = calendar.MustDate(s.Date)
	}
	st.events, st.withdrawals = nil, 0
	st.expireDue()
	why, err := st.act(s)
	if got := errs.ReasonOf(err); got != s.Error {
		st.t.Fatalf("step %d (%s %s): error %q (%v), want %q", n, s.Do, s.Order, got, err, s.Error)
	}
	st.shows(n, s, why)
	st.invariants(n)
	if a := st.account; !a.NextExpiry.IsZero() {
		for _, o := range st.orders {
			if last := o.Expiry(); !last.IsZero() && last.Before(a.NextExpiry) {
				st.t.Errorf("step %d: order %s expires on %s, the account looks again only after %s", n, o.ID, last, a.NextExpiry)
			}
		}
	}
}

// tell takes a change with what it tells others.
func (st *stage) tell(c gate.Change, err error) error {
	if _, err = st.take(c, err); err != nil {
		return err
	}
	st.events = append(st.events, c.Events...)
	if c.Withdraw != nil {
		st.withdrawals++
	}
	return nil
}

// settle is what follows a change in the same transaction.
func (st *stage) settle(err error) error {
	if err != nil {
		return err
	}
	if c, changed := gate.Enforce(st.env("SYSTEM"), st.account, "", 0); changed {
		if err := st.tell(c, nil); err != nil {
			return err
		}
	}
	var held []order.Order
	for _, o := range st.orders {
		if o.State == order.Held {
			held = append(held, o)
		}
	}
	return recheckHeld(st.env("SYSTEM"), st.account, held, func(c *gate.Change) error {
		err := st.tell(*c, nil)
		c.Account = st.account
		return err
	})
}

func (st *stage) expireDue() {
	var ids []string
	for id := range st.orders {
		ids = append(ids, id)
	}
	slices.Sort(ids)
	for _, id := range ids {
		c, did, err := gate.Expire(st.env("SYSTEM"), st.account, st.orders[id])
		if err != nil {
			st.t.Fatal(err)
		}
		if did {
			if err := st.settle(st.tell(c, nil)); err != nil {
				st.t.Fatal(err)
			}
		}
	}
}

func (st *stage) act(s controlStep) (why []string, err error) {
	role := s.By
	if role == "" {
		role = "CREDIT_MANAGER"
	}
	env, a, o := st.env(role), st.account, st.orders[s.Order]
	date := func(text string) calendar.Date {
		if text == "" {
			return calendar.Date{}
		}
		return calendar.MustDate(text)
	}
	st.ids++
	id := strconv.Itoa(st.ids)
	switch s.Do {
	case "day":
		return nil, nil
	case "grant":
		return nil, st.granted(s)
	case "position":
		return nil, st.positioned(s)
	case "submit":
		placed := st.newOrder(step{Order: s.Order, Amount: s.Amount, Terms: s.Terms, TermDays: s.TermDays})
		placed.ValidUntil = date(s.Until)
		return nil, st.tell(gate.Submit(st.env("SALESPERSON"), a, placed))
	case "amend":
		m := money.New(minor(st.t, s.Amount), "CNY")
		return nil, st.settle(st.tell(gate.Amend(env, a, o, gate.Amendment{Amount: &m, TermDays: s.TermDays, HoldIfNeeded: s.Kind == "hold"})))
	case "recheck":
		return nil, st.tell(gate.Recheck(env, a, o))
	case "cancel":
		c, did, err := gate.Cancel(env, a, o, "")
		if !did {
			return nil, err
		}
		return nil, st.settle(st.tell(c, err))
	case "approve", "reject", "send back":
		d := map[string]approval.Decision{"approve": approval.Approve, "reject": approval.Reject, "send back": approval.Return}[s.Do]
		var conds *order.Conditions
		if s.MaxAmount+s.Payment+s.Until != "" {
			conds = &order.Conditions{MaxAmount: minor(st.t, s.MaxAmount), Payment: minor(st.t, s.Payment), Until: date(s.Until)}
		}
		return nil, st.settle(st.tell(gate.Act(env, a, o, d, "because", conds)))
	case "authorize":
		return gate.Authorize(env, a, o, st.amount(s))
	case "ship":
		c, err := gate.Ship(env, a, o, "S"+id, st.amount(s), false)
		if err != nil {
			if stop, stops := gate.EnforceAtShipping(env, a, o, st.amount(s)); stops {
				return nil, st.tellAnd(stop, err)
			}
		}
		return nil, st.tell(c, err)
	case "take back":
		return nil, st.settle(st.tell(gate.TakeBack(env, a, o, "R"+id, *st.amount(s), s.Replace)))
	case "close":
		c, did, err := gate.Close(env, a, o, "")
		if !did {
			return nil, err
		}
		return nil, st.settle(st.tell(c, err))
	case "reopen":
		return nil, st.tell(gate.Reopen(env, a, o, date(s.Until), ""))
	case "block":
		return nil, st.settle(st.tell(gate.Block(env, a, account.Block{Kind: account.BlockKind(s.Kind), Reason: "because", Until: date(s.Until)})))
	case "unblock":
		c, did, err := gate.Unblock(env, a, "because")
		if !did {
			return nil, err
		}
		return nil, st.settle(st.tell(c, err))
	case "ask exception":
		return nil, st.tell(gate.RequestException(st.env("SALES_MANAGER"), a, gate.ExceptionRequest{
			Reason: "because", Until: date(s.Until), MaxExcess: minor(st.t, s.MaxExcess), MaxDays: s.MaxDays,
		}))
	case "sign exception":
		return nil, st.settle(st.tell(gate.DecideException(env, a, approval.Approve, "because")))
	case "reject exception":
		return nil, st.tell(gate.DecideException(env, a, approval.Reject, "because"))
	}
	st.t.Fatalf("unknown step %q", s.Do)
	return nil, nil
}

func (st *stage) tellAnd(c gate.Change, cause error) error {
	if err := st.tell(c, nil); err != nil {
		return err
	}
	return cause
}

func (st *stage) amount(s controlStep) *money.Money {
	if s.Amount == "" {
		return nil
	}
	m := money.New(minor(st.t, s.Amount), "CNY")
	return &m
}

func (st *stage) granted(s controlStep) error {
	g := account.Grant{Version: st.account.Profile.Grant.Version + 1, Treatment: account.Credit, TermDays: 30, Limit: account.Limit{Kind: account.LimitAmount}}
	if s.Treatment != "" {
		g.Treatment = account.Treatment(s.Treatment)
	}
	switch s.Limit {
	case "undefined":
		g.Limit.Kind = account.LimitUndefined
	case "unlimited":
		g.Limit.Kind = account.LimitUnlimited
	default:
		g.Limit.Minor = minor(st.t, s.Limit)
	}
	before := st.account.Profile.Grant
	p := account.Profile{Seq: st.account.Profile.Seq + 1, BusinessDate: st.today, Name: "C1", Currency: "CNY", Grant: g}
	c, _, err := gate.ReceiveProfile(st.account, p, false)
	if err := st.tell(c, err); err != nil {
		return err
	}
	if lift, lifted := gate.LiftByLimit(st.env("SYSTEM"), st.account, before); lifted {
		if err := st.tell(lift, nil); err != nil {
			return err
		}
	}
	return st.settle(nil)
}

func (st *stage) positioned(s controlStep) error {
	p := account.Position{Seq: st.account.PositionSeq + 1, BusinessDate: st.today, Currency: "CNY", Receivable: minor(st.t, s.Receivable), Unapplied: minor(st.t, s.Unapplied)}
	var dates []string
	for d := range s.Due {
		dates = append(dates, d)
	}
	slices.Sort(dates)
	for _, d := range dates {
		p.Ladder = append(p.Ladder, account.Due{Date: calendar.MustDate(d), Minor: minor(st.t, s.Due[d])})
	}
	for id, amount := range s.Bills {
		if _, ours := st.orders[id]; !ours {
			p.OtherBilled += minor(st.t, amount)
			continue
		}
		p.Movements = append(p.Movements, account.Movement{OrderID: id, InvoiceID: "I" + id, Minor: minor(st.t, amount)})
	}
	c, _, err := gate.ReceivePosition(st.account, p, st.orders)
	return st.settle(st.tell(c, err))
}

func (st *stage) shows(n int, s controlStep, why []string) {
	st.t.Helper()
	o := st.orders[s.Order]
	if s.Want != "" && string(o.State) != s.Want {
		st.t.Errorf("step %d: %s %s is %s, want %s", n, s.Do, s.Order, o.State, s.Want)
	}
	if s.Form != "" && (o.Hold == nil || string(o.Hold.Form.State) != s.Form) {
		st.t.Errorf("step %d: form of %s is %+v, want %s", n, s.Order, o.Hold, s.Form)
	}
	if s.Do == "authorize" {
		if s.Allowed != (len(why) == 0) || !slices.Equal(why, s.Reasons) {
			st.t.Errorf("step %d: %s may not ship for %v, want %v", n, s.Order, why, s.Reasons)
		}
	} else if s.Reasons != nil && !slices.Equal(o.Hold.Reasons, s.Reasons) {
		st.t.Errorf("step %d: held by %v, want %v", n, o.Hold.Reasons, s.Reasons)
	}
	if c := st.account.Control; s.Stopped != nil && *s.Stopped != (c.Stop != nil) {
		st.t.Errorf("step %d: stop is %+v", n, c.Stop)
	}
	if on := st.account.Control.BlockOn(st.today); s.Blocked != nil && *s.Blocked != (on != nil) {
		st.t.Errorf("step %d: block is %+v", n, on)
	}
	if s.Withdrawals != nil && *s.Withdrawals != st.withdrawals {
		st.t.Errorf("step %d: asked for %d withdrawals, want %d", n, st.withdrawals, *s.Withdrawals)
	}
	if s.Events != nil {
		got := []string{}
		for _, e := range st.events {
			got = append(got, string(e.Type))
		}
		if !slices.Equal(got, s.Events) {
			st.t.Errorf("step %d: told %v, want %v", n, got, s.Events)
		}
	}
	if s.Next != nil {
		f := st.policy.Escalated(o.Hold.Form, o.Hold.Opened, st.today)
		if step, open := f.Next(); !open || !slices.Equal(step.AnyOf, s.Next) {
			st.t.Errorf("step %d: next step is %v, want %v", n, step, s.Next)
		}
	}
	b := st.account.Buckets
	got := map[string]int64{"order": b.Order, "delivery": b.Delivery, "receivable": b.Receivable, "exposure": b.Exposure()}
	for name, want := range s.Buckets {
		if got[name] != minor(st.t, want) {
			st.t.Errorf("step %d: bucket %s is %s, want %s", n, name, money.New(got[name], "CNY"), want)
		}
	}
}
