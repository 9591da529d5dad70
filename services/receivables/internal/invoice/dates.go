package invoice

import (
	"github.com/avalcredit/aval/pkg/calendar"
	"github.com/avalcredit/aval/pkg/errs"
)

// What a date of a document may be, in days. A year that was mistyped would otherwise be
// believed for as many years: by aging, by the payment record, by the customer's rating.
const (
	maxPast   = 7305 // 20 years: old items are taken over with their own dates
	maxFuture = 366  // a cheque or draft may be dated ahead, within a year
	maxTerm   = 3653 // 10 years from the invoice to its due date
)

// CheckDate holds the date of a document to what is plausible on a business date; field is
// its path. The error has kind Invalid and names the field and the earliest and latest date.
func CheckDate(field string, d, today calendar.Date) error {
	return within(field, d, today.AddDays(-maxPast), today.AddDays(maxFuture))
}

// checkDates checks a completed invoice. The due date may lie before the invoice's own: so
// it is in the books of firms that post late.
func (i Invoice) checkDates(today calendar.Date) error {
	if err := CheckDate("invoice.invoice_date", i.Date, today); err != nil {
		return err
	}
	return i.checkDue("invoice.due_date", i.DueDate, today)
}

// checkDue holds a due date to what is plausible; none is.
func (i Invoice) checkDue(field string, due, today calendar.Date) error {
	if due.IsZero() {
		return nil
	}
	return within(field, due, today.AddDays(-maxPast), i.Date.AddDays(maxTerm))
}

func within(field string, d, from, to calendar.Date) error {
	if d.Before(from) || d.After(to) {
		return errs.Field(field, "date_range", "%s is not plausible: must be from %s to %s", d, from, to)
	}
	return nil
}
