package rpc

import (
	"fmt"
	"strings"

	"github.com/avalcredit/aval/pkg/errs"
	"github.com/avalcredit/aval/pkg/money"
	receivablesv1 "github.com/avalcredit/aval/proto/gen/aval/receivables/v1"
	typev1 "github.com/avalcredit/aval/proto/gen/aval/type/v1"
	"github.com/avalcredit/aval/services/receivables/internal/dunning"
	"github.com/avalcredit/aval/services/receivables/internal/interest"
	"github.com/avalcredit/aval/services/receivables/internal/terms"
)

// collectionField is the path of the collection policy in its errors.
const collectionField = "policy.collection"

// collectionOf reads the collection policy; late is what the ledger policy says of late payment. Errors: Invalid POLICY_INVALID, with each place.
func collectionOf(p *receivablesv1.CollectionPolicy, late interest.Terms) (terms.Collection, error) {
	r := reader{late: late}
	out := terms.Collection{
		Dunning: dunning.Policy{Excluded: p.GetExcludedCustomerIds()}, PromiseGraceDays: int(p.GetPromiseGraceDays()),
		PromiseRemindDays: int(p.GetPromiseRemindDays()), FailedPromises: int(p.GetFailedPromises()), Points: terms.ShippedPoints(),
	}
	if w := p.GetWorklist(); w != nil {
		out.Points = terms.WorklistPoints{
			Amount: int(w.GetAmount()), Lateness: int(w.GetLateness()), Behaviour: int(w.GetBehaviour()),
			BrokenPromise: int(w.GetBrokenPromise()), LimitUse: int(w.GetLimitUse()), ExpectedEffect: int(w.GetExpectedEffect()),
		}
	}
	for n, s := range p.GetStrategies() {
		out.Dunning.Strategies = append(out.Dunning.Strategies, r.strategy(fmt.Sprintf("%s.strategies[%d]", collectionField, n), s))
	}
	r.found = append(r.found, out.Dunning.Check(collectionField)...)
	if len(r.found) > 0 {
		return out, errs.New(errs.Invalid, "POLICY_INVALID", "%s: %s", r.found[0].Field, r.found[0].Message).WithViolations(r.found...)
	}
	return out, nil
}

// reader collects what is wrong with a policy, by place.
type reader struct {
	late  interest.Terms // of the ledger policy
	found []errs.Violation
}

func (r *reader) strategy(at string, s *receivablesv1.DunningStrategy) dunning.Strategy {
	g := s.GetSegment()
	out := dunning.Strategy{
		Name: s.GetName(), GapDays: int(s.GetGapDays()), DunCharges: s.GetDunCharges(), Reminder: letterText(s.GetReminder()),
		Segment: dunning.Segment{
			Customers: g.GetCustomerIds(), Salespeople: g.GetSalespersonIds(), Currencies: g.GetCurrencyCodes(),
			Units: g.GetUnitIds(), OverdueFrom: r.amounts(at+".segment.overdue_from", g.GetOverdueFrom()),
		},
		Tolerances: r.amounts(at+".tolerances", s.GetTolerances()), Minimums: r.amounts(at+".minimums", s.GetMinimums()),
		Interest: r.interest(at, s),
	}
	if s.GetCatchUp() == receivablesv1.CatchUp_CATCH_UP_LEVEL_REACHED {
		out.CatchUp = dunning.CatchUpLevelReached
	}
	for _, grade := range g.GetGrades() {
		out.Segment.Grades = append(out.Segment.Grades, strings.TrimPrefix(grade.String(), "GRADE_"))
	}
	for _, d := range s.GetRemindBeforeDays() {
		out.RemindBefore = append(out.RemindBefore, int(d))
	}
	for n, l := range s.GetLevels() {
		path := fmt.Sprintf("%s.levels[%d]", at, n)
		out.Levels = append(out.Levels, dunning.Level{
			Name: l.GetName(), DaysPastDue: int(l.GetDaysPastDue()), WaitDays: int(l.GetWaitDays()), Letter: letterText(l.GetLetter()),
			Fees: r.amounts(path+".fees", l.GetFees()), FeeShare: r.ratio(path+".fee_share", l.GetFeeShare()),
			ChargeInterest: l.GetChargeInterest(), Call: l.GetCall(), StopSupply: l.GetStopSupply(), HandToLegal: l.GetHandToLegal(),
		})
	}
	return out
}

// interest reads a strategy's own late interest, or refers to that of the ledger policy.
func (r *reader) interest(at string, s *receivablesv1.DunningStrategy) dunning.Interest {
	own := dunning.Interest{
		Rate: r.ratio(at+".annual_interest", s.GetAnnualInterest()), YearDays: int(s.GetInterestYearDays()),
		Daily: s.GetInterestRounding() == receivablesv1.InterestRounding_INTEREST_ROUNDING_DAILY,
	}
	if !s.GetInterestByLedger() {
		return own
	}
	if own != (dunning.Interest{}) {
		r.say(at+".interest_by_ledger", "alone", "late interest is the ledger policy's or the strategy's own, not both")
	}
	if !r.late.AnnualRate.IsValid() {
		r.say(at+".interest_by_ledger", "required", "ledger.late_payment has no rate")
	}
	return dunning.ByLedger(r.late)
}

// amounts reads one amount a currency.
func (r *reader) amounts(at string, list []*typev1.Money) map[string]money.Money {
	out := map[string]money.Money{}
	for n, m := range list {
		path := fmt.Sprintf("%s[%d]", at, n)
		v, err := money.Parse(m.GetCurrencyCode(), m.GetAmount())
		switch _, twice := out[v.Currency]; {
		case err != nil:
			r.say(path, "money", "%v", err)
		case v.IsNegative():
			r.say(path, "range", "%s is below zero", v)
		case twice:
			r.say(path, "unique", "%s stands twice", v.Currency)
		default:
			out[v.Currency] = v
		}
	}
	return out
}

// ratio reads a share; empty is none.
func (r *reader) ratio(at, text string) money.Ratio {
	if text == "" {
		return money.Ratio{}
	}
	v, err := money.ParseRatio(text)
	if err != nil {
		r.say(at, "ratio", "%v", err)
	}
	return v
}

func (r *reader) say(at, rule, format string, args ...any) {
	r.found = append(r.found, errs.Violation{Field: at, Rule: rule, Message: fmt.Sprintf(format, args...)})
}

func letterText(t *receivablesv1.LetterText) dunning.Letter {
	return dunning.Letter{TitleZH: t.GetTitleZh(), BodyZH: t.GetBodyZh(), TitleEN: t.GetTitleEn(), BodyEN: t.GetBodyEn()}
}
