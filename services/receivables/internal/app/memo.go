package app

import (
	"context"
	"fmt"
	"slices"

	"github.com/avalcredit/aval/pkg/approval"
	"github.com/avalcredit/aval/pkg/authn"
	"github.com/avalcredit/aval/pkg/authz"
	"github.com/avalcredit/aval/pkg/errs"
	"github.com/avalcredit/aval/pkg/idem"
	"github.com/avalcredit/aval/pkg/serial"
	"github.com/avalcredit/aval/services/receivables/internal/invoice"
	"github.com/avalcredit/aval/services/receivables/internal/ledger"
	"github.com/avalcredit/aval/services/receivables/internal/memo"
	"github.com/avalcredit/aval/services/receivables/internal/postgres"
	"github.com/avalcredit/aval/services/receivables/internal/receipt"
	"github.com/avalcredit/aval/services/receivables/internal/voucher"
)

// ProposeMemo proposes an adjustment of a customer's account: nothing of the account changes. It is tried, so that what
// could not be posted is not put to anybody. Errors: NotFound CUSTOMER_UNKNOWN, INVOICE_UNKNOWN, DOCUMENT_UNKNOWN and CREDIT_UNKNOWN,
// FailedPrecondition OVERAPPLIED, NOT_WHOLLY_APPLIED, AMOUNT_EXCEEDS, NOT_MONEY, ABOVE_INVOICE and AUTHORITY_EXCEEDED, those of
// memo.Propose.
func (s *Service) ProposeMemo(ctx context.Context, req idem.Request, d memo.Draft) (memo.Memo, error) {
	const field = "credit_memo.customer_id"
	customer, err := s.customerFor(ctx, d.CustomerID, field)
	if err == nil && !authz.ScopeOf(ctx).Allows(customer.Salesperson) {
		err = inField(postgres.Unknown("CUSTOMER_UNKNOWN", "customer", d.CustomerID), field)
	}
	if err != nil {
		return memo.Memo{}, err
	}
	return write(ctx, s, req, customer, func(ctx context.Context, c *change) (memo.Memo, error) {
		policy, err := s.Policies.InForce(ctx, c.act.Today)
		if err != nil {
			return memo.Memo{}, err
		}
		if err := c.try(ctx, &d); err != nil {
			return memo.Memo{}, err
		}
		n, err := serial.Next(ctx, c.tx, "credit_memo")
		if err != nil {
			return memo.Memo{}, err
		}
		m, err := memo.Propose(d, memo.Proposal{
			ID: fmt.Sprintf("CM-%06d", n), Actor: c.act.Actor, Today: c.act.Today, Now: c.act.Now,
		}, memo.Rules{
			Version: policy.Version, BaseCurrency: policy.BaseCurrency, Reasons: policy.Ledger.MemoReasons, Authority: policy.Ledger.MemoAuthority,
		})
		if err != nil {
			return m, err
		}
		c.untold = true
		if err := c.AddMemo(ctx, m); err != nil {
			return m, err
		}
		return m, c.tell("credit_memo.propose", "credit memo "+m.ID, m)
	})
}

// try holds a draft to the account as it is: what it names is there, and as much of it is open.
func (c *change) try(ctx context.Context, d *memo.Draft) error {
	if d.Kind == ledger.KindReversal {
		return inField(c.tryReversal(ctx, d), memo.AboutField(d.Kind))
	}
	if err := invoice.CheckAmount("credit_memo.amount", d.Amount, c.Currency()); err != nil {
		return err
	}
	if memo.PaysBack(d.Kind) {
		return c.tryPayment(ctx, d)
	}
	_, _, err := c.settles(ctx, voucher.Voucher{ID: "tried", Kind: d.Kind, Date: c.act.Today, Amount: d.Amount}, orderOf(d.Named, d.OldestDueFirst))
	if err == nil {
		d.Shares, err = c.divide(ctx, *d, "")
	}
	return err
}

