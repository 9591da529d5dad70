// Package promise holds promises to pay and judges them by the money that came. The package is pure.
package promise

import (
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/avalcredit/aval/pkg/calendar"
	"github.com/avalcredit/aval/pkg/errs"
	"github.com/avalcredit/aval/pkg/money"
)

// State is what became of a promise by a day. It follows from the money and the date and is never stored.
type State string

// The states.
const (
	StateOpen       State = "OPEN"        // a date is still to come and none was missed
	StateKept       State = "KEPT"        // all of it came in time
	StatePartlyKept State = "PARTLY_KEPT" // a date was missed, something came in time
	StateBroken     State = "BROKEN"      // a date was missed and nothing came in time
	StateWithdrawn  State = "WITHDRAWN"   // taken back
)

// Bounds of a promise.
const (
	maxAhead = 3 * 366
	maxParts = 60
)

// Part is one date of the plan.
type Part struct {
	Date   calendar.Date `json:"date"`
	Amount money.Money   `json:"amount"`
}

// Promise is what a customer promised to pay, for named items, in one or more parts.
type Promise struct {
	ID         string   `json:"id"`
	CustomerID string   `json:"customer_id"`
	ItemIDs    []string `json:"item_ids"`
	Parts      []Part   `json:"parts"` // by date, rising
	GraceDays  int      `json:"grace_days"`
	// PromisedBy is who said so on the customer's side.
	PromisedBy     string        `json:"promised_by,omitempty"`
	Note           string        `json:"note,omitempty"`
	RecordedBy     string        `json:"recorded_by"`
	RecordDate     calendar.Date `json:"record_date"`
	CreateTime     time.Time     `json:"create_time"`
	WithdrawnBy    string        `json:"withdrawn_by,omitempty"`
	WithdrawDate   calendar.Date `json:"withdraw_date,omitzero"`
	WithdrawReason string        `json:"withdraw_reason,omitempty"`
}

// Draft is a promise as it is asked to be recorded.
type Draft struct {
	ID, CustomerID   string
	ItemIDs          []string
	Parts            []Part
	PromisedBy, Note string
}

// Recording is what a draft is completed with.
type Recording struct {
	Currency string // of the customer's account
	Open     money.Money
	Grace    int
	Today    calendar.Date
	Now      time.Time
	Actor    string
}

// New completes a draft. Its errors have kind Invalid and name the part: MONEY_INVALID, CURRENCY_MISMATCH, DATE_PAST,
// DATE_TOO_FAR, rule rising, and PROMISE_TOO_MUCH where more is promised than its items owe.
func New(d Draft, r Recording) (Promise, error) {
	if len(d.Parts) == 0 || len(d.Parts) > maxParts {
		return Promise{}, errs.Field("promise.parts", "count", "a promise has 1 to %d parts", maxParts)
	}
	total := money.Zero(r.Currency)
	for n, part := range d.Parts {
		at := fmt.Sprintf("promise.parts[%d]", n)
		switch {
		case part.Amount.Currency != r.Currency:
			return Promise{}, errs.Field(at+".amount", "CURRENCY_MISMATCH", "the account is kept in %s", r.Currency)
		case !part.Amount.IsPositive():
			return Promise{}, errs.Field(at+".amount", "AMOUNT_NOT_POSITIVE", "promise more than nothing")
		case part.Date.Before(r.Today):
			return Promise{}, errs.Field(at+".date", "DATE_PAST", "%s is in the past", part.Date)
		case part.Date.After(r.Today.AddDays(maxAhead)):
			return Promise{}, errs.Field(at+".date", "DATE_TOO_FAR", "%s is more than three years ahead", part.Date)
		case n > 0 && !part.Date.After(d.Parts[n-1].Date):
			return Promise{}, errs.Field(at+".date", "rising", "%s does not follow %s", part.Date, d.Parts[n-1].Date)
		}
		total = total.Add(part.Amount)
	}
	if total.Cmp(r.Open) > 0 {
		return Promise{}, errs.Field("promise.parts", "PROMISE_TOO_MUCH", "%s are promised, and %s are open", total, r.Open)
	}
	return Promise{
		ID: d.ID, CustomerID: d.CustomerID, ItemIDs: d.ItemIDs, Parts: d.Parts, GraceDays: r.Grace, PromisedBy: d.PromisedBy, Note: d.Note,
		RecordedBy: r.Actor, RecordDate: r.Today, CreateTime: r.Now,
	}, nil
}

// Amount is what is promised in total.
func (p Promise) Amount() money.Money {
	total := money.Zero(p.Parts[0].Amount.Currency)
	for _, part := range p.Parts {
		total = total.Add(part.Amount)
	}
	return total
}

// Withdraw takes it back. Errors: FailedPrecondition PROMISE_WITHDRAWN.
func (p Promise) Withdraw(actor, reason string, today calendar.Date) (Promise, error) {
	if !p.WithdrawDate.IsZero() {
		return p, errs.New(errs.FailedPrecondition, "PROMISE_WITHDRAWN", "promise %s was withdrawn before", p.ID).With("promise_id", p.ID)
	}
	p.WithdrawnBy, p.WithdrawDate, p.WithdrawReason = actor, today, reason
	return p, nil
}

