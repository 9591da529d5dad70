package app

import (
	"context"
	"slices"

	"github.com/jackc/pgx/v5"

	"github.com/avalcredit/aval/pkg/authn"
	"github.com/avalcredit/aval/pkg/errs"
	"github.com/avalcredit/aval/pkg/idem"
	"github.com/avalcredit/aval/pkg/pg"
	"github.com/avalcredit/aval/pkg/serial"
	"github.com/avalcredit/aval/services/receivables/internal/postgres"
	"github.com/avalcredit/aval/services/receivables/internal/responsibility"
)

// RecordQuery asks for records of the claims side, newest first.
type RecordQuery = postgres.RecordQuery

// seriesClearance numbers clearances.
const seriesClearance = "clearance"

// person is the caller as far as hand-overs are concerned: a salesperson and nothing more acts for itself only.
func person(ctx context.Context) responsibility.Person {
	p, _ := authn.FromContext(ctx)
	return responsibility.Person{
		Subject: Actor(ctx), Director: slices.Contains(p.Roles, "SALES_DIRECTOR"),
		Only: len(p.Roles) == 1 && p.Roles[0] == "SALESPERSON",
	}
}

// ProposeHandOver proposes that one person takes over receivables from another. Errors: AlreadyExists HAND_OVER_EXISTS,
// FailedPrecondition PERSON_CLEARED, NotFound CUSTOMER_UNKNOWN and ITEM_UNKNOWN, those of HandOver.Check.
func (s *Service) ProposeHandOver(ctx context.Context, req idem.Request, h responsibility.HandOver) (responsibility.HandOver, error) {
	if err := h.Check(person(ctx)); err != nil {
		return h, err
	}
	for _, id := range h.CustomerIDs {
		if _, err := s.store.Customer(ctx, id); err != nil {
			return h, inField(err, "hand_over.customer_ids")
		}
	}
	return record(ctx, s, req, func(ctx context.Context, c *postgres.Claims, act postgres.Act) (responsibility.HandOver, told, error) {
		for _, id := range h.ItemIDs {
			if err := c.ItemExists(ctx, id, "hand_over.item_ids"); err != nil {
				return h, told{}, err
			}
		}
		if err := notCleared(ctx, c, h.To); err != nil {
			return h, told{}, err
		}
		h.ProposedBy, h.ProposeDate, h.CreateTime = act.Actor, act.Today, act.Now
		return putHandOver(ctx, c, h, 1, "hand_over.propose")
	})
}

func notCleared(ctx context.Context, c *postgres.Claims, subject string) error {
	left, err := c.Left(ctx, subject)
	if err == nil && left.ClearedBy != "" {
		err = errs.New(errs.FailedPrecondition, responsibility.ReasonCleared, "%s was cleared on %s and takes nothing over", subject, left.Date).
			With("clearance_id", left.ID())
	}
	return err
}

func putHandOver(ctx context.Context, c *postgres.Claims, h responsibility.HandOver, version int, action string) (responsibility.HandOver, told, error) {
	ids := slices.Clone(h.ItemIDs)
	for _, i := range h.Items {
		ids = append(ids, i.ItemID)
	}
	err := c.Put(ctx, postgres.Record{
		Kind: postgres.HandOvers, ID: h.ID, Version: version, State: string(h.State()), People: []string{h.From, h.To}, ItemIDs: ids, Body: h,
	})
	return h, told{stream: "responsibility", action: action, subject: "hand-over " + h.ID, detail: h}, err
}

// ConfirmHandOver is the word of a side; with both the items pass. Errors: NotFound HAND_OVER_UNKNOWN, FailedPrecondition
// PERSON_CLEARED, those of HandOver.Confirm.
func (s *Service) ConfirmHandOver(ctx context.Context, req idem.Request, id, onBehalf string) (responsibility.HandOver, error) {
	by := person(ctx)
	return record(ctx, s, req, func(ctx context.Context, c *postgres.Claims, act postgres.Act) (responsibility.HandOver, told, error) {
		var h responsibility.HandOver
		version, err := c.Take(ctx, postgres.HandOvers, id, &h)
		if err != nil {
			return h, told{}, err
		}
		if h, err = h.Confirm(by, onBehalf, act.Today); err != nil {
			return h, told{}, err
		}
		if h.State() == responsibility.Done {
			if err := notCleared(ctx, c, h.To); err != nil {
				return h, told{}, err
			}
			if h.Items, err = c.HandOver(ctx, h); err != nil {
				return h, told{}, err
			}
		}
		return putHandOver(ctx, c, h, version+1, "hand_over.confirm")
	})
}

// DeclineHandOver ends a hand-over that is not done. Errors: NotFound HAND_OVER_UNKNOWN, those of HandOver.Decline.
func (s *Service) DeclineHandOver(ctx context.Context, req idem.Request, id, reason string) (responsibility.HandOver, error) {
	by := person(ctx)
	return record(ctx, s, req, func(ctx context.Context, c *postgres.Claims, act postgres.Act) (responsibility.HandOver, told, error) {
		var h responsibility.HandOver
		version, err := c.Take(ctx, postgres.HandOvers, id, &h)
		if err != nil {
			return h, told{}, err
		}
		if h, err = h.Decline(by, reason, act.Today); err != nil {
			return h, told{}, err
		}
		return putHandOver(ctx, c, h, version+1, "hand_over.decline")
	})
}

