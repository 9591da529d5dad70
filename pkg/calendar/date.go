// Package calendar holds business dates and the clock. A date is a day in the
// business time zone, never an instant that was cut short.
package calendar

import (
	"database/sql/driver"
	"fmt"
	"time"

	"github.com/avalcredit/aval/pkg/errs"
)

const (
	// ReasonInvalid is the reason of the errors of ParseDate.
	ReasonInvalid = "DATE_INVALID"

	layout = "2006-01-02"
	// maxDay is 9999-12-31, the last date that has four digits of a year.
	maxDay = 3652059
	// epochDay is 1970-01-01.
	epochDay      = 719163
	secondsPerDay = 24 * 60 * 60
)

// Date is a calendar day from 0001-01-01 to 9999-12-31. The zero value is no date.
// Dates compare with == and serve as map keys.
type Date struct {
	// day counts from 0001-01-01 = 1, so that zero is free to mean "no date".
	day int32
}

// New returns the given day; it panics on a day that no calendar has, so it is for
// parts taken from another date (see ParseDate for input).
func New(year int, month time.Month, day int) Date {
	if year < 1 || year > 9999 || month < time.January || month > time.December || day < 1 || day > daysIn(year, month) {
		panic(fmt.Sprintf("calendar: %d-%d-%d is not a date", year, month, day))
	}
	return fromUTC(time.Date(year, month, day, 0, 0, 0, 0, time.UTC))
}

// ParseDate reads YYYY-MM-DD and nothing else. Its errors have kind Invalid and
// reason DATE_INVALID.
func ParseDate(s string) (Date, error) {
	if len(s) == len(layout) && s[4] == '-' && s[7] == '-' {
		year, month, day := digits(s[:4]), time.Month(digits(s[5:7])), digits(s[8:])
		if year >= 1 && month >= time.January && month <= time.December && day >= 1 && day <= daysIn(year, month) {
			return fromUTC(time.Date(year, month, day, 0, 0, 0, 0, time.UTC)), nil
		}
	}
	return Date{}, errs.New(errs.Invalid, ReasonInvalid, "%.20q is not a date; write it like 2026-01-31", s)
}

// digits is the number that ASCII digits say, below zero where there is anything else.
func digits(s string) int {
	n := 0
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return -1
		}
		n = n*10 + int(s[i]-'0')
	}
	return n
}

// MustDate is ParseDate for dates written in code; it panics on anything else.
func MustDate(s string) Date {
	d, err := ParseDate(s)
	if err != nil {
		panic("calendar: " + err.Error())
	}
	return d
}

// FromTime returns the day on which the instant falls in the time zone; the zero
// time is no date.
func FromTime(t time.Time, loc *time.Location) Date {
	if t.IsZero() {
		return Date{}
	}
	return dayOf(t.In(loc))
}

// dayOf takes the day as the time's own zone has it.
func dayOf(t time.Time) Date {
	y, m, d := t.Date()
	return fromUTC(time.Date(y, m, d, 0, 0, 0, 0, time.UTC))
}

// fromUTC takes a midnight in UTC; days outside the range are clamped to its ends.
func fromUTC(t time.Time) Date {
	return clamp(t.Unix()/secondsPerDay + epochDay)
}

func clamp(day int64) Date { return Date{day: int32(min(max(day, 1), maxDay))} }

// utc returns the midnight at the start of the day in UTC, for arithmetic only.
func (d Date) utc() time.Time {
	return time.Unix((int64(d.day)-epochDay)*secondsPerDay, 0).UTC()
}

// Midnight returns the first instant of the day in the time zone; for no date it is
// the zero time.
func (d Date) Midnight(loc *time.Location) time.Time {
	if d.IsZero() {
		return time.Time{}
	}
	y, m, day := d.utc().Date()
	return time.Date(y, m, day, 0, 0, 0, 0, loc)
}

// String returns YYYY-MM-DD, or "" for no date.
func (d Date) String() string {
	if d.IsZero() {
		return ""
	}
	var b [len(layout)]byte
	return string(d.append(b[:0]))
}

// append writes YYYY-MM-DD behind b.
func (d Date) append(b []byte) []byte {
	year, month, day := d.utc().Date()
	digits := func(n, width int) {
		for unit := width; unit > 0; unit /= 10 {
			b = append(b, byte('0'+n/unit%10))
		}
	}
	digits(year, 1000)
	b = append(b, '-')
	digits(int(month), 10)
	b = append(b, '-')
	digits(day, 10)
	return b
}

