package rpc

import (
	"context"

	"github.com/avalcredit/aval/pkg/calendar"
	"github.com/avalcredit/aval/pkg/idem"
	"github.com/avalcredit/aval/pkg/money"
	"github.com/avalcredit/aval/pkg/page"
	receivablesv1 "github.com/avalcredit/aval/proto/gen/aval/receivables/v1"
	"github.com/avalcredit/aval/services/receivables/internal/app"
	"github.com/avalcredit/aval/services/receivables/internal/notice"
)

// Notices serves PaymentNoticeService.
type Notices struct {
	receivablesv1.UnsafePaymentNoticeServiceServer
	App   *app.Service
	Pages *page.Signer
}

var _ receivablesv1.PaymentNoticeServiceServer = (*Notices)(nil)

// RecordPaymentNotice implements PaymentNoticeService.
func (s *Notices) RecordPaymentNotice(ctx context.Context, req *receivablesv1.RecordPaymentNoticeRequest) (*receivablesv1.RecordPaymentNoticeResponse, error) {
	var f fields
	in := req.GetPaymentNotice()
	d := notice.Draft{
		ID: in.GetPaymentNoticeId(), CustomerID: in.GetCustomerId(), OrderID: in.GetOrderId(), InvoiceID: in.GetInvoiceId(),
		Amount: f.money("payment_notice.amount", in.GetAmount()), Instrument: instrument(in.GetInstrument()),
		Expected: f.date("payment_notice.expected_date", in.GetExpectedDate()), Reference: in.GetReference(),
	}
	if f.err != nil {
		return nil, f.err
	}
	if req.GetValidateOnly() {
		ctx = app.OnTrial(ctx)
		req.ValidateOnly = false // not part of what the request id stands for
	}
	r := idem.FromProto(ctx, receivablesv1.PaymentNoticeService_RecordPaymentNotice_FullMethodName, req.GetRequestId(), req)
	out, err := s.App.RecordNotice(ctx, r, d)
	if err != nil {
		return nil, err
	}
	return &receivablesv1.RecordPaymentNoticeResponse{PaymentNotice: s.noticeOf(ctx, out)}, nil
}

// ConfirmPaymentNotice implements PaymentNoticeService.
func (s *Notices) ConfirmPaymentNotice(ctx context.Context, req *receivablesv1.ConfirmPaymentNoticeRequest) (*receivablesv1.ConfirmPaymentNoticeResponse, error) {
	r := idem.FromProto(ctx, receivablesv1.PaymentNoticeService_ConfirmPaymentNotice_FullMethodName, req.GetRequestId(), req)
	out, err := s.App.ConfirmNotice(ctx, r, req.GetPaymentNoticeId())
	if err != nil {
		return nil, err
	}
	return &receivablesv1.ConfirmPaymentNoticeResponse{PaymentNotice: s.noticeOf(ctx, out)}, nil
}

// WithdrawPaymentNotice implements PaymentNoticeService.
func (s *Notices) WithdrawPaymentNotice(ctx context.Context, req *receivablesv1.WithdrawPaymentNoticeRequest) (*receivablesv1.WithdrawPaymentNoticeResponse, error) {
	r := idem.FromProto(ctx, receivablesv1.PaymentNoticeService_WithdrawPaymentNotice_FullMethodName, req.GetRequestId(), req)
	out, err := s.App.WithdrawNotice(ctx, r, req.GetPaymentNoticeId(), req.GetReason())
	if err != nil {
		return nil, err
	}
	return &receivablesv1.WithdrawPaymentNoticeResponse{PaymentNotice: s.noticeOf(ctx, out)}, nil
}

// GetPaymentNotice implements PaymentNoticeService.
func (s *Notices) GetPaymentNotice(ctx context.Context, req *receivablesv1.GetPaymentNoticeRequest) (*receivablesv1.GetPaymentNoticeResponse, error) {
	out, err := s.App.Notice(ctx, req.GetPaymentNoticeId())
	if err != nil {
		return nil, err
	}
	return &receivablesv1.GetPaymentNoticeResponse{PaymentNotice: s.noticeOf(ctx, out)}, nil
}

