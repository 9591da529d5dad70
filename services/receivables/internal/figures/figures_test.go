package figures_test

import (
	"math/big"
	"os"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/avalcredit/aval/pkg/calendar"
	"github.com/avalcredit/aval/services/receivables/internal/figures"
)

func period(from, to string) figures.Period {
	return figures.Period{From: calendar.MustDate(from), To: calendar.MustDate(to)}
}

func TestPeriodFigures(t *testing.T) {
	t.Parallel()
	year, half := period("2023-01-01", "2023-12-31"), period("2023-01-01", "2023-07-02") // 365 and 183 days
	year.Closing, year.Sales = 5_000_000, 15_000_000
	half.Closing, half.Sales = 5_000_000, 15_000_000
	quarter := figures.Period{
		From: calendar.MustDate("2023-10-01"), To: calendar.MustDate("2023-12-31"),
		Opening: 100_000, Closing: 120_000, NotDue: 90_000, Sales: 300_000,
		FallenDue: 280_000, Collected: 240_000, WrittenOff: 3_500, Recovered: 500,
		Months: []figures.Month{{31, 80_000}, {30, 100_000}, {31, 120_000}},
	}
	for _, c := range []struct {
		name   string
		got    figures.Value
		digits int
		want   string
	}{
		{"dso of a year", year.DSO(), 2, "121.67"},
		{"dso of 183 days", half.DSO(), 2, "61.00"},
		{"dso", quarter.DSO(), 4, "36.8000"},
		{"dso by the average", quarter.DSOAverage(), 4, "33.7333"}, // 110,000 / 300,000 x 92
		{"count-back", quarter.DSOCountBack(), 4, "43.0000"},       // 31 + 40,000 / 100,000 x 30
		{"best possible dso", quarter.BestPossibleDSO(), 4, "27.6000"},
		{"average days delinquent", quarter.AverageDaysDelinquent(), 4, "9.2000"},
		{"cei", quarter.CEI(), 4, "90.3226"}, // 280,000 / 310,000
		{"collection rate", quarter.CollectionRate(), 6, "0.857143"},
		{"overdue ratio", quarter.OverdueRatio(), 6, "0.250000"},
		{"bad-debt ratio", quarter.BadDebtRatio(), 6, "0.010000"},
	} {
		if got := c.got.Decimal(c.digits); got != c.want {
			t.Errorf("%s is %s, want %s", c.name, got, c.want)
		}
	}
	if got := quarter.CollectionRate().Exact(); got != "6/7" {
		t.Errorf("the collection rate is exactly %s", got)
	}
}

func TestFiguresWithoutAValueSayWhy(t *testing.T) {
	t.Parallel()
	p := period("2023-01-01", "2023-01-31")
	p.Closing = 5
	for name, want := range map[string]figures.Missing{
		"dso": figures.NoSales, "dso_average": figures.NoSales, "best_possible_dso": figures.NoSales, "bad_debt_ratio": figures.NoSales,
		"average_days_delinquent": figures.NoSales, "dso_count_back": figures.SalesRunOut, "collection_rate": figures.NothingDue, "cei": figures.NothingToDo,
		"overdue_ratio": "",
	} {
		for _, f := range p.All() {
			if f.Name == name && (f.Value.Missing != want || f.Value.IsSet() == (want != "")) {
				t.Errorf("%s: %q, %q", name, f.Value.Decimal(2), f.Value.Missing)
			}
		}
	}
}

func TestCountBackSkipsMonthsWithoutSales(t *testing.T) {
	t.Parallel()
	p := period("2023-12-01", "2023-12-31")
	p.Closing = 30
	p.Months = []figures.Month{{31, 10}, {30, 0}, {31, -5}, {30, 40}}
	if got, want := p.DSOCountBack().Decimal(2), "107.00"; got != want { // 31 + 30 + 31 + 20/40 x 30
		t.Errorf("count-back %s, want %s", got, want)
	}
}

// The README has the one table of definitions; it must be the code's.
func TestReadmeHasTheDefinitions(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range append(slices.Clone(figures.Definitions), figures.Others...) {
		if line := "| `" + d.Name + "` | " + d.Formula + " | " + string(d.Unit) + " | " + d.Source + " |"; !strings.Contains(string(text), line) {
			t.Errorf("README.md lacks the line\n%s", line)
		}
	}
}

