package suite_test

import (
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	evaluationv1 "github.com/avalcredit/aval/proto/gen/aval/evaluation/v1"
	ordergatev1 "github.com/avalcredit/aval/proto/gen/aval/ordergate/v1"
	receivablesv1 "github.com/avalcredit/aval/proto/gen/aval/receivables/v1"
)

// TestCreditStop is S2.18 through all three phases: of two customers that owe the same beyond their limits, the one without
// the approval of both directors is stopped, and a cash customer once the finance director has decided; the goods of the other go on.
func TestCreditStop(t *testing.T) {
	t.Parallel()
	s := oneProcess(t)
	stopped, excepted := stopStory{s, "STOPPED"}, stopStory{s, "EXCEPTED"}
	stopped.opens(t)
	excepted.opens(t)
	if reasons := stopped.authorize(t); len(reasons) > 0 {
		t.Errorf("within the limit: %q", reasons)
	}
	sign(t, s, "EXCEPTED")
	stopped.owes(t, "I-1", "1200.01")
	excepted.owes(t, "I-2", "1200.01")

	eventually(t, "the customer is stopped, and its withdrawal asked for", func() bool {
		return stopped.control(t).GetShippingStopped() && len(stopped.asked(t)) == 1
	})
	stop := stopped.control(t).GetCreditStop()
	if !slices.Equal(stop.GetReasons(), []string{"OVER_LIMIT"}) || stop.GetExcess().GetAmount() != "200.01" {
		t.Errorf("the stop: %v", stop)
	}
	if g := stopped.grant(t); g.GetTreatment() != evaluationv1.Treatment_TREATMENT_CREDIT || g.GetVersion() != 1 {
		t.Errorf("withdrawn before anybody decided: %v", g)
	}
	if reasons := stopped.authorize(t); !slices.Equal(reasons, []string{"CREDIT_STOPPED"}) {
		t.Errorf("while nobody has decided: %q", reasons)
	}
	if asked := excepted.asked(t); len(asked) > 0 {
		t.Errorf("asked to withdraw in spite of both signatures: %v", asked)
	}
	stopped.decides(t)
	if g := stopped.grant(t); g.GetOrigin() != evaluationv1.GrantOrigin_GRANT_ORIGIN_WITHDRAWAL || g.GetLimit() != nil || !strings.Contains(g.GetReason(), "S2.18: owed 200.01 over the limit of 1000.00") {
		t.Errorf("the grant: %v", g)
	}
	eventually(t, "the gate knows of the withdrawal", func() bool {
		return slices.Equal(stopped.authorize(t), []string{"CREDIT_STOPPED", "CREDIT_WITHDRAWN"})
	})
	if r := s.as(t, "WAREHOUSE", "dock").refused(t, http.MethodPost, "/v1/orders/STOPPED:ship", &ordergatev1.ShipOrderRequest{RequestId: "ship-STOPPED"}); r.reason() != "CREDIT_STOPPED" {
		t.Errorf("shipped: %d %s", r.status, r.reason())
	}

	if c := excepted.control(t); c.GetShippingStopped() || !c.GetException().GetInForce() || len(c.GetException().GetActs()) != 2 {
		t.Errorf("with both signatures: %v", c)
	}
	if reasons := excepted.authorize(t); len(reasons) > 0 {
		t.Errorf("with both signatures: %q", reasons)
	}
	excepted.ship(t)
	if g := excepted.grant(t); g.GetTreatment() != evaluationv1.Treatment_TREATMENT_CREDIT || g.GetVersion() != 1 {
		t.Errorf("the grant with both signatures: %v", g)
	}

	// A cash customer pays what it owes and then for the goods.
	stopped.pays(t, "R-1", "1200.01")
	eventually(t, "the stop ends", func() bool { return slices.Equal(stopped.authorize(t), []string{"CREDIT_WITHDRAWN"}) })
	stopped.pays(t, "R-2", "100.00")
	eventually(t, "the money for the goods is here", func() bool { return len(stopped.authorize(t)) == 0 })
	stopped.ship(t)
}

// stopStory is one customer of TestCreditStop; its order has its name.
type stopStory struct {
	*system
	id string
}