// tryReversal finds what a reversal takes back: a document that stands, else an invoice of the number.
func (c *change) tryReversal(ctx context.Context, d *memo.Draft) error {
	if err := d.Check(); err != nil {
		return err
	}
	doc, err := c.standing(ctx, d.About)
	if err == nil {
		doc.CustomerID, err = c.under(ctx, doc.CustomerID)
	}
	if err == nil && doc.CustomerID == c.customer.ID {
		d.Amount = doc.Amount
		return nil
	}
	inv, notInvoice := c.standingInvoice(ctx, d.About)
	if notInvoice == nil {
		inv.CustomerID, notInvoice = c.under(ctx, inv.CustomerID)
	}
	if notInvoice == nil && inv.CustomerID == c.customer.ID {
		d.Amount, d.Invoice = inv.Amount, true
		return nil
	}
	switch {
	case err != nil && errs.KindOf(err) != errs.NotFound: // a document that was reversed before
		return err
	case notInvoice != nil && errs.KindOf(notInvoice) != errs.NotFound:
		return notInvoice
	default:
		return postgres.Unknown("DOCUMENT_UNKNOWN", "document", d.About)
	}
}

// tryPayment holds what is paid back to what is there: money that is not applied, or what is left of a deposit.
func (c *change) tryPayment(ctx context.Context, d *memo.Draft) error {
	if err := d.Check(); err != nil {
		return err
	}
	v := voucher.Draft{CustomerID: d.CustomerID, Kind: d.Kind, Amount: d.Amount, About: d.About}
	if d.Kind == ledger.KindRefund {
		return ofMemo(c.aboutMoney(ctx, v), d.Kind)
	}
	return ofMemo(c.aboutVoucher(ctx, v, ledger.KindDeposit), d.Kind)
}

// ofMemo has an error name the fields of a memo where it names those of the document.
func ofMemo(err error, kind ledger.Kind) error {
	e, ok := errs.As(err)
	if !ok {
		return err
	}
	switch e.Meta["field"] {
	case aboutField:
		return e.With("field", memo.AboutField(kind))
	case amountField:
		return e.With("field", "credit_memo.amount")
	default:
		return err
	}
}

func orderOf(named []receipt.Named, oldest bool) receipt.Order {
	order := receipt.Order{Named: named, Mode: receipt.ModeNone}
	if oldest {
		order.Mode = receipt.ModeOldestDueFirst
	}
	return order
}

// DecideMemo takes the next step of a memo; the last approval posts it, in the same transaction. Errors: NotFound
// CREDIT_MEMO_UNKNOWN, those of approval.Form.Apply, and those of posting, after which it waits as before.
func (s *Service) DecideMemo(ctx context.Context, req idem.Request, id string, decision approval.Decision, reason string) (memo.Memo, error) {
	return s.onMemo(ctx, req, id, func(ctx context.Context, c *change, m memo.Memo) (memo.Memo, error) {
		m, err := m.Act(approval.Act{Subject: c.act.Actor, Roles: rolesOf(ctx), Decision: decision, Reason: reason, Date: c.act.Today})
		if err != nil {
			return m, err
		}
		c.untold = m.State != memo.Posted
		if m.State == memo.Posted {
			if err := s.postMemo(ctx, c, m); err != nil {
				return m, err
			}
		}
		return m, c.tell("credit_memo."+string(decision), "credit memo "+id, m)
	})
}

