package jobs

import (
	"context"
	"log/slog"

	"github.com/avalcredit/aval/pkg/authn"
	"github.com/avalcredit/aval/pkg/lifecycle"
)

// Follower queues what a new version of the policy calls for.
type Follower interface {
	Follow(ctx context.Context) error
}

// Policies looks once a minute whether another version of the policy has come into force: then all customers are rated again (S1.4).
type Policies struct {
	follower Follower
	log      *slog.Logger
}

// NewPolicies returns the job; it does nothing before Run.
func NewPolicies(f Follower, log *slog.Logger) *Policies { return &Policies{follower: f, log: log} }

// Run works until ctx ends and returns nil then.
func (j *Policies) Run(ctx context.Context) error {
	ctx = authn.WithPrincipal(ctx, authn.Principal{Subject: "evaluation", Name: "policy job", Roles: []string{authn.RoleService}})
	return lifecycle.Every(ctx, every, func(ctx context.Context) {
		if err := j.follower.Follow(ctx); err != nil && ctx.Err() == nil {
			j.log.WarnContext(ctx, "the policy in force could not be looked at; it is looked at again", "error", err)
		}
	})
}
