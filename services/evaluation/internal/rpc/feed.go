package rpc

import (
	"context"

	evaluationv1 "github.com/avalcredit/aval/proto/gen/aval/evaluation/v1"
	"github.com/avalcredit/aval/services/evaluation/internal/app"
	"github.com/avalcredit/aval/services/evaluation/internal/profile"
	"github.com/avalcredit/aval/services/evaluation/internal/withdrawal"
)

// Feed serves the other services of the suite.
type Feed struct {
	evaluationv1.UnsafeFeedServiceServer
	App *app.App
}

var _ evaluationv1.FeedServiceServer = Feed{}

// GetCreditProfile implements the contract.
func (s Feed) GetCreditProfile(ctx context.Context, req *evaluationv1.GetCreditProfileRequest) (*evaluationv1.GetCreditProfileResponse, error) {
	p, err := s.App.CreditProfile(ctx, req.GetCustomerId())
	if err != nil {
		return nil, err
	}
	return &evaluationv1.GetCreditProfileResponse{Profile: ProfileOut(p)}, nil
}

// ApplySettlements implements the contract.
func (s Feed) ApplySettlements(ctx context.Context, req *evaluationv1.ApplySettlementsRequest) (*evaluationv1.ApplySettlementsResponse, error) {
	var r reader
	all := make([]app.Settlement, len(req.GetSettlements()))
	for i, m := range req.GetSettlements() {
		all[i] = app.Settlement{
			CustomerID: m.GetCustomerId(), Sequence: m.GetSequence(),
			Date: r.date("settlements.business_date", m.GetBusinessDate()), Due: r.date("settlements.due_date", m.GetDueDate()), InvoiceID: m.GetInvoiceId(),
		}
	}
	if err := r.err(); err != nil {
		return nil, err
	}
	last, err := s.App.ApplySettlements(ctx, all)
	if err != nil {
		return nil, err
	}
	return &evaluationv1.ApplySettlementsResponse{LastSequence: last}, nil
}

// ApplyWithdrawals implements the contract.
func (s Feed) ApplyWithdrawals(ctx context.Context, req *evaluationv1.ApplyWithdrawalsRequest) (*evaluationv1.ApplyWithdrawalsResponse, error) {
	var r reader
	all := make([]app.WithdrawalAsk, len(req.GetWithdrawals()))
	for i, m := range req.GetWithdrawals() {
		all[i] = app.WithdrawalAsk{CustomerID: m.GetCustomerId(), Ask: withdrawal.Ask{
			Sequence: m.GetSequence(), Date: r.date("withdrawals.business_date", m.GetBusinessDate()),
			Reason: m.GetReason(), OrderID: m.GetOrderId(),
		}}
	}
	if err := r.err(); err != nil {
		return nil, err
	}
	last, err := s.App.ApplyWithdrawals(ctx, all)
	if err != nil {
		return nil, err
	}
	return &evaluationv1.ApplyWithdrawalsResponse{LastSequence: last}, nil
}

// ProfileOut writes a profile as the contract has it; the relays send it too.
func ProfileOut(p profile.Profile) *evaluationv1.CreditProfile {
	m := &evaluationv1.CreditProfile{
		CustomerId: p.CustomerID, Sequence: p.Sequence, BusinessDate: p.BusinessDate.String(),
		DisplayName: p.DisplayName, CurrencyCode: p.Currency, SalespersonId: p.SalespersonID, GroupId: p.GroupID, UnitId: p.UnitID, MergedIntoId: p.MergedIntoID,
		LifeCycle: lifeCycleOut(p.LifeCycle), Grade: gradeOut(p.Grade), SettlementMethod: settlementMethodOut(p.SettlementMethod),
	}
	if p.Grant != nil {
		m.Grant = grantOut(app.Grant{Grant: *p.Grant, Hash: p.GrantHash})
		m.SettlementTerms = m.GetGrant().GetSettlementTerms()
	}
	return m
}
