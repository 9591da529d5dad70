package rpc

import (
	"context"
	"math"
	"strconv"
	"time"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/avalcredit/aval/pkg/approval"
	"github.com/avalcredit/aval/pkg/authn"
	"github.com/avalcredit/aval/pkg/errs"
	"github.com/avalcredit/aval/pkg/idem"
	"github.com/avalcredit/aval/pkg/money"
	"github.com/avalcredit/aval/pkg/page"
	"github.com/avalcredit/aval/pkg/policy"
	pb "github.com/avalcredit/aval/proto/gen/aval/ordergate/v1"
	typev1 "github.com/avalcredit/aval/proto/gen/aval/type/v1"
	"github.com/avalcredit/aval/services/ordergate/internal/app"
	"github.com/avalcredit/aval/services/ordergate/internal/check"
)

// Policies implements OrderPolicyService.
type Policies struct {
	pb.UnsafeOrderPolicyServiceServer
	Book       *policy.Book
	Pages      *page.Signer
	Violations *app.Violations // who tries to sign its own draft is noted
}

var _ pb.OrderPolicyServiceServer = (*Policies)(nil)

// CreateOrderPolicy implements the contract.
func (s *Policies) CreateOrderPolicy(ctx context.Context, r *pb.CreateOrderPolicyRequest) (*pb.CreateOrderPolicyResponse, error) {
	spec := r.GetPolicy()
	if spec == nil {
		var err error
		if spec, err = ParsePolicy("yaml", r.GetYaml()); err != nil {
			return nil, err
		}
	} else if err := checkSpec(spec); err != nil {
		return nil, err
	}
	p, _ := authn.FromContext(ctx)
	v, err := s.Book.Create(ctx, idem.FromProto(ctx, "CreateOrderPolicy", r.GetRequestId(), r),
		policy.Draft{Spec: spec, YAML: r.GetYaml(), CreatedBy: p.Subject, Comment: r.GetComment()})
	if err != nil {
		return nil, err
	}
	out, err := versionOf(v)
	return &pb.CreateOrderPolicyResponse{Version: out}, err
}

// SignOrderPolicy implements the contract.
func (s *Policies) SignOrderPolicy(ctx context.Context, r *pb.SignOrderPolicyRequest) (*pb.SignOrderPolicyResponse, error) {
	from, err := parseDate("effective_from_date", r.GetEffectiveFromDate())
	if err != nil {
		return nil, err
	}
	p, _ := authn.FromContext(ctx)
	v, err := s.Book.Sign(ctx, idem.FromProto(ctx, "SignOrderPolicy", r.GetRequestId(), r), r.GetVersion(), p.Subject, from)
	if err != nil {
		act := app.Attempt{Action: app.SignPolicy, Subject: strconv.FormatInt(r.GetVersion(), 10), RequestID: r.GetRequestId()}
		return nil, s.Violations.Note(ctx, caller(ctx), act, err)
	}
	out, err := versionOf(v)
	return &pb.SignOrderPolicyResponse{Version: out}, err
}

// GetOrderPolicy implements the contract.
func (s *Policies) GetOrderPolicy(ctx context.Context, r *pb.GetOrderPolicyRequest) (*pb.GetOrderPolicyResponse, error) {
	v, err := s.Book.Get(ctx, r.GetVersion())
	if err != nil {
		return nil, err
	}
	out, err := versionOf(v)
	return &pb.GetOrderPolicyResponse{Version: out}, err
}

// ListOrderPolicies implements the contract.
func (s *Policies) ListOrderPolicies(ctx context.Context, r *pb.ListOrderPoliciesRequest) (*pb.ListOrderPoliciesResponse, error) {
	sum := page.Checksum("orderPolicies")
	cur, err := s.Pages.Decode(r.GetPageToken(), sum, 1)
	if err != nil {
		return nil, err
	}
	var before int64
	if cur != nil {
		if before, err = strconv.ParseInt(cur[0], 10, 64); err != nil {
			return nil, errs.New(errs.Invalid, page.ReasonTokenInvalid, "the page token is not valid")
		}
	}
	size := page.Size(r.GetPageSize(), 50, 1000)
	versions, err := s.Book.Newest(ctx, size+1, before)
	if err != nil {
		return nil, err
	}
	resp := &pb.ListOrderPoliciesResponse{}
	if len(versions) > size {
		versions = versions[:size]
		resp.NextPageToken = s.Pages.Encode(sum, strconv.FormatInt(versions[size-1].Version, 10))
	}
	for _, v := range versions {
		out, err := versionOf(v)
		if err != nil {
			return nil, err
		}
		resp.Versions = append(resp.Versions, out)
	}
	return resp, nil
}

func versionOf(v policy.Version) (*pb.OrderPolicyVersion, error) {
	spec := &pb.OrderPolicy{}
	if err := proto.Unmarshal(v.Spec, spec); err != nil {
		return nil, errs.New(errs.Internal, "POLICY_UNREADABLE", "policy version %d cannot be read", v.Version).WithCause(err)
	}
	out := &pb.OrderPolicyVersion{
		Version: v.Version, State: enum[typev1.PolicyState](typev1.PolicyState_value, "POLICY_STATE_", v.State), Policy: spec, Yaml: v.YAML,
		Hash: hexOf(v.Hash), EffectiveFromDate: v.EffectiveFrom.String(), CreatedBy: v.CreatedBy, SignedBy: v.SignedBy, Comment: v.Comment,
		CreateTime: timeOf(v.CreatedAt), SignTime: timeOf(v.SignedAt),
	}
	return out, nil
}

func timeOf(t time.Time) *timestamppb.Timestamp {
	if t.IsZero() {
		return nil
	}
	return timestamppb.New(t)
}

