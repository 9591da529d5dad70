package calendar_test

import (
	"encoding/json"
	"math"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/avalcredit/aval/pkg/calendar"
	"github.com/avalcredit/aval/pkg/errs"
)

func TestParseDate(t *testing.T) {
	t.Parallel()
	for _, good := range []string{"2026-01-31", "2024-02-29", "2000-02-29", "0001-01-01", "9999-12-31", "1969-12-31", "1970-01-01"} {
		d, err := calendar.ParseDate(good)
		if err != nil || d.String() != good || d.IsZero() {
			t.Errorf("%q was read as %v, error %v", good, d, err)
		}
	}
	for _, bad := range []string{
		"", "2026-1-31", "2026-01-32", "2025-02-29", "1900-02-29", "2026-13-01", "2026-00-01", "2026-01-00", "0000-01-01",
		"20260131", "2026/01/31", "2026-01-31T00:00:00Z", " 2026-01-31", "10000-01-01", "-001-01-01", "infinity",
	} {
		if d, err := calendar.ParseDate(bad); errs.KindOf(err) != errs.Invalid || errs.ReasonOf(err) != calendar.ReasonInvalid {
			t.Errorf("%q was read as %v, error %v; want DATE_INVALID", bad, d, err)
		}
	}
}

func TestAddMonths(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		from   string
		months int
		day    int
		want   string
	}{
		{"2026-01-31", 1, 0, "2026-02-28"},
		{"2024-01-31", 1, 0, "2024-02-29"},
		{"2026-01-31", 1, 31, "2026-02-28"},
		{"2026-02-28", 1, 31, "2026-03-31"},
		{"2026-02-28", 1, 0, "2026-03-28"},
		{"2026-03-10", 0, 25, "2026-03-25"},
		{"2026-03-10", 1, 25, "2026-04-25"},
		{"2026-11-30", 3, 0, "2027-02-28"},
		{"2026-12-31", 12, 0, "2027-12-31"},
		{"2026-03-31", -1, 0, "2026-02-28"},
		{"2026-01-15", -1, 1, "2025-12-01"},
		{"2024-02-29", 12, 0, "2025-02-28"},
		{"2024-02-29", 48, 0, "2028-02-29"},
		{"2026-05-05", 0, -3, "2026-05-01"},
		{"9999-12-01", 1, 0, "9999-12-31"},
		{"0001-01-15", -1, 0, "0001-01-01"},
		{"2026-01-15", math.MaxInt, 0, "9999-12-31"},
		{"2026-01-15", math.MinInt, 0, "0001-01-01"},
	} {
		if got := calendar.MustDate(c.from).AddMonths(c.months, c.day); got.String() != c.want {
			t.Errorf("%s + %d months, day %d = %v, want %s", c.from, c.months, c.day, got, c.want)
		}
	}
}

func TestEndOfMonth(t *testing.T) {
	t.Parallel()
	for from, want := range map[string]string{
		"2026-01-01": "2026-01-31", "2026-02-10": "2026-02-28", "2024-02-29": "2024-02-29", "2100-02-01": "2100-02-28",
		"2000-02-01": "2000-02-29", "2026-04-30": "2026-04-30", "2026-12-31": "2026-12-31",
	} {
		if got := calendar.MustDate(from).EndOfMonth(); got.String() != want {
			t.Errorf("the month of %s ends on %v, want %s", from, got, want)
		}
	}
}

func TestRangeEnds(t *testing.T) {
	t.Parallel()
	d := calendar.MustDate("2026-07-01")
	if got := d.AddDays(math.MaxInt); got != calendar.MustDate("9999-12-31") {
		t.Errorf("the last date is %v", got)
	}
	if got := d.AddDays(math.MinInt); got != calendar.MustDate("0001-01-01") {
		t.Errorf("the first date is %v", got)
	}
}

func TestNoDate(t *testing.T) {
	t.Parallel()
	var none calendar.Date
	if none.String() != "" || none.Year() != 0 || none.Month() != 0 || none.Day() != 0 || !none.Midnight(time.UTC).IsZero() {
		t.Error("no date has parts")
	}
	if none.AddDays(1) != none || none.AddMonths(1, 5) != none || none.EndOfMonth() != none {
		t.Error("arithmetic made a date of no date")
	}
	first := calendar.MustDate("0001-01-01")
	if !none.Before(first) || !first.After(none) || none.Compare(first) != -1 || none.Compare(none) != 0 {
		t.Error("no date is not earlier than the first date")
	}
	if calendar.FromTime(time.Time{}, time.UTC) != none {
		t.Error("the zero time is a date")
	}
	for name, f := range map[string]func(){
		"since no date":        func() { first.DaysSince(none) },
		"no date since":        func() { none.DaysSince(first) },
		"weekday":              func() { none.Weekday() },
		"30 February":          func() { calendar.New(2026, time.February, 30) },
		"year 0":               func() { calendar.New(0, time.January, 1) },
		"bad constant in code": func() { calendar.MustDate("soon") },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			defer func() {
				if recover() == nil {
					t.Error("no panic")
				}
			}()
			f()
		})
	}
}

