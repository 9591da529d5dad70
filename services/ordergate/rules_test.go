package ordergate_test

import (
	"bytes"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/xuri/excelize/v2"

	"github.com/avalcredit/aval/pkg/errs"
	evaluationv1 "github.com/avalcredit/aval/proto/gen/aval/evaluation/v1"
	pb "github.com/avalcredit/aval/proto/gen/aval/ordergate/v1"
	receivablesv1 "github.com/avalcredit/aval/proto/gen/aval/receivables/v1"
	typev1 "github.com/avalcredit/aval/proto/gen/aval/type/v1"
	"github.com/avalcredit/aval/services/ordergate/internal/rpc"
)

const rulesInFull = `
name: Rules in full
base_currency: CNY
release_memory: {tolerance_percent: "0", days: 0}
release_authority:
  - steps: [{name: approval, roles: [ROLE_CREDIT_MANAGER]}]
rules:
  - {name: limit, limit: {horizon_days: 30, security: {mode: SECURITY_MODE_RAISES_LIMIT, share: "0.5"}}}
  - {name: batches, unpaid_batches: {max_unpaid: 1}}
  - name: size
    enforcement: RULE_ENFORCEMENT_FORBID
    order_size: {max_amount: "500"}
    overrides:
      - {customer_id: C2, exemption: {reason: key account}}
  - {name: promise, broken_promise: {max_broken: 0, within_days: 30}}
  - {name: words, expression: {expression: "order_currency == 'CNY' || order_amount < 10000", message: only small orders in other currencies}}
conversion:
  kind: RATE_KIND_FROZEN
  rates:
    - {from_currency: USD, to_currency: CNY, rate: "7.1234", from_date: "2026-01-01"}
`

func signed(t *testing.T, yaml string) *world {
	t.Helper()
	w := newWorld(t)
	p, err := rpc.ParsePolicy("yaml", yaml)
	must(t, err)
	w.sign(p)
	return w
}

func (w *world) order(id, customer string, amount *typev1.Money, delivery string) *pb.SubmitOrderResponse {
	w.t.Helper()
	r, err := w.orders.SubmitOrder(w.as("erp", "ERP"), &pb.SubmitOrderRequest{RequestId: w.request(), Order: &pb.Order{
		OrderId: id, CustomerId: customer, Amount: amount, RequestedDeliveryDate: delivery,
	}})
	must(w.t, err)
	return r
}

func result(t testing.TB, d *pb.Decision, rule string) *pb.RuleResult {
	t.Helper()
	for _, r := range d.GetResults() {
		if r.GetRule() == rule {
			return r
		}
	}
	t.Fatalf("no result of rule %s in %v", rule, d)
	return nil
}

// Without a policy of the company's own, broken promises and a stop of supply by dunning hold, until what they were for is paid.
func TestShippedPolicyHeedsCollection(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	must(t, w.grant("C1", "sales", &evaluationv1.Grant{Treatment: evaluationv1.Treatment_TREATMENT_CREDIT, TermDays: 30, Limit: limitOf("1000")}))
	owes := func(p *receivablesv1.Position) {
		t.Helper()
		p.CustomerId, p.Receivable, p.Unapplied = "C1", cny("100"), cny("0")
		p.Ladder = []*receivablesv1.DueAmount{{DueDate: "2026-06-20", Amount: cny("100")}}
		must(t, w.position(p))
	}
	held := func(id string) string {
		t.Helper()
		o := w.order(id, "C1", cny("10"), "")
		holds := []string{strings.TrimPrefix(o.GetOrder().GetState().String(), "ORDER_STATE_")}
		for _, r := range o.GetDecision().GetResults() {
			if r.GetOutcome() == pb.Outcome_OUTCOME_HOLD {
				holds = append(holds, r.GetRule())
			}
		}
		return strings.Join(holds, " ")
	}
	for _, c := range []struct {
		id, want string
		owes     *receivablesv1.Position
	}{
		{"dunned", "APPROVED", &receivablesv1.Position{DunningLevel: 4}},
		{"broken", "HELD broken_promise", &receivablesv1.Position{BrokenPromises: 1, BrokenPromiseAmount: cny("60"), LastBrokenPromiseDate: "2026-01-15"}},
		{"stopped", "HELD supply_stop", &receivablesv1.Position{DunningLevel: 1, SupplyStopped: true}},
		{"both", "HELD broken_promise supply_stop", &receivablesv1.Position{
			BrokenPromises: 1, BrokenPromiseAmount: cny("60"), LastBrokenPromiseDate: "2026-01-15", DunningLevel: 3, SupplyStopped: true,
		}},
	} {
		owes(c.owes)
		if got := held(c.id); got != c.want {
			t.Errorf("%s: %s, want %s", c.id, got, c.want)
		}
	}
	owes(&receivablesv1.Position{})
	if got, err := w.orders.GetOrder(w.as("a", "AUDITOR"), &pb.GetOrderRequest{OrderId: "both"}); err != nil || got.GetOrder().GetState() != pb.OrderState_ORDER_STATE_APPROVED {
		t.Errorf("when nothing of it stands any more: %v, %v", got, err)
	}
	w.verified()
}

