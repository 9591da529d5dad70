package rpc

import (
	"context"

	"github.com/avalcredit/aval/pkg/calendar"
	"github.com/avalcredit/aval/pkg/idem"
	"github.com/avalcredit/aval/pkg/page"
	receivablesv1 "github.com/avalcredit/aval/proto/gen/aval/receivables/v1"
	"github.com/avalcredit/aval/services/receivables/internal/app"
	"github.com/avalcredit/aval/services/receivables/internal/legal"
	"github.com/avalcredit/aval/services/receivables/internal/limitation"
	"github.com/avalcredit/aval/services/receivables/internal/terms"
)

// Limitations serves LimitationService.
type Limitations struct {
	receivablesv1.UnsafeLimitationServiceServer
	App   *app.Service
	Pages *page.Signer
}

var _ receivablesv1.LimitationServiceServer = (*Limitations)(nil)

// claimsOf is the part of a policy about claims and who answers for them; what it does not say is the law's.
func claimsOf(policy *receivablesv1.ReceivablesPolicy) (terms.Claims, error) {
	p := policy.GetClaims()
	plans, err := restructuringRules(p, policy.GetBaseCurrency())
	if err != nil {
		return terms.Claims{}, err
	}
	charges, err := chargesOf(policy.GetResponsibility())
	return terms.Claims{
		Limitation: limitationRules(p), Legal: legalRules(p), Charges: charges, Restructuring: plans,
		SecurityDays: daysOr(p.GetSecurityWarningDays(), 90, 30, 7), InsuranceDays: daysOr(p.GetInsuranceWarningDays(), 14, 7, 1),
	}, err
}

// limitationRules are those of a policy; what it does not say is the law's.
func limitationRules(p *receivablesv1.ClaimsPolicy) limitation.Rules {
	r := limitation.Default()
	if n := p.GetLimitationYears(); n > 0 {
		r.Years = int(n)
	}
	r.WarningDays = daysOr(p.GetLimitationWarningDays(), r.WarningDays...)
	if n := p.GetObstacleMonths(); n > 0 {
		r.ObstacleMonths = int(n)
	}
	r.FromLastInstalment, r.DemandFromLevel = p.GetInstalmentsFromLast(), int(p.GetDemandFromLevel())
	return r
}

func legalRules(p *receivablesv1.ClaimsPolicy) legal.Rules {
	r := legal.Default()
	r.WarningDays = daysOr(p.GetLegalWarningDays(), r.WarningDays...)
	if n := p.GetEnforcementYears(); n > 0 {
		r.EnforcementYears = int(n)
	}
	return r
}

// daysOr are the days of a policy, or what holds where it names none.
func daysOr(list []int32, otherwise ...int) []int {
	if len(list) == 0 {
		return otherwise
	}
	return ints(list)
}

func ints(list []int32) []int {
	out := make([]int, len(list))
	for i, n := range list {
		out[i] = int(n)
	}
	return out
}

// GetLimitation implements LimitationService.
func (s *Limitations) GetLimitation(ctx context.Context, req *receivablesv1.GetLimitationRequest) (*receivablesv1.GetLimitationResponse, error) {
	var f fields
	asOf := f.date("as_of_date", req.GetAsOfDate())
	if f.err != nil {
		return nil, f.err
	}
	p, err := s.App.Limitation(ctx, req.GetItemId(), asOf)
	if err != nil {
		return nil, err
	}
	if asOf.IsZero() {
		asOf = s.App.Today(ctx)
	}
	out := limitationMessage(p, asOf)
	for _, step := range p.Steps {
		out.Steps = append(out.Steps, &receivablesv1.LimitationStep{
			Event: limitationEventMessage(step.Event), LastDate: step.LastDay.String(),
			Effect: receivablesv1.LimitationEffect(receivablesv1.LimitationEffect_value["LIMITATION_EFFECT_"+string(step.Effect)]),
		})
	}
	return &receivablesv1.GetLimitationResponse{Limitation: out}, nil
}

// ListLimitations implements LimitationService.
func (s *Limitations) ListLimitations(ctx context.Context, req *receivablesv1.ListLimitationsRequest) (*receivablesv1.ListLimitationsResponse, error) {
	within := req.GetWithinDays()
	checksum := page.Checksum("limitations", req.GetCustomerId(), itoa(within))
	q := limitation.Query{CustomerID: req.GetCustomerId(), Limit: page.Size(req.GetPageSize(), defaultPage, maxPage)}
	cursor, err := s.Pages.Decode(req.GetPageToken(), checksum, 2)
	if err != nil {
		return nil, err
	}
	if cursor != nil {
		if q.AfterDue, err = calendar.ParseDate(cursor[0]); err != nil {
			return nil, err
		}
		q.AfterID = cursor[1]
	}
	list, next, err := s.App.Limitations(ctx, q, int(within))
	if err != nil {
		return nil, err
	}
	resp := &receivablesv1.ListLimitationsResponse{}
	for _, p := range list {
		resp.Limitations = append(resp.Limitations, limitationMessage(p, s.App.Today(ctx)))
	}
	if next != nil {
		resp.NextPageToken = s.Pages.Encode(checksum, next.AfterDue.String(), next.AfterID)
	}
	return resp, nil
}

