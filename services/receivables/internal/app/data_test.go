package app_test

import (
	"encoding/csv"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/avalcredit/aval/pkg/calendar"
	"github.com/avalcredit/aval/pkg/money"
	"github.com/avalcredit/aval/services/receivables/internal/aging"
	"github.com/avalcredit/aval/services/receivables/internal/invoice"
	"github.com/avalcredit/aval/services/receivables/internal/receipt"
)

// data is the folder of real data, beside the repository.
const data = "../../../../../shared/data"

func folder(t *testing.T, name string) string {
	t.Helper()
	dir := filepath.Join(data, name)
	if _, err := os.Stat(dir); err != nil {
		t.Skipf("no data: the folder ../shared/data/%s, seen from the repository's root, is absent", name)
	}
	return dir
}

// rows reads a CSV file as maps by column.
func rows(t *testing.T, file string) []map[string]string {
	t.Helper()
	f, err := os.Open(file)
	must(t, err)
	defer f.Close()
	all, err := csv.NewReader(f).ReadAll()
	must(t, err)
	out := make([]map[string]string, 0, len(all))
	for _, line := range all[1:] {
		row := map[string]string{}
		for i, name := range all[0] {
			row[name] = line[i]
		}
		out = append(out, row)
	}
	return out
}

func us(t *testing.T, s string) calendar.Date {
	t.Helper()
	at, err := time.Parse("1/2/2006", s)
	must(t, err)
	return calendar.FromTime(at, time.UTC)
}

// byCustomer runs fn for each customer's rows in their order, customers at once.
func byCustomer(list []map[string]string, column string, fn func(customer string, rows []map[string]string)) {
	groups := map[string][]map[string]string{}
	for _, r := range list {
		groups[r[column]] = append(groups[r[column]], r)
	}
	var wg sync.WaitGroup
	slots := make(chan struct{}, 8)
	for customer, rows := range groups {
		slots <- struct{}{}
		wg.Go(func() {
			defer func() { <-slots }()
			fn(customer, rows)
		})
	}
	wg.Wait()
}

type lateReference struct {
	OpenItems     int64  `json:"open_items"`
	OpenAmount    string `json:"open_amount"`
	OverdueItems  int64  `json:"overdue_items"`
	OverdueAmount string `json:"overdue_amount"`
	Aging         map[string]struct {
		Items  int64  `json:"items"`
		Amount string `json:"amount"`
	} `json:"aging"`
}

// The invoices and payments of 100 real customers: aging on past days to the cent.
func TestLatePaymentsAge(t *testing.T) {
	t.Parallel()
	dir := folder(t, "late-payments")
	h := newHouse(t)
	byCustomer(rows(t, filepath.Join(dir, "WA_Fn-UseC_-Accounts-Receivable.csv")), "customerID", func(customer string, list []map[string]string) {
		h.customer(t, customer, "USD")
		for _, r := range list {
			ctx := calendar.WithBusinessDate(clerk(t), us(t, r["InvoiceDate"]))
			id := r["invoiceNumber"]
			_, err := h.PostInvoice(ctx, h.request(), invoice.Draft{
				ID: id, CustomerID: customer, DueDate: us(t, r["DueDate"]), Amount: amount(t, "USD", r["InvoiceAmount"]),
			})
			if err != nil {
				t.Errorf("invoice %s: %v", id, err)
			}
			ctx = calendar.WithBusinessDate(clerk(t), us(t, r["SettledDate"]))
			_, err = h.PostReceipt(ctx, h.request(), receipt.Draft{ID: "R-" + id, CustomerID: customer, Amount: amount(t, "USD", r["InvoiceAmount"])},
				receipt.Order{Named: []receipt.Named{{InvoiceID: id}}})
			if err != nil {
				t.Errorf("receipt of %s: %v", id, err)
			}
		}
	})
	var reference struct {
		AsOf map[string]lateReference `json:"as_of"`
	}
	text, err := os.ReadFile(filepath.Join(dir, "reference.json"))
	must(t, err)
	must(t, json.Unmarshal(text, &reference))
	for _, at := range []string{"2012-06-30", "2012-12-31", "2013-06-30", "2013-09-30"} {
		want, ok := reference.AsOf[at]
		if !ok {
			t.Errorf("no reference at %s", at)
		}
		for _, group := range []aging.GroupBy{aging.GroupTotal, aging.GroupCustomer, aging.GroupSalesperson} {
			t.Run(at+" "+string(group), func(t *testing.T) { h.compare(t, at, group, "USD", want) })
		}
	}
	sound(t, h)
}

