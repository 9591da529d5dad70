package postgres

import (
	"context"
	"encoding/json"

	"github.com/avalcredit/aval/pkg/calendar"
	"github.com/avalcredit/aval/pkg/errs"
	"github.com/avalcredit/aval/pkg/pg"
	"github.com/avalcredit/aval/services/evaluation/internal/postgres/db"
	"github.com/avalcredit/aval/services/evaluation/internal/withdrawal"
)

// ReasonWithdrawalNotFound: there is no such request, or not for the caller.
const ReasonWithdrawalNotFound = "WITHDRAWAL_REQUEST_NOT_FOUND"

// InsertWithdrawal writes a new request of a locked customer.
func (s Store) InsertWithdrawal(ctx context.Context, r withdrawal.Request) error {
	body, err := json.Marshal(r)
	if err != nil {
		return err
	}
	return pg.Err(s.q.InsertWithdrawalRequest(ctx, db.InsertWithdrawalRequestParams{
		WithdrawalRequestID: r.ID, CustomerID: r.CustomerID, State: string(r.State), DueDate: r.DueDate, Body: body,
	}))
}

// UpdateWithdrawal writes a locked request that was open.
func (s Store) UpdateWithdrawal(ctx context.Context, r withdrawal.Request) error {
	body, err := json.Marshal(r)
	if err != nil {
		return err
	}
	return pg.Err(s.q.UpdateWithdrawalRequest(ctx, db.UpdateWithdrawalRequestParams{
		WithdrawalRequestID: r.ID, State: string(r.State), Body: body,
	}))
}

// OpenWithdrawal returns the open request of a locked customer; false where there is none.
func (s Store) OpenWithdrawal(ctx context.Context, customerID string) (r withdrawal.Request, found bool, err error) {
	body, err := s.q.OpenWithdrawalRequest(ctx, customerID)
	if errs.KindOf(pg.Err(err)) == errs.NotFound {
		return r, false, nil
	}
	if err != nil {
		return r, false, pg.Err(err)
	}
	return r, true, json.Unmarshal(body, &r)
}

// Withdrawal returns a request and the salesperson of its customer, or NotFound WITHDRAWAL_REQUEST_NOT_FOUND.
func (s Store) Withdrawal(ctx context.Context, id string) (r withdrawal.Request, salesperson string, err error) {
	row, err := s.q.GetWithdrawalRequest(ctx, id)
	if err != nil {
		return r, "", WithdrawalNotFound(id, err)
	}
	return r, row.SalespersonID, json.Unmarshal(row.Body, &r)
}

// LockWithdrawal returns a request and holds off other writers until the transaction ends.
func (s Store) LockWithdrawal(ctx context.Context, id string) (r withdrawal.Request, err error) {
	body, err := s.q.LockWithdrawalRequest(ctx, id)
	if err != nil {
		return r, WithdrawalNotFound(id, err)
	}
	return r, json.Unmarshal(body, &r)
}

// WithdrawalNotFound is the error for a request that is not there, or not for the
// caller; another error of the database stays what it is.
func WithdrawalNotFound(id string, err error) error {
	return notFound(err, ReasonWithdrawalNotFound, "there is no withdrawal request %s", id)
}

// WithdrawalQuery asks for a page of requests, newest first.
type WithdrawalQuery struct {
	// Before is the number of the row before the page.
	Before int64
	// CustomerID, State and Salesperson bound the list; empty: all.
	CustomerID, State, Salesperson string
	// Escalated bounds it to open ones whose due date is over Today, Open to open ones.
	Escalated, Open bool
	Today           calendar.Date
	Size            int
}

// ListedWithdrawal is a request with its place in the list.
type ListedWithdrawal struct {
	Request withdrawal.Request
	Number  int64
}

// Withdrawals returns a page.
func (s Store) Withdrawals(ctx context.Context, q WithdrawalQuery) ([]ListedWithdrawal, error) {
	rows, err := s.q.ListWithdrawalRequests(ctx, db.ListWithdrawalRequestsParams{
		BeforeNumber: q.Before, CustomerID: q.CustomerID, State: q.State, SalespersonID: q.Salesperson,
		Escalated: q.Escalated, Today: q.Today, OpenOnly: q.Open, Most: int32(q.Size), //nolint:gosec // a page
	})
	if err != nil {
		return nil, pg.Err(err)
	}
	found := make([]ListedWithdrawal, len(rows))
	for i, row := range rows {
		found[i].Number = row.Number
		if err := json.Unmarshal(row.Body, &found[i].Request); err != nil {
			return nil, err
		}
	}
	return found, nil
}