// ParsePolicy reads an order policy from YAML; faults carry line and column.
func ParsePolicy(path, text string) (*pb.OrderPolicy, error) {
	spec := &pb.OrderPolicy{}
	if err := policy.ParseYAML(path, []byte(text), spec); err != nil {
		return nil, err
	}
	return spec, placed(path, text, checkSpec(spec))
}

// checkSpec holds the rules that no single field can state.
func checkSpec(spec *pb.OrderPolicy) error {
	var found []errs.Violation
	if err := rulesOf(spec, &check.Policy{}); err != nil {
		e, ok := errs.As(err)
		if !ok || len(e.Violations) == 0 {
			return err
		}
		found = e.Violations
	}
	if _, ok := money.Digits(spec.GetBaseCurrency()); !ok {
		found = append(found, errs.Violation{Field: "policy.base_currency", Rule: "CURRENCY", Message: "not a currency of ISO 4217"})
		return policyInvalid(found)
	}
	table, err := authorityOf(spec)
	if err != nil {
		return err
	}
	if _, err := controlsOf(spec); err != nil {
		return err
	}
	found = append(found, table.Check("policy.release_authority")...)
	if last := len(table) - 1; last >= 0 && (table[last].MaxAmount != nil || table[last].MaxDays != nil) {
		found = append(found, errs.Violation{Field: "policy.release_authority[" + strconv.Itoa(last) + "]", Rule: "COVERS_ALL", Message: "the last row must have no bounds, so that every hold can be decided"})
	}
	return policyInvalid(found)
}

func policyInvalid(found []errs.Violation) error {
	if len(found) == 0 {
		return nil
	}
	return errs.New(errs.Invalid, policy.ReasonInvalid, "%s: %s", found[0].Field, found[0].Message).WithViolations(found...)
}

// DecodePolicy reads a stored version into the form that decisions are made with.
func DecodePolicy(v policy.Version) (check.Policy, error) {
	spec := &pb.OrderPolicy{}
	if err := proto.Unmarshal(v.Spec, spec); err != nil {
		return check.Policy{}, errs.New(errs.Internal, "POLICY_UNREADABLE", "policy version %d cannot be read", v.Version).WithCause(err)
	}
	p := check.Policy{
		Version: v.Version, Hash: hexOf(v.Hash), Author: v.CreatedBy, EffectiveFrom: v.EffectiveFrom, BaseCurrency: spec.GetBaseCurrency(), HeldOrdersReserve: spec.GetHeldOrdersReserve(),
	}
	var err error
	if p.Authority, err = authorityOf(spec); err != nil {
		return check.Policy{}, err
	}
	tolerance, err := ratioOf(spec.GetReleaseMemory().GetTolerancePercent())
	if err != nil {
		return check.Policy{}, err
	}
	p.Memory = check.Memory{Tolerance: percent(tolerance), Days: int(spec.GetReleaseMemory().GetDays())}
	if p.Controls, err = controlsOf(spec); err != nil {
		return check.Policy{}, err
	}
	if p.OverShipmentPercent, err = ratioOf(spec.GetOverShipmentPercent()); err != nil {
		return check.Policy{}, err
	}
	return p, rulesOf(spec, &p)
}

func percent(r money.Ratio) money.Ratio {
	if !r.IsValid() || r.Den > math.MaxInt64/100 {
		return money.Ratio{}
	}
	return money.Ratio{Num: r.Num, Den: r.Den * 100}
}

// ratioOf reads an optional decimal; empty is the not valid ratio.
func ratioOf(text string) (money.Ratio, error) {
	if text == "" {
		return money.Ratio{}, nil
	}
	return money.ParseRatio(text)
}

func authorityOf(spec *pb.OrderPolicy) (approval.Table, error) {
	var table approval.Table
	for i, r := range spec.GetReleaseAuthority() {
		var row approval.Row
		if r.GetMaxAmount() != "" {
			m, err := money.Parse(spec.GetBaseCurrency(), r.GetMaxAmount())
			if err != nil {
				return nil, errs.Field("policy.release_authority["+strconv.Itoa(i)+"].max_amount", "MONEY_INVALID", "not an amount of %s: %s", spec.GetBaseCurrency(), r.GetMaxAmount())
			}
			row.MaxAmount = &m.Minor
		}
		row.MaxDays = dayCount(r.MaxDays) //nolint:protogetter // absent is not zero
		field := "policy.release_authority[" + strconv.Itoa(i) + "]"
		if r.GetWhen() != nil {
			return nil, ofApplications(field + ".when")
		}
		for j, s := range r.GetSteps() {
			step, err := stepOf(field+".steps["+strconv.Itoa(j)+"]", s)
			if err != nil {
				return nil, err
			}
			row.Steps = append(row.Steps, step)
		}
		table = append(table, row)
	}
	return table, nil
}

// stepOf reads a step of an approval; what only credit applications have is refused.
func stepOf(field string, m *typev1.ApprovalStep) (approval.Step, error) {
	step := approval.Step{Name: m.GetName()}
	for _, role := range m.GetRoles() {
		step.AnyOf = append(step.AnyOf, authn.RoleName(role))
	}
	for _, role := range m.GetAllOf() {
		step.AllOf = append(step.AllOf, authn.RoleName(role))
	}
	switch {
	case m.GetDueDays() != 0 || m.GetEscalateTo() != 0:
		return step, ofApplications(field + ".due_days")
	case m.GetInWriting():
		return step, ofApplications(field + ".in_writing")
	}
	return step, nil
}

func ofApplications(field string) error {
	return errs.Field(field, "CREDIT_APPLICATIONS_ONLY", "is for credit applications: releases are always in writing, and late after approval_due_days")
}