// Money is what came for a promise's items on a day and stands: what was undone is left out.
type Money struct {
	Date   calendar.Date
	Amount money.Money
}

// Judgement is where a promise stands on a day.
type Judgement struct {
	State    State
	Received money.Money // by the day, at most what is promised
	// Unpaid is what should be there by the day and is not, 0 where no date was missed.
	Unpaid money.Money
	// BrokenOn is the first day on which it was broken; zero: it was not.
	BrokenOn calendar.Date
	// NextDate is the next date to come, and NextAmount what is missing for it; zero: none.
	NextDate   calendar.Date
	NextAmount money.Money
}

// Judge tells where it stands on a day by the money that came for its items since it was recorded. Money counts by its
// day; what comes after a date and its grace keeps the later parts, and does not mend the part that was missed.
func (p Promise) Judge(came []Money, day calendar.Date) Judgement {
	zero := money.Zero(p.Parts[0].Amount.Currency)
	by := func(d calendar.Date) money.Money {
		sum := zero
		for _, m := range came {
			if !m.Date.After(d) {
				sum = sum.Add(m.Amount)
			}
		}
		return sum
	}
	total := p.Amount()
	j := Judgement{Received: money.Min(by(day), total), Unpaid: zero, NextAmount: zero}
	due, inTime := zero, zero
	for _, part := range p.Parts {
		due = due.Add(part.Amount)
		last := part.Date.AddDays(p.GraceDays)
		if !day.After(last) {
			if missing := due.Sub(j.Received); missing.IsPositive() && j.NextDate.IsZero() {
				j.NextDate, j.NextAmount = part.Date, missing
			}
			continue
		}
		got := by(last)
		inTime = money.Max(inTime, money.Min(got, due))
		if got.Cmp(due) < 0 && j.BrokenOn.IsZero() {
			j.BrokenOn = last.AddDays(1)
		}
		if j.Received.Cmp(due) < 0 {
			j.Unpaid = due.Sub(j.Received)
		}
	}
	switch {
	case !p.WithdrawDate.IsZero():
		return Judgement{State: StateWithdrawn, Received: j.Received, Unpaid: zero, NextAmount: zero}
	case !j.BrokenOn.IsZero() && inTime.IsPositive():
		j.State = StatePartlyKept
	case !j.BrokenOn.IsZero():
		j.State = StateBroken
	case j.Received.Cmp(total) >= 0:
		j.State = StateKept
	default:
		j.State = StateOpen
	}
	return j
}

// Failed tells whether by a day it was missed, paid since or not, or was put off: taken back after the day of its recording, before it was
// kept or missed. One that was missed is taken back by a manager only: then it counts no more.
func (p Promise) Failed(came []Money, day calendar.Date) bool {
	withdrawn := p.WithdrawDate
	if !withdrawn.IsZero() {
		day = withdrawn
	}
	p.WithdrawDate = calendar.Date{}
	j := p.Judge(came, day)
	if withdrawn.IsZero() {
		return !j.BrokenOn.IsZero()
	}
	return j.State == StateOpen && withdrawn.After(p.RecordDate)
}

// Further holds a further promise to how often the policy lets them fail: for none of its items more than most promises failed,
// unless a manager who recorded none of them records it; most 0: as often as may be. Errors: PermissionDenied PROMISES_FAILED.
func Further(itemIDs []string, failed []Promise, most int, by Recorder) error {
	for _, id := range itemIDs {
		count, own := 0, false
		for _, p := range failed {
			if slices.Contains(p.ItemIDs, id) {
				count, own = count+1, own || p.RecordedBy == by.Subject
			}
		}
		if most > 0 && count >= most && (own || !by.Manager) {
			return errs.New(errs.PermissionDenied, "PROMISES_FAILED",
				"%d promises for item %s were missed or put off: only a credit or finance manager who recorded none of them records a further one", count, id).
				With("item_id", id).With("failed", strconv.Itoa(count)).With("field", "promise.item_ids")
		}
	}
	return nil
}

// Recorder is who records a promise; Manager is set of those in charge of credit or finance.
type Recorder struct {
	Subject string
	Manager bool
}

// Badge is what a list shows beside a promise.
type Badge string

// The badges.
const (
	BadgeNone    Badge = "NONE"
	BadgeRemind  Badge = "REMIND"  // a date is near
	BadgeOverdue Badge = "OVERDUE" // a date was missed and its money is not there
)

// Badge tells what to show on a day; a list filtered by it and the badge itself are the same rule.
func (j Judgement) Badge(remindDays int, day calendar.Date) Badge {
	switch {
	case j.Unpaid.IsPositive():
		return BadgeOverdue
	case remindDays > 0 && !j.NextDate.IsZero() && j.NextDate.DaysSince(day) <= remindDays:
		return BadgeRemind
	default:
		return BadgeNone
	}
}

// NextJudgement is the first day after one on which a date of the promise and its grace are over; zero: none is to come.
func (p Promise) NextJudgement(day calendar.Date) calendar.Date {
	for _, part := range p.Parts {
		if over := part.Date.AddDays(p.GraceDays + 1); over.After(day) {
			return over
		}
	}
	return calendar.Date{}
}
