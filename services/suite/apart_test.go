package suite_test

import (
	"net/http"
	"strings"
	"testing"

	evaluationv1 "github.com/avalcredit/aval/proto/gen/aval/evaluation/v1"
	ordergatev1 "github.com/avalcredit/aval/proto/gen/aval/ordergate/v1"
)

// A phase starts and works while the others are down; what needs those says so and when to come again; and nobody but a
// development clock lets callers choose the business date.
func TestOnePhaseAlone(t *testing.T) {
	t.Parallel()
	s := processes(t, "evaluation")
	operator := s.as(t, "OPERATOR", "operator")
	create := &evaluationv1.CreateCustomerRequest{RequestId: "1", Customer: &evaluationv1.Customer{CustomerId: "C-1", DisplayName: "Example"}}
	operator.call(t, "POST", "/v1/customers", create, &evaluationv1.CreateCustomerResponse{})
	var got evaluationv1.GetCustomerResponse
	operator.call(t, "GET", "/v1/customers/C-1", nil, &got)
	if got.GetCustomer().GetDisplayName() != "Example" {
		t.Errorf("the customer: %v", got.GetCustomer())
	}
	r := operator.refused(t, "POST", "/v1/orders", &ordergatev1.SubmitOrderRequest{RequestId: "1", Order: &ordergatev1.Order{
		OrderId: "O-1", CustomerId: "C-1", Amount: cny("1.00"),
	}})
	if r.status != http.StatusServiceUnavailable || r.header.Get("Retry-After") == "" || strings.Contains(r.Message, "127.0.0.1") {
		t.Errorf("an order while the gate is down: %d %q, Retry-After %q", r.status, r.Message, r.header.Get("Retry-After"))
	}
	if r := businessDate(t, operator, "2012-01-30"); r.status != http.StatusBadRequest || r.reason() != "BUSINESS_DATE_NOT_SETTABLE" {
		t.Errorf("a business date outside development: %d %s", r.status, r.reason())
	}
	forged := operator
	forged.token = foreignToken(t)
	if r := forged.refused(t, "POST", "/v1/customers", create); r.status != http.StatusUnauthorized {
		t.Errorf("a development token: %d %s", r.status, r.reason())
	}
}

func businessDate(t *testing.T, p person, date string) refusal {
	t.Helper()
	p.date = date
	return p.refused(t, http.MethodGet, "/v1/customers/C-1", nil)
}

// In development mode the business date of a call is the caller's, over REST too, and goes on to the other phases.
func TestBusinessDateOfACall(t *testing.T) {
	t.Parallel()
	s := oneProcess(t)
	seed(t, s)
	erp := s.as(t, "ERP", "erp")
	body := &ordergatev1.SubmitOrderRequest{RequestId: "dated", Order: &ordergatev1.Order{OrderId: "O-9", CustomerId: "C-1", Amount: cny("1.00")}}
	var got ordergatev1.SubmitOrderResponse
	future := erp
	future.date = "2031-05-06"
	future.call(t, http.MethodPost, "/v1/orders", body, &got)
	if d := got.GetDecision().GetBusinessDate(); d != "2031-05-06" {
		t.Errorf("decided on %s", d)
	}
	if r := businessDate(t, erp, "6.5.2031"); r.status != http.StatusBadRequest || len(r.fields()) != 1 {
		t.Errorf("a date in another form: %d %s %q", r.status, r.reason(), r.fields())
	}
}
