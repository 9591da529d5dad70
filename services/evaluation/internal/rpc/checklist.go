package rpc

import (
	"context"

	"github.com/avalcredit/aval/pkg/authn"
	evaluationv1 "github.com/avalcredit/aval/proto/gen/aval/evaluation/v1"
	optionsv1 "github.com/avalcredit/aval/proto/gen/aval/options/v1"
	"github.com/avalcredit/aval/services/evaluation/internal/checklist"
	"github.com/avalcredit/aval/services/evaluation/internal/criteria"
	"github.com/avalcredit/aval/services/evaluation/internal/customer"
)

// GetChecklist implements the contract.
func (s Facts) GetChecklist(ctx context.Context, req *evaluationv1.GetChecklistRequest) (*evaluationv1.GetChecklistResponse, error) {
	c, err := s.App.Checklist(ctx, req.GetCustomerId())
	if err != nil {
		return nil, err
	}
	res := &evaluationv1.GetChecklistResponse{
		PolicyVersion: c.PolicyVersion, BusinessDate: c.Date.String(), Complete: checklist.Complete(c.Items),
	}
	for _, i := range c.Items {
		res.Items = append(res.Items, checklistItemOut(i, c.Customer))
	}
	return res, nil
}

func checklistItemOut(i checklist.Item, c customer.Customer) *evaluationv1.ChecklistItem {
	m := &evaluationv1.ChecklistItem{
		Kind:     factKindOut(i.Kind),
		State:    number[evaluationv1.ChecklistState](string(i.State), evaluationv1.ChecklistState_value, "CHECKLIST_STATE_"),
		MinCount: int32(i.Count), MaxAgeDays: int32(i.MaxAgeDays), VerifiedOnly: i.VerifiedOnly, //nolint:gosec // came as int32
		FactIds: i.FactIDs, GoodUntilDate: i.GoodUntil.String(),
		Role: number[optionsv1.Role](i.Role, optionsv1.Role_value, "ROLE_"), Person: personIn(i.Role, c),
	}
	for _, indicator := range i.Indicators {
		m.Indicators = append(m.Indicators, string(indicator))
	}
	return m
}

// personIn is the person that the file names for a role.
func personIn(role string, c customer.Customer) string {
	switch role {
	case authn.RoleSalesperson:
		return c.SalespersonID
	case "CREDIT_ANALYST":
		return c.CreditAnalystID
	default:
		return ""
	}
}

func checklistIn(rules []*evaluationv1.ChecklistRule) []criteria.Wanted {
	var list []criteria.Wanted
	for _, m := range rules {
		w := criteria.Wanted{
			Kind: factKindIn(m.GetKind()), Count: max(1, int(m.GetMinCount())), MaxAgeDays: int(m.GetMaxAgeDays()),
			VerifiedOnly: m.GetVerifiedOnly(), Role: name(m.GetRole(), optionsv1.Role_name, "ROLE_"),
		}
		if w.Role == "" {
			w.Role = "CREDIT_ANALYST"
		}
		list = append(list, w)
	}
	return list
}
