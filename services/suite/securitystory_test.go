package suite_test

import (
	"fmt"
	"net/http"
	"testing"

	evaluationv1 "github.com/avalcredit/aval/proto/gen/aval/evaluation/v1"
	ordergatev1 "github.com/avalcredit/aval/proto/gen/aval/ordergate/v1"
	receivablesv1 "github.com/avalcredit/aval/proto/gen/aval/receivables/v1"
)

// TestSecurityReachesTheGate: a bank's guarantee that receivables records raises the limit at the gate where the policy says so, until the
// day after its last, without a message; and no longer once it is given back.
func TestSecurityReachesTheGate(t *testing.T) {
	t.Parallel()
	c := claimStory{oneProcess(t)}
	const day = "2026-01-05"
	operator := c.on(t, day, "OPERATOR", "operator")
	operator.call(t, http.MethodPost, "/v1/customers", &evaluationv1.CreateCustomerRequest{RequestId: "file", Customer: &evaluationv1.Customer{
		CustomerId: late, DisplayName: "Example Secured", CurrencyCode: "CNY", SalespersonId: "anna",
	}}, &evaluationv1.CreateCustomerResponse{})
	operator.call(t, http.MethodPost, "/v1/customers/"+late+"/grants:takeOver", &evaluationv1.TakeOverGrantRequest{
		RequestId: "grant", CustomerId: late, TermDays: 30, PaperFormReference: "binder 8",
		Limit: &evaluationv1.CreditLimit{Kind: &evaluationv1.CreditLimit_Amount{Amount: cny("4000.00")}},
	}, &evaluationv1.TakeOverGrantResponse{})
	var shipped ordergatev1.GetOrderPolicyResponse
	c.on(t, day, "AUDITOR", "auditor").call(t, http.MethodGet, "/v1/orderPolicies/0", nil, &shipped)
	policy := shipped.GetVersion().GetPolicy()
	for _, r := range policy.GetRules() {
		if l := r.GetLimit(); l != nil {
			l.Security = &ordergatev1.SecurityUse{Mode: ordergatev1.SecurityMode_SECURITY_MODE_RAISES_LIMIT, Share: "0.5", Held: true, Weights: []*ordergatev1.SecurityWeight{
				{Kind: receivablesv1.SecurityKind_SECURITY_KIND_BANK_GUARANTEE, Share: "1"},
			}}
		}
	}
	var created ordergatev1.CreateOrderPolicyResponse
	c.on(t, day, "CREDIT_MANAGER", "zhou").call(t, http.MethodPost, "/v1/orderPolicies", &ordergatev1.CreateOrderPolicyRequest{
		RequestId: "policy", Source: &ordergatev1.CreateOrderPolicyRequest_Policy{Policy: policy},
	}, &created)
	c.on(t, day, "GENERAL_MANAGER", "boss").call(t, http.MethodPost, fmt.Sprintf("/v1/orderPolicies/%d:sign", created.GetVersion().GetVersion()),
		&ordergatev1.SignOrderPolicyRequest{RequestId: "sign"}, &ordergatev1.SignOrderPolicyResponse{})

	c.heldBy(t, day, "limit") // an order of 5,000.00
	c.on(t, day, "CREDIT_ANALYST", "li").call(t, http.MethodPost, "/v1/securities", &receivablesv1.RecordSecurityRequest{RequestId: "guarantee", Security: &receivablesv1.Security{
		SecurityId: "G-1", CustomerId: late, Kind: receivablesv1.SecurityKind_SECURITY_KIND_BANK_GUARANTEE, Provider: "example bank", Value: cny("1000.00"),
		ValidFromDate: day, ValidUntilDate: "2026-03-31", Reference: "guarantee 17",
	}}, &receivablesv1.RecordSecurityResponse{})
	c.heldBy(t, day, "")
	c.heldBy(t, "2026-03-31", "")
	c.heldBy(t, "2026-04-01", "limit")
	c.on(t, "2026-02-01", "FINANCE_MANAGER", "fan").call(t, http.MethodPost, "/v1/securities/G-1:release",
		&receivablesv1.ReleaseSecurityRequest{RequestId: "release", SecurityId: "G-1", Reason: "another one takes its place"}, &receivablesv1.ReleaseSecurityResponse{})
	c.heldBy(t, "2026-02-01", "limit")
}
