package app

import (
	"context"
	"slices"

	"github.com/jackc/pgx/v5"

	"github.com/avalcredit/aval/pkg/authn"
	"github.com/avalcredit/aval/pkg/delivery"
	"github.com/avalcredit/aval/pkg/errs"
	"github.com/avalcredit/aval/pkg/idem"
	"github.com/avalcredit/aval/pkg/page"
	"github.com/avalcredit/aval/pkg/pg"
	"github.com/avalcredit/aval/pkg/violation"
)

// supervisedBy are the roles by which the caller sees the violations that it looks into; none: it sees all.
func supervisedBy(ctx context.Context) []string {
	p, _ := authn.FromContext(ctx)
	wide := func(role string) bool {
		return slices.Contains([]string{"CREDIT_MANAGER", "FINANCE_DIRECTOR", "GENERAL_MANAGER", "CHAIRMAN", "AUDITOR"}, role)
	}
	if slices.ContainsFunc(p.Roles, wide) {
		return nil
	}
	return p.Roles
}

// Violation returns an entry of the register that the caller sees. Errors: NotFound VIOLATION_NOT_FOUND.
func (a *App) Violation(ctx context.Context, id string) (violation.Violation, error) {
	v, err := violation.Get(ctx, a.Pool, id)
	by := supervisedBy(ctx)
	if err == nil && by != nil && !slices.ContainsFunc(by, func(role string) bool { return slices.Contains(v.SupervisorRoles, role) }) {
		return violation.Violation{}, errs.New(errs.NotFound, "VIOLATION_NOT_FOUND", "there is no violation %s", id).With("violation_id", id)
	}
	return v, err
}

// Violations lists the register, newest first, as far as the caller sees it, and the token of the next page.
func (a *App) Violations(ctx context.Context, q violation.Query, size int32, token string) ([]violation.Violation, string, error) {
	n := page.Size(size, defaultPage, maxPage)
	open := ""
	if q.OpenOnly {
		open = "open"
	}
	sum := page.Checksum("violations", q.Subject, q.CustomerID, q.ObjectID, q.ReasonCode, q.From.String(), q.Until.String(), q.Phase, q.Kind, open)
	var err error
	if q.Before, err = a.before(token, sum); err != nil {
		return nil, "", err
	}
	q.Size, q.SupervisedBy = n+1, supervisedBy(ctx)
	found, err := violation.List(ctx, a.Pool, q)
	if err != nil {
		return nil, "", err
	}
	rows, next := cut(a, found, n, sum, func(v violation.Violation) int64 { return v.Number })
	return rows, next, nil
}

// DecideViolation says what became of a violation. Errors: NotFound VIOLATION_NOT_FOUND, those of Violation.Decide.
func (a *App) DecideViolation(ctx context.Context, req idem.Request, id, verdict, note string) (violation.Violation, error) {
	p, err := caller(ctx)
	if err != nil {
		return violation.Violation{}, err
	}
	err = pg.InTx(ctx, a.Pool, func(ctx context.Context, tx pgx.Tx) error {
		_, _, err := idem.Do(ctx, tx, req, func() (string, error) {
			v, err := violation.Conclude(ctx, tx, id, func(v violation.Violation) (violation.Violation, error) {
				return v.Decide(p.Subject, p.Roles, verdict, note, a.Clock.Today(ctx))
			}, a.now())
			return v.ID, err
		})
		return err
	})
	if err != nil {
		return violation.Violation{}, err
	}
	return violation.Get(ctx, a.Pool, id)
}

// ToldViolation is a violation of another phase with its place in that phase's order.
type ToldViolation struct {
	Sequence  int64
	Violation violation.Violation
}

// ApplyViolations takes violations of another phase, in order, and returns the last sequence it has. Errors: FailedPrecondition
// SEQUENCE_GAP.
func (a *App) ApplyViolations(ctx context.Context, phase string, all []ToldViolation) (last int64, err error) {
	err = pg.InTx(ctx, a.Pool, func(ctx context.Context, tx pgx.Tx) error {
		for _, t := range all {
			apply, has, err := delivery.Accept(ctx, tx, violation.Stream+"/"+phase, violation.Key, t.Sequence)
			if err != nil {
				return err
			}
			if last = has; !apply {
				continue
			}
			t.Violation.Phase = phase
			if _, err := a.Register.Enter(ctx, tx, t.Violation); err != nil {
				return err
			}
		}
		return nil
	})
	return last, err
}