// A day of the years in which business is done and of the ends of the range.
func anyDate() *rapid.Generator[calendar.Date] {
	return rapid.Custom(func(t *rapid.T) calendar.Date {
		from := rapid.SampledFrom([]string{"0001-01-01", "1899-01-01", "1999-01-01", "2023-01-01", "2095-01-01"}).Draw(t, "from")
		return calendar.MustDate(from).AddDays(rapid.IntRange(0, 3_000).Draw(t, "days"))
	})
}

func utc(d calendar.Date) time.Time {
	return time.Date(d.Year(), d.Month(), d.Day(), 0, 0, 0, 0, time.UTC)
}

func TestArithmeticAgreesWithTime(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		d := anyDate().Draw(t, "d")
		n := rapid.IntRange(-5_000, 5_000).Draw(t, "n")
		moved := utc(d).AddDate(0, 0, n)
		if moved.Year() < 1 {
			return
		}
		got := d.AddDays(n)
		if got.String() != moved.Format("2006-01-02") || got != calendar.FromTime(moved, time.UTC) && !moved.IsZero() {
			t.Fatalf("%v + %d days = %v, want %v", d, n, got, moved)
		}
		if got.DaysSince(d) != n || got.AddDays(-n) != d || got.Compare(d) != utc(got).Compare(utc(d)) {
			t.Fatalf("%v and %v are %d days apart", d, got, got.DaysSince(d))
		}
		if got.Before(d) != (n < 0) || got.After(d) != (n > 0) || got.Weekday() != moved.Weekday() {
			t.Fatalf("order or weekday of %v", got)
		}
		if calendar.New(got.Year(), got.Month(), got.Day()) != got {
			t.Fatalf("%v taken apart is another date", got)
		}
	})
}

func TestMonthsAgreeWithTime(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		d := anyDate().Draw(t, "d")
		n := rapid.IntRange(-30, 600).Draw(t, "n")
		day := rapid.IntRange(1, 31).Draw(t, "day")
		// The first of a month exists in every month, so AddDate is exact for it.
		first := time.Date(d.Year(), d.Month(), 1, 0, 0, 0, 0, time.UTC).AddDate(0, n, 0)
		if first.Year() < 1 {
			return
		}
		last := first.AddDate(0, 1, -1)
		want := min(day, last.Day())
		got := d.AddMonths(n, day)
		if got.Year() != first.Year() || got.Month() != first.Month() || got.Day() != want {
			t.Fatalf("%v + %d months, day %d = %v, want day %d of %v", d, n, day, got, want, first.Format("2006-01"))
		}
		if end := got.EndOfMonth(); end.Day() != last.Day() || end.AddDays(1).Day() != 1 {
			t.Fatalf("the month of %v ends on %v", got, end)
		}
	})
}

func TestDateTravels(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		d := anyDate().Draw(t, "d")
		if rapid.IntRange(0, 9).Draw(t, "unset") == 0 {
			d = calendar.Date{}
		}
		text, err := json.Marshal(d)
		if err != nil {
			t.Fatal(err)
		}
		back := calendar.MustDate("2026-01-01")
		if err := json.Unmarshal(text, &back); err != nil || back != d {
			t.Fatalf("%s came back as %v, error %v", text, back, err)
		}
		value, err := d.Value()
		if err != nil {
			t.Fatal(err)
		}
		back = calendar.MustDate("2026-01-01")
		if err := back.Scan(value); err != nil || back != d {
			t.Fatalf("%v came back as %v, error %v", value, back, err)
		}
		if err := back.Scan(d.String()); err != nil || back != d {
			t.Fatalf("text came back as %v, error %v", back, err)
		}
		if err := back.Scan([]byte(d.String())); err != nil || back != d {
			t.Fatalf("bytes came back as %v, error %v", back, err)
		}
	})
}

func TestScanRefuses(t *testing.T) {
	t.Parallel()
	for _, bad := range []any{42, "infinity", []byte("soon"), true} {
		d := calendar.MustDate("2026-01-01")
		if err := d.Scan(bad); err == nil {
			t.Errorf("%v was read as %v", bad, d)
		}
	}
}

func TestScanTakesTheDayAsTheDriverHasIt(t *testing.T) {
	t.Parallel()
	zone := time.FixedZone("east", 8*60*60)
	var d calendar.Date
	if err := d.Scan(time.Date(2026, 7, 1, 0, 0, 0, 0, zone)); err != nil || d != calendar.MustDate("2026-07-01") {
		t.Errorf("%v, error %v", d, err)
	}
}
