package check

import (
	"github.com/avalcredit/aval/pkg/money"
	"github.com/avalcredit/aval/services/ordergate/internal/order"
)

// Decide evaluates all rules of the policy and combines them: any rule that holds, holds the order.
func Decide(in Input, p Policy) Result {
	d := decider{in: in, p: p}
	d.before = in.Account.Buckets.Exposure()
	d.after = d.before + in.Delta()
	d.daysOverdue = in.Account.Overdue.OldestDays(in.BusinessDate)
	d.excess = d.overLimit()
	d.row, d.steps = d.route()
	res := Result{
		Verdict:        Approve,
		Results:        make([]RuleResult, 0, len(p.Rules)),
		ExposureBefore: d.before,
		ExposureAfter:  d.after,
		Excess:         d.excess,
		DaysOverdue:    d.daysOverdue,
		Prepaid:        d.paid(),
	}
	for _, r := range p.Rules {
		rr := d.apply(r)
		if rr.Outcome == Held {
			res.Verdict = Hold
		}
		res.Results = append(res.Results, rr)
	}
	return res
}

// decider holds what the rules of one decision share.
type decider struct {
	in            Input
	p             Policy
	before, after int64
	excess        int64
	daysOverdue   int
	row           int
	steps         []string // roles that sign a release, in order
}

// finding is what a rule found, before enforcement, release memory and exemptions are applied.
type finding struct {
	outcome Outcome // PASS, WARN, HOLD or NOT_APPLICABLE
	figures []Figure
	message string
	cures   []Cure
}

func (d *decider) apply(r Rule) RuleResult {
	f := d.find(r)
	switch {
	case f.outcome != Held:
	case r.Enforcement == Inform:
		f.outcome = Pass
	case r.Enforcement == Warn:
		f.outcome = Warned
	case d.reduces():
		f.outcome, f.cures = Warned, nil
		f.message += "; not held, for the document does not raise what is owed"
	case d.released():
		f.outcome, f.cures = Released, nil
		f.message += "; covered by the release of " + d.in.Order.Release.Date.String()
	default:
		f.cures = append(f.cures, Cure{Kind: CureApproval, Row: d.row, Roles: d.steps})
	}
	return RuleResult{Rule: r.Name, Outcome: f.outcome, Figures: f.figures, Message: f.message, Cures: f.cures}
}

func (d *decider) find(r Rule) finding {
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
	b := d.in.Account.Buckets
	free := b.Unapplied - b.Prepaid - b.Billed
	if o.Prepaid {
		free += o.Reserved
	}
	return free >= o.Open
}

// released reports whether an earlier release of this order covers the check: value within the tolerance of the value released,
// and not more days since than the policy remembers, the day of the release being the first.
func (d *decider) released() bool {
	rel := d.in.Order.Release
	if rel == nil {
		return false
	}
	if d.in.BusinessDate.DaysSince(rel.Date)+1 > d.p.Memory.Days {
		return false
	}
	above := d.in.Order.Amount - rel.Minor
	if above <= 0 {
		return true
	}
	return rel.Minor > 0 && (money.Ratio{Num: above, Den: rel.Minor}).Cmp(d.p.Memory.Tolerance) <= 0
}

func (d *decider) route() (int, []string) {
	row, steps, err := d.p.Route(d.in.Account.Currency, d.excess, d.daysOverdue)
	if err != nil {
		return 0, nil // nobody may release it; the hold says so by an empty list
	}
	var roles []string
	for _, s := range steps {
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
