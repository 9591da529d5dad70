package suite_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc/metadata"

	evaluationv1 "github.com/avalcredit/aval/proto/gen/aval/evaluation/v1"
	optionsv1 "github.com/avalcredit/aval/proto/gen/aval/options/v1"
	ordergatev1 "github.com/avalcredit/aval/proto/gen/aval/ordergate/v1"
	receivablesv1 "github.com/avalcredit/aval/proto/gen/aval/receivables/v1"
	typev1 "github.com/avalcredit/aval/proto/gen/aval/type/v1"
	"github.com/avalcredit/aval/services/host"
	"github.com/avalcredit/aval/services/suite"
)

// TestCircle is one whole credit circle: from a customer file to a paid invoice and the next rating. It is the same over
// one process and over five.
func TestCircle(t *testing.T) {
	t.Parallel()
	for name, form := range forms() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := form(t)
			c := circle{system: s, customer: "C/1001"}
			c.before(t)
			c.during(t)
			c.after(t)
			c.inspect(t)
			s.stop(t)
		})
	}
}

// circle is the story of one customer.
type circle struct {
	*system
	customer string
	ratings  int
}

// path puts the customer's id, which holds a slash, into a path.
func (c *circle) path(format string) string {
	return fmt.Sprintf(format, strings.ReplaceAll(c.customer, "/", "%2F"))
}

// before is what happens before the sale: file, facts, rating, application, grant.
func (c *circle) before(t *testing.T) {
	t.Helper()
	wang := c.as(t, "SALESPERSON", "wang")
	var created evaluationv1.CreateCustomerResponse
	file := &evaluationv1.CreateCustomerRequest{RequestId: "customer", Customer: &evaluationv1.Customer{
		CustomerId: c.customer, DisplayName: "Example Trading", CountryCode: "CN", CurrencyCode: "CNY",
		SalespersonId: "wang", UsualPurchase: cny("80000.00"),
	}}
	wang.call(t, "POST", "/v1/customers", file, &created)
	var again evaluationv1.CreateCustomerResponse
	wang.call(t, "POST", "/v1/customers", file, &again)
	if again.GetCustomer().GetRevision() != created.GetCustomer().GetRevision() || again.GetCustomer().GetCustomerId() != c.customer {
		t.Errorf("a repeated request: %v, first %v", again.GetCustomer(), created.GetCustomer())
	}
	c.cashCustomer(t)
	c.facts(t)
	c.rate(t, evaluationv1.Grade_GRADE_A)
	c.apply(t, wang)
}

// cashCustomer: without an approved form there is no credit, whatever the customer is.
func (c *circle) cashCustomer(t *testing.T) {
	t.Helper()
	var check ordergatev1.CheckOrderResponse
	c.as(t, "ERP", "erp").call(t, "POST", "/v1/orders:check", &ordergatev1.CheckOrderRequest{
		Order: &ordergatev1.Order{OrderId: "O-0", CustomerId: c.customer, Amount: cny("1.00")},
	}, &check)
	if v := check.GetDecision().GetVerdict(); v != ordergatev1.Verdict_VERDICT_HOLD {
		t.Errorf("an order on credit of a cash customer: %v", v)
	}
}

func (c *circle) facts(t *testing.T) {
	t.Helper()
	li := c.as(t, "CREDIT_ANALYST", "li")
	year := time.Now().AddDate(-1, 0, 0).Year()
	end := fmt.Sprintf("%d-12-31", year)
	var recorded evaluationv1.RecordCreditFactResponse
	li.call(t, "POST", c.path("/v1/customers/%s/facts"), &evaluationv1.RecordCreditFactRequest{
		RequestId: "fact", Fact: &evaluationv1.CreditFact{
			FactId: "F-1", Source: "annual report", AsOfDate: end,
			Content: &evaluationv1.CreditFact_FinancialStatement{FinancialStatement: &evaluationv1.FinancialStatement{
				PeriodStartDate: fmt.Sprintf("%d-01-01", year), PeriodEndDate: end, Audited: true,
				TotalAssets: cny("10000000.00"), TotalLiabilities: cny("3000000.00"),
				Revenue: cny("20000000.00"), OperatingProfit: cny("1500000.00"), NetProfit: cny("900000.00"),
			}},
		},
	}, &recorded)
	verify := &evaluationv1.VerifyCreditFactRequest{RequestId: "verify"}
	path := c.path("/v1/customers/%s/facts/F-1:verify")
	if r := li.refused(t, "POST", path, verify); r.reason() != "SAME_PERSON" {
		t.Errorf("who recorded a fact verifies it: %d %s", r.status, r.reason())
	}
	var verified evaluationv1.VerifyCreditFactResponse
	c.as(t, "CREDIT_MANAGER", "zhou").call(t, "POST", path, verify, &verified)
	if f := verified.GetFact(); f.GetRecordedBy() != "li" || f.GetVerifiedBy() != "zhou" {
		t.Errorf("recorded by %q, verified by %q", f.GetRecordedBy(), f.GetVerifiedBy())
	}
}

