package app

import (
	"context"
	"encoding/json"

	"github.com/jackc/pgx/v5"

	"github.com/avalcredit/aval/pkg/audit"
	"github.com/avalcredit/aval/pkg/calendar"
	"github.com/avalcredit/aval/pkg/page"
	"github.com/avalcredit/aval/pkg/pg"
	"github.com/avalcredit/aval/services/evaluation/internal/postgres"
	"github.com/avalcredit/aval/services/evaluation/internal/violation"
)

// violationStream is the audit trail's chain of the register.
const violationStream = "violations"

// RecordViolation enters a refused act into the register, in a transaction of its own:
// that of the act was rolled back.
func (a *App) RecordViolation(ctx context.Context, at violation.Attempt) error {
	at.Date = a.Clock.Today(ctx)
	return pg.InTx(ctx, a.Pool, func(ctx context.Context, tx pgx.Tx) (err error) {
		store := postgres.New(tx)
		v := violation.Of(at)
		if v.CustomerID == "" {
			if v.CustomerID, err = store.CustomerOf(ctx, v.ObjectKind, v.ObjectID); err != nil {
				return err
			}
		}
		v.CreateTime = a.now()
		fresh, err := store.InsertViolation(ctx, v)
		if err != nil || !fresh {
			return err
		}
		detail, err := json.Marshal(v)
		if err != nil {
			return err
		}
		return audit.Append(ctx, tx, audit.Event{
			Stream: violationStream, Actor: v.Subject, Action: "violation.record", Subject: v.ID, BusinessDate: v.Date, Detail: detail,
		})
	})
}

// Violation returns an entry of the register.
func (a *App) Violation(ctx context.Context, id string) (violation.Violation, error) {
	return a.store().Violation(ctx, id)
}

// ViolationList asks for a page of the register.
type ViolationList struct {
	Size  int32
	Token string
	// Subject, CustomerID, ObjectID and ReasonCode bound the list; empty: all.
	Subject, CustomerID, ObjectID, ReasonCode string
	// From and Until are business dates, both included; zero: no bound.
	From, Until calendar.Date
}

// Violations lists the register, newest first, and the token of the next page.
func (a *App) Violations(ctx context.Context, l ViolationList) ([]violation.Violation, string, error) {
	n := page.Size(l.Size, defaultPage, maxPage)
	q := postgres.ViolationQuery{
		Subject: l.Subject, CustomerID: l.CustomerID, ObjectID: l.ObjectID, ReasonCode: l.ReasonCode, From: l.From, Until: l.Until, Size: n + 1,
	}
	sum := page.Checksum("violations", q.Subject, q.CustomerID, q.ObjectID, q.ReasonCode, q.From.String(), q.Until.String())
	var err error
	if q.Before, err = a.before(l.Token, sum); err != nil {
		return nil, "", err
	}
	found, err := a.store().Violations(ctx, q)
	if err != nil {
		return nil, "", err
	}
	rows, next := cut(a, found, n, sum, func(v postgres.ListedViolation) int64 { return v.Number })
	out := make([]violation.Violation, len(rows))
	for i, v := range rows {
		out[i] = v.Violation
	}
	return out, next, nil
}
