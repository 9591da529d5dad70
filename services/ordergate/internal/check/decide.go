package check

import (
	"slices"
	"strings"

	"github.com/avalcredit/aval/pkg/money"
	"github.com/avalcredit/aval/services/ordergate/internal/account"
	"github.com/avalcredit/aval/services/ordergate/internal/order"
)

// Decide evaluates all rules of the policy and combines them: any rule that forbids refuses the order, any that holds, holds it.
func Decide(in Input, p Policy) Result {
	d := decider{in: in, p: p}
	d.measureFirst()
	d.daysOverdue = in.Account.Overdue.OldestDays(in.BusinessDate)
	d.excess = max(d.overLimit(), d.poolExcess())
	d.row, d.steps = d.route()
	res := Result{
		Results:        make([]RuleResult, 0, len(p.Rules)),
		ExposureBefore: d.first.before,
		ExposureAfter:  d.first.after,
		Excess:         d.excess,
		DaysOverdue:    d.daysOverdue,
		Prepaid:        d.setsAside(),
	}
	if lim := d.first.limit; lim.Kind == account.LimitAmount && lim != in.Account.Grant.Limit {
		minor := lim.Minor
		res.Limit = &minor
	}
	for i := range p.Rules {
		res.Results = append(res.Results, d.apply(&p.Rules[i]))
	}
	d.combine(res.Results)
	res.Results = slices.DeleteFunc(res.Results, unlisted)
	res.Results = append(res.Results, d.controls()...)
	res.Verdict = verdictOf(res.Results)
	return res
}

func verdictOf(results []RuleResult) Verdict {
	v := Approve
	for i := range results {
		switch results[i].Outcome {
		case Forbidden:
			return Refuse
		case Held:
			v = Hold
		case Pass, Warned, NotApplicable, Released, Exempt, Informed:
		}
	}
	return v
}

// decider holds what the rules of one decision share.
type decider struct {
	in          Input // by value, as is p: what is pointed to from here would go to the heap
	p           Policy
	first       measure // exposure and limit as the first limit rule counts them
	excess      int64
	daysOverdue int
	row         int
	steps       []string // roles that sign a release, in order
	failed      []bool   // by rule: it failed, whatever came of it; kept only where rules combine
}

// finding is what a rule found, before enforcement, release memory and exemptions are applied.
type finding struct {
	outcome Outcome // PASS, WARN, HOLD or NOT_APPLICABLE
	figures []Figure
	message string
	cures   []Cure
}

func (d *decider) apply(r *Rule) RuleResult {
	res := RuleResult{Rule: r.Name}
	exempt := false
	if !r.Overrides.Empty() {
		if o := r.Overrides.Find(&d.in.Account, d.in.BusinessDate); o != nil {
			r, exempt, res.Scope, res.Exemption = &o.Rule, o.Exempt, o.Scope, o.Exemption
		}
	}
	f := d.find(r)
	if len(d.p.Combinations) > 0 {
		d.failed = append(d.failed, f.outcome == Held && !exempt)
	}
	switch {
	case f.outcome != Held:
	case exempt:
		f.outcome, f.cures = Exempt, nil
	case r.Enforcement == Inform && d.in.Edition >= 5:
		f.outcome = Informed
	case r.Enforcement == Inform:
		f.outcome = Pass
	case r.Enforcement == Warn:
		f.outcome = Warned
	case d.reduces():
		f.outcome, f.cures = Warned, nil
		f.message += "; not held, for the document does not raise what is owed"
	case d.in.Edition >= 2 && d.paid():
		f.outcome, f.cures = Warned, nil
		f.message += "; not held, for the money for this order is here"
	case r.Enforcement == Forbid:
		f.outcome = Forbidden
	case d.released():
		f.outcome, f.cures = Released, nil
		f.message += "; covered by the release of " + d.in.Order.Release.Date.String()
	default:
		f.cures = append(f.cures, Cure{Kind: CureApproval, Row: d.row, Roles: d.steps})
	}
	res.Outcome, res.Figures, res.Message, res.Cures = f.outcome, f.figures, f.message, f.cures
	return res
}

// combine takes back failures of rules that hold only together where not all of them fail (semantics 4).
func (d *decider) combine(results []RuleResult) {
	for _, c := range d.p.Combinations {
		all := true
		for _, i := range c.Rules {
			all = all && d.failed[i]
		}
		if all {
			continue
		}
		for _, i := range c.Rules {
			if r := &results[i]; r.Outcome == Held || r.Outcome == Forbidden {
				r.Outcome, r.Cures = Warned, nil
				r.Message += "; it counts only where all rules of " + c.Name + " fail"
			}
		}
	}
}

