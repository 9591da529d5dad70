package rpc

import (
	"context"
	"fmt"
	"strings"

	"google.golang.org/genproto/googleapis/api/annotations"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"
	"google.golang.org/protobuf/types/descriptorpb"

	"github.com/avalcredit/aval/pkg/errs"
	"github.com/avalcredit/aval/pkg/grpcserver"
	evaluationv1 "github.com/avalcredit/aval/proto/gen/aval/evaluation/v1"
	"github.com/avalcredit/aval/services/evaluation/internal/app"
	"github.com/avalcredit/aval/services/evaluation/internal/violation"
)

// contract is the package whose refused acts are recorded.
const contract = "/aval.evaluation.v1."

// Violations serves the register of attempts to act without authority.
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
	l := app.ViolationList{
		Size: req.GetPageSize(), Token: req.GetPageToken(), Subject: req.GetSubject(), CustomerID: req.GetCustomerId(),
		ObjectID: req.GetObjectId(), ReasonCode: req.GetReasonCode(),
		From: r.date("from_date", req.GetFromDate()), Until: r.date("until_date", req.GetUntilDate()),
	}
	if err := r.err(); err != nil {
		return nil, err
	}
	found, next, err := s.App.Violations(ctx, l)
	if err != nil {
		return nil, err
	}
	res := &evaluationv1.ListViolationsResponse{NextPageToken: next}
	for _, v := range found {
		res.Violations = append(res.Violations, violationOut(v))
	}
	return res, nil
}

// Refused records what the server refused, where it was an act on this phase. A register that cannot be written lets no
// act through either: the failure is logged, with all that would have been recorded.
func (s Violations) Refused(ctx context.Context, f grpcserver.Refusal) {
	act, ours := strings.CutPrefix(f.Method, contract)
	if !ours || !isAct(f.Method) {
		return
	}
	at := violation.Attempt{
		Subject: f.Caller.Subject, Roles: f.Caller.Roles, Act: strings.ReplaceAll(act, "/", "."), ReasonCode: errs.ReasonOf(f.Err), Message: messageOf(f.Err),
	}
	if f.Request != nil {
		at.ObjectKind, at.ObjectID, at.CustomerID = objectOf(f.Request.ProtoReflect())
		at.Readable = protojson.MarshalOptions{}.Format(f.Request)
		// What cannot be marshalled was not received.
		at.Sent, _ = proto.MarshalOptions{Deterministic: true}.Marshal(f.Request)
	}
	if err := s.App.RecordViolation(ctx, at); err != nil {
		s.App.Log.ErrorContext(ctx, "a refused act could not be recorded", "subject", at.Subject, "act", at.Act,
			"object", at.ObjectKind+"/"+at.ObjectID, "reason", at.ReasonCode, "error", err)
	}
}

func messageOf(err error) string {
	if e, ok := errs.As(err); ok {
		return e.Message
	}
	return err.Error()
}

// isAct reports whether a method does something: it is no read over REST, nor by its name.
func isAct(fullMethod string) bool {
	found, err := protoregistry.GlobalFiles.FindDescriptorByName(protoreflect.FullName(strings.ReplaceAll(fullMethod[1:], "/", ".")))
	if err != nil {
		return false
	}
	options, _ := found.Options().(*descriptorpb.MethodOptions)
	rule, _ := proto.GetExtension(options, annotations.E_Http).(*annotations.HttpRule)
	if rule == nil {
		return !strings.HasPrefix(string(found.Name()), "Get")
	}
	_, get := rule.GetPattern().(*annotations.HttpRule_Get)
	return !get
}

// objects are the fields that name what a request is about, the narrowest first.
func objects() []protoreflect.Name {
	return []protoreflect.Name{"application_id", "withdrawal_request_id", "fact_id", "customer_id", "version"}
}

// objectOf finds what a request is about, in it or in what it creates.
func objectOf(m protoreflect.Message) (kind, id, customerID string) {
	customerID = named(m, "customer_id")
	for _, field := range objects() {
		if id = named(m, field); id == "" {
			continue
		}
		kind = strings.TrimSuffix(string(field), "_id")
		if field == "version" {
			kind = "policy"
		}
		return kind, id, customerID
	}
	return "", "", customerID
}

// named is the value of a field of the message, or of a message in it; empty: none.
func named(m protoreflect.Message, field protoreflect.Name) string {
	if f := m.Descriptor().Fields().ByName(field); f != nil && m.Has(f) && !f.IsList() && f.Message() == nil {
		return fmt.Sprint(m.Get(f).Interface())
	}
	var found string
	m.Range(func(f protoreflect.FieldDescriptor, v protoreflect.Value) bool {
		if f.Message() == nil || f.IsList() || f.IsMap() {
			return true
		}
		inner := v.Message()
		if g := inner.Descriptor().Fields().ByName(field); g != nil && inner.Has(g) && !g.IsList() && g.Message() == nil {
			found = fmt.Sprint(inner.Get(g).Interface())
		}
		return found == ""
	})
	return found
}

func violationOut(v violation.Violation) *evaluationv1.Violation {
	return &evaluationv1.Violation{
		ViolationId: v.ID, Subject: v.Subject, Roles: v.Roles, Act: v.Act, ObjectKind: v.ObjectKind, ObjectId: v.ObjectID,
		CustomerId: v.CustomerID, ReasonCode: v.ReasonCode, Message: v.Message, BusinessDate: v.Date.String(),
		CreateTime: timeOf(v.CreateTime), Evidence: v.Evidence, EvidenceHash: v.EvidenceHash,
	}
}
