package jobs

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/avalcredit/aval/pkg/calendar"
	"github.com/avalcredit/aval/pkg/lifecycle"
	"github.com/avalcredit/aval/pkg/policy"
	"github.com/avalcredit/aval/services/ordergate/internal/app"
	"github.com/avalcredit/aval/services/ordergate/internal/postgres"
	"github.com/avalcredit/aval/services/ordergate/internal/report"
)

// Verifications has all that is stored recomputed, once for each business date, from the hour of the daily report on. Any number of
// replicas may run it. What does not hold is logged as an error, and kept.
type Verifications struct {
	Verifier *app.Verifier
	Store    *postgres.Store
	Settings *policy.Cache[report.Settings]
	Clock    calendar.Clock
	Zone     *time.Location // where business dates change and hours are counted
	Log      *slog.Logger
	Worker   string        // tells the processes apart
	Lease    time.Duration // how long a process may be silent; 0: a minute
	Every    time.Duration // how often it looks; 0: a minute
}

// Run looks until ctx ends. What fails is logged and tried again.
func (v *Verifications) Run(ctx context.Context) error {
	return lifecycle.Every(ctx, cmp.Or(v.Every, time.Minute), func(ctx context.Context) {
		if err := v.Make(ctx); err != nil && ctx.Err() == nil {
			v.Log.ErrorContext(ctx, "what is stored could not be verified; it is tried again", "error", err)
		}
	})
}

// Make verifies where it is due.
func (v *Verifications) Make(ctx context.Context) error {
	now := v.Clock.Now().In(v.Zone)
	today := calendar.FromTime(now, v.Zone)
	settings, err := v.Settings.InForce(ctx, today)
	if err != nil || now.Hour() < settings.Hour {
		return err
	}
	lease := cmp.Or(v.Lease, time.Minute)
	claimed, err := v.Store.ClaimVerification(ctx, today, v.Worker, lease)
	if err != nil || !claimed {
		return err
	}
	found, err := v.work(ctx, today, lease)
	if errors.Is(err, postgres.ErrLost) {
		v.Log.WarnContext(ctx, "another process has taken over verifying", "business_date", today.String())
		return nil
	}
	if err != nil {
		return err
	}
	v.Log.InfoContext(ctx, "what is stored was verified", "business_date", today.String(), "chains", found.Chains, "entries", found.Entries, "breaks", len(found.Breaks))
	return nil
}

// work verifies, and says meanwhile that it is at work.
func (v *Verifications) work(ctx context.Context, date calendar.Date, lease time.Duration) (postgres.Verification, error) {
	ctx, stop := context.WithCancelCause(ctx)
	quiet := make(chan struct{})
	go func() {
		defer close(quiet)
		for wait(ctx, lease/3) {
			if err := v.Store.HoldVerification(ctx, date, v.Worker, lease); errors.Is(err, postgres.ErrLost) {
				stop(err)
			}
		}
	}()
	r, err := v.Verifier.Verify(ctx)
	cause := context.Cause(ctx)
	stop(nil)
	<-quiet
	if err != nil {
		return postgres.Verification{}, errors.Join(err, cause)
	}
	found := postgres.Verification{Date: date, Chains: r.Chains, Entries: r.Entries, Breaks: r.Breaks}
	return found, v.Store.EndVerification(context.WithoutCancel(ctx), v.Worker, found)
}
