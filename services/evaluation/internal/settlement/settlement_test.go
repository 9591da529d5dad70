package settlement_test

import (
	"testing"

	"pgregory.net/rapid"

	"github.com/avalcredit/aval/pkg/calendar"
	"github.com/avalcredit/aval/pkg/errs"
	"github.com/avalcredit/aval/services/evaluation/internal/settlement"
)

var day = calendar.MustDate("2026-03-02")

func TestLongestDays(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		terms settlement.Terms
		want  int
	}{
		"rolling": {settlement.Terms{Method: settlement.Rolling, Days: 45}, 45},
		// An invoice of 26 July closes on 25 August, counts from 25 September, and is due on 25 October.
		"monthly, 25th, a month on, 30 days": {settlement.Terms{Method: settlement.Monthly, ClosingDay: 25, Months: 1, Days: 30}, 30 + 31 + 30},
		"monthly, last day":                  {settlement.Terms{Method: settlement.Monthly, ClosingDay: 31}, 30},
		"quarterly, last day":                {settlement.Terms{Method: settlement.Quarterly, ClosingDay: 31, Days: 10}, 91 + 10},
		"yearly, last day, in a leap year":   {settlement.Terms{Method: settlement.Yearly, ClosingDay: 31}, 365},
		"base stock":                         {settlement.Terms{Method: settlement.BaseStock, ContractEnd: calendar.MustDate("2026-12-31")}, 304},
		"consignment":                        {settlement.Terms{Method: settlement.Consignment, Days: 20}, 20},
	} {
		if got := c.terms.LongestDays(day); got != c.want {
			t.Errorf("%s: %d, want %d", name, got, c.want)
		}
	}
}

// No invoice of any day is due later than the longest days say, by a reading of the terms
// day by day.
func TestNothingIsDueLater(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		terms := settlement.Terms{
			Method:     rapid.SampledFrom([]settlement.Method{settlement.Monthly, settlement.Quarterly, settlement.Yearly}).Draw(t, "method"),
			ClosingDay: rapid.IntRange(1, 31).Draw(t, "closing day"), Months: rapid.IntRange(0, 12).Draw(t, "months"), Days: rapid.IntRange(0, 90).Draw(t, "days"),
		}
		every := map[settlement.Method]int{settlement.Monthly: 1, settlement.Quarterly: 3, settlement.Yearly: 12}[terms.Method]
		longest, reached := terms.LongestDays(day), 0
		for i := range 4 * 366 {
			invoice := calendar.MustDate("2027-01-01").AddDays(i)
			closing := invoice
			for int(closing.Month())%every != 0 || closing != closing.AddMonths(0, terms.ClosingDay) {
				closing = closing.AddDays(1)
			}
			reached = max(reached, closing.AddMonths(terms.Months, terms.ClosingDay).AddDays(terms.Days).DaysSince(invoice))
		}
		if reached != longest {
			t.Fatalf("%+v: %d days, said to be %d", terms, reached, longest)
		}
	})
}

func TestCheck(t *testing.T) {
	t.Parallel()
	for field, terms := range map[string]settlement.Terms{
		"":                    {Method: settlement.Monthly, ClosingDay: 25},
		"x.method":            {Days: 3},
		"x.closing_day":       {Method: settlement.Quarterly},
		"x.contract_end_date": {Method: settlement.BaseStock, ContractEnd: day.AddDays(-1)},
	} {
		err := terms.Check("x", day)
		e, _ := errs.As(err)
		if (err == nil) != (field == "") || err != nil && e.Violations[0].Field != field {
			t.Errorf("%+v: %v", terms, err)
		}
	}
}