// opens takes over a limit of 1000.00 and has an order of 100.00 approved under it.
func (s stopStory) opens(t *testing.T) {
	t.Helper()
	operator := s.as(t, "OPERATOR", "operator")
	operator.call(t, http.MethodPost, "/v1/customers", &evaluationv1.CreateCustomerRequest{
		RequestId: "customer-" + s.id, Customer: &evaluationv1.Customer{CustomerId: s.id, DisplayName: "Example", CurrencyCode: "CNY"},
	}, &evaluationv1.CreateCustomerResponse{})
	operator.call(t, http.MethodPost, "/v1/customers/"+s.id+"/grants:takeOver", &evaluationv1.TakeOverGrantRequest{
		RequestId: "grant-" + s.id, CustomerId: s.id, TermDays: 30, PaperFormReference: "binder 1",
		Limit: &evaluationv1.CreditLimit{Kind: &evaluationv1.CreditLimit_Amount{Amount: cny("1000.00")}},
	}, &evaluationv1.TakeOverGrantResponse{})
	eventually(t, "the gate knows the limit", func() bool {
		var got ordergatev1.GetCreditAccountResponse
		s.as(t, "AUDITOR", "auditor").call(t, http.MethodGet, "/v1/creditAccounts/"+s.id, nil, &got)
		return got.GetAccount().GetLimit().GetAmount() == "1000.00"
	})
	var order ordergatev1.SubmitOrderResponse
	s.as(t, "ERP", "erp").call(t, http.MethodPost, "/v1/orders", &ordergatev1.SubmitOrderRequest{
		RequestId: "order-" + s.id, Order: &ordergatev1.Order{OrderId: s.id, CustomerId: s.id, Amount: cny("100.00")},
	}, &order)
	if order.GetOrder().GetState() != ordergatev1.OrderState_ORDER_STATE_APPROVED {
		t.Fatalf("the order: %v", &order)
	}
}

// owes posts an invoice for goods that did not come by way of the gate, and waits until the gate knows it.
func (s stopStory) owes(t *testing.T, invoice, amount string) {
	t.Helper()
	s.as(t, "FINANCE_CLERK", "clerk").call(t, http.MethodPost, "/v1/invoices", &receivablesv1.PostInvoiceRequest{
		RequestId: invoice, Invoice: &receivablesv1.Invoice{InvoiceId: invoice, CustomerId: s.id, Amount: cny(amount)},
	}, &receivablesv1.PostInvoiceResponse{})
	eventually(t, "the gate knows the invoice", func() bool {
		var got ordergatev1.GetCreditAccountResponse
		s.as(t, "AUDITOR", "auditor").call(t, http.MethodGet, "/v1/creditAccounts/"+s.id, nil, &got)
		return got.GetAccount().GetBuckets().GetReceivable().GetAmount() == amount
	})
}

func (s stopStory) pays(t *testing.T, receipt, amount string) {
	t.Helper()
	s.as(t, "FINANCE_CLERK", "clerk").call(t, http.MethodPost, "/v1/receipts", &receivablesv1.PostReceiptRequest{
		RequestId: receipt, Receipt: &receivablesv1.Receipt{ReceiptId: receipt, CustomerId: s.id, Amount: cny(amount)},
	}, &receivablesv1.PostReceiptResponse{})
}

// authorize asks whether the order's goods may leave, and returns why not.
func (s stopStory) authorize(t *testing.T) []string {
	t.Helper()
	var got ordergatev1.AuthorizeShipmentResponse
	s.as(t, "WAREHOUSE", "dock").call(t, http.MethodPost, "/v1/orders/"+s.id+":authorizeShipment", &ordergatev1.AuthorizeShipmentRequest{OrderId: s.id}, &got)
	if got.GetAllowed() != (len(got.GetReasonCodes()) == 0) {
		t.Errorf("allowed %v for %q", got.GetAllowed(), got.GetReasonCodes())
	}
	return got.GetReasonCodes()
}

func (s stopStory) ship(t *testing.T) {
	t.Helper()
	s.as(t, "WAREHOUSE", "dock").call(t, http.MethodPost, "/v1/orders/"+s.id+":ship", &ordergatev1.ShipOrderRequest{
		RequestId: "goods-" + s.id, OrderId: s.id, Final: true,
	}, &ordergatev1.ShipOrderResponse{})
}

