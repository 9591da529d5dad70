package app

import (
	"context"

	"github.com/avalcredit/aval/pkg/errs"
	"github.com/avalcredit/aval/pkg/idem"
	"github.com/avalcredit/aval/services/receivables/internal/invoice"
	"github.com/avalcredit/aval/services/receivables/internal/postgres"
	"github.com/avalcredit/aval/services/receivables/internal/receipt"
)

// PostReceipt posts money and applies it as ordered; money for a payment notice goes to
// its order first. Errors: NotFound CUSTOMER_UNKNOWN, INVOICE_UNKNOWN and
// PAYMENT_NOTICE_UNKNOWN, AlreadyExists RECEIPT_EXISTS, FailedPrecondition OVERAPPLIED
// and PAYMENT_NOTICE_WITHDRAWN, Invalid CURRENCY_MISMATCH.
func (s *Service) PostReceipt(ctx context.Context, req idem.Request, d receipt.Draft, order receipt.Order) (receipt.Receipt, error) {
	customer, err := s.customerFor(ctx, d.CustomerID, "receipt.customer_id")
	if err != nil {
		return receipt.Receipt{}, err
	}
	return write(ctx, s, req, customer, func(ctx context.Context, c *change) (receipt.Receipt, error) {
		r, err := c.receive(ctx, d, order)
		if err != nil {
			return r, err
		}
		return r, c.tell("receipt.post", "receipt "+r.ID, r)
	})
}

// receive posts a receipt and applies it as ordered.
func (c *change) receive(ctx context.Context, d receipt.Draft, order receipt.Order) (receipt.Receipt, error) {
	d.CustomerID = c.customer.ID
	r, err := receipt.New(d, c.Currency(), c.act.Today, c.act.Now)
	if err != nil {
		return r, err
	}
	if r.OrderID != "" && len(order.Named) == 0 && order.Mode == receipt.ModeDefault {
		order.Mode = receipt.ModeNone // an advance waits for its order's invoices
	}
	if order, err = c.forNotice(ctx, r, order); err != nil {
		return r, err
	}
	if err := c.AddReceipt(ctx, r); err != nil {
		return r, err
	}
	applied, err := c.allocate(ctx, receipt.Source{CreditID: r.ID, Available: r.Unapplied, From: r.Date}, order)
	if err != nil {
		return r, err
	}
	r.Applications = applied
	for _, a := range applied {
		r.Unapplied = r.Unapplied.Sub(a.Amount)
	}
	return r, nil
}

// ApplyReceipt applies what a receipt has left. Errors: NotFound RECEIPT_UNKNOWN and
// INVOICE_UNKNOWN, FailedPrecondition RECEIPT_REVERSED and OVERAPPLIED.
func (s *Service) ApplyReceipt(ctx context.Context, req idem.Request, id string, order receipt.Order) (receipt.Receipt, error) {
	return s.onReceipt(ctx, req, id, func(ctx context.Context, c *change, doc postgres.ReceiptDocument) error {
		applied, err := c.allocate(ctx, receipt.Source{
			CreditID: id, Available: doc.Unapplied,
			From: invoice.Latest(c.act.Today, doc.Date, doc.LastUndo),
		}, order)
		if err != nil {
			return err
		}
		c.idle = len(applied) == 0
		return c.tell("receipt.apply", "receipt "+id, applied)
	})
}

// ReverseReceipt takes a receipt back and restores what it had settled. Errors:
// NotFound RECEIPT_UNKNOWN, FailedPrecondition RECEIPT_REVERSED.
func (s *Service) ReverseReceipt(ctx context.Context, req idem.Request, id, reason string) (receipt.Receipt, error) {
	return s.onReceipt(ctx, req, id, func(ctx context.Context, c *change, doc postgres.ReceiptDocument) error {
		if err := c.freeToReverse(ctx, doc.Receipt); err != nil {
			return err
		}
		applied, err := c.CreditApplications(ctx, id)
		if err != nil {
			return err
		}
		// Never before the receipt itself or anything applied from it.
		on := invoice.Latest(c.act.Today, doc.Date, doc.LastApplication)
		if err := c.Apply(ctx, receipt.Undo(applied, on)); err != nil {
			return err
		}
		if err := c.Account.ReverseReceipt(ctx, doc, postgres.Reversal{On: on, Reason: reason}); err != nil {
			return err
		}
		if err := c.takeDiscountsBack(ctx, id, reason); err != nil {
			return err
		}
		return c.tell("receipt.reverse", "receipt "+id, map[string]string{"reason": reason})
	})
}

// onReceipt changes a receipt that stands and returns it as it is after that.
func (s *Service) onReceipt(ctx context.Context, req idem.Request, id string, fn func(ctx context.Context, c *change, doc postgres.ReceiptDocument) error) (receipt.Receipt, error) {
	found, err := s.store.Receipt(ctx, id)
	if err != nil {
		return receipt.Receipt{}, err
	}
	customer, err := s.store.Customer(ctx, found.CustomerID)
	if err != nil {
		return receipt.Receipt{}, err
	}
	return write(ctx, s, req, customer, func(ctx context.Context, c *change) (receipt.Receipt, error) {
		doc, err := c.Receipt(ctx, id)
		if err != nil {
			return receipt.Receipt{}, err
		}
		if doc.Reversed() {
			return receipt.Receipt{}, errs.New(errs.FailedPrecondition, "RECEIPT_REVERSED", "receipt %s was reversed before", id).With("receipt_id", id)
		}
		if err := fn(ctx, c, doc); err != nil {
			return receipt.Receipt{}, err
		}
		after, err := c.Receipt(ctx, id)
		if err != nil {
			return receipt.Receipt{}, err
		}
		after.Applications, err = c.CreditApplications(ctx, id)
		return after.Receipt, err
	})
}

// allocate decides by the domain what money goes where, and records it.
func (c *change) allocate(ctx context.Context, src receipt.Source, order receipt.Order) ([]invoice.Application, error) {
	items, err := c.itemsFor(ctx, order)
	if err != nil {
		return nil, err
	}
	applied, err := receipt.Allocate(src, order, items)
	if err != nil {
		return nil, err
	}
	return applied, c.apply(ctx, items, applied)
}

// itemsFor are those that money may go to by an order.
func (c *change) itemsFor(ctx context.Context, order receipt.Order) ([]receipt.Item, error) {
	named := make([]string, len(order.Named))
	for i, n := range order.Named {
		named[i] = n.InvoiceID
	}
	return c.Items(ctx, named, order.WantsOldest())
}

// Receipt returns a receipt with what it was applied to. Errors: NotFound RECEIPT_UNKNOWN.
func (s *Service) Receipt(ctx context.Context, id string) (receipt.Receipt, error) {
	doc, err := s.store.Receipt(ctx, id)
	if err != nil {
		return receipt.Receipt{}, err
	}
	if err := s.visible(ctx, doc.CustomerID); err != nil {
		return receipt.Receipt{}, hidden(err, "RECEIPT_UNKNOWN", "receipt", id)
	}
	doc.Applications, err = s.store.CreditApplications(ctx, id)
	return doc.Receipt, err
}

// Receipts lists receipts within the caller's scope, newest first.
func (s *Service) Receipts(ctx context.Context, q receipt.Query) ([]receipt.Receipt, error) {
	q.Salesperson = scoped(ctx)
	return s.store.Receipts(ctx, q)
}
