package app_test

import (
	"context"
	"testing"
	"time"

	"github.com/avalcredit/aval/pkg/calendar"
	"github.com/avalcredit/aval/pkg/errs"
	"github.com/avalcredit/aval/pkg/money"
	"github.com/avalcredit/aval/services/receivables/internal/app"
	"github.com/avalcredit/aval/services/receivables/internal/invoice"
	"github.com/avalcredit/aval/services/receivables/internal/settlement"
	"github.com/avalcredit/aval/services/receivables/internal/terms"
)

// inForce is a policy that always holds.
type inForce struct{ terms.Policy }

func (p inForce) InForce(context.Context, calendar.Date) (terms.Policy, error) { return p.Policy, nil }
func (p inForce) ByVersion(context.Context, int64) (terms.Policy, error)       { return p.Policy, nil }

// under lets another policy than the shipped one hold.
func (h *house) under(change func(*terms.Cash)) {
	p := shipped()
	change(&p.Cash)
	h.Policies = inForce{p}
}

// An invoice of 22 January 2016 in each way that its due date can come about.
func TestDueDateByTerms(t *testing.T) {
	t.Parallel()
	monthEnd := &settlement.Terms{Method: settlement.Monthly, ClosingDay: 31, Months: 1}
	quarter := &settlement.Terms{Method: settlement.Quarterly, ClosingDay: 31}
	weekends := &settlement.Days{Weekend: []time.Weekday{time.Saturday, time.Sunday}}
	term := 30
	for name, c := range map[string]struct {
		draft            invoice.Draft
		customer, policy *settlement.Terms
		days             *settlement.Days
		due              string
		kept             *settlement.Terms
	}{
		"as before: the policy's term":       {due: "2016-02-21"},
		"P14: month-end of the next month":   {draft: invoice.Draft{Terms: monthEnd}, due: "2016-02-29", kept: monthEnd},
		"agreed with the customer":           {customer: monthEnd, policy: quarter, due: "2016-02-29", kept: monthEnd},
		"the policy's terms":                 {policy: quarter, due: "2016-03-31", kept: quarter},
		"a term that is named goes before":   {draft: invoice.Draft{TermDays: &term}, customer: monthEnd, due: "2016-02-21"},
		"and so does a due date":             {draft: invoice.Draft{DueDate: calendar.MustDate("2016-02-27")}, customer: monthEnd, days: weekends, due: "2016-02-27"},
		"a computed one moves off a weekend": {days: weekends, due: "2016-02-22"},
		"month-end on a Monday stays":        {customer: monthEnd, days: weekends, due: "2016-02-29", kept: monthEnd},
		"consigned goods, sold on later": {
			draft:    invoice.Draft{SoldOn: calendar.MustDate("2016-03-01")},
			customer: &settlement.Terms{Method: settlement.Consignment, Days: 10}, due: "2016-03-11",
			kept: &settlement.Terms{Method: settlement.Consignment, Days: 10, SoldOn: calendar.MustDate("2016-03-01")},
		},
		"base stock": {
			customer: &settlement.Terms{Method: settlement.BaseStock, ContractEnd: calendar.MustDate("2017-12-31")}, due: "2017-12-31",
			kept: &settlement.Terms{Method: settlement.BaseStock, ContractEnd: calendar.MustDate("2017-12-31")},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := newHouse(t)
			h.under(func(p *terms.Cash) { p.Terms, p.Days = c.policy, c.days })
			_, err := h.ApplyCustomers(clerk(t), []app.Customer{{
				ID: "C-1", Sequence: 1, BusinessDate: calendar.MustDate("2010-01-01"), DisplayName: "One", Currency: "CNY", Terms: c.customer,
			}})
			must(t, err)
			d := c.draft
			d.CustomerID, d.Date, d.Amount = "C-1", calendar.MustDate("2016-01-22"), amount(t, "CNY", "100.00")
			d.ID = "I-1"
			one, err := h.PostInvoice(on(t, "2016-01-22"), h.request(), d)
			must(t, err)
			d.ID = "I-2"
			_, err = h.PostInvoices(on(t, "2016-01-22"), h.request(), []invoice.Draft{d})
			must(t, err)
			for _, id := range []string{"I-1", "I-2"} {
				got, err := h.Invoice(clerk(t), id)
				must(t, err)
				if got.DueDate.String() != c.due || one.DueDate != got.DueDate {
					t.Errorf("%s is due %s, want %s", id, got.DueDate, c.due)
				}
				if (got.Terms == nil) != (c.kept == nil) || c.kept != nil && *got.Terms != *c.kept {
					t.Errorf("%s was posted under %v, want %v", id, got.Terms, c.kept)
				}
			}
		})
	}
}

func TestTermsThatContradict(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.customer(t, "C-1", "CNY")
	two := settlement.Discount{{Days: 10, Rate: money.Ratio{Num: 1, Den: 100}}, {Days: 20, Rate: money.Ratio{Num: 2, Den: 100}}}
	for field, d := range map[string]invoice.Draft{
		"invoice.settlement_terms":             {Terms: &settlement.Terms{Method: settlement.Monthly}, DueDate: calendar.MustDate("2024-02-01")},
		"invoice.settlement_terms.closing_day": {Terms: &settlement.Terms{Method: settlement.Rolling, ClosingDay: 5}},
		"invoice.early_payment_discount":       {Discount: two},
	} {
		d.ID, d.CustomerID, d.Amount = "I-1", "C-1", amount(t, "CNY", "100.00")
		_, err := h.PostInvoice(clerk(t), h.request(), d)
		if e, ok := errs.As(err); !ok || e.Kind != errs.Invalid || e.Violations[0].Field != field {
			t.Errorf("%s: %v", field, err)
		}
	}
}

// What the invoice gives for paying early goes before the policy's.
func TestDiscountIsKept(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.customer(t, "C-1", "CNY")
	policy := settlement.Discount{{Days: 10, Rate: money.Ratio{Num: 2, Den: 100}}}
	own := settlement.Discount{{Days: 7, Rate: money.Ratio{Num: 3, Den: 100}}, {Days: 14, Rate: money.Ratio{Num: 1, Den: 100}}}
	h.under(func(p *terms.Cash) { p.Discount = policy })
	for id, d := range map[string]settlement.Discount{"I-1": nil, "I-2": own} {
		_, err := h.PostInvoice(clerk(t), h.request(), invoice.Draft{ID: id, CustomerID: "C-1", Amount: amount(t, "CNY", "100.00"), Discount: d})
		must(t, err)
		want := policy
		if d != nil {
			want = own
		}
		got, err := h.Invoice(clerk(t), id)
		must(t, err)
		if len(got.Discount) != len(want) || got.Discount[0].Days != want[0].Days || got.Discount[0].Rate.Cmp(want[0].Rate) != 0 {
			t.Errorf("%s gives %v, want %v", id, got.Discount, want)
		}
	}
}
