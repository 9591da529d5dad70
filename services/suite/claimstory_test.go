package suite_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	evaluationv1 "github.com/avalcredit/aval/proto/gen/aval/evaluation/v1"
	ordergatev1 "github.com/avalcredit/aval/proto/gen/aval/ordergate/v1"
	receivablesv1 "github.com/avalcredit/aval/proto/gen/aval/receivables/v1"
)

// TestLateCustomer is a claim from the invoice to the recovery of what was written off, through REST and all three phases: late,
// reminded, promised, broken, stopped at the gate, a director decides, a lawyer's letter, a part payment, written off by
// approval, and something comes in after all. Who is responsible for it is cleared when the hand-over is confirmed, and not before.
func TestLateCustomer(t *testing.T) {
	t.Parallel()
	c := claimStory{oneProcess(t)}
	c.sells(t)
	c.isReminded(t)
	c.breaksItsPromise(t)
	c.isStopped(t)
	c.goesToTheLawyer(t)
	c.paysAPart(t)
	c.changesHands(t)
	c.isWrittenOff(t)
	c.recovers(t)
	c.leavesARecord(t)
}

const late = "LATE" // the customer of the story

type claimStory struct{ *system }

// on is a person with a role on a day.
func (c claimStory) on(t *testing.T, date, role, subject string) person {
	t.Helper()
	p := c.as(t, role, subject)
	p.date = date
	return p
}

func (c claimStory) sells(t *testing.T) {
	t.Helper()
	operator := c.on(t, "2026-01-02", "OPERATOR", "operator")
	operator.call(t, http.MethodPost, "/v1/customers", &evaluationv1.CreateCustomerRequest{RequestId: "file", Customer: &evaluationv1.Customer{
		CustomerId: late, DisplayName: "Example Late", CurrencyCode: "CNY", SalespersonId: "anna",
	}}, &evaluationv1.CreateCustomerResponse{})
	operator.call(t, http.MethodPost, "/v1/customers/"+late+"/grants:takeOver", &evaluationv1.TakeOverGrantRequest{
		RequestId: "grant", CustomerId: late, TermDays: 30, PaperFormReference: "binder 7",
		Limit: &evaluationv1.CreditLimit{Kind: &evaluationv1.CreditLimit_Amount{Amount: cny("100000.00")}},
	}, &evaluationv1.TakeOverGrantResponse{})
	c.on(t, "2026-01-05", "ERP", "erp").call(t, http.MethodPost, "/v1/invoices", &receivablesv1.PostInvoiceRequest{
		RequestId: "invoice", Invoice: &receivablesv1.Invoice{InvoiceId: "I-1", CustomerId: late, Amount: cny("60000.00"), DueDate: "2026-02-04"},
	}, &receivablesv1.PostInvoiceResponse{})
	if got := c.period(t, "2026-02-05"); got != "RUNNING 2029-02-04" {
		t.Errorf("the limitation period: %s", got)
	}
}

// period is how the limitation period of the claim stands.
func (c claimStory) period(t *testing.T, date string) string {
	t.Helper()
	var got receivablesv1.GetLimitationResponse
	c.on(t, date, "AUDITOR", "auditor").call(t, http.MethodGet, "/v1/limitations/I-1", nil, &got)
	return strings.TrimPrefix(got.GetLimitation().GetState().String(), "LIMITATION_STATE_") + " " + got.GetLimitation().GetLastDate()
}

// isReminded: a reminder that provably arrived is a demand.
func (c claimStory) isReminded(t *testing.T) {
	t.Helper()
	c.records(t, "2026-02-12", receivablesv1.LimitationEventKind_LIMITATION_EVENT_KIND_DEMAND, "reminder, registered letter 3")
	if got := c.period(t, "2026-02-12"); got != "RUNNING 2029-02-12" {
		t.Errorf("after the reminder: %s", got)
	}
}

func (c claimStory) records(t *testing.T, date string, kind receivablesv1.LimitationEventKind, evidence string) {
	t.Helper()
	c.on(t, date, "COLLECTOR", "col").call(t, http.MethodPost, "/v1/limitationEvents", &receivablesv1.RecordLimitationEventRequest{
		RequestId: evidence, LimitationEvent: &receivablesv1.LimitationEvent{
			LimitationEventId: "E " + date, CustomerId: late, ItemId: "I-1", Kind: kind, EventDate: date, Evidence: evidence,
		},
	}, &receivablesv1.RecordLimitationEventResponse{})
}