func (c *circle) rate(t *testing.T, want evaluationv1.Grade) {
	t.Helper()
	c.ratings++
	var rated evaluationv1.RateCustomerResponse
	c.as(t, "CREDIT_ANALYST", "li").call(t, "POST", c.path("/v1/customers/%s:rate"),
		&evaluationv1.RateCustomerRequest{RequestId: fmt.Sprintf("rate-%d", c.ratings)}, &rated)
	if r := rated.GetRating(); r.GetGrade() != want || r.GetReason() == "" || r.GetDeciding() == "" {
		t.Errorf("grade %v, want %v: %v", r.GetGrade(), want, r)
	}
}

// apply takes the application through its form: each step by another person, none skipped, none by the applicant.
func (c *circle) apply(t *testing.T, wang person) {
	t.Helper()
	var draft evaluationv1.CreateCreditApplicationResponse
	wang.call(t, "POST", "/v1/creditApplications", &evaluationv1.CreateCreditApplicationRequest{
		RequestId: "application", Application: &evaluationv1.CreditApplication{
			ApplicationId: "A-1", CustomerId: c.customer, RequestedLimit: cny("80000.00"), RequestedTermDays: 30,
			Purpose: "monthly purchases",
		},
	}, &draft)
	var submitted evaluationv1.SubmitCreditApplicationResponse
	wang.call(t, "POST", "/v1/creditApplications/A-1:submit", &evaluationv1.SubmitCreditApplicationRequest{RequestId: "submit"}, &submitted)
	form := submitted.GetApplication()
	if len(form.GetSteps()) < 2 || form.GetSerialNumber() == "" {
		t.Fatalf("the form: %v", form)
	}
	last := form.GetSteps()[len(form.GetSteps())-1]
	skip := c.as(t, roleName(last.GetRoles()[0]), "hasty")
	if r := skip.refused(t, "POST", "/v1/creditApplications/A-1:approve", &evaluationv1.ApproveCreditApplicationRequest{RequestId: "skip"}); r.reason() != "NOT_YOUR_STEP" {
		t.Errorf("a skipped level: %d %s", r.status, r.reason())
	}
	var approved evaluationv1.ApproveCreditApplicationResponse
	for i, step := range form.GetSteps() {
		role := roleName(step.GetRoles()[0])
		path := "/v1/creditApplications/A-1:approve"
		if r := c.as(t, role, "wang").refused(t, "POST", path,
			&evaluationv1.ApproveCreditApplicationRequest{RequestId: fmt.Sprintf("own-%d", i)}); r.reason() != "SAME_PERSON" {
			t.Errorf("the applicant takes step %d: %d %s", i, r.status, r.reason())
		}
		c.as(t, role, fmt.Sprintf("signer-%d", i)).call(t, "POST", path,
			&evaluationv1.ApproveCreditApplicationRequest{RequestId: fmt.Sprintf("approve-%d", i), Reason: "in order"}, &approved)
	}
	if approved.GetApplication().GetState() != evaluationv1.ApplicationState_APPLICATION_STATE_APPROVED ||
		approved.GetGrant().GetLimit().GetAmount().GetAmount() != "80000.00" {
		t.Errorf("after the last step: %v", &approved)
	}
	var grant evaluationv1.GetGrantResponse
	wang.call(t, "GET", c.path("/v1/customers/%s/grant"), nil, &grant)
	if grant.GetGrant().GetVersion() != 1 || grant.GetGrant().GetTermDays() != 30 {
		t.Errorf("the grant in force: %v", grant.GetGrant())
	}
}

func roleName(role optionsv1.Role) string { return strings.TrimPrefix(role.String(), "ROLE_") }

func (c *circle) account(t *testing.T) *ordergatev1.CreditAccount {
	t.Helper()
	var got ordergatev1.GetCreditAccountResponse
	c.as(t, "AUDITOR", "auditor").call(t, "GET", c.path("/v1/creditAccounts/%s"), nil, &got)
	return got.GetAccount()
}