// A Chinese report names the rules of the company's own as the policy does.
func TestRulesOfTheCompanyHaveChineseNames(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	p, err := rpc.ParsePolicy("yaml", strings.Replace(rulesInFull, "  - {name: words,", "  - {name: words, name_zh: 大额外币订单,", 1))
	must(t, err)
	w.sign(p)
	must(t, w.grant("C1", "sales", &evaluationv1.Grant{Treatment: evaluationv1.Treatment_TREATMENT_CREDIT, TermDays: 30, Limit: limitOf("100")}))
	w.order("O", "C1", &typev1.Money{CurrencyCode: "USD", Amount: "30"}, "")
	for language, want := range map[pb.ReportLanguage]string{pb.ReportLanguage_REPORT_LANGUAGE_UNSPECIFIED: "信用额度、大额外币订单", pb.ReportLanguage_REPORT_LANGUAGE_EN: "limit, words"} {
		file, err := pb.NewReportServiceClient(w.conn).DownloadDailyReport(w.as("a", "AUDITOR"), &pb.DownloadDailyReportRequest{Format: pb.ReportFormat_REPORT_FORMAT_XLSX, Language: language})
		must(t, err)
		f, err := excelize.OpenReader(bytes.NewReader(file.GetData()))
		must(t, err)
		rows, err := f.GetRows(f.GetSheetList()[1])
		must(t, err)
		if got := rows[len(rows)-1]; !slices.Contains(got, want) {
			t.Errorf("%s: %q, want %s", language, got, want)
		}
	}
	_, err = rpc.ParsePolicy("yaml", strings.Replace(rulesInFull, "  - {name: words,", "  - {name: words, name_zh: '  ',", 1))
	if errs.ReasonOf(err) != "POLICY_INVALID" {
		t.Errorf("a name of blanks: %v", err)
	}
}

// Security that receivables holds is seen on the account, is no breach of S2.18 where the policy counts it, and is that no more when it ends:
// without a message.
func TestSecuritiesHeldThroughTheAPI(t *testing.T) {
	t.Parallel()
	for _, counted := range []bool{true, false} {
		policy := strings.Replace(rulesInFull, `share: "0.5"}`, `share: "0.5", held: `+strconv.FormatBool(counted)+`}`, 1)
		w := signed(t, policy+"controls: {credit_stop: {over_limit_percent: '10', overdue_days: 30}}\n")
		must(t, w.grant("C1", "sales", &evaluationv1.Grant{Treatment: evaluationv1.Treatment_TREATMENT_CREDIT, TermDays: 30, Limit: limitOf("100")}))
		owes := func() {
			t.Helper()
			must(t, w.position(&receivablesv1.Position{
				CustomerId: "C1", Receivable: cny("120"), Unapplied: cny("0"), Ladder: []*receivablesv1.DueAmount{{DueDate: "2026-08-01", Amount: cny("120")}},
				Securities: []*receivablesv1.HeldSecurity{{
					SecurityId: "S1", Kind: receivablesv1.SecurityKind_SECURITY_KIND_BANK_GUARANTEE, Worth: cny("100"), ValidFromDate: "2026-01-01", ValidUntilDate: "2026-07-05",
				}},
			}))
		}
		owes()
		seen := func() string {
			d, err := w.orders.CheckOrder(w.as("erp", "ERP"), &pb.CheckOrderRequest{Order: &pb.Order{OrderId: "Q", CustomerId: "C1", Amount: cny("30")}})
			must(t, err)
			return w.account("C1").GetSecurity().GetAmount() + " " + strings.TrimPrefix(result(t, d.GetDecision(), "limit").GetOutcome().String(), "OUTCOME_") + " " + d.GetDecision().GetVerdict().String()
		}
		first := seen()
		w.today = "2026-07-06"
		owes()
		then := seen()
		if counted && (first != "50.00 PASS VERDICT_APPROVE" || then != " HOLD VERDICT_HOLD") || !counted && (first != " HOLD VERDICT_HOLD" || then != first) {
			t.Errorf("counted %v: %s, after its end: %s", counted, first, then)
		}
		w.verified()
	}
	_, err := rpc.ParsePolicy("yaml", strings.Replace(rulesInFull, `share: "0.5"}`, `share: "0.5", weights: [{kind: SECURITY_KIND_PLEDGE, share: "1"}]}`, 1))
	if e, ok := errs.As(err); !ok || len(e.Violations) != 1 || e.Violations[0].Rule != "HELD_ONLY" {
		t.Errorf("weights of nothing: %v", err)
	}
}

