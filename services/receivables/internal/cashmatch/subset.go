package cashmatch

import (
	"cmp"
	"slices"

	"github.com/avalcredit/aval/pkg/money"
)

// Bounds of the search for a sum: the items looked at (the oldest due), how many make one, and the steps.
const (
	sumItems = 40
	sumSize  = 6
	sumSteps = 200_000
)

// onlySum is the one set of two or more items whose open amounts are the amount; nil where there is none, where there are
// several, or where the search had to end before it could know.
func onlySum(amount money.Money, items []Item) []Item {
	pool := slices.Clone(items[:min(len(items), sumItems)])
	slices.SortStableFunc(pool, func(a, b Item) int { return cmp.Compare(b.Open.Minor, a.Open.Minor) })
	s := search{items: pool, steps: sumSteps}
	s.rest = make([]int64, len(pool)+1)
	for i := len(pool) - 1; i >= 0; i-- {
		s.rest[i] = s.rest[i+1] + pool[i].Open.Minor
	}
	s.from(0, amount.Minor, nil)
	if s.steps <= 0 || s.found != 1 || len(items) > sumItems && len(s.first) > 0 && !s.old(items) {
		return nil
	}
	slices.SortFunc(s.first, func(a, b Item) int {
		at := func(i Item) int { return slices.IndexFunc(items, func(o Item) bool { return o.ID == i.ID }) }
		return cmp.Compare(at(a), at(b))
	})
	return s.first
}

type search struct {
	items []Item  // largest first
	rest  []int64 // sum of the items from here on
	steps int
	found int
	first []Item
}

// from looks for sums that begin at an item; it ends at the second that it finds.
func (s *search) from(at int, left int64, chosen []Item) {
	for i := at; i < len(s.items) && s.found < 2; i++ {
		if s.steps--; s.steps <= 0 || s.rest[i] < left || len(chosen) == sumSize {
			return
		}
		open := s.items[i].Open.Minor
		switch {
		case open > left:
			continue
		case open == left && len(chosen) > 0:
			if s.found++; s.found == 1 {
				s.first = append(slices.Clone(chosen), s.items[i])
			}
		case open < left:
			s.from(i+1, left-open, append(chosen, s.items[i]))
		}
	}
}

// old says that what was found is among the oldest half of all: of a customer with very many items a sum of some is a chance.
func (s *search) old(items []Item) bool {
	for _, f := range s.first {
		if at := slices.IndexFunc(items, func(i Item) bool { return i.ID == f.ID }); at > sumItems/2 {
			return false
		}
	}
	return true
}