func (c *circle) wantBuckets(t *testing.T, when, order, delivery, receivable string) {
	t.Helper()
	b := c.account(t).GetBuckets()
	got := []string{b.GetOrder().GetAmount(), b.GetDelivery().GetAmount(), b.GetReceivable().GetAmount()}
	if want := []string{order, delivery, receivable}; strings.Join(got, " ") != strings.Join(want, " ") {
		t.Errorf("%s: order, delivery, receivable %q, want %q", when, got, want)
	}
}

// during is what happens during the sale: an order that goes, and one that needs an exception.
func (c *circle) during(t *testing.T) {
	t.Helper()
	eventually(t, "the gate knows the grant", func() bool { return c.account(t).GetLimit().GetAmount() == "80000.00" })
	erp := c.as(t, "ERP", "erp")
	submit := func(id, amount string) *ordergatev1.SubmitOrderResponse {
		var got ordergatev1.SubmitOrderResponse
		erp.call(t, "POST", "/v1/orders", &ordergatev1.SubmitOrderRequest{RequestId: "order-" + id, Order: &ordergatev1.Order{
			OrderId: id, CustomerId: c.customer, Amount: cny(amount),
		}}, &got)
		return &got
	}
	if got := submit("O-1", "50000.00"); got.GetDecision().GetVerdict() != ordergatev1.Verdict_VERDICT_APPROVE {
		t.Fatalf("an order within the limit: %v", got.GetDecision())
	}
	held := submit("O-2", "40000.00")
	if held.GetOrder().GetState() != ordergatev1.OrderState_ORDER_STATE_HELD || cures(held.GetDecision()) == 0 {
		t.Fatalf("an order over the limit: %v", held)
	}
	c.wantBuckets(t, "one approved, one held", "50000.00", "0.00", "0.00")
	form := held.GetOrder().GetApproval()
	if form.GetExcess().GetAmount() != "10000.00" {
		t.Errorf("excess %v, want 10000.00", form.GetExcess())
	}
	approveOrder(t, c.system, "O-2", form.GetSteps())
	c.wantBuckets(t, "both approved", "90000.00", "0.00", "0.00")
	if bad := c.as(t, "WAREHOUSE", "depot").refused(t, "POST", "/v1/orders/O-2:approve", &ordergatev1.ApproveOrderRequest{RequestId: "x", Reason: "x"}); bad.status != http.StatusForbidden {
		t.Errorf("the warehouse approves: %d", bad.status)
	}
	c.ship(t)
}

// approveOrder has each step of a held order taken, and an act of somebody who may not refused.
func approveOrder(t *testing.T, s *system, id string, steps []*typev1.ApprovalStep) {
	t.Helper()
	var released ordergatev1.ApproveOrderResponse
	for i, step := range steps {
		s.as(t, roleName(step.GetRoles()[0]), fmt.Sprintf("releaser-%d", i)).call(t, "POST", "/v1/orders/"+id+":approve",
			&ordergatev1.ApproveOrderRequest{RequestId: fmt.Sprintf("release-%s-%d", id, i), Reason: "payment announced"}, &released)
	}
	if got := released.GetOrder().GetState(); got != ordergatev1.OrderState_ORDER_STATE_APPROVED {
		t.Fatalf("after %d steps the order is %v", len(steps), got)
	}
}

func cures(d *ordergatev1.Decision) int {
	n := 0
	for _, r := range d.GetResults() {
		n += len(r.GetCures())
	}
	return n
}

// ship ships one order in two parts over gRPC.
func (c *circle) ship(t *testing.T) {
	t.Helper()
	depot := c.as(t, "WAREHOUSE", "depot")
	for i, amount := range []string{"20000.00", "30000.00"} {
		var shipped ordergatev1.ShipOrderResponse
		depot.invoke(t, "ordergate", ordergatev1.OrderService_ShipOrder_FullMethodName, &ordergatev1.ShipOrderRequest{
			RequestId: fmt.Sprintf("ship-%d", i), OrderId: "O-1", ShipmentId: fmt.Sprintf("D-%d", i), Amount: cny(amount),
		}, &shipped)
	}
	c.wantBuckets(t, "shipped", "40000.00", "50000.00", "0.00")
}

