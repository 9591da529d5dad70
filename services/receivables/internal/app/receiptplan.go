package app

import (
	"context"

	"github.com/avalcredit/aval/pkg/approval"
	"github.com/avalcredit/aval/pkg/errs"
	"github.com/avalcredit/aval/pkg/idem"
	"github.com/avalcredit/aval/services/receivables/internal/invoice"
	"github.com/avalcredit/aval/services/receivables/internal/receipt"
	"github.com/avalcredit/aval/services/receivables/internal/receiptplan"
)

// CreateReceiptPlan says what a contract brings in. Errors: NotFound CUSTOMER_UNKNOWN, AlreadyExists
// RECEIPT_PLAN_EXISTS, those of receiptplan.NewPlan.
func (s *Service) CreateReceiptPlan(ctx context.Context, req idem.Request, p receiptplan.Plan) (receiptplan.Plan, error) {
	customer, err := s.customerFor(ctx, p.CustomerID, "receipt_plan.customer_id")
	if err != nil {
		return p, err
	}
	return write(ctx, s, req, customer, func(ctx context.Context, c *change) (receiptplan.Plan, error) {
		p.CreatedBy, p.CreateDate, p.CreateTime = c.act.Actor, c.act.Today, c.act.Now
		p, err := receiptplan.NewPlan(p, c.Currency(), c.act.Today)
		if err != nil {
			return p, err
		}
		c.untold = true
		if err := c.AddReceiptPlan(ctx, p); err != nil {
			return p, err
		}
		return p, c.tell("receipt_plan.create", "receipt plan "+p.ID, p)
	})
}

// ReceiptPlan returns a plan with the receipts registered under it. Errors: NotFound RECEIPT_PLAN_UNKNOWN.
func (s *Service) ReceiptPlan(ctx context.Context, id string) (receiptplan.Plan, []receiptplan.Registration, error) {
	p, err := s.store.ReceiptPlan(ctx, id)
	if err != nil {
		return p, nil, err
	}
	if err := s.visible(ctx, p.CustomerID); errs.KindOf(err) == errs.NotFound {
		return p, nil, errs.New(errs.NotFound, "RECEIPT_PLAN_UNKNOWN", "there is no receipt plan %s", id).With("receipt_plan_id", id)
	} else if err != nil {
		return p, nil, err
	}
	list, err := s.store.Registrations(ctx, id)
	return p, list, err
}

// ReceiptPlans lists plans of customers within the caller's scope, those due first first.
func (s *Service) ReceiptPlans(ctx context.Context, q receiptplan.Query) ([]receiptplan.Plan, error) {
	q.Scope = scoped(ctx)
	return s.store.ReceiptPlans(ctx, q)
}

// RegisterReceipt keeps the draft of a receipt under a plan: it counts for nothing until it is submitted. Errors: NotFound
// RECEIPT_PLAN_UNKNOWN, AlreadyExists RECEIPT_REGISTRATION_EXISTS, Invalid for its fields.
func (s *Service) RegisterReceipt(ctx context.Context, req idem.Request, planID string, d receipt.Draft) (receiptplan.Registration, error) {
	p, err := s.store.ReceiptPlan(ctx, planID)
	if err != nil {
		return receiptplan.Registration{}, err
	}
	customer, err := s.store.Customer(ctx, p.CustomerID)
	if err != nil {
		return receiptplan.Registration{}, err
	}
	return write(ctx, s, req, customer, func(ctx context.Context, c *change) (receiptplan.Registration, error) {
		d.CustomerID = p.CustomerID
		r := receiptplan.Registration{
			ID: d.ID, PlanID: planID, CustomerID: p.CustomerID, Receipt: d, State: receiptplan.Draft, CreatedBy: c.act.Actor, CreateTime: c.act.Now,
		}
		if err := invoice.CheckAmount("receipt.amount", d.Amount, c.Currency()); err != nil {
			return r, err
		}
		c.untold = true
		if err := c.AddRegistration(ctx, r); err != nil {
			return r, err
		}
		return r, c.tell("receipt_registration.draft", "receipt registration "+r.ID, r)
	})
}

// SubmitReceipt asks for the approval of a registered receipt. Errors: those of receiptplan.Registration.Submit.
func (s *Service) SubmitReceipt(ctx context.Context, req idem.Request, id string) (receiptplan.Registration, error) {
	return s.onRegistration(ctx, req, id, "submit", func(ctx context.Context, c *change, r receiptplan.Registration) (receiptplan.Registration, error) {
		c.untold = true
		p, err := c.ReceiptPlan(ctx, r.PlanID)
		if err != nil {
			return r, err
		}
		return r.Submit(p, c.act.Actor)
	})
}

// DecideReceipt takes the word of a second person: approved, the receipt is posted and applied, its order's invoices or the oldest
// due first, in the same transaction. Errors: those of receiptplan.Registration.Decide and of PostReceipt.
func (s *Service) DecideReceipt(ctx context.Context, req idem.Request, id string, decision approval.Decision, reason string) (receiptplan.Registration, error) {
	return s.onRegistration(ctx, req, id, "decide", func(ctx context.Context, c *change, r receiptplan.Registration) (receiptplan.Registration, error) {
		r, err := r.Decide(approval.Act{Subject: c.act.Actor, Roles: rolesOf(ctx), Decision: decision, Reason: reason, Date: c.act.Today})
		if err != nil {
			return r, err
		}
		c.untold = r.State != receiptplan.Posted
		if r.State == receiptplan.Posted {
			_, err = c.receive(ctx, r.Receipt, receipt.Order{})
		}
		return r, err
	})
}

// CancelReceipt gives up a registered receipt that is not posted. Errors: those of receiptplan.Registration.Cancel.
func (s *Service) CancelReceipt(ctx context.Context, req idem.Request, id, reason string) (receiptplan.Registration, error) {
	return s.onRegistration(ctx, req, id, "cancel", func(_ context.Context, c *change, r receiptplan.Registration) (receiptplan.Registration, error) {
		c.untold = true
		return r.Cancel(reason)
	})
}

// onRegistration moves a registered receipt on.
func (s *Service) onRegistration(ctx context.Context, req idem.Request, id, act string, fn func(ctx context.Context, c *change, r receiptplan.Registration) (receiptplan.Registration, error)) (receiptplan.Registration, error) {
	found, err := s.store.Registration(ctx, id)
	if err != nil {
		return found, err
	}
	customer, err := s.store.Customer(ctx, found.CustomerID)
	if err != nil {
		return found, err
	}
	return write(ctx, s, req, customer, func(ctx context.Context, c *change) (receiptplan.Registration, error) {
		r, err := c.Registration(ctx, id)
		if err != nil {
			return r, err
		}
		if r, err = fn(ctx, c, r); err != nil {
			return receiptplan.Registration{}, err
		}
		if err := c.SaveRegistration(ctx, r); err != nil {
			return r, err
		}
		return r, c.tell("receipt_registration."+act, "receipt registration "+id, r)
	})
}
