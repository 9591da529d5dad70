package postgres

import (
	"context"
	"encoding/json"

	"github.com/avalcredit/aval/pkg/errs"
	"github.com/avalcredit/aval/pkg/pg"
	"github.com/avalcredit/aval/services/evaluation/internal/handover"
	"github.com/avalcredit/aval/services/evaluation/internal/postgres/db"
)

// ReasonHandOverNotFound: there is no such hand-over.
const ReasonHandOverNotFound = "HAND_OVER_NOT_FOUND"

// InsertHandOver writes a new one; one of the customer that is on its way gives
// FailedPrecondition HAND_OVER_OPEN.
func (s Store) InsertHandOver(ctx context.Context, h handover.HandOver) error {
	body, err := json.Marshal(h)
	if err != nil {
		return err
	}
	err = s.q.InsertHandOver(ctx, db.InsertHandOverParams{
		HandOverID: h.ID, CustomerID: h.CustomerID, FromID: h.From, ToID: h.To, State: string(h.State), Body: body,
	})
	if pg.IsUnique(err, "customer_hand_overs_one_open") {
		return errs.New(errs.FailedPrecondition, handover.ReasonOpen, "another hand-over of customer %s is on its way", h.CustomerID)
	}
	return pg.Err(err)
}

// UpdateHandOver writes a locked one that was on its way.
func (s Store) UpdateHandOver(ctx context.Context, h handover.HandOver) error {
	body, err := json.Marshal(h)
	if err != nil {
		return err
	}
	return pg.Err(s.q.UpdateHandOver(ctx, db.UpdateHandOverParams{HandOverID: h.ID, State: string(h.State), Body: body}))
}

// HandOver returns one, or NotFound HAND_OVER_NOT_FOUND.
func (s Store) HandOver(ctx context.Context, id string) (h handover.HandOver, err error) {
	body, err := s.q.GetHandOver(ctx, id)
	if err != nil {
		return h, handOverNotFound(id, err)
	}
	return h, json.Unmarshal(body, &h)
}

// LockHandOver is HandOver, and holds off other writers until the transaction ends.
func (s Store) LockHandOver(ctx context.Context, id string) (h handover.HandOver, err error) {
	body, err := s.q.LockHandOver(ctx, id)
	if err != nil {
		return h, handOverNotFound(id, err)
	}
	return h, json.Unmarshal(body, &h)
}

func handOverNotFound(id string, err error) error {
	return notFound(err, ReasonHandOverNotFound, "there is no hand-over %s", id)
}

// HandOverQuery asks for a page, newest first.
type HandOverQuery struct {
	Before int64
	// CustomerID, State and Person, who gives or gets, bound the list; empty: all.
	CustomerID, State, Person string
	Size                      int
}

// ListedHandOver is one with its place in the list.
type ListedHandOver struct {
	HandOver handover.HandOver
	Number   int64
}

// HandOvers returns a page.
func (s Store) HandOvers(ctx context.Context, q HandOverQuery) ([]ListedHandOver, error) {
	rows, err := s.q.ListHandOvers(ctx, db.ListHandOversParams{
		BeforeNumber: q.Before, CustomerID: q.CustomerID, State: q.State, Person: q.Person, Most: int32(q.Size), //nolint:gosec // a page
	})
	if err != nil {
		return nil, pg.Err(err)
	}
	found := make([]ListedHandOver, len(rows))
	for i, row := range rows {
		found[i].Number = row.Number
		if err := json.Unmarshal(row.Body, &found[i].HandOver); err != nil {
			return nil, err
		}
	}
	return found, nil
}