// breaksItsPromise: the customer promises in writing to pay by the 20th, which acknowledges the debt, and does not.
func (c claimStory) breaksItsPromise(t *testing.T) {
	t.Helper()
	c.records(t, "2026-02-13", receivablesv1.LimitationEventKind_LIMITATION_EVENT_KIND_ACKNOWLEDGEMENT, "letter of the customer: all by 20 February")
	if got := c.period(t, "2026-02-25"); got != "RUNNING 2029-02-13" {
		t.Errorf("after the promise: %s", got)
	}
}

// isStopped: the gate holds the next order, and the finance director refuses it: nothing is supplied.
func (c claimStory) isStopped(t *testing.T) {
	t.Helper()
	const day = "2026-05-15" // a hundred days overdue
	var order ordergatev1.SubmitOrderResponse
	c.on(t, day, "ERP", "erp").call(t, http.MethodPost, "/v1/orders", &ordergatev1.SubmitOrderRequest{
		RequestId: "order", Order: &ordergatev1.Order{OrderId: "SO-1", CustomerId: late, Amount: cny("5000.00")},
	}, &order)
	if s := order.GetOrder().GetState(); s != ordergatev1.OrderState_ORDER_STATE_HELD {
		t.Errorf("an order of a customer a hundred days overdue: %s", s)
	}
	c.on(t, day, "CREDIT_MANAGER", "zhou").call(t, http.MethodPost, "/v1/orders/SO-1:approve",
		&ordergatev1.ApproveOrderRequest{RequestId: "review", OrderId: "SO-1", Reason: "for the director"}, &ordergatev1.ApproveOrderResponse{})
	var decided ordergatev1.RejectOrderResponse
	c.on(t, day, "FINANCE_DIRECTOR", "finance-director").call(t, http.MethodPost, "/v1/orders/SO-1:reject",
		&ordergatev1.RejectOrderRequest{RequestId: "reject", OrderId: "SO-1", Reason: "broke its promise"}, &decided)
	if s := decided.GetOrder().GetState(); s != ordergatev1.OrderState_ORDER_STATE_REJECTED {
		t.Errorf("decided by the director: %s", s)
	}
	if r := c.on(t, day, "WAREHOUSE", "dock").refused(t, http.MethodPost, "/v1/orders/SO-1:ship", &ordergatev1.ShipOrderRequest{RequestId: "ship"}); r.status == http.StatusOK {
		t.Error("the goods went out")
	}
}

// goesToTheLawyer: the letter is a demand, from which the limitation period starts anew.
func (c claimStory) goesToTheLawyer(t *testing.T) {
	t.Helper()
	collector := c.on(t, "2026-05-26", "COLLECTOR", "col")
	collector.call(t, http.MethodPost, "/v1/legalCases", &receivablesv1.OpenLegalCaseRequest{RequestId: "case", LegalCase: &receivablesv1.LegalCase{
		LegalCaseId: "L-1", CustomerId: late, ItemIds: []string{"I-1"}, Reason: "broke its promise",
	}}, &receivablesv1.OpenLegalCaseResponse{})
	collector.call(t, http.MethodPost, "/v1/legalCases/L-1:step", &receivablesv1.RecordLegalStepRequest{RequestId: "letter", LegalCaseId: "L-1", Step: &receivablesv1.LegalStep{
		Kind: receivablesv1.LegalStepKind_LEGAL_STEP_KIND_LAWYERS_LETTER, StepDate: "2026-05-25", DeadlineDate: "2026-06-15", DeadlineText: "last day to pay",
		Authority: "law firm", Reference: "registered letter 12",
	}}, &receivablesv1.RecordLegalStepResponse{})
	if got := c.period(t, "2026-05-26"); got != "RUNNING 2029-05-25" {
		t.Errorf("after the lawyer's letter: %s", got)
	}
	var given receivablesv1.GiveWarningsResponse
	c.on(t, "2026-05-26", "OPERATOR", "operator").call(t, http.MethodPost, "/v1/warnings:give", &receivablesv1.GiveWarningsRequest{}, &given)
	if given.GetWarnings() != 1 {
		t.Errorf("warned of the letter's deadline: %v", &given)
	}
}

