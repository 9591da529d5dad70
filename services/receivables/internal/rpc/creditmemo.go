package rpc

import (
	"context"
	"strconv"
	"strings"

	"github.com/avalcredit/aval/pkg/approval"
	"github.com/avalcredit/aval/pkg/errs"
	"github.com/avalcredit/aval/pkg/idem"
	"github.com/avalcredit/aval/pkg/page"
	optionsv1 "github.com/avalcredit/aval/proto/gen/aval/options/v1"
	receivablesv1 "github.com/avalcredit/aval/proto/gen/aval/receivables/v1"
	typev1 "github.com/avalcredit/aval/proto/gen/aval/type/v1"
	"github.com/avalcredit/aval/services/receivables/internal/app"
	"github.com/avalcredit/aval/services/receivables/internal/ledger"
	"github.com/avalcredit/aval/services/receivables/internal/memo"
	"github.com/avalcredit/aval/services/receivables/internal/receipt"
)

// CreditMemos serves CreditMemoService.
type CreditMemos struct {
	receivablesv1.UnsafeCreditMemoServiceServer
	App   *app.Service
	Pages *page.Signer
}

var _ receivablesv1.CreditMemoServiceServer = (*CreditMemos)(nil)

const memoPrefix, memoStatePrefix = "CREDIT_MEMO_KIND_", "CREDIT_MEMO_STATE_"

// ProposeCreditMemo implements CreditMemoService.
func (s *CreditMemos) ProposeCreditMemo(ctx context.Context, req *receivablesv1.ProposeCreditMemoRequest) (*receivablesv1.ProposeCreditMemoResponse, error) {
	var f fields
	in := req.GetCreditMemo()
	d := memo.Draft{
		CustomerID: in.GetCustomerId(), Kind: ledger.Kind(strings.TrimPrefix(in.GetKind().String(), memoPrefix)), ReasonCode: in.GetReasonCode(),
		Text: in.GetText(), Amount: f.money("credit_memo.amount", in.GetAmount()), Named: f.named(in.GetInvoices()),
		OldestDueFirst: in.GetOldestDueFirst(), About: in.GetReversedDocumentId(), Counterparty: in.GetPayableReference(),
		Evidence: in.GetEvidence(), DocumentID: in.GetDocumentId(), DocumentDate: f.date("credit_memo.document_date", in.GetDocumentDate()),
	}
	f.paidBack(&d, in)
	if f.err == nil && (d.Kind == ledger.KindReversal) == (in.GetAmount() != nil) {
		f.err = errs.Field("credit_memo.amount", "required", "an adjustment has an amount; a reversal takes the document's")
	}
	if f.err != nil {
		return nil, f.err
	}
	if req.GetValidateOnly() {
		ctx = app.OnTrial(ctx)
		req.ValidateOnly = false // not part of what the request id stands for
	}
	r := idem.FromProto(ctx, receivablesv1.CreditMemoService_ProposeCreditMemo_FullMethodName, req.GetRequestId(), req)
	m, err := s.App.ProposeMemo(ctx, r, d)
	if err != nil {
		return nil, err
	}
	return &receivablesv1.ProposeCreditMemoResponse{CreditMemo: memoOf(m)}, nil
}

// paidBack reads what a memo pays back, and how. Money goes back as money.
func (f *fields) paidBack(d *memo.Draft, in *receivablesv1.CreditMemo) {
	if in.GetInstrument() != receivablesv1.PaymentInstrument_PAYMENT_INSTRUMENT_UNSPECIFIED {
		d.Instrument = string(instrument(in.GetInstrument()))
	}
	switch back := in.GetPaidBackDocumentId(); {
	case f.err != nil:
	case memo.PaysBack(d.Kind) && d.About != "":
		f.err = errs.Field("credit_memo.reversed_document_id", "of_reversal", "only a reversal takes a document back")
	case memo.PaysBack(d.Kind):
		d.About = back
	case back != "":
		f.err = errs.Field("credit_memo.paid_back_document_id", "of_refund", "only a refund or the return of a deposit pays money back")
	}
	if f.err == nil && receipt.Instrument(d.Instrument).IsBill() {
		f.err = errs.Field("credit_memo.instrument", "money", "a bill is no money yet")
	}
}

// GetCreditMemo implements CreditMemoService.
func (s *CreditMemos) GetCreditMemo(ctx context.Context, req *receivablesv1.GetCreditMemoRequest) (*receivablesv1.GetCreditMemoResponse, error) {
	m, err := s.App.Memo(ctx, req.GetCreditMemoId())
	if err != nil {
		return nil, err
	}
	resp := &receivablesv1.GetCreditMemoResponse{CreditMemo: memoOf(m)}
	if m.State == memo.Posted && m.Kind != ledger.KindReversal {
		v, err := s.App.Voucher(ctx, m.DocumentID)
		if err != nil {
			return nil, err
		}
		resp.Document = documentOf(v)
	}
	return resp, nil
}

