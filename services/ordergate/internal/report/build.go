package report

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/avalcredit/aval/pkg/approval"
	"github.com/avalcredit/aval/pkg/calendar"
	"github.com/avalcredit/aval/pkg/money"
	"github.com/avalcredit/aval/services/ordergate/internal/account"
	"github.com/avalcredit/aval/services/ordergate/internal/gate"
	"github.com/avalcredit/aval/services/ordergate/internal/order"
)

// Day is what a journal says of an account on a business date: the account at the end of it, the entries of the date in order, and the
// orders that are on hold at the end of it.
type Day struct {
	Account account.Account
	Entries []gate.Entry
	OnHold  []order.Order
}

// Builder makes a report, account by account.
type Builder struct {
	daily      Daily
	holds      gravest[Held]
	releases   gravest[Release]
	stops      gravest[Stop]
	over, near gravest[Use]
	expiring   gravest[Expiring]
	violations gravest[Violation]
}

// NewBuilder begins the report of a date.
func NewBuilder(date calendar.Date, s Settings) *Builder {
	b := &Builder{daily: Daily{Date: date, Settings: s}}
	b.holds.less = byGravity(func(h Held) int64 { return h.Excess }, func(h Held) string { return h.OrderID })
	b.releases.less = byGravity(func(r Release) int64 { return r.Amount }, func(r Release) string { return r.OrderID })
	b.stops.less = func(x, y Stop) int { return x.At.Compare(y.At) }
	b.over.less = byGravity(func(u Use) int64 { return u.Excess }, func(u Use) string { return u.ID })
	b.near.less = byGravity(func(u Use) int64 { return u.BasisPoints }, func(u Use) string { return u.ID })
	b.expiring.less = byGravity(func(e Expiring) int64 { return -int64(e.DaysLeft) }, func(e Expiring) string { return e.ID })
	b.violations.less = func(x, y Violation) int { return x.At.Compare(y.At) }
	return b
}

// Account takes up one account. An account of which neither evaluation nor receivables has told is not a customer's, and left out.
func (b *Builder) Account(d Day) error {
	a := d.Account
	if a.ProfileAt == 0 && a.PositionAt == 0 {
		return nil
	}
	who := Customer{ID: a.ID, Name: a.Profile.Name, Salesperson: a.Profile.SalespersonID, Currency: a.Profile.Currency}
	if !a.Gone() { // otherwise the account is looked at where it goes on
		b.daily.Counts.Accounts++
		b.use(who, a)
		b.grant(who, a)
	}
	last := map[string]order.Order{} // as each order stands after its newest entry of the date
	held := map[string]order.Hold{}  // orders put on hold on the date
	var ids []string                 // of held, in order
	for _, e := range d.Entries {
		var detail gate.Detail
		if err := json.Unmarshal(e.Detail, &detail); err != nil {
			return fmt.Errorf("journal entry %s/%d: %w", e.AccountID, e.Seq, err)
		}
		for _, o := range detail.Orders {
			if o.State == order.Held && o.Hold != nil && e.Decision != nil {
				if _, again := held[o.ID]; !again && (last[o.ID].State != order.Held) {
					ids = append(ids, o.ID)
				}
				held[o.ID] = *o.Hold
			}
			last[o.ID] = o
		}
		b.entry(who, e, detail)
	}
	for _, o := range d.OnHold {
		b.daily.Counts.OnHold++
		b.hold(who, o)
		delete(held, o.ID)
	}
	b.daily.Counts.Held += int64(len(ids))
	for _, id := range ids {
		if _, gone := held[id]; gone && last[id].State != order.Held {
			b.hold(who, last[id])
		}
	}
	return nil
}

func (b *Builder) hold(who Customer, o order.Order) {
	h := Held{Customer: who, OrderID: o.ID, Amount: o.Amount, SubmitDate: o.SubmitDate, State: o.State}
	if o.Hold != nil {
		h.Excess, h.DaysOverdue, h.Reasons = o.Hold.Excess, o.Hold.DaysOverdue, o.Hold.Reasons
	}
	b.holds.add(h)
}

