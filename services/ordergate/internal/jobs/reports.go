// Package jobs does what nobody waits for: the report of each business date, once, and long-running operations.
package jobs

import (
	"cmp"
	"context"
	"log/slog"
	"time"

	"github.com/avalcredit/aval/pkg/calendar"
	"github.com/avalcredit/aval/pkg/lifecycle"
	"github.com/avalcredit/aval/services/ordergate/internal/app"
	"github.com/avalcredit/aval/services/ordergate/internal/report"
)

// catchUp is how many days back reports are made where nobody was there to make them.
const catchUp = 31

// Reports makes the report of each business date on the day after it, from the policy's hour on. Any number of replicas may run it.
type Reports struct {
	App    *app.Reports
	Clock  calendar.Clock
	Zone   *time.Location // where business dates change and hours are counted
	Log    *slog.Logger
	Worker string        // tells the processes apart
	Every  time.Duration // how often it looks; 0: every 30 seconds
}

// Run looks until ctx ends. What fails is logged and tried again.
func (r *Reports) Run(ctx context.Context) error {
	return lifecycle.Every(ctx, cmp.Or(r.Every, 30*time.Second), func(ctx context.Context) {
		if err := r.Make(ctx); err != nil && ctx.Err() == nil {
			r.Log.ErrorContext(ctx, "a daily report could not be made; it is tried again", "error", err)
		}
	})
}

// Make makes what is due and missing.
func (r *Reports) Make(ctx context.Context) error {
	now := r.Clock.Now().In(r.Zone)
	settings, err := r.App.Settings.InForce(ctx, calendar.FromTime(now, r.Zone))
	if err != nil {
		return err
	}
	last := report.Due(now, settings.Hour)
	missing, err := r.App.Missing(ctx, last.AddDays(-catchUp), last)
	if err != nil {
		return err
	}
	for _, date := range missing {
		made, err := r.App.Keep(ctx, date, r.Worker)
		if err != nil {
			return err
		}
		if made {
			r.Log.InfoContext(ctx, "daily report made", "business_date", date.String())
		}
	}
	return nil
}

// wait waits for a time. It reports false where ctx ended.
func wait(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-t.C:
	}
	return true
}
