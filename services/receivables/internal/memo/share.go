package memo

import (
	"strconv"

	"github.com/avalcredit/aval/pkg/errs"
	"github.com/avalcredit/aval/pkg/money"
	"github.com/avalcredit/aval/services/receivables/internal/receipt"
)

// Share is how much of a memo is for one of the documents that it names.
type Share struct {
	DocumentID string      `json:"document_id"`
	Amount     money.Money `json:"amount"`
}

// Named is a document that a memo names: what it was for, what was credited on it or given up of it before, and what
// other memos wait to credit.
type Named struct {
	DocumentID                string
	Amount, Credited, Waiting money.Money
}

// left is what may still be credited.
func (n Named) left() money.Money {
	return money.Max(n.Amount.Sub(n.Credited).Sub(n.Waiting), money.Zero(n.Amount.Currency))
}

// Divide divides the amount of a credit note over the documents that it names, in their order, each at most what may still be
// credited on it: what it was for, less what was credited before. by are the documents by the names that the draft
// has for them, their own number or that of an instalment. What is for none of them must be for others, that is the
// oldest due. Errors: FailedPrecondition ABOVE_INVOICE, naming the field.
func (d Draft) Divide(by map[string]*Named) ([]Share, error) {
	left, given := d.Amount, map[string]money.Money{}
	give := func(n *Named, most money.Money) {
		so, ok := given[n.DocumentID]
		if !ok {
			so = money.Zero(d.Amount.Currency)
		}
		share := money.Min(money.Min(most, left), n.left().Sub(so))
		given[n.DocumentID], left = so.Add(share), left.Sub(share)
	}
	for i, name := range d.Named {
		n := by[name.InvoiceID]
		if name.Amount == nil {
			continue
		}
		if name.Amount.Cmp(n.left()) > 0 {
			return nil, d.above(n, "credit_memo.invoices["+strconv.Itoa(i)+"].amount", *name.Amount)
		}
		give(n, *name.Amount)
	}
	for _, name := range d.Named { // what no amount was said for
		give(by[name.InvoiceID], left)
	}
	if left.IsPositive() && !d.OldestDueFirst {
		return nil, d.above(by[d.Named[len(d.Named)-1].InvoiceID], "credit_memo.amount", d.Amount)
	}
	return d.shares(by, given), nil
}

// shares lists what was given, in the order of the names.
func (d Draft) shares(by map[string]*Named, given map[string]money.Money) []Share {
	var out []Share
	for _, name := range d.Named {
		id := by[name.InvoiceID].DocumentID
		if amount, ok := given[id]; ok && amount.IsPositive() {
			out = append(out, Share{DocumentID: id, Amount: amount})
			delete(given, id)
		}
	}
	return out
}

func (d Draft) above(n *Named, field string, asked money.Money) error {
	const rule = "above_invoice"
	e := errs.New(errs.FailedPrecondition, "ABOVE_INVOICE",
		"%s of a credit note is more than may be credited: %s was for %s, %s of it were credited or given up before and %s wait for approval",
		asked, n.DocumentID, n.Amount, n.Credited, n.Waiting)
	return e.With("document_id", n.DocumentID).With("asked", asked.String()).With("available", n.left().String()).With("field", field).
		WithViolations(errs.Violation{Field: field, Rule: rule, Message: e.Message}).WithWitness()
}

// For is how much of a memo is for a document that it names; ok is false of a memo of before shares were kept that names several.
func (m Memo) For(documentID string, isOf func(name receipt.Named) bool) (amount money.Money, ok bool) {
	amount = money.Zero(m.Amount.Currency)
	for _, s := range m.Shares {
		if s.DocumentID == documentID {
			amount = amount.Add(s.Amount)
		}
	}
	if len(m.Shares) > 0 {
		return amount, true
	}
	if len(m.Named) == 1 && isOf(m.Named[0]) && !m.OldestDueFirst {
		return m.Amount, true
	}
	return amount, false
}
