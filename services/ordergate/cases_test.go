package ordergate_test

import (
	"maps"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/avalcredit/aval/pkg/errs"
	"github.com/avalcredit/aval/pkg/money"
	evaluationv1 "github.com/avalcredit/aval/proto/gen/aval/evaluation/v1"
	optionsv1 "github.com/avalcredit/aval/proto/gen/aval/options/v1"
	pb "github.com/avalcredit/aval/proto/gen/aval/ordergate/v1"
	receivablesv1 "github.com/avalcredit/aval/proto/gen/aval/receivables/v1"
	typev1 "github.com/avalcredit/aval/proto/gen/aval/type/v1"
	"github.com/avalcredit/aval/services/ordergate/internal/casefile"
)

// The acceptance cases, each on a database of its own: through server, tokens, roles, validation and storage to the same ends as in the
// pure gate.
func TestCasesThroughTheAPI(t *testing.T) {
	t.Parallel()
	cases, err := casefile.Read(os.DirFS("testdata/cases"))
	must(t, err)
	for _, c := range cases {
		t.Run(c.ID, func(t *testing.T) {
			t.Parallel()
			p := &player{world: newWorld(t)}
			p.sign(policyOf(c.Policy))
			for i, s := range c.Steps {
				p.step = i + 1
				p.play(s)
			}
			p.verified()
		})
	}
}

func policyOf(p casefile.Policy) *pb.OrderPolicy {
	rule := func(name string) *pb.OrderRule {
		return &pb.OrderRule{Name: name, Enforcement: pb.RuleEnforcement_RULE_ENFORCEMENT_HOLD}
	}
	or := func(s, empty string) string {
		if s == "" {
			return empty
		}
		return s
	}
	out := &pb.OrderPolicy{
		Name: "case", BaseCurrency: "CNY", HeldOrdersReserve: p.HeldReserve, OverShipmentPercent: p.OverShipment,
		ReleaseMemory: &pb.ReleaseMemory{TolerancePercent: percent(or(p.Tolerance, "0")), Days: int32(p.MemoryDays)},
	}
	treatment, validity, limit, term := rule("treatment"), rule("grant_validity"), rule("limit"), rule("term")
	treatment.Check = &pb.OrderRule_Treatment{Treatment: &pb.TreatmentCheck{}}
	validity.Check = &pb.OrderRule_GrantValidity{GrantValidity: &pb.GrantValidityCheck{}}
	limit.Check = &pb.OrderRule_Limit{Limit: &pb.LimitCheck{Threshold: p.Threshold, WatchRatio: p.Watch}}
	term.Check = &pb.OrderRule_Term{Term: &pb.TermCheck{}}
	out.Rules = []*pb.OrderRule{treatment, validity, limit, term}
	if p.MaxOverdueDays != nil {
		r := rule("days_overdue")
		r.Check = &pb.OrderRule_DaysOverdue{DaysOverdue: &pb.DaysOverdueCheck{MaxDays: int32(*p.MaxOverdueDays)}}
		out.Rules = append(out.Rules, r)
	}
	if p.MaxOverdue != "" {
		r := rule("overdue")
		r.Check = &pb.OrderRule_OverdueAmount{OverdueAmount: &pb.OverdueAmountCheck{MaxAmount: p.MaxOverdue, MinDays: int32(p.OverdueBeyond)}}
		out.Rules = append(out.Rules, r)
	}
	step := func(role optionsv1.Role) []*typev1.ApprovalStep {
		return []*typev1.ApprovalStep{{Name: "approval", Roles: []optionsv1.Role{role}}}
	}
	out.ReleaseAuthority = []*typev1.AuthorityRow{{MaxAmount: p.Authority, Steps: step(optionsv1.Role_ROLE_CREDIT_MANAGER)}}
	if p.Authority != "" {
		out.ReleaseAuthority = append(out.ReleaseAuthority, &typev1.AuthorityRow{Steps: step(optionsv1.Role_ROLE_GENERAL_MANAGER)})
	}
	return out
}

// percent writes a ratio such as 0.1 in percent.
func percent(ratio string) string {
	r, err := money.ParseRatio(ratio)
	if err != nil {
		return ratio
	}
	r.Num *= 100
	return r.String()
}

// player plays the steps of a case for the customer C1.
type player struct {
	*world
	step int
}

// shown is what a step answered: its decision, where it made one.
type shown struct {
	decision *pb.Decision
	err      error
}

func (p *player) play(s casefile.Step) {
	p.t.Helper()
	if s.Date != "" {
		p.today = s.Date
	}
	got := p.do(s)
	p.failsAs(s, got.err)
	p.expect(s, got)
	p.conserved()
}

// failsAs ends the case where the step did not fail, or not fail, as it should.
func (p *player) failsAs(s casefile.Step, err error) {
	p.t.Helper()
	if reason := errs.ReasonOf(err); reason != s.Error {
		p.t.Fatalf("step %d (%s %s): error %q (%v), want %q", p.step, s.Do, s.Order, reason, err, s.Error)
	}
}

