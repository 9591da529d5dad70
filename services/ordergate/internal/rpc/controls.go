package rpc

import (
	"context"
	"strconv"

	"github.com/avalcredit/aval/pkg/approval"
	"github.com/avalcredit/aval/pkg/errs"
	"github.com/avalcredit/aval/pkg/money"
	pb "github.com/avalcredit/aval/proto/gen/aval/ordergate/v1"
	typev1 "github.com/avalcredit/aval/proto/gen/aval/type/v1"
	"github.com/avalcredit/aval/services/ordergate/internal/account"
	"github.com/avalcredit/aval/services/ordergate/internal/app"
	"github.com/avalcredit/aval/services/ordergate/internal/check"
	"github.com/avalcredit/aval/services/ordergate/internal/gate"
)

// CustomerControls implements CustomerControlService.
type CustomerControls struct {
	pb.UnsafeCustomerControlServiceServer
	Gate    *app.Gate
	Queries *app.Queries
}

var _ pb.CustomerControlServiceServer = (*CustomerControls)(nil)

// BlockCustomer implements the contract.
func (s *CustomerControls) BlockCustomer(ctx context.Context, r *pb.BlockCustomerRequest) (*pb.BlockCustomerResponse, error) {
	until, err := parseDate("until_date", r.GetUntilDate())
	if err != nil {
		return nil, err
	}
	b := account.Block{Kind: account.BlockKind(word(r.GetKind().String(), "BLOCK_KIND_", "")), Reason: r.GetReason(), Until: until}
	if _, err := s.Gate.Block(ctx, caller(ctx), request(ctx, "BlockCustomer", r.GetRequestId(), r), r.GetCustomerId(), b); err != nil {
		return nil, err
	}
	out, err := s.control(ctx, r.GetCustomerId())
	return &pb.BlockCustomerResponse{Control: out}, err
}

// UnblockCustomer implements the contract.
func (s *CustomerControls) UnblockCustomer(ctx context.Context, r *pb.UnblockCustomerRequest) (*pb.UnblockCustomerResponse, error) {
	req := request(ctx, "UnblockCustomer", r.GetRequestId(), r)
	if _, err := s.Gate.Unblock(ctx, caller(ctx), req, r.GetCustomerId(), r.GetReason()); err != nil {
		return nil, err
	}
	out, err := s.control(ctx, r.GetCustomerId())
	return &pb.UnblockCustomerResponse{Control: out}, err
}

// RequestStopException implements the contract.
func (s *CustomerControls) RequestStopException(ctx context.Context, r *pb.RequestStopExceptionRequest) (*pb.RequestStopExceptionResponse, error) {
	until, err := parseDate("until_date", r.GetUntilDate())
	if err != nil {
		return nil, err
	}
	ask := gate.ExceptionRequest{Reason: r.GetReason(), Until: until, MaxDays: int(r.GetMaxDaysOverdue())}
	if r.GetMaxExcess() != nil {
		m, err := parseMoney("max_excess", r.GetMaxExcess())
		if err != nil {
			return nil, err
		}
		if m.Minor < 0 {
			return nil, errs.Field("max_excess", "NOT_NEGATIVE", "the excess must not be below zero")
		}
		ask.Currency, ask.MaxExcess = m.Currency, m.Minor
	}
	req := request(ctx, "RequestStopException", r.GetRequestId(), r)
	if _, err := s.Gate.RequestException(ctx, caller(ctx), req, r.GetCustomerId(), ask); err != nil {
		return nil, err
	}
	out, err := s.control(ctx, r.GetCustomerId())
	return &pb.RequestStopExceptionResponse{Control: out}, err
}

// DecideStopException implements the contract.
func (s *CustomerControls) DecideStopException(ctx context.Context, r *pb.DecideStopExceptionRequest) (*pb.DecideStopExceptionResponse, error) {
	d := approval.Reject
	if r.GetApprove() {
		d = approval.Approve
	}
	req := request(ctx, "DecideStopException", r.GetRequestId(), r)
	if _, err := s.Gate.DecideException(ctx, caller(ctx), req, r.GetCustomerId(), d, r.GetReason()); err != nil {
		return nil, err
	}
	out, err := s.control(ctx, r.GetCustomerId())
	return &pb.DecideStopExceptionResponse{Control: out}, err
}

func (s *CustomerControls) control(ctx context.Context, customerID string) (*pb.CustomerControl, error) {
	c, err := s.Queries.Control(ctx, caller(ctx), customerID)
	if err != nil {
		return nil, err
	}
	return controlOf(c), nil
}

// GetCustomerControl implements the contract.
func (s *CustomerControls) GetCustomerControl(ctx context.Context, r *pb.GetCustomerControlRequest) (*pb.GetCustomerControlResponse, error) {
	out, err := s.control(ctx, r.GetCustomerId())
	return &pb.GetCustomerControlResponse{Control: out}, err
}

