package postgres

import (
	"context"

	"github.com/jackc/pgx/v5"

	"github.com/avalcredit/aval/pkg/errs"
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
	to, err := db.New(tx).SurvivorOf(ctx, customerID)
	if err == nil && to.Moved { // its account goes on there
		customerID = to.SurvivorID
	} else if errs.KindOf(pg.Err(err)) != errs.NotFound && err != nil {
		return nil, pg.Err(err)
	}
	return withMerged(ctx, tx, []string{customerID})
}

// withMerged adds to accounts those that were merged into them.
func withMerged(ctx context.Context, tx pgx.Tx, ids []string) ([]string, error) {
	under, err := db.New(tx).AccountsUnder(ctx, ids)
	return append(ids, under...), pg.Err(err)
}

// CustomerIn reads a customer in a transaction. Errors: NotFound CUSTOMER_UNKNOWN.
func CustomerIn(ctx context.Context, tx pgx.Tx, id string) (Customer, error) {
	c, err := db.New(tx).CustomerByID(ctx, id)
	if err != nil {
		return Customer{}, notFound(err, "CUSTOMER_UNKNOWN", "customer", id)
	}
	return customerOf(c), nil
}

// Moved says of accounts in which ones they go on, since their files were merged.
func Moved(ctx context.Context, tx pgx.Tx, ids []string) (map[string]string, error) {
	rows, err := db.New(tx).MovedAccounts(ctx, ids)
	out := make(map[string]string, len(rows))
	for _, r := range rows {
		out[r.CustomerID] = r.SurvivorID
	}
	return out, pg.Err(err)
}

// GoOnIn has an account go on in that of the customer which stands for it, under the locks of both: what is open, money, deposits, bills,
// notices, promises, disputes and dunning are the survivor's from now on. Documents, entries and applications stay as posted. It reports
// false where the account went before, or is kept in another currency: then the two stay apart. told gives the last position that was
// told under its own number. Errors: FailedPrecondition CUSTOMER_UNKNOWN where the survivor's profile has not arrived.
func GoOnIn(ctx context.Context, tx pgx.Tx, c Customer, act Act, told func() (int64, error)) (*Account, bool, error) {
	q := db.New(tx)
	to, err := q.SurvivorOf(ctx, c.ID)
	if err != nil || to.Moved {
		return nil, false, pg.Err(err)
	}
	survivor, err := CustomerIn(ctx, tx, to.SurvivorID)
	if err != nil && errs.KindOf(err) != errs.NotFound {
		return nil, false, err
	}
	if err != nil {
		return nil, false, errs.New(errs.FailedPrecondition, "CUSTOMER_UNKNOWN", "customer %s, which stands for %s, is not known yet", to.SurvivorID, c.ID).With("customer_id", to.SurvivorID)
	}
	accounts, err := LockAccounts(ctx, tx, []string{survivor.ID, c.ID}, act)
	if err != nil {
		return nil, false, err
	}
	into, from := accounts.Of(survivor.ID), accounts.Of(c.ID)
	if into == nil || from == nil || into.currency != from.currency {
		return nil, false, nil
	}
	last, err := told()
	if err != nil {
		return nil, false, err
	}
	for _, move := range []func() error{
		func() error {
			return q.MoveItems(ctx, db.MoveItemsParams{SurvivorID: survivor.ID, CustomerID: c.ID})
		},
		func() error {
			return q.MoveCredits(ctx, db.MoveCreditsParams{SurvivorID: survivor.ID, CustomerID: c.ID})
		},
		func() error {
			return q.MoveVouchers(ctx, db.MoveVouchersParams{SurvivorID: survivor.ID, CustomerID: c.ID})
		},
		func() error {
			return q.MoveNotices(ctx, db.MoveNoticesParams{SurvivorID: survivor.ID, CustomerID: c.ID})
		},
		func() error {
			return q.MoveCollectionRecords(ctx, db.MoveCollectionRecordsParams{SurvivorID: survivor.ID, CustomerID: c.ID})
		},
		func() error {
			return q.MoveDunningStates(ctx, db.MoveDunningStatesParams{SurvivorID: survivor.ID, CustomerID: c.ID})
		},
		func() error {
			return q.MoveDunningCustomer(ctx, db.MoveDunningCustomerParams{SurvivorID: survivor.ID, CustomerID: c.ID})
		},
		func() error {
			return q.EndAccount(ctx, db.EndAccountParams{SurvivorID: survivor.ID, CustomerID: c.ID})
		},
		func() error {
			return q.MarkMoved(ctx, db.MarkMovedParams{PositionSequence: last, CustomerID: c.ID})
		},
	} {
		if err := move(); err != nil {
			return nil, false, pg.Err(err)
		}
	}
	ended, err := q.EndLadder(ctx, c.ID)
	if errs.KindOf(pg.Err(err)) == errs.NotFound {
		return into, true, nil // nothing was ever posted to it
	}
	into.newest, into.oldest = ended.Newest, ended.Oldest
	return into, err == nil, pg.Err(err)
}
