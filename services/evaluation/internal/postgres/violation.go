package postgres

import (
	"context"
	"encoding/json"

	"github.com/avalcredit/aval/pkg/calendar"
	"github.com/avalcredit/aval/pkg/errs"
	"github.com/avalcredit/aval/pkg/pg"
	"github.com/avalcredit/aval/services/evaluation/internal/postgres/db"
	"github.com/avalcredit/aval/services/evaluation/internal/violation"
)

// InsertViolation adds to the register; false where the attempt is in it already.
func (s Store) InsertViolation(ctx context.Context, v violation.Violation) (bool, error) {
	body, err := json.Marshal(v)
	if err != nil {
		return false, err
	}
	n, err := s.q.InsertViolation(ctx, db.InsertViolationParams{
		ViolationID: v.ID, Subject: v.Subject, CustomerID: v.CustomerID, ObjectID: v.ObjectID, ReasonCode: v.ReasonCode,
		BusinessDate: v.Date, Body: body,
	})
	return n > 0, pg.Err(err)
}

// CustomerOf returns whom an application or a request to withdraw is about; empty: unknown.
func (s Store) CustomerOf(ctx context.Context, kind, id string) (customerID string, err error) {
	switch kind {
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

// Violation returns an entry, or NotFound VIOLATION_NOT_FOUND.
func (s Store) Violation(ctx context.Context, id string) (v violation.Violation, err error) {
	body, err := s.q.GetViolation(ctx, id)
	if err != nil {
		return v, notFound(err, "VIOLATION_NOT_FOUND", "there is no violation %s", id)
	}
	return v, json.Unmarshal(body, &v)
}

// ViolationQuery asks for a page, newest first.
type ViolationQuery struct {
	// Before is the number of the row before the page.
	Before int64
	// Subject, CustomerID, ObjectID and ReasonCode bound the list; empty: all.
	Subject, CustomerID, ObjectID, ReasonCode string
	// From and Until are business dates, both included; zero: no bound.
	From, Until calendar.Date
	Size        int
}

// ListedViolation is an entry with its place in the list.
type ListedViolation struct {
	Violation violation.Violation
	Number    int64
}

// Violations returns a page.
func (s Store) Violations(ctx context.Context, q ViolationQuery) ([]ListedViolation, error) {
	rows, err := s.q.ListViolations(ctx, db.ListViolationsParams{
		BeforeNumber: q.Before, Subject: q.Subject, CustomerID: q.CustomerID, ObjectID: q.ObjectID, ReasonCode: q.ReasonCode,
		FromDate: q.From, UntilDate: q.Until, Most: int32(q.Size), //nolint:gosec // a page
	})
	if err != nil {
		return nil, pg.Err(err)
	}
	found := make([]ListedViolation, len(rows))
	for i, row := range rows {
		found[i].Number = row.Number
		if err := json.Unmarshal(row.Body, &found[i].Violation); err != nil {
			return nil, err
		}
	}
	return found, nil
}
