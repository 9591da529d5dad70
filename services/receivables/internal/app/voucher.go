package app

import (
	"context"
	"strconv"

	"github.com/avalcredit/aval/pkg/errs"
	"github.com/avalcredit/aval/pkg/idem"
	"github.com/avalcredit/aval/pkg/money"
	"github.com/avalcredit/aval/services/receivables/internal/interest"
	"github.com/avalcredit/aval/services/receivables/internal/invoice"
	"github.com/avalcredit/aval/services/receivables/internal/ledger"
	"github.com/avalcredit/aval/services/receivables/internal/postgres"
	"github.com/avalcredit/aval/services/receivables/internal/receipt"
	"github.com/avalcredit/aval/services/receivables/internal/voucher"
)

// The paths of the document that a voucher is about, and of its amount.
const (
	aboutField  = "document.about_document_id"
	amountField = "document.amount"
)

// PostVoucher posts a document that needs no credit memo. Errors: NotFound CUSTOMER_UNKNOWN and for
// what it names, AlreadyExists DOCUMENT_EXISTS, FailedPrecondition CREDIT_MEMO_REQUIRED, PERIOD_CLOSED
// and those of its kind.
func (s *Service) PostVoucher(ctx context.Context, req idem.Request, d voucher.Draft, order receipt.Order) (voucher.Voucher, error) {
	d.MemoID = "" // only a memo posts by a memo
	switch {
	case voucher.NeedsMemo(d.Kind):
		return voucher.Voucher{}, voucher.ByMemoOnly("document.kind", "a document of kind %s is posted by an approved credit memo only: propose one", d.Kind)
	case d.Kind == ledger.KindDiscount:
		return voucher.Voucher{}, voucher.ByMemoOnly("document.kind", "a discount comes with the bank line that earned it; propose a credit note for any other")
	}
	customer, err := s.customerFor(ctx, d.CustomerID, "document.customer_id")
	if err != nil {
		return voucher.Voucher{}, err
	}
	return write(ctx, s, req, customer, func(ctx context.Context, c *change) (voucher.Voucher, error) {
		v, err := s.post(ctx, c, d, order)
		if err != nil {
			return v, err
		}
		return v, c.tell("document.post", "document "+v.ID, v)
	})
}

// post posts a document in the course of a change and does what its kind does: asks for money,
// settles what is named, draws on a deposit. It is the way for every document but invoices and
// receipts; what the change tells is the caller's.
func (s *Service) post(ctx context.Context, c *change, d voucher.Draft, order receipt.Order) (voucher.Voucher, error) {
	d.CustomerID = c.customer.ID
	policy, err := s.Policies.InForce(ctx, c.act.Today)
	if err != nil {
		return voucher.Voucher{}, err
	}
	def := voucher.Defaults{
		Today: c.act.Today, Now: c.act.Now, Currency: c.Currency(), TermDays: policy.DefaultTermDays,
		Salesperson: c.customer.Salesperson, UnitID: c.customer.UnitID,
	}
	if d, err = c.relate(ctx, d, &def, policy.Ledger.Interest); err != nil {
		return voucher.Voucher{}, err
	}
	if d.ID == "" {
		d.ID = d.About + "#" + strconv.FormatInt(c.NextSequence(), 10)
	}
	v, err := voucher.New(d, def)
	if err != nil {
		return v, err
	}
	var items []receipt.Item
	if voucher.IsCredit(v.Kind) {
		if v.Applications, items, err = c.settles(ctx, v, order); err != nil {
			return v, err
		}
	}
	vc := voucher.Context{Interest: interestOf(c.Currency(), items, v.Applications)}
	if vc.PassedOn, err = c.passedOn(ctx, v); err != nil {
		return v, err
	}
	if err := c.AddVoucher(ctx, v, v.Lines(vc)); err != nil {
		return v, err
	}
	for _, a := range v.Applications {
		v.Unapplied = v.Unapplied.Sub(a.Amount)
	}
	if err := c.apply(ctx, items, v.Applications); err != nil {
		return v, err
	}
	return v, c.follow(ctx, &v)
}

