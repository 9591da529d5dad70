package receivables_test

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/avalcredit/aval/pkg/errs"
	receivablesv1 "github.com/avalcredit/aval/proto/gen/aval/receivables/v1"
	typev1 "github.com/avalcredit/aval/proto/gen/aval/type/v1"
)

// Bad input says what is wrong, names the field, and changes nothing.
func TestRefusals(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.deliver(t, profile("C-1", "S-1", 1))
	w.post(t, "2024-01-01", &receivablesv1.Invoice{InvoiceId: "I-1", CustomerId: "C-1", Amount: cny("100")})
	before := w.rows(t)
	good := func() *receivablesv1.Invoice {
		return &receivablesv1.Invoice{InvoiceId: "I-2", CustomerId: "C-1", Amount: cny("1")}
	}
	for _, c := range []struct {
		name   string
		change func(*receivablesv1.Invoice)
		kind   errs.Kind
		reason string
		field  string
	}{
		{"unknown customer", func(i *receivablesv1.Invoice) { i.CustomerId = "C-9" }, errs.NotFound, "CUSTOMER_UNKNOWN", "invoice.customer_id"},
		{"currency", func(i *receivablesv1.Invoice) { i.Amount = &typev1.Money{CurrencyCode: "USD", Amount: "1"} }, errs.Invalid, "CURRENCY_MISMATCH", "invoice.amount.currency_code"},
		{"no currency", func(i *receivablesv1.Invoice) { i.Amount = &typev1.Money{CurrencyCode: "RMB", Amount: "1"} }, errs.Invalid, "MONEY_INVALID", "invoice.amount"},
		{"digits", func(i *receivablesv1.Invoice) { i.Amount = cny("1.001") }, errs.Invalid, "MONEY_INVALID", "invoice.amount"},
		{"negative", func(i *receivablesv1.Invoice) { i.Amount = cny("-1") }, errs.Invalid, "AMOUNT_NOT_POSITIVE", "invoice.amount.amount"},
		{"zero", func(i *receivablesv1.Invoice) { i.Amount = cny("0") }, errs.Invalid, "AMOUNT_NOT_POSITIVE", "invoice.amount.amount"},
		{"too much", func(i *receivablesv1.Invoice) { i.Amount = cny("9999999999999999") }, errs.Invalid, "MONEY_INVALID", "invoice.amount"},
		{"no amount", func(i *receivablesv1.Invoice) { i.Amount = nil }, errs.Invalid, "INVALID_FIELD", "invoice.amount"},
		{"no number", func(i *receivablesv1.Invoice) { i.InvoiceId = "" }, errs.Invalid, "INVALID_FIELD", "invoice.invoice_id"},
		{"no day", func(i *receivablesv1.Invoice) { i.InvoiceDate = "2024-02-30" }, errs.Invalid, "DATE_INVALID", "invoice.invoice_date"},
		{"posted before", func(i *receivablesv1.Invoice) { i.InvoiceId = "I-1" }, errs.AlreadyExists, "INVOICE_EXISTS", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			in := good()
			c.change(in)
			_, err := w.invoices.PostInvoice(w.as(t, "ERP", "2024-01-01"), &receivablesv1.PostInvoiceRequest{RequestId: "x", Invoice: in})
			if e := refusal(t, err, c.kind, c.reason); c.field != "" && !names(e, c.field) {
				t.Errorf("%+v does not name %s", e, c.field)
			}
		})
	}
	_, err := w.invoices.PostInvoice(w.as(t, "SALESPERSON", ""), &receivablesv1.PostInvoiceRequest{RequestId: "x", Invoice: good()})
	want(t, err, errs.PermissionDenied, "ROLE_REQUIRED")
	_, err = w.invoices.PostInvoice(t.Context(), &receivablesv1.PostInvoiceRequest{RequestId: "x", Invoice: good()})
	want(t, err, errs.Unauthenticated, "TOKEN_MISSING")
	if after := w.rows(t); after != before {
		t.Errorf("rows after refusals %s, before %s", after, before)
	}
}

// rows counts what is stored, but for the register of violations: what somebody may not do is refused and kept there.
func (w *world) rows(t *testing.T) string {
	t.Helper()
	var out []string
	for _, table := range []string{"ledger_entries", "items", "invoices", "receipts", "applications", "payment_notices", "accounts", "outbox WHERE stream <> 'violation'", "idempotency", "audit_events WHERE stream <> 'violations'"} {
		var n int64
		must(t, w.pool.QueryRow(t.Context(), `SELECT count(*) FROM `+table).Scan(&n))
		out = append(out, fmt.Sprint(table, " ", n))
	}
	return strings.Join(out, ", ")
}

