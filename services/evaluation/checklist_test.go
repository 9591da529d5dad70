package evaluation_test

import (
	"os"
	"slices"
	"testing"

	"github.com/avalcredit/aval/pkg/errs"
	evaluationv1 "github.com/avalcredit/aval/proto/gen/aval/evaluation/v1"
	optionsv1 "github.com/avalcredit/aval/proto/gen/aval/options/v1"
)

func (s *suite) checklist(who, day string) (*evaluationv1.GetChecklistResponse, error) {
	return s.facts().GetChecklist(as(who, day), &evaluationv1.GetChecklistRequest{CustomerId: "C-1"})
}

const (
	met     = evaluationv1.ChecklistState_CHECKLIST_STATE_MET
	lacking = evaluationv1.ChecklistState_CHECKLIST_STATE_MISSING
	stale   = evaluationv1.ChecklistState_CHECKLIST_STATE_STALE
)

// Invariant 33: what is missing is listed with who should get it.
func TestChecklist(t *testing.T) {
	t.Parallel()
	s := start(t)
	s.customer("C-1")
	_, err := s.update(&evaluationv1.Customer{CustomerId: "C-1", CreditAnalystId: "an"}, "credit_analyst_id")
	must(t, err)
	list, err := s.checklist(seller, startDay)
	must(t, err)
	if i := list.GetItems(); list.GetComplete() || len(i) != 4 || i[0].GetKind() != evaluationv1.CreditFactKind_CREDIT_FACT_KIND_FINANCIAL_STATEMENT ||
		i[0].GetState() != lacking || i[0].GetPerson() != "an" || i[0].GetMaxAgeDays() != 550 || !slices.Contains(i[0].GetIndicators(), "debt_to_asset_ratio") {
		t.Fatalf("%v", list)
	}
	s.statement("C-1", "40")
	if list, err = s.checklist(seller, startDay); err != nil || list.GetComplete() || list.GetItems()[0].GetState() != met || list.GetItems()[0].GetGoodUntilDate() != "2027-07-04" {
		t.Fatalf("%v %v", list, err)
	}
	if list, err = s.checklist(seller, "2027-07-05"); err != nil || list.GetItems()[0].GetState() != stale {
		t.Fatalf("%v %v", list, err)
	}
	_, err = s.checklist(other, startDay)
	refused(t, err, errs.NotFound, "CUSTOMER_NOT_FOUND")

	text, err := os.ReadFile("testdata/records/policy.yaml") // without a checklist of its own
	must(t, err)
	_, err = s.draft(string(text) + "\nchecklist:\n  - { kind: CREDIT_FACT_KIND_SITE_VISIT }\n  - { kind: CREDIT_FACT_KIND_SITE_VISIT }\n")
	refused(t, err, errs.Invalid, "POLICY_INVALID")
	v, err := s.draft(string(text) + "\nchecklist:\n  - { kind: CREDIT_FACT_KIND_SITE_VISIT, max_age_days: 365, role: ROLE_SALESPERSON }\n" +
		"  - { kind: CREDIT_FACT_KIND_TRADE_REFERENCE, min_count: 2 }\n")
	must(t, err)
	_, err = s.policies().SignEvaluationPolicy(as(boss), &evaluationv1.SignEvaluationPolicyRequest{RequestId: s.rid(), Version: v.GetVersion(), EffectiveFromDate: startDay})
	must(t, err)
	_, err = s.noteFact(seller, &evaluationv1.CreditFact{
		Source: "visit", AsOfDate: startDay, Content: &evaluationv1.CreditFact_SiteVisit{SiteVisit: &evaluationv1.SiteVisit{Visitors: "Li", Findings: "busy"}},
	})
	must(t, err)
	list, err = s.checklist(analyst, startDay)
	must(t, err)
	var states []evaluationv1.ChecklistState
	for _, i := range list.GetItems() {
		states = append(states, i.GetState())
	}
	if !slices.Equal(states, []evaluationv1.ChecklistState{met, lacking, met}) || list.GetPolicyVersion() != v.GetVersion() || list.GetComplete() {
		t.Fatalf("%v", list)
	}
	if i := list.GetItems()[0]; i.GetRole() != optionsv1.Role_ROLE_SALESPERSON || i.GetPerson() != "li" || len(i.GetFactIds()) != 1 {
		t.Fatalf("%v", i)
	}
}
