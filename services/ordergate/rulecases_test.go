package ordergate_test

import (
	"maps"
	"os"
	"slices"
	"strings"
	"testing"

	evaluationv1 "github.com/avalcredit/aval/proto/gen/aval/evaluation/v1"
	pb "github.com/avalcredit/aval/proto/gen/aval/ordergate/v1"
	receivablesv1 "github.com/avalcredit/aval/proto/gen/aval/receivables/v1"
	typev1 "github.com/avalcredit/aval/proto/gen/aval/type/v1"
	"github.com/avalcredit/aval/services/ordergate/internal/casefile"
	"github.com/avalcredit/aval/services/ordergate/internal/rpc"
)

// The cases of the rules, with policies as people write and sign them: the same files as in the pure gate, through the API.
func TestRuleCasesThroughTheAPI(t *testing.T) {
	t.Parallel()
	cases, err := casefile.ReadRules(os.DirFS("testdata/rules"))
	must(t, err)
	for _, c := range cases {
		t.Run(c.ID, func(t *testing.T) {
			t.Parallel()
			p := &rulePlayer{player: &player{world: newWorld(t)}, currency: "CNY"}
			if c.Currency != "" {
				p.currency = c.Currency
			}
			p.sign(p.written(c.Policy))
			for i, s := range c.Steps {
				if s.Do == "new day" {
					break // a job's, which has tests of its own
				}
				p.step = i + 1
				p.playRule(s)
			}
			p.verified()
		})
	}
}

// rulePlayer plays steps with what receivables and evaluation may say beside the first facts; the account may be in any currency of two digits.
type rulePlayer struct {
	*player
	currency string
}

func (p *rulePlayer) written(text string) *pb.OrderPolicy {
	p.t.Helper()
	spec, err := rpc.ParsePolicy("case", casefile.PolicyAround+text)
	must(p.t, err)
	return spec
}

func (p *rulePlayer) money(amount string) *typev1.Money {
	m := cny(amount)
	m.CurrencyCode = p.currency
	return m
}

func (p *rulePlayer) playRule(s casefile.RuleStep) {
	p.t.Helper()
	if s.Date != "" {
		p.today = s.Date
	}
	got := p.act(s)
	p.failsAs(s.Step, got.err)
	p.expect(s.Step, got)
	p.shows(s, got.decision)
	p.conserved()
}

func (p *rulePlayer) act(s casefile.RuleStep) shown {
	sales := p.as("person-SALESPERSON", "SALESPERSON")
	amount := p.money(s.Amount)
	if s.Currency != "" {
		amount.CurrencyCode = s.Currency
	}
	o := orderOf(s.Step)
	o.Amount, o.RequestedDeliveryDate, o.OrderDate = amount, s.Delivery, s.OrderDate
	if s.Priority != nil {
		o.Priority = int32(*s.Priority)
	}
	if s.By != "" {
		sales = p.as("person-"+s.By, s.By)
	}
	switch s.Do {
	case "policy":
		p.signToday(p.written(s.Policy))
		return shown{}
	case "grant":
		return shown{err: p.granted(s)}
	case "position":
		return shown{err: p.position(p.stands(s))}
	case "check":
		r, err := p.orders.CheckOrder(sales, &pb.CheckOrderRequest{Order: o})
		return shown{r.GetDecision(), err}
	case "submit":
		r, err := p.orders.SubmitOrder(sales, &pb.SubmitOrderRequest{RequestId: p.request(), Order: o})
		return shown{r.GetDecision(), err}
	case "amend":
		req := &pb.AmendOrderRequest{RequestId: p.request(), OrderId: s.Order, Priority: days(s.Priority)}
		if s.Amount != "" {
			req.Amount = amount
		}
		r, err := p.orders.AmendOrder(sales, req)
		return shown{r.GetDecision(), err}
	case "ship":
		req := &pb.ShipOrderRequest{RequestId: p.request(), OrderId: s.Order, Final: s.Final}
		if s.Amount != "" {
			req.Amount = amount
		}
		_, err := p.orders.ShipOrder(p.as("warehouse", "WAREHOUSE"), req)
		return shown{err: err}
	}
	return p.do(s.Step)
}

func (p *rulePlayer) granted(s casefile.RuleStep) error {
	g := grantOf(s.Step)
	g.ValidFromDate = s.ValidFrom
	if g.GetLimit().GetAmount() != nil {
		g.Limit = &evaluationv1.CreditLimit{Kind: &evaluationv1.CreditLimit_Amount{Amount: p.money(s.Limit)}}
	}
	if s.Cover != "" {
		g.SecurityCovers = []*evaluationv1.SecurityCover{{Amount: p.money(s.Cover), ValidUntilDate: s.CoverUntil, Reference: s.CoverReference}}
	}
	if x := s.Temporary; x.Mode != "" {
		g.TemporaryLimits = []*evaluationv1.TemporaryLimit{{
			Mode:   evaluationv1.TemporaryLimitMode(evaluationv1.TemporaryLimitMode_value["TEMPORARY_LIMIT_MODE_"+x.Mode]),
			Amount: p.money(x.Amount), FromDate: x.From, UntilDate: x.Until,
		}}
	}
	if x := s.Seasonal; x.Mode != "" {
		g.SeasonalLimits = []*evaluationv1.SeasonalLimit{{
			Mode:   evaluationv1.TemporaryLimitMode(evaluationv1.TemporaryLimitMode_value["TEMPORARY_LIMIT_MODE_"+x.Mode]),
			Amount: p.money(x.Amount), FromMonthDay: x.From, UntilMonthDay: x.Until,
		}}
	}
	if x := s.Stock; x.Amount != "" {
		g.BaseStocks = []*evaluationv1.BaseStock{{Amount: p.money(x.Amount), FromDate: x.From, UntilDate: x.Until}}
	}
	if x := s.ForOrder; x.Amount != "" {
		g.OrderLimits = []*evaluationv1.OrderLimit{{OrderId: x.Order, Amount: p.money(x.Amount), UntilDate: x.Until}}
	}
	return p.profile(&evaluationv1.CreditProfile{
		CustomerId: "C1", CurrencyCode: p.currency, SalespersonId: "person-SALESPERSON", GroupId: s.Group,
		Grade: evaluationv1.Grade(evaluationv1.Grade_value["GRADE_"+s.Grade]), Grant: g,
	})
}