// ListCustomerControls implements the contract.
func (s *CustomerControls) ListCustomerControls(ctx context.Context, r *pb.ListCustomerControlsRequest) (*pb.ListCustomerControlsResponse, error) {
	page, err := s.Queries.Controls(ctx, caller(ctx), r.GetPageSize(), r.GetPageToken())
	if err != nil {
		return nil, err
	}
	resp := &pb.ListCustomerControlsResponse{NextPageToken: page.Next}
	for _, c := range page.Items {
		resp.Controls = append(resp.Controls, controlOf(c))
	}
	return resp, nil
}

func controlOf(s app.ControlSheet) *pb.CustomerControl {
	c, on := s.Control, s.Control.BlockOn(s.Today)
	out := &pb.CustomerControl{CustomerId: s.CustomerID, ShippingStopped: on != nil || c.Stop != nil}
	if b := c.Block; b != nil {
		out.Block = &pb.CustomerBlock{
			Kind: enum[pb.BlockKind](pb.BlockKind_value, "BLOCK_KIND_", string(b.Kind)), Reason: b.Reason, SetBy: b.SetBy,
			FromDate: b.From.String(), UntilDate: b.Until.String(), InForce: on != nil,
		}
	}
	if st := c.Stop; st != nil {
		out.CreditStop = &pb.CreditStop{
			SinceDate: st.Since.String(), Reasons: st.Reasons, Excess: minorOf(st.Excess, s.Currency), DaysOverdue: int32(st.DaysOverdue), //nolint:gosec // days
		}
	}
	if e := c.Exception; e != nil {
		out.Exception = &pb.StopException{
			FormNumber: s.CustomerID + "/" + strconv.FormatInt(e.Number, 10), State: string(e.Form.State), Reason: e.Reason, UntilDate: e.Until.String(),
			MaxExcess: minorOf(e.MaxExcess, s.Currency), MaxDaysOverdue: int32(e.MaxDays), RequestedBy: e.Form.Applicant, //nolint:gosec // days
			InForce: e.Form.State == approval.Approved && !s.Today.After(e.Until), Steps: stepsOf(e.Form), Acts: actsOf(e.Form),
		}
	}
	return out
}

func stepsOf(f approval.Form) []*typev1.ApprovalStep {
	var out []*typev1.ApprovalStep
	for _, s := range f.Steps {
		out = append(out, &typev1.ApprovalStep{Name: s.Name, Roles: rolesOf(s.AnyOf), AllOf: rolesOf(s.AllOf)})
	}
	return out
}

func actsOf(f approval.Form) []*typev1.ApprovalAct {
	var out []*typev1.ApprovalAct
	for _, a := range f.Acts {
		out = append(out, &typev1.ApprovalAct{
			Step: int32(a.Step), Decision: string(a.Decision), Subject: a.Subject, Reason: a.Reason, BusinessDate: a.Date.String(), //nolint:gosec // at most 8 steps
		})
	}
	return out
}

// controlsOf reads the parameters of approvals, blocks and stops; field paths begin with "policy.controls".
func controlsOf(spec *pb.OrderPolicy) (check.Controls, error) {
	m := spec.GetControls()
	out := check.Controls{
		DueDays: int(m.GetApprovalDueDays()), RaiseLiftsHold: m.GetRaisedLimitLiftsHold(), AnswerForMinutes: int(m.GetShipmentAnswerMinutes()),
	}
	if out.AnswerForMinutes == 0 {
		out.AnswerForMinutes = 15
	}
	var err error
	if c := m.GetCreditStop(); c != nil {
		rule := &check.CreditStopRule{OverdueDays: int(c.GetOverdueDays()), ReleasesCount: c.GetReleasesCount()}
		if rule.OverPercent, err = ratioOf(c.GetOverLimitPercent()); err != nil {
			return out, err
		}
		out.CreditStop = rule
	}
	if s := m.GetSeverelyOver(); s != nil {
		severe := &check.Severe{Days: int(s.GetDaysOverdue())}
		if severe.Step, err = stepOf("policy.controls.severely_over.step", s.GetStep()); err != nil {
			return out, err
		}
		if len(severe.Step.AllOf) > 0 {
			return out, errs.Field("policy.controls.severely_over.step.all_of", "ONE_SIGNS_FIRST", "top management signs first by one person")
		}
		if severe.Ratio, err = ratioOf(s.GetExcessRatio()); err != nil {
			return out, err
		}
		out.Severe = severe
	}
	if m.GetBatchMaxExcess() != "" {
		v, err := money.Parse(spec.GetBaseCurrency(), m.GetBatchMaxExcess())
		if err != nil {
			return out, errs.Field("policy.controls.batch_max_excess", "MONEY_INVALID", "not an amount of %s: %s", spec.GetBaseCurrency(), m.GetBatchMaxExcess())
		}
		out.BatchMaxExcess = &v.Minor
	}
	return out, nil
}
