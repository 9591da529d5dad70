package simulate

import (
	"encoding/json"
	"fmt"
	"slices"

	"github.com/avalcredit/aval/pkg/calendar"
	"github.com/avalcredit/aval/services/ordergate/internal/account"
	"github.com/avalcredit/aval/services/ordergate/internal/check"
	"github.com/avalcredit/aval/services/ordergate/internal/gate"
	"github.com/avalcredit/aval/services/ordergate/internal/order"
)

// Run goes through journals, one account after the other: Begin, Entry for each entry in order, End.
type Run struct {
	Result Result
	spec   Spec
	policy check.Policy
	walk   walk
}

// walk is what is known of the account that is gone through.
type walk struct {
	followed map[string]*followed // changed orders by number
	position []byte               // detail of the newest position, not read while nobody needs it
	ladder   account.Ladder       // the due ladder, once somebody needs it
	late     map[calendar.Date]int
}

// followed is a changed order and the dates on which its invoices fall due.
type followed struct {
	Changed
	dues []calendar.Date
}

// New begins a run, or takes one up from what came out so far.
func New(spec Spec, policy check.Policy, soFar Result) *Run {
	return &Run{Result: soFar, spec: spec, policy: policy}
}

// Begin begins an account. position is the detail of the newest position before its first entry; nil: none.
func (r *Run) Begin(position []byte) {
	r.walk = walk{followed: map[string]*followed{}, position: position, late: map[calendar.Date]int{}}
}

// Follows reports whether entries behind the period still matter: some order is followed.
func (r *Run) Follows() bool { return len(r.walk.followed) > 0 }

// happened is the part of an entry's detail that tells the later life of orders.
type happened struct {
	Orders []struct {
		ID    string      `json:"id"`
		State order.State `json:"state"`
	} `json:"orders"`
	Position *account.Position `json:"position"`
}

// Entry takes up the next entry of the account.
func (r *Run) Entry(e gate.Entry) error {
	if err := r.later(e); err != nil {
		return err
	}
	if e.Decision == nil || e.BusinessDate.Before(r.spec.From) || e.BusinessDate.After(r.spec.To) {
		return nil
	}
	rec, err := check.DecodeRecord(e.Decision)
	if err != nil {
		return fmt.Errorf("journal entry %s/%d: %w", e.AccountID, e.Seq, err)
	}
	if rec.Input.Account.CustomerID != e.AccountID {
		return nil // counted where the customer's own journal has it
	}
	in := rec.Input
	in.PolicyVersion, in.PolicyHash = r.policy.Version, r.policy.Hash
	again := check.Decide(in, r.policy)
	r.Result.Decisions++
	if rec.Result.Verdict != again.Verdict {
		r.Result.DecisionsChanged++
	}
	if in.Point == check.AtSubmit {
		return r.submitted(e, rec, again)
	}
	return nil
}

// submitted counts an order, once in its life, and begins to follow it where the verdicts differ.
func (r *Run) submitted(e gate.Entry, rec check.Record, again check.Result) error {
	in := rec.Input
	held, would := rec.Result.Verdict != check.Approve, again.Verdict != check.Approve
	currency, minor := in.Account.Currency, in.Order.Amount
	r.Result.Orders.add(held, would, currency, minor)
	r.Result.grade(in.Account.Grade).add(held, would, currency, minor)
	was, now := stoppedBy(rec.Result), stoppedBy(again)
	for _, name := range was {
		t := r.Result.rule(name)
		t.Held++
		if !slices.Contains(now, name) {
			t.NewlyPassedAmounts.add(currency, minor)
		}
	}
	for _, name := range now {
		t := r.Result.rule(name)
		t.WouldHold++
		if !slices.Contains(was, name) {
			t.NewlyHeldAmounts.add(currency, minor)
		}
	}
	if held == would {
		return nil
	}
	c := Changed{
		OrderID: in.Order.OrderID, CustomerID: e.AccountID, Seq: e.Seq, BusinessDate: e.BusinessDate, Currency: currency, Minor: minor,
		Grade: in.Account.Grade, WouldHold: would, Rules: was,
	}
	if would {
		c.Rules = now
	}
	if len(r.walk.followed) >= MaxFollowed {
		r.Result.NotFollowed++
		r.Result.list(c)
		return nil
	}
	if len(r.walk.followed) == 0 {
		if err := r.readLadder(); err != nil {
			return err
		}
	}
	r.walk.followed[c.OrderID] = &followed{Changed: c}
	return nil
}

