package suite_test

import (
	"bytes"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/avalcredit/aval/pkg/paper"
	evaluationv1 "github.com/avalcredit/aval/proto/gen/aval/evaluation/v1"
	ordergatev1 "github.com/avalcredit/aval/proto/gen/aval/ordergate/v1"
	receivablesv1 "github.com/avalcredit/aval/proto/gen/aval/receivables/v1"
)

// TestCreditLife is the life of a credit from the prospect to the cash customer, through REST and all three phases, with the
// right and the wrong people at each step. Whoever tries what they may not is refused, and stands in the violations register.
func TestCreditLife(t *testing.T) {
	t.Parallel()
	s := oneProcess(t)
	l := &creditLife{system: s, id: "LIFE"}
	l.prospect(t)
	l.investigates(t)
	l.rates(t)
	l.applies(t, "A-1", "80000.00", true)
	l.trades(t)
	l.falls(t)
	l.rises(t)
	l.applies(t, "A-2", "50000.00", false)
	l.isWithdrawn(t)
	l.inRegister(t)
}

// creditLife is the story of one customer. wrong are the acts that were refused for want of authority.
type creditLife struct {
	*system
	id    string
	wrong []string
}

func (l *creditLife) at(format string) string { return fmt.Sprintf(format, l.id) }

// forbidden has somebody try what they may not.
func (l *creditLife) forbidden(t *testing.T, role, subject, method, path string, request proto.Message, reason string) {
	t.Helper()
	r := l.as(t, role, subject).refused(t, method, path, request)
	if r.status != http.StatusForbidden || r.reason() != reason {
		t.Errorf("%s as %s: %s %s: %d %s, want %s", subject, role, method, path, r.status, r.reason(), reason)
	}
	l.wrong = append(l.wrong, subject+" "+role+" "+reason)
}

func (l *creditLife) prospect(t *testing.T) {
	t.Helper()
	file := func(request string) *evaluationv1.CreateCustomerRequest {
		return &evaluationv1.CreateCustomerRequest{RequestId: request, Customer: &evaluationv1.Customer{
			CustomerId: l.id, DisplayName: "Example Trading", LegalName: "Example Trading Co., Ltd.", CountryCode: "CN", CurrencyCode: "CNY",
			SalespersonId: "wang", CreditAnalystId: "li", UsualPurchase: cny("80000.00"),
		}}
	}
	l.forbidden(t, "WAREHOUSE", "depot", http.MethodPost, "/v1/customers", file("wrong"), "ROLE_REQUIRED")
	var created evaluationv1.CreateCustomerResponse
	l.as(t, "SALESPERSON", "wang").call(t, http.MethodPost, "/v1/customers", file("file"), &created)
	if c := created.GetCustomer(); c.GetLifeCycle() != evaluationv1.LifeCycle_LIFE_CYCLE_PROSPECT || c.GetGrade() != evaluationv1.Grade_GRADE_UNSPECIFIED {
		t.Errorf("the prospect: %v", c)
	}
	// A customer of somebody else does not exist for a salesperson; asking for it is no violation.
	if r := l.as(t, "SALESPERSON", "zhao").refused(t, http.MethodGet, l.at("/v1/customers/%s"), nil); r.status != http.StatusNotFound {
		t.Errorf("another salesperson: %d %s", r.status, r.reason())
	}
	if g := l.grant(t); g.GetTreatment() != evaluationv1.Treatment_TREATMENT_CASH_CUSTOMER {
		t.Errorf("without a form: %v", g)
	}
}

func (l *creditLife) grant(t *testing.T) *evaluationv1.Grant {
	t.Helper()
	var got evaluationv1.GetGrantResponse
	l.as(t, "AUDITOR", "auditor").call(t, http.MethodGet, l.at("/v1/customers/%s/grant"), nil, &got)
	return got.GetGrant()
}

func (l *creditLife) record(id, supersedes string, content *evaluationv1.CreditFact) *evaluationv1.RecordCreditFactRequest {
	content.FactId, content.SupersedesFactId = id, supersedes
	return &evaluationv1.RecordCreditFactRequest{RequestId: "record-" + id, Fact: content}
}

