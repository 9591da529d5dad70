package suite_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	evaluationv1 "github.com/avalcredit/aval/proto/gen/aval/evaluation/v1"
	ordergatev1 "github.com/avalcredit/aval/proto/gen/aval/ordergate/v1"
	receivablesv1 "github.com/avalcredit/aval/proto/gen/aval/receivables/v1"
)

// TestPaymentNotice is the sale to those who are not sold on credit (S2.4), over REST through all phases: B gets its goods
// once a payment notice is confirmed, C once its money is there.
func TestPaymentNotice(t *testing.T) {
	t.Parallel()
	s := oneProcess(t)
	b, c := noticeStory{system: s, customer: "B-1"}, noticeStory{system: s, customer: "C-1"}
	b.graded(t, "7000000.00", evaluationv1.Treatment_TREATMENT_CASH_ON_DELIVERY)
	c.graded(t, "8500000.00", evaluationv1.Treatment_TREATMENT_PAYMENT_BEFORE_DELIVERY)
	b.paysOnDelivery(t)
	b.withdrawn(t)
	b.moneyFirst(t)
	c.paysBefore(t)
	for _, customer := range []string{"B-1", "C-1"} {
		(&circle{system: s, customer: customer}).inspect(t)
	}
}

// noticeStory is the story of one customer.
type noticeStory struct {
	*system
	customer string
}

// graded makes a customer of ten million in assets, whose credit was taken over from paper until a rating tightened it.
func (n noticeStory) graded(t *testing.T, liabilities string, want evaluationv1.Treatment) {
	t.Helper()
	n.as(t, "SALESPERSON", "wang").call(t, "POST", "/v1/customers", &evaluationv1.CreateCustomerRequest{
		RequestId: "customer-" + n.customer, Customer: &evaluationv1.Customer{
			CustomerId: n.customer, DisplayName: "Example " + n.customer, CountryCode: "CN", CurrencyCode: "CNY", SalespersonId: "wang",
		},
	}, &evaluationv1.CreateCustomerResponse{})
	n.as(t, "OPERATOR", "operator").call(t, "POST", "/v1/customers/"+n.customer+"/grants:takeOver", &evaluationv1.TakeOverGrantRequest{
		RequestId: "grant-" + n.customer, CustomerId: n.customer, TermDays: 30, PaperFormReference: "3/17",
		Limit: &evaluationv1.CreditLimit{Kind: &evaluationv1.CreditLimit_Amount{Amount: cny("1000.00")}},
	}, &evaluationv1.TakeOverGrantResponse{})
	li, year := n.as(t, "CREDIT_ANALYST", "li"), time.Now().AddDate(-1, 0, 0).Year()
	end := fmt.Sprintf("%d-12-31", year)
	facts := "/v1/customers/" + n.customer + "/facts"
	li.call(t, "POST", facts, &evaluationv1.RecordCreditFactRequest{
		RequestId: "fact-" + n.customer, Fact: &evaluationv1.CreditFact{
			FactId: "F-" + n.customer, Source: "annual report", AsOfDate: end,
			Content: &evaluationv1.CreditFact_FinancialStatement{FinancialStatement: &evaluationv1.FinancialStatement{
				PeriodStartDate: fmt.Sprintf("%d-01-01", year), PeriodEndDate: end, Audited: true,
				TotalAssets: cny("10000000.00"), TotalLiabilities: cny(liabilities), Revenue: cny("20000000.00"), NetProfit: cny("900000.00"),
			}},
		},
	}, &evaluationv1.RecordCreditFactResponse{})
	n.as(t, "CREDIT_MANAGER", "zhou").call(t, "POST", facts+"/F-"+n.customer+":verify",
		&evaluationv1.VerifyCreditFactRequest{RequestId: "verify-" + n.customer}, &evaluationv1.VerifyCreditFactResponse{})
	li.call(t, "POST", "/v1/customers/"+n.customer+":rate", &evaluationv1.RateCustomerRequest{RequestId: "rate-" + n.customer}, &evaluationv1.RateCustomerResponse{})
	eventually(t, "the gate treats "+n.customer+" by its grade", func() bool {
		var got ordergatev1.GetCreditAccountResponse
		status, _, _ := n.as(t, "AUDITOR", "auditor").raw(t, "GET", "/v1/creditAccounts/"+n.customer, nil)
		if status != http.StatusOK {
			return false
		}
		n.as(t, "AUDITOR", "auditor").call(t, "GET", "/v1/creditAccounts/"+n.customer, nil, &got)
		return got.GetAccount().GetTreatment() == want
	})
}

