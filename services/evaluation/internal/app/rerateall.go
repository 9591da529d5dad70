package app

import (
	"cmp"
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"

	"github.com/avalcredit/aval/pkg/authn"
	"github.com/avalcredit/aval/pkg/errs"
	"github.com/avalcredit/aval/pkg/operation"
	"github.com/avalcredit/aval/pkg/pg"
	"github.com/avalcredit/aval/services/evaluation/internal/portfolio"
	"github.com/avalcredit/aval/services/evaluation/internal/postgres"
	"github.com/avalcredit/aval/services/evaluation/internal/rating"
)

const (
	// rerateSet is how many customers are done between two marks.
	rerateSet = 200
	// raters is how many are rated at a time.
	raters = 4
)

// RunRerating works on rating all customers again: each in a transaction of its own, with its row of the run, so that nothing is done twice
// however the process ends. Errors: FailedPrecondition POLICY_REPLACED where another version holds on the day by now.
func (p *Portfolio) RunRerating(ctx context.Context, op operation.Operation, progress operation.Progress) (operation.Operation, error) {
	ctx = authn.WithPrincipal(ctx, authn.Principal{Subject: op.CreatedBy, Name: "portfolio run " + op.ID, Roles: []string{authn.RoleService}})
	r, m, err := p.resume(ctx, op, progress)
	if err != nil {
		return op, err
	}
	if err := r.count(ctx); err != nil {
		return r.op, err
	}
	for {
		if in, err := p.Policies.InForce(ctx, r.spec.Date); err != nil || in.Version != r.spec.Version {
			return r.op, replaced(r.spec, in.Version, err)
		}
		ids, err := r.reader.SubjectIDs(ctx, m.After, cmp.Or(p.SetSize, rerateSet))
		if err != nil {
			return r.op, err
		}
		if len(ids) == 0 {
			return r.finish(ctx)
		}
		group, rating := crew(ctx)
		group.SetLimit(raters)
		for _, id := range ids {
			group.Go(func() error { return r.rerate(rating, id) })
		}
		if err := group.Wait(); err != nil {
			return r.op, err
		}
		m.After = ids[len(ids)-1]
		if err := r.advance(ctx, len(ids), m.After); err != nil {
			return r.op, err
		}
	}
}

func replaced(spec portfolio.Spec, version int64, err error) error {
	if err != nil {
		return err
	}
	return errs.New(errs.FailedPrecondition, "POLICY_REPLACED", "version %d of the policy holds on %s, not version %d", version, spec.Date, spec.Version)
}

func (r *runState) advance(ctx context.Context, customers int, upto string) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	next, err := r.step(customers, upto)
	if err != nil {
		return err
	}
	r.op = next
	return r.save(ctx, nil, next)
}

// rerate rates one customer again and writes its row. Why it cannot be rated stands in the row.
func (r *runState) rerate(ctx context.Context, id string) error {
	var tightened bool
	err := r.patiently(ctx, func() error {
		return r.afresh(ctx, id, r.spec.Date, func(g gathered, gatherErr error) error {
			if gatherErr != nil {
				return gatherErr
			}
			return r.inRun(ctx, id, func(ctx context.Context, tx pgx.Tx, st *postgres.State) (row portfolio.Row, err error) {
				row, tightened, err = r.rateIn(ctx, tx, st, g)
				return row, err
			})
		})
	})
	if text, one := problemOf(ctx, err); one {
		return r.inRun(ctx, id, func(_ context.Context, _ pgx.Tx, st *postgres.State) (portfolio.Row, error) {
			subject := subjectOf(*st)
			row := subject.Row(r.spec.Date)
			row.Problem = text
			return row, nil
		})
	}
	if err == nil && tightened {
		r.flush(ctx, id)
	}
	if err == nil {
		err = r.beat(ctx, false)
	}
	return err
}

// inRun writes the row that fn makes of a locked customer, unless the run has one already.
func (r *runState) inRun(ctx context.Context, id string, fn func(ctx context.Context, tx pgx.Tx, st *postgres.State) (portfolio.Row, error)) error {
	return pg.InTx(ctx, r.Pool, func(ctx context.Context, tx pgx.Tx) error {
		st, err := postgres.New(tx).Lock(ctx, id)
		if err != nil {
			return err
		}
		if done, err := postgres.HasPortfolioRow(ctx, tx, r.number, id); err != nil || done {
			return err
		}
		row, err := fn(ctx, tx, &st)
		if err != nil {
			return err
		}
		rows := postgres.NewPortfolioRows(r.number)
		rows.Add(&row)
		return postgres.WritePortfolioRows(ctx, tx, rows)
	})
}

// rateIn rates a locked customer and says what became of it.
func (r *runState) rateIn(ctx context.Context, tx pgx.Tx, st *postgres.State, g gathered) (row portfolio.Row, tightened bool, err error) {
	subject := subjectOf(*st)
	row = subject.Row(r.spec.Date)
	stored, unchanged, err := r.rate(ctx, tx, st, g, why{
		trigger: rating.NewPolicy, cause: fmt.Sprintf("all customers are rated again under version %d of the policy", r.spec.Version),
	})
	if err != nil {
		return row, false, err
	}
	res, after := stored.Record.Result, profileGrant(*st).Grant
	row.GradeAfter, row.Deciding, row.RatingID, row.Unchanged = res.Grade, res.Deciding, stored.Record.RatingID, unchanged
	if res.Limit != nil {
		row.Recommended = &res.Limit.Minor
	}
	row.After(after, r.spec.Date)
	return row, after.Version != subject.Grant.Version, nil
}

func subjectOf(st postgres.State) portfolio.Subject {
	return portfolio.Subject{
		ID: st.File.ID, Salesperson: st.File.SalespersonID, Unit: st.File.UnitID, Group: st.File.Root(), Currency: st.File.Currency,
		Grade: st.File.Grade, Grant: profileGrant(st).Grant,
	}
}