func (l *creditLife) investigates(t *testing.T) {
	t.Helper()
	year := time.Now().Year() - 1
	end := fmt.Sprintf("%d-12-31", year)
	statement := func() *evaluationv1.CreditFact {
		return &evaluationv1.CreditFact{Source: "annual report", AsOfDate: end, Content: &evaluationv1.CreditFact_FinancialStatement{
			FinancialStatement: &evaluationv1.FinancialStatement{
				PeriodStartDate: fmt.Sprintf("%d-01-01", year), PeriodEndDate: end, Audited: true,
				TotalAssets: cny("10000000.00"), TotalLiabilities: cny("3000000.00"), NetProfit: cny("900000.00"),
			},
		}}
	}
	facts := l.at("/v1/customers/%s/facts")
	l.forbidden(t, "AUDITOR", "auditor", http.MethodPost, facts, l.record("F-0", "", statement()), "ROLE_REQUIRED")
	l.as(t, "CREDIT_ANALYST", "li").call(t, http.MethodPost, facts, l.record("F-1", "", statement()), &evaluationv1.RecordCreditFactResponse{})
	verify := &evaluationv1.VerifyCreditFactRequest{RequestId: "verify-F-1"}
	l.forbidden(t, "CREDIT_ANALYST", "li", http.MethodPost, facts+"/F-1:verify", verify, "SAME_PERSON")
	l.as(t, "CREDIT_MANAGER", "zhou").call(t, http.MethodPost, facts+"/F-1:verify", verify, &evaluationv1.VerifyCreditFactResponse{})
	var list evaluationv1.GetChecklistResponse
	l.as(t, "SALESPERSON", "wang").call(t, http.MethodGet, l.at("/v1/customers/%s/checklist"), nil, &list)
	if n := len(list.GetItems()); n != 4 || list.GetItems()[0].GetState() != evaluationv1.ChecklistState_CHECKLIST_STATE_MET || list.GetItems()[2].GetPerson() != "wang" {
		t.Errorf("the checklist: %v", &list)
	}
}

// newest is the newest rating of the customer.
func (l *creditLife) newest(t *testing.T) *evaluationv1.Rating {
	t.Helper()
	var got evaluationv1.ListRatingsResponse
	l.as(t, "AUDITOR", "auditor").call(t, http.MethodGet, l.at("/v1/customers/%s/ratings"), nil, &got)
	if len(got.GetRatings()) == 0 {
		return nil
	}
	return got.GetRatings()[0]
}

func (l *creditLife) rates(t *testing.T) {
	t.Helper()
	path := l.at("/v1/customers/%s:rate")
	// An application before the rating is incomplete: what is missing is named, with who gets it.
	wang := l.as(t, "SALESPERSON", "wang")
	draft := &evaluationv1.CreateCreditApplicationRequest{RequestId: "draft-A-1", Application: &evaluationv1.CreditApplication{
		ApplicationId: "A-1", CustomerId: l.id, RequestedLimit: cny("80000.00"), Purpose: "monthly purchases",
	}}
	l.forbidden(t, "FINANCE_CLERK", "fang", http.MethodPost, "/v1/creditApplications", draft, "ROLE_REQUIRED")
	wang.call(t, http.MethodPost, "/v1/creditApplications", draft, &evaluationv1.CreateCreditApplicationResponse{})
	r := wang.refused(t, http.MethodPost, "/v1/creditApplications/A-1:submit", &evaluationv1.SubmitCreditApplicationRequest{RequestId: "early"})
	if r.reason() != "APPLICATION_INCOMPLETE" || !slices.Contains(r.fields(), "requested_term_days") {
		t.Errorf("an incomplete application: %d %s %q", r.status, r.reason(), r.fields())
	}
	l.forbidden(t, "SALESPERSON", "wang", http.MethodPost, path, &evaluationv1.RateCustomerRequest{RequestId: "own"}, "ROLE_REQUIRED")
	var rated evaluationv1.RateCustomerResponse
	l.as(t, "CREDIT_ANALYST", "li").call(t, http.MethodPost, path, &evaluationv1.RateCustomerRequest{RequestId: "rate-1"}, &rated)
	if m := rated.GetRating(); m.GetGrade() != evaluationv1.Grade_GRADE_A || m.GetRecommendedLimit().GetAmount() != "80000.00" || m.GetRecommendedTermDays() != 30 {
		t.Errorf("the rating: %v", m)
	}
	var updated evaluationv1.UpdateCreditApplicationResponse
	term := int32(30)
	wang.call(t, http.MethodPatch, "/v1/creditApplications/A-1", &evaluationv1.UpdateCreditApplicationRequest{RequestId: "complete", RequestedTermDays: &term}, &updated)
}

