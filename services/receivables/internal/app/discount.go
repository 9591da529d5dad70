package app

import (
	"context"
	"slices"
	"strconv"

	"github.com/avalcredit/aval/pkg/calendar"
	"github.com/avalcredit/aval/pkg/errs"
	"github.com/avalcredit/aval/pkg/money"
	"github.com/avalcredit/aval/services/receivables/internal/cashmatch"
	"github.com/avalcredit/aval/services/receivables/internal/ledger"
	"github.com/avalcredit/aval/services/receivables/internal/receipt"
	"github.com/avalcredit/aval/services/receivables/internal/voucher"
)

// Taken is a discount for paying early that settles a part of an item.
type Taken struct {
	ItemID string
	Amount money.Money
}

// discountsBy are the discounts of a proposal.
func discountsBy(p cashmatch.Proposal) []Taken {
	var out []Taken
	for _, share := range p.Shares {
		if share.Discount.IsPositive() {
			out = append(out, Taken{ItemID: share.ItemID, Amount: share.Discount})
		}
	}
	return out
}

// documentsOf are the documents that customers owe.
func documentsOf(owing map[string]map[string]cashmatch.Customer) []string {
	var out []string
	for _, customers := range owing {
		for _, c := range customers {
			for _, item := range c.Items {
				out = append(out, item.DocumentID)
			}
		}
	}
	return out
}

// discounted gives a customer's items what paying all of them on a day would earn. An invoice in instalments gives none.
func (h held) discounted(c cashmatch.Customer, on calendar.Date) cashmatch.Customer {
	c.Items = slices.Clone(c.Items)
	for i, item := range c.Items {
		if discount := h.terms[item.DocumentID].Discount; len(discount) > 0 && item.ID == item.DocumentID {
			c.Items[i].Discount = discount.Of(item.Open, item.Date, on)
		}
	}
	return c
}

// takeDiscounts posts the discounts that go with a receipt: each at most what the invoice gives for what the receipt paid of it on
// the receipt's day. Errors: FailedPrecondition DISCOUNT_NOT_EARNED.
func (s *Service) takeDiscounts(ctx context.Context, c *change, r receipt.Receipt, list []Taken) error {
	for i, d := range list {
		earned, err := s.earned(ctx, c, r, d.ItemID)
		if err != nil {
			return err
		}
		if d.Amount.Currency != earned.Currency || d.Amount.Cmp(earned) > 0 {
			return errs.New(errs.FailedPrecondition, "DISCOUNT_NOT_EARNED", "paying on %s earns %s %s on %s, not %s %s",
				r.Date, earned.Currency, earned, d.ItemID, d.Amount.Currency, d.Amount).
				With("item_id", d.ItemID).With("earned", earned.String()).With("field", "shares["+strconv.Itoa(i)+"].discount")
		}
		amount := d.Amount
		_, err = s.post(ctx, c, voucher.Draft{
			ID: r.ID + "-D" + strconv.Itoa(i+1), CustomerID: r.CustomerID, Kind: ledger.KindDiscount, Date: r.Date, Amount: amount, About: r.ID,
			Reason: "for paying early: " + d.ItemID,
		}, receipt.Order{Named: []receipt.Named{{InvoiceID: d.ItemID, Amount: &amount}}, Mode: receipt.ModeNone})
		if err != nil {
			return err
		}
	}
	return nil
}

// earned is what a receipt earns on an item by what it paid of it.
func (s *Service) earned(ctx context.Context, c *change, r receipt.Receipt, itemID string) (money.Money, error) {
	none := money.Zero(c.Currency())
	paid := none
	for _, a := range r.Applications {
		if a.ItemID == itemID {
			paid = paid.Add(a.Amount)
		}
	}
	items, err := c.Items(ctx, []string{itemID}, false)
	if err != nil || len(items) != 1 || items[0].ID != items[0].DocumentID {
		return none, err
	}
	item := items[0]
	terms, err := s.store.InvoiceTerms(ctx, item.DocumentID)
	return terms[item.DocumentID].Discount.Taken(item.Open.Add(paid), paid, item.Date, r.Date), err
}

// takeDiscountsBack takes back what was given with a receipt that comes back.
func (c *change) takeDiscountsBack(ctx context.Context, receiptID, reason string) error {
	ids, err := c.DiscountsWith(ctx, receiptID)
	if err != nil {
		return err
	}
	for _, id := range ids {
		doc, err := c.standing(ctx, id)
		if err != nil {
			return err
		}
		if err := c.takeBack(ctx, doc, byMemo{reason: reason}); err != nil {
			return err
		}
	}
	return nil
}