// entry looks at what happened: releases by people, and stops and blocks, which are told by the names of their kinds.
func (b *Builder) entry(who Customer, e gate.Entry, detail gate.Detail) {
	switch {
	case e.Kind == gate.OrderReleased && len(detail.Orders) > 0:
		b.release(who, detail.Orders[0])
	case strings.Contains(string(e.Kind), "STOP") || strings.Contains(string(e.Kind), "BLOCK"):
		b.stops.add(Stop{Customer: who, Kind: string(e.Kind), OrderID: e.OrderID, Actor: e.Actor, Reason: detail.Reason, At: e.RecordedAt})
	}
}

func (b *Builder) release(who Customer, o order.Order) {
	r := Release{Customer: who, OrderID: o.ID, Amount: o.Amount}
	if o.Release != nil {
		r.Amount = o.Release.Minor
	}
	if o.Hold != nil {
		r.Excess, r.DaysOverdue, r.Reasons, r.Row = o.Hold.Excess, o.Hold.DaysOverdue, o.Hold.Reasons, o.Hold.Form.Row
		for _, act := range o.Hold.Form.Acts {
			if act.Decision == approval.Approve {
				r.Approvers = append(r.Approvers, act.Subject)
				r.Reason = act.Reason
			}
		}
	}
	b.releases.add(r)
}

func (b *Builder) use(who Customer, a account.Account) {
	limit, exposure := a.Profile.Grant.LimitOn(b.daily.Date), a.Buckets.Exposure()
	u := Use{
		Customer: who, Grade: a.Profile.Grade, LimitKind: limit.Kind, Exposure: exposure,
		Overdue: a.Ladder.Overdue(b.daily.Date).Amount(), DaysOverdue: a.Ladder.OldestDays(b.daily.Date),
	}
	if limit.Kind == account.LimitAmount {
		u.Limit, u.BasisPoints = limit.Minor, limit.BasisPoints(exposure)
	}
	switch limit.StatusAt(exposure, money.Ratio{}) {
	case account.StatusOverLimit:
		u.Excess = exposure - u.Limit
		b.over.add(u)
	case account.StatusOK, account.StatusWatch:
		if limit.StatusAt(exposure, b.daily.Settings.Utilization) == account.StatusWatch {
			b.near.add(u)
		}
	}
}

func (b *Builder) grant(who Customer, a account.Account) {
	g := a.Profile.Grant
	if g.Treatment != account.Credit || g.ValidUntil.IsZero() {
		return
	}
	left := g.ValidUntil.DaysSince(b.daily.Date)
	if left < 0 || left > b.daily.Settings.ExpiringDays {
		return
	}
	e := Expiring{Customer: who, Until: g.ValidUntil, DaysLeft: left, LimitKind: g.Limit.Kind, Exposure: a.Buckets.Exposure()}
	if g.Limit.Kind == account.LimitAmount {
		e.Limit = g.Limit.Minor
	}
	b.expiring.add(e)
}

// Violation takes up a refused act.
func (b *Builder) Violation(v Violation) { b.violations.add(v) }

// Report is the report as it is now, made at an instant.
func (b *Builder) Report(at time.Time) Daily {
	d := b.daily
	d.MadeAt = at.UTC().Truncate(time.Microsecond)
	d.Holds, d.Releases, d.Stops = b.holds.cut(), b.releases.cut(), b.stops.cut()
	d.OverLimit, d.NearLimit, d.Expiring, d.Violations = b.over.cut(), b.near.cut(), b.expiring.cut(), b.violations.cut()
	c := &d.Counts
	c.Releases, c.Stops, c.OverLimit, c.NearLimit = b.releases.count, b.stops.count, b.over.count, b.near.count
	c.Expiring, c.Violations = b.expiring.count, b.violations.count
	return d
}

// Due is the newest business date whose report is to be made: it is made on the day after the date, from the policy's hour on.
// now is in the business time zone.
func Due(now time.Time, hour int) calendar.Date {
	today := calendar.FromTime(now, now.Location())
	if now.Hour() >= hour {
		return today.AddDays(-1)
	}
	return today.AddDays(-2)
}

// MoreViolations counts refused acts that were not taken up.
func (b *Builder) MoreViolations(n int64) { b.violations.count += n }