// relate holds a draft to the document that it is about, and takes from there who is responsible and
// when it is due.
func (c *change) relate(ctx context.Context, d voucher.Draft, def *voucher.Defaults, late interest.Terms) (voucher.Draft, error) {
	switch d.Kind {
	case ledger.KindDebitNote, ledger.KindLateInterest, ledger.KindFee:
		return c.aboutItem(ctx, d, def, late)
	case ledger.KindChargeback:
		return c.aboutReceipt(ctx, d, def)
	case ledger.KindRefund:
		return d, c.aboutMoney(ctx, d)
	case ledger.KindDepositUse, ledger.KindDepositReturn:
		return d, c.aboutVoucher(ctx, d, ledger.KindDeposit)
	case ledger.KindRecovery:
		return d, c.aboutVoucher(ctx, d, ledger.KindWriteOff)
	default:
		return d, nil
	}
}

// aboutItem: interest, a fee, a debit note may be about something that the customer owes. What late payment
// costs by the policy is computed where no amount is given.
func (c *change) aboutItem(ctx context.Context, d voucher.Draft, def *voucher.Defaults, late interest.Terms) (voucher.Draft, error) {
	if d.About == "" {
		return d, nil
	}
	items, err := c.Items(ctx, []string{d.About}, false)
	if err != nil {
		return d, err
	}
	if len(items) == 0 {
		return d, errs.New(errs.NotFound, "INVOICE_UNKNOWN", "the customer has no invoice %s", d.About).With("invoice_id", d.About).With("field", aboutField)
	}
	def.Salesperson, def.UnitID = items[0].Salesperson, items[0].UnitID
	if d.Amount.Currency == "" && d.Kind == ledger.KindLateInterest {
		d.Amount, err = c.lateInterest(ctx, d, items, late)
	} else if d.Amount.Currency == "" && d.Kind == ledger.KindFee {
		d.Amount, err = lateFee(d, items, late)
	}
	return d, err
}

// lateInterest is what the policy asks for the items up to the document's date, each from its due date or from the
// last day that interest on it, or on its whole document, was asked for, by letter or otherwise.
func (c *change) lateInterest(ctx context.Context, d voucher.Draft, items []receipt.Item, late interest.Terms) (money.Money, error) {
	if !late.AnnualRate.IsValid() {
		return money.Money{}, errs.New(errs.FailedPrecondition, "NO_LATE_INTEREST", "the policy asks for no interest on late payment: give an amount").With("field", amountField)
	}
	until := d.Date
	if until.IsZero() {
		until = c.act.Today
	}
	sum := money.Zero(c.Currency())
	for _, item := range items {
		asked, err := c.LastAbout(ctx, ledger.KindLateInterest, item.ID, item.DocumentID)
		if err != nil {
			return sum, err
		}
		applied, err := c.ItemApplications(ctx, item.ID)
		if err != nil {
			return sum, err
		}
		payments := make([]interest.Payment, len(applied))
		for i, a := range applied {
			payments[i] = interest.Payment{Date: a.Date, Amount: a.Amount}
		}
		if from := invoice.Latest(item.DueDate, asked); !item.Reversed && until.After(from) {
			sum = sum.Add(late.Accrue(item.Amount, from, until, payments))
		}
	}
	if !sum.IsPositive() {
		return sum, errs.New(errs.FailedPrecondition, "NOT_LATE", "by %s there is no interest on %s that was not asked for yet", until, d.About).
			With("invoice_id", d.About).With("field", aboutField)
	}
	return sum, nil
}

// lateFee is the policy's compensation for the items that are late.
func lateFee(d voucher.Draft, items []receipt.Item, late interest.Terms) (money.Money, error) {
	open := money.Zero(items[0].Amount.Currency)
	for _, item := range items {
		open = open.Add(item.Amount)
	}
	fee, known := late.Fee(open)
	if !known {
		return fee, errs.New(errs.FailedPrecondition, "NO_LATE_FEE", "the policy asks for no compensation on %s: give an amount", open).
			With("invoice_id", d.About).With("field", amountField)
	}
	return fee, nil
}

// aboutReceipt: a chargeback is about a receipt that came, at most its amount, and is due since what
// the receipt had settled was due.
func (c *change) aboutReceipt(ctx context.Context, d voucher.Draft, def *voucher.Defaults) (voucher.Draft, error) {
	credit, err := c.credit(ctx, d)
	if err != nil {
		return d, err
	}
	back, err := c.SumAbout(ctx, d.About, ledger.KindChargeback)
	if err != nil {
		return d, err
	}
	if err := within(d, credit.Amount.Sub(back), "of the receipt was not charged back yet"); err != nil {
		return d, err
	}
	applied, err := c.CreditApplications(ctx, d.About)
	if err != nil {
		return d, err
	}
	ids := make([]string, len(applied))
	for i, a := range applied {
		ids[i] = a.ItemID
	}
	items, err := c.Items(ctx, ids, false)
	if err != nil {
		return d, err
	}
	for i, item := range items {
		if i == 0 || item.DueDate.Before(d.DueDate) {
			d.DueDate, def.Salesperson, def.UnitID = item.DueDate, item.Salesperson, item.UnitID
		}
	}
	return d, nil
}

