package rpc

import (
	"context"
	"strconv"

	"github.com/avalcredit/aval/pkg/calendar"
	"github.com/avalcredit/aval/pkg/idem"
	"github.com/avalcredit/aval/pkg/money"
	"github.com/avalcredit/aval/pkg/page"
	receivablesv1 "github.com/avalcredit/aval/proto/gen/aval/receivables/v1"
	"github.com/avalcredit/aval/services/receivables/internal/app"
	"github.com/avalcredit/aval/services/receivables/internal/charge"
)

// Charges serves ChargeService.
type Charges struct {
	receivablesv1.UnsafeChargeServiceServer
	App   *app.Service
	Pages *page.Signer
}

var _ receivablesv1.ChargeServiceServer = (*Charges)(nil)

// chargesOf is the part of a policy about what sales answers for. Errors: Invalid RATIO_INVALID, which the contract's patterns
// leave no room for.
func chargesOf(p *receivablesv1.ResponsibilityPolicy) (charge.Rules, error) {
	out := charge.Rules{SupervisionDays: 7}
	if n := p.GetSupervisionDays(); n > 0 {
		out.SupervisionDays = int(n)
	}
	var err error
	if out.OverTerm, err = chargeRule(p.GetOverTerm()); err != nil {
		return out, err
	}
	if out.OverLimit, err = chargeRule(p.GetOverLimit()); err != nil {
		return out, err
	}
	if share := p.GetReturnShare(); share != "" {
		out.ReturnShare, err = money.ParseRatio(share)
	}
	return out, err
}

func chargeRule(r *receivablesv1.ChargeRule) (charge.Rule, error) {
	if r == nil {
		return charge.Rule{}, nil
	}
	rate, err := money.ParseRatio(r.GetPerMille())
	return charge.Rule{
		PerMille: rate, Basis: charge.Basis(named(r.GetBasis(), "CHARGE_BASIS_")), ChargedTo: charge.Bearer(named(r.GetChargedTo(), "CHARGE_TO_")),
		GraceDays: int(r.GetGraceDays()),
	}, err
}

// month reads YYYY-MM as its first day; empty is none.
func (f *fields) month(path, s string) calendar.Date {
	if s == "" {
		return calendar.Date{}
	}
	return f.date(path, s+"-01")
}

// RunCharges implements ChargeService.
func (s *Charges) RunCharges(ctx context.Context, req *receivablesv1.RunChargesRequest) (*receivablesv1.RunChargesResponse, error) {
	var f fields
	month := f.month("month", req.GetMonth())
	if f.err != nil {
		return nil, f.err
	}
	r := idem.FromProto(ctx, receivablesv1.ChargeService_RunCharges_FullMethodName, req.GetRequestId(), req)
	out, err := s.App.RunCharges(ctx, r, month)
	if err != nil {
		return nil, err
	}
	return &receivablesv1.RunChargesResponse{ChargeRun: chargeRunMessage(out)}, nil
}

// GetChargeRun implements ChargeService.
func (s *Charges) GetChargeRun(ctx context.Context, req *receivablesv1.GetChargeRunRequest) (*receivablesv1.GetChargeRunResponse, error) {
	var f fields
	month := f.month("month", req.GetMonth())
	if f.err != nil {
		return nil, f.err
	}
	out, err := s.App.Charged(ctx, month)
	if err != nil {
		return nil, err
	}
	return &receivablesv1.GetChargeRunResponse{ChargeRun: chargeRunMessage(out)}, nil
}

// ListCharges implements ChargeService.
func (s *Charges) ListCharges(ctx context.Context, req *receivablesv1.ListChargesRequest) (*receivablesv1.ListChargesResponse, error) {
	var f fields
	checksum := page.Checksum("charges", req.GetMonth(), req.GetUnitId(), req.GetPerson(), req.GetItemId())
	size := page.Size(req.GetPageSize(), defaultPage, maxPage)
	q := app.ChargeQuery{Month: f.month("month", req.GetMonth()), UnitID: req.GetUnitId(), Person: req.GetPerson(), ItemID: req.GetItemId(), Limit: size + 1}
	if f.err != nil {
		return nil, f.err
	}
	cursor, err := s.Pages.Decode(req.GetPageToken(), checksum, 3)
	if err != nil {
		return nil, err
	}
	if cursor != nil {
		q.After.Month, q.After.ItemID, q.After.Kind = f.date("page_token", cursor[0]), cursor[1], charge.Kind(cursor[2])
		if f.err != nil {
			return nil, f.err
		}
	}
	list, err := s.App.Charges(ctx, q)
	if err != nil {
		return nil, err
	}
	resp := &receivablesv1.ListChargesResponse{}
	if len(list) > size {
		list = list[:size]
		last := list[size-1]
		resp.NextPageToken = s.Pages.Encode(checksum, last.Month.String(), last.ItemID, string(last.Kind))
	}
	for _, l := range list {
		resp.Charges = append(resp.Charges, chargeMessage(l))
	}
	return resp, nil
}

