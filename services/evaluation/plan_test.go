package evaluation_test

import (
	"testing"

	"github.com/avalcredit/aval/pkg/errs"
	evaluationv1 "github.com/avalcredit/aval/proto/gen/aval/evaluation/v1"
)

func (s *suite) plans() evaluationv1.TreatmentPlanServiceClient {
	return evaluationv1.NewTreatmentPlanServiceClient(s.conn)
}

func (s *suite) plansOf(who, day string, req *evaluationv1.ListTreatmentPlansRequest) []*evaluationv1.TreatmentPlan {
	s.Helper()
	res, err := s.plans().ListTreatmentPlans(as(who, day), req)
	must(s, err)
	return res.GetPlans()
}

// Invariant 34: a grade of C or D leaves somebody with something to do by a day.
func TestPlansOfARating(t *testing.T) {
	t.Parallel()
	s := start(t)
	s.granted("C-1")
	if all := s.plansOf(manager, startDay, &evaluationv1.ListTreatmentPlansRequest{}); len(all) != 0 {
		t.Fatalf("grade A has plans: %v", all)
	}
	_, err := s.noteFact(analyst, suit("F-suit"))
	must(t, err)
	all := s.plansOf(seller, startDay, &evaluationv1.ListTreatmentPlansRequest{CustomerId: "C-1"})
	if len(all) != 2 || all[0].GetKind() != evaluationv1.PlanKind_PLAN_KIND_CONTINGENCY || all[0].GetDueDate() != "2026-03-16" || all[0].GetOwnerId() != "li" ||
		all[1].GetKind() != evaluationv1.PlanKind_PLAN_KIND_REPLACEMENT || all[1].GetDueDate() != "2026-04-01" || all[0].GetGrade() != evaluationv1.Grade_GRADE_C {
		t.Fatalf("%v", all)
	}
	contingency, replacement := all[0].GetPlanId(), all[1].GetPlanId()
	if late := s.plansOf(manager, "2026-03-17", &evaluationv1.ListTreatmentPlansRequest{Overdue: true}); len(late) != 1 || late[0].GetPlanId() != contingency || !late[0].GetOverdue() {
		t.Fatalf("%v", late)
	}
	if none := s.plansOf(other, startDay, &evaluationv1.ListTreatmentPlansRequest{}); len(none) != 0 {
		t.Fatalf("another salesperson sees %v", none)
	}
	_, err = s.plans().GetTreatmentPlan(as(other), &evaluationv1.GetTreatmentPlanRequest{PlanId: contingency})
	refused(t, err, errs.NotFound, "PLAN_NOT_FOUND")

	complete := func(who, id string) (*evaluationv1.CompleteTreatmentPlanResponse, error) {
		return s.plans().CompleteTreatmentPlan(as(who), &evaluationv1.CompleteTreatmentPlanRequest{RequestId: s.rid(), PlanId: id, Outcome: "agreed with the region"})
	}
	write := func(who string) error {
		_, err := s.plans().WriteTreatmentPlan(as(who), &evaluationv1.WriteTreatmentPlanRequest{RequestId: s.rid(), PlanId: replacement, Content: &evaluationv1.PlanContent{
			Candidates: []*evaluationv1.PlanCandidate{{Name: "Another firm", MonthlySales: cny("1000.00"), Progress: "first visit"}},
		}})
		return err
	}
	refused(t, write(analyst), errs.PermissionDenied, "NOT_OWNER")
	_, err = complete(seller, replacement)
	refused(t, err, errs.FailedPrecondition, "PLAN_INCOMPLETE")
	must(t, write(seller))
	assign := &evaluationv1.AssignTreatmentPlanRequest{RequestId: s.rid(), PlanId: replacement, OwnerId: "sun", DueDate: "2026-03-20", Reason: "the region's own"}
	given, err := s.plans().AssignTreatmentPlan(as(manager), assign)
	must(t, err)
	if p := given.GetPlan(); p.GetOwnerId() != "sun" || p.GetDueDate() != "2026-03-20" || p.GetRevision() != 3 || p.GetContent().GetCandidates()[0].GetName() != "Another firm" {
		t.Fatalf("%v", p)
	}
	_, err = complete(seller, replacement)
	refused(t, err, errs.PermissionDenied, "NOT_OWNER")
	done, err := complete(supervisor, replacement)
	must(t, err)
	if done.GetPlan().GetState() != evaluationv1.PlanState_PLAN_STATE_DONE || done.GetPlan().GetCloseDate() != startDay {
		t.Fatalf("%v", done)
	}
	_, err = complete(supervisor, replacement)
	refused(t, err, errs.FailedPrecondition, "PLAN_CLOSED")

	over := suit("F-over")
	over.SupersedesFactId, over.GetLitigation().Open = "F-suit", false
	_, err = s.noteFact(analyst, over)
	must(t, err)
	s.rate("C-1")
	open := s.plansOf(manager, startDay, &evaluationv1.ListTreatmentPlansRequest{State: evaluationv1.PlanState_PLAN_STATE_OPEN})
	ended := s.plansOf(manager, startDay, &evaluationv1.ListTreatmentPlansRequest{State: evaluationv1.PlanState_PLAN_STATE_OBSOLETE})
	if len(open) != 0 || len(ended) != 1 || ended[0].GetPlanId() != contingency {
		t.Fatalf("open %v, obsolete %v", open, ended)
	}
}