// aboutMoney: a refund is about money of the customer that is not applied.
func (c *change) aboutMoney(ctx context.Context, d voucher.Draft) error {
	credit, err := c.credit(ctx, d)
	if err != nil {
		return err
	}
	if voucher.GivesUp(credit.Kind) {
		return errs.New(errs.FailedPrecondition, "NOT_MONEY", "document %s of kind %s is no money of the customer that could be paid back", credit.ID, credit.Kind).
			With("document_id", credit.ID).With("field", aboutField)
	}
	return within(d, credit.Unapplied, "of it is unapplied")
}

// credit is the money that a draft is about.
func (c *change) credit(ctx context.Context, d voucher.Draft) (postgres.CreditDocument, error) {
	credit, err := c.Credit(ctx, d.About)
	if err == nil {
		err = c.holds(ctx, credit.CustomerID, !credit.Reversed, postgres.Unknown("CREDIT_UNKNOWN", "credit", d.About))
	}
	return credit, inField(err, aboutField)
}

// aboutVoucher: a deposit is used and returned, a write-off recovered, at most as much as is left of it.
func (c *change) aboutVoucher(ctx context.Context, d voucher.Draft, kind ledger.Kind) error {
	doc, err := c.Voucher(ctx, d.About)
	if err == nil {
		err = c.holds(ctx, doc.CustomerID, doc.Kind == kind && !doc.Reversed(), postgres.Unknown("DOCUMENT_UNKNOWN", "document", d.About))
	}
	if err != nil {
		return inField(err, aboutField)
	}
	return within(d, doc.Left, "of it is left")
}

// within bounds the amount of a draft by what is left of the document it is about.
func within(d voucher.Draft, left money.Money, of string) error {
	if d.Amount.Currency != left.Currency || d.Amount.Cmp(left) <= 0 {
		return nil
	}
	return errs.New(errs.FailedPrecondition, "AMOUNT_EXCEEDS", "%s asked about %s, but only %s %s", d.Amount, d.About, left, of).
		With("document_id", d.About).With("asked", d.Amount.String()).With("available", left.String()).With("field", amountField)
}

// settles decides what a credit settles, before it is posted.
func (c *change) settles(ctx context.Context, v voucher.Voucher, order receipt.Order) ([]invoice.Application, []receipt.Item, error) {
	if len(order.Named) == 0 && order.Mode == receipt.ModeDefault && v.Kind == ledger.KindCreditNote {
		order.Mode = receipt.ModeNone // it stands alone
	}
	items, err := c.itemsFor(ctx, order)
	if err != nil {
		return nil, nil, err
	}
	if v.Kind == ledger.KindChargeWaiver {
		for _, item := range items {
			if item.DocumentKind != ledger.KindLateInterest && item.DocumentKind != ledger.KindFee {
				return nil, nil, errs.New(errs.FailedPrecondition, "NOT_A_CHARGE", "%s is no interest and no fee: a waiver takes back nothing else", item.DocumentID).
					With("document_id", item.DocumentID)
			}
		}
	}
	applied, err := receipt.Allocate(receipt.Source{CreditID: v.ID, Available: v.Amount, From: v.Date}, order, items)
	if err != nil {
		return nil, nil, err
	}
	left := v.Amount
	for _, a := range applied {
		left = left.Sub(a.Amount)
	}
	if voucher.WhollyApplied(v.Kind) && !left.IsZero() {
		return nil, nil, errs.New(errs.FailedPrecondition, "NOT_WHOLLY_APPLIED", "%s of %s finds nothing to settle", left, v.Amount).
			With("left", left.String())
	}
	return applied, items, nil
}

// interestOf is how much of what is applied goes to interest.
func interestOf(currency string, items []receipt.Item, applied []invoice.Application) money.Money {
	sum := money.Zero(currency)
	interest := map[string]bool{}
	for _, item := range items {
		interest[item.ID] = item.DocumentKind == ledger.KindLateInterest
	}
	for _, a := range applied {
		if interest[a.ItemID] {
			sum = sum.Add(a.Amount)
		}
	}
	return sum
}