func (p *player) do(s casefile.Step) shown {
	sales := p.as("person-SALESPERSON", "SALESPERSON")
	switch s.Do {
	case "day":
		return shown{}
	case "grant":
		return shown{err: p.grant("C1", "person-SALESPERSON", grantOf(s))}
	case "position":
		return shown{err: p.position(positionOf(s))}
	case "check":
		r, err := p.orders.CheckOrder(sales, &pb.CheckOrderRequest{Order: orderOf(s)})
		return shown{r.GetDecision(), err}
	case "submit":
		r, err := p.orders.SubmitOrder(sales, &pb.SubmitOrderRequest{RequestId: p.request(), Order: orderOf(s)})
		return shown{r.GetDecision(), err}
	case "amend":
		req := &pb.AmendOrderRequest{RequestId: p.request(), OrderId: s.Order, RequestedTermDays: days(s.TermDays)}
		if s.Amount != "" {
			req.Amount = cny(s.Amount)
		}
		ctx := sales
		if s.By != "" {
			ctx = p.as("person-"+s.By, s.By)
		}
		r, err := p.orders.AmendOrder(ctx, req)
		return shown{r.GetDecision(), err}
	case "ship":
		req := &pb.ShipOrderRequest{RequestId: p.request(), OrderId: s.Order, Final: s.Final}
		if s.Amount != "" {
			req.Amount = cny(s.Amount)
		}
		_, err := p.orders.ShipOrder(p.as("warehouse", "WAREHOUSE"), req)
		return shown{err: err}
	case "return":
		_, err := p.orders.ReturnGoods(p.as("erp", "ERP"), &pb.ReturnGoodsRequest{RequestId: p.request(), OrderId: s.Order, Amount: cny(s.Amount), Replace: s.Replace})
		return shown{err: err}
	case "cancel":
		_, err := p.orders.CancelOrder(sales, &pb.CancelOrderRequest{RequestId: p.request(), OrderId: s.Order})
		return shown{err: err}
	case "recheck":
		r, err := p.orders.RecheckOrder(sales, &pb.RecheckOrderRequest{RequestId: p.request(), OrderId: s.Order})
		return shown{r.GetDecision(), err}
	}
	return p.act(s)
}

// act is a step of people's authority.
func (p *player) act(s casefile.Step) shown {
	roles := []string{s.By}
	switch s.By {
	case "":
		roles = []string{"CREDIT_MANAGER"}
	case "SALESPERSON":
		roles = append(roles, "CREDIT_MANAGER") // the same person in two roles
	}
	ctx := p.as("person-"+roles[0], roles...)
	switch s.Do {
	case "approve":
		_, err := p.orders.ApproveOrder(ctx, &pb.ApproveOrderRequest{RequestId: p.request(), OrderId: s.Order, Reason: "because"})
		return shown{err: err}
	case "reject":
		_, err := p.orders.RejectOrder(ctx, &pb.RejectOrderRequest{RequestId: p.request(), OrderId: s.Order, Reason: "because"})
		return shown{err: err}
	}
	p.t.Fatalf("step %d: unknown step %q", p.step, s.Do)
	return shown{}
}

func grantOf(s casefile.Step) *evaluationv1.Grant {
	treatment := "CREDIT"
	if s.Treatment != "" {
		treatment = s.Treatment
	}
	g := &evaluationv1.Grant{
		Treatment: evaluationv1.Treatment(evaluationv1.Treatment_value["TREATMENT_"+treatment]),
		TermDays:  int32(s.Term), GraceDays: int32(s.Grace), ValidUntilDate: s.ValidUntil,
	}
	switch s.Limit {
	case "undefined":
	case "unlimited":
		g.Limit = &evaluationv1.CreditLimit{Kind: &evaluationv1.CreditLimit_Unlimited{Unlimited: true}}
	default:
		g.Limit = limitOf(s.Limit)
	}
	return g
}

func positionOf(s casefile.Step) *receivablesv1.Position {
	pos := &receivablesv1.Position{CustomerId: "C1", Receivable: cny(s.Receivable), Unapplied: cny(s.Unapplied)}
	for _, d := range slices.Sorted(maps.Keys(s.Due)) {
		pos.Ladder = append(pos.Ladder, &receivablesv1.DueAmount{DueDate: d, Amount: cny(s.Due[d])})
	}
	for _, id := range slices.Sorted(maps.Keys(s.Bills)) {
		pos.Movements = append(pos.Movements, &receivablesv1.Movement{OrderId: id, InvoiceId: "I" + id + s.Invoice, Amount: cny(s.Bills[id])})
	}
	for _, n := range s.Notices {
		x := &receivablesv1.NoticedPayment{PaymentNoticeId: n.ID, OrderId: n.Order, ExpectedDate: n.Last, LastDate: n.Last}
		for _, v := range []struct {
			amount string
			into   **typev1.Money
		}{{n.Open, &x.Open}, {n.Received, &x.Received}, {n.Unapplied, &x.Unapplied}} {
			if v.amount != "" {
				*v.into = cny(v.amount)
			}
		}
		pos.PaymentNotices = append(pos.PaymentNotices, x)
	}
	return pos
}

