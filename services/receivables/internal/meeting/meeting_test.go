package meeting_test

import (
	"testing"

	"github.com/avalcredit/aval/pkg/calendar"
	"github.com/avalcredit/aval/pkg/errs"
	"github.com/avalcredit/aval/pkg/money"
	"github.com/avalcredit/aval/services/receivables/internal/meeting"
)

// An action item shows up in each pack until it is closed, and once more after that.
func TestActionsShowUpAgain(t *testing.T) {
	t.Parallel()
	a := meeting.Action{ID: meeting.ActionID("2024-03", 2), Month: "2024-03", DueDate: calendar.MustDate("2024-04-10")}
	if a.ID != "M202403-2" {
		t.Error(a.ID)
	}
	shown := func(a meeting.Action, want map[string]bool) {
		for month, yes := range want {
			if a.OnTable(month) != yes {
				t.Errorf("on the table of %s: %v", month, !yes)
			}
		}
	}
	shown(a, map[string]bool{"2024-02": false, "2024-03": true, "2024-04": true, "2025-01": true})
	if a.Late(calendar.MustDate("2024-04-10")) || !a.Late(calendar.MustDate("2024-04-11")) {
		t.Error("late from the day after its due date")
	}
	a, err := a.Close("x", "done", calendar.MustDate("2024-04-20"))
	if err != nil || a.Late(calendar.MustDate("2025-01-01")) {
		t.Error(err)
	}
	shown(a, map[string]bool{"2024-02": false, "2024-03": true, "2024-04": true, "2024-05": true, "2024-06": false})
	if _, err := a.Close("x", "again", calendar.MustDate("2024-04-21")); errs.ReasonOf(err) != "ACTION_ITEM_CLOSED" {
		t.Error(err)
	}
	if meeting.Before("2024-01") != "2023-12" || meeting.Day("2024-02", calendar.MustDate("2024-02-10")).String() != "2024-02-10" ||
		meeting.Day("2024-02", calendar.MustDate("2024-05-10")).String() != "2024-02-29" {
		t.Error("months")
	}
}

func TestByPerson(t *testing.T) {
	t.Parallel()
	of := func(id, person string, minor int64, currency string) meeting.Customer {
		return meeting.Customer{ID: id, Salesperson: person, Overdue: money.New(minor, currency)}
	}
	long := of("L", "b", 5, "CNY")
	for n := range 20 {
		long.History = append(long.History, meeting.Line{Date: calendar.MustDate("2024-01-01").AddDays(n)})
	}
	got := meeting.ByPerson([]meeting.Customer{of("A", "b", 10, "CNY"), of("B", "a", 1, "CNY"), of("C", "b", 30, "CNY"), of("D", "b", 7, "USD"), long})
	if len(got) != 2 || got[0].ID != "a" || got[1].Customers[0].ID != "C" || len(got[1].Overdue) != 2 || got[1].Overdue[0] != money.New(45, "CNY") {
		t.Errorf("%+v", got)
	}
	last := got[1].Customers[2]
	if len(last.History) != 12 || last.History[0].Date.String() != "2024-01-20" {
		t.Errorf("%+v", last)
	}
}