// passedOn says whether the bill that an act is about is passed on with recourse.
func (c *change) passedOn(ctx context.Context, v voucher.Voucher) (bool, error) {
	if v.Kind != ledger.KindBillHonoured && v.Kind != ledger.KindDishonouredBill {
		return false, nil
	}
	b, err := c.Bill(ctx, v.About)
	return b.State() == voucher.BillPassedOn, err
}

// follow draws on what the document is about, once it is posted.
func (c *change) follow(ctx context.Context, v *voucher.Voucher) error {
	switch v.Kind {
	case ledger.KindDepositUse, ledger.KindDepositReturn, ledger.KindRecovery:
		return c.Draw(ctx, v.About, v.Amount)
	case ledger.KindBillHonoured, ledger.KindDishonouredBill:
		return c.Draw(ctx, v.About, v.Amount)
	case ledger.KindBillEndorsed, ledger.KindBillDiscounted:
		if !v.Recourse {
			return c.Draw(ctx, v.About, v.Amount)
		}
	case ledger.KindRefund: // the money goes where it is paid back
		credit, err := c.Credit(ctx, v.About)
		if err != nil {
			return err
		}
		v.Open = money.Zero(v.Amount.Currency)
		v.Applications = []invoice.Application{{
			CreditID: v.About, ItemID: v.ID, Amount: v.Amount, Date: invoice.Latest(v.Date, credit.Date, credit.LastUndo),
		}}
		return c.Apply(ctx, v.Applications)
	default: // it draws on nothing
	}
	return nil
}

// ReverseVoucher takes a document back, and with it what it had settled. What a credit memo posted, and what is owed, is taken
// back by another memo. Errors: NotFound DOCUMENT_UNKNOWN, FailedPrecondition DOCUMENT_REVERSED,
// DOCUMENT_IN_USE, BILL_STATE, CREDIT_MEMO_REQUIRED.
func (s *Service) ReverseVoucher(ctx context.Context, req idem.Request, id, reason string) (voucher.Voucher, error) {
	return s.onVoucher(ctx, req, id, func(ctx context.Context, c *change, doc postgres.VoucherDocument) error {
		if doc.MemoID != "" || voucher.IsDebit(doc.Kind) {
			return voucher.ByMemoOnly("document_id", "document %s of kind %s is taken back by an approved credit memo only: propose its reversal", id, doc.Kind).
				With("document_id", id)
		}
		if err := c.takeBack(ctx, doc, byMemo{reason: reason}); err != nil {
			return err
		}
		return c.tell("document.reverse", "document "+id, map[string]string{"reason": reason})
	})
}

// ApplyVoucher applies what a credit document has left. Errors: NotFound DOCUMENT_UNKNOWN and
// INVOICE_UNKNOWN, FailedPrecondition DOCUMENT_REVERSED and OVERAPPLIED.
func (s *Service) ApplyVoucher(ctx context.Context, req idem.Request, id string, order receipt.Order) (voucher.Voucher, error) {
	return s.onVoucher(ctx, req, id, func(ctx context.Context, c *change, doc postgres.VoucherDocument) error {
		if !voucher.IsCredit(doc.Kind) {
			return errs.New(errs.FailedPrecondition, "NOT_A_CREDIT", "document %s of kind %s is no money that could be applied", id, doc.Kind).With("document_id", id)
		}
		credit, err := c.Credit(ctx, id)
		if err != nil {
			return err
		}
		applied, err := c.allocate(ctx, receipt.Source{
			CreditID: id, Available: credit.Unapplied, From: invoice.Latest(c.act.Today, credit.Date, credit.LastUndo),
		}, order)
		if err != nil {
			return err
		}
		c.idle = len(applied) == 0
		return c.tell("document.apply", "document "+id, applied)
	})
}

