package jobs

import (
	"context"
	"log/slog"

	"github.com/avalcredit/aval/pkg/authn"
	"github.com/avalcredit/aval/pkg/lifecycle"
)

// Duty is what is to be done once a date is over, thing by thing.
type Duty interface {
	// Due returns what is to be done, at most a batch.
	Due(ctx context.Context, batch int) ([]string, error)
	// Do does one; doing it again does nothing.
	Do(ctx context.Context, id string) error
}

// Duties looks once a minute for what a date has made due.
type Duties struct {
	name string
	duty Duty
	log  *slog.Logger
}

// NewDuties returns the job; it does nothing before Run. The name is for people who
// read logs and audit trails.
func NewDuties(name string, d Duty, log *slog.Logger) *Duties {
	return &Duties{name: name, duty: d, log: log}
}

// Run works until ctx ends and returns nil then. What cannot be done now is due again in
// the next round.
func (j *Duties) Run(ctx context.Context) error {
	ctx = authn.WithPrincipal(ctx, authn.Principal{Subject: "evaluation", Name: j.name, Roles: []string{authn.RoleService}})
	return lifecycle.Every(ctx, every, func(ctx context.Context) { j.Round(ctx) })
}

// Round does one batch and returns how much was done.
func (j *Duties) Round(ctx context.Context) int {
	ids, err := j.duty.Due(ctx, batch)
	if err != nil {
		j.log.WarnContext(ctx, "what is due could not be found", "job", j.name, "error", err)
		return 0
	}
	done := 0
	for _, id := range ids {
		if ctx.Err() != nil {
			return done
		}
		if err := j.duty.Do(ctx, id); err != nil {
			j.log.WarnContext(ctx, "it could not be done; it is due again", "job", j.name, "subject", id, "error", err)
			continue
		}
		done++
	}
	return done
}
