package rpc

import (
	"context"
	"fmt"

	"github.com/avalcredit/aval/pkg/errs"
	"github.com/avalcredit/aval/pkg/money"
	evaluationv1 "github.com/avalcredit/aval/proto/gen/aval/evaluation/v1"
	typev1 "github.com/avalcredit/aval/proto/gen/aval/type/v1"
	"github.com/avalcredit/aval/services/evaluation/internal/app"
	"github.com/avalcredit/aval/services/evaluation/internal/invoices"
)

// Invoices serves what is known of firms from their invoices.
type Invoices struct {
	evaluationv1.UnsafeInvoiceFactServiceServer
	App *app.App
}

var _ evaluationv1.InvoiceFactServiceServer = Invoices{}

// RecordInvoiceBatch implements the contract.
func (s Invoices) RecordInvoiceBatch(ctx context.Context, req *evaluationv1.RecordInvoiceBatchRequest) (*evaluationv1.RecordInvoiceBatchResponse, error) {
	if req.GetValidateOnly() {
		ctx = app.OnTrial(ctx)
		req.ValidateOnly = false // not part of what the request id stands for
	}
	b, all, err := batchIn(req.GetBatch())
	if err != nil {
		return nil, err
	}
	b.CustomerID = req.GetCustomerId()
	r := request(ctx, evaluationv1.InvoiceFactService_RecordInvoiceBatch_FullMethodName, req.GetRequestId(), req)
	kept, err := s.App.RecordInvoices(ctx, r, b, all)
	if err != nil {
		return nil, err
	}
	return &evaluationv1.RecordInvoiceBatchResponse{Batch: batchOut(kept.Batch), Unchanged: kept.Unchanged}, nil
}

// ListInvoiceBatches implements the contract.
func (s Invoices) ListInvoiceBatches(ctx context.Context, req *evaluationv1.ListInvoiceBatchesRequest) (*evaluationv1.ListInvoiceBatchesResponse, error) {
	found, next, err := s.App.InvoiceBatches(ctx, req.GetCustomerId(), req.GetPageSize(), req.GetPageToken())
	if err != nil {
		return nil, err
	}
	res := &evaluationv1.ListInvoiceBatchesResponse{NextPageToken: next}
	for _, b := range found {
		res.Batches = append(res.Batches, batchOut(b))
	}
	return res, nil
}

// GetInvoiceSummary implements the contract.
func (s Invoices) GetInvoiceSummary(ctx context.Context, req *evaluationv1.GetInvoiceSummaryRequest) (*evaluationv1.GetInvoiceSummaryResponse, error) {
	var r reader
	known := r.date("known_on_date", req.GetKnownOnDate())
	if err := r.err(); err != nil {
		return nil, err
	}
	sum, err := s.App.InvoiceSummary(ctx, req.GetCustomerId(), known)
	if err != nil || sum == nil {
		return &evaluationv1.GetInvoiceSummaryResponse{}, err
	}
	return &evaluationv1.GetInvoiceSummaryResponse{Summary: summaryOut(req.GetCustomerId(), *sum)}, nil
}

func batchIn(m *evaluationv1.InvoiceBatch) (invoices.Batch, []invoices.Invoice, error) {
	var r reader
	b := invoices.Batch{
		Direction: invoices.Direction(name(m.GetDirection(), evaluationv1.InvoiceDirection_name, "INVOICE_DIRECTION_")),
		Part:      max(int(m.GetPart()), 1), Source: m.GetSource(), Supersedes: m.GetSupersedesBatchId(),
		AsOf:     r.date("batch.as_of_date", m.GetAsOfDate()),
		Currency: m.GetInvoices()[0].GetTotalAmount().GetCurrencyCode(), // the contract asks for one at least
	}
	all := make([]invoices.Invoice, len(m.GetInvoices()))
	for i, v := range m.GetInvoices() {
		at := fmt.Sprintf("batch.invoices[%d].", i)
		amount := func(field string, given *typev1.Money) int64 {
			got := r.money(at+field, given)
			switch {
			case got == nil:
				return 0
			case got.Currency != b.Currency:
				r.found = append(r.found, errs.Violation{Field: at + field, Rule: "same_currency", Message: "a batch is in one currency"})
			}
			return got.Minor
		}
		all[i] = invoices.Invoice{
			Number: v.GetInvoiceNumber(), Date: r.date(at+"invoice_date", v.GetInvoiceDate()), Counterparty: v.GetCounterparty(),
			Net: amount("net_amount", v.GetNetAmount()), Tax: amount("tax_amount", v.GetTaxAmount()),
			Total: amount("total_amount", v.GetTotalAmount()),
			Void:  v.GetStatus() == evaluationv1.TaxInvoiceStatus_TAX_INVOICE_STATUS_VOID,
		}
	}
	return b, all, r.err()
}

func batchOut(b invoices.Batch) *evaluationv1.InvoiceBatch {
	return &evaluationv1.InvoiceBatch{
		BatchId: b.ID(), CustomerId: b.CustomerID, Month: b.Month, Source: b.Source, AsOfDate: b.AsOf.String(),
		Direction:         number[evaluationv1.InvoiceDirection](string(b.Direction), evaluationv1.InvoiceDirection_value, "INVOICE_DIRECTION_"),
		SupersedesBatchId: b.Supersedes, ContentSha256: b.Content, RecordedBy: b.RecordedBy, RecordDate: b.RecordDate.String(),
		Sequence: b.Sequence, InvoiceCount: int32(b.Count), Part: int32(b.Part), //nolint:gosec // bounded by the contract
	}
}

func summaryOut(customerID string, s invoices.Summary) *evaluationv1.InvoiceSummary {
	amount := func(minor int64) *typev1.Money {
		m := money.New(minor, s.Currency)
		return moneyOf(&m)
	}
	totals := func(t invoices.Totals) *evaluationv1.InvoiceTotals {
		return &evaluationv1.InvoiceTotals{
			Invoices: t.Invoices, ValidInvoices: t.Valid, VoidInvoices: t.Void, NegativeInvoices: t.Negatives,
			Total: amount(t.Total), NegativeTotal: amount(t.Negative), NetTotal: amount(t.Net), TaxTotal: amount(t.Tax),
			Mismatched: t.Mismatched, FirstDate: t.First.String(), LastDate: t.Last.String(),
		}
	}
	m := &evaluationv1.InvoiceSummary{
		CustomerId: customerID, AsOfDate: s.AsOf.String(), LastBatchSequence: s.LastBatch,
		Sales: totals(s.Sales), Purchases: totals(s.Purchases), Buyers: s.Buyers,
		TopBuyer: s.TopBuyer, TopBuyerTotal: amount(s.TopBuyerTotal),
	}
	for _, v := range s.Months {
		m.Months = append(m.Months, &evaluationv1.InvoiceMonth{Month: v.Month, Sales: amount(v.Sales)})
	}
	return m
}
