// Package checklist compares what is known of a customer with what the policy wants to
// know (S1.2). It is pure.
package checklist

import (
	"slices"

	"github.com/avalcredit/aval/pkg/calendar"
	"github.com/avalcredit/aval/services/evaluation/internal/criteria"
	"github.com/avalcredit/aval/services/evaluation/internal/fact"
)

// State says how a wish stands.
type State string

// The states.
const (
	// Met: there is enough that may be used.
	Met State = "MET"
	// Missing: there is too little.
	Missing State = "MISSING"
	// Stale: there would be enough, but it is too old or ran out.
	Stale State = "STALE"
	// Unverified: there would be enough, but nobody verified it.
	Unverified State = "UNVERIFIED"
)

// Item is a wish and how it stands.
type Item struct {
	criteria.Wanted
	State State
	// FactIDs are the facts that count, the one that speaks of the latest day first.
	FactIDs []string
	// GoodUntil is the last day on which they are enough; zero: no end, or not enough.
	GoodUntil calendar.Date
}

// Of tells how each wish stands on a day, given the facts that are known.
func Of(wanted []criteria.Wanted, facts []fact.Fact, day calendar.Date) []Item {
	items := make([]Item, len(wanted))
	for i, w := range wanted {
		items[i] = of(w, facts, day)
	}
	return items
}

// Complete reports whether every wish is met.
func Complete(items []Item) bool {
	return !slices.ContainsFunc(items, func(i Item) bool { return i.State != Met })
}

func of(w criteria.Wanted, facts []fact.Fact, day calendar.Date) Item {
	var good, unverified []fact.Fact
	stale := 0
	for _, f := range facts {
		switch {
		case f.Content.Kind() != w.Kind || f.SupersededBy != "" || f.AsOf.After(day):
			// It says nothing of what is wanted, or says it no more, or not yet.
		case !f.UsableOn(day) || (w.MaxAgeDays > 0 && day.DaysSince(f.AsOf) > w.MaxAgeDays):
			stale++
		case w.VerifiedOnly && !f.Verified():
			unverified = append(unverified, f)
		default:
			good = append(good, f)
		}
	}
	slices.SortStableFunc(good, func(a, b fact.Fact) int { return b.AsOf.Compare(a.AsOf) })
	item := Item{Wanted: w, State: Met}
	for _, f := range good {
		item.FactIDs = append(item.FactIDs, f.ID)
	}
	switch {
	case len(good) >= w.Count:
		item.GoodUntil = goodUntil(w, good)
	case len(good)+len(unverified) >= w.Count:
		item.State = Unverified
	case len(good)+len(unverified)+stale >= w.Count:
		item.State = Stale
	default:
		item.State = Missing
	}
	return item
}

// goodUntil is the last day on which as many as wanted still count.
func goodUntil(w criteria.Wanted, good []fact.Fact) calendar.Date {
	var ends []calendar.Date
	for _, f := range good {
		end := f.ValidUntil
		if w.MaxAgeDays > 0 {
			if old := f.AsOf.AddDays(w.MaxAgeDays); end.IsZero() || old.Before(end) {
				end = old
			}
		}
		if !end.IsZero() {
			ends = append(ends, end)
		}
	}
	// Those without an end count for ever.
	spare := len(good) - w.Count
	if spare >= len(ends) {
		return calendar.Date{}
	}
	slices.SortFunc(ends, calendar.Date.Compare)
	return ends[spare]
}
