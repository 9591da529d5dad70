package rpc

import (
	"context"
	"strings"

	"github.com/avalcredit/aval/pkg/errs"
	"github.com/avalcredit/aval/pkg/idem"
	"github.com/avalcredit/aval/pkg/page"
	receivablesv1 "github.com/avalcredit/aval/proto/gen/aval/receivables/v1"
	typev1 "github.com/avalcredit/aval/proto/gen/aval/type/v1"
	"github.com/avalcredit/aval/services/receivables/internal/app"
	"github.com/avalcredit/aval/services/receivables/internal/ledger"
	"github.com/avalcredit/aval/services/receivables/internal/receipt"
	"github.com/avalcredit/aval/services/receivables/internal/voucher"
)

// Documents serves DocumentService.
type Documents struct {
	receivablesv1.UnsafeDocumentServiceServer
	App   *app.Service
	Pages *page.Signer
}

var _ receivablesv1.DocumentServiceServer = (*Documents)(nil)

// PostDocument implements DocumentService.
func (s *Documents) PostDocument(ctx context.Context, req *receivablesv1.PostDocumentRequest) (*receivablesv1.PostDocumentResponse, error) {
	var f fields
	in := req.GetDocument()
	d := voucher.Draft{
		ID: in.GetDocumentId(), CustomerID: in.GetCustomerId(), Kind: documentKind(in.GetKind()),
		Date: f.date("document.document_date", in.GetDocumentDate()), DueDate: f.date("document.due_date", in.GetDueDate()),
		Amount: f.money("document.amount", in.GetAmount()), OrderID: in.GetOrderId(), About: in.GetAboutDocumentId(),
		Counterparty: in.GetCounterparty(), Reference: in.GetReference(), Reason: in.GetReason(), Salesperson: in.GetSalespersonId(), UnitID: in.GetUnitId(),
	}
	if in.GetInstrument() != receivablesv1.PaymentInstrument_PAYMENT_INSTRUMENT_UNSPECIFIED {
		d.Instrument = string(instrument(in.GetInstrument()))
	}
	f.direct(d, in.GetAmount())
	order := receipt.Order{Named: f.named(req.GetInvoices())}
	if f.err != nil {
		return nil, f.err
	}
	if req.GetValidateOnly() {
		ctx = app.OnTrial(ctx)
		req.ValidateOnly = false // not part of what the request id stands for
	}
	r := idem.FromProto(ctx, receivablesv1.DocumentService_PostDocument_FullMethodName, req.GetRequestId(), req)
	out, err := s.App.PostVoucher(ctx, r, d, order)
	if err != nil {
		return nil, err
	}
	return &receivablesv1.PostDocumentResponse{Document: documentOf(out)}, nil
}

// direct refuses what comes about in another way, or lacks what its kind needs.
func (f *fields) direct(d voucher.Draft, amount *typev1.Money) {
	computed := d.About != "" && (d.Kind == ledger.KindLateInterest || d.Kind == ledger.KindFee)
	switch {
	case f.err != nil:
	case d.Kind == ledger.KindDishonouredBill || d.Kind == ledger.KindBillEndorsed || d.Kind == ledger.KindBillDiscounted || d.Kind == ledger.KindBillHonoured:
		f.err = errs.Field("document.kind", "by_bill", "what is done with a bill is posted by BillService")
	case amount == nil && !computed:
		f.err = errs.Field("document.amount", "required", "give an amount: only late interest and fees about an invoice are computed")
	case d.About == "" && needsAbout(d.Kind):
		f.err = errs.Field("document.about_document_id", "required", "a document of kind %s names the one that it is about", d.Kind)
	case receipt.Instrument(d.Instrument).IsBill():
		f.err = errs.Field("document.instrument", "money", "a bill is no money yet")
	}
}

func needsAbout(k ledger.Kind) bool {
	switch k {
	case ledger.KindChargeback, ledger.KindDepositUse, ledger.KindRecovery:
		return true
	default:
		return false
	}
}

// GetDocument implements DocumentService.
func (s *Documents) GetDocument(ctx context.Context, req *receivablesv1.GetDocumentRequest) (*receivablesv1.GetDocumentResponse, error) {
	out, err := s.App.Voucher(ctx, req.GetDocumentId())
	if err != nil {
		return nil, err
	}
	return &receivablesv1.GetDocumentResponse{Document: documentOf(out)}, nil
}

