package rating

import (
	"fmt"
	"math/big"
	"strings"

	"github.com/avalcredit/aval/services/evaluation/internal/criteria"
	"github.com/avalcredit/aval/services/evaluation/internal/grade"
)

// scorecard names the scorecard where a rating says what decided.
const scorecard = "scorecard"

// ScoreResult is what a scorecard gave.
type ScoreResult struct {
	Grade grade.Grade `json:"grade,omitempty"`
	// Score is the weighted mean of the points, exact; empty where no item counts.
	Score string `json:"score,omitempty"`
	// Threshold is the grades by score, in words.
	Threshold string      `json:"threshold"`
	Items     []ScoreItem `json:"items"`
}

// ScoreItem is one indicator of a scorecard. Its figure has no grade, and its threshold
// says the points by value.
type ScoreItem struct {
	Figure IndicatorResult `json:"figure"`
	Weight string          `json:"weight"`
	// Points that it got; empty where it does not count.
	Points string `json:"points,omitempty"`
}

// judgeScorecard adds up weight x points over the items that count, and grades the mean.
func judgeScorecard(in *Inputs, card *criteria.Scorecard) judgedScore {
	j := judgedScore{items: make([]judgedItem, len(card.Rules))}
	points, weights := new(big.Rat), new(big.Rat)
	for i := range card.Rules {
		rule := &card.Rules[i]
		item := judgedItem{figure: measure(in, rule.Figure())}
		if item.value != nil {
			item.points = rule.PointsOf(item.value)
		} else {
			item.points, _ = missingPoints(*rule)
		}
		if item.points != nil {
			points.Add(points, new(big.Rat).Mul(rule.Weight, item.points))
			weights.Add(weights, rule.Weight)
		}
		j.items[i] = item
	}
	if weights.Sign() > 0 {
		j.score = points.Quo(points, weights)
		j.grade = card.GradeOf(j.score)
	}
	return j
}

func describeScorecard(card criteria.Scorecard, j judgedScore) ScoreResult {
	res := ScoreResult{Threshold: thresholds(criteria.Rule{Thresholds: card.Grades}), Items: make([]ScoreItem, 0, len(card.Rules)), Grade: j.grade}
	if j.score != nil {
		res.Score = text(j.score)
	}
	for i, rule := range card.Rules {
		res.Items = append(res.Items, describeItem(rule, j.items[i]))
	}
	return res
}

func describeItem(rule criteria.ScoreRule, j judgedItem) ScoreItem {
	item := ScoreItem{Weight: rule.WeightText, Figure: IndicatorResult{
		Name: string(rule.Indicator), Unit: rule.Indicator.Unit(), FactIDs: j.facts, AsOf: j.asOf, Threshold: bandsText(rule),
	}}
	if j.value != nil {
		item.Figure.Value = text(j.value)
	} else {
		item.Figure.Missing, item.Figure.MissingWhy = true, j.why
		_, item.Figure.MissingRule = missingPoints(rule)
	}
	if j.points != nil {
		item.Points = text(j.points)
	}
	return item
}

// missingPoints is nil where the item does not count.
func missingPoints(rule criteria.ScoreRule) (points *big.Rat, how string) {
	switch rule.Missing {
	case criteria.Ignore:
		return nil, string(criteria.Ignore)
	case criteria.Default:
		return rule.PointsOf(rule.MissingValue), string(criteria.Default) + " " + rule.MissingText
	default:
		points = rule.MissingPoints
		if points == nil {
			points = rule.Fewest()
		}
		return points, string(criteria.Fail) + ": " + text(points) + " points"
	}
}

func bandsText(rule criteria.ScoreRule) string {
	parts := make([]string, 0, len(rule.Bands))
	for _, b := range rule.Bands {
		parts = append(parts, boundText(b.Bound)+": "+b.Text)
	}
	return strings.Join(parts, "; ")
}

// scoreImprovements names the items that got less than they can give, where the
// scorecard is what holds the grade.
func scoreImprovements(p criteria.Policy, res Result) []string {
	if res.Scorecard == nil || res.Scorecard.Grade != res.Grade || res.Grade == grade.A {
		return nil
	}
	out := []string{fmt.Sprintf("scorecard: %s points; %s", res.Scorecard.Score, res.Scorecard.Threshold)}
	for i, item := range res.Scorecard.Items {
		most := p.Scorecard.Rules[i].Most()
		if item.Points == "" || item.Points == text(most) {
			continue
		}
		out = append(out, fmt.Sprintf("scorecard/%s: %s points of %s, weight %s (%s)",
			item.Figure.Name, item.Points, text(most), item.Weight, item.Figure.Threshold))
	}
	return out
}
