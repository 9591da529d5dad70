package rpc

import (
	"context"

	"github.com/avalcredit/aval/pkg/idem"
	"github.com/avalcredit/aval/pkg/page"
	receivablesv1 "github.com/avalcredit/aval/proto/gen/aval/receivables/v1"
	"github.com/avalcredit/aval/services/receivables/internal/app"
	"github.com/avalcredit/aval/services/receivables/internal/legal"
)

// LegalCases serves LegalCaseService.
type LegalCases struct {
	receivablesv1.UnsafeLegalCaseServiceServer
	App   *app.Service
	Pages *page.Signer
}

var _ receivablesv1.LegalCaseServiceServer = (*LegalCases)(nil)

// OpenLegalCase implements LegalCaseService.
func (s *LegalCases) OpenLegalCase(ctx context.Context, req *receivablesv1.OpenLegalCaseRequest) (*receivablesv1.OpenLegalCaseResponse, error) {
	in := req.GetLegalCase()
	r := idem.FromProto(ctx, receivablesv1.LegalCaseService_OpenLegalCase_FullMethodName, req.GetRequestId(), req)
	out, err := s.App.OpenLegalCase(ctx, r, legal.Case{
		ID: in.GetLegalCaseId(), CustomerID: in.GetCustomerId(), ItemIDs: in.GetItemIds(), Reason: in.GetReason(), Owner: in.GetOwner(),
	})
	if err != nil {
		return nil, err
	}
	return &receivablesv1.OpenLegalCaseResponse{LegalCase: caseMessage(out)}, nil
}

// RecordLegalStep implements LegalCaseService.
func (s *LegalCases) RecordLegalStep(ctx context.Context, req *receivablesv1.RecordLegalStepRequest) (*receivablesv1.RecordLegalStepResponse, error) {
	var f fields
	in := req.GetStep()
	step := legal.Step{
		Kind: legal.StepKind(named(in.GetKind(), "LEGAL_STEP_KIND_")), Date: f.date("step.step_date", in.GetStepDate()),
		Deadline: f.date("step.deadline_date", in.GetDeadlineDate()), DeadlineText: in.GetDeadlineText(), Authority: in.GetAuthority(),
		Reference: in.GetReference(), Amount: f.money("step.amount", in.GetAmount()), Note: in.GetNote(),
	}
	if f.err != nil {
		return nil, f.err
	}
	r := idem.FromProto(ctx, receivablesv1.LegalCaseService_RecordLegalStep_FullMethodName, req.GetRequestId(), req)
	out, err := s.App.RecordLegalStep(ctx, r, req.GetLegalCaseId(), step)
	if err != nil {
		return nil, err
	}
	return &receivablesv1.RecordLegalStepResponse{LegalCase: caseMessage(out)}, nil
}

// RecordLegalCost implements LegalCaseService.
func (s *LegalCases) RecordLegalCost(ctx context.Context, req *receivablesv1.RecordLegalCostRequest) (*receivablesv1.RecordLegalCostResponse, error) {
	var f fields
	in := req.GetCost()
	cost := legal.Cost{
		Kind: named(in.GetKind(), "LEGAL_COST_KIND_"), Amount: f.money("cost.amount", in.GetAmount()), Date: f.date("cost.cost_date", in.GetCostDate()),
		Payee: in.GetPayee(), Reference: in.GetReference(),
	}
	if f.err != nil {
		return nil, f.err
	}
	r := idem.FromProto(ctx, receivablesv1.LegalCaseService_RecordLegalCost_FullMethodName, req.GetRequestId(), req)
	out, err := s.App.RecordLegalCost(ctx, r, req.GetLegalCaseId(), cost)
	if err != nil {
		return nil, err
	}
	return &receivablesv1.RecordLegalCostResponse{LegalCase: caseMessage(out)}, nil
}