// IsZero reports whether this is no date.
func (d Date) IsZero() bool { return d.day == 0 }

// Year returns the year; 0 for no date.
func (d Date) Year() int {
	if d.IsZero() {
		return 0
	}
	return d.utc().Year()
}

// Month returns the month; 0 for no date.
func (d Date) Month() time.Month {
	if d.IsZero() {
		return 0
	}
	return d.utc().Month()
}

// Day returns the day of the month; 0 for no date.
func (d Date) Day() int {
	if d.IsZero() {
		return 0
	}
	return d.utc().Day()
}

// Weekday returns the day of the week; the date must be set.
func (d Date) Weekday() time.Weekday { return d.mustSet().utc().Weekday() }

// AddDays returns the date n days later, or earlier if n is negative. It stops at
// the ends of the range; no date stays no date.
func (d Date) AddDays(n int) Date {
	if d.IsZero() {
		return d
	}
	// A step longer than the whole range ends at its end anyway.
	return clamp(int64(d.day) + int64(min(max(n, -maxDay), maxDay)))
}

// AddMonths returns the day dayOfMonth of the month n months later, or the last day
// of that month if it is shorter. A dayOfMonth of 0 keeps the date's own day. It
// stops at the ends of the range; no date stays no date.
func (d Date) AddMonths(n, dayOfMonth int) Date {
	if d.IsZero() {
		return d
	}
	year, month, day := d.utc().Date()
	if dayOfMonth != 0 {
		day = dayOfMonth
	}
	const monthsPerYear, allMonths = 12, 12 * 10_000
	months := year*monthsPerYear + int(month) - 1 + min(max(n, -allMonths), allMonths)
	switch {
	case months < monthsPerYear:
		return Date{day: 1}
	case months >= allMonths:
		return Date{day: maxDay}
	}
	year, month = months/monthsPerYear, time.Month(months%monthsPerYear+1)
	return New(year, month, min(max(day, 1), daysIn(year, month)))
}

// EndOfMonth returns the last day of the date's month; no date stays no date.
func (d Date) EndOfMonth() Date {
	const longest = 31
	return d.AddMonths(0, longest)
}

// DaysSince returns the calendar days from o to d, negative when d is earlier. Both
// must be set: the distance to no date has no meaning.
func (d Date) DaysSince(o Date) int { return int(d.mustSet().day - o.mustSet().day) }

// Compare returns -1, 0 or +1 as d is earlier than, equal to or later than o. No
// date is earlier than any date.
func (d Date) Compare(o Date) int {
	switch {
	case d.day < o.day:
		return -1
	case d.day > o.day:
		return 1
	default:
		return 0
	}
}

// Before reports whether d is earlier than o.
func (d Date) Before(o Date) bool { return d.day < o.day }

// After reports whether d is later than o.
func (d Date) After(o Date) bool { return d.day > o.day }

// MarshalText writes YYYY-MM-DD, or nothing for no date.
func (d Date) MarshalText() ([]byte, error) {
	if d.IsZero() {
		return []byte{}, nil
	}
	return d.append(make([]byte, 0, len(layout))), nil
}

// UnmarshalText reads YYYY-MM-DD; empty text is no date.
func (d *Date) UnmarshalText(text []byte) error {
	if len(text) == 0 {
		*d = Date{}
		return nil
	}
	parsed, err := ParseDate(string(text))
	if err != nil {
		return err
	}
	*d = parsed
	return nil
}

// Scan reads a column of the SQL type date; NULL is no date.
func (d *Date) Scan(src any) error {
	switch v := src.(type) {
	case nil:
		*d = Date{}
		return nil
	case time.Time:
		// Drivers give a date as midnight of that day in the zone of the value.
		*d = dayOf(v)
		return nil
	case string:
		return d.UnmarshalText([]byte(v))
	case []byte:
		return d.UnmarshalText(v)
	default:
		return errs.New(errs.Internal, ReasonInvalid, "a %T is not a date", src)
	}
}

// Value gives midnight UTC for a column of the SQL type date, NULL for no date.
func (d Date) Value() (driver.Value, error) {
	if d.IsZero() {
		return nil, nil //nolint:nilnil // NULL is what database/sql writes as nil
	}
	return d.utc(), nil
}

func (d Date) mustSet() Date {
	if d.IsZero() {
		panic("calendar: arithmetic on no date")
	}
	return d
}

func daysIn(year int, month time.Month) int {
	// Day 0 of the next month is the last day of this one.
	return time.Date(year, month+1, 0, 0, 0, 0, 0, time.UTC).Day()
}