func (c claimStory) paysAPart(t *testing.T) {
	t.Helper()
	c.on(t, "2026-06-10", "FINANCE_CLERK", "clerk").call(t, http.MethodPost, "/v1/receipts", &receivablesv1.PostReceiptRequest{
		RequestId: "part", Receipt: &receivablesv1.Receipt{ReceiptId: "R-1", CustomerId: late, Amount: cny("10000.00")},
		Invoices: []*receivablesv1.InvoiceAmount{{InvoiceId: "I-1"}},
	}, &receivablesv1.PostReceiptResponse{})
	if got := c.period(t, "2026-06-11"); got != "RUNNING 2029-06-10" {
		t.Errorf("after a part payment: %s", got)
	}
	var got receivablesv1.GetLegalCaseResponse
	c.on(t, "2026-06-11", "AUDITOR", "auditor").call(t, http.MethodGet, "/v1/legalCases/L-1", nil, &got)
	if a := got.GetLegalCase().GetRecoveredAmount().GetAmount(); a != "10000.00" {
		t.Errorf("recovered by the case: %s", a)
	}
}

// changesHands: anna leaves, and is cleared once ben has taken what she is responsible for.
func (c claimStory) changesHands(t *testing.T) {
	t.Helper()
	finance := c.on(t, "2026-07-01", "FINANCE_MANAGER", "fan")
	clearance := func(request string) *receivablesv1.ClearPersonRequest {
		return &receivablesv1.ClearPersonRequest{RequestId: request, Person: "anna", Note: "leaves the company"}
	}
	refusedWith := func(request, items, customers, handOvers string) {
		t.Helper()
		r := finance.refused(t, http.MethodPost, "/v1/clearances", clearance(request))
		if r.reason() != "NOT_CLEARED" {
			t.Fatalf("cleared: %d %s", r.status, r.reason())
		}
		m := r.Details[0].Metadata
		if got := fmt.Sprint(m["open_items"], m["customers"], m["hand_overs"]); got != items+customers+handOvers {
			t.Errorf("%s: left %s, want %s", request, got, items+customers+handOvers)
		}
	}
	refusedWith("too early", "1", "1", "0")
	anna, ben := c.on(t, "2026-07-01", "SALESPERSON", "anna"), c.on(t, "2026-07-02", "SALESPERSON", "ben")
	anna.call(t, http.MethodPost, "/v1/handOvers", &receivablesv1.ProposeHandOverRequest{RequestId: "hand-over", HandOver: &receivablesv1.HandOver{
		HandOverId: "H-1", FromPerson: "anna", ToPerson: "ben", Everything: true, Reason: "leaves the company",
	}}, &receivablesv1.ProposeHandOverResponse{})
	c.on(t, "2026-07-01", "SALES_MANAGER", "sun").call(t, http.MethodPatch, "/v1/customers/"+late+"?request_id=assign",
		&evaluationv1.Customer{SalespersonId: "ben"}, &evaluationv1.UpdateCustomerResponse{})
	confirm := func(p person) {
		p.call(t, http.MethodPost, "/v1/handOvers/H-1:confirm", &receivablesv1.ConfirmHandOverRequest{RequestId: "confirm " + p.subject, HandOverId: "H-1"}, &receivablesv1.ConfirmHandOverResponse{})
	}
	confirm(anna)
	eventually(t, "the customer is ben's", func() bool {
		return finance.refused(t, http.MethodPost, "/v1/clearances", clearance("while the taker has not confirmed")).Details[0].Metadata["customers"] == "0"
	})
	refusedWith("while the taker has not confirmed", "1", "0", "1")
	confirm(ben)
	var cleared receivablesv1.ClearPersonResponse
	finance.call(t, http.MethodPost, "/v1/clearances", clearance("now"), &cleared)
	if cleared.GetClearance().GetClearanceId() != "CL-000001" {
		t.Errorf("the clearance: %v", cleared.GetClearance())
	}
}