func (d *decider) find(r *Rule) finding {
	switch r.Kind {
	case KindLimit:
		return d.limit(r)
	case KindDaysOverdue:
		return d.overdueDays(r)
	case KindOverdueAmount:
		return d.overdueAmount(r)
	case KindTerm:
		return d.term()
	case KindTreatment:
		return d.treatment()
	case KindGrantValidity:
		return d.grantValidity()
	case KindOrderSize:
		return d.orderSize(r)
	case KindUtilization:
		return d.utilization(r)
	case KindOverdueRatio:
		return d.overdueRatio(r)
	case KindOldestItem:
		return d.oldestItem(r)
	case KindUnpaidBatches:
		return d.unpaidBatches(r)
	case KindBrokenPromise:
		return d.brokenPromise(r)
	case KindOpenDispute:
		return d.openDispute(r)
	case KindDunningLevel:
		return d.dunningLevel(r)
	case KindSupplyStop:
		return d.supplyStop()
	case KindExpression:
		return d.expression(r)
	case KindCategoryCap:
		return d.categoryCap(r)
	case KindGroupPool:
		return d.groupPool()
	case KindBudget:
		return d.budget()
	case KindCeiling:
		return d.ceiling()
	case KindConcentration:
		return d.concentration(r)
	}
	return finding{outcome: Held, message: "the policy names a rule that this version does not know"}
}

// reduces reports whether the document cannot raise what is owed, nor for how long: a return, or a change that lowers the order
// without a longer term. Those are never held.
// A question about nothing (amount 0 at CHECK) asks how the account stands and is judged.
func (d *decider) reduces() bool {
	if d.in.Point == AtCheck && d.in.Order.Amount == 0 {
		return false
	}
	return d.in.Order.Amount <= 0 || d.in.Point == AtAmend && d.in.Delta() <= 0 && !d.extends()
}

// extends reports whether an amendment asks for a longer term than the order had.
func (d *decider) extends() bool {
	o := d.in.Order
	if o.TermDays == nil || o.Prior == nil {
		return false
	}
	had := d.in.Account.Grant.TermDays
	if o.Prior.TermDays != nil {
		had = *o.Prior.TermDays
	}
	return *o.TermDays > had
}

// paid reports whether money that is here and not set aside for another order covers this one in full.
func (d *decider) paid() bool {
	o := d.in.Order
	if o.Amount <= 0 || o.Open <= 0 {
		return false
	}
	if o.Terms == order.OpenAccount && d.in.Account.Grant.Treatment == "CREDIT" {
		return false // sold on credit: its money is not asked for now
	}
	return d.free()+d.received() >= o.Open
}

// released reports whether an earlier release of this order covers the check: value within the tolerance of the value released, no longer
// term, and not more days since than the policy remembers, the day of the release being the first.
func (d *decider) released() bool {
	rel := d.in.Order.Release
	if rel == nil {
		return false
	}
	if d.in.BusinessDate.DaysSince(rel.Date)+1 > d.p.Memory.Days || d.in.Edition >= 4 && d.longerThan(rel) {
		return false
	}
	above := d.in.Order.Amount - rel.Minor
	if above <= 0 {
		return true
	}
	return rel.Minor > 0 && (money.Ratio{Num: above, Den: rel.Minor}).Cmp(d.p.Memory.Tolerance) <= 0
}

// longerThan reports whether the order asks for a longer term than the one released: nobody has signed that.
func (d *decider) longerThan(rel *order.Release) bool {
	if rel.TermDays == nil {
		return d.in.Point == AtAmend && d.extends()
	}
	return order.Order{TermDays: d.in.Order.TermDays}.AsksLonger(rel.TermDays)
}

func (d *decider) route() (int, []string) {
	row, steps, err := d.p.RouteForm(Measure{d.in.Account.Currency, d.in.Account.Grant.LimitOn(d.in.BusinessDate), d.excess, d.daysOverdue})
	if err != nil {
		return 0, nil // nobody may release it; the hold says so by an empty list
	}
	var roles []string
	for _, s := range steps {
		if len(s.AllOf) > 0 {
			roles = append(roles, strings.Join(s.AllOf, "&"))
			continue
		}
		roles = append(roles, joinRoles(s.AnyOf))
	}
	return row, roles
}

func joinRoles(roles []string) string {
	out := ""
	for i, r := range roles {
		if i > 0 {
			out += "|"
		}
		out += r
	}
	return out
}

func (d *decider) money(minor int64) string { return money.New(minor, d.in.Account.Currency).String() }
