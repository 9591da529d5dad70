package rpc

import (
	"context"
	"strings"

	"github.com/avalcredit/aval/pkg/approval"
	"github.com/avalcredit/aval/pkg/calendar"
	"github.com/avalcredit/aval/pkg/errs"
	"github.com/avalcredit/aval/pkg/idem"
	"github.com/avalcredit/aval/pkg/page"
	receivablesv1 "github.com/avalcredit/aval/proto/gen/aval/receivables/v1"
	"github.com/avalcredit/aval/services/receivables/internal/app"
	"github.com/avalcredit/aval/services/receivables/internal/receipt"
	"github.com/avalcredit/aval/services/receivables/internal/receiptplan"
)

// ReceiptPlans serves ReceiptPlanService.
type ReceiptPlans struct {
	receivablesv1.UnsafeReceiptPlanServiceServer
	App   *app.Service
	Pages *page.Signer
}

var _ receivablesv1.ReceiptPlanServiceServer = (*ReceiptPlans)(nil)

// CreateReceiptPlan implements ReceiptPlanService.
func (s *ReceiptPlans) CreateReceiptPlan(ctx context.Context, req *receivablesv1.CreateReceiptPlanRequest) (*receivablesv1.CreateReceiptPlanResponse, error) {
	var f fields
	in := req.GetReceiptPlan()
	p := receiptplan.Plan{
		ID: in.GetReceiptPlanId(), CustomerID: in.GetCustomerId(), OrderID: in.GetOrderId(), Amount: f.money("receipt_plan.amount", in.GetAmount()),
		DueDate: f.date("receipt_plan.due_date", in.GetDueDate()), Reference: in.GetReference(),
	}
	if f.err != nil {
		return nil, f.err
	}
	r := idem.FromProto(ctx, receivablesv1.ReceiptPlanService_CreateReceiptPlan_FullMethodName, req.GetRequestId(), req)
	out, err := s.App.CreateReceiptPlan(ctx, r, p)
	if err != nil {
		return nil, err
	}
	return &receivablesv1.CreateReceiptPlanResponse{ReceiptPlan: receiptPlanOf(out)}, nil
}

// GetReceiptPlan implements ReceiptPlanService.
func (s *ReceiptPlans) GetReceiptPlan(ctx context.Context, req *receivablesv1.GetReceiptPlanRequest) (*receivablesv1.GetReceiptPlanResponse, error) {
	p, list, err := s.App.ReceiptPlan(ctx, req.GetReceiptPlanId())
	if err != nil {
		return nil, err
	}
	resp := &receivablesv1.GetReceiptPlanResponse{ReceiptPlan: receiptPlanOf(p)}
	for _, r := range list {
		resp.Registrations = append(resp.Registrations, registrationOf(r))
	}
	return resp, nil
}

// ListReceiptPlans implements ReceiptPlanService.
func (s *ReceiptPlans) ListReceiptPlans(ctx context.Context, req *receivablesv1.ListReceiptPlansRequest) (*receivablesv1.ListReceiptPlansResponse, error) {
	var f fields
	q := receiptplan.Query{
		CustomerID: req.GetCustomerId(), Salesperson: req.GetSalesperson(),
		From: f.date("due_from_date", req.GetDueFromDate()), To: f.date("due_to_date", req.GetDueToDate()),
	}
	if f.err != nil {
		return nil, f.err
	}
	asked := []string{"receiptPlans", q.CustomerID, q.Salesperson, q.From.String(), q.To.String()}
	for _, state := range req.GetStates() {
		name := strings.TrimPrefix(state.String(), planStatePrefix)
		q.States, asked = append(q.States, receiptplan.PlanState(name)), append(asked, name)
	}
	checksum := page.Checksum(asked...)
	cursor, err := s.Pages.Decode(req.GetPageToken(), checksum, 2)
	if err != nil {
		return nil, err
	}
	if cursor != nil {
		day, err := calendar.ParseDate(cursor[0])
		if err != nil {
			return nil, errs.New(errs.Invalid, page.ReasonTokenInvalid, "the page token cannot be read")
		}
		q.After = &receiptplan.Place{DueDate: day, ID: cursor[1]}
	}
	size := page.Size(req.GetPageSize(), defaultPage, maxPage)
	q.Limit = size + 1
	list, err := s.App.ReceiptPlans(ctx, q)
	if err != nil {
		return nil, err
	}
	resp := &receivablesv1.ListReceiptPlansResponse{}
	if len(list) > size {
		list = list[:size]
		resp.NextPageToken = s.Pages.Encode(checksum, list[size-1].DueDate.String(), list[size-1].ID)
	}
	for _, p := range list {
		resp.ReceiptPlans = append(resp.ReceiptPlans, receiptPlanOf(p))
	}
	return resp, nil
}

