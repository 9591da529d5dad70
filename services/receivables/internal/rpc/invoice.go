package rpc

import (
	"context"
	"strconv"

	"github.com/avalcredit/aval/pkg/idem"
	"github.com/avalcredit/aval/pkg/page"
	receivablesv1 "github.com/avalcredit/aval/proto/gen/aval/receivables/v1"
	"github.com/avalcredit/aval/services/receivables/internal/app"
	"github.com/avalcredit/aval/services/receivables/internal/invoice"
)

// Invoices serves InvoiceService.
type Invoices struct {
	receivablesv1.UnsafeInvoiceServiceServer
	App   *app.Service
	Pages *page.Signer
}

var _ receivablesv1.InvoiceServiceServer = (*Invoices)(nil)

// PostInvoice implements InvoiceService.
func (s *Invoices) PostInvoice(ctx context.Context, req *receivablesv1.PostInvoiceRequest) (*receivablesv1.PostInvoiceResponse, error) {
	var f fields
	d := f.invoice("invoice", req.GetInvoice())
	if f.err != nil {
		return nil, f.err
	}
	if req.GetValidateOnly() {
		ctx = app.OnTrial(ctx)
		req.ValidateOnly = false // not part of what the request id stands for
	}
	r := idem.FromProto(ctx, receivablesv1.InvoiceService_PostInvoice_FullMethodName, req.GetRequestId(), req)
	out, err := s.App.PostInvoice(ctx, r, d)
	if err != nil {
		return nil, err
	}
	return &receivablesv1.PostInvoiceResponse{Invoice: invoiceOf(out)}, nil
}

// PostInvoices implements InvoiceService.
func (s *Invoices) PostInvoices(ctx context.Context, req *receivablesv1.PostInvoicesRequest) (*receivablesv1.PostInvoicesResponse, error) {
	var f fields
	drafts := make([]invoice.Draft, len(req.GetInvoices()))
	for i, in := range req.GetInvoices() {
		drafts[i] = f.invoice("invoices["+strconv.Itoa(i)+"]", in)
	}
	if f.err != nil {
		return nil, f.err
	}
	if req.GetValidateOnly() {
		ctx = app.OnTrial(ctx)
		req.ValidateOnly = false // not part of what the request id stands for
	}
	r := idem.FromProto(ctx, receivablesv1.InvoiceService_PostInvoices_FullMethodName, req.GetRequestId(), req)
	out, err := s.App.PostInvoices(ctx, r, drafts)
	if err != nil {
		return nil, err
	}
	//nolint:gosec // bounded by the contract
	return &receivablesv1.PostInvoicesResponse{PostedInvoices: int32(out.Invoices), Customers: int32(out.Customers)}, nil
}

// invoice reads an invoice that is to be posted.
func (f *fields) invoice(path string, in *receivablesv1.Invoice) invoice.Draft {
	d := invoice.Draft{
		ID: in.GetInvoiceId(), CustomerID: in.GetCustomerId(), OrderID: in.GetOrderId(),
		Date: f.date(path+".invoice_date", in.GetInvoiceDate()), DueDate: f.date(path+".due_date", in.GetDueDate()),
		TermDays: days(in.TermDays), Amount: f.money(path+".amount", in.GetAmount()), Salesperson: in.GetSalespersonId(),
		UnitID: in.GetUnitId(), Reference: in.GetReference(),
		Terms: f.settlement(path+".settlement_terms", in.GetSettlementTerms()), SoldOn: f.date(path+".sold_on_date", in.GetSoldOnDate()),
		Discount: f.discount(path+".early_payment_discount", in.GetEarlyPaymentDiscount()),
	}
	for i, p := range in.GetInstalments() {
		at := path + ".instalments[" + strconv.Itoa(i) + "]"
		d.Instalments = append(d.Instalments, invoice.Part{
			DueDate: f.date(at+".due_date", p.GetDueDate()), TermDays: days(p.TermDays), Amount: f.money(at+".amount", p.GetAmount()),
		})
	}
	return d
}

func days(n *int32) *int {
	if n == nil {
		return nil
	}
	out := int(*n)
	return &out
}

// GetInvoice implements InvoiceService.
func (s *Invoices) GetInvoice(ctx context.Context, req *receivablesv1.GetInvoiceRequest) (*receivablesv1.GetInvoiceResponse, error) {
	out, err := s.App.Invoice(ctx, req.GetInvoiceId())
	if err != nil {
		return nil, err
	}
	return &receivablesv1.GetInvoiceResponse{Invoice: invoiceOf(out)}, nil
}

