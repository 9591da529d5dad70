package suite_test

import (
	"testing"
	"time"

	"github.com/avalcredit/aval/pkg/pgtest"
	evaluationv1 "github.com/avalcredit/aval/proto/gen/aval/evaluation/v1"
	ordergatev1 "github.com/avalcredit/aval/proto/gen/aval/ordergate/v1"
	receivablesv1 "github.com/avalcredit/aval/proto/gen/aval/receivables/v1"
)

// TestMergeOfTwoLiveCustomers is a customer that was entered twice, under M-1 with credit and under M-2 without: both owe something and
// have orders, one of which waits. Over REST the files are merged, and everything is the survivor's: aging, limit check, payment.
func TestMergeOfTwoLiveCustomers(t *testing.T) {
	t.Parallel()
	system, s := operated(t, pgtest.Database(t))
	m := mergeStory{circle{system: system, customer: "M-1"}}
	m.before(t)
	eventually(t, "the gate knows the grant", func() bool { return m.account(t).GetLimit().GetAmount() == "80000.00" })
	m.twice(t)
	m.merge(t)
	m.one(t)
	m.paid(t)
	(&lateBooks{system: system, suite: s}).verify(t, 0)
}

type mergeStory struct{ circle }

func (m mergeStory) post(t *testing.T, id, customer, amount string) {
	t.Helper()
	term := int32(30)
	m.as(t, "FINANCE_CLERK", "clerk").call(t, "POST", "/v1/invoices", &receivablesv1.PostInvoiceRequest{RequestId: "invoice-" + id, Invoice: &receivablesv1.Invoice{
		InvoiceId: id, CustomerId: customer, TermDays: &term, Amount: cny(amount),
	}}, &receivablesv1.PostInvoiceResponse{})
}

func (m mergeStory) receive(t *testing.T, id, customer, amount string, mode receivablesv1.ApplicationMode) *receivablesv1.Receipt {
	t.Helper()
	var got receivablesv1.PostReceiptResponse
	m.as(t, "FINANCE_CLERK", "clerk").call(t, "POST", "/v1/receipts", &receivablesv1.PostReceiptRequest{
		RequestId: "receipt-" + id, ApplicationMode: mode, Receipt: &receivablesv1.Receipt{
			ReceiptId: id, CustomerId: customer, Amount: cny(amount), Instrument: receivablesv1.PaymentInstrument_PAYMENT_INSTRUMENT_REMITTANCE,
		},
	}, &got)
	return got.GetReceipt()
}

func (m mergeStory) submit(t *testing.T, id, customer, amount string, terms ordergatev1.PaymentTerms) *ordergatev1.Order {
	t.Helper()
	var got ordergatev1.SubmitOrderResponse
	m.as(t, "ERP", "erp").call(t, "POST", "/v1/orders", &ordergatev1.SubmitOrderRequest{RequestId: "order-" + id, Order: &ordergatev1.Order{
		OrderId: id, CustomerId: customer, Amount: cny(amount), PaymentTerms: terms,
	}}, &got)
	return got.GetOrder()
}

func (m mergeStory) accountOf(t *testing.T, customer string) *ordergatev1.CreditAccount {
	t.Helper()
	var got ordergatev1.GetCreditAccountResponse
	m.as(t, "AUDITOR", "auditor").call(t, "GET", "/v1/creditAccounts/"+customer, nil, &got)
	return got.GetAccount()
}

// twice is what both numbers owe and have on order.
func (m mergeStory) twice(t *testing.T) {
	t.Helper()
	m.as(t, "SALESPERSON", "wang").call(t, "POST", "/v1/customers", &evaluationv1.CreateCustomerRequest{RequestId: "twice", Customer: &evaluationv1.Customer{
		CustomerId: "M-2", DisplayName: "Example Trading Ltd", CountryCode: "CN", CurrencyCode: "CNY", SalespersonId: "wang",
	}}, &evaluationv1.CreateCustomerResponse{})
	m.post(t, "I-1", "M-1", "4000.00")
	m.post(t, "I-2", "M-2", "1000.00")
	m.receive(t, "R-2", "M-2", "500.00", receivablesv1.ApplicationMode_APPLICATION_MODE_NONE)
	eventually(t, "the gate knows what M-2 owes", func() bool {
		b := m.accountOf(t, "M-2").GetBuckets()
		return b.GetReceivable().GetAmount() == "1000.00" && b.GetUnapplied().GetAmount() == "500.00"
	})
	for _, o := range []struct {
		id, customer, amount string
		terms                ordergatev1.PaymentTerms
		want                 ordergatev1.OrderState
	}{
		{"O-1", "M-1", "10000.00", ordergatev1.PaymentTerms_PAYMENT_TERMS_OPEN_ACCOUNT, ordergatev1.OrderState_ORDER_STATE_APPROVED},
		{"O-2", "M-2", "300.00", ordergatev1.PaymentTerms_PAYMENT_TERMS_PREPAYMENT, ordergatev1.OrderState_ORDER_STATE_APPROVED},
		{"O-3", "M-2", "2000.00", ordergatev1.PaymentTerms_PAYMENT_TERMS_OPEN_ACCOUNT, ordergatev1.OrderState_ORDER_STATE_HELD},
	} {
		if got := m.submit(t, o.id, o.customer, o.amount, o.terms); got.GetState() != o.want {
			t.Fatalf("%s is %v, want %v", o.id, got.GetState(), o.want)
		}
	}
}