// ListCreditMemos implements CreditMemoService.
func (s *CreditMemos) ListCreditMemos(ctx context.Context, req *receivablesv1.ListCreditMemosRequest) (*receivablesv1.ListCreditMemosResponse, error) {
	checksum := page.Checksum("creditMemos", req.GetCustomerId(), req.GetState().String(), strconv.FormatBool(req.GetWaitingForMe()))
	after, err := place(s.Pages, req.GetPageToken(), checksum)
	if err != nil {
		return nil, err
	}
	size := page.Size(req.GetPageSize(), defaultPage, maxPage)
	q := memo.Query{CustomerID: req.GetCustomerId(), After: after, Limit: size + 1}
	if req.GetState() != receivablesv1.CreditMemoState_CREDIT_MEMO_STATE_UNSPECIFIED {
		q.State = memo.State(strings.TrimPrefix(req.GetState().String(), memoStatePrefix))
	}
	list, err := s.App.Memos(ctx, q, req.GetWaitingForMe())
	if err != nil {
		return nil, err
	}
	resp := &receivablesv1.ListCreditMemosResponse{}
	if len(list) > size {
		list = list[:size]
		last := list[size-1]
		resp.NextPageToken = placeToken(s.Pages, checksum, last.CreateTime, last.ID)
	}
	for _, m := range list {
		resp.CreditMemos = append(resp.CreditMemos, memoOf(m))
	}
	return resp, nil
}

// DecideCreditMemo implements CreditMemoService.
func (s *CreditMemos) DecideCreditMemo(ctx context.Context, req *receivablesv1.DecideCreditMemoRequest) (*receivablesv1.DecideCreditMemoResponse, error) {
	r := idem.FromProto(ctx, receivablesv1.CreditMemoService_DecideCreditMemo_FullMethodName, req.GetRequestId(), req)
	m, err := s.App.DecideMemo(ctx, r, req.GetCreditMemoId(), approval.Decision(req.GetDecision()), req.GetReason())
	if err != nil {
		return nil, err
	}
	return &receivablesv1.DecideCreditMemoResponse{CreditMemo: memoOf(m)}, nil
}

// WithdrawCreditMemo implements CreditMemoService.
func (s *CreditMemos) WithdrawCreditMemo(ctx context.Context, req *receivablesv1.WithdrawCreditMemoRequest) (*receivablesv1.WithdrawCreditMemoResponse, error) {
	r := idem.FromProto(ctx, receivablesv1.CreditMemoService_WithdrawCreditMemo_FullMethodName, req.GetRequestId(), req)
	m, err := s.App.WithdrawMemo(ctx, r, req.GetCreditMemoId(), req.GetReason())
	if err != nil {
		return nil, err
	}
	return &receivablesv1.WithdrawCreditMemoResponse{CreditMemo: memoOf(m)}, nil
}

func memoOf(m memo.Memo) *receivablesv1.CreditMemo {
	out := &receivablesv1.CreditMemo{
		CreditMemoId: m.ID, CustomerId: m.CustomerID, Kind: receivablesv1.CreditMemoKind(receivablesv1.CreditMemoKind_value[memoPrefix+string(m.Kind)]),
		ReasonCode: m.ReasonCode, Text: m.Text, Amount: moneyOf(m.Amount), Invoices: namedOf(m.Named), OldestDueFirst: m.OldestDueFirst,
		PayableReference: m.Counterparty, Evidence: m.Evidence, DocumentId: m.DocumentID,
		DocumentDate: m.DocumentDate.String(), State: receivablesv1.CreditMemoState(receivablesv1.CreditMemoState_value[memoStatePrefix+string(m.State)]),
		ProposedBy: m.ProposedBy, ProposeDate: m.ProposeDate.String(), CreateTime: timeOf(m.CreateTime), PolicyVersion: m.PolicyVersion,
		AuthorityRow: int32(m.Form.Row) + 1, NextRoles: rolesOf(m.NextRoles()), //nolint:gosec // at most twenty rows
		WithdrawReason: m.CloseReason, WithdrawnBy: m.ClosedBy, CloseDate: m.CloseDate.String(),
	}
	if out.ReversedDocumentId = m.About; memo.PaysBack(m.Kind) {
		out.ReversedDocumentId, out.PaidBackDocumentId, out.Instrument = "", m.About, instrumentOf(receipt.Instrument(m.Instrument))
	}
	for _, step := range m.Form.Steps {
		out.Steps = append(out.Steps, &typev1.ApprovalStep{Name: step.Name, Roles: rolesOf(step.AnyOf), AllOf: rolesOf(step.AllOf)})
	}
	for _, a := range m.Form.Acts {
		out.Acts = append(out.Acts, &typev1.ApprovalAct{
			Step: int32(a.Step), Decision: string(a.Decision), Subject: a.Subject, Reason: a.Reason, BusinessDate: a.Date.String(), //nolint:gosec // at most eight steps
		})
	}
	return out
}

func namedOf(list []receipt.Named) []*receivablesv1.InvoiceAmount {
	out := make([]*receivablesv1.InvoiceAmount, len(list))
	for i, n := range list {
		out[i] = &receivablesv1.InvoiceAmount{InvoiceId: n.InvoiceID}
		if n.Amount != nil {
			out[i].Amount = moneyOf(*n.Amount)
		}
	}
	return out
}

const rolePrefix = "ROLE_"

// rolesOf are the contract's values of the same names.
func rolesOf(names []string) []optionsv1.Role {
	out := make([]optionsv1.Role, len(names))
	for i, n := range names {
		out[i] = optionsv1.Role(optionsv1.Role_value[rolePrefix+n])
	}
	return out
}
