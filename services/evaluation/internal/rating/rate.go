package rating

import (
	"fmt"
	"strings"

	"github.com/avalcredit/aval/services/evaluation/internal/criteria"
	"github.com/avalcredit/aval/services/evaluation/internal/grade"
)

// Rate rates a customer under a policy: every indicator is measured and graded, a
// dimension is as good as its worst indicator, the grade is the lowest dimension, or the
// scorecard's where that is lower, and the caps are applied last (S2.2, S2.3). Where
// nothing can be graded there is no grade.
func Rate(in Inputs, p criteria.Policy) (Record, error) { return rate(in, p, Format) }

// Again rates from the inputs of a record as the record was made.
func Again(old Record, p criteria.Policy) (Record, error) { return rate(old.Inputs, p, old.Format) }

func rate(in Inputs, p criteria.Policy, format int) (Record, error) {
	j := judge(&in, &p)
	res := Result{
		Grade: j.Grade, Deciding: j.Deciding, Caps: j.caps, Treatment: j.Treatment, TermDays: j.TermDays, GraceDays: j.GraceDays,
		Limit: j.Limit, Dimensions: make([]DimensionResult, 0, len(p.Dimensions)),
	}
	for i, d := range p.Dimensions {
		res.Dimensions = append(res.Dimensions, describeDimension(d, j.dimensions[i]))
	}
	if p.Scorecard != nil {
		card := describeScorecard(*p.Scorecard, j.score)
		res.Scorecard = &card
	}
	res.LimitFormula, res.TermFormula = j.limitFormula, j.termFormula
	res.LimitExplanation = explainLimit(in, p.Limit, j)
	if format >= formatRaise && res.Grade != grade.None {
		res.Raise = raise(&p, &j)
		res.Improvements = res.Raise.words()
	} else {
		res.Improvements = improvements(p, res)
	}
	res.Reason = reason(in, p, res)
	evidence, err := evidenceOf(in, p.Hash, res)
	if err != nil {
		return Record{}, err
	}
	return Record{
		Format: format, RatingID: ID(in.CustomerID, in.Sequence), Inputs: in,
		PolicyVersion: p.Version, PolicyHash: p.Hash, Result: res, Evidence: evidence,
	}, nil
}

func describeDimension(d criteria.Dimension, j judgedDimension) DimensionResult {
	res := DimensionResult{Name: d.Name, Grade: j.grade, Indicators: make([]IndicatorResult, 0, len(d.Rules))}
	for i, r := range d.Rules {
		res.Indicators = append(res.Indicators, describeIndicator(r, j.indicators[i]))
	}
	return res
}

func describeIndicator(rule criteria.Rule, j judgedFigure) IndicatorResult {
	res := IndicatorResult{
		Name: string(rule.Indicator), Unit: rule.Indicator.Unit(), FactIDs: j.facts, AsOf: j.asOf,
		Threshold: thresholds(rule), Grade: j.grade,
	}
	if j.value != nil {
		res.Value = text(j.value)
		return res
	}
	res.Missing, res.MissingWhy = true, j.why
	switch rule.Missing {
	case criteria.Ignore:
		res.MissingRule = string(criteria.Ignore)
	case criteria.Default:
		res.MissingRule = string(criteria.Default) + " " + rule.MissingText
	default:
		res.MissingRule = string(criteria.Fail) + ": grade " + string(rule.MissingGrade)
	}
	return res
}

func thresholds(rule criteria.Rule) string {
	parts := make([]string, 0, len(rule.Thresholds))
	for _, t := range rule.Thresholds {
		parts = append(parts, string(t.Grade)+" "+boundText(t))
	}
	return strings.Join(parts, "; ")
}

func boundText(t criteria.Threshold) string {
	switch t.Bound {
	case criteria.AtLeast:
		return "at least " + t.Text
	case criteria.AtMost:
		return "at most " + t.Text
	default:
		return "otherwise"
	}
}

func caps(in *Inputs, rules []criteria.Cap) []CapResult {
	res := make([]CapResult, 0, len(rules))
	for _, c := range rules {
		r := CapResult{Name: c.Name, Grade: c.Best}
		if c.Condition == criteria.Closed {
			r.Holds = in.Closed
		} else {
			r.FactIDs = capFacts(in, c.Condition)
			r.Holds = len(r.FactIDs) > 0
		}
		res = append(res, r)
	}
	return res
}

// explainLimit says how the recommended limit came about.
func explainLimit(in Inputs, l criteria.Limit, j judgement) string {
	if j.Treatment != grade.Credit {
		return "no credit: " + treatmentText(j.Grade)
	}
	var how string
	uncapped := j.uncapped
	if j.unrounded != nil {
		uncapped = j.unrounded
	}
	switch {
	case l.Formula != nil && uncapped == nil:
		return "limit.formula: " + j.limitFormula.Error + ": no limit can be recommended"
	case l.Formula != nil:
		how = fmt.Sprintf("formula %s = %s %s", l.Formula.Text, uncapped, uncapped.Currency)
	case uncapped == nil:
		return usualText(in, l)
	default:
		how = usualText(in, l) + fmt.Sprintf(", x factor %s = %s %s", l.Factor, uncapped, uncapped.Currency)
	}
	if j.unrounded != nil {
		uncapped = j.uncapped
		how += fmt.Sprintf("; %s: %s %s", l.Rounding, uncapped, uncapped.Currency)
	}
	if c := l.Cap; c != nil {
		switch {
		case c.Currency != uncapped.Currency:
			how += fmt.Sprintf("; the cap of %s %s is in another currency and was not applied", c, c.Currency)
		case uncapped.Cmp(*c) > 0:
			how += fmt.Sprintf("; at most the cap of %s %s", c, c.Currency)
		}
	}
	return how
}

func treatmentText(g grade.Grade) string {
	if g == grade.None {
		return "not graded"
	}
	return "grade " + string(g)
}
