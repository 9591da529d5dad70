package rpc

import (
	"context"
	"fmt"

	evaluationv1 "github.com/avalcredit/aval/proto/gen/aval/evaluation/v1"
	optionsv1 "github.com/avalcredit/aval/proto/gen/aval/options/v1"
	"github.com/avalcredit/aval/services/evaluation/internal/app"
	"github.com/avalcredit/aval/services/evaluation/internal/plan"
)

// Plans serves what a grade obliges people to do.
type Plans struct {
	evaluationv1.UnsafeTreatmentPlanServiceServer
	App *app.App
}

var _ evaluationv1.TreatmentPlanServiceServer = Plans{}

// GetTreatmentPlan implements the contract.
func (s Plans) GetTreatmentPlan(ctx context.Context, req *evaluationv1.GetTreatmentPlanRequest) (*evaluationv1.GetTreatmentPlanResponse, error) {
	p, err := s.App.Plan(ctx, req.GetPlanId())
	if err != nil {
		return nil, err
	}
	return &evaluationv1.GetTreatmentPlanResponse{Plan: planOut(p)}, nil
}

// ListTreatmentPlans implements the contract.
func (s Plans) ListTreatmentPlans(ctx context.Context, req *evaluationv1.ListTreatmentPlansRequest) (*evaluationv1.ListTreatmentPlansResponse, error) {
	found, next, err := s.App.Plans(ctx, app.PlanList{
		CustomerID: req.GetCustomerId(), Owner: req.GetOwnerId(), Overdue: req.GetOverdue(),
		State: plan.State(name(req.GetState(), evaluationv1.PlanState_name, "PLAN_STATE_")),
		Size:  req.GetPageSize(), Token: req.GetPageToken(),
	})
	if err != nil {
		return nil, err
	}
	res := &evaluationv1.ListTreatmentPlansResponse{NextPageToken: next}
	for _, p := range found {
		res.Plans = append(res.Plans, planOut(p))
	}
	return res, nil
}

// WriteTreatmentPlan implements the contract.
func (s Plans) WriteTreatmentPlan(ctx context.Context, req *evaluationv1.WriteTreatmentPlanRequest) (*evaluationv1.WriteTreatmentPlanResponse, error) {
	content, err := planContentIn(req.GetContent())
	if err != nil {
		return nil, err
	}
	r := request(ctx, evaluationv1.TreatmentPlanService_WriteTreatmentPlan_FullMethodName, req.GetRequestId(), req)
	p, err := s.App.WritePlan(ctx, r, req.GetPlanId(), content, req.GetRevision())
	if err != nil {
		return nil, err
	}
	return &evaluationv1.WriteTreatmentPlanResponse{Plan: planOut(p)}, nil
}

// CompleteTreatmentPlan implements the contract.
func (s Plans) CompleteTreatmentPlan(ctx context.Context, req *evaluationv1.CompleteTreatmentPlanRequest) (*evaluationv1.CompleteTreatmentPlanResponse, error) {
	r := request(ctx, evaluationv1.TreatmentPlanService_CompleteTreatmentPlan_FullMethodName, req.GetRequestId(), req)
	p, err := s.App.CompletePlan(ctx, r, req.GetPlanId(), req.GetOutcome())
	if err != nil {
		return nil, err
	}
	return &evaluationv1.CompleteTreatmentPlanResponse{Plan: planOut(p)}, nil
}

// AssignTreatmentPlan implements the contract.
func (s Plans) AssignTreatmentPlan(ctx context.Context, req *evaluationv1.AssignTreatmentPlanRequest) (*evaluationv1.AssignTreatmentPlanResponse, error) {
	var in reader
	due := in.date("due_date", req.GetDueDate())
	if err := in.err(); err != nil {
		return nil, err
	}
	r := request(ctx, evaluationv1.TreatmentPlanService_AssignTreatmentPlan_FullMethodName, req.GetRequestId(), req)
	p, err := s.App.AssignPlan(ctx, r, req.GetPlanId(), app.Assignment{Owner: req.GetOwnerId(), Due: due, Reason: req.GetReason()})
	if err != nil {
		return nil, err
	}
	return &evaluationv1.AssignTreatmentPlanResponse{Plan: planOut(p)}, nil
}

func planContentIn(m *evaluationv1.PlanContent) (plan.Content, error) {
	var r reader
	c := plan.Content{Text: m.GetText()}
	for i, d := range m.GetCandidates() {
		c.Candidates = append(c.Candidates, plan.Candidate{
			Name: d.GetName(), MonthlySales: r.money(fmt.Sprintf("content.candidates[%d].monthly_sales", i), d.GetMonthlySales()), Progress: d.GetProgress(),
		})
	}
	for i, s := range m.GetSteps() {
		at := fmt.Sprintf("content.steps[%d].", i)
		c.Steps = append(c.Steps, plan.Step{
			Due: r.date(at+"due_date", s.GetDueDate()), What: s.GetWhat(), Amount: r.money(at+"amount", s.GetAmount()), Done: s.GetDone(),
		})
	}
	return c, r.err()
}

func planOut(v app.Planned) *evaluationv1.TreatmentPlan {
	p := v.Plan
	content := &evaluationv1.PlanContent{Text: p.Content.Text}
	for _, d := range p.Content.Candidates {
		content.Candidates = append(content.Candidates, &evaluationv1.PlanCandidate{Name: d.Name, MonthlySales: moneyOf(d.MonthlySales), Progress: d.Progress})
	}
	for _, s := range p.Content.Steps {
		content.Steps = append(content.Steps, &evaluationv1.PlanStep{DueDate: s.Due.String(), What: s.What, Amount: moneyOf(s.Amount), Done: s.Done})
	}
	return &evaluationv1.TreatmentPlan{
		PlanId: p.ID, CustomerId: p.CustomerID, Kind: number[evaluationv1.PlanKind](string(p.Kind), evaluationv1.PlanKind_value, "PLAN_KIND_"),
		State: number[evaluationv1.PlanState](string(p.State), evaluationv1.PlanState_value, "PLAN_STATE_"),
		Grade: gradeOut(p.Grade), RatingId: p.RatingID, OpenDate: p.Opened.String(), OwnerId: p.Owner,
		OwnerRole: number[optionsv1.Role](p.OwnerRole, optionsv1.Role_value, "ROLE_"), DueDate: p.Due.String(), Overdue: p.Overdue(v.Today),
		Content: content, CloseDate: p.Closed.String(), Outcome: p.Outcome, Revision: p.Revision,
	}
}