// applies takes a form through its steps; the first time the wrong people try each of them.
func (l *creditLife) applies(t *testing.T, id, limit string, wrong bool) {
	t.Helper()
	path := "/v1/creditApplications/" + id
	wang := l.as(t, "SALESPERSON", "wang")
	submit := &evaluationv1.SubmitCreditApplicationRequest{RequestId: "submit-" + id}
	if wrong {
		l.forbidden(t, "SALES_MANAGER", "ma", http.MethodPost, path+":submit", submit, "NOT_THE_APPLICANT")
	} else {
		wang.call(t, http.MethodPost, "/v1/creditApplications", &evaluationv1.CreateCreditApplicationRequest{RequestId: "draft-" + id, Application: &evaluationv1.CreditApplication{
			ApplicationId: id, CustomerId: l.id, RequestedLimit: cny(limit), RequestedTermDays: 30, Purpose: "the suit is settled",
		}}, &evaluationv1.CreateCreditApplicationResponse{})
	}
	var submitted evaluationv1.SubmitCreditApplicationResponse
	wang.call(t, http.MethodPost, path+":submit", submit, &submitted)
	if form := submitted.GetApplication(); len(form.GetSteps()) != 3 || form.GetSerialNumber() == "" {
		t.Fatalf("the form: %v", form)
	}
	approve := func(by string) *evaluationv1.ApproveCreditApplicationRequest {
		return &evaluationv1.ApproveCreditApplicationRequest{RequestId: "approve-" + id + by, Reason: "in order"}
	}
	var approved evaluationv1.ApproveCreditApplicationResponse
	signers := []struct{ role, subject string }{{"FINANCE_CLERK", "fang"}, {"SALES_SUPERVISOR", "sun"}, {"SALES_MANAGER", "ma"}}
	for i, who := range signers {
		if wrong {
			l.forbidden(t, who.role, "wang", http.MethodPost, path+":approve", approve(fmt.Sprint("own", i)), "SAME_PERSON")
			for k, other := range signers[i+1:] {
				l.forbidden(t, other.role, other.subject, http.MethodPost, path+":approve", approve(fmt.Sprint("skip", i, k)), "NOT_YOUR_STEP")
			}
			if i > 0 {
				l.forbidden(t, who.role, signers[i-1].subject, http.MethodPost, path+":approve", approve(fmt.Sprint("twice", i)), "SAME_PERSON")
			}
		}
		l.as(t, who.role, who.subject).call(t, http.MethodPost, path+":approve", approve(who.subject), &approved)
	}
	if g := approved.GetGrant(); g.GetTreatment() != evaluationv1.Treatment_TREATMENT_CREDIT || g.GetLimit().GetAmount().GetAmount() != limit || g.GetTermDays() != 30 {
		t.Errorf("the grant: %v", &approved)
	}
	eventually(t, "the gate knows the grant", func() bool {
		a := l.account(t)
		return a.GetTreatment() == evaluationv1.Treatment_TREATMENT_CREDIT && a.GetLimit().GetAmount() == limit
	})
}

func (l *creditLife) account(t *testing.T) *ordergatev1.CreditAccount {
	t.Helper()
	var got ordergatev1.GetCreditAccountResponse
	l.as(t, "AUDITOR", "auditor").call(t, http.MethodGet, l.at("/v1/creditAccounts/%s"), nil, &got)
	return got.GetAccount()
}

