package rpc

import (
	"strings"

	evaluationv1 "github.com/avalcredit/aval/proto/gen/aval/evaluation/v1"
	"github.com/avalcredit/aval/services/evaluation/internal/criteria"
	"github.com/avalcredit/aval/services/evaluation/internal/rating"
)

func thresholdsIn(all []*evaluationv1.GradeThreshold) []criteria.Threshold {
	var out []criteria.Threshold
	for _, t := range all {
		threshold := criteria.Threshold{Grade: gradeIn(t.GetGrade()), Bound: criteria.Otherwise}
		switch b := t.GetBound().(type) {
		case *evaluationv1.GradeThreshold_AtLeast:
			threshold.Bound, threshold.Text = criteria.AtLeast, b.AtLeast
		case *evaluationv1.GradeThreshold_AtMost:
			threshold.Bound, threshold.Text = criteria.AtMost, b.AtMost
		}
		threshold.Value = rat(threshold.Text)
		out = append(out, threshold)
	}
	return out
}

// scorecardIn reads a scorecard; nil where there is none. The contract's patterns admit decimals only.
func scorecardIn(m *evaluationv1.Scorecard, scales []criteria.Scale, c *evaluationv1.EvaluationConventions) *criteria.Scorecard {
	if m == nil {
		return nil
	}
	card := &criteria.Scorecard{Grades: thresholdsIn(m.GetGrades())}
	for _, r := range m.GetIndicators() {
		rule := criteria.ScoreRule{
			Indicator: criteria.Indicator(strings.ToLower(name(r.GetIndicator(), evaluationv1.Indicator_name, "INDICATOR_"))),
			Weight:    rat(r.GetWeight()), WeightText: r.GetWeight(),
			Missing:       criteria.Missing(strings.ToLower(name(r.GetMissing(), evaluationv1.MissingRule_name, "MISSING_RULE_"))),
			MissingPoints: rat(r.GetMissingPoints()), MissingValue: rat(r.GetMissingValue()), MissingText: r.GetMissingValue(),
			MaxAgeDays: int(r.GetMaxAgeDays()), VerifiedOnly: r.GetVerifiedOnly(), MinItems: int64(r.GetMinItems()), Scales: scales,
		}
		said := byConvention(rule.Figure(), c)
		rule.MaxAgeDays, rule.MinItems = said.MaxAgeDays, said.MinItems
		if rule.Missing == "" {
			rule.Missing = said.Missing
		}
		for _, b := range r.GetBands() {
			band := criteria.Band{Points: rat(b.GetPoints()), Text: b.GetPoints(), Bound: criteria.Threshold{Bound: criteria.Otherwise}}
			switch bound := b.GetBound().(type) {
			case *evaluationv1.ScoreBand_AtLeast:
				band.Bound.Bound, band.Bound.Text = criteria.AtLeast, bound.AtLeast
			case *evaluationv1.ScoreBand_AtMost:
				band.Bound.Bound, band.Bound.Text = criteria.AtMost, bound.AtMost
			}
			band.Bound.Value = rat(band.Bound.Text)
			rule.Bands = append(rule.Bands, band)
		}
		card.Rules = append(card.Rules, rule)
	}
	return card
}

func scorecardOut(c *rating.ScoreResult) *evaluationv1.ScorecardResult {
	if c == nil {
		return nil
	}
	m := &evaluationv1.ScorecardResult{Grade: gradeOut(c.Grade), Score: c.Score, Threshold: c.Threshold}
	for _, i := range c.Items {
		m.Items = append(m.Items, &evaluationv1.ScoreItem{Indicator: indicatorOut(i.Figure), Weight: i.Weight, Points: i.Points})
	}
	return m
}
