// Package jobs holds what the phase does on its own.
package jobs

import (
	"context"
	"log/slog"
	"time"

	"github.com/avalcredit/aval/pkg/authn"
	"github.com/avalcredit/aval/pkg/lifecycle"
)

const (
	every = time.Minute
	// batch bounds one round; what is left waits for the next.
	batch = 50
)

// Reviewer rates customers whose review interval ran out.
type Reviewer interface {
	// DueForReview returns customers that are due, at most a batch.
	DueForReview(ctx context.Context, batch int) ([]string, error)
	// Review rates one.
	Review(ctx context.Context, customerID string) error
}

// Reviews looks once a minute for customers whose review interval ran out (S1.4).
type Reviews struct {
	reviewer Reviewer
	log      *slog.Logger
}

// NewReviews returns the job; it does nothing before Run.
func NewReviews(r Reviewer, log *slog.Logger) *Reviews { return &Reviews{reviewer: r, log: log} }

// Run works until ctx ends and returns nil then. A customer that cannot be rated now
// is due again in the next round.
func (j *Reviews) Run(ctx context.Context) error {
	ctx = authn.WithPrincipal(ctx, authn.Principal{Subject: "evaluation", Name: "review job", Roles: []string{authn.RoleService}})
	return lifecycle.Every(ctx, every, func(ctx context.Context) { j.Round(ctx) })
}

// Round reviews one batch and returns how many customers were rated.
func (j *Reviews) Round(ctx context.Context) int {
	ids, err := j.reviewer.DueForReview(ctx, batch)
	if err != nil {
		j.log.WarnContext(ctx, "customers due for review could not be found", "error", err)
		return 0
	}
	done := 0
	for _, id := range ids {
		if ctx.Err() != nil {
			return done
		}
		if err := j.reviewer.Review(ctx, id); err != nil {
			j.log.WarnContext(ctx, "customer could not be reviewed; it is due again", "customer_id", id, "error", err)
			continue
		}
		done++
	}
	return done
}
