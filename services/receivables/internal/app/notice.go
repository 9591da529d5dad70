package app

import (
	"context"

	"github.com/avalcredit/aval/pkg/authz"
	"github.com/avalcredit/aval/pkg/errs"
	"github.com/avalcredit/aval/pkg/idem"
	"github.com/avalcredit/aval/services/receivables/internal/notice"
	"github.com/avalcredit/aval/services/receivables/internal/postgres"
	"github.com/avalcredit/aval/services/receivables/internal/receipt"
)

// RecordNotice records what a customer says of money that is ready for an order. The gate learns of it once it is
// confirmed. Errors: NotFound CUSTOMER_UNKNOWN and INVOICE_UNKNOWN, AlreadyExists PAYMENT_NOTICE_EXISTS, those of
// notice.New and notice.CheckInvoice.
func (s *Service) RecordNotice(ctx context.Context, req idem.Request, d notice.Draft) (notice.Notice, error) {
	const field = "payment_notice.customer_id"
	customer, err := s.customerFor(ctx, d.CustomerID, field)
	if err == nil && !authz.ScopeOf(ctx).Allows(customer.Salesperson) {
		err = inField(postgres.Unknown("CUSTOMER_UNKNOWN", "customer", d.CustomerID), field)
	}
	if err != nil {
		return notice.Notice{}, err
	}
	return write(ctx, s, req, customer, func(ctx context.Context, c *change) (notice.Notice, error) {
		terms, err := s.Policies.InForce(ctx, c.act.Today)
		if err != nil {
			return notice.Notice{}, err
		}
		d.CustomerID = c.customer.ID
		n, err := notice.New(d, notice.Recording{
			Currency: c.Currency(), Days: terms.NoticeDays, Today: c.act.Today, Now: c.act.Now, Actor: c.act.Actor,
		})
		if err != nil {
			return n, err
		}
		if err := c.checkInvoice(ctx, n); err != nil {
			return n, err
		}
		c.untold = true
		if err := c.AddNotice(ctx, n); err != nil {
			return n, err
		}
		return n, c.tell("notice.record", "payment notice "+n.ID, n)
	})
}

func (c *change) checkInvoice(ctx context.Context, n notice.Notice) error {
	if n.InvoiceID == "" {
		return nil
	}
	doc, err := c.Invoice(ctx, n.InvoiceID)
	if err != nil {
		return inField(err, "payment_notice.invoice_id")
	}
	if doc.CustomerID, err = c.under(ctx, doc.CustomerID); err != nil {
		return err
	}
	return n.CheckInvoice(doc.Invoice)
}

// ConfirmNotice is the word of a second person; the gate learns of it at once. Errors: NotFound PAYMENT_NOTICE_UNKNOWN,
// those of notice.Confirm.
func (s *Service) ConfirmNotice(ctx context.Context, req idem.Request, id string) (notice.Notice, error) {
	return s.onNotice(ctx, req, id, func(ctx context.Context, c *change, n notice.Notice) (notice.Notice, error) {
		n, err := n.Confirm(c.act.Actor, c.act.Today)
		if err != nil {
			return n, err
		}
		if err := c.Account.ConfirmNotice(ctx, n); err != nil {
			return n, err
		}
		return n, c.tell("notice.confirm", "payment notice "+id, n)
	})
}

// WithdrawNotice takes a notice back. Errors: NotFound PAYMENT_NOTICE_UNKNOWN, FailedPrecondition
// PAYMENT_NOTICE_WITHDRAWN.
func (s *Service) WithdrawNotice(ctx context.Context, req idem.Request, id, reason string) (notice.Notice, error) {
	return s.onNotice(ctx, req, id, func(ctx context.Context, c *change, n notice.Notice) (notice.Notice, error) {
		// Nobody was told of one that is not confirmed and that no money came for.
		c.untold = n.ConfirmDate.IsZero() && n.Received.IsZero()
		n, err := n.Withdraw(c.act.Actor, reason, c.act.Today)
		if err != nil {
			return n, err
		}
		if err := c.Account.WithdrawNotice(ctx, n); err != nil {
			return n, err
		}
		return n, c.tell("notice.withdraw", "payment notice "+id, map[string]string{"reason": reason})
	})
}

// onNotice changes a notice of a customer within the caller's scope.
func (s *Service) onNotice(ctx context.Context, req idem.Request, id string, fn func(ctx context.Context, c *change, n notice.Notice) (notice.Notice, error)) (notice.Notice, error) {
	found, err := s.Notice(ctx, id)
	if err != nil {
		return notice.Notice{}, err
	}
	customer, err := s.store.Customer(ctx, found.CustomerID)
	if err != nil {
		return notice.Notice{}, err
	}
	return write(ctx, s, req, customer, func(ctx context.Context, c *change) (notice.Notice, error) {
		n, err := c.Account.Notice(ctx, id)
		if err != nil {
			return n, err
		}
		return fn(ctx, c, n)
	})
}

// forNotice holds a receipt to the notice that it names, and sends money that names nothing else to the notice's
// invoice, or to the open invoices of its order; the rest is kept for the order.
func (c *change) forNotice(ctx context.Context, r receipt.Receipt, order receipt.Order) (receipt.Order, error) {
	if r.NoticeID == "" {
		return order, nil
	}
	n, err := c.Account.Notice(ctx, r.NoticeID)
	if err != nil {
		return order, inField(err, "receipt.payment_notice_id")
	}
	if n.CustomerID, err = c.under(ctx, n.CustomerID); err != nil {
		return order, err
	}
	if err := n.Take(r.CustomerID); err != nil {
		return order, err
	}
	if len(order.Named) > 0 || order.Mode != receipt.ModeDefault {
		return order, nil
	}
	order.Mode = receipt.ModeNone
	open, err := c.OpenItemsOfOrder(ctx, n.OrderID)
	for _, item := range open {
		if n.InvoiceID == "" || n.InvoiceID == item.DocumentID {
			order.Named = append(order.Named, receipt.Named{InvoiceID: item.ItemID})
		}
	}
	return order, err
}

// Notice returns a notice of a customer within the caller's scope. Errors: NotFound PAYMENT_NOTICE_UNKNOWN.
func (s *Service) Notice(ctx context.Context, id string) (notice.Notice, error) {
	n, err := s.store.Notice(ctx, id)
	if err != nil {
		return n, err
	}
	if err := s.visible(ctx, n.CustomerID); errs.KindOf(err) == errs.NotFound {
		return notice.Notice{}, errs.New(errs.NotFound, "PAYMENT_NOTICE_UNKNOWN", "there is no payment notice %s", id).With("payment_notice_id", id)
	} else if err != nil {
		return notice.Notice{}, err
	}
	return n, nil
}

// Notices lists notices within the caller's scope, newest first, as they stand today.
func (s *Service) Notices(ctx context.Context, q notice.Query) ([]notice.Notice, error) {
	q.Salesperson, q.Today = scoped(ctx), s.Clock.Today(ctx)
	return s.store.Notices(ctx, q)
}
