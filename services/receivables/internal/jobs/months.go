package jobs

import (
	"context"
	"crypto/rand"
	"log/slog"
	"time"

	"github.com/avalcredit/aval/pkg/authn"
	"github.com/avalcredit/aval/pkg/calendar"
	"github.com/avalcredit/aval/pkg/lifecycle"
)

// Keeper makes and keeps the report of a month where it is due.
type Keeper interface {
	KeepDueMonth(ctx context.Context, now time.Time, worker string) (string, error)
}

// Months makes the receivables report of each month on the policy's day of the next. Any number of replicas may run it.
type Months struct {
	keeper Keeper
	clock  calendar.Clock
	zone   *time.Location
	log    *slog.Logger
	worker string
}

// NewMonths returns the job; it does nothing before Run. Days and hours are counted in the zone.
func NewMonths(k Keeper, clock calendar.Clock, zone *time.Location, log *slog.Logger) *Months {
	return &Months{keeper: k, clock: clock, zone: zone, log: log, worker: rand.Text()}
}

// Run works until ctx ends and returns nil then. The first look is at once: what was due while nothing ran is made then.
func (j *Months) Run(ctx context.Context) error {
	ctx = authn.WithPrincipal(ctx, authn.Principal{Subject: "receivables", Name: "report job", Roles: []string{authn.RoleService}})
	return lifecycle.Every(ctx, every/4, func(ctx context.Context) {
		month, err := j.keeper.KeepDueMonth(ctx, j.clock.Now().In(j.zone), j.worker)
		switch {
		case err != nil && ctx.Err() == nil:
			j.log.WarnContext(ctx, "the monthly report could not be made; it is tried again", "error", err)
		case month != "":
			j.log.InfoContext(ctx, "monthly report made", "month", month)
		}
	})
}
