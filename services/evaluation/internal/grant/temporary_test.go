package grant_test

import (
	"math"
	"testing"

	"pgregory.net/rapid"

	"github.com/avalcredit/aval/pkg/calendar"
	"github.com/avalcredit/aval/pkg/money"
	"github.com/avalcredit/aval/services/evaluation/internal/grade"
	"github.com/avalcredit/aval/services/evaluation/internal/grant"
)

func temporary(mode string, minor int64, from, until string) grant.TemporaryLimit {
	return grant.TemporaryLimit{Mode: mode, Amount: money.New(minor, "CNY"), From: calendar.MustDate(from), Until: calendar.MustDate(until)}
}

// Both days are included; afterwards the standing limit of 100.00 holds again.
func TestLimitOn(t *testing.T) {
	t.Parallel()
	replaced := credit(grade.A).With(temporary(grant.Replace, 150_00, "2026-03-01", "2026-03-31"), calendar.MustDate("2026-01-01"))
	both := replaced.With(temporary(grant.Add, 50_00, "2026-03-31", "2026-04-02"), calendar.MustDate("2026-01-01"))
	for _, c := range []struct {
		g    grant.Grant
		day  string
		want int64
	}{
		{replaced, "2026-02-28", 100_00}, {replaced, "2026-03-01", 150_00}, {replaced, "2026-03-31", 150_00}, {replaced, "2026-04-01", 100_00},
		{both, "2026-03-30", 150_00}, {both, "2026-03-31", 200_00}, {both, "2026-04-01", 150_00}, {both, "2026-04-03", 100_00},
	} {
		if got := c.g.LimitOn(calendar.MustDate(c.day)); got == nil || got.Minor != c.want {
			t.Errorf("%s: %v, want %d", c.day, got, c.want)
		}
	}
	huge := both.With(temporary(grant.Add, math.MaxInt64, "2026-03-01", "2026-03-31"), calendar.MustDate("2026-01-01"))
	if got := huge.LimitOn(calendar.MustDate("2026-03-31")); got.Minor != math.MaxInt64 {
		t.Errorf("more than there is: %v", got)
	}
	if grant.CashCustomer("C-1").With(temporary(grant.Add, 1, "2026-03-01", "2026-03-31"), calendar.MustDate("2026-01-01")).LimitOn(calendar.MustDate("2026-03-05")) != nil {
		t.Error("a limit for a time makes a limit out of none")
	}
}

// The peak is the highest limit of all days of a limit for a time, whatever others there are.
func TestPeak(t *testing.T) {
	t.Parallel()
	start := calendar.MustDate("2026-03-01")
	rapid.Check(t, func(t *rapid.T) {
		one := rapid.Custom(func(t *rapid.T) grant.TemporaryLimit {
			from := start.AddDays(rapid.IntRange(0, 20).Draw(t, "from"))
			return grant.TemporaryLimit{
				Mode: rapid.SampledFrom([]string{grant.Replace, grant.Add}).Draw(t, "mode"), From: from,
				Until: from.AddDays(rapid.IntRange(0, 10).Draw(t, "days")), Amount: money.New(rapid.Int64Range(1, 300_00).Draw(t, "amount"), "CNY"),
			}
		})
		g := credit(grade.A)
		g.Temporary = rapid.SliceOfN(one, 0, 4).Draw(t, "others")
		asked := one.Draw(t, "asked")
		var want int64
		for day := asked.From; !day.After(asked.Until); day = day.AddDays(1) {
			want = max(want, g.With(asked, start).LimitOn(day).Minor)
		}
		if got := g.Peak(asked); got == nil || got.Minor != want {
			t.Fatalf("%v, want %d", got, want)
		}
	})
}

// What is over is dropped; what ends the credit ends limits for a time.
func TestTemporaryLimitsEnd(t *testing.T) {
	t.Parallel()
	day := calendar.MustDate("2026-04-01")
	g := credit(grade.A).With(temporary(grant.Add, 1, "2026-03-01", "2026-03-31"), day).With(temporary(grant.Add, 2, "2026-04-01", "2026-04-01"), day)
	if len(g.Temporary) != 1 || g.Temporary[0].Amount.Minor != 2 {
		t.Fatalf("%+v", g.Temporary)
	}
	if next, _ := grant.Withdraw(g, "over limit", day); len(next.Temporary) != 0 {
		t.Fatalf("withdrawn: %+v", next)
	}
	next, changed := grant.Tighten(g, grant.Assessment{Grade: grade.D, Treatment: treatments()[grade.D], Date: day})
	if !changed || len(next.Temporary) != 0 || len(g.Temporary) != 1 {
		t.Fatalf("tightened: %+v", next)
	}
}