// HandOver returns a hand-over. A salesperson finds those in which it is a side. Errors: NotFound HAND_OVER_UNKNOWN.
func (s *Service) HandOver(ctx context.Context, id string) (responsibility.HandOver, error) {
	var h responsibility.HandOver
	if err := s.store.Record(ctx, postgres.HandOvers, id, &h); err != nil {
		return h, err
	}
	if by := person(ctx); by.Only && !h.Side(by.Subject) {
		return responsibility.HandOver{}, postgres.HandOvers.Unknown(id)
	}
	return h, nil
}

// HandOverList is a page of hand-overs and the number after which the next begins; 0: the end.
type HandOverList struct {
	HandOvers []responsibility.HandOver
	Next      int64
}

// HandOvers lists hand-overs, newest first. A salesperson finds those in which it is a side.
func (s *Service) HandOvers(ctx context.Context, q postgres.RecordQuery) (HandOverList, error) {
	q.Kind = postgres.HandOvers
	if by := person(ctx); by.Only {
		if q.Person != "" && q.Person != by.Subject {
			return HandOverList{}, nil
		}
		q.Person = by.Subject
	}
	list, next, err := pageOf[responsibility.HandOver](ctx, s, q)
	return HandOverList{list, next}, err
}

// pageOf is a page of records, and the number after which the next begins; 0: the end.
func pageOf[T any](ctx context.Context, s *Service, q postgres.RecordQuery) (list []T, next int64, err error) {
	size := q.Limit
	q.Limit++
	found, err := postgres.Records[T](ctx, s.store, q)
	if err != nil {
		return nil, 0, err
	}
	if len(found) > size {
		found, next = found[:size], found[size-1].Number
	}
	for _, r := range found {
		list = append(list, r.Body)
	}
	return list, next, nil
}

// Responsibilities lists open items with the person responsible. A salesperson finds its own.
func (s *Service) Responsibilities(ctx context.Context, q responsibility.Query) ([]responsibility.Item, error) {
	if by := person(ctx); by.Only {
		if q.Nobody || q.Person != "" && q.Person != by.Subject {
			return nil, nil
		}
		q.Person = by.Subject
	}
	return s.store.Responsibles(ctx, q)
}

// left is what is left to a person of whom there is a trace. Errors: NotFound PERSON_UNKNOWN.
func left(ctx context.Context, c *postgres.Claims, subject string) (responsibility.Clearance, error) {
	known, err := c.Known(ctx, subject)
	if err == nil && !known {
		err = responsibility.Unknown(subject)
	}
	if err != nil {
		return responsibility.Clearance{}, err
	}
	return c.Left(ctx, subject)
}

// Clearance says what keeps a person from being cleared. Errors: PermissionDenied NOT_A_SIDE where a salesperson asks for
// another, NotFound PERSON_UNKNOWN.
func (s *Service) Clearance(ctx context.Context, subject string) (responsibility.Clearance, error) {
	var out responsibility.Clearance
	if by := person(ctx); by.Only && by.Subject != subject {
		return out, errs.New(errs.PermissionDenied, responsibility.ReasonNotASide, "a salesperson asks for itself")
	}
	err := pg.InTx(ctx, s.Pool, func(ctx context.Context, tx pgx.Tx) (err error) {
		out, err = left(ctx, postgres.NewClaims(tx, s.act(ctx)), subject)
		return err
	})
	return out, err
}

// ClearPerson clears a person who leaves. Errors: NotFound PERSON_UNKNOWN, those of Clearance.Grant.
func (s *Service) ClearPerson(ctx context.Context, req idem.Request, subject, note string) (responsibility.Clearance, error) {
	var out responsibility.Clearance
	err := pg.InTx(ctx, s.Pool, func(ctx context.Context, tx pgx.Tx) (err error) {
		out, _, err = idem.Do(ctx, tx, req, func() (responsibility.Clearance, error) {
			act := s.act(ctx)
			c := postgres.NewClaims(tx, act)
			left, err := left(ctx, c, subject)
			if err != nil {
				return left, err
			}
			if left, err = left.Grant(act.Actor, note, act.Today); err != nil {
				return left, err
			}
			left.CreateTime = act.Now
			if left.Number, err = serial.Next(ctx, tx, seriesClearance); err != nil {
				return left, err
			}
			err = c.Put(ctx, postgres.Record{
				Kind: postgres.Clearances, ID: left.ID(), Version: 1, State: "CLEARED", People: []string{subject}, Body: left,
			})
			if err != nil {
				return left, err
			}
			return left, trail(ctx, tx, act, told{stream: "responsibility", action: "person.clear", subject: subject, detail: left})
		})
		return err
	})
	return out, err
}

// Clearances lists clearances, newest first.
func (s *Service) Clearances(ctx context.Context, before int64, limit int) ([]responsibility.Clearance, int64, error) {
	return pageOf[responsibility.Clearance](ctx, s, postgres.RecordQuery{Kind: postgres.Clearances, Before: before, Limit: limit})
}