func (l *creditLife) order(t *testing.T, id, amount string) *ordergatev1.SubmitOrderResponse {
	t.Helper()
	var got ordergatev1.SubmitOrderResponse
	l.as(t, "ERP", "erp").call(t, http.MethodPost, "/v1/orders", &ordergatev1.SubmitOrderRequest{RequestId: "order-" + id, Order: &ordergatev1.Order{
		OrderId: id, CustomerId: l.id, Amount: cny(amount),
	}}, &got)
	return &got
}

func (l *creditLife) invoice(t *testing.T, id, order, amount string) {
	t.Helper()
	l.as(t, "FINANCE_CLERK", "fang").call(t, http.MethodPost, "/v1/invoices", &receivablesv1.PostInvoiceRequest{RequestId: "invoice-" + id, Invoice: &receivablesv1.Invoice{
		InvoiceId: id, CustomerId: l.id, OrderId: order, Amount: cny(amount),
	}}, &receivablesv1.PostInvoiceResponse{})
}

// trades is a whole transaction, after which the customer is rated again by itself.
func (l *creditLife) trades(t *testing.T) {
	t.Helper()
	if got := l.order(t, "O-1", "50000.00"); got.GetOrder().GetState() != ordergatev1.OrderState_ORDER_STATE_APPROVED {
		t.Fatalf("within the limit: %v", got)
	}
	l.as(t, "WAREHOUSE", "depot").call(t, http.MethodPost, "/v1/orders/O-1:ship", &ordergatev1.ShipOrderRequest{RequestId: "ship-O-1", Final: true}, &ordergatev1.ShipOrderResponse{})
	l.invoice(t, "I-1", "O-1", "50000.00")
	l.as(t, "FINANCE_CLERK", "fang").call(t, http.MethodPost, "/v1/receipts", &receivablesv1.PostReceiptRequest{RequestId: "receipt-1", Receipt: &receivablesv1.Receipt{
		ReceiptId: "R-1", CustomerId: l.id, Amount: cny("50000.00"),
	}}, &receivablesv1.PostReceiptResponse{})
	eventually(t, "a rating after the transaction", func() bool {
		return l.newest(t).GetTrigger() == evaluationv1.RatingTrigger_RATING_TRIGGER_TRANSACTION_COMPLETED
	})
	if m := l.newest(t); m.GetGrade() != evaluationv1.Grade_GRADE_A || m.GetRecommendedLimit().GetAmount() != "50000.00" {
		t.Errorf("after the transaction: %v", m)
	}
}

func suit(open bool) *evaluationv1.CreditFact {
	return &evaluationv1.CreditFact{Source: "court register", AsOfDate: time.Now().AddDate(0, 0, -1).Format(time.DateOnly), Content: &evaluationv1.CreditFact_Litigation{
		Litigation: &evaluationv1.Litigation{Plaintiff: "a supplier", Open: open},
	}}
}

