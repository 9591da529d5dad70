package charge_test

import (
	"fmt"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/avalcredit/aval/pkg/calendar"
	"github.com/avalcredit/aval/pkg/errs"
	"github.com/avalcredit/aval/pkg/money"
	"github.com/avalcredit/aval/services/receivables/internal/charge"
)

func day(s string) calendar.Date { return calendar.MustDate(s) }

func ratio(s string) money.Ratio {
	r, err := money.ParseRatio(s)
	if err != nil {
		panic(err)
	}
	return r
}

func rules() charge.Rules {
	return charge.Rules{
		OverTerm:    charge.Rule{PerMille: ratio("0.5"), Basis: charge.PerDay, ChargedTo: charge.Unit},
		OverLimit:   charge.Rule{PerMille: ratio("3"), Basis: charge.PerMonth, ChargedTo: charge.Person},
		ReturnShare: ratio("1"),
	}
}

// item owes 100,000.00 since 1 January, due 31 January.
func item(id string, moves ...charge.Move) charge.Item {
	return charge.Item{ID: id, CustomerID: "C", Currency: "CNY", DocumentDate: day("2026-01-01"), DueDate: day("2026-01-31"), Amount: 100_000_00, Moves: moves}
}

func paid(date string, amount int64) charge.Move { return charge.Move{Date: day(date), Amount: amount} }

func lines(l []charge.Line) string {
	var out []string
	for _, c := range l {
		out = append(out, fmt.Sprintf("%s %s %d %d %s", c.ItemID, c.Kind, c.Days, c.BalanceDays, c.Amount))
	}
	return strings.Join(out, "; ")
}

func TestMonth(t *testing.T) {
	t.Parallel()
	charged := item("I", paid("2026-03-10", 100_000_00))
	charged.Charged, charged.Bearer = 1400_00, charge.Unit
	undone := charged
	undone.Moves, undone.Returned = append(undone.Moves, paid("2026-04-02", -100_000_00)), 1400_00
	off := charged
	off.Moves = []charge.Move{{Date: day("2026-03-10"), Amount: 100_000_00, WriteOff: true}}
	reversed := item("I")
	reversed.ReverseDate = day("2026-02-11")
	grace := rules()
	grace.OverTerm.GraceDays = 8
	end := rules()
	end.OverTerm.Basis = charge.PerMonth
	half := rules()
	half.ReturnShare = ratio("0.5")
	second := item("J")
	second.DocumentDate, second.DueDate = day("2026-01-20"), day("2026-06-30")
	limit := []charge.Limit{{From: day("2025-01-01"), Amount: 150_000_00, Currency: "CNY"}}
	for _, c := range []struct {
		name   string
		items  []charge.Item
		limits []charge.Limit
		rules  charge.Rules
		month  string
		want   string
	}{
		{"not over its term", []charge.Item{item("I")}, nil, rules(), "2026-01-01", ""},
		{"28 days of 100,000 at 0.5 per mille a day", []charge.Item{item("I")}, nil, rules(), "2026-02-01", "I OVER_TERM 28 280000000 1400.00"},
		{"paid in part on the 15th: the day's end counts", []charge.Item{item("I", paid("2026-02-15", 40_000_00))}, nil, rules(), "2026-02-01", "I OVER_TERM 28 224000000 1120.00"},
		{"eight days are free", []charge.Item{item("I")}, nil, grace, "2026-02-01", "I OVER_TERM 20 200000000 1000.00"},
		{"by the month's end", []charge.Item{item("I")}, nil, end, "2026-02-01", "I OVER_TERM 1 10000000 50.00"},
		{"paid by the month's end", []charge.Item{item("I", paid("2026-02-28", 100_000_00))}, nil, end, "2026-02-01", ""},
		{"taken back: nothing more, and what it was charged goes back", []charge.Item{reversed}, nil, rules(), "2026-02-01", "I CORRECTION 0 0 -500.00; I OVER_TERM 10 100000000 500.00"},
		{"paid in March: 9 days, and all goes back", []charge.Item{charged}, nil, rules(), "2026-03-01", "I CORRECTION 0 0 -1850.00; I OVER_TERM 9 90000000 450.00"},
		{"half goes back", []charge.Item{charged}, nil, half, "2026-03-01", "I CORRECTION 0 0 -925.00; I OVER_TERM 9 90000000 450.00"},
		{"the money went back in April: charged again", []charge.Item{undone}, nil, rules(), "2026-04-01", "I CORRECTION 0 0 1400.00; I OVER_TERM 29 290000000 1450.00"},
		{"written off is not paid", []charge.Item{off}, nil, rules(), "2026-03-01", "I OVER_TERM 9 90000000 450.00"},
		{"50,000 over the limit, the newest item's", []charge.Item{item("I"), second}, limit, rules(), "2026-01-01", "J OVER_LIMIT 1 5000000 150.00"},
		{"what is over its term is not charged twice", []charge.Item{item("I"), second}, []charge.Limit{{From: day("2025-01-01")}}, rules(), "2026-02-01", "I OVER_TERM 28 280000000 1400.00; J OVER_LIMIT 1 10000000 300.00"},
		{"no limit is known", []charge.Item{second}, []charge.Limit{{From: day("2026-02-01")}}, rules(), "2026-01-01", ""},
		{"without limit", []charge.Item{second}, []charge.Limit{{From: day("2025-01-01"), Unlimited: true}}, rules(), "2026-01-01", ""},
		{"the limit has ended", []charge.Item{second}, []charge.Limit{{From: day("2025-01-01"), Until: day("2026-01-30"), Amount: 1 << 40}}, rules(), "2026-01-01", "J OVER_LIMIT 1 10000000 300.00"},
		{"a limit for a time holds on its last day", []charge.Item{second}, []charge.Limit{{From: day("2025-01-01"), Temporary: []charge.Temporary{
			{Amount: 90_000_00, From: day("2026-01-20"), Until: day("2026-01-31")},
		}}}, rules(), "2026-01-01", "J OVER_LIMIT 1 1000000 30.00"},
		{"the newest limit counts", []charge.Item{second}, []charge.Limit{{From: day("2025-01-01")}, {From: day("2026-01-31"), Amount: 100_000_00}}, rules(), "2026-01-01", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			if got := lines(charge.Month(c.items, c.limits, c.rules, day(c.month))); got != c.want {
				t.Errorf("%s\nwant %s", got, c.want)
			}
		})
	}
}

