package rpc

import (
	"context"

	"github.com/avalcredit/aval/pkg/approval"
	evaluationv1 "github.com/avalcredit/aval/proto/gen/aval/evaluation/v1"
	"github.com/avalcredit/aval/services/evaluation/internal/app"
	"github.com/avalcredit/aval/services/evaluation/internal/application"
)

const (
	conditionPrefix = "CONDITION_KIND_"
	temporaryPrefix = "TEMPORARY_LIMIT_MODE_"
)

// UpdateCreditApplication implements the contract.
func (s Applications) UpdateCreditApplication(ctx context.Context, req *evaluationv1.UpdateCreditApplicationRequest) (*evaluationv1.UpdateCreditApplicationResponse, error) {
	var r reader
	e := application.Edit{
		Limit: r.money("requested_limit", req.GetRequestedLimit()), Purpose: req.Purpose,
		Settlement: r.settlement("settlement_terms", req.GetSettlementTerms()), Instruments: instrumentsIn(req.GetInstruments()),
	}
	if req.RequestedTermDays != nil {
		days := int(req.GetRequestedTermDays())
		e.TermDays = &days
	}
	if req.RequestedValidUntilDate != nil {
		until := r.date("requested_valid_until_date", req.GetRequestedValidUntilDate())
		e.ValidUntil = &until
	}
	if err := r.err(); err != nil {
		return nil, err
	}
	id := request(ctx, evaluationv1.CreditApplicationService_UpdateCreditApplication_FullMethodName, req.GetRequestId(), req)
	f, err := s.App.EditApplication(ctx, id, req.GetApplicationId(), e)
	if err != nil {
		return nil, err
	}
	return &evaluationv1.UpdateCreditApplicationResponse{Application: applicationOut(f)}, nil
}

// WithdrawCreditApplication implements the contract.
func (s Applications) WithdrawCreditApplication(ctx context.Context, req *evaluationv1.WithdrawCreditApplicationRequest) (*evaluationv1.WithdrawCreditApplicationResponse, error) {
	id := request(ctx, evaluationv1.CreditApplicationService_WithdrawCreditApplication_FullMethodName, req.GetRequestId(), req)
	f, err := s.App.WithdrawApplication(ctx, id, req.GetApplicationId(), req.GetReason())
	if err != nil {
		return nil, err
	}
	return &evaluationv1.WithdrawCreditApplicationResponse{Application: applicationOut(f)}, nil
}

// CounterOfferCreditApplication implements the contract.
func (s Applications) CounterOfferCreditApplication(ctx context.Context, req *evaluationv1.CounterOfferCreditApplicationRequest) (*evaluationv1.CounterOfferCreditApplicationResponse, error) {
	var r reader
	offer := app.CounterOffer{Limit: r.money("offer.limit", req.GetOffer().GetLimit()), TermDays: int(req.GetOffer().GetTermDays())}
	if err := r.err(); err != nil {
		return nil, err
	}
	id := request(ctx, evaluationv1.CreditApplicationService_CounterOfferCreditApplication_FullMethodName, req.GetRequestId(), req)
	d, err := s.App.Decide(ctx, id, app.Decision{
		ApplicationID: req.GetApplicationId(), Decision: approval.Return, Reason: req.GetReason(), Offer: &offer, OnBehalfOf: req.GetOnBehalfOf(),
	})
	if err != nil {
		return nil, err
	}
	return &evaluationv1.CounterOfferCreditApplicationResponse{Application: applicationOut(d.Application)}, nil
}

// AcceptCounterOffer implements the contract.
func (s Applications) AcceptCounterOffer(ctx context.Context, req *evaluationv1.AcceptCounterOfferRequest) (*evaluationv1.AcceptCounterOfferResponse, error) {
	id := request(ctx, evaluationv1.CreditApplicationService_AcceptCounterOffer_FullMethodName, req.GetRequestId(), req)
	f, err := s.App.AcceptOffer(ctx, id, req.GetApplicationId(), req.GetReason())
	if err != nil {
		return nil, err
	}
	return &evaluationv1.AcceptCounterOfferResponse{Application: applicationOut(f)}, nil
}