// compare holds the totals, and the sum of the rows of all pages, to the reference.
func (h *house) compare(t *testing.T, at string, group aging.GroupBy, currency string, want lateReference) {
	t.Helper()
	q := aging.Query{AsOf: calendar.MustDate(at), By: aging.ByDueDate, GroupBy: group, Limit: 17}
	var sum money.Money = money.Zero(currency)
	var items int64
	for {
		p, _, err := h.Aging(clerk(t), q)
		must(t, err)
		for _, r := range p.Rows {
			if r.Currency == currency {
				sum, items = sum.Add(r.Open().Amount), items+r.Open().Items
			}
		}
		for _, total := range p.Totals {
			if total.Currency == currency {
				sameAsReference(t, total, want)
			}
		}
		if !p.More {
			break
		}
		last := p.Rows[len(p.Rows)-1]
		q.After = &aging.Cursor{Key: last.Key, Currency: last.Currency}
	}
	if sum.String() != want.OpenAmount || items != want.OpenItems {
		t.Errorf("pages sum to %d items, %s; want %d, %s", items, sum, want.OpenItems, want.OpenAmount)
	}
}

func sameAsReference(t *testing.T, total aging.Row, want lateReference) {
	t.Helper()
	got := fmt.Sprintf("%d %s %d %s", total.Open().Items, total.Open().Amount, total.Overdue.Items, total.Overdue.Amount)
	if w := fmt.Sprintf("%d %s %d %s", want.OpenItems, want.OpenAmount, want.OverdueItems, want.OverdueAmount); got != w {
		t.Errorf("open and overdue %s, want %s", got, w)
	}
	for i, name := range aging.NewBuckets(shipped().AgingBounds, aging.ByDueDate).Names {
		w, ok := want.Aging[name]
		if !ok {
			t.Errorf("the reference has no bucket %s", name)
		}
		if c := total.Cells[i]; c.Amount.String() != w.Amount || c.Items != w.Items {
			t.Errorf("bucket %s: %d items, %s; want %d, %s", name, c.Items, c.Amount, w.Items, w.Amount)
		}
	}
}

// The open items of a real company in two currencies, which are never added.
func TestOpenItemsAge(t *testing.T) {
	t.Parallel()
	dir := folder(t, "open-items")
	h := newHouse(t)
	byCustomer(rows(t, filepath.Join(dir, "open_items.csv")), "cust_number", func(customer string, list []map[string]string) {
		// The same number stands for one customer a currency here.
		known := map[string]bool{}
		for i, r := range list {
			currency := r["invoice_currency"]
			id := customer + "/" + currency
			if !known[id] {
				h.customer(t, id, currency)
				known[id] = true
			}
			ctx := calendar.WithBusinessDate(clerk(t), calendar.MustDate(r["posting_date"]))
			_, err := h.PostInvoice(ctx, h.request(), invoice.Draft{
				ID: fmt.Sprintf("%s/%s/%d", customer, r["doc_id"], i), CustomerID: id,
				DueDate: calendar.MustDate(r["due_in_date"]), Amount: amount(t, currency, r["total_open_amount"]),
			})
			if err != nil {
				t.Errorf("item %s: %v", r["doc_id"], err)
			}
		}
	})
	var reference map[string]json.RawMessage
	text, err := os.ReadFile(filepath.Join(dir, "reference.json"))
	must(t, err)
	must(t, json.Unmarshal(text, &reference))
	days := 0
	for key, body := range reference {
		at, ok := strings.CutPrefix(key, "as_of_20")
		if !ok {
			continue
		}
		at = "20" + at
		days++
		var want map[string]lateReference
		must(t, json.Unmarshal(body, &want))
		for currency, w := range want {
			t.Run(at+" "+currency, func(t *testing.T) { h.compare(t, at, aging.GroupCustomer, currency, w) })
		}
	}
	if days == 0 {
		t.Error("the reference has no day")
	}
}