// falls: a suit of another creditor is recorded, and the grade, the grant and the gate follow at once; the owner has something to do.
func (l *creditLife) falls(t *testing.T) {
	t.Helper()
	l.as(t, "CREDIT_ANALYST", "li").call(t, http.MethodPost, l.at("/v1/customers/%s/facts"), l.record("F-2", "", suit(true)), &evaluationv1.RecordCreditFactResponse{})
	m := l.newest(t)
	if m.GetGrade() != evaluationv1.Grade_GRADE_C || m.GetPreviousGrade() != evaluationv1.Grade_GRADE_A || m.GetDeciding() != "cap sued_by_others" ||
		!slices.Contains(m.GetImprovements(), "cap sued_by_others: facts F-2 no longer hold") {
		t.Errorf("the rating after the suit: %v", m)
	}
	var report evaluationv1.GetRatingReportResponse
	l.as(t, "SALESPERSON", "wang").call(t, http.MethodGet, "/v1/ratings/"+m.GetRatingId()+":report", nil, &report)
	if p := report.GetReport().GetParts(); len(p) < 2 || !slices.Contains(p[1].GetLines(), "· 封顶规则 被其他债权人起诉：事实 F-2 不再成立") {
		t.Errorf("the report: %v", &report)
	}
	status, header, file := l.as(t, "SALESPERSON", "wang").raw(t, http.MethodGet, "/v1/ratings/"+m.GetRatingId()+":download", nil)
	if _, err := paper.FindFont(""); err != nil { // a machine without a font says what is missing
		if status != http.StatusBadRequest || !bytes.Contains(file, []byte(paper.FontPackage)) {
			t.Errorf("a document without a font: %d %s", status, file)
		}
	} else if status != http.StatusOK || header.Get("Content-Type") != paper.ContentType || !bytes.HasPrefix(file, []byte("%PDF-")) ||
		!strings.Contains(header.Get("Content-Disposition"), "rating-"+m.GetRatingId()+"-zh-CN.pdf") {
		t.Errorf("the document: %d %v, %d bytes", status, header, len(file))
	}
	if g := l.grant(t); g.GetTreatment() != evaluationv1.Treatment_TREATMENT_PAYMENT_BEFORE_DELIVERY || !strings.Contains(g.GetReason(), "sued_by_others") {
		t.Errorf("the grant after the suit: %v", g)
	}
	eventually(t, "the gate is told of the fall", func() bool {
		a := l.account(t)
		return a.GetGrade() == evaluationv1.Grade_GRADE_C && a.GetTreatment() == evaluationv1.Treatment_TREATMENT_PAYMENT_BEFORE_DELIVERY
	})
	if got := l.order(t, "O-2", "1000.00"); got.GetOrder().GetState() != ordergatev1.OrderState_ORDER_STATE_HELD {
		t.Errorf("an order on credit after the fall: %v", got)
	}
	var plans evaluationv1.ListTreatmentPlansResponse
	l.as(t, "SALESPERSON", "wang").call(t, http.MethodGet, "/v1/treatmentPlans?owner_id=wang&state=PLAN_STATE_OPEN", nil, &plans)
	if len(plans.GetPlans()) != 2 || plans.GetPlans()[0].GetRatingId() != m.GetRatingId() || plans.GetPlans()[0].GetDueDate() == "" {
		t.Errorf("what the owner is told: %v", &plans)
	}
	complete := &evaluationv1.CompleteTreatmentPlanRequest{RequestId: "not-mine", Outcome: "done"}
	l.forbidden(t, "FINANCE_CLERK", "fang", http.MethodPost, "/v1/treatmentPlans/"+plans.GetPlans()[0].GetPlanId()+":complete", complete, "ROLE_REQUIRED")
}

// rises: the suit is settled and the grade is A again, but credit comes back by a form only.
func (l *creditLife) rises(t *testing.T) {
	t.Helper()
	li := l.as(t, "CREDIT_ANALYST", "li")
	li.call(t, http.MethodPost, l.at("/v1/customers/%s/facts"), l.record("F-3", "F-2", suit(false)), &evaluationv1.RecordCreditFactResponse{})
	var rated evaluationv1.RateCustomerResponse
	li.call(t, http.MethodPost, l.at("/v1/customers/%s:rate"), &evaluationv1.RateCustomerRequest{RequestId: "rate-2"}, &rated)
	if m := rated.GetRating(); m.GetGrade() != evaluationv1.Grade_GRADE_A || !strings.Contains(m.GetReason(), "Moved from C to A") || len(m.GetImprovements()) != 0 {
		t.Errorf("the rating after the settlement: %v", m)
	}
	if g := l.grant(t); g.GetTreatment() != evaluationv1.Treatment_TREATMENT_PAYMENT_BEFORE_DELIVERY {
		t.Errorf("credit came back without a form: %v", g)
	}
	if a := l.account(t); a.GetTreatment() != evaluationv1.Treatment_TREATMENT_PAYMENT_BEFORE_DELIVERY {
		t.Errorf("credit came back at the gate: %v", a)
	}
	takeOver := &evaluationv1.TakeOverGrantRequest{
		RequestId: "around", TermDays: 30, PaperFormReference: "binder 7", Limit: &evaluationv1.CreditLimit{Kind: &evaluationv1.CreditLimit_Amount{Amount: cny("80000.00")}},
	}
	l.forbidden(t, "SALES_DIRECTOR", "shi", http.MethodPost, l.at("/v1/customers/%s/grants:takeOver"), takeOver, "ROLE_REQUIRED")
}

