package rpc

import (
	"context"
	"strconv"
	"strings"

	"github.com/avalcredit/aval/pkg/idem"
	"github.com/avalcredit/aval/pkg/page"
	receivablesv1 "github.com/avalcredit/aval/proto/gen/aval/receivables/v1"
	"github.com/avalcredit/aval/services/receivables/internal/app"
	"github.com/avalcredit/aval/services/receivables/internal/receipt"
)

// Receipts serves ReceiptService.
type Receipts struct {
	receivablesv1.UnsafeReceiptServiceServer
	App   *app.Service
	Pages *page.Signer
}

var _ receivablesv1.ReceiptServiceServer = (*Receipts)(nil)

// PostReceipt implements ReceiptService.
func (s *Receipts) PostReceipt(ctx context.Context, req *receivablesv1.PostReceiptRequest) (*receivablesv1.PostReceiptResponse, error) {
	var f fields
	in := req.GetReceipt()
	d := receipt.Draft{
		ID: in.GetReceiptId(), CustomerID: in.GetCustomerId(), Date: f.date("receipt.receipt_date", in.GetReceiptDate()),
		Amount: f.money("receipt.amount", in.GetAmount()), Instrument: instrument(in.GetInstrument()), Reference: in.GetReference(),
		NoticeID: in.GetPaymentNoticeId(), OrderID: in.GetOrderId(), Bill: f.bill(in.GetBill()),
	}
	order := receipt.Order{Named: f.named(req.GetInvoices()), Mode: mode(req.GetApplicationMode())}
	if f.err != nil {
		return nil, f.err
	}
	if req.GetValidateOnly() {
		ctx = app.OnTrial(ctx)
		req.ValidateOnly = false // not part of what the request id stands for
	}
	r := idem.FromProto(ctx, receivablesv1.ReceiptService_PostReceipt_FullMethodName, req.GetRequestId(), req)
	out, err := s.App.PostReceipt(ctx, r, d, order)
	if err != nil {
		return nil, err
	}
	return &receivablesv1.PostReceiptResponse{Receipt: receiptOf(out)}, nil
}

// GetReceipt implements ReceiptService.
func (s *Receipts) GetReceipt(ctx context.Context, req *receivablesv1.GetReceiptRequest) (*receivablesv1.GetReceiptResponse, error) {
	out, err := s.App.Receipt(ctx, req.GetReceiptId())
	if err != nil {
		return nil, err
	}
	return &receivablesv1.GetReceiptResponse{Receipt: receiptOf(out)}, nil
}

// ListReceipts implements ReceiptService.
func (s *Receipts) ListReceipts(ctx context.Context, req *receivablesv1.ListReceiptsRequest) (*receivablesv1.ListReceiptsResponse, error) {
	checksum := page.Checksum("receipts", req.GetCustomerId(), strconv.FormatBool(req.GetUnappliedOnly()))
	after, err := place(s.Pages, req.GetPageToken(), checksum)
	if err != nil {
		return nil, err
	}
	size := page.Size(req.GetPageSize(), defaultPage, maxPage)
	list, err := s.App.Receipts(ctx, receipt.Query{
		CustomerID: req.GetCustomerId(), UnappliedOnly: req.GetUnappliedOnly(), After: after, Limit: size + 1,
	})
	if err != nil {
		return nil, err
	}
	resp := &receivablesv1.ListReceiptsResponse{}
	if len(list) > size {
		list = list[:size]
		last := list[size-1]
		resp.NextPageToken = placeToken(s.Pages, checksum, last.CreateTime, last.ID)
	}
	for _, r := range list {
		resp.Receipts = append(resp.Receipts, receiptOf(r))
	}
	return resp, nil
}

// ApplyReceipt implements ReceiptService.
func (s *Receipts) ApplyReceipt(ctx context.Context, req *receivablesv1.ApplyReceiptRequest) (*receivablesv1.ApplyReceiptResponse, error) {
	var f fields
	order := receipt.Order{Named: f.named(req.GetInvoices())}
	if f.err != nil {
		return nil, f.err
	}
	r := idem.FromProto(ctx, receivablesv1.ReceiptService_ApplyReceipt_FullMethodName, req.GetRequestId(), req)
	out, err := s.App.ApplyReceipt(ctx, r, req.GetReceiptId(), order)
	if err != nil {
		return nil, err
	}
	return &receivablesv1.ApplyReceiptResponse{Receipt: receiptOf(out)}, nil
}