func (n noticeStory) submit(t *testing.T, id string, terms ordergatev1.PaymentTerms) *ordergatev1.SubmitOrderResponse {
	t.Helper()
	var got ordergatev1.SubmitOrderResponse
	n.as(t, "ERP", "erp").call(t, "POST", "/v1/orders", &ordergatev1.SubmitOrderRequest{RequestId: "order-" + id, Order: &ordergatev1.Order{
		OrderId: id, CustomerId: n.customer, Amount: cny("500.00"), PaymentTerms: terms,
	}}, &got)
	if got.GetOrder().GetState() != ordergatev1.OrderState_ORDER_STATE_HELD {
		t.Fatalf("%s without money: %v", id, got.GetOrder().GetState())
	}
	return &got
}

// record records a notice by the salesperson, and confirm has the finance clerk confirm it.
func (n noticeStory) record(t *testing.T, id, order string) *receivablesv1.RecordPaymentNoticeRequest {
	t.Helper()
	req := &receivablesv1.RecordPaymentNoticeRequest{RequestId: "record-" + id, PaymentNotice: &receivablesv1.PaymentNotice{
		PaymentNoticeId: id, CustomerId: n.customer, OrderId: order, Amount: cny("500.00"),
		Instrument: receivablesv1.PaymentInstrument_PAYMENT_INSTRUMENT_DRAFT, ExpectedDate: time.Now().AddDate(0, 0, 3).Format(time.DateOnly),
	}}
	var got receivablesv1.RecordPaymentNoticeResponse
	n.as(t, "SALESPERSON", "wang").call(t, "POST", "/v1/paymentNotices", req, &got)
	if x := got.GetPaymentNotice(); x.GetState() != receivablesv1.PaymentNoticeState_PAYMENT_NOTICE_STATE_RECORDED || x.GetRecordedBy() != "wang" {
		t.Fatalf("recorded: %v", x)
	}
	return req
}

func (n noticeStory) confirm(t *testing.T, id string) {
	t.Helper()
	var got receivablesv1.ConfirmPaymentNoticeResponse
	n.as(t, "FINANCE_CLERK", "clerk").call(t, "POST", "/v1/paymentNotices/"+id+":confirm",
		&receivablesv1.ConfirmPaymentNoticeRequest{RequestId: "confirm-" + id}, &got)
	if x := got.GetPaymentNotice(); x.GetState() != receivablesv1.PaymentNoticeState_PAYMENT_NOTICE_STATE_CONFIRMED || x.GetConfirmedBy() != "clerk" {
		t.Fatalf("confirmed: %v", x)
	}
}

func (n noticeStory) wantState(t *testing.T, order string, want ordergatev1.OrderState) {
	t.Helper()
	eventually(t, fmt.Sprintf("order %s is %v", order, want), func() bool {
		var got ordergatev1.GetOrderResponse
		n.as(t, "AUDITOR", "auditor").call(t, "GET", "/v1/orders/"+order, nil, &got)
		return got.GetOrder().GetState() == want
	})
}

// authorized asks for the goods and returns the codes of a refusal.
func (n noticeStory) authorized(t *testing.T, order string) string {
	t.Helper()
	var got ordergatev1.AuthorizeShipmentResponse
	n.as(t, "WAREHOUSE", "depot").call(t, "POST", "/v1/orders/"+order+":authorizeShipment",
		&ordergatev1.AuthorizeShipmentRequest{}, &got)
	if got.GetAllowed() != (len(got.GetReasonCodes()) == 0) {
		t.Errorf("allowed %t, for %v", got.GetAllowed(), got.GetReasonCodes())
	}
	return strings.Join(got.GetReasonCodes(), " ")
}

func (n noticeStory) ship(t *testing.T, order string) {
	t.Helper()
	if why := n.authorized(t, order); why != "" {
		t.Fatalf("order %s may not ship: %s", order, why)
	}
	n.as(t, "WAREHOUSE", "depot").call(t, "POST", "/v1/orders/"+order+":ship",
		&ordergatev1.ShipOrderRequest{RequestId: "ship-" + order, ShipmentId: "D-" + order}, &ordergatev1.ShipOrderResponse{})
}

