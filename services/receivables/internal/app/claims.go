package app

import (
	"context"
	"encoding/json"

	"github.com/jackc/pgx/v5"

	"github.com/avalcredit/aval/pkg/audit"
	"github.com/avalcredit/aval/pkg/idem"
	"github.com/avalcredit/aval/pkg/pg"
	"github.com/avalcredit/aval/services/receivables/internal/postgres"
)

// told is what a change of the claims side says for the audit trail.
type told struct {
	stream, action, subject string
	detail                  any
}

// record runs a change that posts nothing once per request: what it writes and the audit trail in one transaction.
func record[T any](ctx context.Context, s *Service, req idem.Request, fn func(ctx context.Context, c *postgres.Claims, act postgres.Act) (T, told, error)) (T, error) {
	var out T
	err := pg.InTx(ctx, s.Pool, func(ctx context.Context, tx pgx.Tx) error {
		var err error
		out, _, err = idem.Do(ctx, tx, req, func() (T, error) {
			act := s.act(ctx)
			result, t, err := fn(ctx, postgres.NewClaims(tx, act), act)
			if err != nil {
				return result, err
			}
			return result, trail(ctx, tx, act, t)
		})
		return err
	})
	if err != nil {
		var none T
		return none, err
	}
	return out, nil
}

// trail writes what was done into the audit trail.
func trail(ctx context.Context, tx pgx.Tx, act postgres.Act, t told) error {
	detail, err := json.Marshal(t.detail)
	if err != nil {
		return err
	}
	return audit.Append(ctx, tx, audit.Event{
		Stream: t.stream, Actor: act.Actor, Action: t.action, Subject: t.subject, BusinessDate: act.Today, Detail: detail,
	})
}
