package app

import (
	"context"

	"github.com/jackc/pgx/v5"

	"github.com/avalcredit/aval/pkg/calendar"
	"github.com/avalcredit/aval/pkg/idem"
	"github.com/avalcredit/aval/services/evaluation/internal/application"
	"github.com/avalcredit/aval/services/evaluation/internal/postgres"
)

// formChange is a change of a form that takes no step.
type formChange struct {
	id string
	// action names it in the audit trail; event in the registers, empty: it is not filed.
	action, event string
	apply         func(f application.Application, by string, day calendar.Date) (application.Application, error)
	// validate checks the form against the account's currency.
	validate bool
}

// changeForm applies a change to a form of a customer that the caller reaches.
func (a *App) changeForm(ctx context.Context, r idem.Request, c formChange) (application.Application, error) {
	who, err := caller(ctx)
	if err != nil {
		return application.Application{}, err
	}
	if _, err := a.Application(ctx, c.id); err != nil {
		return application.Application{}, err
	}
	day := a.Clock.Today(ctx)
	return write(ctx, a, r, func(ctx context.Context, tx pgx.Tx) (application.Application, error) {
		store := postgres.New(tx)
		f, err := store.LockApplication(ctx, c.id)
		if err != nil {
			return f, err
		}
		if f, err = c.apply(f, who.Subject, day); err != nil {
			return f, err
		}
		if c.validate {
			st, err := store.Customer(ctx, f.CustomerID)
			if err != nil {
				return f, err
			}
			f = f.Completed(day)
			if err := f.Validate(st.File.Currency, day); err != nil {
				return f, err
			}
		}
		if err := note(ctx, tx, noted{customer: f.CustomerID, action: c.action, subject: f.ID, day: day, detail: f}); err != nil {
			return f, err
		}
		if c.event != "" && f.SerialNumber != "" {
			return f, a.filed(ctx, tx, f, c.event, day)
		}
		return f, store.UpdateApplication(ctx, f)
	})
}

// EditApplication changes what a draft or a returned form asks for.
func (a *App) EditApplication(ctx context.Context, r idem.Request, id string, e application.Edit) (application.Application, error) {
	return a.changeForm(ctx, r, formChange{id: id, action: "application.edit", validate: true,
		apply: func(f application.Application, by string, _ calendar.Date) (application.Application, error) {
			return f.Edit(by, e)
		}})
}

// WithdrawApplication takes a form back for good.
func (a *App) WithdrawApplication(ctx context.Context, r idem.Request, id, reason string) (application.Application, error) {
	return a.changeForm(ctx, r, formChange{id: id, action: "application.withdraw", event: "WITHDRAW",
		apply: func(f application.Application, by string, day calendar.Date) (application.Application, error) {
			return f.Withdraw(by, reason, day)
		}})
}

// CommentApplication adds a comment.
func (a *App) CommentApplication(ctx context.Context, r idem.Request, id, text string) (application.Application, error) {
	return a.changeForm(ctx, r, formChange{id: id, action: "application.comment",
		apply: func(f application.Application, by string, day calendar.Date) (application.Application, error) {
			return f.Commented(application.Comment{Subject: by, Date: day, Text: text})
		}})
}

// AttachToApplication adds a document by its hash.
func (a *App) AttachToApplication(ctx context.Context, r idem.Request, id string, t application.Attachment) (application.Application, error) {
	return a.changeForm(ctx, r, formChange{id: id, action: "application.attach",
		apply: func(f application.Application, by string, day calendar.Date) (application.Application, error) {
			t.By, t.Date = by, day
			return f.Attached(t)
		}})
}

// ConfirmCondition notes that a condition is met; with the last one the grant takes
// effect and the other phases are told.
func (a *App) ConfirmCondition(ctx context.Context, r idem.Request, id string, c application.Confirmation) (Decided, error) {
	who, err := caller(ctx)
	if err != nil {
		return Decided{}, err
	}
	seen, err := a.Application(ctx, id)
	if err != nil {
		return Decided{}, err
	}
	day := a.Clock.Today(ctx)
	c.By, c.Date = who.Subject, day
	p, err := a.Policies.InForce(ctx, day)
	if err != nil {
		return Decided{}, err
	}
	res, err := write(ctx, a, r, func(ctx context.Context, tx pgx.Tx) (Decided, error) {
		store := postgres.New(tx)
		f, err := store.LockApplication(ctx, id)
		if err != nil {
			return Decided{}, err
		}
		if f, err = f.Confirm(c); err != nil {
			return Decided{}, err
		}
		n := noted{customer: f.CustomerID, action: "application.condition", subject: f.ID, day: day, detail: f.Conditions[c.Number-1]}
		if f.State != application.Approved {
			return Decided{Application: f}, confirmed(ctx, tx, f, n)
		}
		res, err := a.grantCredit(ctx, tx, f, deciding{policy: p, day: day})
		if err != nil {
			return Decided{}, err
		}
		if err := note(ctx, tx, n); err != nil {
			return Decided{}, err
		}
		return res, a.filed(ctx, tx, res.Application, "GRANT", day)
	})
	if err != nil {
		return Decided{}, err
	}
	a.flush(ctx, seen.CustomerID)
	return res, nil
}

func confirmed(ctx context.Context, tx pgx.Tx, f application.Application, n noted) error {
	if err := note(ctx, tx, n); err != nil {
		return err
	}
	return postgres.New(tx).UpdateApplication(ctx, f)
}