func (n noticeStory) receive(t *testing.T, id, notice string) *receivablesv1.Receipt {
	t.Helper()
	var got receivablesv1.PostReceiptResponse
	n.as(t, "FINANCE_CLERK", "clerk").call(t, "POST", "/v1/receipts", &receivablesv1.PostReceiptRequest{
		RequestId: "receipt-" + id, Receipt: &receivablesv1.Receipt{ReceiptId: id, CustomerId: n.customer, Amount: cny("500.00"), PaymentNoticeId: notice},
	}, &got)
	return got.GetReceipt()
}

func (n noticeStory) wantNotice(t *testing.T, id string, want receivablesv1.PaymentNoticeState) {
	t.Helper()
	var got receivablesv1.GetPaymentNoticeResponse
	n.as(t, "SALESPERSON", "wang").call(t, "GET", "/v1/paymentNotices/"+id, nil, &got)
	if got.GetPaymentNotice().GetState() != want {
		t.Errorf("notice %s: %v, want %v", id, got.GetPaymentNotice(), want)
	}
}

// paysOnDelivery: held, noticed, not by one person alone, approved by itself, shipped, invoiced, paid.
func (n noticeStory) paysOnDelivery(t *testing.T) {
	t.Helper()
	held := n.submit(t, "O-1", ordergatev1.PaymentTerms_PAYMENT_TERMS_CASH_ON_DELIVERY)
	if !curedBy(held.GetDecision(), ordergatev1.CureKind_CURE_KIND_PAYMENT_NOTICE, "500.00") {
		t.Errorf("the decision does not ask for a payment notice: %v", held.GetDecision())
	}
	req := n.record(t, "N-1", "O-1")
	n.as(t, "SALESPERSON", "wang").call(t, "POST", "/v1/paymentNotices", req, &receivablesv1.RecordPaymentNoticeResponse{})
	if r := n.as(t, "SALESPERSON", "zhao").refused(t, "GET", "/v1/paymentNotices/N-1", nil); r.reason() != "PAYMENT_NOTICE_UNKNOWN" {
		t.Errorf("another's customer: %d %s", r.status, r.reason())
	}
	own := &receivablesv1.ConfirmPaymentNoticeRequest{RequestId: "own"}
	if r := n.as(t, "FINANCE_MANAGER", "wang").refused(t, "POST", "/v1/paymentNotices/N-1:confirm", own); r.reason() != "SAME_PERSON" {
		t.Errorf("who recorded the notice confirms it: %d %s", r.status, r.reason())
	}
	if r := n.as(t, "SALESPERSON", "wang").refused(t, "POST", "/v1/paymentNotices/N-1:confirm", own); r.status != http.StatusForbidden {
		t.Errorf("a salesperson confirms: %d", r.status)
	}
	n.wantState(t, "O-1", ordergatev1.OrderState_ORDER_STATE_HELD)
	n.confirm(t, "N-1")
	n.wantState(t, "O-1", ordergatev1.OrderState_ORDER_STATE_APPROVED)
	n.ship(t, "O-1")
	story := &circle{system: n.system, customer: n.customer}
	story.wantBuckets(t, "shipped on a notice", "0.00", "500.00", "0.00")
	n.invoice(t, "I-1", "O-1")
	eventually(t, "the invoice is at the gate", func() bool { return story.account(t).GetBuckets().GetReceivable().GetAmount() == "500.00" })
	story.wantBuckets(t, "invoiced and not paid", "0.00", "0.00", "500.00")
	if got := n.receive(t, "R-1", "N-1"); len(got.GetApplications()) != 1 || got.GetUnappliedAmount().GetAmount() != "0.00" {
		t.Errorf("the receipt goes to the invoice of the notice's order: %v", got)
	}
	n.wantNotice(t, "N-1", receivablesv1.PaymentNoticeState_PAYMENT_NOTICE_STATE_SETTLED)
	eventually(t, "the payment is at the gate", func() bool { return story.account(t).GetExposure().GetAmount() == "0.00" })
}

func (n noticeStory) invoice(t *testing.T, id, order string) {
	t.Helper()
	term := int32(0)
	n.as(t, "FINANCE_CLERK", "clerk").call(t, "POST", "/v1/invoices", &receivablesv1.PostInvoiceRequest{RequestId: "invoice-" + id,
		Invoice: &receivablesv1.Invoice{InvoiceId: id, CustomerId: n.customer, OrderId: order, TermDays: &term, Amount: cny("500.00")}}, &receivablesv1.PostInvoiceResponse{})
}