// ListPaymentNotices implements PaymentNoticeService.
func (s *Notices) ListPaymentNotices(ctx context.Context, req *receivablesv1.ListPaymentNoticesRequest) (*receivablesv1.ListPaymentNoticesResponse, error) {
	checksum := page.Checksum("paymentNotices", req.GetCustomerId(), req.GetOrderId(), req.GetState().String())
	after, err := place(s.Pages, req.GetPageToken(), checksum)
	if err != nil {
		return nil, err
	}
	size := page.Size(req.GetPageSize(), defaultPage, maxPage)
	list, err := s.App.Notices(ctx, notice.Query{
		CustomerID: req.GetCustomerId(), OrderID: req.GetOrderId(), State: noticeStates[req.GetState()], After: after, Limit: size + 1,
	})
	if err != nil {
		return nil, err
	}
	resp := &receivablesv1.ListPaymentNoticesResponse{}
	if len(list) > size {
		list = list[:size]
		last := list[size-1]
		resp.NextPageToken = placeToken(s.Pages, checksum, last.CreateTime, last.ID)
	}
	for _, n := range list {
		resp.PaymentNotices = append(resp.PaymentNotices, s.noticeOf(ctx, n))
	}
	return resp, nil
}

func (s *Notices) noticeOf(ctx context.Context, n notice.Notice) *receivablesv1.PaymentNotice {
	return noticeMessage(n, s.App.Clock.Today(ctx))
}

func noticeMessage(n notice.Notice, today calendar.Date) *receivablesv1.PaymentNotice {
	return &receivablesv1.PaymentNotice{
		PaymentNoticeId: n.ID, CustomerId: n.CustomerID, OrderId: n.OrderID, InvoiceId: n.InvoiceID, Amount: moneyOf(n.Amount),
		Instrument: instrumentOf(n.Instrument), ExpectedDate: n.Expected.String(), Reference: n.Reference,
		State: stateOfNotice(n.State(today)), ReceivedAmount: moneyOf(money.Min(n.Received, n.Amount)), OpenAmount: moneyOf(n.Open()),
		LastDate: n.LastDay.String(), RecordedBy: n.RecordedBy, RecordDate: n.RecordDate.String(), CreateTime: timeOf(n.CreateTime),
		ConfirmedBy: n.ConfirmedBy, ConfirmDate: n.ConfirmDate.String(),
		WithdrawnBy: n.WithdrawnBy, WithdrawDate: n.WithdrawDate.String(), WithdrawReason: n.WithdrawReason,
	}
}

// noticeStates are the states of the contract; unspecified is none.
var noticeStates = map[receivablesv1.PaymentNoticeState]notice.State{
	receivablesv1.PaymentNoticeState_PAYMENT_NOTICE_STATE_RECORDED:  notice.StateRecorded,
	receivablesv1.PaymentNoticeState_PAYMENT_NOTICE_STATE_CONFIRMED: notice.StateConfirmed,
	receivablesv1.PaymentNoticeState_PAYMENT_NOTICE_STATE_SETTLED:   notice.StateSettled,
	receivablesv1.PaymentNoticeState_PAYMENT_NOTICE_STATE_LAPSED:    notice.StateLapsed,
	receivablesv1.PaymentNoticeState_PAYMENT_NOTICE_STATE_WITHDRAWN: notice.StateWithdrawn,
}

func stateOfNotice(s notice.State) receivablesv1.PaymentNoticeState {
	for m, of := range noticeStates {
		if of == s {
			return m
		}
	}
	return receivablesv1.PaymentNoticeState_PAYMENT_NOTICE_STATE_UNSPECIFIED
}
