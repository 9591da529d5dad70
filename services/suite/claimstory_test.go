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
// reminded by a run that another person approves, promised, broken, stopped at the gate by what collection tells it, a director
// decides, a lawyer's letter, a part payment, written off by approval, and something comes in after all. Who is responsible for it
// is cleared when the hand-over is confirmed, and not before.
func TestLateCustomer(t *testing.T) {
	t.Parallel()
	c := claimStory{oneProcess(t)}
	c.sells(t)
	c.isReminded(t)
	c.breaksItsPromise(t)
	c.isStopped(t)
	c.isDecided(t)
	c.isRated(t)
	c.goesToTheLawyer(t)
	c.paysAPart(t)
	c.changesHands(t)
	c.isWrittenOff(t)
	c.recovers(t)
	c.isPaidBack(t)
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

// isReminded: a run is proposed, another person approves it, and the letter that goes out is a demand.
func (c claimStory) isReminded(t *testing.T) {
	t.Helper()
	c.dunned(t, "2026-02-12", 1)
	if got := c.period(t, "2026-02-12"); got != "RUNNING 2029-02-12" {
		t.Errorf("after the reminder: %s", got)
	}
}

// dunned has the run of a day propose one letter, which goes out once another person has approved it.
func (c claimStory) dunned(t *testing.T, day string, level int32) {
	t.Helper()
	var proposed receivablesv1.ProposeDunningRunResponse
	c.on(t, day, "COLLECTOR", "col").call(t, http.MethodPost, "/v1/dunningRuns", &receivablesv1.ProposeDunningRunRequest{RequestId: "run " + day}, &proposed)
	run := "/v1/dunningRuns/" + proposed.GetRun().GetDunningRunId()
	reaches := func(state receivablesv1.DunningRunState) {
		t.Helper()
		eventually(t, fmt.Sprint("the run of ", day, " is ", state), func() bool {
			var got receivablesv1.GetDunningRunResponse
			c.on(t, day, "AUDITOR", "auditor").call(t, http.MethodGet, run, nil, &got)
			return got.GetRun().GetState() == state
		})
	}
	reaches(receivablesv1.DunningRunState_DUNNING_RUN_STATE_PROPOSED)
	approve := &receivablesv1.ApproveDunningRunRequest{RequestId: "approve " + day}
	if r := c.on(t, day, "CREDIT_MANAGER", "col").refused(t, http.MethodPost, run+":approve", approve); r.reason() != "SAME_PERSON" {
		t.Errorf("who proposed the run approves it: %d %s", r.status, r.reason())
	}
	c.on(t, day, "CREDIT_MANAGER", "zhou").call(t, http.MethodPost, run+":approve", approve, &receivablesv1.ApproveDunningRunResponse{})
	reaches(receivablesv1.DunningRunState_DUNNING_RUN_STATE_SENT)
	var letters receivablesv1.ListDunningLettersResponse
	c.on(t, day, "AUDITOR", "auditor").call(t, http.MethodGet, "/v1/dunningLetters?dunningRunId="+proposed.GetRun().GetDunningRunId(), nil, &letters)
	if l := letters.GetLetters(); len(l) != 1 || l[0].GetCustomerId() != late || l[0].GetLevel() != level || l[0].GetTotal().GetAmount() != "60000.00" {
		t.Errorf("letters of %s: %v", day, l)
	}
}

// breaksItsPromise: the customer promises to pay by the 20th, which acknowledges the debt, and does not; two days of grace are given.
func (c claimStory) breaksItsPromise(t *testing.T) {
	t.Helper()
	c.heldBy(t, "2026-02-13", "")
	c.on(t, "2026-02-13", "COLLECTOR", "col").call(t, http.MethodPost, "/v1/promises", &receivablesv1.RecordPromiseRequest{RequestId: "promise", Promise: &receivablesv1.Promise{
		PromiseId: "P-1", CustomerId: late, ItemIds: []string{"I-1"}, PromisedBy: "its finance department",
		Parts: []*receivablesv1.PromisePart{{Date: "2026-02-20", Amount: cny("60000.00")}},
	}}, &receivablesv1.RecordPromiseResponse{})
	for day, want := range map[string]receivablesv1.PromiseState{
		"2026-02-22": receivablesv1.PromiseState_PROMISE_STATE_OPEN, "2026-02-23": receivablesv1.PromiseState_PROMISE_STATE_BROKEN,
	} {
		var got receivablesv1.GetPromiseResponse
		c.on(t, day, "AUDITOR", "auditor").call(t, http.MethodGet, "/v1/promises/P-1", nil, &got)
		if s := got.GetPromise().GetState(); s != want {
			t.Errorf("the promise on %s: %s", day, s)
		}
	}
	if got := c.period(t, "2026-02-24"); got != "RUNNING 2029-02-13" {
		t.Errorf("after the promise: %s", got)
	}
}

// heldBy waits until an order of a day would be held by these rules and no others; "": by none.
func (c claimStory) heldBy(t *testing.T, day, rules string) {
	t.Helper()
	eventually(t, "on "+day+" the gate holds by: "+rules, func() bool {
		var got ordergatev1.CheckOrderResponse
		c.on(t, day, "ERP", "erp").call(t, http.MethodPost, "/v1/orders:check", &ordergatev1.CheckOrderRequest{Order: &ordergatev1.Order{
			OrderId: "SO-Q", CustomerId: late, Amount: cny("5000.00"),
		}}, &got)
		return holding(got.GetDecision()) == rules
	})
}

func holding(d *ordergatev1.Decision) string {
	var rules []string
	for _, r := range d.GetResults() {
		if r.GetOutcome() == ordergatev1.Outcome_OUTCOME_HOLD {
			rules = append(rules, r.GetRule())
		}
	}
	return strings.Join(rules, " ")
}

// isStopped: the gate hears of the broken promise and holds the next order, three weeks after the due date; then of the level of
// the ladder that stops supply.
func (c claimStory) isStopped(t *testing.T) {
	t.Helper()
	const day = "2026-02-25"
	c.dunned(t, day, 2)
	c.heldBy(t, day, "broken_promise")
	var order ordergatev1.SubmitOrderResponse
	c.on(t, day, "ERP", "erp").call(t, http.MethodPost, "/v1/orders", &ordergatev1.SubmitOrderRequest{
		RequestId: "order", Order: &ordergatev1.Order{OrderId: "SO-1", CustomerId: late, Amount: cny("5000.00")},
	}, &order)
	if s := order.GetOrder().GetState(); s != ordergatev1.OrderState_ORDER_STATE_HELD {
		t.Errorf("an order after a broken promise: %s", s)
	}
	var goods ordergatev1.AuthorizeShipmentResponse
	c.on(t, day, "WAREHOUSE", "dock").call(t, http.MethodPost, "/v1/orders/SO-1:authorizeShipment", &ordergatev1.AuthorizeShipmentRequest{}, &goods)
	if goods.GetAllowed() || strings.Join(goods.GetReasonCodes(), " ") != "ORDER_NOT_APPROVED" {
		t.Errorf("its goods: %v", &goods)
	}
	c.dunned(t, "2026-03-23", 3)
	var standing receivablesv1.GetDunningStandingResponse
	c.on(t, "2026-03-23", "COLLECTOR", "col").call(t, http.MethodGet, "/v1/customers/"+late+"/dunningStanding", nil, &standing)
	if !standing.GetStanding().GetSupplyStopped() {
		t.Errorf("supply: %v", standing.GetStanding())
	}
	c.heldBy(t, "2026-03-23", "days_overdue broken_promise supply_stop")
}

// isDecided: after the last demand the finance director refuses the order: nothing is supplied.
func (c claimStory) isDecided(t *testing.T) {
	t.Helper()
	const day = "2026-05-15" // a hundred days overdue
	c.dunned(t, day, 4)
	if got := c.period(t, day); got != "RUNNING 2029-05-15" {
		t.Errorf("after the last demand: %s", got)
	}
	var order ordergatev1.RecheckOrderResponse
	c.on(t, day, "ERP", "erp").call(t, http.MethodPost, "/v1/orders/SO-1:recheck", &ordergatev1.RecheckOrderRequest{RequestId: "recheck"}, &order)
	if got := holding(order.GetDecision()); got != "days_overdue broken_promise supply_stop credit_stop" {
		t.Errorf("looked at again, the order is held by %s", got)
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

// isRated: the broken promise is a figure of the customer's next rating.
func (c claimStory) isRated(t *testing.T) {
	t.Helper()
	var rated evaluationv1.RateCustomerResponse
	c.on(t, "2026-05-15", "CREDIT_ANALYST", "li").call(t, http.MethodPost, "/v1/customers/"+late+":rate",
		&evaluationv1.RateCustomerRequest{RequestId: "rate"}, &rated)
	for _, d := range rated.GetRating().GetDimensions() {
		for _, i := range d.GetIndicators() {
			if i.GetName() != "broken_promises" {
				continue
			}
			if i.GetMissing() || i.GetValue() != "1" || i.GetGrade() != evaluationv1.Grade_GRADE_B {
				t.Errorf("the broken promise in the rating: %v", i)
			}
			return
		}
	}
	t.Errorf("the rating does not say how many promises were broken: %v", rated.GetRating())
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
	c.passes(t, anna, ben)
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

// passes hands the customer's file over: it stays with who has it until both sides have confirmed.
func (c claimStory) passes(t *testing.T, giver, taker person) {
	t.Helper()
	var proposed evaluationv1.ProposeCustomerHandOverResponse
	giver.call(t, http.MethodPost, "/v1/customerHandOvers", &evaluationv1.ProposeCustomerHandOverRequest{RequestId: "pass", HandOver: &evaluationv1.CustomerHandOver{
		CustomerId: late, ToId: taker.subject, Reason: "leaves the company", Notes: "broken promise P-1, legal case L-1",
	}}, &proposed)
	id := proposed.GetHandOver().GetHandOverId()
	for _, side := range []person{giver, taker} {
		var of evaluationv1.GetCustomerResponse
		c.on(t, side.date, "AUDITOR", "auditor").call(t, http.MethodGet, "/v1/customers/"+late, nil, &of)
		if got := of.GetCustomer().GetSalespersonId(); got != giver.subject {
			t.Errorf("before %s has confirmed, the customer is %s's", side.subject, got)
		}
		side.call(t, http.MethodPost, "/v1/customerHandOvers/"+id+":confirm",
			&evaluationv1.ConfirmCustomerHandOverRequest{RequestId: "pass " + side.subject, HandOverId: id}, &evaluationv1.ConfirmCustomerHandOverResponse{})
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

// isPaidBack: the customer pays a bill of another firm; a clerk who would send the money back alone is refused, by memo two people do.
func (c claimStory) isPaidBack(t *testing.T) {
	t.Helper()
	const day = "2026-11-06"
	clerk := c.on(t, day, "FINANCE_CLERK", "clerk")
	var paid receivablesv1.PostReceiptResponse
	clerk.call(t, http.MethodPost, "/v1/receipts", &receivablesv1.PostReceiptRequest{
		RequestId: "not ours", Receipt: &receivablesv1.Receipt{ReceiptId: "R-9", CustomerId: late, Amount: cny("700.00")},
		ApplicationMode: receivablesv1.ApplicationMode_APPLICATION_MODE_NONE,
	}, &paid)
	alone := &receivablesv1.PostDocumentRequest{RequestId: "alone", Document: &receivablesv1.Document{
		DocumentId: "RF-1", CustomerId: late, Kind: receivablesv1.DocumentKind_DOCUMENT_KIND_REFUND, AboutDocumentId: "R-9", Amount: cny("700.00"),
	}}
	if r := clerk.refused(t, http.MethodPost, "/v1/documents", alone); r.reason() != "CREDIT_MEMO_REQUIRED" {
		t.Errorf("a clerk alone: %d %s", r.status, r.reason())
	}
	var memo receivablesv1.ProposeCreditMemoResponse
	clerk.call(t, http.MethodPost, "/v1/creditMemos", &receivablesv1.ProposeCreditMemoRequest{RequestId: "back", CreditMemo: &receivablesv1.CreditMemo{
		CustomerId: late, Kind: receivablesv1.CreditMemoKind_CREDIT_MEMO_KIND_REFUND, ReasonCode: "OVERPAYMENT", Text: "the bill of another firm",
		Amount: cny("700.00"), PaidBackDocumentId: "R-9", Instrument: receivablesv1.PaymentInstrument_PAYMENT_INSTRUMENT_REMITTANCE, DocumentId: "RF-1",
	}}, &memo)
	path := "/v1/creditMemos/" + memo.GetCreditMemo().GetCreditMemoId() + ":decide"
	approve := &receivablesv1.DecideCreditMemoRequest{RequestId: "approve back", Decision: "APPROVE"}
	unapplied := func() string {
		var a receivablesv1.GetAccountResponse
		c.on(t, day, "AUDITOR", "auditor").call(t, http.MethodGet, "/v1/customers/"+late+"/account", nil, &a)
		return a.GetAccount().GetUnappliedAmount().GetAmount()
	}
	if got := unapplied(); got != "700.00" {
		t.Errorf("before the approval %s are unapplied", got)
	}
	c.on(t, day, "FINANCE_MANAGER", "fan").call(t, http.MethodPost, path, approve, &receivablesv1.DecideCreditMemoResponse{})
	if got := unapplied(); got != "0.00" {
		t.Errorf("after the approval %s are unapplied", got)
	}
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
	eventually(t, "the clerk who would pay back alone is in the register", func() bool {
		var list evaluationv1.ListViolationsResponse
		c.as(t, "AUDITOR", "auditor").call(t, http.MethodGet, "/v1/violations?phase=receivables&subject=clerk", nil, &list)
		v := list.GetViolations()
		return len(v) == 1 && v[0].GetReasonCode() == "CREDIT_MEMO_REQUIRED" && v[0].GetObjectId() == "RF-1"
	})
	var report receivablesv1.VerifyChainsResponse
	c.as(t, "AUDITOR", "auditor").call(t, http.MethodPost, "/v1/receivables:verify", &receivablesv1.VerifyChainsRequest{}, &report)
	if len(report.GetBreaks()) > 0 {
		t.Errorf("chains: %v", report.GetBreaks())
	}
}
