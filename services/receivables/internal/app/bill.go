package app

import (
	"context"

	"github.com/avalcredit/aval/pkg/calendar"
	"github.com/avalcredit/aval/pkg/errs"
	"github.com/avalcredit/aval/pkg/idem"
	"github.com/avalcredit/aval/pkg/money"
	"github.com/avalcredit/aval/services/receivables/internal/ledger"
	"github.com/avalcredit/aval/services/receivables/internal/receipt"
	"github.com/avalcredit/aval/services/receivables/internal/voucher"
)

// BillAct is what is done with a bill.
type BillAct struct {
	BillID string
	Kind   ledger.Kind
	Date   calendar.Date // none: today
	// DocumentID of the act; of a dishonoured bill that is the item the customer owes. Empty: made of the bill's number.
	DocumentID string
	// To whom it is passed on.
	To       string
	Recourse bool
	Cost     money.Money
	Reason   string
}

// ActOnBill endorses, discounts, collects or gives back a bill. Errors: NotFound BILL_UNKNOWN,
// FailedPrecondition BILL_STATE, BILL_MATURE and BILL_NOT_MATURE.
func (s *Service) ActOnBill(ctx context.Context, req idem.Request, act BillAct) (voucher.Bill, error) {
	found, err := s.store.Bill(ctx, act.BillID)
	if err != nil {
		return voucher.Bill{}, err
	}
	customer, err := s.store.Customer(ctx, found.CustomerID)
	if err != nil {
		return voucher.Bill{}, err
	}
	return write(ctx, s, req, customer, func(ctx context.Context, c *change) (voucher.Bill, error) {
		b, err := c.Bill(ctx, act.BillID)
		if err != nil {
			return b, err
		}
		if act.Date.IsZero() {
			act.Date = c.act.Today
		}
		if err := b.Take(act.Kind, act.Date); err != nil {
			return b, err
		}
		d := voucher.Draft{
			ID: act.DocumentID, CustomerID: b.CustomerID, Kind: act.Kind, Date: act.Date, Amount: b.Amount, Cost: act.Cost,
			Recourse: act.Recourse, About: b.ID, Instrument: b.Instrument, Counterparty: act.To, Reference: b.Number, Reason: act.Reason,
		}
		if act.Kind == ledger.KindDishonouredBill {
			d.DueDate = b.MaturityDate
		}
		v, err := s.post(ctx, c, d, receipt.Order{})
		if err != nil {
			return b, err
		}
		if err := c.tell("bill.act", "bill "+b.ID, v); err != nil {
			return b, err
		}
		return c.Bill(ctx, b.ID)
	})
}

// Bill returns a bill. Errors: NotFound BILL_UNKNOWN.
func (s *Service) Bill(ctx context.Context, id string) (voucher.Bill, error) {
	b, err := s.store.Bill(ctx, id)
	if err != nil {
		return b, err
	}
	if err := s.visible(ctx, b.CustomerID); err != nil {
		return voucher.Bill{}, hidden(err, "BILL_UNKNOWN", "bill", id)
	}
	return b, nil
}

// Bills lists bills within the caller's scope by the day on which they fall due.
func (s *Service) Bills(ctx context.Context, q voucher.BillQuery) ([]voucher.Bill, error) {
	q.Salesperson = scoped(ctx)
	return s.store.Bills(ctx, q)
}

// freeToReverse refuses to take back a receipt whose bill was moved on, or that was charged back.
func (c *change) freeToReverse(ctx context.Context, r receipt.Receipt) error {
	if r.Bill != nil {
		b, err := c.Bill(ctx, r.ID)
		if err == nil && b.State() != voucher.BillHeld {
			err = errs.New(errs.FailedPrecondition, "BILL_STATE", "bill %s is %s: reverse what was done with it first", r.ID, b.State()).
				With("bill_id", r.ID).With("state", string(b.State()))
		}
		if err != nil {
			return err
		}
	}
	back, err := c.SumAbout(ctx, r.ID, ledger.KindChargeback)
	if err == nil && back.IsPositive() {
		err = errs.New(errs.FailedPrecondition, "RECEIPT_CHARGED_BACK", "%s of receipt %s was charged back: reverse that first", back, r.ID).With("receipt_id", r.ID)
	}
	return err
}
