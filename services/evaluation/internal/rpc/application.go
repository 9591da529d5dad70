package rpc

import (
	"context"

	"github.com/avalcredit/aval/pkg/approval"
	"github.com/avalcredit/aval/pkg/errs"
	evaluationv1 "github.com/avalcredit/aval/proto/gen/aval/evaluation/v1"
	"github.com/avalcredit/aval/services/evaluation/internal/app"
	"github.com/avalcredit/aval/services/evaluation/internal/application"
)

// Applications serves credit applications.
type Applications struct {
	evaluationv1.UnsafeCreditApplicationServiceServer
	App *app.App
}

var _ evaluationv1.CreditApplicationServiceServer = Applications{}

// CreateCreditApplication implements the contract.
func (s Applications) CreateCreditApplication(ctx context.Context, req *evaluationv1.CreateCreditApplicationRequest) (*evaluationv1.CreateCreditApplicationResponse, error) {
	var r reader
	m := req.GetApplication()
	limit := r.money("application.requested_limit", m.GetRequestedLimit())
	f := application.Application{
		ID: m.GetApplicationId(), CustomerID: m.GetCustomerId(), TermDays: int(m.GetRequestedTermDays()),
		ValidUntil: r.date("application.requested_valid_until_date", m.GetRequestedValidUntilDate()), Purpose: m.GetPurpose(),
	}
	r.kindIn(&f, m)
	if err := r.err(); err != nil {
		return nil, err
	}
	if limit == nil {
		return nil, errs.Field("application.requested_limit", "required", "say which limit is asked for")
	}
	f.Limit = *limit
	if f.ID == "" {
		f.ID = generatedID("A-", req.GetRequestId())
	}
	id := request(ctx, evaluationv1.CreditApplicationService_CreateCreditApplication_FullMethodName, req.GetRequestId(), req)
	created, err := s.App.CreateApplication(ctx, id, f)
	if err != nil {
		return nil, err
	}
	return &evaluationv1.CreateCreditApplicationResponse{Application: applicationOut(created)}, nil
}

// GetCreditApplication implements the contract.
func (s Applications) GetCreditApplication(ctx context.Context, req *evaluationv1.GetCreditApplicationRequest) (*evaluationv1.GetCreditApplicationResponse, error) {
	f, err := s.App.Application(ctx, req.GetApplicationId())
	if err != nil {
		return nil, err
	}
	return &evaluationv1.GetCreditApplicationResponse{Application: applicationOut(f)}, nil
}

// ListCreditApplications implements the contract.
func (s Applications) ListCreditApplications(ctx context.Context, req *evaluationv1.ListCreditApplicationsRequest) (*evaluationv1.ListCreditApplicationsResponse, error) {
	found, next, err := s.App.Applications(ctx, app.ApplicationList{
		Size: req.GetPageSize(), Token: req.GetPageToken(), CustomerID: req.GetCustomerId(),
		State:        application.State(name(req.GetState(), evaluationv1.ApplicationState_name, "APPLICATION_STATE_")),
		WaitingForMe: req.GetWaitingForMe(),
	})
	if err != nil {
		return nil, err
	}
	res := &evaluationv1.ListCreditApplicationsResponse{NextPageToken: next}
	for _, f := range found {
		res.Applications = append(res.Applications, applicationOut(f))
	}
	return res, nil
}

// SubmitCreditApplication implements the contract.
func (s Applications) SubmitCreditApplication(ctx context.Context, req *evaluationv1.SubmitCreditApplicationRequest) (*evaluationv1.SubmitCreditApplicationResponse, error) {
	id := request(ctx, evaluationv1.CreditApplicationService_SubmitCreditApplication_FullMethodName, req.GetRequestId(), req)
	f, err := s.App.SubmitApplication(ctx, id, req.GetApplicationId(), req.GetReason())
	if err != nil {
		return nil, err
	}
	return &evaluationv1.SubmitCreditApplicationResponse{Application: applicationOut(f)}, nil
}