// Horizon and unpaid batches look at the account's other orders as they are in the database when the decision is made.
func TestRulesThatLookAtOtherOrders(t *testing.T) {
	t.Parallel()
	w := signed(t, rulesInFull)
	must(t, w.grant("C1", "sales", &evaluationv1.Grant{Treatment: evaluationv1.Treatment_TREATMENT_CREDIT, TermDays: 30, Limit: limitOf("100")}))
	if r := w.order("B", "C1", cny("80"), "2026-09-29"); r.GetOrder().GetState() != pb.OrderState_ORDER_STATE_APPROVED {
		t.Fatalf("B: %v", r)
	}
	r := w.order("A", "C1", cny("100"), "2026-07-10")
	if r.GetOrder().GetState() != pb.OrderState_ORDER_STATE_APPROVED || r.GetDecision().GetExposureAfter().GetAmount() != "100.00" {
		t.Errorf("A: %v", r)
	}
	c, err := w.orders.CheckOrder(w.as("erp", "ERP"), &pb.CheckOrderRequest{Order: &pb.Order{OrderId: "X", CustomerId: "C1", Amount: cny("0.01")}})
	must(t, err)
	if c.GetDecision().GetVerdict() != pb.Verdict_VERDICT_HOLD || c.GetDecision().GetExposureAfter().GetAmount() != "100.01" {
		t.Errorf("check: %v", c)
	}
	w.today = "2026-08-30"
	c, err = w.orders.CheckOrder(w.as("erp", "ERP"), &pb.CheckOrderRequest{Order: &pb.Order{OrderId: "X", CustomerId: "C1", Amount: cny("0.01")}})
	must(t, err)
	if c.GetDecision().GetExposureAfter().GetAmount() != "180.01" {
		t.Errorf("at D+60: %v", c)
	}
	w.today = "2026-07-01"
	for _, id := range []string{"A", "B"} {
		_, err := w.orders.ShipOrder(w.as("warehouse", "WAREHOUSE"), &pb.ShipOrderRequest{RequestId: w.request(), OrderId: id})
		must(t, err)
	}
	held := w.order("D", "C1", cny("0.01"), "")
	if got := result(t, held.GetDecision(), "batches").GetOutcome(); got != pb.Outcome_OUTCOME_HOLD {
		t.Errorf("batches: %v, want HOLD", got)
	}
	w.verified()
}

