package app

import (
	"context"

	"github.com/avalcredit/aval/pkg/calendar"
	"github.com/avalcredit/aval/pkg/errs"
	"github.com/avalcredit/aval/pkg/idem"
	"github.com/avalcredit/aval/pkg/page"
	"github.com/avalcredit/aval/pkg/policy"
	"github.com/avalcredit/aval/services/evaluation/internal/criteria"
)

// CreatePolicy writes a new version as a draft. checked is the same policy as the
// domain reads it; a defect in it gives Invalid POLICY_INVALID.
func (a *App) CreatePolicy(ctx context.Context, r idem.Request, d policy.Draft, checked criteria.Policy) (policy.Version, error) {
	who, err := caller(ctx)
	if err != nil {
		return policy.Version{}, err
	}
	if found := checked.Check(); len(found) > 0 {
		return policy.Version{}, errs.New(errs.Invalid, "POLICY_INVALID", "%s: %s", found[0].Field, found[0].Message).WithViolations(found...)
	}
	d.CreatedBy = who.Subject
	return a.Book.Create(ctx, r, d)
}

// SignPolicy puts a draft in force from a day on (zero: today). Errors: those of policy.Store.Sign.
func (a *App) SignPolicy(ctx context.Context, r idem.Request, version int64, from calendar.Date) (policy.Version, error) {
	who, err := caller(ctx)
	if err != nil {
		return policy.Version{}, err
	}
	return a.Book.Sign(ctx, r, version, who.Subject, from)
}

// Policy returns a version; 0 is the one in force today.
func (a *App) Policy(ctx context.Context, version int64) (policy.Version, error) {
	return a.Book.Get(ctx, version)
}

// PolicyVersions lists versions, newest first.
func (a *App) PolicyVersions(ctx context.Context, size int32, token string) ([]policy.Version, string, error) {
	sum := page.Checksum("policies")
	before, err := a.before(token, sum)
	if err != nil {
		return nil, "", err
	}
	n := page.Size(size, defaultPage, maxPage)
	found, err := a.Book.Newest(ctx, n+1, before)
	if err != nil {
		return nil, "", err
	}
	rows, next := cut(a, found, n, sum, func(v policy.Version) int64 { return v.Version })
	return rows, next, nil
}
