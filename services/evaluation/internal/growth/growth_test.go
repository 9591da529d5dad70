package growth_test

import (
	"testing"

	"github.com/avalcredit/aval/pkg/calendar"
	"github.com/avalcredit/aval/services/evaluation/internal/criteria"
	"github.com/avalcredit/aval/services/evaluation/internal/growth"
)

func TestPeriods(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		months                  int
		yearBefore              bool
		day                     string
		from, to, cfrom, cuntil string
	}{
		{12, false, "2026-03-02", "2025-03-03", "2026-03-02", "2024-03-03", "2025-03-02"},
		{12, true, "2026-03-02", "2025-03-03", "2026-03-02", "2024-03-03", "2025-03-02"},
		{3, false, "2026-03-31", "2026-01-01", "2026-03-31", "2025-10-01", "2025-12-31"},
		{3, true, "2026-03-31", "2026-01-01", "2026-03-31", "2025-01-01", "2025-03-31"},
		{1, false, "2026-03-31", "2026-03-01", "2026-03-31", "2026-02-01", "2026-02-28"},
		{6, false, "2026-02-28", "2025-08-29", "2026-02-28", "2025-03-01", "2025-08-28"},
	} {
		s := growth.Spec{Date: calendar.MustDate(c.day), Growth: criteria.Growth{Months: c.months, YearBefore: c.yearBefore}}
		now, before := s.Period(), s.Compared()
		if now.From.String() != c.from || now.To.String() != c.to || before.From.String() != c.cfrom || before.To.String() != c.cuntil {
			t.Errorf("%+v: %s to %s, compared with %s to %s", c, now.From, now.To, before.From, before.To)
		}
	}
}

func TestJudge(t *testing.T) {
	t.Parallel()
	n := func(v int64) *int64 { return &v }
	for _, c := range []struct {
		name             string
		volume, compared *int64
		least, since     string
		want             growth.Verdict
		shown            string
	}{
		{"more", n(101), n(100), "", "2020-01-01", growth.Grew, "0.0100"},
		{"as much", n(100), n(100), "", "2020-01-01", growth.NotGrown, "0.0000"},
		{"less", n(99), n(100), "", "2020-01-01", growth.NotGrown, "-0.0100"},
		{"exactly the least growth", n(105), n(100), "0.05", "2020-01-01", growth.NotGrown, "0.0500"},
		{"a cent above it", n(10_000_001), n(9_523_810), "0.05", "2020-01-01", growth.Grew, "0.0500"},
		{"a cent below it", n(10_000_000), n(9_523_810), "0.05", "2020-01-01", growth.NotGrown, "0.0500"},
		{"shrinking less than feared", n(95), n(100), "-0.10", "2020-01-01", growth.Grew, "-0.0500"},
		{"from nothing", n(1), n(0), "", "2020-01-01", growth.Grew, ""},
		{"nothing at all", n(0), n(0), "", "2020-01-01", growth.NotGrown, ""},
		{"credited more than bought, both times", n(-5), n(-10), "", "2020-01-01", growth.NotGrown, ""},
		{"unknown", nil, nil, "", "2020-01-01", growth.Unknown, ""},
		{"credit since a day too late", n(5), n(9), "", "2025-03-03", growth.TooEarly, "-0.4444"},
		{"credit since long enough", n(5), n(9), "", "2025-03-02", growth.NotGrown, "-0.4444"},
	} {
		s := growth.Spec{Date: calendar.MustDate("2026-03-02"), Growth: criteria.Growth{Months: 12, CreditMonths: 12, Least: c.least}}
		r := growth.Row{Volume: c.volume, Compared: c.compared, CreditSince: calendar.MustDate(c.since)}
		if s.Judge(&r); r.Verdict != c.want || r.Growth() != c.shown {
			t.Errorf("%s: %s %q", c.name, r.Verdict, r.Growth())
		}
	}
}
