package rpc

import (
	"context"
	"fmt"

	"github.com/avalcredit/aval/pkg/approval"
	"github.com/avalcredit/aval/pkg/idem"
	"github.com/avalcredit/aval/pkg/money"
	"github.com/avalcredit/aval/pkg/page"
	optionsv1 "github.com/avalcredit/aval/proto/gen/aval/options/v1"
	receivablesv1 "github.com/avalcredit/aval/proto/gen/aval/receivables/v1"
	typev1 "github.com/avalcredit/aval/proto/gen/aval/type/v1"
	"github.com/avalcredit/aval/services/receivables/internal/app"
	"github.com/avalcredit/aval/services/receivables/internal/restructuring"
)

// Restructurings serves RestructuringService.
type Restructurings struct {
	receivablesv1.UnsafeRestructuringServiceServer
	App   *app.Service
	Pages *page.Signer
}

var _ receivablesv1.RestructuringServiceServer = (*Restructurings)(nil)

// restructuringRules are those of a policy. Errors: Invalid MONEY_INVALID, and POLICY_INVALID for a table with rows that nothing
// reaches.
func restructuringRules(p *receivablesv1.ClaimsPolicy, currency string) (restructuring.Rules, error) {
	r := restructuring.Rules{
		Authority: restructuring.DefaultAuthority(), Currency: currency, GraceDays: int(p.GetRestructuringGraceDays()),
		WarningDays: daysOr(p.GetRestructuringWarningDays(), 7, 1),
	}
	if len(p.GetRestructuringAuthority()) == 0 {
		return r, nil
	}
	var f fields
	r.Authority = make(approval.Table, len(p.GetRestructuringAuthority()))
	for i, row := range p.GetRestructuringAuthority() {
		if row.GetMaxAmount() != "" {
			m, err := money.Parse(currency, row.GetMaxAmount())
			f.keep(fmt.Sprintf("policy.claims.restructuring_authority[%d].max_amount", i), "money", err)
			r.Authority[i].MaxAmount = &m.Minor
		}
		f.steps(fmt.Sprintf("policy.claims.restructuring_authority[%d]", i), row, &r.Authority[i])
	}
	return r, f.err
}

// ProposeRestructuring implements RestructuringService.
func (s *Restructurings) ProposeRestructuring(ctx context.Context, req *receivablesv1.ProposeRestructuringRequest) (*receivablesv1.ProposeRestructuringResponse, error) {
	var f fields
	in := req.GetRestructuring()
	p := restructuring.Plan{ID: in.GetRestructuringId(), CustomerID: in.GetCustomerId(), ItemIDs: in.GetItemIds(), Reason: in.GetReason()}
	for i, part := range in.GetInstalments() {
		at := fmt.Sprintf("restructuring.instalments[%d].", i)
		p.Instalments = append(p.Instalments, restructuring.Instalment{
			Due: f.date(at+"due_date", part.GetDueDate()), Amount: f.money(at+"amount", part.GetAmount()),
		})
	}
	if f.err != nil {
		return nil, f.err
	}
	r := idem.FromProto(ctx, receivablesv1.RestructuringService_ProposeRestructuring_FullMethodName, req.GetRequestId(), req)
	out, err := s.App.ProposeRestructuring(ctx, r, p)
	if err != nil {
		return nil, err
	}
	return &receivablesv1.ProposeRestructuringResponse{Restructuring: planMessage(out)}, nil
}

// DecideRestructuring implements RestructuringService.
func (s *Restructurings) DecideRestructuring(ctx context.Context, req *receivablesv1.DecideRestructuringRequest) (*receivablesv1.DecideRestructuringResponse, error) {
	r := idem.FromProto(ctx, receivablesv1.RestructuringService_DecideRestructuring_FullMethodName, req.GetRequestId(), req)
	out, err := s.App.DecideRestructuring(ctx, r, req.GetRestructuringId(), approval.Decision(req.GetDecision()), req.GetReason())
	if err != nil {
		return nil, err
	}
	return &receivablesv1.DecideRestructuringResponse{Restructuring: planMessage(out)}, nil
}

