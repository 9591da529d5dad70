// Package jobs holds what the phase does on its own.
package jobs

import (
	"context"
	"log/slog"
	"time"

	"github.com/avalcredit/aval/pkg/authn"
	"github.com/avalcredit/aval/pkg/lifecycle"
	"github.com/avalcredit/aval/services/receivables/internal/app"
)

const every = time.Hour

// Watcher gives the warnings that are due.
type Watcher interface {
	GiveWarnings(ctx context.Context) (app.Sweep, error)
	// TellSecurities tells the gate of securities that it was never told of.
	TellSecurities(ctx context.Context) error
}

// Warnings looks every hour for days that must not pass unnoticed.
type Warnings struct {
	watcher Watcher
	log     *slog.Logger
}

// NewWarnings returns the job; it does nothing before Run.
func NewWarnings(w Watcher, log *slog.Logger) *Warnings { return &Warnings{watcher: w, log: log} }

// Run works until ctx ends and returns nil then. The first look is at once: what fell due while nothing ran is late already.
func (j *Warnings) Run(ctx context.Context) error {
	ctx = authn.WithPrincipal(ctx, authn.Principal{Subject: "receivables", Name: "warning job", Roles: []string{authn.RoleService}})
	return lifecycle.Every(ctx, every, j.Round)
}

// Round is one look. What cannot be done now is done in the next.
func (j *Warnings) Round(ctx context.Context) {
	if err := j.watcher.TellSecurities(ctx); err != nil && ctx.Err() == nil {
		j.log.WarnContext(ctx, "the gate could not be told of securities; the next look makes up for it", "error", err)
	}
	sweep, err := j.watcher.GiveWarnings(ctx)
	if err != nil {
		j.log.WarnContext(ctx, "warnings could not be given; the next look makes up for it", "error", err)
		return
	}
	if sweep.Late > 0 {
		j.log.WarnContext(ctx, "warnings were given late", "given", sweep.Given, "late", sweep.Late)
	}
}