// withdrawn: what was taken back before the goods left ships nothing.
func (n noticeStory) withdrawn(t *testing.T) {
	t.Helper()
	n.submit(t, "O-2", ordergatev1.PaymentTerms_PAYMENT_TERMS_CASH_ON_DELIVERY)
	n.record(t, "N-2", "O-2")
	n.confirm(t, "N-2")
	n.wantState(t, "O-2", ordergatev1.OrderState_ORDER_STATE_APPROVED)
	n.as(t, "SALESPERSON", "wang").call(t, "POST", "/v1/paymentNotices/N-2:withdraw",
		&receivablesv1.WithdrawPaymentNoticeRequest{RequestId: "withdraw-N-2", Reason: "the bank returned the draft"}, &receivablesv1.WithdrawPaymentNoticeResponse{})
	n.wantNotice(t, "N-2", receivablesv1.PaymentNoticeState_PAYMENT_NOTICE_STATE_WITHDRAWN)
	eventually(t, "the withdrawal is at the gate", func() bool { return n.authorized(t, "O-2") == "PAYMENT_MISSING" })
	if r := n.as(t, "WAREHOUSE", "depot").refused(t, "POST", "/v1/orders/O-2:ship", &ordergatev1.ShipOrderRequest{RequestId: "ship-O-2", ShipmentId: "D-O-2"}); r.reason() != "PAYMENT_MISSING" {
		t.Errorf("shipped on a withdrawn notice: %d %s", r.status, r.reason())
	}
}

// moneyFirst: money under a notice is kept for the notice's order, though another waits longer.
func (n noticeStory) moneyFirst(t *testing.T) {
	t.Helper()
	n.submit(t, "O-3", ordergatev1.PaymentTerms_PAYMENT_TERMS_CASH_ON_DELIVERY)
	n.submit(t, "O-4", ordergatev1.PaymentTerms_PAYMENT_TERMS_CASH_ON_DELIVERY)
	n.record(t, "N-4", "O-4")
	n.receive(t, "R-4", "N-4")
	n.wantState(t, "O-4", ordergatev1.OrderState_ORDER_STATE_APPROVED)
	if why := n.authorized(t, "O-2"); why != "PAYMENT_MISSING" {
		t.Errorf("another order ships on money kept for O-4: %q", why)
	}
	n.wantState(t, "O-3", ordergatev1.OrderState_ORDER_STATE_HELD)
	n.ship(t, "O-4")
}

// paysBefore: a notice does not help where payment comes before delivery; its money does.
func (n noticeStory) paysBefore(t *testing.T) {
	t.Helper()
	held := n.submit(t, "O-C", ordergatev1.PaymentTerms_PAYMENT_TERMS_PREPAYMENT)
	if curedBy(held.GetDecision(), ordergatev1.CureKind_CURE_KIND_PAYMENT_NOTICE, "500.00") {
		t.Error("the decision asks for a payment notice where only money helps")
	}
	n.record(t, "N-C", "O-C")
	n.confirm(t, "N-C")
	var again ordergatev1.RecheckOrderResponse
	n.as(t, "CREDIT_MANAGER", "zhou").call(t, "POST", "/v1/orders/O-C:recheck", &ordergatev1.RecheckOrderRequest{RequestId: "recheck"}, &again)
	if got := again.GetOrder().GetState(); got != ordergatev1.OrderState_ORDER_STATE_HELD {
		t.Errorf("a notice lets a prepaid order go: %v", got)
	}
	n.receive(t, "R-C", "N-C")
	n.wantState(t, "O-C", ordergatev1.OrderState_ORDER_STATE_APPROVED)
	n.ship(t, "O-C")
	var list receivablesv1.ListPaymentNoticesResponse
	n.as(t, "FINANCE_CLERK", "clerk").call(t, "GET", "/v1/paymentNotices?customer_id=C-1&state=PAYMENT_NOTICE_STATE_SETTLED", nil, &list)
	if len(list.GetPaymentNotices()) != 1 || list.GetPaymentNotices()[0].GetReceivedAmount().GetAmount() != "500.00" {
		t.Errorf("settled notices: %v", list.GetPaymentNotices())
	}
}

func curedBy(d *ordergatev1.Decision, kind ordergatev1.CureKind, amount string) bool {
	for _, r := range d.GetResults() {
		for _, c := range r.GetCures() {
			if c.GetKind() == kind && c.GetAmount().GetAmount() == amount {
				return true
			}
		}
	}
	return false
}
