package worklist

import (
	"cmp"
	"math/big"
	"slices"
	"strconv"

	"github.com/avalcredit/aval/pkg/calendar"
	"github.com/avalcredit/aval/pkg/money"
	"github.com/avalcredit/aval/services/receivables/internal/terms"
)

// The bounds from which a part brings all its points.
const (
	fullLateDays  = 180
	fullBehaviour = 60
	maxBroken     = 2
)

// Part is one reason of a priority.
type Part string

// The parts.
const (
	PartAmount         Part = "AMOUNT"
	PartLateness       Part = "LATENESS"
	PartBehaviour      Part = "BEHAVIOUR"
	PartBrokenPromise  Part = "BROKEN_PROMISE"
	PartLimitUse       Part = "LIMIT_USE"
	PartExpectedEffect Part = "EXPECTED_EFFECT"
)

// Step is what is to be done next.
type Step string

// The steps, most urgent first.
const (
	StepPromiseBroken Step = "PROMISE_BROKEN"
	StepActionDue     Step = "ACTION_DUE"
	StepHandToLegal   Step = "HAND_TO_LEGAL"
	StepCall          Step = "CALL"
	StepPromiseNear   Step = "PROMISE_NEAR"
	StepDisputeLate   Step = "DISPUTE_LATE"
	StepWatch         Step = "WATCH"
)

// Case is what is known of one customer.
type Case struct {
	CustomerID, DisplayName, Salesperson string
	Overdue, Disputed, Promised          money.Money
	OldestDays                           int
	// AverageLate is how many days late the customer paid on average, weighed by amount.
	AverageLate int
	Level       int
	LetterDate  calendar.Date
	// What the level that was reached asks for.
	Call, HandToLegal            bool
	BrokenPromises, PromisesNear int
	DisputeLate                  bool
	Receivable                   money.Money
	Limit                        *money.Money // nil: none is known
	LastContact, NextAction      calendar.Date
}

// ScorePart is one part with its points in tenths, and the figure it comes from.
type ScorePart struct {
	Part         Part
	Tenths, Most int
	Why          string
}

// Ranked is a case with its priority.
type Ranked struct {
	Case
	Tenths int
	Parts  []ScorePart
	Step   Step
}

// Rank orders cases by their points, most urgent first; equal ones by number. Amounts are compared within a currency.
func Rank(cases []Case, p terms.WorklistPoints, today calendar.Date) []Ranked {
	largest := map[string]int64{}
	for _, c := range cases {
		largest[c.Overdue.Currency] = max(largest[c.Overdue.Currency], c.Overdue.Minor)
	}
	out := make([]Ranked, len(cases))
	for i, c := range cases {
		out[i] = Ranked{Case: c, Parts: c.parts(p, largest[c.Overdue.Currency], today), Step: c.step(today)}
		for _, part := range out[i].Parts {
			out[i].Tenths += part.Tenths
		}
	}
	slices.SortFunc(out, func(a, b Ranked) int {
		return cmp.Or(cmp.Compare(b.Tenths, a.Tenths), cmp.Compare(a.CustomerID, b.CustomerID))
	})
	return out
}

func (c Case) parts(p terms.WorklistPoints, largest int64, today calendar.Date) []ScorePart {
	return []ScorePart{
		{PartAmount, share(p.Amount, c.Overdue.Minor, largest), 10 * p.Amount, c.Overdue.String() + " " + c.Overdue.Currency + " overdue"},
		{PartLateness, share(p.Lateness, int64(min(c.OldestDays, fullLateDays)), fullLateDays), 10 * p.Lateness, days(c.OldestDays) + " overdue"},
		{PartBehaviour, share(p.Behaviour, int64(min(c.AverageLate, fullBehaviour)), fullBehaviour), 10 * p.Behaviour, "paid " + days(c.AverageLate) + " late on average"},
		{PartBrokenPromise, 10 * p.BrokenPromise * min(c.BrokenPromises, maxBroken), 10 * p.BrokenPromise * maxBroken, strconv.Itoa(c.BrokenPromises) + " broken and unpaid"},
		c.limitUse(p.LimitUse),
		c.effect(p.ExpectedEffect, today),
	}
}

func days(n int) string {
	if n == 1 {
		return "1 day"
	}
	return strconv.Itoa(n) + " days"
}

// share is part / whole of some points, in tenths, rounded down.
func share(points int, part, whole int64) int {
	if whole <= 0 || part <= 0 {
		return 0
	}
	n := new(big.Int).Mul(big.NewInt(int64(10*points)), big.NewInt(part))
	return int(n.Div(n, big.NewInt(whole)).Int64())
}

// limitUse brings nothing up to half of the limit, and all from the whole of it on.
func (c Case) limitUse(points int) ScorePart {
	out := ScorePart{Part: PartLimitUse, Most: 10 * points, Why: "no limit is known"}
	if c.Limit == nil {
		return out
	}
	if c.Limit.Minor <= 0 {
		out.Why = "no credit is granted"
		if c.Receivable.IsPositive() {
			out.Tenths = out.Most
		}
		return out
	}
	half := c.Limit.Minor / 2
	out.Tenths = share(points, min(c.Receivable.Minor, c.Limit.Minor)-half, c.Limit.Minor-half)
	out.Why = c.Receivable.String() + " of a limit of " + c.Limit.String()
	return out
}

// effect: now is the moment where a date has come, or a letter asked for a call that nobody made.
func (c Case) effect(points int, today calendar.Date) ScorePart {
	out := ScorePart{Part: PartExpectedEffect, Most: 10 * points, Why: "nothing is due"}
	switch {
	case c.actionDue(today):
		out.Why = "the next action was set for " + c.NextAction.String()
	case c.PromisesNear > 0:
		out.Why = "a promised date is near"
	case c.callDue():
		out.Why = "the level asks for a call"
	default:
		return out
	}
	out.Tenths = out.Most
	return out
}

func (c Case) actionDue(today calendar.Date) bool {
	return !c.NextAction.IsZero() && !c.NextAction.After(today)
}

// callDue: a level asks for a call, and nobody spoke with the customer since its letter.
func (c Case) callDue() bool {
	return c.Call && (c.LastContact.IsZero() || c.LastContact.Before(c.LetterDate))
}

func (c Case) step(today calendar.Date) Step {
	switch {
	case c.BrokenPromises > 0:
		return StepPromiseBroken
	case c.actionDue(today):
		return StepActionDue
	case c.HandToLegal:
		return StepHandToLegal
	case c.callDue():
		return StepCall
	case c.PromisesNear > 0:
		return StepPromiseNear
	case c.DisputeLate:
		return StepDisputeLate
	default:
		return StepWatch
	}
}
