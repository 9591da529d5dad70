package app

import (
	"context"
	"encoding/json"
	"slices"

	"github.com/jackc/pgx/v5"

	"github.com/avalcredit/aval/pkg/audit"
	"github.com/avalcredit/aval/pkg/calendar"
	"github.com/avalcredit/aval/pkg/errs"
	"github.com/avalcredit/aval/pkg/idem"
	"github.com/avalcredit/aval/pkg/pg"
	"github.com/avalcredit/aval/services/receivables/internal/dispute"
	"github.com/avalcredit/aval/services/receivables/internal/dunning"
	"github.com/avalcredit/aval/services/receivables/internal/invoice"
	"github.com/avalcredit/aval/services/receivables/internal/postgres"
	"github.com/avalcredit/aval/services/receivables/internal/worklist"
)

// once runs a change that touches no account, once a request.
func once[T any](ctx context.Context, s *Service, req idem.Request, fn func(ctx context.Context, tx pgx.Tx, act postgres.Act) (T, error)) (T, error) {
	var out T
	act := s.act(ctx)
	err := pg.InTx(ctx, s.Pool, func(ctx context.Context, tx pgx.Tx) error {
		var err error
		out, _, err = idem.Do(ctx, tx, req, func() (T, error) { return fn(ctx, tx, act) })
		return err
	})
	return out, err
}

// deed is what was done, for the audit trail of a stream.
type deed struct{ stream, action, subject string }

// said writes what was done to the audit trail.
func said(ctx context.Context, tx pgx.Tx, act postgres.Act, d deed, detail any) error {
	body, err := json.Marshal(detail)
	if err != nil {
		return err
	}
	return audit.Append(ctx, tx, audit.Event{
		Stream: d.stream, Actor: act.Actor, BusinessDate: act.Today, Action: d.action, Subject: d.subject, Detail: body,
	})
}

// knownItem refuses an item that is not the customer's.
func knownItem(ctx context.Context, tx pgx.Tx, customerID, itemID, field string) error {
	known, err := postgres.HasItem(ctx, tx, customerID, itemID)
	if err == nil && !known {
		err = postgres.Unknown("ITEM_UNKNOWN", "item", itemID).With("field", field)
	}
	return err
}

// LogContact records a contact. Errors: NotFound CUSTOMER_UNKNOWN and ITEM_UNKNOWN, AlreadyExists CONTACT_EXISTS, those
// of worklist.Contact.Check.
func (s *Service) LogContact(ctx context.Context, req idem.Request, d worklist.Contact) (worklist.Contact, error) {
	if _, err := s.ofCollector(ctx, d.CustomerID, "contact.customer_id"); err != nil {
		return d, err
	}
	return once(ctx, s, req, func(ctx context.Context, tx pgx.Tx, act postgres.Act) (worklist.Contact, error) {
		if err := d.Check(act.Today); err != nil {
			return d, err
		}
		for _, id := range d.ItemIDs {
			if err := knownItem(ctx, tx, d.CustomerID, id, "contact.item_ids"); err != nil {
				return d, err
			}
		}
		d.LoggedBy, d.Date, d.CreateTime = act.Actor, act.Today, act.Now
		body, err := json.Marshal(d)
		if err != nil {
			return d, err
		}
		err = postgres.AddRecord(ctx, tx, postgres.CollectionRecord{
			Kind: postgres.RecordContact, ID: d.ID, CustomerID: d.CustomerID, Owner: act.Actor, ItemIDs: d.ItemIDs, Live: true,
			From: act.Today, Next: d.NextDate, Body: body,
		}, act)
		if err != nil {
			return d, err
		}
		return d, said(ctx, tx, act, deed{"customer/" + d.CustomerID, "contact.log", "contact " + d.ID}, d)
	})
}

// Contacts lists contacts within the caller's scope, newest first.
func (s *Service) Contacts(ctx context.Context, q CollectionQuery) ([]worklist.Contact, *invoice.Place, error) {
	q.Kind = postgres.RecordContact
	records, next, err := s.records(ctx, q)
	if err != nil {
		return nil, nil, err
	}
	list, err := bodies[worklist.Contact](records)
	return list, next, err
}

// records lists records within the caller's scope, newest first, with the place of the next page; nil at the end.
func (s *Service) records(ctx context.Context, q CollectionQuery) ([]postgres.CollectionRecord, *invoice.Place, error) {
	size := q.Limit
	q.Salesperson, q.Limit = scoped(ctx), size+1
	list, err := s.store.Records(ctx, q)
	if err != nil || len(list) <= size {
		return list, nil, err
	}
	list = list[:size]
	return list, &invoice.Place{CreateTime: list[size-1].CreateTime, ID: list[size-1].ID}, nil
}