// ListDocuments implements DocumentService.
func (s *Documents) ListDocuments(ctx context.Context, req *receivablesv1.ListDocumentsRequest) (*receivablesv1.ListDocumentsResponse, error) {
	checksum := page.Checksum("documents", req.GetCustomerId(), req.GetKind().String(), req.GetAboutDocumentId())
	after, err := place(s.Pages, req.GetPageToken(), checksum)
	if err != nil {
		return nil, err
	}
	size := page.Size(req.GetPageSize(), defaultPage, maxPage)
	list, err := s.App.Vouchers(ctx, voucher.Query{
		CustomerID: req.GetCustomerId(), Kind: documentKind(req.GetKind()), About: req.GetAboutDocumentId(), After: after, Limit: size + 1,
	})
	if err != nil {
		return nil, err
	}
	resp := &receivablesv1.ListDocumentsResponse{}
	if len(list) > size {
		list = list[:size]
		last := list[size-1]
		resp.NextPageToken = placeToken(s.Pages, checksum, last.CreateTime, last.ID)
	}
	for _, v := range list {
		resp.Documents = append(resp.Documents, documentOf(v))
	}
	return resp, nil
}

// ApplyDocument implements DocumentService.
func (s *Documents) ApplyDocument(ctx context.Context, req *receivablesv1.ApplyDocumentRequest) (*receivablesv1.ApplyDocumentResponse, error) {
	var f fields
	order := receipt.Order{Named: f.named(req.GetInvoices())}
	if f.err != nil {
		return nil, f.err
	}
	r := idem.FromProto(ctx, receivablesv1.DocumentService_ApplyDocument_FullMethodName, req.GetRequestId(), req)
	out, err := s.App.ApplyVoucher(ctx, r, req.GetDocumentId(), order)
	if err != nil {
		return nil, err
	}
	return &receivablesv1.ApplyDocumentResponse{Document: documentOf(out)}, nil
}

// ReverseDocument implements DocumentService.
func (s *Documents) ReverseDocument(ctx context.Context, req *receivablesv1.ReverseDocumentRequest) (*receivablesv1.ReverseDocumentResponse, error) {
	r := idem.FromProto(ctx, receivablesv1.DocumentService_ReverseDocument_FullMethodName, req.GetRequestId(), req)
	out, err := s.App.ReverseVoucher(ctx, r, req.GetDocumentId(), req.GetReason())
	if err != nil {
		return nil, err
	}
	return &receivablesv1.ReverseDocumentResponse{Document: documentOf(out)}, nil
}

func documentOf(v voucher.Voucher) *receivablesv1.Document {
	out := &receivablesv1.Document{
		DocumentId: v.ID, CustomerId: v.CustomerID, Kind: documentKindOf(v.Kind), DocumentDate: v.Date.String(), DueDate: v.DueDate.String(),
		Amount: moneyOf(v.Amount), OrderId: v.OrderID, AboutDocumentId: v.About, Instrument: instrumentOf(receipt.Instrument(v.Instrument)),
		Counterparty: v.Counterparty, Reference: v.Reference, Reason: v.Reason, SalespersonId: v.Salesperson, UnitId: v.UnitID,
		WithRecourse: v.Recourse, CreditMemoId: v.MemoID, OpenAmount: moneyOf(v.Open), UnappliedAmount: moneyOf(v.Unapplied),
		LeftAmount: moneyOf(v.Left), Applications: applicationsOf(v.Applications), PostDate: v.PostDate.String(), CreateTime: timeOf(v.CreateTime),
		ReverseDate: v.ReverseDate.String(),
	}
	if !v.Cost.IsZero() {
		out.Cost = moneyOf(v.Cost)
	}
	return out
}

const documentPrefix = "DOCUMENT_KIND_"

// documentKind is the domain's value of the same name; unspecified: none.
func documentKind(k receivablesv1.DocumentKind) ledger.Kind {
	if k == receivablesv1.DocumentKind_DOCUMENT_KIND_UNSPECIFIED {
		return ""
	}
	return ledger.Kind(strings.TrimPrefix(k.String(), documentPrefix))
}

// documentKindOf is the contract's value of the same name.
func documentKindOf(k ledger.Kind) receivablesv1.DocumentKind {
	return receivablesv1.DocumentKind(receivablesv1.DocumentKind_value[documentPrefix+string(k)])
}
