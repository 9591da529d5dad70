package evaluation_test

import (
	"context"
	"testing"

	"github.com/avalcredit/aval/pkg/errs"
	evaluationv1 "github.com/avalcredit/aval/proto/gen/aval/evaluation/v1"
)

func invoiceOf(date, buyer, total string) *evaluationv1.TaxInvoice {
	return &evaluationv1.TaxInvoice{
		InvoiceNumber: "0001", InvoiceDate: date, Counterparty: buyer, NetAmount: cny(total), TaxAmount: cny("0"), TotalAmount: cny(total),
	}
}

func (s *suite) invoiceFacts() evaluationv1.InvoiceFactServiceClient {
	return evaluationv1.NewInvoiceFactServiceClient(s.conn)
}

func (s *suite) record(ctx context.Context, customerID string, b *evaluationv1.InvoiceBatch) (*evaluationv1.RecordInvoiceBatchResponse, error) {
	b.Direction, b.Source = evaluationv1.InvoiceDirection_INVOICE_DIRECTION_SALE, "tax control system"
	return s.invoiceFacts().RecordInvoiceBatch(ctx, &evaluationv1.RecordInvoiceBatchRequest{RequestId: s.rid(), CustomerId: customerID, Batch: b})
}

// Invariant 20: alike invoices each count; a month is corrected by a batch that names the one before; what was
// known on a day can be asked for ever.
func TestFirmInvoices(t *testing.T) {
	t.Parallel()
	s := start(t)
	s.customer("C-1")
	batch := func(total string) *evaluationv1.InvoiceBatch {
		return &evaluationv1.InvoiceBatch{AsOfDate: "2026-01-31", Invoices: []*evaluationv1.TaxInvoice{
			invoiceOf("2026-01-05", "B", "10.00"), invoiceOf("2026-01-05", "B", "10.00"), invoiceOf("2026-01-09", "C", total),
		}}
	}
	asked := batch("5.00")
	asked.Direction, asked.Source = evaluationv1.InvoiceDirection_INVOICE_DIRECTION_SALE, "tax control system"
	tried, err := s.invoiceFacts().RecordInvoiceBatch(as(analyst, "2026-03-02"), &evaluationv1.RecordInvoiceBatchRequest{
		RequestId: "tried", CustomerId: "C-1", Batch: asked, ValidateOnly: true,
	})
	must(t, err)
	if tried.GetBatch().GetBatchId() != "SALE-2026-01.1.1" || tried.GetUnchanged() {
		t.Errorf("%v", tried)
	}
	first, err := s.record(as(analyst, "2026-03-02"), "C-1", batch("5.00"))
	must(t, err)
	if id := first.GetBatch().GetBatchId(); id != "SALE-2026-01.1.1" || first.GetUnchanged() {
		t.Fatalf("%v", first)
	}
	again, err := s.record(as(analyst, "2026-03-02"), "C-1", batch("5.00"))
	must(t, err)
	if !again.GetUnchanged() || again.GetBatch().GetSequence() != 1 {
		t.Errorf("%v", again)
	}
	_, err = s.record(as(analyst, "2026-03-03"), "C-1", batch("7.00"))
	refused(t, err, errs.FailedPrecondition, "INVOICE_BATCH_EXISTS")
	correction := batch("7.00")
	correction.SupersedesBatchId = "SALE-2026-01.1.1"
	_, err = s.record(as(analyst, "2026-03-03"), "C-1", correction)
	must(t, err)
	for _, c := range []struct{ on, total string }{{"2026-03-01", ""}, {"2026-03-02", "25.00"}, {"2026-03-03", "27.00"}, {"", "27.00"}} {
		got, err := s.invoiceFacts().GetInvoiceSummary(as(credit), &evaluationv1.GetInvoiceSummaryRequest{CustomerId: "C-1", KnownOnDate: c.on})
		must(t, err)
		if total := got.GetSummary().GetSales().GetTotal().GetAmount(); total != c.total {
			t.Errorf("known on %q: %q, want %q", c.on, total, c.total)
		}
	}
	list, err := s.invoiceFacts().ListInvoiceBatches(as(credit), &evaluationv1.ListInvoiceBatchesRequest{CustomerId: "C-1", PageSize: 1})
	must(t, err)
	if len(list.GetBatches()) != 1 || list.GetBatches()[0].GetBatchId() != "SALE-2026-01.1.2" || list.GetNextPageToken() == "" {
		t.Errorf("%v", list)
	}
	for _, table := range []string{"invoice_batches", "invoice_lines"} {
		for _, sql := range []string{"UPDATE " + table + " SET customer_id = 'X'", "DELETE FROM " + table, "TRUNCATE " + table + " CASCADE"} {
			if _, err := s.pool.Exec(t.Context(), sql); err == nil {
				t.Errorf("%s went through", sql)
			}
		}
	}
	foreign := batch("5.00")
	for _, v := range foreign.GetInvoices() {
		v.NetAmount.CurrencyCode, v.TaxAmount.CurrencyCode, v.TotalAmount.CurrencyCode = "USD", "USD", "USD"
	}
	_, err = s.record(as(analyst), "C-1", foreign)
	refused(t, err, errs.FailedPrecondition, "CURRENCY_MISMATCH")
	foreign.Invoices[1].TaxAmount = cny("0")
	_, err = s.record(as(analyst), "C-1", foreign)
	refused(t, err, errs.Invalid, "INVALID_FIELD")
	if field(err) != "batch.invoices[1].tax_amount" {
		t.Errorf("%v", err)
	}
	_, err = s.record(as(analyst), "C-2", batch("5.00"))
	refused(t, err, errs.NotFound, "CUSTOMER_NOT_FOUND")
	_, err = s.record(as(seller), "C-1", batch("5.00"))
	if errs.KindOf(err) != errs.PermissionDenied {
		t.Errorf("a seller records invoices: %v", err)
	}
	_, err = s.invoiceFacts().GetInvoiceSummary(as(other), &evaluationv1.GetInvoiceSummaryRequest{CustomerId: "C-1"})
	refused(t, err, errs.NotFound, "CUSTOMER_NOT_FOUND")
}
