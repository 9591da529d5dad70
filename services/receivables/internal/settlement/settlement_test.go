package settlement_test

import (
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/avalcredit/aval/pkg/calendar"
	"github.com/avalcredit/aval/pkg/errs"
	"github.com/avalcredit/aval/pkg/money"
	"github.com/avalcredit/aval/services/receivables/internal/settlement"
)

func date(s string) calendar.Date {
	if s == "" {
		return calendar.Date{}
	}
	return calendar.MustDate(s)
}

func TestDueDates(t *testing.T) {
	t.Parallel()
	monthEnd := settlement.Terms{Method: settlement.Monthly, ClosingDay: 31, Months: 1}
	for name, c := range map[string]struct {
		terms     settlement.Terms
		date, due string
	}{
		"P14: 30 days":                               {settlement.Terms{Days: 30}, "2016-01-22", "2016-02-21"},
		"P14: month-end of the next month":           {monthEnd, "2016-01-22", "2016-02-29"},
		"P14: in a year that is no leap year":        {monthEnd, "2017-01-22", "2017-02-28"},
		"month-end keeps to the end":                 {monthEnd, "2017-02-10", "2017-03-31"},
		"on the last day of a short month":           {monthEnd, "2017-02-28", "2017-03-31"},
		"closing 25, one month, 30 days":             {settlement.Terms{Method: settlement.Monthly, ClosingDay: 25, Months: 1, Days: 30}, "2026-01-10", "2026-03-27"},
		"on the closing day it is in":                {settlement.Terms{Method: settlement.Monthly, ClosingDay: 25, Months: 1, Days: 30}, "2026-01-25", "2026-03-27"},
		"a day after it is in the next":              {settlement.Terms{Method: settlement.Monthly, ClosingDay: 25, Months: 1, Days: 30}, "2026-01-26", "2026-04-24"},
		"over the end of the year":                   {settlement.Terms{Method: settlement.Monthly, ClosingDay: 25}, "2025-12-26", "2026-01-25"},
		"closing 30 in February":                     {settlement.Terms{Method: settlement.Monthly, ClosingDay: 30}, "2026-02-28", "2026-02-28"},
		"closing 30 from February to March":          {settlement.Terms{Method: settlement.Monthly, ClosingDay: 30, Months: 1}, "2026-02-03", "2026-03-30"},
		"no closing day is the month's end":          {settlement.Terms{Method: settlement.Monthly}, "2026-04-01", "2026-04-30"},
		"quarter":                                    {settlement.Terms{Method: settlement.Quarterly, ClosingDay: 31}, "2026-01-01", "2026-03-31"},
		"quarter, its last day":                      {settlement.Terms{Method: settlement.Quarterly, ClosingDay: 20, Days: 10}, "2026-06-20", "2026-06-30"},
		"quarter, after its closing":                 {settlement.Terms{Method: settlement.Quarterly, ClosingDay: 20, Days: 10}, "2026-06-21", "2026-09-30"},
		"last quarter, closed before the year's end": {settlement.Terms{Method: settlement.Quarterly, ClosingDay: 25, Months: 1}, "2026-12-30", "2027-04-25"},
		"year":                            {settlement.Terms{Method: settlement.Yearly, Months: 1}, "2026-03-02", "2027-01-31"},
		"base stock":                      {settlement.Terms{Method: settlement.BaseStock, ContractEnd: date("2027-12-31")}, "2026-03-02", "2027-12-31"},
		"base stock, the contract ended":  {settlement.Terms{Method: settlement.BaseStock, ContractEnd: date("2026-03-01")}, "2026-03-02", "2026-03-02"},
		"consignment, sold when invoiced": {settlement.Terms{Method: settlement.Consignment, Days: 30}, "2026-03-02", "2026-04-01"},
		"consignment":                     {settlement.Terms{Method: settlement.Consignment, SoldOn: date("2026-05-04"), Days: 30}, "2026-03-02", "2026-06-03"},
	} {
		if got := c.terms.DueDate(date(c.date)); got != date(c.due) {
			t.Errorf("%s: %s, want %s", name, got, c.due)
		}
		if err := c.terms.Check("invoice.settlement"); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestTermsRefused(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		terms settlement.Terms
		field string
	}{
		"unknown method":             {settlement.Terms{Method: "WEEKLY"}, "settlement.method"},
		"closing day 32":             {settlement.Terms{Method: settlement.Monthly, ClosingDay: 32}, "settlement.closing_day"},
		"months below zero":          {settlement.Terms{Method: settlement.Monthly, Months: -1}, "settlement.months"},
		"too many days":              {settlement.Terms{Days: 3651}, "settlement.days"},
		"rolling with a closing day": {settlement.Terms{Method: settlement.Rolling, ClosingDay: 25}, "settlement.closing_day"},
		"base stock without end":     {settlement.Terms{Method: settlement.BaseStock}, "settlement.contract_end_date"},
	} {
		err := c.terms.Check("settlement")
		e, ok := errs.As(err)
		if !ok || e.Kind != errs.Invalid || len(e.Violations) != 1 || e.Violations[0].Field != c.field {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// An invoice's period closes on or after its date, at most a period later, and a later invoice never falls due earlier.
func TestClosingProperties(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		terms := settlement.Terms{
			Method:     rapid.SampledFrom([]settlement.Method{settlement.Monthly, settlement.Quarterly, settlement.Yearly}).Draw(t, "method"),
			ClosingDay: rapid.IntRange(0, 31).Draw(t, "closing day"), Months: rapid.IntRange(0, 6).Draw(t, "months"), Days: rapid.IntRange(0, 90).Draw(t, "days"),
		}
		longest := map[settlement.Method]int{settlement.Monthly: 31, settlement.Quarterly: 92, settlement.Yearly: 366}[terms.Method]
		a := date("2000-01-01").AddDays(rapid.IntRange(0, 12000).Draw(t, "date"))
		b := a.AddDays(rapid.IntRange(0, 400).Draw(t, "later"))
		closing := terms.Closing(a)
		if closing.Before(a) || closing.DaysSince(a) > longest {
			t.Fatalf("%s of %s closes on %s", terms, a, closing)
		}
		if terms.Closing(closing) != closing {
			t.Fatalf("%s: the closing day %s closes on %s", terms, closing, terms.Closing(closing))
		}
		dueA, dueB := terms.DueDate(a), terms.DueDate(b)
		if dueB.Before(dueA) || dueA.Before(a) {
			t.Fatalf("%s: %s due %s, %s due %s", terms, a, dueA, b, dueB)
		}
	})
}

func TestDaysOff(t *testing.T) {
	t.Parallel()
	// The week of 1 May 2026 (Friday): holiday to Tuesday 5 May, Saturday 9 May is worked for it.
	days := func(shift settlement.Shift) *settlement.Days {
		return &settlement.Days{
			Weekend:  []time.Weekday{time.Saturday, time.Sunday},
			Holidays: []calendar.Date{date("2026-05-01"), date("2026-05-04"), date("2026-05-05")},
			Workdays: []calendar.Date{date("2026-05-09")}, Shift: shift,
		}
	}
	for _, c := range []struct {
		shift     settlement.Shift
		due, want string
	}{
		{settlement.Following, "2026-04-30", "2026-04-30"},
		{settlement.Following, "2026-05-01", "2026-05-06"},
		{"", "2026-05-02", "2026-05-06"},
		{settlement.Preceding, "2026-05-03", "2026-04-30"},
		{settlement.ModifiedFollowing, "2026-05-02", "2026-05-06"},
		{settlement.ModifiedFollowing, "2026-05-31", "2026-05-29"}, // a Sunday, the next working day is in June
		{settlement.Following, "2026-05-09", "2026-05-09"},
		{settlement.Following, "2026-05-10", "2026-05-11"},
	} {
		if got := days(c.shift).Move(date(c.due)); got != date(c.want) {
			t.Errorf("%s %s: %s, want %s", c.shift, c.due, got, c.want)
		}
	}
	var none *settlement.Days
	if got := none.Move(date("2026-05-03")); got != date("2026-05-03") {
		t.Errorf("without a calendar a Sunday moved to %s", got)
	}
	every := &settlement.Days{Weekend: []time.Weekday{0, 1, 2, 3, 4, 5, 6}}
	if err := every.Check("days"); errs.KindOf(err) != errs.Invalid {
		t.Errorf("a week without working days: %v", err)
	}
}

func cny(s string) money.Money {
	m, err := money.Parse("CNY", s)
	if err != nil {
		panic(err)
	}
	return m
}

func rate(s string) money.Ratio {
	r, err := money.ParseRatio(s)
	if err != nil {
		panic(err)
	}
	return r
}

// 2/10, 1/20, net 30 on an invoice of 1 March.
func TestDiscount(t *testing.T) {
	t.Parallel()
	d := settlement.Discount{{Days: 10, Rate: rate("0.02")}, {Days: 20, Rate: rate("0.01")}}
	if err := d.Check("discount"); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		open, paid, on, want string
	}{
		"all, on the day":              {"1000.00", "980.00", "2026-03-01", "20.00"},
		"all, on the tenth day":        {"1000.00", "980.00", "2026-03-11", "20.00"},
		"on the eleventh day 2 % late": {"1000.00", "980.00", "2026-03-12", "9.90"},
		"1 % until the twentieth":      {"1000.00", "990.00", "2026-03-21", "10.00"},
		"nothing after":                {"1000.00", "990.00", "2026-03-22", "0.00"},
		"half up":                      {"333.25", "326.58", "2026-03-02", "6.67"}, // 6.665
		"less than offered":            {"1000.00", "995.00", "2026-03-02", "5.00"},
		"paid in full":                 {"1000.00", "1000.00", "2026-03-02", "0.00"},
		"a part earns its part":        {"1000.00", "490.00", "2026-03-02", "10.00"},
		"a part, rounded":              {"1000.00", "100.00", "2026-03-02", "2.04"}, // 2.0408
		"paid before the invoice":      {"1000.00", "980.00", "2026-02-20", "20.00"},
		"more than is open":            {"1000.00", "1200.00", "2026-03-02", "0.00"},
	} {
		if got := d.Taken(cny(c.open), cny(c.paid), date("2026-03-01"), date(c.on)); got != cny(c.want) {
			t.Errorf("%s: %s, want %s", name, got, c.want)
		}
	}
	if got := d.Of(cny("12345.67"), date("2026-03-01"), date("2026-03-05")); got != cny("246.91") {
		t.Errorf("2 %% of 12345.67 is %s", got)
	}
	for name, bad := range map[string]settlement.Discount{
		"days fall":  {{Days: 20, Rate: rate("0.02")}, {Days: 10, Rate: rate("0.01")}},
		"rates rise": {{Days: 10, Rate: rate("0.01")}, {Days: 20, Rate: rate("0.02")}},
		"all of it":  {{Days: 10, Rate: rate("1")}},
		"nothing":    {{Days: 10, Rate: rate("0")}},
		"below zero": {{Days: -1, Rate: rate("0.01")}},
		"no ratio":   {{Days: 10}},
		"many, many": {{Days: 1, Rate: rate("0.06")}, {Days: 2, Rate: rate("0.05")}, {Days: 3, Rate: rate("0.04")}, {Days: 4, Rate: rate("0.03")}, {Days: 5, Rate: rate("0.02")}, {Days: 6, Rate: rate("0.01")}},
	} {
		if err := bad.Check("discount"); errs.KindOf(err) != errs.Invalid {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// Payment and discount together never exceed what is open, and the discount never what was offered on it.
func TestDiscountIsBounded(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		r := money.Ratio{Num: rapid.Int64Range(1, 99).Draw(t, "rate"), Den: 100}
		d := settlement.Discount{{Days: 10, Rate: r}}
		open := money.New(rapid.Int64Range(1, 1e12).Draw(t, "open"), "CNY")
		paid := money.New(rapid.Int64Range(1, open.Minor).Draw(t, "paid"), "CNY")
		got := d.Taken(open, paid, date("2026-03-01"), date("2026-03-02"))
		if got.IsNegative() || got.Add(paid).Cmp(open) > 0 || got.Cmp(open.MulRatio(r)) > 0 {
			t.Fatalf("open %s, paid %s at %s: %s", open, paid, r, got)
		}
		if enough := open.Sub(open.MulRatio(r)); paid.Cmp(enough) >= 0 && got.Add(paid) != open {
			t.Fatalf("open %s, paid %s at %s settles with %s only", open, paid, r, got)
		}
	})
}