// Invariant 11: a salesperson reaches its own customers, and others are not there.
func TestSalespersonScope(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.deliver(t, profile("C-1", "anna", 1), profile("C-2", "ben", 1))
	for _, id := range []string{"1", "2"} {
		w.post(t, "2024-01-01", &receivablesv1.Invoice{InvoiceId: "I-" + id, CustomerId: "C-" + id, Amount: cny("10")})
		w.pay(t, "2024-01-02", &receivablesv1.Receipt{ReceiptId: "R-" + id, CustomerId: "C-" + id, Amount: cny("3")})
	}
	ctx := w.by(t, "anna", "SALESPERSON", "2024-01-03")
	_, err := w.invoices.GetInvoice(ctx, &receivablesv1.GetInvoiceRequest{InvoiceId: "I-1"})
	must(t, err)
	_, err = w.invoices.GetInvoice(ctx, &receivablesv1.GetInvoiceRequest{InvoiceId: "I-2"})
	want(t, err, errs.NotFound, "INVOICE_UNKNOWN")
	_, err = w.receipts.GetReceipt(ctx, &receivablesv1.GetReceiptRequest{ReceiptId: "R-2"})
	want(t, err, errs.NotFound, "RECEIPT_UNKNOWN")
	_, err = w.ledger.GetLedger(ctx, &receivablesv1.GetLedgerRequest{CustomerId: "C-2"})
	want(t, err, errs.NotFound, "CUSTOMER_UNKNOWN")
	invoices, err := w.invoices.ListInvoices(ctx, &receivablesv1.ListInvoicesRequest{})
	must(t, err)
	receipts, err := w.receipts.ListReceipts(ctx, &receivablesv1.ListReceiptsRequest{})
	must(t, err)
	equal(t, "invoices", len(invoices.GetInvoices()), 1)
	equal(t, "receipts", len(receipts.GetReceipts()), 1)
	for _, group := range []string{"customer", "salesperson", "total"} {
		a, err := w.aging.GetAging(ctx, &receivablesv1.GetAgingRequest{GroupBy: group})
		must(t, err)
		equal(t, group+" rows", len(a.GetRows()), 1)
		equal(t, group+" open", a.GetTotals()[0].GetOpenAmount().GetAmount(), "7.00")
	}
	a, err := w.aging.GetAging(ctx, &receivablesv1.GetAgingRequest{CustomerId: "C-2"})
	must(t, err)
	equal(t, "rows of another's customer", len(a.GetRows())+len(a.GetTotals()), 0)
	w.deliver(t, profile("C-2", "anna", 2))
	_, err = w.invoices.GetInvoice(ctx, &receivablesv1.GetInvoiceRequest{InvoiceId: "I-2"})
	must(t, err)
}

// Pages together are the whole list, and a token goes with its question only.
func TestPages(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.deliver(t, profile("C-1", "S-1", 1), profile("C-2", "S-1", 1), profile("C-3", "S-1", 1))
	for i := range 7 {
		w.post(t, "2024-01-01", &receivablesv1.Invoice{InvoiceId: fmt.Sprint("I-", i), CustomerId: fmt.Sprint("C-", i%3+1), Amount: cny("1")})
		w.pay(t, "2024-01-01", &receivablesv1.Receipt{ReceiptId: fmt.Sprint("R-", i), CustomerId: "C-1", Amount: cny("100")})
	}
	ctx := w.as(t, "AUDITOR", "2024-01-03")
	walk := func(name string, wanted int, next func(ctx context.Context, token string) (int, string, error)) {
		got, token := 0, ""
		for pages := 0; pages == 0 || token != ""; pages++ {
			n, following, err := next(ctx, token)
			must(t, err)
			got, token = got+n, following
		}
		equal(t, name, got, wanted)
	}
	walk("invoices", 7, func(ctx context.Context, token string) (int, string, error) {
		r, err := w.invoices.ListInvoices(ctx, &receivablesv1.ListInvoicesRequest{PageSize: 2, PageToken: token})
		return len(r.GetInvoices()), r.GetNextPageToken(), err
	})
	walk("settled invoices of one customer", 3, func(ctx context.Context, token string) (int, string, error) {
		r, err := w.invoices.ListInvoices(ctx, &receivablesv1.ListInvoicesRequest{
			PageSize: 1, PageToken: token, CustomerId: "C-1", State: receivablesv1.InvoiceState_INVOICE_STATE_SETTLED,
		})
		return len(r.GetInvoices()), r.GetNextPageToken(), err
	})
	walk("receipts", 7, func(ctx context.Context, token string) (int, string, error) {
		r, err := w.receipts.ListReceipts(ctx, &receivablesv1.ListReceiptsRequest{PageSize: 3, PageToken: token, UnappliedOnly: true})
		return len(r.GetReceipts()), r.GetNextPageToken(), err
	})
	walk("entries", 10, func(ctx context.Context, token string) (int, string, error) {
		r, err := w.ledger.GetLedger(ctx, &receivablesv1.GetLedgerRequest{PageSize: 4, PageToken: token, CustomerId: "C-1"})
		return len(r.GetEntries()), r.GetNextPageToken(), err
	})
	walk("aging", 3, func(ctx context.Context, token string) (int, string, error) {
		r, err := w.aging.GetAging(ctx, &receivablesv1.GetAgingRequest{PageSize: 1, PageToken: token, GroupBy: "customer"})
		equal(t, "totals on each page", r.GetTotals()[0].GetOpenItems(), 4)
		return len(r.GetRows()), r.GetNextPageToken(), err
	})
	r, err := w.invoices.ListInvoices(ctx, &receivablesv1.ListInvoicesRequest{PageSize: 2})
	must(t, err)
	_, err = w.invoices.ListInvoices(ctx, &receivablesv1.ListInvoicesRequest{PageSize: 2, CustomerId: "C-1", PageToken: r.GetNextPageToken()})
	want(t, err, errs.Invalid, "PAGE_TOKEN_INVALID")
}

