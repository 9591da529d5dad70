package jobs

import (
	"context"
	"crypto/rand"
	"log/slog"
	"time"

	"github.com/avalcredit/aval/pkg/authn"
	"github.com/avalcredit/aval/pkg/calendar"
	"github.com/avalcredit/aval/pkg/lifecycle"
	"github.com/avalcredit/aval/services/receivables/internal/app"
)

// Sender sends the statements that are due by the policy's schedule.
type Sender interface {
	SendDueStatements(ctx context.Context, now time.Time, worker string) ([]app.SentStatements, error)
}

// Statements sends statements of account and confirmations on the policy's days. Any number of replicas may run it.
type Statements struct {
	sender Sender
	clock  calendar.Clock
	zone   *time.Location
	log    *slog.Logger
	worker string
}

// NewStatements returns the job; it does nothing before Run. Days and hours are counted in the zone.
func NewStatements(s Sender, clock calendar.Clock, zone *time.Location, log *slog.Logger) *Statements {
	return &Statements{sender: s, clock: clock, zone: zone, log: log, worker: rand.Text()}
}

// Run works until ctx ends and returns nil then. The first look is at once: what was due while nothing ran is sent then.
func (j *Statements) Run(ctx context.Context) error {
	ctx = authn.WithPrincipal(ctx, authn.Principal{Subject: "receivables", Name: "statement job", Roles: []string{authn.RoleService}})
	return lifecycle.Every(ctx, every/4, func(ctx context.Context) {
		sent, err := j.sender.SendDueStatements(ctx, j.clock.Now().In(j.zone), j.worker)
		if err != nil && ctx.Err() == nil {
			j.log.WarnContext(ctx, "statements that are due could not be sent; it is tried again", "error", err)
		}
		for _, s := range sent {
			j.log.InfoContext(ctx, "statements sent", "kind", s.Kind, "as_of", s.AsOf, "sent", s.Sent, "to_post", s.ToPost, "left", s.Left)
		}
	})
}
