package rpc

import (
	"testing"

	"github.com/avalcredit/aval/pkg/errs"
	optionsv1 "github.com/avalcredit/aval/proto/gen/aval/options/v1"
	typev1 "github.com/avalcredit/aval/proto/gen/aval/type/v1"
)

// Several people sign where the policy says so; what only credit applications have is
// refused, so that no row is worth less than it says.
func TestStepsOfAnAuthorityTable(t *testing.T) {
	t.Parallel()
	both := []optionsv1.Role{optionsv1.Role_ROLE_FINANCE_MANAGER, optionsv1.Role_ROLE_SALES_MANAGER}
	read := func(row *typev1.AuthorityRow) (int, error) {
		var f fields
		table := f.authority("policy.x", []*typev1.AuthorityRow{row}, "CNY")
		return len(table[0].Steps[0].AllOf), f.err
	}
	if n, err := read(&typev1.AuthorityRow{Steps: []*typev1.ApprovalStep{{Name: "x", AllOf: both}}}); n != 2 || err != nil {
		t.Errorf("%d sign, %v", n, err)
	}
	for name, row := range map[string]*typev1.AuthorityRow{
		"conditions": {When: &typev1.AuthorityConditions{}, Steps: []*typev1.ApprovalStep{{Roles: both}}},
		"due days":   {Steps: []*typev1.ApprovalStep{{Roles: both, DueDays: 1}}},
		"writing":    {Steps: []*typev1.ApprovalStep{{Roles: both, InWriting: true}}},
	} {
		if _, err := read(row); errs.KindOf(err) != errs.Invalid {
			t.Errorf("%s: %v", name, err)
		}
	}
}
