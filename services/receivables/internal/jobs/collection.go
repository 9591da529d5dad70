package jobs

import (
	"context"
	"log/slog"
	"time"

	"github.com/avalcredit/aval/pkg/authn"
	"github.com/avalcredit/aval/pkg/calendar"
	"github.com/avalcredit/aval/pkg/lifecycle"
)

// lookEvery is how often promises are looked at, and runs whose work was not queued.
const lookEvery = time.Minute

// Collector does what collection has to do by itself.
type Collector interface {
	Today(ctx context.Context) calendar.Date
	// JudgePromises tells the gate of promises that were missed by a day.
	JudgePromises(ctx context.Context, day calendar.Date) error
	// QueueRuns has work on dunning runs queued that a process which died did not queue.
	QueueRuns(ctx context.Context) error
}

// Collection tells of broken promises as their dates pass, and has no run wait for ever.
type Collection struct {
	app Collector
	log *slog.Logger
}

// NewCollection returns the job; it does nothing before Run.
func NewCollection(c Collector, log *slog.Logger) *Collection { return &Collection{app: c, log: log} }

// Run works until ctx ends and returns nil then.
func (j *Collection) Run(ctx context.Context) error {
	ctx = authn.WithPrincipal(ctx, authn.Principal{Subject: "receivables", Name: "collection job", Roles: []string{authn.RoleService}})
	return lifecycle.Every(ctx, lookEvery, j.Round)
}

// Round is one look. What cannot be done now is done in the next.
func (j *Collection) Round(ctx context.Context) {
	if err := j.app.QueueRuns(ctx); err != nil && ctx.Err() == nil {
		j.log.WarnContext(ctx, "work on dunning runs could not be queued; the next look makes up for it", "error", err)
	}
	if err := j.app.JudgePromises(ctx, j.app.Today(ctx)); err != nil && ctx.Err() == nil {
		j.log.WarnContext(ctx, "promises could not be judged; the next look makes up for it", "error", err)
	}
}
