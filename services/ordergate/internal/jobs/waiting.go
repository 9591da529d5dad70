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
	"github.com/avalcredit/aval/services/ordergate/internal/check"
	"github.com/avalcredit/aval/services/ordergate/internal/postgres"
)

// Waiting judges all orders on hold again, once for each business date and each policy that comes into force on it. Any number of
// replicas may run it. A date on which nobody was there needs no run of its own: the next one judges as of its own day, and so makes up
// for all before it.
type Waiting struct {
	Gate     *app.Gate
	Store    *postgres.Store
	Policies *policy.Cache[check.Policy]
	Clock    calendar.Clock
	Log      *slog.Logger
	Worker   string        // tells the processes apart
	Lease    time.Duration // how long a process may be silent; 0: a minute
	Every    time.Duration // how often it looks; 0: every 15 seconds
	Page     int           // accounts that are looked at between two saves; 0: 100
}

// Run looks until ctx ends. What fails is logged and goes on from there.
func (w *Waiting) Run(ctx context.Context) error {
	return lifecycle.Every(ctx, cmp.Or(w.Every, 15*time.Second), func(ctx context.Context) {
		if err := w.Make(ctx); err != nil && ctx.Err() == nil {
			w.Log.ErrorContext(ctx, "orders on hold could not all be judged again; it goes on from there", "error", err)
		}
	})
}

// Make makes the run of today where it is due.
func (w *Waiting) Make(ctx context.Context) error {
	today, version, err := w.now(ctx)
	if err != nil {
		return err
	}
	r, claimed, err := w.Store.ClaimWaiting(ctx, today, version, w.Worker, w.lease())
	if err != nil || !claimed {
		return err
	}
	if r.Attempts > 1 {
		w.Log.InfoContext(ctx, "judging orders on hold goes on", "business_date", today.String(), "policy", version, "accounts", r.Accounts)
	}
	err = w.work(ctx, r)
	if errors.Is(err, postgres.ErrLost) {
		w.Log.WarnContext(ctx, "another process has taken over judging orders on hold", "business_date", today.String())
		return nil
	}
	return err
}

// now is the date and the policy that a run is for.
func (w *Waiting) now(ctx context.Context) (calendar.Date, int64, error) {
	today := w.Clock.Today(ctx)
	p, err := w.Policies.InForce(ctx, today)
	return today, p.Version, err
}

func (w *Waiting) lease() time.Duration {
	if w.Lease == 0 {
		return time.Minute
	}
	return w.Lease
}

// work goes through all accounts behind where the run was left. It ends early where the day or the policy has changed meanwhile: nothing
// is judged as of a day that is over, and the next run begins anew.
func (w *Waiting) work(ctx context.Context, r postgres.WaitingRun) error {
	page := w.Page
	if page == 0 {
		page = 100
	}
	for {
		if today, version, err := w.now(ctx); err != nil || today != r.Date || version != r.Policy {
			return err
		}
		done, next, err := w.page(ctx, r, page)
		r.After, r.Accounts, r.Approved = next, r.Accounts+int64(done.Accounts), r.Approved+int64(len(done.Approved))
		ended := err == nil && next == postgres.Key{}
		if saved := w.Store.SaveWaiting(ctx, r, w.lease(), ended); err == nil {
			err = saved
		}
		if err != nil {
			return err
		}
		if ended {
			w.Log.InfoContext(ctx, "orders on hold judged again", "business_date", r.Date.String(), "policy", r.Policy, "accounts", r.Accounts, "approved", r.Approved)
			return nil
		}
	}
}

// page judges one page, and keeps saying meanwhile that it is at work.
func (w *Waiting) page(ctx context.Context, r postgres.WaitingRun, size int) (app.Rechecked, postgres.Key, error) {
	ctx, stop := context.WithCancelCause(ctx)
	quiet := make(chan struct{})
	go func() {
		defer close(quiet)
		for wait(ctx, w.lease()/3) {
			if err := w.Store.SaveWaiting(ctx, r, w.lease(), false); errors.Is(err, postgres.ErrLost) {
				stop(err)
			}
		}
	}()
	defer func() { stop(nil); <-quiet }()
	done, next, err := w.Gate.RecheckPage(ctx, r.Date, r.After, size)
	if cause := context.Cause(ctx); errors.Is(cause, postgres.ErrLost) {
		err = cause
	}
	return done, next, err
}