// postMemo does what an approved memo says.
func (s *Service) postMemo(ctx context.Context, c *change, m memo.Memo) error {
	back := byMemo{reason: "credit memo " + m.ID + ": " + m.Text, memoID: m.ID}
	if m.Kind == ledger.KindReversal && m.Invoice {
		doc, err := c.standingInvoice(ctx, m.About)
		if err != nil {
			return err
		}
		return c.takeInvoiceBack(ctx, doc, back)
	}
	if m.Kind == ledger.KindReversal {
		doc, err := c.standing(ctx, m.About)
		if err != nil {
			return err
		}
		return c.takeBack(ctx, doc, back)
	}
	// What was credited meanwhile counts too.
	if _, err := c.divide(ctx, memo.Draft{Kind: m.Kind, Amount: m.Amount, Named: m.Named, OldestDueFirst: m.OldestDueFirst}, m.ID); err != nil {
		return err
	}
	_, err := s.post(ctx, c, voucher.Draft{
		ID: m.DocumentID, CustomerID: m.CustomerID, Kind: m.Kind, Date: m.DocumentDate, Amount: m.Amount, Instrument: m.Instrument,
		Counterparty: m.Counterparty, Reference: m.ReasonCode, Reason: m.Text, MemoID: m.ID, About: aboutOf(m),
	}, orderOf(m.Named, m.OldestDueFirst))
	return err
}

// byMemo is why a document is taken back, and the credit memo that says so; none where it needs none.
type byMemo struct{ reason, memoID string }

// aboutOf is the one document that a memo pays back or settles, where it is one.
func aboutOf(m memo.Memo) string {
	if m.About != "" {
		return m.About
	}
	if len(m.Named) == 1 {
		return m.Named[0].InvoiceID
	}
	return ""
}

// WithdrawMemo takes a proposal back. Errors: NotFound CREDIT_MEMO_UNKNOWN, those of memo.Withdraw.
func (s *Service) WithdrawMemo(ctx context.Context, req idem.Request, id, reason string) (memo.Memo, error) {
	return s.onMemo(ctx, req, id, func(ctx context.Context, c *change, m memo.Memo) (memo.Memo, error) {
		m, err := m.Withdraw(c.act.Actor, slices.Contains(rolesOf(ctx), "FINANCE_MANAGER"), reason, c.act.Today)
		if err != nil {
			return m, err
		}
		c.untold = true
		return m, c.tell("credit_memo.withdraw", "credit memo "+id, m)
	})
}

// onMemo moves a memo of a customer within the caller's scope.
func (s *Service) onMemo(ctx context.Context, req idem.Request, id string, fn func(ctx context.Context, c *change, m memo.Memo) (memo.Memo, error)) (memo.Memo, error) {
	found, err := s.Memo(ctx, id)
	if err != nil {
		return memo.Memo{}, err
	}
	customer, err := s.store.Customer(ctx, found.CustomerID)
	if err != nil {
		return memo.Memo{}, err
	}
	return write(ctx, s, req, customer, func(ctx context.Context, c *change) (memo.Memo, error) {
		m, err := c.Account.Memo(ctx, id)
		if err != nil {
			return m, err
		}
		if m, err = fn(ctx, c, m); err != nil {
			return memo.Memo{}, err
		}
		return m, c.SaveMemo(ctx, m)
	})
}

// Memo returns a memo of a customer within the caller's scope. Errors: NotFound CREDIT_MEMO_UNKNOWN.
func (s *Service) Memo(ctx context.Context, id string) (memo.Memo, error) {
	m, err := s.store.Memo(ctx, id)
	if err != nil {
		return m, err
	}
	if err := s.visible(ctx, m.CustomerID); err != nil {
		if errs.KindOf(err) == errs.NotFound {
			err = postgres.Unknown("CREDIT_MEMO_UNKNOWN", "credit memo", id)
		}
		return memo.Memo{}, err
	}
	return m, nil
}

// Memos lists memos within the caller's scope, newest first; mine restricts it to those that wait for the caller.
func (s *Service) Memos(ctx context.Context, q memo.Query, mine bool) ([]memo.Memo, error) {
	q.Salesperson = scoped(ctx)
	if mine {
		q.WaitingFor = append([]string{"\x01"}, rolesOf(ctx)...) // never empty, which would be everybody's
	}
	return s.store.Memos(ctx, q)
}

// rolesOf are the roles of the caller.
func rolesOf(ctx context.Context) []string {
	p, _ := authn.FromContext(ctx)
	return p.Roles
}