// bodies reads what records hold.
func bodies[T any](records []postgres.CollectionRecord) ([]T, error) {
	out := make([]T, len(records))
	for i, r := range records {
		if err := json.Unmarshal(r.Body, &out[i]); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// HoldDunning keeps letters back. Errors: NotFound CUSTOMER_UNKNOWN and ITEM_UNKNOWN, AlreadyExists DUNNING_HOLD_EXISTS,
// those of dunning.Hold.Check.
func (s *Service) HoldDunning(ctx context.Context, req idem.Request, h dunning.Hold) (dunning.Hold, error) {
	if _, err := s.ofCollector(ctx, h.CustomerID, "hold.customer_id"); err != nil {
		return h, err
	}
	return once(ctx, s, req, func(ctx context.Context, tx pgx.Tx, act postgres.Act) (dunning.Hold, error) {
		if err := h.Check(act.Today); err != nil {
			return h, err
		}
		if h.ItemID != "" {
			if err := knownItem(ctx, tx, h.CustomerID, h.ItemID, "hold.item_id"); err != nil {
				return h, err
			}
		}
		h.SetBy, h.SetDate = act.Actor, act.Today
		r, err := holdRecord(h)
		if err != nil {
			return h, err
		}
		if err := postgres.AddRecord(ctx, tx, r, act); err != nil {
			return h, err
		}
		return h, said(ctx, tx, act, deed{"customer/" + h.CustomerID, "dunning.hold", "dunning hold " + h.ID}, h)
	})
}

func holdRecord(h dunning.Hold) (postgres.CollectionRecord, error) {
	body, err := json.Marshal(h)
	r := postgres.CollectionRecord{Kind: postgres.RecordHold, ID: h.ID, CustomerID: h.CustomerID, ItemIDs: []string{}, Live: h.LiftedBy == "", From: h.SetDate, Body: body}
	if h.ItemID != "" {
		r.ItemIDs = []string{h.ItemID}
	}
	if h.Kind == dunning.HoldBlock {
		r.Until = h.Until
	}
	if !r.Live {
		r.Until = h.LiftDate
	}
	return r, err
}

// LiftHold ends a hold. Errors: NotFound DUNNING_HOLD_UNKNOWN, FailedPrecondition DUNNING_HOLD_LIFTED.
func (s *Service) LiftHold(ctx context.Context, req idem.Request, id, reason string) (dunning.Hold, error) {
	if _, err := s.record(ctx, postgres.RecordHold, id); err != nil {
		return dunning.Hold{}, err
	}
	return once(ctx, s, req, func(ctx context.Context, tx pgx.Tx, act postgres.Act) (dunning.Hold, error) {
		r, err := postgres.ReadRecord(ctx, tx, postgres.RecordHold, id)
		if err != nil {
			return dunning.Hold{}, err
		}
		var h dunning.Hold
		if err := json.Unmarshal(r.Body, &h); err != nil {
			return h, err
		}
		if h, err = h.Lift(act.Actor, reason, act.Today); err != nil {
			return h, err
		}
		next, err := holdRecord(h)
		if err != nil {
			return h, err
		}
		next.Version = r.Version
		if err := postgres.ChangeRecord(ctx, tx, next, act); err != nil {
			return h, err
		}
		return h, said(ctx, tx, act, deed{"customer/" + h.CustomerID, "dunning.lift", "dunning hold " + id}, h)
	})
}

// Holds lists holds within the caller's scope, newest first.
func (s *Service) Holds(ctx context.Context, q CollectionQuery) ([]dunning.Hold, *invoice.Place, error) {
	q.Kind = postgres.RecordHold
	records, next, err := s.records(ctx, q)
	if err != nil {
		return nil, nil, err
	}
	list, err := bodies[dunning.Hold](records)
	return list, next, err
}

// AssignCollector gives customers to a collector, and counts those that changed hands. Errors: NotFound CUSTOMER_UNKNOWN.
func (s *Service) AssignCollector(ctx context.Context, req idem.Request, collector string, customerIDs []string) (int, error) {
	return once(ctx, s, req, func(ctx context.Context, tx pgx.Tx, act postgres.Act) (int, error) {
		known, err := s.store.Customers(ctx, customerIDs)
		if err != nil {
			return 0, err
		}
		for _, id := range customerIDs {
			if _, ok := known[id]; !ok {
				return 0, inField(postgres.Unknown("CUSTOMER_UNKNOWN", "customer", id), "customer_ids")
			}
		}
		slices.Sort(customerIDs)
		changed, err := postgres.AssignCollector(ctx, tx, collector, slices.Compact(customerIDs), act)
		if err != nil {
			return 0, err
		}
		return changed, said(ctx, tx, act, deed{"collection", "collector.assign", "collector " + collector}, customerIDs)
	})
}

// HandedOver says what changed hands.
type HandedOver struct {
	Customers int `json:"customers"`
	Disputes  int `json:"disputes"`
}

// HandOverCollection gives all customers of one collector to another, with the disputes it owned. Errors: Invalid, rule same.
func (s *Service) HandOverCollection(ctx context.Context, req idem.Request, from, to, reason string) (HandedOver, error) {
	if from == to {
		return HandedOver{}, errs.Field("to_collector", "same", "%s has them already", to)
	}
	return once(ctx, s, req, func(ctx context.Context, tx pgx.Tx, act postgres.Act) (HandedOver, error) {
		var out HandedOver
		ids, err := postgres.CustomersOfCollector(ctx, tx, from)
		if err != nil {
			return out, err
		}
		if out.Customers, err = postgres.AssignCollector(ctx, tx, to, ids, act); err != nil {
			return out, err
		}
		records, err := postgres.OwnedRecords(ctx, tx, postgres.RecordDispute, from)
		if err != nil {
			return out, err
		}
		for _, r := range records {
			if err := handDispute(ctx, tx, r, to, reason, act); err != nil {
				return out, err
			}
		}
		out.Disputes = len(records)
		return out, said(ctx, tx, act, deed{"collection", "collector.handover", "collector " + from}, map[string]any{"to": to, "reason": reason, "moved": out})
	})
}

func handDispute(ctx context.Context, tx pgx.Tx, r postgres.CollectionRecord, to, reason string, act postgres.Act) error {
	var d dispute.Dispute
	if err := json.Unmarshal(r.Body, &d); err != nil {
		return err
	}
	d, err := d.Assign(to, calendar.Date{}, act.Today, reason)
	if err != nil {
		return err
	}
	next, err := disputeRecord(d)
	if err != nil {
		return err
	}
	next.Version = r.Version
	return postgres.ChangeRecord(ctx, tx, next, act)
}
