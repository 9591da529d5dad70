package app_test

import (
	"encoding/json"
	"fmt"
	"testing"

	"github.com/avalcredit/aval/pkg/errs"
	"github.com/avalcredit/aval/pkg/money"
	"github.com/avalcredit/aval/services/receivables/internal/app"
	"github.com/avalcredit/aval/services/receivables/internal/invoice"
	"github.com/avalcredit/aval/services/receivables/internal/ledger"
	"github.com/avalcredit/aval/services/receivables/internal/position"
)

func drafts(n, customers int, prefix string) []invoice.Draft {
	list := make([]invoice.Draft, n)
	for i := range list {
		list[i] = invoice.Draft{
			ID: fmt.Sprintf("%s%d", prefix, i), CustomerID: fmt.Sprintf("B-%d", i%customers), OrderID: fmt.Sprintf("O-%d", i),
			Amount: money.New(int64(100+i), "CNY"),
		}
	}
	return list
}

// A posting of many is a posting of each: entries in order without gaps, one event a customer, and a
// repeated request posts nothing.
func TestManyAtOnce(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	for i := range 3 {
		h.customer(t, fmt.Sprintf("B-%d", i), "CNY")
	}
	list := drafts(300, 3, "I-")
	list[7].Instalments = []invoice.Part{{Amount: money.New(7, "CNY")}, {Amount: money.New(100, "CNY")}}
	req := h.request()
	for range 2 {
		got, err := h.PostInvoices(on(t, "2024-01-02"), req, list)
		must(t, err)
		if got != (app.Posted{Invoices: 300, Customers: 3}) {
			t.Fatalf("posted %+v", got)
		}
	}
	_, err := h.PostInvoice(on(t, "2024-01-03"), h.request(), invoice.Draft{ID: "after", CustomerID: "B-0", Amount: money.New(1, "CNY")})
	must(t, err)
	entries, _, err := h.Ledger(clerk(t), ledger.Query{CustomerID: "B-1", Limit: 1000})
	must(t, err)
	var sum int64
	for i, e := range entries {
		sum += e.Amount.Minor
		if e.Sequence != int64(i+1) || e.DocumentID != fmt.Sprintf("I-%d", 3*i+1) || e.Balance.Minor != sum {
			t.Fatalf("entry %d: %+v", i, e)
		}
	}
	if len(entries) != 100 {
		t.Errorf("%d entries of B-1", len(entries))
	}
	report, err := h.Verify(clerk(t))
	must(t, err)
	if len(report.Breaks) > 0 || report.Entries != 301 {
		t.Errorf("report %+v", report)
	}
	h.told(t, sum)
	h.paged(t, entries)
	inv, err := h.Invoice(clerk(t), "I-7")
	must(t, err)
	if len(inv.Instalments) != 2 || inv.Instalments[1].ItemID != "I-7/2" || inv.Instalments[1].Open.Minor != 100 {
		t.Errorf("instalments %+v", inv.Instalments)
	}
}

// paged holds the pages of B-1's invoices to its ledger, read backwards.
func (h *house) paged(t *testing.T, entries []ledger.Entry) {
	t.Helper()
	q := invoice.Query{CustomerID: "B-1", Limit: 7}
	for n := len(entries); n > 0; {
		page, err := h.Invoices(clerk(t), q)
		must(t, err)
		if len(page) != min(7, n) {
			t.Fatalf("%d invoices on a page, %d are left", len(page), n)
		}
		for _, inv := range page {
			n--
			if inv.ID != entries[n].DocumentID {
				t.Fatalf("invoice %s, want %s", inv.ID, entries[n].DocumentID)
			}
		}
		q.After = &invoice.Place{CreateTime: page[len(page)-1].CreateTime, ID: page[len(page)-1].ID}
	}
	q.OrderID, q.After = "O-4", nil
	page, err := h.Invoices(clerk(t), q)
	must(t, err)
	if len(page) != 1 || page[0].ID != "I-4" {
		t.Errorf("of the order: %+v", page)
	}
}

// told holds the events of B-1 to one position over all of it, and one entry in the audit trail.
func (h *house) told(t *testing.T, sum int64) {
	t.Helper()
	var events, acts int
	var payload []byte
	must(t, h.pool.QueryRow(t.Context(), `SELECT count(*), (array_agg(payload))[1] FROM outbox WHERE stream = 'position' AND customer_id = 'B-1'`).Scan(&events, &payload))
	must(t, h.pool.QueryRow(t.Context(), `SELECT count(*) FROM audit_events WHERE stream = 'customer/B-1' AND action = 'invoice.post'`).Scan(&acts))
	var p position.Position
	must(t, json.Unmarshal(payload, &p))
	if events != 1 || acts != 1 || p.Receivable.Minor != sum || len(p.Movements) != 100 || p.Sequence != 1 || p.Cause != "100 invoices, from I-1" {
		t.Errorf("%d events, %d acts, position %+v", events, acts, p)
	}
}

// What is wrong with one is said with its place, and nothing of the request is posted.
func TestManyAtOnceOrNone(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.customer(t, "B-0", "CNY")
	_, err := h.PostInvoice(on(t, "2024-01-01"), h.request(), invoice.Draft{ID: "there", CustomerID: "B-0", Amount: money.New(1, "CNY")})
	must(t, err)
	for name, c := range map[string]struct {
		change        func(d *invoice.Draft)
		reason, field string
	}{
		"unknown customer":      {func(d *invoice.Draft) { d.CustomerID = "nobody" }, "CUSTOMER_UNKNOWN", "invoices[2].customer_id"},
		"another currency":      {func(d *invoice.Draft) { d.Amount = money.New(5, "USD") }, "CURRENCY_MISMATCH", "invoices[2].amount.currency_code"},
		"no amount":             {func(d *invoice.Draft) { d.Amount = money.New(0, "CNY") }, "AMOUNT_NOT_POSITIVE", "invoices[2].amount.amount"},
		"a year mistyped":       {func(d *invoice.Draft) { d.Date = dateOf("2042-01-01") }, "INVALID_FIELD", "invoices[2].invoice_date"},
		"posted before":         {func(d *invoice.Draft) { d.ID = "there" }, "INVOICE_EXISTS", "invoices[2].invoice_id"},
		"twice in the request":  {func(d *invoice.Draft) { d.ID = "X-1" }, "INVOICE_EXISTS", "invoices[2].invoice_id"},
		"instalments too small": {func(d *invoice.Draft) { d.Instalments = []invoice.Part{{Amount: money.New(5, "CNY")}} }, "INSTALMENTS_SUM", "invoices[2].instalments"},
		"due twice": {func(d *invoice.Draft) {
			d.DueDate, d.Instalments = dateOf("2024-02-01"), []invoice.Part{{Amount: d.Amount}}
		}, "INVALID_FIELD", "invoices[2].due_date"},
	} {
		t.Run(name, func(t *testing.T) {
			list := drafts(3, 1, "X-")
			c.change(&list[2])
			_, err := h.PostInvoices(on(t, "2024-01-02"), h.request(), list)
			e, _ := errs.As(err)
			if e == nil || e.Reason != c.reason {
				t.Fatalf("error %v, want %s", err, c.reason)
			}
			field := e.Meta["field"]
			if len(e.Violations) > 0 {
				field = e.Violations[0].Field
			}
			if field != c.field {
				t.Errorf("field %q, want %q", field, c.field)
			}
			if _, err := h.Invoice(clerk(t), "X-0"); errs.KindOf(err) != errs.NotFound {
				t.Errorf("X-0 was posted all the same: %v", err)
			}
		})
	}
}