// SignRestructuring implements RestructuringService.
func (s *Restructurings) SignRestructuring(ctx context.Context, req *receivablesv1.SignRestructuringRequest) (*receivablesv1.SignRestructuringResponse, error) {
	var f fields
	on := f.date("sign_date", req.GetSignDate())
	if f.err != nil {
		return nil, f.err
	}
	r := idem.FromProto(ctx, receivablesv1.RestructuringService_SignRestructuring_FullMethodName, req.GetRequestId(), req)
	out, err := s.App.SignRestructuring(ctx, r, req.GetRestructuringId(), on, req.GetEvidence())
	if err != nil {
		return nil, err
	}
	return &receivablesv1.SignRestructuringResponse{Restructuring: planMessage(out)}, nil
}

// EndRestructuring implements RestructuringService.
func (s *Restructurings) EndRestructuring(ctx context.Context, req *receivablesv1.EndRestructuringRequest) (*receivablesv1.EndRestructuringResponse, error) {
	r := idem.FromProto(ctx, receivablesv1.RestructuringService_EndRestructuring_FullMethodName, req.GetRequestId(), req)
	out, err := s.App.EndRestructuring(ctx, r, req.GetRestructuringId(), req.GetReason())
	if err != nil {
		return nil, err
	}
	return &receivablesv1.EndRestructuringResponse{Restructuring: planMessage(out)}, nil
}

// GetRestructuring implements RestructuringService.
func (s *Restructurings) GetRestructuring(ctx context.Context, req *receivablesv1.GetRestructuringRequest) (*receivablesv1.GetRestructuringResponse, error) {
	out, err := s.App.Restructuring(ctx, req.GetRestructuringId())
	if err != nil {
		return nil, err
	}
	return &receivablesv1.GetRestructuringResponse{Restructuring: planMessage(out)}, nil
}

// ListRestructurings implements RestructuringService.
func (s *Restructurings) ListRestructurings(ctx context.Context, req *receivablesv1.ListRestructuringsRequest) (*receivablesv1.ListRestructuringsResponse, error) {
	checksum := page.Checksum("restructurings", req.GetCustomerId(), req.GetItemId())
	before, err := numberToken(s.Pages, req.GetPageToken(), checksum)
	if err != nil {
		return nil, err
	}
	list, next, err := s.App.Restructurings(ctx, app.RecordQuery{
		CustomerID: req.GetCustomerId(), ItemID: req.GetItemId(), Before: before, Limit: page.Size(req.GetPageSize(), defaultPage, maxPage),
	})
	if err != nil {
		return nil, err
	}
	resp := &receivablesv1.ListRestructuringsResponse{NextPageToken: nextToken(s.Pages, checksum, next)}
	for _, p := range list {
		resp.Restructurings = append(resp.Restructurings, planMessage(p))
	}
	return resp, nil
}

func planMessage(p app.PlanView) *receivablesv1.Restructuring {
	out := &receivablesv1.Restructuring{
		RestructuringId: p.ID, CustomerId: p.CustomerID, ItemIds: p.ItemIDs, Reason: p.Reason,
		State:      receivablesv1.RestructuringState(receivablesv1.RestructuringState_value["RESTRUCTURING_STATE_"+string(p.State)]),
		OpenAmount: moneyOf(p.OpenAmount), WaivedAmount: moneyOf(p.OpenAmount.Sub(p.Total())), ReceivedAmount: moneyOf(money.New(p.Received, p.OpenAmount.Currency)),
		ProposedBy: p.Form.Applicant, ProposeDate: p.ProposeDate.String(), SignDate: p.SignDate.String(), SignEvidence: p.SignEvidence,
		EndedBy: p.EndedBy, EndReason: p.EndReason, EndDate: p.EndDate.String(),
	}
	for i, part := range p.Instalments {
		out.Instalments = append(out.Instalments, &receivablesv1.RestructuringInstalment{
			DueDate: part.Due.String(), Amount: moneyOf(part.Amount),
			State: receivablesv1.RestructuringInstalmentState(receivablesv1.RestructuringInstalmentState_value["RESTRUCTURING_INSTALMENT_STATE_"+string(p.Parts[i])]),
		})
	}
	for _, s := range p.Form.Steps {
		step := &typev1.ApprovalStep{Name: s.Name}
		for _, role := range s.AnyOf {
			step.Roles = append(step.Roles, optionsv1.Role(optionsv1.Role_value["ROLE_"+role]))
		}
		out.Steps = append(out.Steps, step)
	}
	for _, a := range p.Form.Acts {
		out.Acts = append(out.Acts, &typev1.ApprovalAct{
			Step: int32(a.Step), Decision: string(a.Decision), Subject: a.Subject, Reason: a.Reason, BusinessDate: a.Date.String(), //nolint:gosec // at most eight steps
		})
	}
	return out
}
