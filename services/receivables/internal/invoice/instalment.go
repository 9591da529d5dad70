package invoice

import (
	"strconv"

	"github.com/avalcredit/aval/pkg/calendar"
	"github.com/avalcredit/aval/pkg/errs"
	"github.com/avalcredit/aval/pkg/money"
	"github.com/avalcredit/aval/services/receivables/internal/settlement"
)

// ItemID is the number of an instalment as an item of the ledger: the document's own
// where it is the only one, else number/1, number/2 ...
func ItemID(documentID string, instalment, of int) string {
	if of == 1 {
		return documentID
	}
	return documentID + "/" + strconv.Itoa(instalment)
}

// divide gives the invoice its instalments and their due dates.
func (i *Invoice) divide(d Draft, def Defaults) error {
	parts := d.Instalments
	if len(parts) == 0 {
		parts = []Part{{DueDate: d.DueDate, TermDays: d.TermDays, Amount: d.Amount}}
	} else if !d.DueDate.IsZero() {
		return errs.Field("invoice.due_date", "not_with_instalments", "an invoice in instalments is due by them: leave its own due date empty")
	}
	sum := money.Zero(d.Amount.Currency)
	for n, p := range parts {
		field := "invoice.instalments[" + strconv.Itoa(n) + "]"
		if len(d.Instalments) > 0 {
			if err := CheckAmount(field+".amount", p.Amount, def.Currency); err != nil {
				return err
			}
			if err := i.checkDue(field+".due_date", p.DueDate, def.Today); err != nil {
				return err
			}
		}
		due := i.due(p, d, def)
		i.DueDate = Latest(i.DueDate, due)
		i.Instalments = append(i.Instalments, Instalment{
			ItemID: ItemID(i.ID, n+1, len(parts)), DueDate: due, Amount: p.Amount, Open: p.Amount,
		})
		if sum.Minor > i.Amount.Minor { // bounded before it is added to
			break
		}
		sum = sum.Add(p.Amount)
	}
	if sum != i.Amount {
		return errs.New(errs.Invalid, "INSTALMENTS_SUM", "the instalments sum to %s, the invoice is over %s", sum, i.Amount).
			With("field", "invoice.instalments").
			WithViolations(errs.Violation{Field: "invoice.instalments", Rule: "sum", Message: "must sum to the invoice's amount"})
	}
	return nil
}

// due is the due date of a part: its own, else by its term, the invoice's terms or term, off days off.
func (i *Invoice) due(p Part, d Draft, def Defaults) calendar.Date {
	if !p.DueDate.IsZero() {
		return p.DueDate
	}
	terms := settlement.Terms{Days: def.TermDays}
	switch {
	case p.TermDays != nil:
		terms.Days = *p.TermDays
	case i.Terms != nil:
		terms = *i.Terms
	case d.TermDays != nil:
		terms.Days = *d.TermDays
	}
	return def.Days.Move(terms.DueDate(i.Date))
}

// settle finds the terms by which the due date comes about, and the discount: those that the draft names, else those agreed
// with the customer, else the policy's.
func (i *Invoice) settle(d Draft, def Defaults) error {
	i.Discount = def.Discount
	if len(d.Discount) > 0 {
		i.Discount = d.Discount
	}
	if err := d.Discount.Check("invoice.early_payment_discount"); err != nil {
		return err
	}
	named := !d.DueDate.IsZero() || d.TermDays != nil
	switch {
	case d.Terms != nil && named:
		return errs.Field("invoice.settlement_terms", "either", "name settlement terms, or a due date or term in days, not both")
	case d.Terms != nil:
		i.Terms = d.Terms
	case named:
	case def.CustomerTerms != nil:
		i.Terms = def.CustomerTerms
	default:
		i.Terms = def.PolicyTerms
	}
	if i.Terms != nil && !d.SoldOn.IsZero() {
		with := *i.Terms
		with.SoldOn = d.SoldOn
		i.Terms = &with
	}
	if d.Terms == nil {
		return nil
	}
	return d.Terms.Check("invoice.settlement_terms")
}