// NameSupervisor implements ChargeService.
func (s *Charges) NameSupervisor(ctx context.Context, req *receivablesv1.NameSupervisorRequest) (*receivablesv1.NameSupervisorResponse, error) {
	r := idem.FromProto(ctx, receivablesv1.ChargeService_NameSupervisor_FullMethodName, req.GetRequestId(), req)
	out, err := s.App.NameSupervisor(ctx, r, req.GetUnitId(), req.GetPerson())
	if err != nil {
		return nil, err
	}
	return &receivablesv1.NameSupervisorResponse{Supervisor: supervisorMessage(out)}, nil
}

// GetSupervision implements ChargeService.
func (s *Charges) GetSupervision(ctx context.Context, _ *receivablesv1.GetSupervisionRequest) (*receivablesv1.GetSupervisionResponse, error) {
	units, supervisors, err := s.App.Supervision(ctx)
	if err != nil {
		return nil, err
	}
	resp := &receivablesv1.GetSupervisionResponse{}
	of := map[string]string{}
	for _, v := range supervisors {
		of[v.UnitID] = v.Person
		resp.Supervisors = append(resp.Supervisors, supervisorMessage(v))
	}
	for _, u := range units {
		supervisor, own := of[u.UnitID]
		if !own {
			supervisor = of[""]
		}
		resp.Units = append(resp.Units, &receivablesv1.Supervision{
			UnitId: u.UnitID, Supervisor: supervisor, NobodysItems: u.Nobodys, LeftItems: u.Left, UnansweredWarnings: u.Unanswered, UnfinishedHandOvers: u.HandOvers,
		})
	}
	return resp, nil
}

func supervisorMessage(v app.Supervisor) *receivablesv1.Supervisor {
	return &receivablesv1.Supervisor{UnitId: v.UnitID, Person: v.Person, FromDate: v.From.String(), NamedBy: v.NamedBy}
}

func chargeRunMessage(r app.ChargeRun) *receivablesv1.ChargeRun {
	out := &receivablesv1.ChargeRun{
		Month: r.Month.String()[:7], PolicyVersion: r.PolicyVersion, Lines: r.Lines, RunBy: r.RunBy, RunDate: r.RunDate.String(),
	}
	for _, v := range r.Sums {
		out.Sums = append(out.Sums, &receivablesv1.ChargeSum{
			ChargedTo: chargedTo(v.ChargedTo), Bearer: v.Bearer, OverTerm: moneyOf(v.OverTerm), OverLimit: moneyOf(v.OverLimit),
			Corrections: moneyOf(v.Corrections), Total: moneyOf(v.Total), Lines: v.Lines,
		})
	}
	return out
}

func chargedTo(b charge.Bearer) receivablesv1.ChargeTo {
	return receivablesv1.ChargeTo(receivablesv1.ChargeTo_value["CHARGE_TO_"+string(b)])
}

func chargeMessage(l app.ChargeLine) *receivablesv1.Charge {
	return &receivablesv1.Charge{
		Month: l.Month.String()[:7], ItemId: l.ItemID, Kind: receivablesv1.ChargeKind(receivablesv1.ChargeKind_value["CHARGE_KIND_"+string(l.Kind)]),
		CustomerId: l.CustomerID, UnitId: l.UnitID, Person: l.Person, ChargedTo: chargedTo(l.ChargedTo), Days: int32(l.Days), //nolint:gosec // days of a month
		BalanceDays: strconv.FormatInt(l.BalanceDays, 10), PerMille: l.PerMille.String(), Amount: moneyOf(l.Amount),
	}
}