// isWithdrawn: far over its limit the customer is stopped, the gate asks, the finance director decides.
func (l *creditLife) isWithdrawn(t *testing.T) {
	t.Helper()
	l.invoice(t, "I-2", "", "100000.00")
	open := func(role, subject string) []*evaluationv1.WithdrawalRequest {
		var got evaluationv1.ListWithdrawalRequestsResponse
		l.as(t, role, subject).call(t, http.MethodGet, "/v1/withdrawalRequests?waitingForMe=true&customerId="+l.id, nil, &got)
		return got.GetWithdrawalRequests()
	}
	eventually(t, "the gate asks for the withdrawal", func() bool { return len(open("FINANCE_DIRECTOR", "qian")) == 1 })
	if g := l.grant(t); g.GetTreatment() != evaluationv1.Treatment_TREATMENT_CREDIT {
		t.Errorf("withdrawn before anybody decided: %v", g)
	}
	path := "/v1/withdrawalRequests/" + open("FINANCE_DIRECTOR", "qian")[0].GetWithdrawalRequestId() + ":decide"
	decide := func(by string) *evaluationv1.DecideWithdrawalRequestRequest {
		return &evaluationv1.DecideWithdrawalRequestRequest{
			RequestId: "decide-" + by, Decision: evaluationv1.WithdrawalDecision_WITHDRAWAL_DECISION_WITHDRAW, Reason: "no plan to pay",
		}
	}
	l.forbidden(t, "SALES_DIRECTOR", "shi", http.MethodPost, path, decide("shi"), "ROLE_REQUIRED")
	l.forbidden(t, "GENERAL_MANAGER", "gao", http.MethodPost, path, decide("gao"), "NOT_YOUR_STEP")
	var decided evaluationv1.DecideWithdrawalRequestResponse
	l.as(t, "FINANCE_DIRECTOR", "qian").call(t, http.MethodPost, path, decide("qian"), &decided)
	if g := l.grant(t); g.GetTreatment() != evaluationv1.Treatment_TREATMENT_CASH_CUSTOMER || g.GetLimit() != nil || g.GetOrigin() != evaluationv1.GrantOrigin_GRANT_ORIGIN_WITHDRAWAL {
		t.Errorf("after the withdrawal: %v", g)
	}
	eventually(t, "the gate knows a cash customer", func() bool {
		return l.account(t).GetTreatment() == evaluationv1.Treatment_TREATMENT_CASH_CUSTOMER
	})
	if got := l.order(t, "O-3", "1.00"); got.GetOrder().GetState() != ordergatev1.OrderState_ORDER_STATE_HELD {
		t.Errorf("an order on credit of a cash customer: %v", got)
	}
}

// inRegister: every act that was refused for want of authority is in the register, once, and nothing else is.
func (l *creditLife) inRegister(t *testing.T) {
	t.Helper()
	l.forbidden(t, "CREDIT_ANALYST", "li", http.MethodPost, "/v1/evaluationPolicies/1:sign", &evaluationv1.SignEvaluationPolicyRequest{RequestId: "sign"}, "ROLE_REQUIRED")
	var got evaluationv1.ListViolationsResponse
	l.as(t, "AUDITOR", "auditor").call(t, http.MethodGet, "/v1/violations?pageSize=1000", nil, &got)
	var found []string
	for _, v := range got.GetViolations() {
		found = append(found, v.GetSubject()+" "+strings.Join(v.GetRoles(), "+")+" "+v.GetReasonCode())
	}
	slices.Reverse(found) // newest first
	if !slices.Equal(found, l.wrong) {
		t.Errorf("the register:\n%s\nrefused:\n%s", strings.Join(found, "\n"), strings.Join(l.wrong, "\n"))
	}
}
