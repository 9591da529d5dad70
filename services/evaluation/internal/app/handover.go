package app

import (
	"context"

	"github.com/jackc/pgx/v5"

	"github.com/avalcredit/aval/pkg/authz"
	"github.com/avalcredit/aval/pkg/errs"
	"github.com/avalcredit/aval/pkg/idem"
	"github.com/avalcredit/aval/pkg/page"
	"github.com/avalcredit/aval/pkg/serial"
	"github.com/avalcredit/aval/services/evaluation/internal/handover"
	"github.com/avalcredit/aval/services/evaluation/internal/postgres"
)

// handOverSeries numbers hand-overs without gaps.
const handOverSeries = "customer_hand_over"

// ProposeHandOver proposes that a customer changes hands.
func (a *App) ProposeHandOver(ctx context.Context, r idem.Request, h handover.HandOver) (handover.HandOver, error) {
	who, err := caller(ctx)
	if err != nil {
		return h, err
	}
	day := a.Clock.Today(ctx)
	return write(ctx, a, r, func(ctx context.Context, tx pgx.Tx) (handover.HandOver, error) {
		store := postgres.New(tx)
		st, err := visible(ctx, store.Lock, h.CustomerID)
		if err != nil {
			return h, err
		}
		if err := st.File.Changeable(); err != nil {
			return h, err
		}
		h.From, h.State, h.ProposedBy, h.Date, h.CreateTime = st.File.SalespersonID, handover.Proposed, who.Subject, day, a.now()
		if err := h.Check(); err != nil {
			return h, err
		}
		n, err := serial.Next(ctx, tx, handOverSeries)
		if err != nil {
			return h, err
		}
		h.ID = handover.Number(n)
		if err := store.InsertHandOver(ctx, h); err != nil {
			return h, err
		}
		return h, note(ctx, tx, noted{customer: h.CustomerID, action: "handover.propose", subject: h.ID, day: day, detail: h})
	})
}

// ConfirmHandOver confirms the caller's side; with the second one the customer changes
// hands and the other phases are told.
func (a *App) ConfirmHandOver(ctx context.Context, r idem.Request, id string) (handover.HandOver, error) {
	day := a.Clock.Today(ctx)
	return a.onHandOver(ctx, r, id, "handover.confirm", func(h handover.HandOver, by string, roles []string) (handover.HandOver, error) {
		return h.Confirm(by, roles, day)
	})
}

// DeclineHandOver ends one with the customer where it is.
func (a *App) DeclineHandOver(ctx context.Context, r idem.Request, id, reason string) (handover.HandOver, error) {
	return a.onHandOver(ctx, r, id, "handover.decline", func(h handover.HandOver, by string, roles []string) (handover.HandOver, error) {
		return h.Decline(by, roles, reason)
	})
}

func (a *App) onHandOver(ctx context.Context, r idem.Request, id, action string,
	act func(h handover.HandOver, by string, roles []string) (handover.HandOver, error)) (handover.HandOver, error) {
	who, err := caller(ctx)
	if err != nil {
		return handover.HandOver{}, err
	}
	seen, err := a.store().HandOver(ctx, id)
	if err != nil {
		return seen, err
	}
	day := a.Clock.Today(ctx)
	res, err := write(ctx, a, r, func(ctx context.Context, tx pgx.Tx) (handover.HandOver, error) {
		store := postgres.New(tx)
		// The customer first, as everywhere. Who gets it does not reach it yet.
		st, err := store.Lock(ctx, seen.CustomerID)
		if err != nil {
			return seen, err
		}
		h, err := store.LockHandOver(ctx, id)
		if err != nil {
			return h, err
		}
		if h, err = act(h, who.Subject, who.Roles); err != nil {
			return h, err
		}
		if h.State == handover.Confirmed {
			if err := a.handedOver(ctx, tx, st, h); err != nil {
				return h, err
			}
		}
		if err := store.UpdateHandOver(ctx, h); err != nil {
			return h, err
		}
		return h, note(ctx, tx, noted{customer: h.CustomerID, action: action, subject: h.ID, day: day, detail: h})
	})
	if err != nil {
		return handover.HandOver{}, err
	}
	a.flush(ctx, res.CustomerID)
	return res, nil
}

// handedOver writes the file of a locked customer that changes hands.
func (a *App) handedOver(ctx context.Context, tx pgx.Tx, st postgres.State, h handover.HandOver) error {
	if err := st.File.Changeable(); err != nil {
		return err
	}
	if st.File.SalespersonID != h.From {
		return errs.New(errs.FailedPrecondition, handover.ReasonStale, "customer %s is with another person by now: decline the hand-over", h.CustomerID)
	}
	next := st.File
	next.SalespersonID = h.To
	next.Revision++
	next.UpdateTime = a.now()
	return save(ctx, tx, st, change{file: next, day: a.Clock.Today(ctx)})
}

// HandOverList asks for a page of hand-overs.
type HandOverList struct {
	Size              int32
	Token, CustomerID string
	State             handover.State
}

// HandOvers lists them, newest first, and the token of the next page.
func (a *App) HandOvers(ctx context.Context, l HandOverList) ([]handover.HandOver, string, error) {
	scope := authz.ScopeOf(ctx)
	q := postgres.HandOverQuery{CustomerID: l.CustomerID, State: string(l.State)}
	if !scope.All {
		if scope.Salesperson == "" {
			return nil, "", nil
		}
		q.Person = scope.Salesperson
	}
	sum := page.Checksum("handovers", q.CustomerID, q.State, q.Person)
	var err error
	if q.Before, err = a.before(l.Token, sum); err != nil {
		return nil, "", err
	}
	n := page.Size(l.Size, defaultPage, maxPage)
	q.Size = n + 1
	found, err := a.store().HandOvers(ctx, q)
	if err != nil {
		return nil, "", err
	}
	rows, next := cut(a, found, n, sum, func(h postgres.ListedHandOver) int64 { return h.Number })
	out := make([]handover.HandOver, len(rows))
	for i, h := range rows {
		out[i] = h.HandOver
	}
	return out, next, nil
}
