package suite_test

import (
	"net/http"
	"slices"
	"testing"

	"google.golang.org/protobuf/proto"

	evaluationv1 "github.com/avalcredit/aval/proto/gen/aval/evaluation/v1"
	receivablesv1 "github.com/avalcredit/aval/proto/gen/aval/receivables/v1"
)

// TestValidateOnly: a request that is only to be validated gets the answer or the refusal that it would get, changes
// nothing, and leaves its request id to the request that is meant.
func TestValidateOnly(t *testing.T) {
	t.Parallel()
	s := oneProcess(t)
	operator, finance := s.as(t, "OPERATOR", "operator"), s.as(t, "FINANCE_MANAGER", "finance")

	customer := &evaluationv1.CreateCustomerRequest{RequestId: "c", ValidateOnly: true, Customer: &evaluationv1.Customer{CustomerId: "C-1", DisplayName: "Example"}}
	var created evaluationv1.CreateCustomerResponse
	twice(t, operator, "/v1/customers", customer, &created)
	if created.GetCustomer().GetCurrencyCode() != "CNY" {
		t.Errorf("validated: %v", created.GetCustomer())
	}
	operator.refused(t, http.MethodGet, "/v1/customers/C-1", nil)
	customer.ValidateOnly = false
	operator.call(t, http.MethodPost, "/v1/customers", customer, &created)
	customer.ValidateOnly = true
	operator.call(t, http.MethodPost, "/v1/customers", customer, &created)

	grant := &evaluationv1.TakeOverGrantRequest{RequestId: "g", ValidateOnly: true, CustomerId: "C-1", TermDays: 30, PaperFormReference: "3/17",
		Limit: &evaluationv1.CreditLimit{Kind: &evaluationv1.CreditLimit_Amount{Amount: cny("100.00")}}}
	twice(t, operator, "/v1/customers/C-1/grants:takeOver", grant, &evaluationv1.TakeOverGrantResponse{})
	var now evaluationv1.GetGrantResponse
	operator.invoke(t, "evaluation", evaluationv1.CreditGrantService_GetGrant_FullMethodName, &evaluationv1.GetGrantRequest{CustomerId: "C-1"}, &now)
	if now.GetGrant().GetPaperFormReference() != "" {
		t.Errorf("a grant that was only validated is in force: %v", now.GetGrant())
	}

	invoice := &receivablesv1.PostInvoiceRequest{RequestId: "i", ValidateOnly: true, Invoice: &receivablesv1.Invoice{InvoiceId: "I-1", CustomerId: "C-1", Amount: cny("10.00"), InvoiceDate: "2026-01-05"}}
	twice(t, finance, "/v1/invoices", invoice, &receivablesv1.PostInvoiceResponse{})
	finance.refused(t, http.MethodGet, "/v1/invoices/I-1", nil)
	receipt := &receivablesv1.PostReceiptRequest{RequestId: "r", ValidateOnly: true, Receipt: &receivablesv1.Receipt{ReceiptId: "R-1", CustomerId: "C-1", Amount: cny("10.00"), ReceiptDate: "2026-01-05"}}
	twice(t, finance, "/v1/receipts", receipt, &receivablesv1.PostReceiptResponse{})
	finance.refused(t, http.MethodGet, "/v1/receipts/R-1", nil)

	customer.Customer.CustomerId, customer.RequestId = "C-2", "bad"
	customer.Customer.CurrencyCode, customer.Customer.Uscc = "CNX", "91110000000000000X"
	if got := operator.refused(t, http.MethodPost, "/v1/customers", customer).fields(); !slices.Contains(got, "customer.currency_code") || !slices.Contains(got, "customer.uscc") {
		t.Errorf("refused for %q", got)
	}
}

// twice validates a request two times: the first leaves nothing that the second could stumble over.
func twice(t *testing.T, p person, path string, request, response proto.Message) {
	t.Helper()
	p.call(t, http.MethodPost, path, request, response)
	p.call(t, http.MethodPost, path, request, response)
}