// isWrittenOff: by a memo that another person approves; what is written off is off the books and in sight.
func (c claimStory) isWrittenOff(t *testing.T) {
	t.Helper()
	var memo receivablesv1.ProposeCreditMemoResponse
	proposer := c.on(t, "2026-09-01", "CREDIT_MANAGER", "zhou")
	proposer.call(t, http.MethodPost, "/v1/creditMemos", &receivablesv1.ProposeCreditMemoRequest{RequestId: "memo", CreditMemo: &receivablesv1.CreditMemo{
		CustomerId: late, Kind: receivablesv1.CreditMemoKind_CREDIT_MEMO_KIND_WRITE_OFF, ReasonCode: "UNCOLLECTABLE", Text: "nothing to be had",
		Amount: cny("50000.00"), Invoices: []*receivablesv1.InvoiceAmount{{InvoiceId: "I-1"}}, Evidence: "legal case L-1", DocumentId: "WO-1",
	}}, &memo)
	path := "/v1/creditMemos/" + memo.GetCreditMemo().GetCreditMemoId() + ":decide"
	approve := &receivablesv1.DecideCreditMemoRequest{RequestId: "approve memo", Decision: "APPROVE"}
	if r := c.on(t, "2026-09-01", "FINANCE_MANAGER", "zhou").refused(t, http.MethodPost, path, approve); r.reason() != "SAME_PERSON" {
		t.Errorf("who proposed it approves it: %d %s", r.status, r.reason())
	}
	if got := c.period(t, "2026-09-01"); got != "RUNNING 2029-06-10" {
		t.Errorf("before the approval nothing is posted: %s", got)
	}
	var decided receivablesv1.DecideCreditMemoResponse
	c.on(t, "2026-09-02", "FINANCE_MANAGER", "fan").call(t, http.MethodPost, path, approve, &decided)
	if s := decided.GetCreditMemo().GetState(); s != receivablesv1.CreditMemoState_CREDIT_MEMO_STATE_POSTED {
		t.Fatalf("the memo: %s", s)
	}
	c.wantWrittenOff(t, "2026-09-03", "I-1 WO-1 50000.00 left 50000.00, RUNNING 2029-06-10, ben")
}

func (c claimStory) wantWrittenOff(t *testing.T, date, want string) {
	t.Helper()
	var list receivablesv1.ListWrittenOffsResponse
	c.on(t, date, "COLLECTOR", "col").call(t, http.MethodGet, "/v1/writtenOffs?customerId="+late, nil, &list)
	var got []string
	for _, w := range list.GetWrittenOffs() {
		got = append(got, fmt.Sprintf("%s %s %s left %s, %s %s, %s", w.GetItemId(), w.GetDocumentId(), w.GetAmount().GetAmount(), w.GetLeftAmount().GetAmount(),
			strings.TrimPrefix(w.GetLimitationState().String(), "LIMITATION_STATE_"), w.GetLastDate(), w.GetResponsible()))
	}
	if s := strings.Join(got, "; "); s != want {
		t.Errorf("written off: %s, want %s", s, want)
	}
}

// recovers: money for what was written off is a recovery, and an acknowledgement by paying.
func (c claimStory) recovers(t *testing.T) {
	t.Helper()
	c.on(t, "2026-11-05", "FINANCE_CLERK", "clerk").call(t, http.MethodPost, "/v1/documents", &receivablesv1.PostDocumentRequest{
		RequestId: "recovery", Document: &receivablesv1.Document{
			DocumentId: "RC-1", CustomerId: late, Kind: receivablesv1.DocumentKind_DOCUMENT_KIND_RECOVERY, AboutDocumentId: "WO-1", Amount: cny("8000.00"),
			Instrument: receivablesv1.PaymentInstrument_PAYMENT_INSTRUMENT_REMITTANCE,
		},
	}, &receivablesv1.PostDocumentResponse{})
	c.wantWrittenOff(t, "2026-11-06", "I-1 WO-1 50000.00 left 42000.00, RUNNING 2029-11-05, ben")
}

// leavesARecord: who tried what they may not is in the list of all phases, and all chains hold.
func (c claimStory) leavesARecord(t *testing.T) {
	t.Helper()
	eventually(t, "the refused approval is in the register", func() bool {
		var list evaluationv1.ListViolationsResponse
		c.as(t, "AUDITOR", "auditor").call(t, http.MethodGet, "/v1/violations?phase=receivables&subject=zhou", nil, &list)
		v := list.GetViolations()
		return len(v) == 1 && v[0].GetReasonCode() == "SAME_PERSON" && v[0].GetObjectKind() == "credit_memo"
	})
	var report receivablesv1.VerifyChainsResponse
	c.as(t, "AUDITOR", "auditor").call(t, http.MethodPost, "/v1/receivables:verify", &receivablesv1.VerifyChainsRequest{}, &report)
	if len(report.GetBreaks()) > 0 {
		t.Errorf("chains: %v", report.GetBreaks())
	}
}
