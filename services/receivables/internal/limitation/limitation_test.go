package limitation_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/avalcredit/aval/pkg/calendar"
	"github.com/avalcredit/aval/pkg/errs"
	"github.com/avalcredit/aval/services/receivables/internal/limitation"
	"github.com/avalcredit/aval/services/receivables/internal/warning"
)

// event reads "KIND date" or "KIND date..end".
func event(s string) limitation.Event {
	kind, dates, _ := strings.Cut(s, " ")
	from, end, _ := strings.Cut(dates, "..")
	e := limitation.Event{ID: s, Kind: limitation.Kind(kind), Date: calendar.MustDate(from)}
	if end != "" {
		e.End = calendar.MustDate(end)
	}
	return e
}

func TestPeriod(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, due, asOf, want string
		events                []string
		effects               string
	}{
		{name: "three years, the first day not counted", due: "2024-01-15", asOf: "2027-01-15", want: "RUNNING 2027-01-15"},
		{name: "the day after", due: "2024-01-15", asOf: "2027-01-16", want: "EXPIRED 2027-01-15"},
		{name: "due today", due: "2024-01-15", asOf: "2024-01-15", want: "NOT_BEGUN "},
		{name: "a leap day", due: "2024-02-29", asOf: "2024-03-01", want: "RUNNING 2027-02-28"},
		{
			name: "a demand starts it anew", due: "2024-01-15", asOf: "2026-06-02", want: "RUNNING 2029-06-01",
			events: []string{"DEMAND 2026-06-01"}, effects: "RESTARTED",
		},
		{
			name: "a demand tomorrow does nothing yet", due: "2024-01-15", asOf: "2026-05-31", want: "RUNNING 2027-01-15",
			events: []string{"DEMAND 2026-06-01"},
		},
		{
			name: "on the last day", due: "2024-01-15", asOf: "2027-01-20", want: "RUNNING 2030-01-15",
			events: []string{"PART_PAYMENT 2027-01-15"}, effects: "RESTARTED",
		},
		{
			name: "a day late", due: "2024-01-15", asOf: "2027-01-20", want: "EXPIRED 2027-01-15",
			events: []string{"DEMAND 2027-01-16"}, effects: "TOO_LATE",
		},
		{
			name: "the customer binds itself again", due: "2024-01-15", asOf: "2027-03-01", want: "RUNNING 2030-02-01",
			events: []string{"DEMAND 2027-01-16", "ACKNOWLEDGEMENT 2027-02-01"}, effects: "TOO_LATE REVIVED",
		},
		{
			name: "before it was due", due: "2024-01-15", asOf: "2024-02-01", want: "RUNNING 2027-01-15",
			events: []string{"ACKNOWLEDGEMENT 2024-01-10", "PART_PAYMENT 2024-01-15"}, effects: "NOT_BEGUN NOT_BEGUN",
		},
		{
			name: "a suit under way", due: "2024-01-15", asOf: "2031-01-01", want: "STOPPED ",
			events: []string{"PROCEEDING 2026-12-01", "DEMAND 2027-06-01"}, effects: "STOPPED NONE",
		},
		{
			name: "a suit that ended", due: "2024-01-15", asOf: "2028-05-01", want: "RUNNING 2031-04-01",
			events: []string{"PROCEEDING 2026-12-01..2028-04-01", "DEMAND 2027-06-01"}, effects: "RESTARTED RESTARTED",
		},
		{
			name: "as of a day before its end it is under way", due: "2024-01-15", asOf: "2028-03-31", want: "STOPPED ",
			events: []string{"PROCEEDING 2026-12-01..2028-04-01"}, effects: "STOPPED",
		},
		{
			name: "a suit too late", due: "2024-01-15", asOf: "2027-03-01", want: "EXPIRED 2027-01-15",
			events: []string{"PROCEEDING 2027-02-01"}, effects: "TOO_LATE",
		},
		{
			name: "an obstacle in the last six months", due: "2024-01-15", asOf: "2026-12-01", want: "RUNNING 2027-05-01",
			events: []string{"OBSTACLE 2026-08-01..2026-11-01"}, effects: "EXTENDED",
		},
		{
			name: "an obstacle that ended before them", due: "2024-01-15", asOf: "2026-08-01", want: "RUNNING 2027-01-15",
			events: []string{"OBSTACLE 2026-01-01..2026-07-14"}, effects: "NONE",
		},
		{
			name: "an obstacle that reaches into them", due: "2024-01-15", asOf: "2026-08-01", want: "RUNNING 2027-01-15",
			events: []string{"OBSTACLE 2026-01-01..2026-07-15"}, effects: "NONE",
		},
		{
			name: "an obstacle that lasts", due: "2024-01-15", asOf: "2028-01-01", want: "SUSPENDED ",
			events: []string{"OBSTACLE 2026-01-01"}, effects: "EXTENDED",
		},
		{
			name: "an obstacle that lasts, long before the end", due: "2024-01-15", asOf: "2026-07-14", want: "RUNNING 2027-01-15",
			events: []string{"OBSTACLE 2026-01-01"}, effects: "EXTENDED",
		},
		{
			name: "one obstacle after another", due: "2024-01-15", asOf: "2027-09-01", want: "RUNNING 2027-10-01",
			events: []string{"OBSTACLE 2026-08-01..2026-11-01", "OBSTACLE 2027-03-01..2027-04-01"}, effects: "EXTENDED EXTENDED",
		},
		{
			name: "an obstacle after the end", due: "2024-01-15", asOf: "2027-03-01", want: "EXPIRED 2027-01-15",
			events: []string{"OBSTACLE 2027-02-01"}, effects: "TOO_LATE",
		},
		{
			name: "a demand in the time that an obstacle gave", due: "2024-01-15", asOf: "2027-05-01", want: "RUNNING 2030-04-30",
			events: []string{"OBSTACLE 2026-08-01..2026-11-01", "DEMAND 2027-04-30"}, effects: "EXTENDED RESTARTED",
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			var events []limitation.Event
			for _, s := range c.events {
				events = append(events, event(s))
			}
			slices.Reverse(events) // the order in which they were recorded does not matter
			p := limitation.Of(limitation.Item{DueDate: calendar.MustDate(c.due)}, events, limitation.Default(), calendar.MustDate(c.asOf))
			if got := fmt.Sprintf("%s %s", p.State, p.LastDay); got != c.want {
				t.Errorf("%s, want %s", got, c.want)
			}
			var effects []string
			for _, s := range p.Steps {
				effects = append(effects, string(s.Effect))
			}
			if got := strings.Join(effects, " "); got != c.effects {
				t.Errorf("effects %q, want %q", got, c.effects)
			}
		})
	}
}

