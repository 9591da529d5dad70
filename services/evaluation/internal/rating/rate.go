package rating

import (
	"fmt"
	"strings"

	"github.com/avalcredit/aval/services/evaluation/internal/criteria"
	"github.com/avalcredit/aval/services/evaluation/internal/fact"
	"github.com/avalcredit/aval/services/evaluation/internal/grade"
)

// Rate rates a customer under a policy: every indicator is measured and graded, a
// dimension is as good as its worst indicator, the grade is the lowest dimension, or the
// scorecard's where that is lower, and the caps are applied last (S2.2, S2.3). Where
// nothing can be graded there is no grade.
func Rate(in Inputs, p criteria.Policy) (Record, error) {
	res := Result{Dimensions: make([]DimensionResult, 0, len(p.Dimensions))}
	for _, d := range p.Dimensions {
		res.Dimensions = append(res.Dimensions, rateDimension(in, d))
	}
	res.Grade, res.Deciding = lowest(res.Dimensions)
	if p.Scorecard != nil {
		card := rateScorecard(in, *p.Scorecard)
		res.Scorecard = &card
		if card.Grade.Known() && (res.Grade == grade.None || card.Grade.WorseThan(res.Grade)) {
			res.Grade, res.Deciding = card.Grade, scorecard
		}
	}
	res.Caps = caps(in, p.Caps)
	for _, c := range res.Caps {
		// A cap also settles the grade of a customer of whom nothing else is known.
		if c.Holds && (res.Grade == grade.None || c.Grade.WorseThan(res.Grade)) {
			res.Grade, res.Deciding = c.Grade, "cap "+c.Name
		}
	}
	t := p.For(res.Grade)
	res.Treatment = t.Treatment
	if t.Treatment == grade.Credit {
		res.TermDays, res.GraceDays = t.MaxTermDays, t.GraceDays
	}
	recommend(in, p, &res)
	res.Improvements = improvements(p, res)
	res.Reason = reason(in, p, res)
	evidence, err := evidenceOf(in, p.Hash, res)
	if err != nil {
		return Record{}, err
	}
	return Record{
		Format: Format, RatingID: ID(in.CustomerID, in.Sequence), Inputs: in,
		PolicyVersion: p.Version, PolicyHash: p.Hash, Result: res, Evidence: evidence,
	}, nil
}

func rateDimension(in Inputs, d criteria.Dimension) DimensionResult {
	res := DimensionResult{Name: d.Name, Indicators: make([]IndicatorResult, 0, len(d.Rules))}
	for _, r := range d.Rules {
		i := rateIndicator(in, r)
		res.Grade = grade.Worst(res.Grade, i.Grade)
		res.Indicators = append(res.Indicators, i)
	}
	return res
}

func rateIndicator(in Inputs, rule criteria.Rule) IndicatorResult {
	f := measure(in, rule)
	res := IndicatorResult{
		Name: string(rule.Indicator), Unit: rule.Indicator.Unit(), FactIDs: f.facts, AsOf: f.asOf,
		Threshold: thresholds(rule),
	}
	if f.value != nil {
		res.Value = text(f.value)
		res.Grade = gradeOf(rule, f)
		return res
	}
	res.Missing, res.MissingWhy = true, f.why
	switch rule.Missing {
	case criteria.Ignore:
		res.MissingRule = string(criteria.Ignore)
	case criteria.Default:
		res.MissingRule = string(criteria.Default) + " " + rule.MissingText
		res.Grade = gradeOf(rule, figure{value: rule.MissingValue})
	default:
		res.Grade = rule.MissingGrade
		res.MissingRule = string(criteria.Fail) + ": grade " + string(rule.MissingGrade)
	}
	return res
}

// gradeOf takes the first threshold that covers the value. The check of a policy
// sees to it that the last one covers every value.
func gradeOf(rule criteria.Rule, f figure) grade.Grade {
	for _, t := range rule.Thresholds {
		if t.Covers(f.value) {
			return t.Grade
		}
	}
	return grade.D
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

// lowest returns the grade of the lowest dimension and the first indicator that set it.
func lowest(dims []DimensionResult) (worst grade.Grade, deciding string) {
	for _, d := range dims {
		if d.Grade == grade.None || (worst != grade.None && !d.Grade.WorseThan(worst)) {
			continue
		}
		worst = d.Grade
		for _, i := range d.Indicators {
			if i.Grade == d.Grade {
				deciding = d.Name + "/" + i.Name
				break
			}
		}
	}
	return worst, deciding
}

func caps(in Inputs, rules []criteria.Cap) []CapResult {
	res := make([]CapResult, 0, len(rules))
	for _, c := range rules {
		r := CapResult{Name: c.Name, Grade: c.Best}
		switch c.Condition {
		case criteria.SuedByOthers:
			r.FactIDs = openSuits(in)
			r.Holds = len(r.FactIDs) > 0
		case criteria.Closed:
			r.Holds = in.Closed
		}
		res = append(res, r)
	}
	return res
}

// openSuits counts a suit before anybody has verified it: a cap tightens, and
// tightening does not wait.
func openSuits(in Inputs) []string {
	var ids []string
	suits := usable(in, criteria.Rule{}, func(c fact.Content) bool { return c.Litigation != nil && c.Litigation.Open })
	for _, f := range suits {
		ids = append(ids, f.ID)
	}
	return ids
}

// recommend sets the limit: one usual purchase x factor, at most the cap (S2.4, S2.13).
func recommend(in Inputs, p criteria.Policy, res *Result) {
	if res.Treatment != grade.Credit {
		res.LimitExplanation = "no credit: " + treatmentText(res.Grade)
		return
	}
	usual, how := usualPurchase(in, p.Limit)
	if usual == nil {
		res.LimitExplanation = how
		return
	}
	limit := times(*usual, p.Limit.Factor)
	how += fmt.Sprintf(", x factor %s = %s %s", p.Limit.Factor, limit, limit.Currency)
	if c := p.Limit.Cap; c != nil {
		switch {
		case c.Currency != limit.Currency:
			how += fmt.Sprintf("; the cap of %s %s is in another currency and was not applied", c, c.Currency)
		case limit.Cmp(*c) > 0:
			limit = *c
			how += fmt.Sprintf("; at most the cap of %s %s", c, c.Currency)
		}
	}
	res.Limit, res.LimitExplanation = &limit, how
}

func treatmentText(g grade.Grade) string {
	if g == grade.None {
		return "not graded"
	}
	return "grade " + string(g)
}
