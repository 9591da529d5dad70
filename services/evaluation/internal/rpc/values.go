// Package rpc translates between the contracts and the use cases, and does nothing else.
package rpc

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"strings"
	"time"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/avalcredit/aval/pkg/approval"
	"github.com/avalcredit/aval/pkg/calendar"
	"github.com/avalcredit/aval/pkg/errs"
	"github.com/avalcredit/aval/pkg/idem"
	"github.com/avalcredit/aval/pkg/money"
	optionsv1 "github.com/avalcredit/aval/proto/gen/aval/options/v1"
	typev1 "github.com/avalcredit/aval/proto/gen/aval/type/v1"
)

// generatedIDLength keeps generated ids short; 96 bits of a hash do not meet by chance.
const generatedIDLength = 24

// request makes the identity of a write. The same request sent again by the same caller has
// the same id and the same hash.
func request(ctx context.Context, method, id string, m proto.Message) idem.Request {
	return idem.FromProto(ctx, method, id, m)
}

// generatedID makes an id from the request id, so that a request sent again, to this
// installation or to another, names the same thing.
func generatedID(prefix, requestID string) string {
	sum := sha256.Sum256([]byte(prefix + requestID))
	return prefix + hex.EncodeToString(sum[:])[:generatedIDLength]
}

// reader reads values of a request and collects what is wrong with them.
type reader struct{ found []errs.Violation }

func (r *reader) err() error { return errs.Fields(r.found...) }

func (r *reader) bad(field string, err error) {
	v := errs.Violation{Field: field, Rule: "invalid", Message: err.Error()}
	if e, ok := errs.As(err); ok {
		v.Rule, v.Message = strings.ToLower(e.Reason), e.Message
	}
	r.found = append(r.found, v)
}

func (r *reader) date(field, text string) calendar.Date {
	if text == "" {
		return calendar.Date{}
	}
	d, err := calendar.ParseDate(text)
	if err != nil {
		r.bad(field, err)
	}
	return d
}

// money reads an amount; nil where the message is absent.
func (r *reader) money(field string, m *typev1.Money) *money.Money {
	if m == nil {
		return nil
	}
	amount, err := money.Parse(m.GetCurrencyCode(), m.GetAmount())
	if err != nil {
		r.bad(field, err)
		return nil
	}
	return &amount
}

func moneyOf(m *money.Money) *typev1.Money {
	if m == nil {
		return nil
	}
	return &typev1.Money{CurrencyCode: m.Currency, Amount: m.String()}
}

func timeOf(t time.Time) *timestamppb.Timestamp {
	if t.IsZero() {
		return nil
	}
	return timestamppb.New(t)
}

// unknownValue stands for a number that is no value of its enum; the domain refuses it.
const unknownValue = "UNKNOWN"

// name returns the value of an enum without its prefix, "" for the zero value.
func name[E ~int32](e E, names map[int32]string, prefix string) string {
	if e == 0 {
		return ""
	}
	full, known := names[int32(e)]
	if !known {
		return unknownValue
	}
	return strings.TrimPrefix(full, prefix)
}

// number is the reverse of name.
func number[E ~int32](text string, values map[string]int32, prefix string) E {
	if text == "" {
		return 0
	}
	return E(values[prefix+text])
}

func stepsOf(steps []approval.Step) []*typev1.ApprovalStep {
	out := make([]*typev1.ApprovalStep, len(steps))
	for i, s := range steps {
		out[i] = &typev1.ApprovalStep{
			Name: s.Name, Roles: rolesOf(s.AnyOf), AllOf: rolesOf(s.AllOf), DueDays: int32(s.DueDays), //nolint:gosec // bounded by the contract
			EscalateTo: roleOf(s.EscalateTo), InWriting: s.InWriting,
		}
	}
	return out
}

func roleOf(role string) optionsv1.Role {
	return number[optionsv1.Role](role, optionsv1.Role_value, "ROLE_")
}

func rolesOf(roles []string) []optionsv1.Role {
	var out []optionsv1.Role
	for _, role := range roles {
		out = append(out, roleOf(role))
	}
	return out
}

func escalationsOf(all []approval.Escalation) []*typev1.ApprovalEscalation {
	var out []*typev1.ApprovalEscalation
	for _, e := range all {
		out = append(out, &typev1.ApprovalEscalation{
			Step: int32(e.Step), Role: roleOf(e.Role), DueDate: e.Due.String(), BusinessDate: e.Date.String(), //nolint:gosec // at most nine steps
		})
	}
	return out
}

func actsOf(acts []approval.Act) []*typev1.ApprovalAct {
	out := make([]*typev1.ApprovalAct, len(acts))
	for i, a := range acts {
		out[i] = &typev1.ApprovalAct{
			Step: int32(a.Step), Decision: string(a.Decision), Subject: a.Subject, //nolint:gosec // at most nine steps
			Reason: a.Reason, BusinessDate: a.Date.String(), OnBehalfOf: a.For,
		}
	}
	return out
}