func TestWithdrawnFactsDoNotCount(t *testing.T) {
	t.Parallel()
	e, err := event("DEMAND 2026-06-01").Withdraw("li", "never arrived")
	if err != nil {
		t.Fatal(err)
	}
	p := limitation.Of(limitation.Item{DueDate: calendar.MustDate("2024-01-15")}, []limitation.Event{e}, limitation.Default(), calendar.MustDate("2026-07-01"))
	if p.LastDay != calendar.MustDate("2027-01-15") || len(p.Steps) != 0 {
		t.Errorf("%+v", p)
	}
	if _, err = e.Withdraw("li", "again"); errs.ReasonOf(err) != "LIMITATION_EVENT_WITHDRAWN" {
		t.Error(err)
	}
	if _, err = e.Finish(e.Date, e.Date); errs.ReasonOf(err) != "LIMITATION_EVENT_WITHDRAWN" {
		t.Error(err)
	}
}

func TestWhatCannotBe(t *testing.T) {
	t.Parallel()
	today := calendar.MustDate("2026-07-01")
	for s, want := range map[string]string{
		"DEMAND 2026-07-01": "", "DEMAND 2026-07-02": "DATE_AHEAD", "DEMAND 2001-01-01": "DATE_TOO_OLD",
		"DEMAND 2026-06-01..2026-06-02":     "NO_END",
		"PROCEEDING 2026-06-01..2026-05-31": "END_BEFORE_START", "PROCEEDING 2026-06-01..2026-07-02": "DATE_AHEAD",
		"OBSTACLE 2026-06-01..2026-06-01": "",
	} {
		got := ""
		if e, ok := errs.As(event(s).Check("", today)); ok {
			got = e.Violations[0].Rule
		}
		if got != want {
			t.Errorf("%s: %q, want %q", s, got, want)
		}
	}
}