// RegisterReceipt implements ReceiptPlanService.
func (s *ReceiptPlans) RegisterReceipt(ctx context.Context, req *receivablesv1.RegisterReceiptRequest) (*receivablesv1.RegisterReceiptResponse, error) {
	var f fields
	in := req.GetReceipt()
	d := receipt.Draft{
		ID: in.GetReceiptId(), Date: f.date("receipt.receipt_date", in.GetReceiptDate()), Amount: f.money("receipt.amount", in.GetAmount()),
		Instrument: instrument(in.GetInstrument()), Reference: in.GetReference(), NoticeID: in.GetPaymentNoticeId(), OrderID: in.GetOrderId(),
	}
	if f.err == nil && d.Instrument.IsBill() {
		f.err = errs.Field("receipt.instrument", "money", "a bill is no money yet: post it as a receipt")
	}
	if f.err != nil {
		return nil, f.err
	}
	r := idem.FromProto(ctx, receivablesv1.ReceiptPlanService_RegisterReceipt_FullMethodName, req.GetRequestId(), req)
	out, err := s.App.RegisterReceipt(ctx, r, req.GetReceiptPlanId(), d)
	if err != nil {
		return nil, err
	}
	return &receivablesv1.RegisterReceiptResponse{Registration: registrationOf(out)}, nil
}

// SubmitReceipt implements ReceiptPlanService.
func (s *ReceiptPlans) SubmitReceipt(ctx context.Context, req *receivablesv1.SubmitReceiptRequest) (*receivablesv1.SubmitReceiptResponse, error) {
	r := idem.FromProto(ctx, receivablesv1.ReceiptPlanService_SubmitReceipt_FullMethodName, req.GetRequestId(), req)
	out, err := s.App.SubmitReceipt(ctx, r, req.GetReceiptId())
	if err != nil {
		return nil, err
	}
	return &receivablesv1.SubmitReceiptResponse{Registration: registrationOf(out)}, nil
}

// DecideReceipt implements ReceiptPlanService.
func (s *ReceiptPlans) DecideReceipt(ctx context.Context, req *receivablesv1.DecideReceiptRequest) (*receivablesv1.DecideReceiptResponse, error) {
	r := idem.FromProto(ctx, receivablesv1.ReceiptPlanService_DecideReceipt_FullMethodName, req.GetRequestId(), req)
	out, err := s.App.DecideReceipt(ctx, r, req.GetReceiptId(), approval.Decision(req.GetDecision()), req.GetReason())
	if err != nil {
		return nil, err
	}
	return &receivablesv1.DecideReceiptResponse{Registration: registrationOf(out)}, nil
}

// CancelReceipt implements ReceiptPlanService.
func (s *ReceiptPlans) CancelReceipt(ctx context.Context, req *receivablesv1.CancelReceiptRequest) (*receivablesv1.CancelReceiptResponse, error) {
	r := idem.FromProto(ctx, receivablesv1.ReceiptPlanService_CancelReceipt_FullMethodName, req.GetRequestId(), req)
	out, err := s.App.CancelReceipt(ctx, r, req.GetReceiptId(), req.GetReason())
	if err != nil {
		return nil, err
	}
	return &receivablesv1.CancelReceiptResponse{Registration: registrationOf(out)}, nil
}

const planStatePrefix = "RECEIPT_PLAN_STATE_"

func receiptPlanOf(p receiptplan.Plan) *receivablesv1.ReceiptPlan {
	return &receivablesv1.ReceiptPlan{
		ReceiptPlanId: p.ID, CustomerId: p.CustomerID, OrderId: p.OrderID, Amount: moneyOf(p.Amount), DueDate: p.DueDate.String(),
		Reference: p.Reference, State: receivablesv1.ReceiptPlanState(receivablesv1.ReceiptPlanState_value[planStatePrefix+string(p.State())]),
		ReceivedAmount: moneyOf(p.Received), InApprovalAmount: moneyOf(p.InApproval), CreatedBy: p.CreatedBy, CreateTime: timeOf(p.CreateTime),
	}
}

func registrationOf(r receiptplan.Registration) *receivablesv1.ReceiptRegistration {
	out := &receivablesv1.ReceiptRegistration{
		ReceiptId: r.ID, ReceiptPlanId: r.PlanID, Amount: moneyOf(r.Receipt.Amount), CreatedBy: r.CreatedBy, Reason: r.CancelReason,
		State: receivablesv1.ReceiptRegistrationState(receivablesv1.ReceiptRegistrationState_value["RECEIPT_REGISTRATION_STATE_"+string(r.State)]),
	}
	if n := len(r.Form.Acts); n > 0 {
		out.DecidedBy = r.Form.Acts[n-1].Subject
		if out.Reason == "" {
			out.Reason = r.Form.Acts[n-1].Reason
		}
	}
	return out
}