// Whatever is paid and taken back, and in whatever month: once an item is paid for good all its charges are given back, and
// while it is not, nothing is.
func TestCorrectionsComeToNothing(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		it := item("I")
		open := it.Amount
		month := day("2026-02-01")
		for range rapid.IntRange(1, 8).Draw(t, "months") {
			date := month.AddDays(rapid.IntRange(0, 27).Draw(t, "day"))
			switch rapid.IntRange(0, 2).Draw(t, "what") {
			case 0:
				part := rapid.Int64Range(0, open).Draw(t, "part")
				it.Moves, open = append(it.Moves, charge.Move{Date: date, Amount: part}), open-part
			case 1:
				it.Moves, open = append(it.Moves, charge.Move{Date: date, Amount: open}), 0
			default:
				back := it.Amount - open
				it.Moves, open = append(it.Moves, charge.Move{Date: date, Amount: -back}), it.Amount
			}
			for _, l := range charge.Month([]charge.Item{it}, nil, rules(), month) {
				if l.Kind == charge.Correction {
					it.Returned -= l.Amount.Minor
				} else {
					it.Charged, it.Bearer = it.Charged+l.Amount.Minor, l.ChargedTo
				}
			}
			want := int64(0)
			if open == 0 {
				want = it.Charged
			}
			if it.Returned != want {
				t.Fatalf("%s: %d open, charged %d, given back %d", month, open, it.Charged, it.Returned)
			}
			month = month.AddMonths(1, 1)
		}
	})
}

func TestMonthsInOrder(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ month, newest, today, want string }{
		{"2026-02-01", "", "2026-03-01", ""}, {"2026-02-01", "", "2026-02-28", "MONTH_NOT_OVER"},
		{"2026-02-01", "2026-02-01", "2026-03-01", "MONTH_CHARGED"}, {"2026-02-01", "2026-03-01", "2026-05-01", "MONTH_OUT_OF_ORDER"},
		{"2026-04-01", "2026-02-01", "2026-05-01", ""},
	} {
		var newest calendar.Date
		if c.newest != "" {
			newest = day(c.newest)
		}
		if got := errs.ReasonOf(charge.Check(day(c.month), newest, day(c.today))); got != c.want {
			t.Errorf("%+v: %q", c, got)
		}
	}
}
