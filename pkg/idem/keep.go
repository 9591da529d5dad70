package idem

import (
	"context"
	"log/slog"
	"time"

	"github.com/avalcredit/aval/pkg/lifecycle"
	"github.com/avalcredit/aval/pkg/pg"
)

// KeepDays is how many days a request is remembered where nothing else is said.
const KeepDays = 90

// Keeper forgets old requests, once at its start and then once a day. Replicas may do so at once.
type Keeper struct {
	DB   pg.Querier
	Log  *slog.Logger
	Days int // kept; 0: KeepDays
}

// Run works until ctx ends and returns nil then. A day on which the database could not be
// asked is made up for on the next.
func (k Keeper) Run(ctx context.Context) error {
	return lifecycle.Every(ctx, 24*time.Hour, func(ctx context.Context) {
		k.once(ctx)
	})
}

func (k Keeper) once(ctx context.Context) {
	days := k.Days
	if days == 0 {
		days = KeepDays
	}
	n, err := Prune(ctx, k.DB, days)
	switch {
	case err != nil && ctx.Err() == nil:
		k.Log.WarnContext(ctx, "old requests could not be forgotten; tried again tomorrow", "error", err)
	case n > 0:
		k.Log.InfoContext(ctx, "old requests were forgotten", "requests", n, "days", days)
	}
}