// ConfirmCondition implements the contract.
func (s Applications) ConfirmCondition(ctx context.Context, req *evaluationv1.ConfirmConditionRequest) (*evaluationv1.ConfirmConditionResponse, error) {
	id := request(ctx, evaluationv1.CreditApplicationService_ConfirmCondition_FullMethodName, req.GetRequestId(), req)
	d, err := s.App.ConfirmCondition(ctx, id, req.GetApplicationId(), application.Confirmation{
		Number: int(req.GetConditionNumber()), Evidence: req.GetEvidence(),
	})
	if err != nil {
		return nil, err
	}
	res := &evaluationv1.ConfirmConditionResponse{Application: applicationOut(d.Application)}
	if d.Grant != nil {
		res.Grant = grantOut(*d.Grant)
	}
	return res, nil
}

// CommentCreditApplication implements the contract.
func (s Applications) CommentCreditApplication(ctx context.Context, req *evaluationv1.CommentCreditApplicationRequest) (*evaluationv1.CommentCreditApplicationResponse, error) {
	id := request(ctx, evaluationv1.CreditApplicationService_CommentCreditApplication_FullMethodName, req.GetRequestId(), req)
	f, err := s.App.CommentApplication(ctx, id, req.GetApplicationId(), req.GetText())
	if err != nil {
		return nil, err
	}
	return &evaluationv1.CommentCreditApplicationResponse{Application: applicationOut(f)}, nil
}

// AttachToCreditApplication implements the contract.
func (s Applications) AttachToCreditApplication(ctx context.Context, req *evaluationv1.AttachToCreditApplicationRequest) (*evaluationv1.AttachToCreditApplicationResponse, error) {
	id := request(ctx, evaluationv1.CreditApplicationService_AttachToCreditApplication_FullMethodName, req.GetRequestId(), req)
	f, err := s.App.AttachToApplication(ctx, id, req.GetApplicationId(), application.Attachment{
		Title: req.GetAttachment().GetTitle(), SHA256: req.GetAttachment().GetSha256(),
	})
	if err != nil {
		return nil, err
	}
	return &evaluationv1.AttachToCreditApplicationResponse{Application: applicationOut(f)}, nil
}

func (r *reader) conditions(all []*evaluationv1.Condition) []application.Condition {
	var out []application.Condition
	for _, m := range all {
		out = append(out, application.Condition{
			Kind: name(m.GetKind(), evaluationv1.ConditionKind_name, conditionPrefix), Text: m.GetText(),
			Amount: r.money("conditions.amount", m.GetAmount()),
		})
	}
	return out
}

// termsOut adds to a form what people agreed on and wrote beside it.
func termsOut(m *evaluationv1.CreditApplication, f application.Application) {
	for i, c := range f.Conditions {
		m.Conditions = append(m.Conditions, &evaluationv1.Condition{
			ConditionNumber: int32(i) + 1,
			Kind:            number[evaluationv1.ConditionKind](c.Kind, evaluationv1.ConditionKind_value, conditionPrefix),
			Text:            c.Text, Amount: moneyOf(c.Amount), SetBy: c.SetBy, SetDate: c.SetDate.String(),
			MetBy: c.MetBy, MetDate: c.MetDate.String(), Evidence: c.Evidence,
		})
	}
	if o := f.Offer; o != nil {
		m.CounterOffer = &evaluationv1.CounterOffer{
			Limit: moneyOf(&o.Limit), TermDays: int32(o.TermDays), //nolint:gosec // bounded by the contract
			OfferedBy: o.By, OfferDate: o.Date.String(), Reason: o.Reason,
		}
	}
	kindOut(m, f)
	for _, c := range f.Comments {
		m.Comments = append(m.Comments, &evaluationv1.ApplicationComment{Subject: c.Subject, BusinessDate: c.Date.String(), Text: c.Text})
	}
	for _, t := range f.Attachments {
		m.Attachments = append(m.Attachments, &evaluationv1.ApplicationAttachment{
			Title: t.Title, Sha256: t.SHA256, AttachedBy: t.By, BusinessDate: t.Date.String(),
		})
	}
}