// merge closes the second file and merges it into the first.
func (m mergeStory) merge(t *testing.T) {
	t.Helper()
	manager := m.as(t, "CREDIT_MANAGER", "zhou")
	req := &evaluationv1.MergeCustomerRequest{RequestId: "merge", SurvivorId: "M-1", Reason: "one firm, entered twice"}
	if r := manager.refused(t, "POST", "/v1/customers/M-2:merge", req); r.reason() != "CUSTOMER_NOT_CLOSED" {
		t.Errorf("a file that is not closed: %d %s", r.status, r.reason())
	}
	manager.call(t, "PATCH", "/v1/customers/M-2?request_id=close&update_mask=life_cycle",
		&evaluationv1.Customer{LifeCycle: evaluationv1.LifeCycle_LIFE_CYCLE_CLOSED}, &evaluationv1.UpdateCustomerResponse{})
	var merged evaluationv1.MergeCustomerResponse
	manager.call(t, "POST", "/v1/customers/M-2:merge", req, &merged)
	if merged.GetMerged().GetMergedIntoId() != "M-1" {
		t.Errorf("%v", &merged)
	}
}

// one is how both stand as one customer: the order that waited for want of credit has it now.
func (m mergeStory) one(t *testing.T) {
	t.Helper()
	eventually(t, "the gate has taken over the second account", func() bool { return m.accountOf(t, "M-2").GetMergedIntoId() == "M-1" })
	if a := m.accountOf(t, "M-2"); a.GetExposure().GetAmount() != "0.00" {
		t.Errorf("the second account: %v", a)
	}
	m.wantBuckets(t, "both", "12300.00", "0.00", "5000.00")
	if a := m.account(t); a.GetExposure().GetAmount() != "16800.00" {
		t.Errorf("exposure of both: %v", a)
	}
	var order ordergatev1.GetOrderResponse
	m.as(t, "AUDITOR", "auditor").call(t, "GET", "/v1/orders/O-3", nil, &order)
	if o := order.GetOrder(); o.GetState() != ordergatev1.OrderState_ORDER_STATE_APPROVED || o.GetCustomerId() != "M-1" || o.GetNamedCustomerId() != "M-2" {
		t.Errorf("the order that waited: %v", o)
	}
	// What is left of the limit counts for orders that name either number.
	for amount, want := range map[string]ordergatev1.Verdict{"63200.00": ordergatev1.Verdict_VERDICT_APPROVE, "63200.01": ordergatev1.Verdict_VERDICT_HOLD} {
		for _, id := range []string{"M-1", "M-2"} {
			var check ordergatev1.CheckOrderResponse
			m.as(t, "ERP", "erp").call(t, "POST", "/v1/orders:check", &ordergatev1.CheckOrderRequest{Order: &ordergatev1.Order{OrderId: "O-9", CustomerId: id, Amount: cny(amount)}}, &check)
			if v := check.GetDecision().GetVerdict(); v != want {
				t.Errorf("%s for %s: %v, want %v", amount, id, v, want)
			}
		}
	}
	var aged receivablesv1.GetAgingResponse
	m.as(t, "AUDITOR", "auditor").call(t, "GET", "/v1/aging?group_by=customer", nil, &aged)
	if rows := aged.GetRows(); len(rows) != 1 || rows[0].GetKey() != "M-1" || rows[0].GetOpenAmount().GetAmount() != "5000.00" || rows[0].GetUnappliedAmount().GetAmount() != "500.00" {
		t.Errorf("aging: %v", rows)
	}
}

// paid: money that names the old number pays what either owes; a document that names it later is the survivor's.
func (m mergeStory) paid(t *testing.T) {
	t.Helper()
	r := m.receive(t, "R-3", "M-2", "5000.00", receivablesv1.ApplicationMode_APPLICATION_MODE_OLDEST_DUE_FIRST)
	if r.GetCustomerId() != "M-1" || len(r.GetApplications()) != 2 {
		t.Errorf("the payment: %v", r)
	}
	eventually(t, "the gate knows of the payment", func() bool { return m.account(t).GetBuckets().GetReceivable().GetAmount() == "0.00" })
	m.as(t, "WAREHOUSE", "depot").call(t, "POST", "/v1/orders/O-2:ship", &ordergatev1.ShipOrderRequest{RequestId: "ship", Amount: cny("300.00")}, &ordergatev1.ShipOrderResponse{})
	term := int32(30)
	var billed receivablesv1.PostInvoiceResponse
	m.as(t, "FINANCE_CLERK", "clerk").call(t, "POST", "/v1/invoices", &receivablesv1.PostInvoiceRequest{RequestId: "billed", Invoice: &receivablesv1.Invoice{
		InvoiceId: "I-3", CustomerId: "M-2", OrderId: "O-2", TermDays: &term, Amount: cny("300.00"),
	}}, &billed)
	if billed.GetInvoice().GetCustomerId() != "M-1" {
		t.Errorf("an invoice that names the old number: %v", billed.GetInvoice())
	}
	eventually(t, "the gate knows of the invoice", func() bool { return m.account(t).GetBuckets().GetReceivable().GetAmount() == "300.00" })
	m.wantBuckets(t, "in the end", "12000.00", "0.00", "300.00")
	var st receivablesv1.GetAccountResponse
	m.as(t, "AUDITOR", "auditor").call(t, "GET", "/v1/customers/M-1/account?as_of_date="+time.Now().AddDate(0, 0, 1).Format(time.DateOnly), nil, &st)
	if b := st.GetAccount().GetBalance().GetAmount(); b != "-200.00" {
		t.Errorf("receivables has %s: %v", b, st.GetAccount())
	}
}
