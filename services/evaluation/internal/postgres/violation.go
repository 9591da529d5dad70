package postgres

import (
	"context"

	"github.com/jackc/pgx/v5"

	"github.com/avalcredit/aval/pkg/errs"
	"github.com/avalcredit/aval/pkg/pg"
)

// CustomerOf returns whom an application or a request to withdraw is about; empty: unknown.
func CustomerOf(ctx context.Context, tx pgx.Tx, kind, id string) (customerID string, err error) {
	switch s := New(tx); kind {
	case "application":
		customerID, err = s.q.CustomerOfApplication(ctx, id)
	case "withdrawal_request":
		customerID, err = s.q.CustomerOfWithdrawal(ctx, id)
	}
	if err = pg.Err(err); errs.KindOf(err) == errs.NotFound {
		return "", nil
	}
	return customerID, err
}