// The policy in force on the day asked for sets the buckets; who writes does not sign.
func TestPolicy(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.deliver(t, profile("C-1", "S-1", 1))
	w.post(t, "2024-01-01", &receivablesv1.Invoice{InvoiceId: "I-1", CustomerId: "C-1", Amount: cny("1")})
	create := func(yaml string) (*receivablesv1.CreateReceivablesPolicyResponse, error) {
		return w.policies.CreateReceivablesPolicy(w.as(t, "FINANCE_MANAGER", "2024-02-01"), &receivablesv1.CreateReceivablesPolicyRequest{
			RequestId: yaml, Source: &receivablesv1.CreateReceivablesPolicyRequest_Yaml{Yaml: yaml},
		})
	}
	text := "name: Own\nbase_currency: CNY\naging_bounds: [%s]\ndefault_term_days: 45\ndefault_after_days: 60\n"
	_, err := create(fmt.Sprintf(text, "30, 20"))
	want(t, err, errs.Invalid, "POLICY_INVALID")
	_, err = create(fmt.Sprintf(text, "30") + "colour: red\n")
	if e := refusal(t, err, errs.Invalid, "POLICY_INVALID"); !names(e, "yaml:6:1") {
		t.Errorf("%+v does not name line 6, column 1", e)
	}
	v, err := create(fmt.Sprintf(text, "7, 14"))
	must(t, err)
	equal(t, "version", v.GetVersion().GetVersion(), 2)
	sign := &receivablesv1.SignReceivablesPolicyRequest{RequestId: "sign", Version: 2, EffectiveFromDate: "2024-03-01"}
	_, err = w.policies.SignReceivablesPolicy(w.by(t, "FINANCE_MANAGER", "GENERAL_MANAGER", "2024-02-02"), sign)
	want(t, err, errs.PermissionDenied, "SAME_PERSON")
	_, err = w.policies.SignReceivablesPolicy(w.as(t, "GENERAL_MANAGER", "2024-02-02"), sign)
	must(t, err)
	for at, bucket := range map[string]string{"2024-02-29": "1-30", "2024-03-01": "1-7"} {
		a, err := w.aging.GetAging(w.as(t, "AUDITOR", ""), &receivablesv1.GetAgingRequest{AsOf: at})
		must(t, err)
		equal(t, "first overdue bucket at "+at, a.GetTotals()[0].GetBuckets()[1].GetName(), bucket)
	}
	inv := w.post(t, "2024-03-01", &receivablesv1.Invoice{InvoiceId: "I-2", CustomerId: "C-1", Amount: cny("1")})
	equal(t, "due by the new term", inv.GetDueDate(), "2024-04-15")
	list, err := w.policies.ListReceivablesPolicies(w.as(t, "AUDITOR", ""), &receivablesv1.ListReceivablesPoliciesRequest{PageSize: 1})
	must(t, err)
	equal(t, "newest", list.GetVersions()[0].GetVersion(), 2)
	got, err := w.policies.GetReceivablesPolicy(w.as(t, "AUDITOR", "2024-02-29"), &receivablesv1.GetReceivablesPolicyRequest{})
	must(t, err)
	equal(t, "in force before", got.GetVersion().GetVersion(), 1)
}