func orderOf(s casefile.Step) *pb.Order {
	return &pb.Order{
		OrderId: s.Order, CustomerId: "C1", Amount: cny(s.Amount), RequestedTermDays: days(s.TermDays),
		PaymentTerms: pb.PaymentTerms(pb.PaymentTerms_value["PAYMENT_TERMS_"+s.Terms]),
	}
}

func days(n *int) *int32 {
	if n == nil {
		return nil
	}
	v := int32(*n)
	return &v
}

func (p *player) order(id string) *pb.Order {
	p.t.Helper()
	r, err := p.orders.GetOrder(p.as("auditor", "AUDITOR"), &pb.GetOrderRequest{OrderId: id})
	must(p.t, err)
	return r.GetOrder()
}

func (p *player) expect(s casefile.Step, got shown) {
	p.t.Helper()
	switch {
	case s.Want == "":
	case s.Do == "check":
		if v := strings.TrimPrefix(got.decision.GetVerdict().String(), "VERDICT_"); v != s.Want {
			p.t.Errorf("step %d: check %s is %s, want %s", p.step, s.Order, v, s.Want)
		}
	default:
		if st := strings.TrimPrefix(p.order(s.Order).GetState().String(), "ORDER_STATE_"); st != s.Want {
			p.t.Errorf("step %d: %s %s is %s, want %s", p.step, s.Do, s.Order, st, s.Want)
		}
	}
	p.expectDecision(s, got.decision)
	if s.Row != 0 && p.order(s.Order).GetApproval().GetAuthorityRow() != int32(s.Row) {
		p.t.Errorf("step %d: row %d, want %d", p.step, p.order(s.Order).GetApproval().GetAuthorityRow(), s.Row)
	}
	if len(s.Buckets) == 0 && s.Status == "" {
		return
	}
	a := p.account("C1")
	b := a.GetBuckets()
	amounts := map[string]*typev1.Money{"order": b.GetOrder(), "delivery": b.GetDelivery(), "receivable": b.GetReceivable(), "unapplied": b.GetUnapplied(), "exposure": a.GetExposure()}
	for name, want := range s.Buckets {
		if p.minor(amounts[name].GetAmount()) != p.minor(want) {
			p.t.Errorf("step %d: bucket %s is %s, want %s", p.step, name, amounts[name].GetAmount(), want)
		}
	}
	if st := strings.TrimPrefix(a.GetStatus().String(), "ACCOUNT_STATUS_"); s.Status != "" && st != s.Status {
		p.t.Errorf("step %d: status %s, want %s", p.step, st, s.Status)
	}
}

func (p *player) expectDecision(s casefile.Step, d *pb.Decision) {
	p.t.Helper()
	var reasons []string
	outcomes := map[string]string{}
	cures := map[string]string{}
	for _, r := range d.GetResults() {
		outcomes[r.GetRule()] = strings.TrimPrefix(r.GetOutcome().String(), "OUTCOME_")
		if r.GetOutcome() == pb.Outcome_OUTCOME_HOLD {
			reasons = append(reasons, r.GetRule())
		}
		for _, c := range r.GetCures() {
			kind := strings.TrimPrefix(c.GetKind().String(), "CURE_KIND_")
			if _, known := cures[kind]; known {
				continue
			}
			cures[kind] = c.GetAmount().GetAmount() + c.GetDate()
			if len(c.GetRoles()) > 0 {
				cures[kind] = c.GetRoles()[0]
			}
		}
	}
	if s.Reasons != nil && !slices.Equal(reasons, s.Reasons) {
		p.t.Errorf("step %d: held by %v, want %v", p.step, reasons, s.Reasons)
	}
	for rule, want := range s.Outcomes {
		if outcomes[rule] != want {
			p.t.Errorf("step %d: rule %s says %s, want %s", p.step, rule, outcomes[rule], want)
		}
	}
	for kind, want := range s.Cures {
		if cures[kind] != want {
			p.t.Errorf("step %d: cure %s is %q, want %q", p.step, kind, cures[kind], want)
		}
	}
}

// conserved: the account's buckets are the sums of its orders.
func (p *player) conserved() {
	p.t.Helper()
	if p.profiles["C1"]+p.positions["C1"] == 0 {
		return
	}
	r, err := p.orders.ListOrders(p.as("auditor", "AUDITOR"), &pb.ListOrdersRequest{CustomerId: "C1", PageSize: 1000})
	must(p.t, err)
	var reserved, delivered int64
	for _, o := range r.GetOrders() {
		reserved += p.minor(o.GetReservedAmount().GetAmount())
		delivered += p.minor(o.GetDeliveredAmount().GetAmount())
	}
	b := p.account("C1").GetBuckets()
	if p.minor(b.GetOrder().GetAmount()) != reserved || p.minor(b.GetDelivery().GetAmount()) != delivered {
		p.t.Errorf("step %d: buckets %v, orders give %d and %d", p.step, b, reserved, delivered)
	}
}

func (w *world) minor(amount string) int64 {
	w.t.Helper()
	m, err := money.Parse("CNY", amount)
	must(w.t, err)
	return m.Minor
}
