package statement_test

import (
	"testing"

	"github.com/avalcredit/aval/pkg/calendar"
	"github.com/avalcredit/aval/services/receivables/internal/statement"
)

func TestSchedule(t *testing.T) {
	t.Parallel()
	monthly, last, yearly := statement.Schedule{AccountDay: 5}, statement.Schedule{AccountDay: 31}, statement.Schedule{ConfirmationMonth: 2, ConfirmationDay: 30}
	for _, c := range []struct {
		schedule statement.Schedule
		kind     statement.Kind
		day      string
		due      bool
	}{
		{statement.Schedule{}, statement.Account, "2024-03-05", false},
		{statement.Schedule{}, statement.Confirmation, "2024-03-31", false},
		{monthly, statement.Account, "2024-03-05", true},
		{monthly, statement.Account, "2024-03-06", false},
		{monthly, statement.Confirmation, "2024-03-05", false},
		{last, statement.Account, "2024-02-29", true},
		{last, statement.Account, "2024-02-28", false},
		{last, statement.Account, "2023-02-28", true},
		{last, statement.Account, "2024-04-30", true},
		{yearly, statement.Confirmation, "2024-02-29", true},
		{yearly, statement.Confirmation, "2024-03-30", false},
		{yearly, statement.Account, "2024-02-29", false},
	} {
		if got := c.schedule.Due(c.kind, calendar.MustDate(c.day)); got != c.due {
			t.Errorf("%+v, %s on %s: %t", c.schedule, c.kind, c.day, got)
		}
	}
	if got := statement.AsOf(calendar.MustDate("2024-03-05")); got != calendar.MustDate("2024-02-29") {
		t.Errorf("as of %s", got)
	}
}
