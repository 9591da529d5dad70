package account

import (
	"slices"

	"github.com/avalcredit/aval/pkg/calendar"
)

// Due is the open amount that is due on one day, in minor units.
type Due struct {
	Date  calendar.Date `json:"date"`
	Minor int64         `json:"minor"`
}

// Ladder is the open amount by due date, rising. "Overdue today" is computed from it, so it is right at midnight without a job.
type Ladder []Due

// Overdue is the part of the ladder that is past due on day: due today is not overdue.
func (l Ladder) Overdue(day calendar.Date) Ladder {
	n := 0
	for n < len(l) && l[n].Date.Before(day) {
		n++
	}
	return l[:n]
}

// Amount is the sum of the ladder.
func (l Ladder) Amount() int64 {
	var sum int64
	for _, d := range l {
		sum += d.Minor
	}
	return sum
}

// OldestDays is the days past due of the oldest item on day; 0 where nothing is overdue.
func (l Ladder) OldestDays(day calendar.Date) int {
	for _, d := range l {
		if d.Minor > 0 {
			return max(0, day.DaysSince(d.Date))
		}
	}
	return 0
}

// Paid is what is left of the ladder where so much money pays the oldest items first. Minor units.
func (l Ladder) Paid(minor int64) Ladder {
	for len(l) > 0 && minor > 0 && minor >= l[0].Minor {
		minor -= l[0].Minor
		l = l[1:]
	}
	if len(l) > 0 && minor > 0 {
		l = slices.Clone(l)
		l[0].Minor -= minor
	}
	return l
}

// OverdueBeyond is the part of the ladder that is more than days past due on day.
func (l Ladder) OverdueBeyond(day calendar.Date, days int) Ladder {
	n := 0
	for n < len(l) && day.DaysSince(l[n].Date) > days {
		n++
	}
	return l[:n]
}

// Less is the ladder without another one's amounts on the same days, never below zero on any day: open items without those in dispute.
func (l Ladder) Less(o Ladder) Ladder {
	if len(o) == 0 {
		return l
	}
	out := make(Ladder, 0, len(l))
	for _, d := range l {
		for len(o) > 0 && o[0].Date.Before(d.Date) {
			o = o[1:]
		}
		if len(o) > 0 && o[0].Date == d.Date {
			d.Minor = max(0, d.Minor-o[0].Minor)
		}
		if d.Minor > 0 {
			out = append(out, d)
		}
	}
	return out
}