// ApproveCreditApplication implements the contract.
func (s Applications) ApproveCreditApplication(ctx context.Context, req *evaluationv1.ApproveCreditApplicationRequest) (*evaluationv1.ApproveCreditApplicationResponse, error) {
	var r reader
	conditions := r.conditions(req.GetConditions())
	if err := r.err(); err != nil {
		return nil, err
	}
	id := request(ctx, evaluationv1.CreditApplicationService_ApproveCreditApplication_FullMethodName, req.GetRequestId(), req)
	d, err := s.App.Decide(ctx, id, app.Decision{
		ApplicationID: req.GetApplicationId(), Decision: approval.Approve, Reason: req.GetReason(), Conditions: conditions, OnBehalfOf: req.GetOnBehalfOf(),
	})
	if err != nil {
		return nil, err
	}
	res := &evaluationv1.ApproveCreditApplicationResponse{Application: applicationOut(d.Application)}
	if d.Grant != nil {
		res.Grant = grantOut(*d.Grant)
	}
	return res, nil
}

// RejectCreditApplication implements the contract.
func (s Applications) RejectCreditApplication(ctx context.Context, req *evaluationv1.RejectCreditApplicationRequest) (*evaluationv1.RejectCreditApplicationResponse, error) {
	id := request(ctx, evaluationv1.CreditApplicationService_RejectCreditApplication_FullMethodName, req.GetRequestId(), req)
	d, err := s.App.Decide(ctx, id, app.Decision{ApplicationID: req.GetApplicationId(), Decision: approval.Reject, Reason: req.GetReason(), OnBehalfOf: req.GetOnBehalfOf()})
	if err != nil {
		return nil, err
	}
	return &evaluationv1.RejectCreditApplicationResponse{Application: applicationOut(d.Application)}, nil
}

// ReturnCreditApplication implements the contract.
func (s Applications) ReturnCreditApplication(ctx context.Context, req *evaluationv1.ReturnCreditApplicationRequest) (*evaluationv1.ReturnCreditApplicationResponse, error) {
	id := request(ctx, evaluationv1.CreditApplicationService_ReturnCreditApplication_FullMethodName, req.GetRequestId(), req)
	d, err := s.App.Decide(ctx, id, app.Decision{ApplicationID: req.GetApplicationId(), Decision: approval.Return, Reason: req.GetReason(), OnBehalfOf: req.GetOnBehalfOf()})
	if err != nil {
		return nil, err
	}
	return &evaluationv1.ReturnCreditApplicationResponse{Application: applicationOut(d.Application)}, nil
}

func applicationOut(f application.Application) *evaluationv1.CreditApplication {
	m := &evaluationv1.CreditApplication{
		ApplicationId: f.ID, CustomerId: f.CustomerID, RequestedLimit: moneyOf(&f.Limit),
		RequestedTermDays:       int32(f.TermDays), //nolint:gosec // bounded by the contract
		RequestedValidUntilDate: f.ValidUntil.String(), Purpose: f.Purpose, SerialNumber: f.SerialNumber,
		State:     number[evaluationv1.ApplicationState](string(f.State), evaluationv1.ApplicationState_value, "APPLICATION_STATE_"),
		Applicant: f.Applicant, Steps: stepsOf(f.Form.Steps), Acts: actsOf(f.Acts()), RatingId: f.RatingID,
		OutsidePolicy: f.OutsidePolicy, PaymentRecord: string(f.PaymentRecord), SubmitDate: f.SubmitDate.String(),
		DecisionDate: f.DecisionDate.String(), CreateTime: timeOf(f.CreateTime), GrantVersion: f.GrantVersion,
		CustomerSnapshot: string(f.Snapshot), DueDate: f.DueDate().String(), Escalations: escalationsOf(f.Form.Escalations),
	}
	termsOut(m, f)
	if f.SerialNumber != "" {
		m.AuthorityRow = int32(f.Form.Row) + 1 //nolint:gosec // at most twenty rows
	}
	return m
}
