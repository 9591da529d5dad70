package app_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/avalcredit/aval/pkg/calendar"
	"github.com/avalcredit/aval/services/receivables/internal/aging"
	"github.com/avalcredit/aval/services/receivables/internal/app"
	"github.com/avalcredit/aval/services/receivables/internal/invoice"
	"github.com/avalcredit/aval/services/receivables/internal/receipt"
)

// aged are the rows of an aging, all pages: customer, open items and amount, overdue, unapplied, disputed.
func (h *house) aged(t *testing.T, q aging.Query) (rows []string, totals string) {
	t.Helper()
	for {
		p, _, err := h.Aging(clerk(t), q)
		must(t, err)
		for _, r := range p.Rows {
			rows = append(rows, r.Key+" "+strings.TrimPrefix(r.DisplayName, "Customer ")+": "+figuresOf(r))
		}
		totals = ""
		for _, r := range p.Totals {
			totals += figuresOf(r)
		}
		if !p.More {
			return rows, totals
		}
		last := p.Rows[len(p.Rows)-1]
		q.After = &aging.Cursor{Key: last.Key, Currency: last.Currency}
	}
}

func figuresOf(r aging.Row) string {
	return fmt.Sprintf("%d %s, %s overdue, %s unapplied, %s disputed", r.Open().Items, r.Open().Amount, r.Overdue.Amount, r.Unapplied, r.Disputed)
}

func (h *house) mergeInto(t *testing.T, id, survivor string) {
	t.Helper()
	_, err := h.ApplyCustomers(clerk(t), []app.Customer{{
		ID: id, Sequence: 2, BusinessDate: calendar.MustDate("2024-01-01"), DisplayName: "Customer " + id, Currency: "USD", Salesperson: "S-1", MergedIntoID: survivor,
	}})
	must(t, err)
}

// Invariant 22: accounts of merged files are aged under the one that stands for them, on every day and whichever way it
// is computed; totals and the accounts themselves stay as they were.
func TestMergedAccountsAge(t *testing.T) {
	t.Parallel()
	for name, merges := range map[string][][2]string{
		"the last first": {{"C", "B"}, {"B", "A"}, {"D", "E"}},
		"the first last": {{"B", "A"}, {"D", "E"}, {"C", "B"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := newHouse(t)
			h.postForMerges(t)
			asked := map[string]aging.Query{
				"now, by due date":     {By: aging.ByDueDate},
				"past, by due date":    {By: aging.ByDueDate, AsOf: calendar.MustDate("2023-11-15")},
				"now, by invoice date": {By: aging.ByInvoiceDate},
			}
			before := map[string]string{}
			for what, q := range asked {
				q.GroupBy, q.Limit = aging.GroupCustomer, 1
				var rows []string
				if rows, before[what] = h.aged(t, q); len(rows) != 5 {
					t.Errorf("%s before: %q", what, rows)
				}
			}
			for _, m := range merges {
				h.mergeInto(t, m[0], m[1])
			}
			want := map[string][]string{
				"now, by due date": {
					"A A: 3 175.00, 175.00 overdue, 5.00 unapplied, 25.00 disputed", "E E: 1 8.00, 8.00 overdue, 0.00 unapplied, 0.00 disputed",
					"F F: 1 3.00, 3.00 overdue, 0.00 unapplied, 0.00 disputed",
				},
				"past, by due date": {
					"A A: 3 175.00, 0.00 overdue, 0.00 unapplied, 25.00 disputed", "E E: 1 8.00, 0.00 overdue, 0.00 unapplied, 0.00 disputed",
					"F F: 1 3.00, 0.00 overdue, 0.00 unapplied, 0.00 disputed",
				},
			}
			want["now, by invoice date"] = want["now, by due date"]
			for what, q := range asked {
				q.GroupBy, q.Limit = aging.GroupCustomer, 1
				rows, totals := h.aged(t, q)
				if !slices.Equal(rows, want[what]) || totals != before[what] {
					t.Errorf("%s: %q, total %q; want %q, total %q", what, rows, totals, want[what], before[what])
				}
			}
			h.mergedAskedFor(t)
			sound(t, h)
		})
	}
}

// postForMerges has accounts A, B, C, D and F owe something; E never had an account.
func (h *house) postForMerges(t *testing.T) {
	t.Helper()
	for id, owed := range map[string]string{"A": "100.00", "B": "50.00", "C": "25.00", "D": "8.00", "E": "", "F": "3.00"} {
		h.customer(t, id, "USD")
		if owed == "" {
			continue
		}
		_, err := h.PostInvoice(on(t, "2023-11-01"), h.request(), invoice.Draft{ID: "I-" + id, CustomerID: id, DueDate: calendar.MustDate("2023-12-01"), Amount: amount(t, "USD", owed)})
		must(t, err)
	}
	_, err := h.PostReceipt(on(t, "2023-12-20"), h.request(), receipt.Draft{ID: "R-B", CustomerID: "B", Amount: amount(t, "USD", "5.00")}, receipt.Order{Mode: receipt.ModeNone})
	must(t, err)
	h.disputes(t, []map[string]string{{"invoiceNumber": "I-C", "Disputed": "Yes"}})
}

// mergedAskedFor asks for one customer: the survivor comes with all its accounts, each item under the number that it was posted
// under, and by a merged number just so.
func (h *house) mergedAskedFor(t *testing.T) {
	t.Helper()
	for id, want := range map[string]string{
		"A": "A A: 3 175.00, 175.00 overdue, 5.00 unapplied, 25.00 disputed",
		"B": "A A: 3 175.00, 175.00 overdue, 5.00 unapplied, 25.00 disputed", // its account goes on there
		"E": "E E: 1 8.00, 8.00 overdue, 0.00 unapplied, 0.00 disputed",
	} {
		for _, by := range []aging.By{aging.ByDueDate, aging.ByInvoiceDate} {
			rows, _ := h.aged(t, aging.Query{By: by, GroupBy: aging.GroupCustomer, Limit: 5, CustomerID: id})
			if !slices.Equal(rows, []string{want}) {
				t.Errorf("%s by %s: %q, want %q", id, by, rows, want)
			}
		}
	}
	items, _, err := h.AgingItems(clerk(t), aging.Query{By: aging.ByDueDate, CustomerID: "A"}, "", aging.ItemsPage{Limit: 10})
	must(t, err)
	var owners []string
	for _, i := range items {
		owners = append(owners, i.CustomerID)
	}
	if !slices.Equal(owners, []string{"A", "B", "C"}) {
		t.Errorf("items of %q", owners)
	}
}