func rats(t *testing.T, percents ...string) []*big.Rat {
	t.Helper()
	var out []*big.Rat
	for _, p := range percents {
		r, ok := new(big.Rat).SetString(p)
		if !ok {
			t.Fatalf("%q is no number", p)
		}
		out = append(out, r.Quo(r, big.NewRat(100, 1)))
	}
	return out
}

// The textbook's allowance, and IFRS 9 Illustrative Examples, Example 12, to the digit.
func TestProvision(t *testing.T) {
	t.Parallel()
	allowance := figures.NewProvision([]int64{70_000_000, 12_000_000, 8_000_000, 3_000_000, 1_000_000}, rats(t, "5", "8", "20", "25", "50"))
	if allowance.Loss != 7_310_000 {
		t.Errorf("allowance %d", allowance.Loss)
	}
	if got := figures.Expense(7_500_000, 8_500_000, allowance.Loss); got != 8_310_000 {
		t.Errorf("expense %d", got)
	}
	ifrs := figures.NewProvision([]int64{1_500_000_000, 750_000_000, 400_000_000, 250_000_000, 100_000_000}, rats(t, "0.3", "1.6", "3.6", "6.6", "10.6"))
	for i, want := range []int64{4_500_000, 12_000_000, 14_400_000, 16_500_000, 10_600_000} {
		if ifrs.Rows[i].Loss != want {
			t.Errorf("row %d: %d, want %d", i, ifrs.Rows[i].Loss, want)
		}
	}
	if ifrs.Loss != 58_000_000 || ifrs.Gross != 3_000_000_000 {
		t.Errorf("total %d of %d", ifrs.Loss, ifrs.Gross)
	}
	half := figures.NewProvision([]int64{1, 3, 5}, rats(t, "50", "50", "10"))
	if half.Loss != 1+2+1 {
		t.Errorf("halves are rounded to %+v", half.Rows)
	}
}

func TestRoll(t *testing.T) {
	t.Parallel()
	rows := figures.RollRows(3, []figures.Roll{
		{From: 0, To: 0, Amount: 50}, {From: 0, To: 1, Amount: 30}, {From: 0, To: figures.Settled, Amount: 20},
		{From: 1, To: 2, Amount: 45}, {From: 1, To: figures.Settled, Amount: 15},
	})
	for _, c := range []struct {
		got  figures.Value
		want string
	}{
		{rows[0].Rate(1), "0.30"}, {rows[0].Rate(figures.Settled), "0.20"}, {rows[0].Worse(0), "0.30"}, {rows[1].Rate(2), "0.75"}, {rows[1].Worse(1), "0.75"}, {rows[2].Rate(2), ""},
	} {
		if got := c.got.Decimal(2); got != c.want {
			t.Errorf("rate %q, want %q", got, c.want)
		}
	}
}

func TestForecast(t *testing.T) {
	t.Parallel()
	day := func(n int) calendar.Date { return calendar.MustDate("2024-06-30").AddDays(n) }
	habits := figures.Habits{
		Of:  map[string]figures.Habit{"slow": {AmountDays: big.NewInt(1050), Amount: 100}, "new": {}}, // 10.5 days: 11
		All: figures.Habit{AmountDays: big.NewInt(300), Amount: 100},
	}
	f := figures.NewForecast(day(0), 3)
	for _, d := range []figures.Debt{
		{CustomerID: "slow", Due: day(0), Open: 1},                        // expected on day 11: week 2
		{CustomerID: "slow", Due: day(1), Open: 10},                       // day 12: week 2
		{CustomerID: "slow", Due: day(-20), Open: 100},                    // beyond its habit
		{CustomerID: "new", Due: day(5), Open: 1000},                      // all customers' 3 days: day 8, week 2
		{CustomerID: "new", Due: day(-9), Open: 10_000, Promised: day(2)}, // promised in week 1
		{CustomerID: "new", Due: day(7), Open: 100_000, Disputed: true},
		{CustomerID: "new", Due: day(21), Open: 1_000_000},           // due in week 3, expected later
		{CustomerID: "new", Due: day(22), Open: 10_000_000},          // due later
		{CustomerID: "new", Due: day(1), Open: 5, Promised: day(-1)}, // a promise that has passed
	} {
		f.Add(d, habits.Days(d.CustomerID))
	}
	want := figures.Forecast{
		AsOf: day(0), Open: 11_111_116,
		Weeks: []figures.Week{
			{Start: day(1), Due: 10 + 1000 + 100_000 + 5, Promised: 10_000, Expected: 10_000},
			{Start: day(8), Expected: 1 + 10 + 1000},
			{Start: day(15), Due: 1_000_000},
		},
		AlreadyDue: 1 + 100 + 10_000, DueLater: 10_000_000, Disputed: 100_000, BeyondHabit: 105, ExpectedLater: 11_000_000, PromisedBefore: 5,
	}
	for i := range want.Weeks {
		if f.Weeks[i] != want.Weeks[i] {
			t.Errorf("week %d: %+v, want %+v", i, f.Weeks[i], want.Weeks[i])
		}
	}
	got := *f
	got.Weeks, want.Weeks = nil, nil
	if got.AsOf != want.AsOf || got.Open != want.Open || got.AlreadyDue != want.AlreadyDue || got.DueLater != want.DueLater ||
		got.Disputed != want.Disputed || got.BeyondHabit != want.BeyondHabit || got.ExpectedLater != want.ExpectedLater || got.PromisedBefore != want.PromisedBefore {
		t.Errorf("%+v\nwant %+v", got, want)
	}
}

