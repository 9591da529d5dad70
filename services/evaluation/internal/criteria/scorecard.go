package criteria

import (
	"fmt"
	"math/big"
	"strings"

	"github.com/avalcredit/aval/services/evaluation/internal/grade"
)

// Scorecard grades by the weighted mean of points: sum(weight x points) / sum(weight)
// over the indicators that count.
type Scorecard struct {
	Rules []ScoreRule
	// Grades by score, best first; the last covers every score.
	Grades []Threshold
}

// ScoreRule gives points to one indicator.
type ScoreRule struct {
	Indicator Indicator
	// Weight among the others; WeightText is how the policy wrote it.
	Weight     *big.Rat
	WeightText string
	// Bands in their order; the last covers every value.
	Bands   []Band
	Missing Missing
	// MissingPoints are given under Fail; MissingValue stands in under Default.
	MissingPoints *big.Rat
	MissingValue  *big.Rat
	MissingText   string
	// MaxAgeDays, VerifiedOnly and MinItems are as in Rule.
	MaxAgeDays   int
	VerifiedOnly bool
	MinItems     int64
	Scales       []Scale
}

// Band gives points to values within a bound.
type Band struct {
	// Bound of the band; its grade is empty.
	Bound Threshold
	// Points, and how the policy wrote them.
	Points *big.Rat
	Text   string
}

// Figure is the part of the rule that says how the indicator is measured.
func (r ScoreRule) Figure() Rule {
	return Rule{Indicator: r.Indicator, MaxAgeDays: r.MaxAgeDays, VerifiedOnly: r.VerifiedOnly, MinItems: r.MinItems, Scales: r.Scales}
}

// PointsOf returns the points of the first band that covers the value.
func (r ScoreRule) PointsOf(v *big.Rat) *big.Rat {
	for _, b := range r.Bands {
		if b.Bound.Covers(v) {
			return b.Points
		}
	}
	return r.Fewest()
}

// Fewest returns the fewest points of any band.
func (r ScoreRule) Fewest() *big.Rat { return r.extreme(-1) }

// Most returns the most points of any band.
func (r ScoreRule) Most() *big.Rat { return r.extreme(1) }

func (r ScoreRule) extreme(sign int) *big.Rat {
	var found *big.Rat
	for _, b := range r.Bands {
		if found == nil || b.Points.Cmp(found) == sign {
			found = b.Points
		}
	}
	return found
}

// GradeOf returns the grade of a score.
func (s Scorecard) GradeOf(score *big.Rat) grade.Grade {
	for _, t := range s.Grades {
		if t.Covers(score) {
			return t.Grade
		}
	}
	return grade.D
}

func (s Scorecard) check(bad func(field, rule, message string)) {
	seen := map[Indicator]bool{}
	for i, r := range s.Rules {
		at := fmt.Sprintf("scorecard.indicators[%d]", i)
		if seen[r.Indicator] {
			bad(at+".indicator", "unique", "stands in the scorecard twice")
		}
		seen[r.Indicator] = true
		if r.Weight == nil || r.Weight.Sign() <= 0 {
			bad(at+".weight", "positive", "must be above zero")
		}
		bounds := make([]Threshold, len(r.Bands))
		for k, b := range r.Bands {
			bounds[k] = b.Bound
		}
		checkBounds(at+".bands", bounds, bad)
		if r.Missing == Default && r.MissingValue == nil {
			bad(at+".missing_value", "required", "MISSING_RULE_DEFAULT needs the value that stands in")
		}
		checkFacts(at, r.Figure(), bad)
	}
	Rule{Thresholds: s.Grades}.checkGrades("scorecard.grades", bad)
	for i, t := range s.Grades {
		if t.Bound == AtMost {
			bad(fmt.Sprintf("scorecard.grades[%d].at_most", i), "at_least", "more points are better: grades are given by at_least")
		}
	}
}

// checkBounds finds bands that no value can reach: bounds of one direction, each further out than the one before.
func checkBounds(at string, all []Threshold, bad func(field, rule, message string)) {
	for i, t := range all {
		field := fmt.Sprintf("%s[%d]", at, i)
		if end := i == len(all)-1; end != (t.Bound == Otherwise) {
			bad(field, "otherwise", "the last one, and only that one, has otherwise")
			continue
		}
		if i == 0 || t.Bound == Otherwise || all[i-1].Bound != t.Bound {
			continue
		}
		c := t.Value.Cmp(all[i-1].Value)
		if t.Bound == AtLeast && c >= 0 || t.Bound == AtMost && c <= 0 {
			bad(field+"."+string(t.Bound), "reachable", "no value gets here: the one before covers "+strings.ReplaceAll(string(t.Bound), "_", " ")+" "+t.Text)
		}
	}
}

// checkFacts refuses demands on facts that the indicator's source cannot meet.
func checkFacts(at string, r Rule, bad func(field, rule, message string)) {
	if r.Indicator.FromInvoices() && r.VerifiedOnly {
		bad(at+".verified_only", "source", "invoices are not verified one by one: leave it out")
	}
	if !r.Indicator.FromPayments() && r.MinItems > 0 {
		bad(at+".min_items", "source", "counts settled items of the payment record, which this indicator does not come from")
	}
}
