package app

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"

	"github.com/avalcredit/aval/pkg/calendar"
	"github.com/avalcredit/aval/pkg/errs"
	"github.com/avalcredit/aval/pkg/idem"
	"github.com/avalcredit/aval/services/receivables/internal/dispute"
	"github.com/avalcredit/aval/services/receivables/internal/invoice"
	"github.com/avalcredit/aval/services/receivables/internal/memo"
	"github.com/avalcredit/aval/services/receivables/internal/postgres"
)

// digestOf is a request id of fixed length for work that the program does by itself.
func digestOf(id string) string {
	sum := sha256.Sum256([]byte(id))
	return hex.EncodeToString(sum[:])
}

// OpenDispute opens a dispute; the gate is told. Errors: NotFound CUSTOMER_UNKNOWN and ITEM_UNKNOWN, AlreadyExists
// DISPUTE_EXISTS, FailedPrecondition DISPUTE_OPEN and NOTHING_OPEN, those of dispute.Check.
func (s *Service) OpenDispute(ctx context.Context, req idem.Request, d dispute.Dispute) (dispute.Dispute, error) {
	customer, err := s.ofCollector(ctx, d.CustomerID, "dispute.customer_id")
	if err != nil {
		return d, err
	}
	return write(ctx, s, req, customer, func(ctx context.Context, c *change) (dispute.Dispute, error) {
		d.CustomerID = c.customer.ID
		items, err := c.openItems(ctx, []string{d.ItemID}, "dispute.item_id")
		if err != nil {
			return d, err
		}
		if err := d.Check(items[0].Open, c.act.Today); err != nil {
			return d, err
		}
		d.OpenedBy, d.OpenDate, d.CreateTime = c.act.Actor, c.act.Today, c.act.Now
		r, err := disputeRecord(d)
		if err != nil {
			return d, err
		}
		r.After = c.ApplicationSequence()
		if err := postgres.AddRecord(ctx, c.tx, r, c.act); err != nil {
			return d, err
		}
		return d, c.tell("dispute.open", "dispute "+d.ID, d)
	})
}

func disputeRecord(d dispute.Dispute) (postgres.CollectionRecord, error) {
	body, err := json.Marshal(d)
	r := postgres.CollectionRecord{
		Kind: postgres.RecordDispute, ID: d.ID, CustomerID: d.CustomerID, Owner: d.Owner, ItemIDs: []string{d.ItemID}, Live: d.Outcome == "",
		From: d.OpenDate, Next: d.DueDate, Body: body,
	}
	if d.Amount != nil {
		r.Amount = &d.Amount.Minor
	}
	if !r.Live { // on the day of its end the item is in dispute no more
		r.Until, r.Next = d.CloseDate.AddDays(-1), calendar.Date{}
	}
	return r, err
}

// AssignDispute gives a dispute to another owner or due date. Errors: NotFound DISPUTE_UNKNOWN, those of dispute.Assign.
func (s *Service) AssignDispute(ctx context.Context, req idem.Request, id, owner string, due calendar.Date, reason string) (dispute.Dispute, error) {
	return s.onDispute(ctx, req, id, "dispute.assign", func(_ context.Context, c *change, d dispute.Dispute) (dispute.Dispute, error) {
		c.untold = true
		return d.Assign(owner, due, c.act.Today, reason)
	})
}

// CloseDispute ends a dispute; the gate is told. Errors: NotFound DISPUTE_UNKNOWN and CREDIT_MEMO_UNKNOWN, FailedPrecondition
// CREDIT_MEMO_NOT_POSTED, those of dispute.Close and dispute.Paid.
func (s *Service) CloseDispute(ctx context.Context, req idem.Request, id string, closing dispute.Closing) (dispute.Dispute, error) {
	return s.onDispute(ctx, req, id, "dispute.close", func(ctx context.Context, c *change, d dispute.Dispute) (dispute.Dispute, error) {
		if closing.Outcome == dispute.OutcomePaid && d.Outcome == "" {
			settled, err := postgres.SettledSince(ctx, c.tx, id, c.Currency())
			if err == nil {
				err = d.Paid(settled)
			}
			if err != nil {
				return d, err
			}
		}
		if closing.Outcome == dispute.OutcomeCreditMemo && closing.DocumentID != "" {
			if err := c.postedMemo(ctx, closing.DocumentID); err != nil {
				return d, err
			}
		}
		closing.Actor, closing.Today = c.act.Actor, c.act.Today
		return d.Close(closing)
	})
}

// postedMemo holds a number to be that of a credit memo of the customer that was posted: a proposal settles nothing.
func (c *change) postedMemo(ctx context.Context, id string) error {
	m, err := c.Account.Memo(ctx, id)
	if err == nil {
		err = c.holds(ctx, m.CustomerID, true, postgres.Unknown("CREDIT_MEMO_UNKNOWN", "credit memo", id))
	}
	if err == nil && m.State != memo.Posted {
		err = errs.New(errs.FailedPrecondition, "CREDIT_MEMO_NOT_POSTED", "credit memo %s is %s: the account is not adjusted yet", id, m.State).
			With("credit_memo_id", id).With("state", string(m.State))
	}
	return inField(err, "document_id")
}

func (s *Service) onDispute(ctx context.Context, req idem.Request, id, action string, fn func(ctx context.Context, c *change, d dispute.Dispute) (dispute.Dispute, error)) (dispute.Dispute, error) {
	err := s.onRecord(ctx, req, postgres.RecordDispute, id, func(ctx context.Context, c *change, r postgres.CollectionRecord) (postgres.CollectionRecord, error) {
		var d dispute.Dispute
		if err := json.Unmarshal(r.Body, &d); err != nil {
			return r, err
		}
		d, err := fn(ctx, c, d)
		if err != nil {
			return r, err
		}
		next, err := disputeRecord(d)
		if err != nil {
			return r, err
		}
		next.Version = r.Version
		return next, c.tell(action, "dispute "+id, d)
	})
	if err != nil {
		return dispute.Dispute{}, err
	}
	d, err := s.Dispute(ctx, id)
	return d.Dispute, err
}

// Disputed is a dispute with what of its item is disputed now.
type Disputed struct {
	dispute.Dispute
	postgres.OpenItem
}

// Dispute returns a dispute. Errors: NotFound DISPUTE_UNKNOWN.
func (s *Service) Dispute(ctx context.Context, id string) (Disputed, error) {
	r, err := s.record(ctx, postgres.RecordDispute, id)
	if err != nil {
		return Disputed{}, err
	}
	list, err := s.disputed(ctx, []postgres.CollectionRecord{r})
	if err != nil {
		return Disputed{}, err
	}
	return list[0], nil
}

// Disputes lists disputes within the caller's scope, newest first.
func (s *Service) Disputes(ctx context.Context, q CollectionQuery) ([]Disputed, *invoice.Place, error) {
	q.Kind = postgres.RecordDispute
	records, next, err := s.records(ctx, q)
	if err != nil {
		return nil, nil, err
	}
	list, err := s.disputed(ctx, records)
	return list, next, err
}

func (s *Service) disputed(ctx context.Context, records []postgres.CollectionRecord) ([]Disputed, error) {
	out := make([]Disputed, len(records))
	ids := make([]string, len(records))
	for i, r := range records {
		if err := json.Unmarshal(r.Body, &out[i].Dispute); err != nil {
			return nil, err
		}
		ids[i] = out[i].ItemID
	}
	items, err := postgres.ItemsByID(ctx, s.Pool, ids)
	if err != nil {
		return nil, err
	}
	for i := range out {
		out[i].OpenItem = items[out[i].ItemID]
	}
	return out, nil
}
