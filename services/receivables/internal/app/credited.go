package app

import (
	"context"
	"maps"
	"slices"

	"github.com/avalcredit/aval/pkg/errs"
	"github.com/avalcredit/aval/pkg/money"
	"github.com/avalcredit/aval/services/receivables/internal/invoice"
	"github.com/avalcredit/aval/services/receivables/internal/ledger"
	"github.com/avalcredit/aval/services/receivables/internal/memo"
	"github.com/avalcredit/aval/services/receivables/internal/postgres"
	"github.com/avalcredit/aval/services/receivables/internal/receipt"
	"github.com/avalcredit/aval/services/receivables/internal/voucher"
)

// divide holds a credit note to what the documents that it names were for: with what was credited on them before, given up of them
// and waits to be credited it is at most that. except is the memo itself, where it is one. Errors: those of memo.Draft.Divide.
func (c *change) divide(ctx context.Context, d memo.Draft, except string) ([]memo.Share, error) {
	if d.Kind != ledger.KindCreditNote || len(d.Named) == 0 {
		return nil, nil
	}
	named, all, err := c.namedBy(ctx, d)
	if err != nil {
		return nil, err
	}
	if err := c.creditedBefore(ctx, named, all, except); err != nil {
		return nil, err
	}
	return d.Divide(named)
}

// namedBy are the documents that a draft names, by all names that they have, and their items. An instalment stands for its document: that
// may be credited as a whole.
func (c *change) namedBy(ctx context.Context, d memo.Draft) (map[string]*memo.Named, []receipt.Item, error) {
	names := make([]string, len(d.Named))
	for i, n := range d.Named {
		names[i] = n.InvoiceID
	}
	found, err := c.Items(ctx, names, false)
	if err != nil {
		return nil, nil, err
	}
	ids := make([]string, len(found))
	for i, item := range found {
		ids[i] = item.DocumentID
	}
	all, err := c.Items(ctx, postgres.Distinct(ids), false)
	if err != nil {
		return nil, nil, err
	}
	by, zero := map[string]*memo.Named{}, money.Zero(c.Currency())
	for _, item := range all {
		n := by[item.DocumentID]
		if n == nil {
			n = &memo.Named{DocumentID: item.DocumentID, Amount: zero, Credited: zero, Waiting: zero}
		}
		n.Amount = n.Amount.Add(item.Amount)
		by[item.ID], by[item.DocumentID] = n, n
	}
	return by, all, nil
}

// creditedBefore adds what was given up of the documents and what other credit notes that name them have for them; one of them is left out.
func (c *change) creditedBefore(ctx context.Context, named map[string]*memo.Named, items []receipt.Item, except string) error {
	ids := make([]string, len(items))
	for i, item := range items {
		ids[i] = item.ID
	}
	given, err := c.GivenUp(ctx, ids)
	if err != nil {
		return err
	}
	for id, amount := range given {
		named[id].Credited = named[id].Credited.Add(amount)
	}
	notes, err := c.CreditNotes(ctx, slices.Sorted(maps.Keys(named)))
	if err != nil {
		return err
	}
	for _, m := range notes {
		if m.ID == except || except != "" && m.State != memo.Posted { // what waits does not take the place of what was approved
			continue
		}
		if err := c.countNote(ctx, m, named); err != nil {
			return err
		}
	}
	return nil
}

// countNote adds what a credit note has for the documents that it names.
func (c *change) countNote(ctx context.Context, m memo.Memo, named map[string]*memo.Named) error {
	for id, n := range named {
		if id != n.DocumentID {
			continue // another name of the same
		}
		amount, known := m.For(id, func(name receipt.Named) bool { return named[name.InvoiceID] == n })
		if !known && m.State == memo.Posted { // of before shares were kept: as far as it was applied
			applied, err := c.CreditApplications(ctx, m.DocumentID)
			if err != nil {
				return err
			}
			for _, a := range applied {
				if named[a.ItemID] == n {
					amount = amount.Add(a.Amount)
				}
			}
		}
		if m.State == memo.Posted {
			n.Credited = n.Credited.Add(amount)
		} else {
			n.Waiting = n.Waiting.Add(amount)
		}
	}
	return nil
}

// notCredited refuses to take a debit document back while a credit note that names it stands: freed from it that would credit the
// customer twice. Errors: FailedPrecondition DOCUMENT_IN_USE.
func (c *change) notCredited(ctx context.Context, documentID string) error {
	named, _, err := c.namedBy(ctx, memo.Draft{Named: []receipt.Named{{InvoiceID: documentID}}})
	if err != nil {
		return err
	}
	notes, err := c.CreditNotes(ctx, slices.Sorted(maps.Keys(named)))
	if err != nil {
		return err
	}
	for _, m := range notes {
		before := named[documentID].Credited
		if err := c.countNote(ctx, m, named); err != nil {
			return err
		}
		if named[documentID].Credited != before {
			return errs.New(errs.FailedPrecondition, "DOCUMENT_IN_USE", "credit note %s of credit memo %s stands on %s: reverse it first", m.DocumentID, m.ID, documentID).
				With("document_id", m.DocumentID)
		}
	}
	return nil
}

// nothingGivenUp refuses to take a debit document back while a part of it is written off, waived or let go for paying early: freed from
// it that would stand as money of the customer, to be applied elsewhere or paid out.
func (c *change) nothingGivenUp(ctx context.Context, id string, applied []invoice.Application) error {
	stands := map[string]int64{}
	for _, a := range applied {
		stands[a.CreditID] += a.Amount.Minor
	}
	for _, a := range applied {
		if stands[a.CreditID] == 0 {
			continue
		}
		stands[a.CreditID] = 0 // once is enough
		credit, err := c.Credit(ctx, a.CreditID)
		if err != nil {
			return err
		}
		if voucher.GivesUp(credit.Kind) {
			return errs.New(errs.FailedPrecondition, "DOCUMENT_IN_USE", "document %s of kind %s stands on %s: reverse it first", credit.ID, credit.Kind, id).
				With("document_id", credit.ID)
		}
	}
	return nil
}