// ReverseReceipt implements ReceiptService.
func (s *Receipts) ReverseReceipt(ctx context.Context, req *receivablesv1.ReverseReceiptRequest) (*receivablesv1.ReverseReceiptResponse, error) {
	r := idem.FromProto(ctx, receivablesv1.ReceiptService_ReverseReceipt_FullMethodName, req.GetRequestId(), req)
	out, err := s.App.ReverseReceipt(ctx, r, req.GetReceiptId(), req.GetReason())
	if err != nil {
		return nil, err
	}
	return &receivablesv1.ReverseReceiptResponse{Receipt: receiptOf(out)}, nil
}

func (f *fields) named(list []*receivablesv1.InvoiceAmount) []receipt.Named {
	out := make([]receipt.Named, len(list))
	for i, n := range list {
		out[i].InvoiceID = n.GetInvoiceId()
		if n.GetAmount() != nil {
			amount := f.money("invoices["+strconv.Itoa(i)+"].amount", n.GetAmount())
			out[i].Amount = &amount
		}
	}
	return out
}

// bill reads what an acceptance bill says of itself; absent is none.
func (f *fields) bill(in *receivablesv1.BillDetails) *receipt.Bill {
	if in == nil {
		return nil
	}
	return &receipt.Bill{
		Number: in.GetBillNumber(), Drawer: in.GetDrawer(), Acceptor: in.GetAcceptor(),
		IssueDate: f.date("receipt.bill.issue_date", in.GetIssueDate()), MaturityDate: f.date("receipt.bill.maturity_date", in.GetMaturityDate()),
	}
}

func billDetailsOf(b *receipt.Bill) *receivablesv1.BillDetails {
	if b == nil {
		return nil
	}
	return &receivablesv1.BillDetails{
		BillNumber: b.Number, Drawer: b.Drawer, Acceptor: b.Acceptor, IssueDate: b.IssueDate.String(), MaturityDate: b.MaturityDate.String(),
	}
}

func receiptOf(r receipt.Receipt) *receivablesv1.Receipt {
	return &receivablesv1.Receipt{
		ReceiptId: r.ID, CustomerId: r.CustomerID, ReceiptDate: r.Date.String(), Amount: moneyOf(r.Amount),
		Instrument: instrumentOf(r.Instrument), Reference: r.Reference, UnappliedAmount: moneyOf(r.Unapplied),
		Applications: applicationsOf(r.Applications), Reversed: r.Reversed(), PostDate: r.PostDate.String(), CreateTime: timeOf(r.CreateTime),
		PaymentNoticeId: r.NoticeID, OrderId: r.OrderID, Bill: billDetailsOf(r.Bill),
	}
}

func mode(m receivablesv1.ApplicationMode) receipt.Mode {
	switch m {
	case receivablesv1.ApplicationMode_APPLICATION_MODE_OLDEST_DUE_FIRST:
		return receipt.ModeOldestDueFirst
	case receivablesv1.ApplicationMode_APPLICATION_MODE_NONE:
		return receipt.ModeNone
	default:
		return receipt.ModeDefault
	}
}

const instrumentPrefix = "PAYMENT_INSTRUMENT_"

// instrument is the domain's value of the same name; unspecified: remittance.
func instrument(i receivablesv1.PaymentInstrument) receipt.Instrument {
	if i == receivablesv1.PaymentInstrument_PAYMENT_INSTRUMENT_UNSPECIFIED {
		return receipt.InstrumentRemittance
	}
	return receipt.Instrument(strings.TrimPrefix(i.String(), instrumentPrefix))
}

// instrumentOf is the contract's value of the same name.
func instrumentOf(i receipt.Instrument) receivablesv1.PaymentInstrument {
	return receivablesv1.PaymentInstrument(receivablesv1.PaymentInstrument_value[instrumentPrefix+string(i)])
}