// CloseLegalCase implements LegalCaseService.
func (s *LegalCases) CloseLegalCase(ctx context.Context, req *receivablesv1.CloseLegalCaseRequest) (*receivablesv1.CloseLegalCaseResponse, error) {
	var f fields
	on := f.date("close_date", req.GetCloseDate())
	if f.err != nil {
		return nil, f.err
	}
	r := idem.FromProto(ctx, receivablesv1.LegalCaseService_CloseLegalCase_FullMethodName, req.GetRequestId(), req)
	out, err := s.App.CloseLegalCase(ctx, r, req.GetLegalCaseId(), legal.Outcome(named(req.GetOutcome(), "LEGAL_OUTCOME_")), on, req.GetNote())
	if err != nil {
		return nil, err
	}
	return &receivablesv1.CloseLegalCaseResponse{LegalCase: caseMessage(out)}, nil
}

// GetLegalCase implements LegalCaseService.
func (s *LegalCases) GetLegalCase(ctx context.Context, req *receivablesv1.GetLegalCaseRequest) (*receivablesv1.GetLegalCaseResponse, error) {
	out, err := s.App.LegalCase(ctx, req.GetLegalCaseId())
	if err != nil {
		return nil, err
	}
	return &receivablesv1.GetLegalCaseResponse{LegalCase: caseMessage(out)}, nil
}

// ListLegalCases implements LegalCaseService.
func (s *LegalCases) ListLegalCases(ctx context.Context, req *receivablesv1.ListLegalCasesRequest) (*receivablesv1.ListLegalCasesResponse, error) {
	checksum := page.Checksum("legalCases", req.GetCustomerId(), req.GetItemId(), req.GetState().String())
	before, err := numberToken(s.Pages, req.GetPageToken(), checksum)
	if err != nil {
		return nil, err
	}
	list, next, err := s.App.LegalCases(ctx, app.RecordQuery{
		CustomerID: req.GetCustomerId(), ItemID: req.GetItemId(), State: named(req.GetState(), "LEGAL_CASE_STATE_"),
		Before: before, Limit: page.Size(req.GetPageSize(), defaultPage, maxPage),
	})
	if err != nil {
		return nil, err
	}
	resp := &receivablesv1.ListLegalCasesResponse{NextPageToken: nextToken(s.Pages, checksum, next)}
	for _, d := range list {
		resp.LegalCases = append(resp.LegalCases, caseMessage(d))
	}
	return resp, nil
}

func caseMessage(d app.LegalView) *receivablesv1.LegalCase {
	out := &receivablesv1.LegalCase{
		LegalCaseId: d.ID, CustomerId: d.CustomerID, ItemIds: d.ItemIDs, Reason: d.Reason, Owner: d.Owner,
		State:         receivablesv1.LegalCaseState(receivablesv1.LegalCaseState_value["LEGAL_CASE_STATE_"+string(d.State)]),
		ClaimedAmount: moneyOf(d.Claimed), CostAmount: moneyOf(d.CostSum()), RecoveredAmount: moneyOf(d.Recovered),
		DeadlineDate: d.Deadline.String(), DeadlineText: d.DeadlineText,
		Outcome:  receivablesv1.LegalOutcome(receivablesv1.LegalOutcome_value["LEGAL_OUTCOME_"+string(d.Outcome)]),
		ClosedBy: d.ClosedBy, CloseDate: d.CloseDate.String(), CloseNote: d.CloseNote, OpenedBy: d.OpenedBy, OpenDate: d.OpenDate.String(),
	}
	for _, st := range d.Steps {
		m := &receivablesv1.LegalStep{
			Kind:     receivablesv1.LegalStepKind(receivablesv1.LegalStepKind_value["LEGAL_STEP_KIND_"+string(st.Kind)]),
			StepDate: st.Date.String(), DeadlineDate: st.Deadline.String(), DeadlineText: st.DeadlineText, Authority: st.Authority,
			Reference: st.Reference, Note: st.Note, RecordedBy: st.RecordedBy, RecordDate: st.RecordDate.String(),
		}
		if st.Amount.Currency != "" {
			m.Amount = moneyOf(st.Amount)
		}
		out.Steps = append(out.Steps, m)
	}
	for _, c := range d.Costs {
		out.Costs = append(out.Costs, &receivablesv1.LegalCost{
			Kind:   receivablesv1.LegalCostKind(receivablesv1.LegalCostKind_value["LEGAL_COST_KIND_"+c.Kind]),
			Amount: moneyOf(c.Amount), CostDate: c.Date.String(), Payee: c.Payee, Reference: c.Reference, RecordedBy: c.RecordedBy,
		})
	}
	return out
}