// onVoucher changes a document that stands and returns it as it is after that.
func (s *Service) onVoucher(ctx context.Context, req idem.Request, id string, fn func(ctx context.Context, c *change, doc postgres.VoucherDocument) error) (voucher.Voucher, error) {
	found, err := s.store.Voucher(ctx, id)
	if err != nil {
		return voucher.Voucher{}, err
	}
	customer, err := s.store.Customer(ctx, found.CustomerID)
	if err != nil {
		return voucher.Voucher{}, err
	}
	return write(ctx, s, req, customer, func(ctx context.Context, c *change) (voucher.Voucher, error) {
		doc, err := c.standing(ctx, id)
		if err != nil {
			return voucher.Voucher{}, err
		}
		if err := fn(ctx, c, doc); err != nil {
			return voucher.Voucher{}, err
		}
		after, err := c.Voucher(ctx, id)
		if err != nil {
			return voucher.Voucher{}, err
		}
		after.Applications, err = c.VoucherApplications(ctx, after.Voucher)
		return after.Voucher, err
	})
}

// standing reads a document that was not taken back.
func (c *change) standing(ctx context.Context, id string) (postgres.VoucherDocument, error) {
	doc, err := c.Voucher(ctx, id)
	if err == nil && doc.Reversed() {
		err = errs.New(errs.FailedPrecondition, "DOCUMENT_REVERSED", "document %s was reversed before", id).With("document_id", id)
	}
	return doc, err
}

// takeBack reverses a document that stands: what it settled is owed again, what it drew is there again.
func (c *change) takeBack(ctx context.Context, doc postgres.VoucherDocument, why byMemo) error {
	if doc.Left.IsPositive() && doc.Left != doc.Amount || (doc.Kind == ledger.KindDeposit || doc.Kind == ledger.KindWriteOff) && doc.Left.IsZero() {
		return errs.New(errs.FailedPrecondition, "DOCUMENT_IN_USE", "only %s of %s is left of document %s: reverse what drew on it first", doc.Left, doc.Amount, doc.ID).
			With("document_id", doc.ID)
	}
	if err := c.giveBack(ctx, doc); err != nil {
		return err
	}
	applied, err := c.VoucherApplications(ctx, doc.Voucher)
	if err != nil {
		return err
	}
	if voucher.IsDebit(doc.Kind) {
		if err := c.nothingGivenUp(ctx, doc.ID, applied); err != nil {
			return err
		}
		if err := c.notCredited(ctx, doc.ID); err != nil {
			return err
		}
	}
	on := invoice.Latest(c.act.Today, doc.Date, doc.LastApplication)
	if err := c.Apply(ctx, receipt.Undo(applied, on)); err != nil {
		return err
	}
	return c.Account.ReverseVoucher(ctx, doc, postgres.Reversal{On: on, Reason: why.reason, MemoID: why.memoID})
}

// giveBack returns what a document had drawn; of a bill only the last act is taken back.
func (c *change) giveBack(ctx context.Context, doc postgres.VoucherDocument) error {
	switch doc.Kind {
	case ledger.KindDepositUse, ledger.KindDepositReturn, ledger.KindRecovery:
		return c.Draw(ctx, doc.About, doc.Amount.Neg())
	case ledger.KindBillEndorsed, ledger.KindBillDiscounted, ledger.KindBillHonoured, ledger.KindDishonouredBill:
		b, err := c.Bill(ctx, doc.About)
		if err != nil {
			return err
		}
		if b.LastActID != doc.ID {
			return errs.New(errs.FailedPrecondition, "BILL_STATE", "bill %s was moved on by %s: reverse that first", b.ID, b.LastActID).
				With("bill_id", b.ID).With("state", string(b.State()))
		}
		if b.AtRisk().IsZero() {
			return c.Draw(ctx, doc.About, doc.Amount.Neg())
		}
	default: // it had drawn on nothing
	}
	return nil
}

// Voucher returns a document with what was applied. Errors: NotFound DOCUMENT_UNKNOWN.
func (s *Service) Voucher(ctx context.Context, id string) (voucher.Voucher, error) {
	doc, err := s.store.Voucher(ctx, id)
	if err != nil {
		return voucher.Voucher{}, err
	}
	if err := s.visible(ctx, doc.CustomerID); err != nil {
		return voucher.Voucher{}, hidden(err, "DOCUMENT_UNKNOWN", "document", id)
	}
	doc.Applications, err = s.store.VoucherApplications(ctx, doc.Voucher)
	return doc.Voucher, err
}

// Vouchers lists documents within the caller's scope, newest first.
func (s *Service) Vouchers(ctx context.Context, q voucher.Query) ([]voucher.Voucher, error) {
	q.Salesperson = scoped(ctx)
	return s.store.Vouchers(ctx, q)
}