// stoppedBy are the rules that do not let an order go: those that hold it, and those that refuse it.
func stoppedBy(res check.Result) []string {
	return append(res.HoldReasons(), res.RefusalReasons()...)
}

func (r *Run) readLadder() error {
	if r.walk.position == nil {
		return nil
	}
	var h happened
	if err := json.Unmarshal(r.walk.position, &h); err != nil {
		return fmt.Errorf("position in a journal: %w", err)
	}
	if h.Position != nil {
		r.walk.ladder = h.Position.Ladder
	}
	return nil
}

// later reads what an entry says of the orders that are followed, and of what is due.
func (r *Run) later(e gate.Entry) error {
	if len(r.walk.followed) == 0 {
		if e.Kind == gate.PositionReceived {
			r.walk.position = e.Detail
		}
		return nil
	}
	if e.Kind != gate.PositionReceived && e.OrderID != "" && r.walk.followed[e.OrderID] == nil {
		return nil
	}
	var h happened
	if err := json.Unmarshal(e.Detail, &h); err != nil {
		return fmt.Errorf("journal entry %s/%d: %w", e.AccountID, e.Seq, err)
	}
	for _, o := range h.Orders {
		if f := r.walk.followed[o.ID]; f != nil {
			f.Lost = o.State == order.Rejected || o.State == order.Cancelled
		}
	}
	if h.Position != nil {
		r.dues(e.BusinessDate, *h.Position)
	}
	return nil
}

// dues marks what was open past its due date until this position came, and notes the due dates on which an invoice of a followed order
// raised the ladder.
func (r *Run) dues(day calendar.Date, p account.Position) {
	w := &r.walk
	w.mark(day)
	var rises []calendar.Date
	for _, m := range p.Movements {
		f := w.followed[m.OrderID]
		if f == nil || m.Minor <= 0 {
			continue
		}
		if rises == nil {
			rises = risen(w.ladder, p.Ladder)
		}
		for _, d := range rises {
			if len(f.dues) < maxDues && !slices.Contains(f.dues, d) {
				f.dues = append(f.dues, d)
			}
		}
	}
	w.ladder = p.Ladder
}

// mark notes how late each due date of the ladder is on a day.
func (w *walk) mark(day calendar.Date) {
	for _, d := range w.ladder {
		if d.Minor > 0 && d.Date.Before(day) {
			w.late[d.Date] = max(w.late[d.Date], day.DaysSince(d.Date))
		}
	}
}

// risen are the due dates on which more is open in b than in a.
func risen(a, b account.Ladder) []calendar.Date {
	before := make(map[calendar.Date]int64, len(a))
	for _, d := range a {
		before[d.Date] += d.Minor
	}
	var dates []calendar.Date
	for _, d := range b {
		if d.Minor > before[d.Date] {
			dates = append(dates, d.Date)
		}
	}
	return dates
}

// End ends the account: what is open today past its due date is late today.
func (r *Run) End(today calendar.Date) {
	r.Result.Accounts++
	w := &r.walk
	w.mark(today)
	ids := make([]string, 0, len(w.followed))
	for id := range w.followed {
		ids = append(ids, id)
	}
	slices.Sort(ids)
	for _, id := range ids {
		f := w.followed[id]
		for _, d := range f.dues {
			f.DaysOverdue = max(f.DaysOverdue, w.late[d])
		}
		f.BecameOverdue = f.DaysOverdue > 0
		if f.WouldHold {
			r.Result.NewlyHeld.add(f.Changed)
		} else {
			r.Result.NewlyPassed.add(f.Changed)
		}
		r.Result.list(f.Changed)
	}
	r.walk = walk{}
}