// Invariant: a limitation date never passes without a warning. Whatever happens to a claim, and however long nobody looks:
// at the first look on or after the first warning day of a period there is a warning of that last day, given once, and when
// a day has passed, one that says so.
func TestNoLastDayPassesWithoutAWarning(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		rules := limitation.Default()
		due := calendar.MustDate("2024-01-15")
		item := limitation.Item{ID: "I", DueDate: due}
		var events []limitation.Event
		given := map[calendar.Date][]int{}
		today := due
		for range rapid.IntRange(1, 40).Draw(t, "looks") {
			today = today.AddDays(rapid.IntRange(0, 500).Draw(t, "days"))
			if rapid.Bool().Draw(t, "something happens") {
				kind := rapid.SampledFrom([]limitation.Kind{
					limitation.Demand, limitation.Acknowledgement, limitation.PartPayment, limitation.Proceeding, limitation.Obstacle,
				}).Draw(t, "kind")
				e := limitation.Event{ID: fmt.Sprint(len(events)), Kind: kind, Date: today.AddDays(-rapid.IntRange(0, 200).Draw(t, "ago"))}
				if kind.Lasting() && rapid.Bool().Draw(t, "ended") {
					e.End = e.Date.AddDays(rapid.IntRange(0, today.DaysSince(e.Date)).Draw(t, "lasted"))
				}
				events = append(events, e)
			}
			p := limitation.Of(item, events, rules, today)
			d := warning.Deadline{Kind: warning.Limitation, ObjectID: "I", LastDay: p.LastDay}
			w, ok := warning.Next(d, rules.WarningDays, given[p.LastDay], today)
			if ok {
				if slices.Contains(given[p.LastDay], w.DaysAhead) {
					t.Fatalf("%s: given twice: %+v", today, w)
				}
				given[p.LastDay] = append(given[p.LastDay], w.DaysAhead)
			}
			if p.LastDay.IsZero() {
				continue
			}
			if left := p.LastDay.DaysSince(today); left <= rules.WarningDays[0] && len(given[p.LastDay]) == 0 {
				t.Fatalf("%s: %d days before %s nobody was warned", today, left, p.LastDay)
			}
			if p.State == limitation.Expired && !slices.Contains(given[p.LastDay], warning.Passed) {
				t.Fatalf("%s: %s passed, and nobody was told", today, p.LastDay)
			}
			if again, twice := warning.Next(d, rules.WarningDays, given[p.LastDay], today); twice {
				t.Fatalf("%s: a second look gives %+v", today, again)
			}
		}
	})
}

// No fact shortens a period, and none that comes later moves the day on which an earlier look saw it end.
func TestFactsOnlyLengthen(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		rules, due := limitation.Default(), calendar.MustDate("2024-01-15")
		var events []limitation.Event
		last := due.AddMonths(36, 0)
		day := due
		for i := range 6 {
			day = day.AddDays(rapid.IntRange(1, 700).Draw(t, "later"))
			kind := rapid.SampledFrom([]limitation.Kind{limitation.Demand, limitation.Acknowledgement, limitation.PartPayment}).Draw(t, "kind")
			events = append(events, limitation.Event{ID: fmt.Sprint(i), Kind: kind, Date: day})
			want := last
			if !day.After(last) || kind == limitation.Acknowledgement {
				want = day.AddMonths(36, 0)
			}
			p := limitation.Of(limitation.Item{DueDate: due}, events, rules, day)
			if p.LastDay != want || p.LastDay.Before(last) {
				t.Fatalf("%s %s: %s, want %s", kind, day, p.LastDay, want)
			}
			last = p.LastDay
		}
	})
}