// Whatever is owed, both views of the forecast add up to it.
func TestForecastAddsUp(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		asOf := calendar.MustDate("2024-01-31")
		f := figures.NewForecast(asOf, rapid.IntRange(1, 13).Draw(t, "weeks"))
		var open int64
		for range rapid.IntRange(0, 40).Draw(t, "debts") {
			d := figures.Debt{
				Due: asOf.AddDays(rapid.IntRange(-200, 200).Draw(t, "due")), Open: rapid.Int64Range(1, 1_000_000).Draw(t, "open"),
				Disputed: rapid.Bool().Draw(t, "disputed"),
			}
			if rapid.Bool().Draw(t, "promised") {
				d.Promised = asOf.AddDays(rapid.IntRange(-30, 60).Draw(t, "promise"))
			}
			f.Add(d, rapid.IntRange(0, 90).Draw(t, "late"))
			open += d.Open
		}
		due, expected := f.AlreadyDue+f.DueLater, f.Disputed+f.BeyondHabit+f.ExpectedLater
		for _, w := range f.Weeks {
			due, expected = due+w.Due, expected+w.Expected
		}
		if f.Open != open || due != open || expected != open {
			t.Fatalf("open %d: %d by due date, %d expected: %+v", open, due, expected, f)
		}
	})
}

func TestConcentration(t *testing.T) {
	t.Parallel()
	c := figures.Concentration{Customers: 4, Open: 100, Squares: big.NewInt(40*40 + 30*30 + 20*20 + 10*10), Top: []figures.Debtor{{Open: 40}, {Open: 30}}}
	if got := c.HHI().Decimal(2) + " " + c.TopShare().Decimal(2) + " " + c.Share(20).Decimal(2); got != "3000.00 0.70 0.20" {
		t.Errorf("got %s", got)
	}
	none := figures.Concentration{Squares: new(big.Int)}
	if none.HHI().Missing != figures.NothingOpen {
		t.Errorf("nothing open: %+v", none.HHI())
	}
}

func TestPace(t *testing.T) {
	t.Parallel()
	day := calendar.MustDate("2024-03-01")
	for _, c := range []struct {
		rise         int64
		days         int
		total, level int64
		want         string
	}{
		{300, 30, 900, 1000, "2024-03-11"}, {300, 30, 901, 1000, "2024-03-11"}, {300, 30, 900, 1001, "2024-03-12"},
		{300, 30, 1000, 1000, "2024-03-01"}, {300, 30, 1200, 1000, "2024-03-01"}, {0, 30, 0, 1, ""}, {-5, 30, 0, 1, ""},
		{1, 30, 0, 9_000_000_000_000_000_000, ""},
	} {
		got, ok := figures.Pace{Rise: c.rise, Days: c.days}.Reaches(day, c.total, c.level)
		if got.String() != c.want || ok != (c.want != "") {
			t.Errorf("%+v: %s", c, got)
		}
	}
}

func TestCostOfCapital(t *testing.T) {
	t.Parallel()
	// 1,000.00 open for 73 days at 6.5 % a year: 13.00.
	if got := figures.CostOfCapital(big.NewInt(100_000*73), big.NewRat(65, 1000)); got != 1300 {
		t.Errorf("cost %d", got)
	}
	if got := figures.Round(big.NewInt(-1), big.NewInt(1), big.NewInt(2)).Int64(); got != -1 {
		t.Errorf("half of minus one is %d", got)
	}
}