// Refusals, exemptions, security and broken promises arrive through the contracts, and decisions say them.
func TestRulesThroughTheAPI(t *testing.T) {
	t.Parallel()
	w := signed(t, rulesInFull)
	for _, id := range []string{"C1", "C2"} {
		must(t, w.grant(id, "sales", &evaluationv1.Grant{
			Treatment: evaluationv1.Treatment_TREATMENT_CREDIT, TermDays: 30, Limit: limitOf("1000"),
			SecurityCovers:  []*evaluationv1.SecurityCover{{Amount: cny("500"), ValidUntilDate: "2026-12-31"}},
			TemporaryLimits: []*evaluationv1.TemporaryLimit{{Mode: evaluationv1.TemporaryLimitMode_TEMPORARY_LIMIT_MODE_ADD, Amount: cny("-100"), FromDate: "2026-07-01", UntilDate: "2026-07-31"}},
		}))
	}
	r := w.order("O1", "C1", cny("500.01"), "")
	o, d := r.GetOrder(), r.GetDecision()
	if o.GetState() != pb.OrderState_ORDER_STATE_REJECTED || d.GetVerdict() != pb.Verdict_VERDICT_REFUSE || len(o.GetRefusalReasons()) != 1 || o.GetRefusalReasons()[0] != "size" {
		t.Errorf("refused: %v", r)
	}
	if d.GetLimit().GetAmount() != "1150.00" {
		t.Errorf("limit that counted: %v, want 1000 - 100 + 50 %% of 500", d.GetLimit())
	}
	_, err := w.orders.ApproveOrder(w.as("boss", "CREDIT_MANAGER"), &pb.ApproveOrderRequest{RequestId: w.request(), OrderId: "O1", Reason: "please"})
	if errs.ReasonOf(err) != "ORDER_NOT_HELD" {
		t.Errorf("approve: %v, want ORDER_NOT_HELD", err)
	}
	r = w.order("O2", "C2", cny("500.01"), "")
	size := result(t, r.GetDecision(), "size")
	if size.GetOutcome() != pb.Outcome_OUTCOME_EXEMPT || size.GetScope() != "customer C2" || size.GetExemption() != "key account" {
		t.Errorf("exempt: %v", size)
	}
	must(t, w.position(&receivablesv1.Position{
		CustomerId: "C1", Receivable: cny("0"), Unapplied: cny("0"), CommercialBill: cny("30"), BankBill: cny("20"), Deposit: cny("10"),
		BrokenPromises: 1, BrokenPromiseAmount: cny("40"), LastBrokenPromiseDate: "2026-06-20",
	}))
	r = w.order("O3", "C1", cny("1"), "")
	if got := result(t, r.GetDecision(), "promise"); got.GetOutcome() != pb.Outcome_OUTCOME_HOLD || got.GetCures()[1].GetDate() != "2026-07-21" {
		t.Errorf("promise: %v", got)
	}
	a := w.account("C1")
	if a.GetExposure().GetAmount() != "20.00" || a.GetLimit().GetAmount() != "900.00" || a.GetBuckets().GetBankBill().GetAmount() != "20.00" {
		t.Errorf("account: exposure %v, limit %v, buckets %v", a.GetExposure(), a.GetLimit(), a.GetBuckets())
	}
	w.verified()
}

// An order in another currency keeps its own amount and reserves in the account's; replay gives the first answer.
func TestConversionThroughTheAPI(t *testing.T) {
	t.Parallel()
	w := signed(t, rulesInFull)
	must(t, w.grant("C1", "sales", &evaluationv1.Grant{Treatment: evaluationv1.Treatment_TREATMENT_CREDIT, TermDays: 30, Limit: limitOf("100")}))
	req := &pb.SubmitOrderRequest{RequestId: "usd", Order: &pb.Order{OrderId: "O1", CustomerId: "C1", Amount: &typev1.Money{CurrencyCode: "USD", Amount: "10.01"}}}
	for range 2 {
		r, err := w.orders.SubmitOrder(w.as("erp", "ERP"), req)
		must(t, err)
		o, c := r.GetOrder(), r.GetDecision().GetConversion()
		if o.GetAmount().GetAmount() != "10.01" || o.GetAmount().GetCurrencyCode() != "USD" || o.GetReservedAmount().GetAmount() != "71.31" {
			t.Errorf("order: %v", o)
		}
		if c.GetRate() != "7.1234" || c.GetRateDate() != "2026-01-01" || c.GetRateKind() != "FROZEN" || c.GetConvertedAmount().GetAmount() != "71.31" {
			t.Errorf("conversion: %v", c)
		}
	}
	_, err := w.orders.ShipOrder(w.as("warehouse", "WAREHOUSE"), &pb.ShipOrderRequest{RequestId: w.request(), OrderId: "O1", Amount: &typev1.Money{CurrencyCode: "USD", Amount: "10.01"}})
	must(t, err)
	if a := w.account("C1"); a.GetBuckets().GetDelivery().GetAmount() != "71.31" || a.GetBuckets().GetOrder().GetAmount() != "0.00" {
		t.Errorf("buckets: %v", a.GetBuckets())
	}
	_, err = w.orders.SubmitOrder(w.as("erp", "ERP"), &pb.SubmitOrderRequest{RequestId: w.request(), Order: &pb.Order{OrderId: "O2", CustomerId: "C1", Amount: &typev1.Money{CurrencyCode: "EUR", Amount: "1"}}})
	if errs.ReasonOf(err) != "RATE_UNKNOWN" {
		t.Errorf("error %v, want RATE_UNKNOWN", err)
	}
	w.verified()
}
