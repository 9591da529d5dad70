package warning_test

import (
	"testing"

	"github.com/avalcredit/aval/pkg/calendar"
	"github.com/avalcredit/aval/pkg/errs"
	"github.com/avalcredit/aval/services/receivables/internal/warning"
)

func TestNext(t *testing.T) {
	t.Parallel()
	ahead := []int{180, 90, 30}
	last := calendar.MustDate("2027-01-15")
	for _, c := range []struct {
		name  string
		left  int // days from today to the last one
		given []int
		days  int // -2: none
		late  int
	}{
		{"too early", 181, nil, -2, 0},
		{"the first day for it", 180, nil, 180, 0},
		{"not again", 179, []int{180}, -2, 0},
		{"a day late", 179, nil, 180, 1},
		{"the second", 90, []int{180}, 90, 0},
		{"the third, late, the second left out", 25, []int{180}, 30, 65},
		{"all left out", 25, nil, 30, 155},
		{"on the last day", 0, []int{180, 90}, 30, 30},
		{"passed", -1, []int{180, 90, 30}, warning.Passed, 0},
		{"passed while nobody looked", -10, nil, warning.Passed, 190},
		{"passed, and told", -10, []int{warning.Passed}, -2, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			w, ok := warning.Next(warning.Deadline{LastDay: last}, ahead, c.given, last.AddDays(-c.left))
			if !ok {
				w.DaysAhead = -2
			}
			if w.DaysAhead != c.days || w.LateDays != c.late {
				t.Errorf("%d days ahead, %d late; want %d, %d", w.DaysAhead, w.LateDays, c.days, c.late)
			}
		})
	}
	if _, ok := warning.Next(warning.Deadline{}, ahead, nil, last); ok {
		t.Error("a warning of no day")
	}
}

func TestAcknowledge(t *testing.T) {
	t.Parallel()
	w := warning.Warning{Number: 7, Deadline: warning.Deadline{Owner: "anna"}}
	if _, err := w.Acknowledge("ben", "done", true, calendar.Date{}); errs.ReasonOf(err) != warning.ReasonNotTheOwner {
		t.Errorf("somebody else's: %v", err)
	}
	if _, err := w.Acknowledge("manager", "done", false, calendar.Date{}); err != nil {
		t.Errorf("a manager: %v", err)
	}
	w, err := w.Acknowledge("anna", "letter sent", true, calendar.MustDate("2026-08-01"))
	if err != nil || w.AcknowledgedBy != "anna" || w.Note != "letter sent" {
		t.Errorf("%+v, %v", w, err)
	}
	if _, err := w.Acknowledge("anna", "again", true, calendar.Date{}); errs.ReasonOf(err) != "WARNING_ACKNOWLEDGED" {
		t.Errorf("twice: %v", err)
	}
}