// ListInvoices implements InvoiceService.
func (s *Invoices) ListInvoices(ctx context.Context, req *receivablesv1.ListInvoicesRequest) (*receivablesv1.ListInvoicesResponse, error) {
	checksum := page.Checksum("invoices", req.GetCustomerId(), req.GetState().String(), req.GetOrderId())
	after, err := place(s.Pages, req.GetPageToken(), checksum)
	if err != nil {
		return nil, err
	}
	size := page.Size(req.GetPageSize(), defaultPage, maxPage)
	list, err := s.App.Invoices(ctx, invoice.Query{
		CustomerID: req.GetCustomerId(), OrderID: req.GetOrderId(), State: stateFilter(req.GetState()), After: after, Limit: size + 1,
	})
	if err != nil {
		return nil, err
	}
	resp := &receivablesv1.ListInvoicesResponse{}
	if len(list) > size {
		list = list[:size]
		last := list[size-1]
		resp.NextPageToken = placeToken(s.Pages, checksum, last.CreateTime, last.ID)
	}
	for _, i := range list {
		resp.Invoices = append(resp.Invoices, invoiceOf(i))
	}
	return resp, nil
}

// ReverseInvoice implements InvoiceService.
func (s *Invoices) ReverseInvoice(ctx context.Context, req *receivablesv1.ReverseInvoiceRequest) (*receivablesv1.ReverseInvoiceResponse, error) {
	r := idem.FromProto(ctx, receivablesv1.InvoiceService_ReverseInvoice_FullMethodName, req.GetRequestId(), req)
	out, err := s.App.ReverseInvoice(ctx, r, req.GetInvoiceId(), req.GetReason())
	if err != nil {
		return nil, err
	}
	return &receivablesv1.ReverseInvoiceResponse{Invoice: invoiceOf(out)}, nil
}

func invoiceOf(i invoice.Invoice) *receivablesv1.Invoice {
	out := &receivablesv1.Invoice{
		InvoiceId: i.ID, CustomerId: i.CustomerID, OrderId: i.OrderID, InvoiceDate: i.Date.String(), DueDate: i.DueDate.String(),
		Amount: moneyOf(i.Amount), SalespersonId: i.Salesperson, Reference: i.Reference, OpenAmount: moneyOf(i.Open),
		State: stateOf(i.State()), SettleDate: i.SettleDate.String(), PostDate: i.PostDate.String(), CreateTime: timeOf(i.CreateTime),
		Applications: applicationsOf(i.Applications), ReverseDate: i.ReverseDate.String(), UnitId: i.UnitID,
		SettlementTerms: settlementOf(i.Terms), EarlyPaymentDiscount: discountOf(i.Discount),
	}
	if i.Terms != nil {
		out.SoldOnDate = i.Terms.SoldOn.String()
	}
	for _, p := range i.Instalments {
		out.Instalments = append(out.Instalments, &receivablesv1.Instalment{
			DueDate: p.DueDate.String(), Amount: moneyOf(p.Amount), ItemId: p.ItemID, OpenAmount: moneyOf(p.Open), SettleDate: p.SettleDate.String(),
		})
	}
	return out
}

func stateOf(s invoice.State) receivablesv1.InvoiceState {
	switch s {
	case invoice.StateOpen:
		return receivablesv1.InvoiceState_INVOICE_STATE_OPEN
	case invoice.StateSettled:
		return receivablesv1.InvoiceState_INVOICE_STATE_SETTLED
	case invoice.StateReversed:
		return receivablesv1.InvoiceState_INVOICE_STATE_REVERSED
	default:
		return receivablesv1.InvoiceState_INVOICE_STATE_UNSPECIFIED
	}
}

func stateFilter(s receivablesv1.InvoiceState) invoice.State {
	switch s {
	case receivablesv1.InvoiceState_INVOICE_STATE_OPEN:
		return invoice.StateOpen
	case receivablesv1.InvoiceState_INVOICE_STATE_SETTLED:
		return invoice.StateSettled
	case receivablesv1.InvoiceState_INVOICE_STATE_REVERSED:
		return invoice.StateReversed
	default:
		return ""
	}
}
