package app_test

import (
	"encoding/csv"
	"encoding/json"
	"fmt"
	"math/big"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/avalcredit/aval/pkg/calendar"
	"github.com/avalcredit/aval/pkg/money"
	"github.com/avalcredit/aval/services/receivables/internal/aging"
	"github.com/avalcredit/aval/services/receivables/internal/figures"
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
	CustomersWithBalance int64       `json:"customers_with_balance"`
	OverdueCustomers     int64       `json:"overdue_customers"`
	SalesLast90Days      string      `json:"sales_last_90_days"`
	DSO90Days            json.Number `json:"DSO_90d"`
	DisputedItems        int64       `json:"open_disputed_items"`
	DisputedAmount       string      `json:"open_disputed_amount"`
	Top10Overdue         []struct {
		Customer   string `json:"customer"`
		CustNumber string `json:"cust_number"`
		Overdue    string `json:"overdue"`
		Items      int64  `json:"items"`
	} `json:"top10_overdue"`
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
	h.disputes(t, rows(t, filepath.Join(dir, "WA_Fn-UseC_-Accounts-Receivable.csv")))
	for _, at := range []string{"2012-06-30", "2012-12-31", "2013-06-30", "2013-09-30", "2013-12-02"} {
		want, ok := reference.AsOf[at]
		if !ok {
			t.Errorf("no reference at %s", at)
		}
		for _, group := range []aging.GroupBy{aging.GroupTotal, aging.GroupCustomer, aging.GroupSalesperson} {
			t.Run(at+" "+string(group), func(t *testing.T) { h.compare(t, at, group, "USD", want) })
		}
		t.Run(at+" figures", func(t *testing.T) {
			h.compareDSO(t, at, want)
			h.compareDisputes(t, at, want)
			h.compareTop(t, at, "USD", want)
		})
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

// compareDSO holds the DSO of the 90 days up to a day to the reference, to all of its digits.
func (h *house) compareDSO(t *testing.T, at string, want lateReference) {
	t.Helper()
	to := calendar.MustDate(at)
	p, _, err := h.Figures(clerk(t), figures.Query{From: to.AddDays(-89), To: to, GroupBy: figures.ByTotal, Limit: 5})
	must(t, err)
	if len(p.Rows) != 1 {
		t.Fatalf("%d rows", len(p.Rows))
	}
	r := p.Rows[0]
	if got := money.New(r.Sales, "USD").String(); got != want.SalesLast90Days {
		t.Errorf("sales of 90 days %s, want %s", got, want.SalesLast90Days)
	}
	wanted, ok := new(big.Rat).SetString(want.DSO90Days.String())
	if !ok || r.DSO().Decimal(4) != wanted.FloatString(4) {
		t.Errorf("DSO %s, want %s", r.DSO().Decimal(4), want.DSO90Days)
	}
}

// disputes marks the invoices that the data call disputed, from their date on.
func (h *house) disputes(t *testing.T, list []map[string]string) {
	t.Helper()
	var disputed []string
	for _, r := range list {
		if r["Disputed"] == "Yes" {
			disputed = append(disputed, r["invoiceNumber"])
		}
	}
	_, err := h.pool.Exec(t.Context(), `CREATE TABLE disputed AS SELECT unnest($1::text[]) AS item_id`, disputed)
	must(t, err)
	_, err = h.pool.Exec(t.Context(), `CREATE OR REPLACE VIEW item_marks AS
		SELECT item_id, customer_id, 'DISPUTED'::text AS kind, document_date AS from_date, NULL::date AS until_date, NULL::bigint AS amount, NULL::date AS promised_date
		FROM disputed JOIN items USING (item_id)`)
	must(t, err)
}

func (h *house) compareDisputes(t *testing.T, at string, want lateReference) {
	t.Helper()
	q := aging.Query{AsOf: calendar.MustDate(at), By: aging.ByDueDate, GroupBy: aging.GroupTotal, Limit: 5}
	p, q, err := h.Aging(clerk(t), q)
	must(t, err)
	if got := p.Totals[0].Disputed.String(); got != want.DisputedAmount {
		t.Errorf("disputed %s, want %s", got, want.DisputedAmount)
	}
	items, _, err := h.AgingItems(clerk(t), q, "", aging.ItemsPage{Limit: 1000})
	must(t, err)
	var disputed int64
	for _, i := range items {
		if i.Disputed.IsPositive() {
			disputed++
		}
	}
	if disputed != want.DisputedItems || int64(len(items)) != want.OpenItems {
		t.Errorf("%d items, %d disputed; want %d, %d", len(items), disputed, want.OpenItems, want.DisputedItems)
	}
}

// compareTop holds the greatest overdue customers to the reference, and how many owe.
func (h *house) compareTop(t *testing.T, at, currency string, want lateReference) {
	t.Helper()
	list, _, err := h.Concentration(clerk(t), figures.ConcentrationQuery{AsOf: calendar.MustDate(at), Top: 10, ByOverdue: true})
	must(t, err)
	for _, c := range list {
		if c.Currency != currency {
			continue
		}
		if (want.CustomersWithBalance > 0 && c.Customers != want.CustomersWithBalance) || (want.OverdueCustomers > 0 && c.OverdueCustomers != want.OverdueCustomers) {
			t.Errorf("%d customers, %d overdue; want %d, %d", c.Customers, c.OverdueCustomers, want.CustomersWithBalance, want.OverdueCustomers)
		}
		if len(c.Top) != len(want.Top10Overdue) {
			t.Errorf("%d customers in front, want %d", len(c.Top), len(want.Top10Overdue))
		}
		for i, d := range c.Top[:min(len(c.Top), len(want.Top10Overdue))] {
			w := want.Top10Overdue[i]
			got := fmt.Sprintf("%s %s %d", strings.TrimSuffix(d.CustomerID, "/"+currency), money.New(d.Overdue, currency), d.OverdueItems)
			if wanted := fmt.Sprintf("%s %s %d", w.Customer+w.CustNumber, w.Overdue, w.Items); got != wanted {
				t.Errorf("place %d: %s, want %s", i+1, got, wanted)
			}
		}
		return
	}
	t.Errorf("nothing in %s", currency)
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
			t.Run(at+" "+currency, func(t *testing.T) {
				h.compare(t, at, aging.GroupCustomer, currency, w)
				h.compareTop(t, at, currency, w)
			})
		}
	}
	if days == 0 {
		t.Error("the reference has no day")
	}
}
