package calendar_test

import (
	"testing"
	"time"

	"github.com/avalcredit/aval/pkg/calendar"
	"github.com/avalcredit/aval/pkg/errs"
)

func TestZone(t *testing.T) {
	t.Parallel()
	if loc, err := calendar.Zone("Asia/Shanghai"); err != nil || loc.String() != "Asia/Shanghai" {
		t.Errorf("%v, error %v", loc, err)
	}
	for _, bad := range []string{"", "Local", "Asia/Nowhere", "../etc/passwd"} {
		if loc, err := calendar.Zone(bad); errs.ReasonOf(err) != calendar.ReasonZoneUnknown {
			t.Errorf("%q is %v, error %v", bad, loc, err)
		}
	}
}

func TestTodayIsTheDayInTheBusinessZone(t *testing.T) {
	t.Parallel()
	loc, err := calendar.Zone("Asia/Shanghai")
	if err != nil {
		t.Fatal(err)
	}
	clock := calendar.FixedClock(time.Date(2026, 6, 30, 15, 59, 59, 0, time.UTC), loc)
	if got := clock.Today(t.Context()); got != calendar.MustDate("2026-06-30") {
		t.Errorf("one second before midnight is %v", got)
	}
	clock.Advance(time.Second)
	if got := clock.Today(t.Context()); got != calendar.MustDate("2026-07-01") {
		t.Errorf("midnight in Shanghai is %v", got)
	}
	if got := calendar.MustDate("2026-07-01").Midnight(loc); !got.Equal(clock.Now()) {
		t.Errorf("the day starts at %v", got)
	}
	clock.Set(time.Date(2027, 1, 1, 0, 0, 0, 0, loc))
	if got := clock.Now(); got.Location() != time.UTC || got.Year() != 2026 {
		t.Errorf("now is %v, not in UTC", got)
	}
}

func TestBusinessDateOfACall(t *testing.T) {
	t.Parallel()
	fixed := calendar.FixedClock(time.Date(2026, 7, 1, 0, 0, 0, 0, time.UTC), time.UTC)
	set := calendar.MustDate("2025-02-28")
	ctx := calendar.WithBusinessDate(t.Context(), set)
	for name, clock := range map[string]calendar.Clock{"fixed": fixed, "system": calendar.SystemClock(time.UTC)} {
		if got := clock.Today(ctx); got != set {
			t.Errorf("%s: today is %v, want the date of the call", name, got)
		}
		none := calendar.WithBusinessDate(t.Context(), calendar.Date{})
		if got := clock.Today(none); got.IsZero() || got == set {
			t.Errorf("%s: today is %v for a call that sets no date", name, got)
		}
	}
	if _, ok := calendar.BusinessDate(t.Context()); ok {
		t.Error("a call without a business date has one")
	}
}

func TestSystemClock(t *testing.T) {
	t.Parallel()
	clock := calendar.SystemClock(time.UTC)
	before := time.Now()
	now := clock.Now()
	if now.Location() != time.UTC || now.Before(before.Add(-time.Minute)) || now.After(before.Add(time.Minute)) {
		t.Errorf("now is %v, the host says %v", now, before)
	}
}
