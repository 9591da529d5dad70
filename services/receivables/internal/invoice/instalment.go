package invoice

import (
	"strconv"

	"github.com/avalcredit/aval/pkg/calendar"
	"github.com/avalcredit/aval/pkg/errs"
	"github.com/avalcredit/aval/pkg/money"
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

// due is the due date of a part: its own, else by its term, the invoice's or the policy's.
func (i *Invoice) due(p Part, d Draft, def Defaults) calendar.Date {
	if !p.DueDate.IsZero() {
		return p.DueDate
	}
	term := def.TermDays
	if d.TermDays != nil {
		term = *d.TermDays
	}
	if p.TermDays != nil {
		term = *p.TermDays
	}
	return i.Date.AddDays(term)
}