func (p *rulePlayer) stands(s casefile.RuleStep) *receivablesv1.Position {
	pos := positionOf(s.Step)
	pos.Receivable, pos.Unapplied = p.money(s.Receivable), p.money(s.Unapplied)
	for _, d := range pos.GetLadder() {
		d.Amount.CurrencyCode = p.currency
	}
	for _, m := range pos.GetMovements() {
		m.Amount.CurrencyCode = p.currency
	}
	for _, d := range slices.Sorted(maps.Keys(s.Disputed)) {
		pos.Disputed = append(pos.Disputed, &receivablesv1.DueAmount{DueDate: d, Amount: p.money(s.Disputed[d])})
	}
	for _, x := range []struct {
		amount string
		into   **typev1.Money
	}{
		{s.BankBill, &pos.BankBill},
		{s.CommercialBill, &pos.CommercialBill},
		{s.BaseStock, &pos.BaseStock},
		{s.Consignment, &pos.Consignment},
		{s.Deposit, &pos.Deposit},
		{s.BrokenAmount, &pos.BrokenPromiseAmount},
	} {
		if x.amount != "" {
			*x.into = p.money(x.amount)
		}
	}
	pos.BrokenPromises, pos.LastBrokenPromiseDate = int32(s.Broken), s.BrokenDate
	pos.DunningLevel, pos.OpenInvoices = int32(s.Dunning), int32(s.Invoices)
	pos.SupplyStopped = s.SupplyStopped
	for _, x := range s.Held {
		pos.Securities = append(pos.Securities, &receivablesv1.HeldSecurity{
			SecurityId: x.ID, Kind: receivablesv1.SecurityKind(receivablesv1.SecurityKind_value["SECURITY_KIND_"+x.Kind]),
			Worth: &typev1.Money{CurrencyCode: x.Currency, Amount: x.Worth}, ValidFromDate: x.From, ValidUntilDate: x.Until,
		})
	}
	return pos
}

func (p *rulePlayer) shows(s casefile.RuleStep, d *pb.Decision) {
	p.t.Helper()
	same := func(what, got, want string) {
		p.t.Helper()
		if got != want {
			p.t.Errorf("step %d: %s is %q, want %q", p.step, what, got, want)
		}
	}
	if s.Verdict != "" {
		same("verdict", strings.TrimPrefix(d.GetVerdict().String(), "VERDICT_"), s.Verdict)
	}
	if s.Refusals != nil {
		p.refused(s, d)
	}
	for rule, want := range s.Scopes {
		same("scope of "+rule, result(p.t, d, rule).GetScope(), want)
	}
	for rule, want := range s.Exemptions {
		same("exemption of "+rule, result(p.t, d, rule).GetExemption(), want)
	}
	for name, want := range s.Figures {
		same("figure "+name, figureOf(d, name), want)
	}
	if s.ExposureAfter != "" && p.minor(d.GetExposureAfter().GetAmount()) != p.minor(s.ExposureAfter) {
		p.t.Errorf("step %d: exposure after is %v, want %s", p.step, d.GetExposureAfter(), s.ExposureAfter)
	}
	if c := d.GetConversion(); s.Rate != "" {
		same("conversion", c.GetRate()+" "+c.GetRateDate()+" "+c.GetRateKind(), s.Rate)
	}
	for id, want := range s.States {
		same(id, strings.TrimPrefix(p.order(id).GetState().String(), "ORDER_STATE_"), want)
	}
	if s.Caps != nil {
		if got := p.account("C1").GetCapsExceeded(); !slices.Equal(got, s.Caps) {
			p.t.Errorf("step %d: over the caps %v, want %v", p.step, got, s.Caps)
		}
	}
}

func (p *rulePlayer) refused(s casefile.RuleStep, d *pb.Decision) {
	p.t.Helper()
	var by []string
	for _, r := range d.GetResults() {
		if r.GetOutcome() == pb.Outcome_OUTCOME_FORBID {
			by = append(by, r.GetRule())
		}
	}
	if !slices.Equal(by, s.Refusals) {
		p.t.Errorf("step %d: refused by %v, want %v", p.step, by, s.Refusals)
	}
	if s.Do == "check" {
		return
	}
	if got := p.order(s.Order).GetRefusalReasons(); !slices.Equal(got, s.Refusals) {
		p.t.Errorf("step %d: the order says %v, want %v", p.step, got, s.Refusals)
	}
}

// figureOf is the first figure of that name.
func figureOf(d *pb.Decision, name string) string {
	for _, r := range d.GetResults() {
		for _, f := range r.GetFigures() {
			if f.GetName() == name {
				return f.GetValue()
			}
		}
	}
	return ""
}
