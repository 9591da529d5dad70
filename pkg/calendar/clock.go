package calendar

import (
	"context"
	"sync"
	"time"
	_ "time/tzdata" // the business time zone must not depend on the host's files

	"github.com/avalcredit/aval/pkg/errs"
)

// ReasonZoneUnknown is the reason of the errors of Zone.
const ReasonZoneUnknown = "TIME_ZONE_UNKNOWN"

// Clock is the only source of time. Domain code gets dates as arguments.
type Clock interface {
	// Now returns the instant in UTC, for records of when something was done.
	Now() time.Time
	// Today returns the business date of the call: the one set by WithBusinessDate,
	// else today in the business time zone.
	Today(ctx context.Context) Date
}

// Zone finds a time zone of the IANA database by name, for example Asia/Shanghai.
// The zone of the host is not accepted. Its errors have kind Invalid and reason
// TIME_ZONE_UNKNOWN.
func Zone(name string) (*time.Location, error) {
	loc, err := time.LoadLocation(name)
	if err != nil || name == "" || loc == time.Local {
		return nil, errs.New(errs.Invalid, ReasonZoneUnknown, "%.40q is not a time zone; write it like Asia/Shanghai", name).WithCause(err)
	}
	return loc, nil
}

type systemClock struct{ loc *time.Location }

// SystemClock is the clock of the host, with dates in the given business time zone.
func SystemClock(loc *time.Location) Clock { return systemClock{loc: loc} }

// Now implements Clock.
func (systemClock) Now() time.Time { return time.Now().UTC() }

// Today implements Clock.
func (c systemClock) Today(ctx context.Context) Date { return today(ctx, c.Now(), c.loc) }

// Fixed is a clock that stands still until it is set, for tests and replays. It may
// be used by several goroutines.
type Fixed struct {
	loc *time.Location
	mu  sync.RWMutex
	now time.Time
}

// FixedClock returns a clock that stands at t, with dates in the given time zone.
func FixedClock(t time.Time, loc *time.Location) *Fixed {
	return &Fixed{loc: loc, now: t.UTC()}
}

// Now implements Clock.
func (f *Fixed) Now() time.Time {
	f.mu.RLock()
	defer f.mu.RUnlock()
	return f.now
}

// Today implements Clock.
func (f *Fixed) Today(ctx context.Context) Date { return today(ctx, f.Now(), f.loc) }

// Set moves the clock to t.
func (f *Fixed) Set(t time.Time) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.now = t.UTC()
}

// Advance moves the clock on by a duration.
func (f *Fixed) Advance(by time.Duration) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.now = f.now.Add(by)
}

func today(ctx context.Context, now time.Time, loc *time.Location) Date {
	if d, ok := BusinessDate(ctx); ok {
		return d
	}
	return FromTime(now, loc)
}

type businessDateKey struct{}

// WithBusinessDate sets the business date of one call. Who may do so is decided at
// the edge, before the context gets here.
func WithBusinessDate(ctx context.Context, d Date) context.Context {
	return context.WithValue(ctx, businessDateKey{}, d)
}

// BusinessDate returns the business date set for the call, if there is one.
func BusinessDate(ctx context.Context) (Date, bool) {
	d, ok := ctx.Value(businessDateKey{}).(Date)
	return d, ok && !d.IsZero()
}
