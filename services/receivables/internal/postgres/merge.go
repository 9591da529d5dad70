package postgres

import (
	"context"

	"github.com/jackc/pgx/v5"

	"github.com/avalcredit/aval/pkg/pg"
	"github.com/avalcredit/aval/services/receivables/internal/postgres/db"
)

// merge has the account of a merged file aged under the one that stands for it. A file is merged once.
func merge(ctx context.Context, q *db.Queries, c Customer) error {
	if c.MergedIntoID == "" {
		return nil
	}
	if err := q.LockMergedAccounts(ctx); err != nil {
		return pg.Err(err)
	}
	if err := q.MergeAccount(ctx, db.MergeAccountParams{CustomerID: c.ID, SurvivorID: c.MergedIntoID}); err != nil {
		return pg.Err(err)
	}
	return pg.Err(q.FollowMerge(ctx, c.ID))
}

// accountsOf are the accounts that a customer is asked for by: its own first, then those merged into it; nil: everybody's.
func accountsOf(ctx context.Context, tx pgx.Tx, customerID string) ([]string, error) {
	if customerID == "" {
		return nil, nil
	}
	return withMerged(ctx, tx, []string{customerID})
}

// withMerged adds to accounts those that were merged into them.
func withMerged(ctx context.Context, tx pgx.Tx, ids []string) ([]string, error) {
	under, err := db.New(tx).AccountsUnder(ctx, ids)
	return append(ids, under...), pg.Err(err)
}
