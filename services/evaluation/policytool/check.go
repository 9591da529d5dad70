package policytool

import (
	"google.golang.org/protobuf/proto"

	"github.com/avalcredit/aval/pkg/errs"
	"github.com/avalcredit/aval/pkg/policy"
	evaluationv1 "github.com/avalcredit/aval/proto/gen/aval/evaluation/v1"
	"github.com/avalcredit/aval/services/evaluation/internal/rpc"
)

// Check reads a policy as the suite does. Errors have kind Invalid and reason
// POLICY_INVALID; each violation names its place, "path:line:column", and what is wrong.
func Check(path string, text []byte) (*evaluationv1.EvaluationPolicy, error) {
	spec := &evaluationv1.EvaluationPolicy{}
	if err := policy.ParseYAML(path, text, spec); err != nil {
		return nil, err
	}
	data, err := proto.MarshalOptions{Deterministic: true}.Marshal(spec)
	if err != nil {
		return nil, err
	}
	p, err := rpc.DecodePolicy(policy.Version{Spec: data})
	var found []errs.Violation
	if e, ok := errs.As(err); ok && err != nil {
		found = e.Violations
	} else if err != nil {
		return nil, err
	} else {
		found = p.Check()
	}
	if len(found) == 0 {
		return spec, nil
	}
	found = policy.Placed(path, text, found)
	return nil, errs.New(errs.Invalid, policy.ReasonInvalid, "%s: %s", found[0].Field, found[0].Message).WithViolations(found...)
}