// after is what happens after the sale: invoice, receipt, the position back at the gate, the next rating.
func (c *circle) after(t *testing.T) {
	t.Helper()
	clerk := c.as(t, "FINANCE_CLERK", "clerk")
	term := int32(30)
	var invoice receivablesv1.PostInvoiceResponse
	clerk.call(t, "POST", "/v1/invoices", &receivablesv1.PostInvoiceRequest{RequestId: "invoice", Invoice: &receivablesv1.Invoice{
		InvoiceId: "I-1", CustomerId: c.customer, OrderId: "O-1", TermDays: &term, Amount: cny("50000.00"),
	}}, &invoice)
	eventually(t, "the invoice is at the gate", func() bool { return c.account(t).GetBuckets().GetReceivable().GetAmount() == "50000.00" })
	c.wantBuckets(t, "invoiced", "40000.00", "0.00", "50000.00")
	if ladder := c.account(t).GetLadder(); len(ladder) != 1 || ladder[0].GetDueDate() != invoice.GetInvoice().GetDueDate() {
		t.Errorf("the due ladder: %v", ladder)
	}
	var aging receivablesv1.GetAgingResponse
	clerk.call(t, "GET", "/v1/aging?group_by=customer", nil, &aging)
	if len(aging.GetRows()) != 1 || aging.GetRows()[0].GetOpenAmount().GetAmount() != "50000.00" {
		t.Errorf("aging: %v", aging.GetRows())
	}
	var receipt receivablesv1.PostReceiptResponse
	clerk.call(t, "POST", "/v1/receipts", &receivablesv1.PostReceiptRequest{RequestId: "receipt", Receipt: &receivablesv1.Receipt{
		ReceiptId: "R-1", CustomerId: c.customer, Amount: cny("50000.00"),
	}}, &receipt)
	if n := len(receipt.GetReceipt().GetApplications()); n != 1 {
		t.Errorf("the receipt is applied %d times", n)
	}
	eventually(t, "the payment is at the gate", func() bool { return c.account(t).GetBuckets().GetReceivable().GetAmount() == "0.00" })
	c.wantBuckets(t, "paid", "40000.00", "0.00", "0.00")
	var ledger receivablesv1.GetLedgerResponse
	clerk.call(t, "GET", c.path("/v1/customers/%s/ledger"), nil, &ledger)
	if n := len(ledger.GetEntries()); n != 2 || ledger.GetEntries()[n-1].GetBalance().GetAmount() != "0.00" {
		t.Errorf("ledger: %v", ledger.GetEntries())
	}
	c.ratedAgain(t)
}

// ratedAgain: a completed transaction leads to the next rating by itself.
func (c *circle) ratedAgain(t *testing.T) {
	t.Helper()
	li := c.as(t, "CREDIT_ANALYST", "li")
	eventually(t, "a rating after the completed transaction", func() bool {
		var ratings evaluationv1.ListRatingsResponse
		li.call(t, "GET", c.path("/v1/customers/%s/ratings"), nil, &ratings)
		newest := ratings.GetRatings()[0]
		return len(ratings.GetRatings()) > c.ratings &&
			newest.GetTrigger() == evaluationv1.RatingTrigger_RATING_TRIGGER_TRANSACTION_COMPLETED
	})
}

// inspect looks at what is left behind: decisions that replay to the same bytes, and chains that hold.
func (c *circle) inspect(t *testing.T) {
	t.Helper()
	auditor := c.as(t, "AUDITOR", "auditor")
	var decisions ordergatev1.ListDecisionsResponse
	auditor.call(t, "GET", c.path("/v1/creditAccounts/%s/decisions"), nil, &decisions)
	if len(decisions.GetDecisions()) < 2 {
		t.Errorf("%d decisions", len(decisions.GetDecisions()))
	}
	for _, d := range decisions.GetDecisions() {
		path := "/v1/decisions/" + strings.ReplaceAll(d.GetDecisionId(), "/", "%2F")
		var replay ordergatev1.ReplayDecisionResponse
		auditor.call(t, "POST", path+":replay", &ordergatev1.ReplayDecisionRequest{}, &replay)
		if !replay.GetIdentical() || replay.GetRecorded() == "" {
			t.Errorf("decision %s replays to %s, recorded %s", d.GetDecisionId(), replay.GetRecomputed(), replay.GetRecorded())
		}
	}
	reports, err := suite.VerifyChains(metadata.AppendToOutgoingContext(t.Context(), "authorization", "Bearer "+auditor.token),
		host.Conns{Evaluation: c.conns["evaluation"], OrderGate: c.conns["ordergate"], Receivables: c.conns["receivables"]})
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range reports {
		if r.Chains == 0 || r.Entries == 0 || len(r.Breaks) != 0 {
			t.Errorf("%+v", r)
		}
	}
}
