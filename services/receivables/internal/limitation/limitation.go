// Package limitation computes the limitation period of a claim from its facts: when it begins, what interrupts and suspends
// it, and its last day. The package is pure.
//
// The law behind the defaults is the Civil Code of the People's Republic of China: three years from when the creditor knew or
// should have known (art. 188), of a debt in instalments from the last one's due date (189), the first day not counted (201);
// suspended by obstacles in the last six months, for six months from their end (194); interrupted by a demand, by the debtor's
// agreement, by proceedings, anew from the interruption or the proceeding's end (195). The shift of a last day that is a
// holiday (203) is left out: it only lengthens.
package limitation

import (
	"cmp"
	"slices"

	"github.com/avalcredit/aval/pkg/calendar"
	"github.com/avalcredit/aval/pkg/errs"
	"github.com/avalcredit/aval/pkg/money"
)

// Kind is what kind of fact bears on a period.
type Kind string

// The kinds.
const (
	Demand          Kind = "DEMAND"
	Acknowledgement Kind = "ACKNOWLEDGEMENT"
	PartPayment     Kind = "PART_PAYMENT"
	Proceeding      Kind = "PROCEEDING"
	Obstacle        Kind = "OBSTACLE"
)

// Lasting reports whether facts of the kind have an end.
func (k Kind) Lasting() bool { return k == Proceeding || k == Obstacle }

// State is how a period stands on a day.
type State string

// The states.
const (
	NotBegun  State = "NOT_BEGUN"
	Running   State = "RUNNING"
	Stopped   State = "STOPPED"
	Suspended State = "SUSPENDED"
	Expired   State = "EXPIRED"
)

// Effect is what a fact did.
type Effect string

// The effects.
const (
	Restarted Effect = "RESTARTED"
	Stops     Effect = "STOPPED"
	Extended  Effect = "EXTENDED"
	Revived   Effect = "REVIVED"
	BeforeIt  Effect = "NOT_BEGUN"
	TooLate   Effect = "TOO_LATE"
	NoneAtAll Effect = "NONE"
)

// maxOldDays is how long ago a fact may be.
const maxOldDays = 20 * 366

// Rules are those of the policy.
type Rules struct {
	Years int
	// WarningDays ahead of the last day, falling.
	WarningDays []int
	// FromLastInstalment counts all instalments of a document from the due date of the last.
	FromLastInstalment bool
	ObstacleMonths     int
	// DemandFromLevel is the lowest dunning level whose letter is a demand; 0: none.
	DemandFromLevel int
}

// Demands reports whether a letter of a dunning level is a demand; level 0 is a reminder before the due date, and never is.
func (r Rules) Demands(level int) bool { return r.DemandFromLevel > 0 && level >= r.DemandFromLevel }

// Default is what holds where the policy says nothing.
func Default() Rules { return Rules{Years: 3, WarningDays: []int{180, 90, 30}, ObstacleMonths: 6} }

// Event is a fact that bears on a period.
type Event struct {
	ID, CustomerID string
	// ItemID is the item; empty: all items of the customer with a document date on or before Date.
	ItemID string
	Kind   Kind
	Date   calendar.Date
	// End of a proceeding or an obstacle; zero: it goes on.
	End      calendar.Date
	Evidence string
	// Source is RECORDED, or the kind of document that it was read from.
	Source     string
	RecordedBy string
	RecordDate calendar.Date

	WithdrawnBy, WithdrawReason string
}

// SourceRecorded is the source of events that somebody recorded.
const SourceRecorded = "RECORDED"

// Item is an open item as far as its period is concerned.
type Item struct {
	ID, CustomerID string
	// DueDate that the period is counted from.
	DueDate     calendar.Date
	Open        money.Money
	Responsible string
}

// Step is a fact and what it did; LastDay is that of the period after it.
type Step struct {
	Event   Event
	Effect  Effect
	LastDay calendar.Date
}

// Period is a limitation period as it stands on a day.
type Period struct {
	Item  Item
	State State
	// LastDay on which the claim can be pursued against objection; zero: there is none now.
	LastDay calendar.Date
	Steps   []Step
}

// Of computes the period of an item on a day, from the facts dated until then.
func Of(item Item, events []Event, r Rules, asOf calendar.Date) Period {
	f := fold{due: item.DueDate, rules: r, last: years(item.DueDate, r.Years)}
	var facts []Event
	for _, e := range events {
		if e.WithdrawnBy == "" && !e.Date.After(asOf) {
			if e.End.After(asOf) {
				e.End = calendar.Date{}
			}
			facts = append(facts, e)
		}
	}
	slices.SortStableFunc(facts, func(a, b Event) int {
		return cmp.Or(a.Date.Compare(b.Date), cmp.Compare(a.Kind, b.Kind), cmp.Compare(a.ID, b.ID))
	})
	for _, e := range facts {
		if e.Kind == Obstacle {
			f.obstacles = append(f.obstacles, e)
		}
	}
	p := Period{Item: item}
	for _, e := range facts {
		effect := f.step(e)
		s := Step{Event: e, Effect: effect}
		s.LastDay, _ = f.ends()
		p.Steps = append(p.Steps, s)
	}
	p.State, p.LastDay = f.state(asOf)
	return p
}

