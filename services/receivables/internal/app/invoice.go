package app

import (
	"context"

	"github.com/avalcredit/aval/pkg/errs"
	"github.com/avalcredit/aval/pkg/idem"
	"github.com/avalcredit/aval/services/receivables/internal/invoice"
	"github.com/avalcredit/aval/services/receivables/internal/position"
	"github.com/avalcredit/aval/services/receivables/internal/postgres"
	"github.com/avalcredit/aval/services/receivables/internal/receipt"
	"github.com/avalcredit/aval/services/receivables/internal/terms"
	"github.com/avalcredit/aval/services/receivables/internal/voucher"
)

// PostInvoice posts an invoice. Errors: NotFound CUSTOMER_UNKNOWN, AlreadyExists
// INVOICE_EXISTS, Invalid CURRENCY_MISMATCH.
func (s *Service) PostInvoice(ctx context.Context, req idem.Request, d invoice.Draft) (invoice.Invoice, error) {
	customer, err := s.customerFor(ctx, d.CustomerID, "invoice.customer_id")
	if err != nil {
		return invoice.Invoice{}, err
	}
	policy, err := s.Policies.InForce(ctx, s.Clock.Today(ctx))
	if err != nil {
		return invoice.Invoice{}, err
	}
	return write(ctx, s, req, customer, func(ctx context.Context, c *change) (invoice.Invoice, error) {
		d.CustomerID = c.customer.ID
		inv, err := invoice.New(d, defaults(policy, c.customer, c.act, c.Currency()))
		if err != nil {
			return inv, err
		}
		if err := c.AddInvoice(ctx, inv); err != nil {
			return inv, err
		}
		if err := postgres.AddInvoiceTerms(ctx, c.tx, inv); err != nil {
			return inv, err
		}
		c.movements = append(c.movements, position.Movement{OrderID: inv.OrderID, InvoiceID: inv.ID, Amount: inv.Amount})
		return inv, c.tell("invoice.post", "invoice "+inv.ID, inv)
	})
}

// defaults are what an invoice of a customer takes from it and from the policy.
func defaults(policy terms.Policy, customer Customer, act postgres.Act, currency string) invoice.Defaults {
	return invoice.Defaults{
		Today: act.Today, Now: act.Now, TermDays: policy.DefaultTermDays,
		CustomerTerms: customer.Terms, PolicyTerms: policy.Cash.Terms, Days: policy.Cash.Days, Discount: policy.Cash.Discount,
		Salesperson: customer.Salesperson, UnitID: customer.UnitID, Currency: currency,
	}
}

// ReverseInvoice takes back an invoice that nothing was ever applied to, as its ERP cancelled it; all others are taken back by a
// credit memo. Errors: NotFound INVOICE_UNKNOWN, FailedPrecondition INVOICE_REVERSED and CREDIT_MEMO_REQUIRED.
func (s *Service) ReverseInvoice(ctx context.Context, req idem.Request, id, reason string) (invoice.Invoice, error) {
	found, err := s.store.Invoice(ctx, id)
	if err != nil {
		return invoice.Invoice{}, err
	}
	customer, err := s.store.Customer(ctx, found.CustomerID)
	if err != nil {
		return invoice.Invoice{}, err
	}
	return write(ctx, s, req, customer, func(ctx context.Context, c *change) (invoice.Invoice, error) {
		doc, err := c.standingInvoice(ctx, id)
		if err != nil {
			return invoice.Invoice{}, err
		}
		if !doc.LastApplication.IsZero() {
			return invoice.Invoice{}, voucher.ByMemoOnly("invoice_id", "something was applied to invoice %s: propose a credit memo for its reversal", id).
				With("invoice_id", id)
		}
		if err := c.takeInvoiceBack(ctx, doc, byMemo{reason: reason}); err != nil {
			return invoice.Invoice{}, err
		}
		if err := c.tell("invoice.reverse", "invoice "+id, map[string]string{"reason": reason}); err != nil {
			return invoice.Invoice{}, err
		}
		after, err := c.Invoice(ctx, id)
		if err != nil {
			return invoice.Invoice{}, err
		}
		after.Applications, err = c.ItemApplications(ctx, after.ItemIDs()...)
		return after.Invoice, err
	})
}

// standingInvoice reads an invoice that was not taken back.
func (c *change) standingInvoice(ctx context.Context, id string) (postgres.InvoiceDocument, error) {
	doc, err := c.Invoice(ctx, id)
	if err == nil && doc.State() == invoice.StateReversed {
		err = errs.New(errs.FailedPrecondition, "INVOICE_REVERSED", "invoice %s was reversed before", id).With("invoice_id", id)
	}
	return doc, err
}

// takeInvoiceBack reverses an invoice that stands; money applied to it becomes unapplied. Errors: FailedPrecondition DOCUMENT_IN_USE.
func (c *change) takeInvoiceBack(ctx context.Context, doc postgres.InvoiceDocument, why byMemo) error {
	on := invoice.Latest(c.act.Today, doc.Date, doc.LastApplication)
	applied, err := c.ItemApplications(ctx, doc.ItemIDs()...)
	if err != nil {
		return err
	}
	if err := c.nothingGivenUp(ctx, doc.ID, applied); err != nil {
		return err
	}
	if err := c.notCredited(ctx, doc.ID); err != nil {
		return err
	}
	if err := c.Apply(ctx, receipt.Undo(applied, on)); err != nil {
		return err
	}
	if err := c.Account.ReverseInvoice(ctx, doc, postgres.Reversal{On: on, Reason: why.reason, MemoID: why.memoID}); err != nil {
		return err
	}
	c.movements = append(c.movements, position.Movement{OrderID: doc.OrderID, InvoiceID: doc.ID, Amount: doc.Amount.Neg()})
	return nil
}

// Invoice returns an invoice with what was applied to it. Errors: NotFound INVOICE_UNKNOWN.
func (s *Service) Invoice(ctx context.Context, id string) (invoice.Invoice, error) {
	doc, err := s.store.Invoice(ctx, id)
	if err != nil {
		return invoice.Invoice{}, err
	}
	if err := s.visible(ctx, doc.CustomerID); err != nil {
		return invoice.Invoice{}, hidden(err, "INVOICE_UNKNOWN", "invoice", id)
	}
	if doc.Applications, err = s.store.ItemApplications(ctx, doc.ItemIDs()...); err != nil {
		return invoice.Invoice{}, err
	}
	posted, err := s.store.InvoiceTerms(ctx, id)
	doc.Terms, doc.Discount = posted[id].Terms, posted[id].Discount
	return doc.Invoice, err
}

// Invoices lists invoices within the caller's scope, newest first.
func (s *Service) Invoices(ctx context.Context, q invoice.Query) ([]invoice.Invoice, error) {
	q.Salesperson = scoped(ctx)
	return s.store.Invoices(ctx, q)
}

// hidden answers for a document out of the caller's scope as for one that is not there.
func hidden(err error, reason, what, id string) error {
	if errs.KindOf(err) != errs.NotFound {
		return err
	}
	return postgres.Unknown(reason, what, id)
}