// RecordLimitationEvent implements LimitationService.
func (s *Limitations) RecordLimitationEvent(ctx context.Context, req *receivablesv1.RecordLimitationEventRequest) (*receivablesv1.RecordLimitationEventResponse, error) {
	var f fields
	in := req.GetLimitationEvent()
	e := limitation.Event{
		ID: in.GetLimitationEventId(), CustomerID: in.GetCustomerId(), ItemID: in.GetItemId(), Evidence: in.GetEvidence(),
		Kind: limitation.Kind(in.GetKind().String()[len("LIMITATION_EVENT_KIND_"):]),
		Date: f.date("limitation_event.event_date", in.GetEventDate()), End: f.date("limitation_event.end_date", in.GetEndDate()),
	}
	if f.err != nil {
		return nil, f.err
	}
	r := idem.FromProto(ctx, receivablesv1.LimitationService_RecordLimitationEvent_FullMethodName, req.GetRequestId(), req)
	out, err := s.App.RecordLimitationEvent(ctx, r, e)
	if err != nil {
		return nil, err
	}
	return &receivablesv1.RecordLimitationEventResponse{LimitationEvent: limitationEventMessage(out)}, nil
}

// EndLimitationEvent implements LimitationService.
func (s *Limitations) EndLimitationEvent(ctx context.Context, req *receivablesv1.EndLimitationEventRequest) (*receivablesv1.EndLimitationEventResponse, error) {
	var f fields
	end := f.date("end_date", req.GetEndDate())
	if f.err != nil {
		return nil, f.err
	}
	r := idem.FromProto(ctx, receivablesv1.LimitationService_EndLimitationEvent_FullMethodName, req.GetRequestId(), req)
	out, err := s.App.EndLimitationEvent(ctx, r, req.GetLimitationEventId(), end)
	if err != nil {
		return nil, err
	}
	return &receivablesv1.EndLimitationEventResponse{LimitationEvent: limitationEventMessage(out)}, nil
}

// WithdrawLimitationEvent implements LimitationService.
func (s *Limitations) WithdrawLimitationEvent(ctx context.Context, req *receivablesv1.WithdrawLimitationEventRequest) (*receivablesv1.WithdrawLimitationEventResponse, error) {
	r := idem.FromProto(ctx, receivablesv1.LimitationService_WithdrawLimitationEvent_FullMethodName, req.GetRequestId(), req)
	out, err := s.App.WithdrawLimitationEvent(ctx, r, req.GetLimitationEventId(), req.GetReason())
	if err != nil {
		return nil, err
	}
	return &receivablesv1.WithdrawLimitationEventResponse{LimitationEvent: limitationEventMessage(out)}, nil
}

func limitationMessage(p limitation.Period, today calendar.Date) *receivablesv1.Limitation {
	out := &receivablesv1.Limitation{
		ItemId: p.Item.ID, CustomerId: p.Item.CustomerID, OpenAmount: moneyOf(p.Item.Open), DueDate: p.Item.DueDate.String(),
		State:    receivablesv1.LimitationState(receivablesv1.LimitationState_value["LIMITATION_STATE_"+string(p.State)]),
		LastDate: p.LastDay.String(), Responsible: p.Item.Responsible,
	}
	if !p.LastDay.IsZero() {
		out.DaysLeft = int32(p.LastDay.DaysSince(today)) //nolint:gosec // days
	}
	return out
}

func limitationEventMessage(e limitation.Event) *receivablesv1.LimitationEvent {
	return &receivablesv1.LimitationEvent{
		LimitationEventId: e.ID, CustomerId: e.CustomerID, ItemId: e.ItemID, EventDate: e.Date.String(), EndDate: e.End.String(),
		Kind:     receivablesv1.LimitationEventKind(receivablesv1.LimitationEventKind_value["LIMITATION_EVENT_KIND_"+string(e.Kind)]),
		Evidence: e.Evidence, Source: e.Source, RecordedBy: e.RecordedBy, RecordDate: e.RecordDate.String(),
		WithdrawnBy: e.WithdrawnBy, WithdrawReason: e.WithdrawReason,
	}
}