// fold walks the facts in order.
type fold struct {
	due       calendar.Date
	rules     Rules
	last      calendar.Date // without obstacles
	obstacles []Event
	open      bool // a proceeding goes on
	seen      int  // obstacles stepped over
}

func (f *fold) step(e Event) Effect {
	last, runs := f.ends()
	over := runs && e.Date.After(last)
	switch {
	case e.Kind == Obstacle:
		f.seen++
		after, still := f.ends()
		if over {
			return TooLate
		}
		if runs != still || after != last {
			return Extended
		}
		return NoneAtAll
	case e.Kind == Proceeding && !over:
		if e.End.IsZero() {
			f.open = true
			return Stops
		}
		if e.End.After(f.due) {
			f.restart(e.End)
		}
		return Restarted
	case !e.Date.After(f.due):
		return BeforeIt
	case over && e.Kind == Acknowledgement:
		f.last, f.obstacles, f.seen = years(e.Date, f.rules.Years), f.obstacles[f.seen:], 0
		return Revived
	case over:
		return TooLate
	case f.open:
		return NoneAtAll
	default:
		f.restart(e.Date)
		return Restarted
	}
}

func (f *fold) restart(from calendar.Date) {
	if again := years(from, f.rules.Years); again.After(f.last) {
		f.last = again
	}
}

// ends is the last day with the obstacles stepped over so far; false: there is none.
func (f *fold) ends() (calendar.Date, bool) {
	if f.open {
		return calendar.Date{}, false
	}
	last := f.last
	for _, o := range f.obstacles[:f.seen] {
		begins := last.AddMonths(-f.rules.ObstacleMonths, 0)
		if o.Date.After(last) || (!o.End.IsZero() && o.End.Before(begins)) {
			continue
		}
		if o.End.IsZero() {
			return calendar.Date{}, false
		}
		if longer := o.End.AddMonths(f.rules.ObstacleMonths, 0); longer.After(last) {
			last = longer
		}
	}
	return last, true
}

func (f *fold) state(asOf calendar.Date) (State, calendar.Date) {
	last, runs := f.ends()
	switch {
	case f.open:
		return Stopped, calendar.Date{}
	case !asOf.After(f.due):
		return NotBegun, calendar.Date{}
	case !runs && asOf.Before(f.last.AddMonths(-f.rules.ObstacleMonths, 0)):
		// The obstacle may end before the last months: until then the period runs.
		return Running, f.last
	case !runs:
		return Suspended, calendar.Date{}
	case asOf.After(last):
		return Expired, last
	default:
		return Running, last
	}
}

// years later, the corresponding day is the last one: the first day is not counted.
func years(d calendar.Date, n int) calendar.Date { return d.AddMonths(12*n, 0) }

// Check holds an event to what can be. prefix is the path of its fields. Its errors have kind Invalid and the rules DATE_AHEAD,
// DATE_TOO_OLD, END_BEFORE_START and NO_END.
func (e Event) Check(prefix string, today calendar.Date) error {
	switch {
	case e.Date.After(today):
		return errs.Field(prefix+"event_date", "DATE_AHEAD", "%s is ahead", e.Date)
	case today.DaysSince(e.Date) > maxOldDays:
		return errs.Field(prefix+"event_date", "DATE_TOO_OLD", "%s is more than 20 years ago", e.Date)
	}
	return e.checkEnd(prefix, today)
}

func (e Event) checkEnd(prefix string, today calendar.Date) error {
	switch {
	case e.End.IsZero():
		return nil
	case !e.Kind.Lasting():
		return errs.Field(prefix+"end_date", "NO_END", "a fact of this kind has no end")
	case e.End.Before(e.Date):
		return errs.Field(prefix+"end_date", "END_BEFORE_START", "%s is before %s", e.End, e.Date)
	case e.End.After(today):
		return errs.Field(prefix+"end_date", "DATE_AHEAD", "%s is ahead", e.End)
	}
	return nil
}

// Finish says when it ended. Errors: FailedPrecondition LIMITATION_EVENT_ENDED and LIMITATION_EVENT_WITHDRAWN, those of Check
// about the end.
func (e Event) Finish(end, today calendar.Date) (Event, error) {
	if e.WithdrawnBy != "" {
		return e, e.is("WITHDRAWN", "was withdrawn")
	}
	if !e.End.IsZero() {
		return e, e.is("ENDED", "has ended")
	}
	e.End = end
	return e, e.checkEnd("", today)
}

// Withdraw takes it back. Errors: FailedPrecondition LIMITATION_EVENT_WITHDRAWN.
func (e Event) Withdraw(actor, reason string) (Event, error) {
	if e.WithdrawnBy != "" {
		return e, e.is("WITHDRAWN", "was withdrawn")
	}
	e.WithdrawnBy, e.WithdrawReason = actor, reason
	return e, nil
}

func (e Event) is(what, words string) error {
	return errs.New(errs.FailedPrecondition, "LIMITATION_EVENT_"+what, "limitation event %s %s", e.ID, words).With("limitation_event_id", e.ID)
}

// Query asks for periods of open items, oldest due first.
type Query struct {
	CustomerID string
	// Until restricts it to items due on or before; zero: all.
	Until       calendar.Date
	Salesperson string
	AfterDue    calendar.Date
	AfterID     string
	Limit       int
}
