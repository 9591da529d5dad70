package rpc

import (
	"context"
	"strings"

	"github.com/avalcredit/aval/pkg/calendar"
	"github.com/avalcredit/aval/pkg/idem"
	"github.com/avalcredit/aval/pkg/violation"
	evaluationv1 "github.com/avalcredit/aval/proto/gen/aval/evaluation/v1"
	"github.com/avalcredit/aval/services/evaluation/internal/app"
)

// Violations serves the register of violations.
type Violations struct {
	evaluationv1.UnsafeViolationServiceServer
	App *app.App
}

var _ evaluationv1.ViolationServiceServer = Violations{}

// GetViolation implements the contract.
func (s Violations) GetViolation(ctx context.Context, req *evaluationv1.GetViolationRequest) (*evaluationv1.GetViolationResponse, error) {
	v, err := s.App.Violation(ctx, req.GetViolationId())
	if err != nil {
		return nil, err
	}
	return &evaluationv1.GetViolationResponse{Violation: violationOut(v)}, nil
}

// ListViolations implements the contract.
func (s Violations) ListViolations(ctx context.Context, req *evaluationv1.ListViolationsRequest) (*evaluationv1.ListViolationsResponse, error) {
	var r reader
	q := violation.Query{
		Subject: req.GetSubject(), CustomerID: req.GetCustomerId(), ObjectID: req.GetObjectId(), ReasonCode: req.GetReasonCode(), Phase: req.GetPhase(),
		OpenOnly: req.GetOpenOnly(), From: r.date("from_date", req.GetFromDate()), Until: r.date("until_date", req.GetUntilDate()),
	}
	if k := req.GetKind(); k != evaluationv1.ViolationKind_VIOLATION_KIND_UNSPECIFIED {
		q.Kind = strings.TrimPrefix(k.String(), "VIOLATION_KIND_")
	}
	if err := r.err(); err != nil {
		return nil, err
	}
	found, next, err := s.App.Violations(ctx, q, req.GetPageSize(), req.GetPageToken())
	if err != nil {
		return nil, err
	}
	res := &evaluationv1.ListViolationsResponse{NextPageToken: next}
	for _, v := range found {
		res.Violations = append(res.Violations, violationOut(v))
	}
	return res, nil
}

// DecideViolation implements the contract.
func (s Violations) DecideViolation(ctx context.Context, req *evaluationv1.DecideViolationRequest) (*evaluationv1.DecideViolationResponse, error) {
	r := idem.FromProto(ctx, evaluationv1.ViolationService_DecideViolation_FullMethodName, req.GetRequestId(), req)
	v, err := s.App.DecideViolation(ctx, r, req.GetViolationId(), strings.TrimPrefix(req.GetVerdict().String(), "VIOLATION_VERDICT_"), req.GetNote())
	if err != nil {
		return nil, err
	}
	return &evaluationv1.DecideViolationResponse{Violation: violationOut(v)}, nil
}

// ApplyViolations implements the contract.
func (s Feed) ApplyViolations(ctx context.Context, req *evaluationv1.ApplyViolationsRequest) (*evaluationv1.ApplyViolationsResponse, error) {
	var r reader
	all := make([]app.ToldViolation, len(req.GetViolations()))
	for i, m := range req.GetViolations() {
		all[i] = app.ToldViolation{Sequence: m.GetSequence(), Violation: violationIn(m.GetViolation(), r.date("violations.business_date", m.GetViolation().GetBusinessDate()))}
	}
	if err := r.err(); err != nil {
		return nil, err
	}
	last, err := s.App.ApplyViolations(ctx, req.GetPhase(), all)
	if err != nil {
		return nil, err
	}
	return &evaluationv1.ApplyViolationsResponse{LastSequence: last}, nil
}

func violationIn(m *evaluationv1.Violation, date calendar.Date) violation.Violation {
	return violation.Violation{
		ID: m.GetViolationId(), Kind: violation.Kind(strings.TrimPrefix(m.GetKind().String(), "VIOLATION_KIND_")), Subject: m.GetSubject(), Roles: m.GetRoles(),
		Act: m.GetAct(), ObjectKind: m.GetObjectKind(), ObjectID: m.GetObjectId(), CustomerID: m.GetCustomerId(), ReasonCode: m.GetReasonCode(),
		Message: m.GetMessage(), Date: date, Evidence: m.GetEvidence(), EvidenceHash: m.GetEvidenceHash(), CreateTime: m.GetCreateTime().AsTime(),
		SupervisorRoles: m.GetSupervisorRoles(),
	}
}

func violationOut(v violation.Violation) *evaluationv1.Violation {
	return &evaluationv1.Violation{
		ViolationId: v.ID, Subject: v.Subject, Roles: v.Roles, Act: v.Act, ObjectKind: v.ObjectKind, ObjectId: v.ObjectID,
		CustomerId: v.CustomerID, ReasonCode: v.ReasonCode, Message: v.Message, BusinessDate: v.Date.String(),
		CreateTime: timeOf(v.CreateTime), Evidence: v.Evidence, EvidenceHash: v.EvidenceHash, Phase: v.Phase,
		Kind: evaluationv1.ViolationKind(evaluationv1.ViolationKind_value["VIOLATION_KIND_"+string(v.Kind)]), SupervisorRoles: v.SupervisorRoles,
		Verdict:     evaluationv1.ViolationVerdict(evaluationv1.ViolationVerdict_value["VIOLATION_VERDICT_"+v.Outcome.Verdict]),
		VerdictNote: v.Outcome.Note, DecidedBy: v.Outcome.DecidedBy, DecideDate: v.Outcome.DecideDate.String(),
	}
}