func (s stopStory) control(t *testing.T) *ordergatev1.CustomerControl {
	t.Helper()
	var got ordergatev1.GetCustomerControlResponse
	s.as(t, "AUDITOR", "auditor").call(t, http.MethodGet, "/v1/customerControls/"+s.id, nil, &got)
	return got.GetControl()
}

// asked are the open requests to withdraw the customer's credit.
func (s stopStory) asked(t *testing.T) []*evaluationv1.WithdrawalRequest {
	t.Helper()
	var got evaluationv1.ListWithdrawalRequestsResponse
	s.as(t, "FINANCE_DIRECTOR", "finance-director").call(t, http.MethodGet,
		"/v1/withdrawalRequests?waitingForMe=true&customerId="+s.id, nil, &got)
	return got.GetWithdrawalRequests()
}

// decides has the finance director withdraw the credit; nobody else may, today.
func (s stopStory) decides(t *testing.T) {
	t.Helper()
	path := "/v1/withdrawalRequests/" + s.asked(t)[0].GetWithdrawalRequestId() + ":decide"
	withdraw := func(by string) *evaluationv1.DecideWithdrawalRequestRequest {
		return &evaluationv1.DecideWithdrawalRequestRequest{
			RequestId: "decide-" + by + s.id, Decision: evaluationv1.WithdrawalDecision_WITHDRAWAL_DECISION_WITHDRAW, Reason: "no plan to pay",
		}
	}
	if r := s.as(t, "GENERAL_MANAGER", "boss").refused(t, http.MethodPost, path, withdraw("boss")); r.reason() != "NOT_YOUR_STEP" {
		t.Errorf("the general manager decides before the due date is over: %d %s", r.status, r.reason())
	}
	var got evaluationv1.DecideWithdrawalRequestResponse
	s.as(t, "FINANCE_DIRECTOR", "finance-director").call(t, http.MethodPost, path, withdraw("director"), &got)
	if got.GetGrant().GetTreatment() != evaluationv1.Treatment_TREATMENT_CASH_CUSTOMER {
		t.Errorf("decided: %v", &got)
	}
}

func (s stopStory) grant(t *testing.T) *evaluationv1.Grant {
	t.Helper()
	var got evaluationv1.GetGrantResponse
	s.as(t, "AUDITOR", "auditor").call(t, http.MethodGet, "/v1/customers/"+s.id+"/grant", nil, &got)
	return got.GetGrant()
}

// sign has both directors approve, in writing and in their order, that a customer is over its limit by 500.00 or 120 days
// over term for a month. Whoever is not asked next is refused.
func sign(t *testing.T, s *system, customer string) {
	t.Helper()
	path := "/v1/customerControls/" + customer
	s.as(t, "CREDIT_MANAGER", "zhou").call(t, http.MethodPost, path+":requestException", &ordergatev1.RequestStopExceptionRequest{
		RequestId: "exception-" + customer, CustomerId: customer, Reason: "a payment plan is agreed",
		UntilDate: time.Now().AddDate(0, 1, 0).Format(time.DateOnly), MaxExcess: cny("500.00"), MaxDaysOverdue: 120,
	}, &ordergatev1.RequestStopExceptionResponse{})
	decide := func(by string) *ordergatev1.DecideStopExceptionRequest {
		return &ordergatev1.DecideStopExceptionRequest{RequestId: by + customer, CustomerId: customer, Approve: true, Reason: "agreed"}
	}
	finance := s.as(t, "FINANCE_DIRECTOR", "finance-director")
	if r := finance.refused(t, http.MethodPost, path+":decideException", decide("early")); r.reason() != "NOT_YOUR_STEP" {
		t.Errorf("the finance director signs before the sales director: %d %s", r.status, r.reason())
	}
	var decided ordergatev1.DecideStopExceptionResponse
	s.as(t, "SALES_DIRECTOR", "sales-director").call(t, http.MethodPost, path+":decideException", decide("sales"), &decided)
	if decided.GetControl().GetException().GetInForce() {
		t.Errorf("one signature is enough: %v", &decided)
	}
	finance.call(t, http.MethodPost, path+":decideException", decide("finance"), &decided)
	if !decided.GetControl().GetException().GetInForce() {
		t.Errorf("two signatures are not enough: %v", &decided)
	}
}
